/** Parameter sharing is explicit data: sets of nodes, and scopes over layers. Wiring never implies it. */
import { expect, test } from 'vitest';
import type { Edge, Node } from '../../../engine/protocol/document.ts';
import { sharedSetId } from '../../../engine/protocol/ids.ts';
import { makeNode, wire } from '../../../nodes/backbones/graph.ts';
import { compileTiny, tinyGraph, withModules } from '../../support/tinyModels.ts';

const trainable = (nodes: readonly (readonly [string, Node])[], edges: readonly Edge[]): string[] =>
  compileTiny(withModules(tinyGraph(), nodes, edges))
    .parameters.filter((p) => p.role === 'trainable' && !p.name.startsWith('head/'))
    .map((p) => p.name);

const edges = [wire('one.transform -> query.transforms'), wire('two.transform -> value.transforms')];
const lora = (extra: Parameters<typeof makeNode>[3] = {}) => [
  makeNode('one', 'peft.lora', { rank: 2 }, extra),
  makeNode('two', 'peft.lora', { rank: 2 }, extra),
];

test('without a word, every place and every layer has its own parameters', () => {
  expect(trainable(lora(), edges)).toHaveLength(2 * 2 * 3);
});

test('a shared set is one set of parameters for all its nodes and layers', () => {
  expect(trainable(lora({ shared: sharedSetId('both') }), edges).sort()).toEqual(['shared/both/A', 'shared/both/B']);
});

test('scope "stack" shares over the layers, not between places', () => {
  expect(trainable(lora({ scope: 'stack' }), edges).sort()).toEqual(
    ['one', 'two'].flatMap((id) => ['A', 'B'].map((t) => `layers/${id === 'one' ? 'query' : 'value'}/${id}/${t}`)),
  );
});

test('modules that are functions share likewise', () => {
  const adapters = ['one', 'two'].map((id) =>
    makeNode(id, 'peft.bottleneck', { size: 2 }, { shared: sharedSetId('set') }),
  );
  const wires = [
    'attn_drop.y -> one.x',
    'one.delta -> attn_add.x',
    'ffn_drop.y -> two.x',
    'two.delta -> ffn_add.x',
  ].map(wire);
  expect(trainable(adapters, wires).sort()).toEqual(
    ['down.bias', 'down.weight', 'up.bias', 'up.weight'].map((t) => `shared/set/${t}`),
  );
});
