/** Edits: each gives a new document and leaves the old one alone, or says why not. */
import { describe, expect, it } from 'vitest';
import type { Document } from '../../../engine/protocol/document.ts';
import {
  addNode,
  addStep,
  coerce,
  connect,
  disconnect,
  findNode,
  formatNodeAddress,
  graphAt,
  inModel,
  inWorkflow,
  makeIndependent,
  nodeAt,
  removeNode,
  resetParamForLayers,
  setParam,
  setParamForLayers,
  setParamText,
  unsetParam,
  type EditResult,
  type GraphAddress,
} from '../../../engine/protocol/edit.ts';
import { modelId, nodeId, recordOf } from '../../../engine/protocol/ids.ts';
import { parseDocument } from '../../../engine/protocol/parse.ts';
import { printDocument } from '../../../engine/protocol/print.ts';
import { build, codes, model, node, plain, stack, wires, type Literal } from './build.ts';
import { knows } from './generate.ts';

const MAIN = inModel(modelId('main'));
const IN_STACK = inModel(modelId('main'), nodeId('s'));
const at = (graph: GraphAddress, id: string) => ({ graph, node: nodeId(id) });
const PLAIN = { type: 'plain', version: 1, params: recordOf<string, never>([]) };
const edge = (text: string) => {
  const [wire] = wires(text);
  return wire as unknown as Parameters<typeof connect>[2];
};

/** The new document; that it prints and reads back is part of being one. */
function done(result: EditResult): Document {
  if (!result.ok) throw new Error(codes(result.error).join());
  expect(parseDocument(printDocument(result.value), 'f', { knows }).document).toEqual(result.value);
  return result.value;
}
const refused = (result: EditResult) => (result.ok ? [] : codes(result.error));
/** Runs an edit on a frozen document, so that a change of the old one throws. */
const frozen = (document: Document): Document => deepFreeze(document);

const SAMPLE = frozen(
  model(
    {
      a: node({ params: { r: 8, name: 'x', on: true, list: ['q', 'v'], numbers: [1, 2] } }),
      s: stack(0, 6, {}, { params: { r: 8 } }),
      b: node(),
      kept: { type: 'alien.node', version: 1, odd: [1] },
    },
    wires('a.out -> s.x', 's.x -> b.in', 'a.out -> kept.in'),
    { workflow: { nodes: plain('train', 'a'), edges: wires('a.out -> train.in') } },
  ),
);

describe('nodes', () => {
  it('are added at the end, on each level', () => {
    const document = done(addNode(SAMPLE, IN_STACK, 'lora', PLAIN));
    expect(Object.keys(graphAt(document, IN_STACK)?.nodes ?? {})).toEqual(['q', 'lora']);
    expect(Object.keys(graphAt(SAMPLE, IN_STACK)?.nodes ?? {})).toEqual(['q']);
    expect(Object.keys(done(addStep(SAMPLE, inWorkflow(), 'predict', PLAIN)).workflow.nodes)).toEqual([
      'train',
      'a',
      'predict',
    ]);
  });
  it('need a new, valid name and a graph', () => {
    expect(refused(addNode(SAMPLE, MAIN, 'a', PLAIN))).toEqual(['edit-node-exists']);
    for (const name of ['', 'a.b', '1a', '__proto__', 'constructor', 'x'.repeat(200)]) {
      expect(refused(addNode(SAMPLE, MAIN, name, PLAIN)), name).toEqual(['edit-name']);
    }
    expect(refused(addNode(SAMPLE, inModel(modelId('ghost')), 'x', PLAIN))).toEqual(['edit-graph-missing']);
    expect(refused(addNode(SAMPLE, inModel(modelId('main'), nodeId('a')), 'x', PLAIN))).toEqual(['edit-graph-missing']);
  });
  it('are removed with their wires and promoted ports, unknown ones too', () => {
    const promoted = [{ name: 'p', node: 'a', port: 'in', kind: 'column' }];
    const document = build({ models: { main: { nodes: plain('a', 'b'), edges: wires('a.o -> b.i'), promoted } } });
    const left = done(removeNode(document, at(MAIN, 'a')));
    expect(graphAt(left, MAIN)).toEqual({
      nodes: document.models[modelId('main')] && { b: PLAIN },
      edges: [],
      promoted: [],
    });
    expect(graphAt(done(removeNode(SAMPLE, at(MAIN, 'kept'))), MAIN)?.edges).toHaveLength(2);
    expect(refused(removeNode(SAMPLE, at(MAIN, 'ghost')))).toEqual(['edit-node-missing']);
  });
});

describe('wires', () => {
  it('are added and removed', () => {
    const document = done(connect(SAMPLE, MAIN, edge('a.out -> b.other #3')));
    expect(graphAt(document, MAIN)?.edges.at(-1)).toEqual(edge('a.out -> b.other #3'));
    expect(done(disconnect(document, MAIN, edge('a.out -> b.other')))).toEqual(SAMPLE);
  });
  it.each([
    ['ghost.out -> a.in', 'edge-dangling'],
    ['a.out -> a.in', 'edge-self'],
    ['a.out -> s.x', 'edge-duplicate'],
    ['a.out -> s.y', 'stack-port-unknown'],
    ['$in.x -> b.in', 'wall-outside-body'],
    ['b.out -> a.in', 'edit-edge-cycle'],
  ])('%s is refused: %s', (text, code) => {
    expect(refused(connect(SAMPLE, MAIN, edge(text)))).toEqual([code]);
  });
  it('through the wall need a port of the stack', () => {
    expect(refused(connect(SAMPLE, IN_STACK, edge('$in.mask -> q.mask')))).toEqual(['wall-port-unknown']);
    expect(refused(connect(SAMPLE, IN_STACK, edge('q.out -> $in.x')))).toEqual(['wall-direction']);
    expect(refused(connect(SAMPLE, IN_STACK, edge('q.more -> $out.x')))).toEqual(['wall-port-many']);
    done(connect(SAMPLE, IN_STACK, edge('$in.x -> q.residual')));
  });
  it('of one port need an order of their own', () => {
    const document = done(connect(SAMPLE, MAIN, edge('a.out -> b.many #1')));
    expect(refused(connect(document, MAIN, edge('s.x -> b.many #1')))).toEqual(['edge-order-duplicate']);
  });
  it('that close a cycle show it', () => {
    const result = connect(SAMPLE, MAIN, edge('b.out -> a.in'));
    expect(result.ok ? '' : result.error[0]?.found).toBe('b.out -> a.in in a -> s -> b -> a');
  });
  it('that do not exist cannot be removed', () => {
    expect(refused(disconnect(SAMPLE, MAIN, edge('b.out -> a.in')))).toEqual(['edit-edge-missing']);
  });
});

describe('names of nodes', () => {
  const find = (text: string) => {
    const found = findNode(SAMPLE, text);
    return found.ok ? formatNodeAddress(found.value) : codes(found.error).join();
  };
  it.each([
    ['train', 'workflow:train'],
    ['q', 'main:s/q'],
    ['s/q', 'main:s/q'],
    ['main:s/q', 'main:s/q'],
    ['main:a', 'main:a'],
    ['workflow:a', 'workflow:a'],
    ['a', 'edit-node-ambiguous'],
    ['ghost', 'edit-node-missing'],
    ['ain:a', 'edit-node-missing'],
    ['', 'edit-node-missing'],
  ])('%s is %s', (text, expected) => {
    expect(find(text)).toBe(expected);
  });
});

describe('parameters', () => {
  const r = (document: Document, id = 's/q') => {
    const found = findNode(document, `main:${id}`);
    return found.ok ? nodeAt(document, found.value)?.params['r'] : undefined;
  };
  it('are set for all, for layers, reset, and taken out', () => {
    const one = done(setParam(SAMPLE, at(IN_STACK, 'q'), 'r', 16));
    expect(r(one)).toBe(16);
    const two = done(setParamForLayers(one, at(IN_STACK, 'q'), 'r', '-2..', 4));
    expect(r(two)).toEqual({ all: 16, at: { '4-5': 4 } });
    const three = done(resetParamForLayers(two, at(IN_STACK, 'q'), 'r', '4'));
    expect(r(three)).toEqual({ all: 16, at: { '5': 4 } });
    expect(r(done(setParam(three, at(IN_STACK, 'q'), 'r', 2)))).toBe(2);
    expect(r(done(unsetParam(three, at(IN_STACK, 'q'), 'r')))).toBeUndefined();
    expect(r(SAMPLE)).toBe(8);
  });
  it('are refused with the reason', () => {
    const q = at(IN_STACK, 'q');
    expect(refused(setParam(SAMPLE, at(MAIN, 'ghost'), 'r', 1))).toEqual(['edit-node-missing']);
    expect(refused(setParam(SAMPLE, at(MAIN, 'kept'), 'r', 1))).toEqual(['edit-node-kept']);
    expect(refused(setParam(SAMPLE, q, 'a.b', 1))).toEqual(['edit-name']);
    expect(refused(setParamForLayers(SAMPLE, q, 'r', '6', 1))).toEqual(['edit-layers']);
    expect(refused(setParamForLayers(SAMPLE, q, 'alpha', '5', 1))).toEqual(['edit-layers-no-base']);
    expect(refused(setParamForLayers(SAMPLE, at(MAIN, 'a'), 'r', '5', 1))).toEqual(['layers-outside-stack']);
  });
  it('without a value of their own take the default as the value for all', () => {
    const result = setParamForLayers(SAMPLE, at(IN_STACK, 'q'), 'alpha', '5', 1, () => 32);
    expect(nodeAt(done(result), at(IN_STACK, 'q'))?.params['alpha']).toEqual({ all: 32, at: { '5': 1 } });
  });
});

describe('settings of the command line', () => {
  const value = (text: string, param: string) => {
    const found = nodeAt(done(setParamText(SAMPLE, text)), at(MAIN, 'a'));
    return found?.params[param];
  };
  it.each([
    ['main:a.r=16', 'r', 16],
    ['main:a.r=1e-3', 'r', 0.001],
    ['main:a.name=16', 'name', '16'],
    ['main:a.name=a=b.c@d', 'name', 'a=b.c@d'],
    ['main:a.name=', 'name', ''],
    ['main:a.on=false', 'on', false],
    ['main:a.list=q, k', 'list', ['q', 'k']],
    ['main:a.list=["q,k"]', 'list', ['q,k']],
    ['main:a.list=', 'list', []],
    ['main:a.numbers=3,4.5', 'numbers', [3, 4.5]],
    ['main:a.fresh=7', 'fresh', 7],
    ['main:a.fresh=true', 'fresh', true],
    ['main:a.fresh=sst2', 'fresh', 'sst2'],
    ['main:a.fresh=[1,"x"]', 'fresh', [1, 'x']],
  ])('%s', (text, param, expected) => {
    expect(value(text, param)).toEqual(expected);
  });
  it('set some layers of a stack', () => {
    const document = done(setParamText(SAMPLE, 'q.r@-2..=16'));
    expect(nodeAt(document, at(IN_STACK, 'q'))?.params['r']).toEqual({ all: 8, at: { '4-5': 16 } });
  });
  it('take their type from the default when the document has no value', () => {
    expect(value('main:a.fresh=7', 'fresh')).toBe(7);
    const document = done(setParamText(SAMPLE, 'main:a.fresh=7', () => 'text'));
    expect(nodeAt(document, at(MAIN, 'a'))?.params['fresh']).toBe('7');
  });
  it.each([
    ['main:a.r=x', 'edit-value'],
    ['main:a.r=', 'edit-value'],
    ['main:a.r=0x10', 'edit-value'],
    ['main:a.r=1e999', 'edit-value'],
    ['main:a.on=1', 'edit-value'],
    ['main:a.numbers=1,x', 'edit-value'],
    ['main:a.numbers=["x"]', 'edit-value'],
    ['a.r=1', 'edit-node-ambiguous'],
    ['ghost.r=1', 'edit-node-missing'],
    ['kept.r=1', 'edit-node-kept'],
    ['r=1', 'edit-set-syntax'],
    ['main:a.r', 'edit-set-syntax'],
    ['', 'edit-set-syntax'],
    ['.=', 'edit-set-syntax'],
    ['q.r@=1', 'edit-set-syntax'],
    ['q.r@9=1', 'edit-layers'],
    ['main:a.list@0=q', 'edit-layers-of-list'],
    ['main:a.r@0=1', 'layers-outside-stack'],
    ['main:a.__proto__=1', 'edit-name'],
  ])('%s is refused: %s', (text, code) => {
    expect(refused(setParamText(SAMPLE, text))).toEqual([code]);
  });
  it('say what was expected', () => {
    expect(coerce('x', 1)).toEqual({ ok: false, error: 'a finite number' });
    expect(coerce('-0', 1)).toEqual({ ok: true, value: 0 });
    expect(coerce('a,b', [])).toEqual({ ok: true, value: ['a', 'b'] });
    expect(coerce('["a",2]', [])).toEqual({ ok: true, value: ['a', 2] });
  });
});

describe('recipes', () => {
  const users: Literal = { type: 'lora', recipe: 'r' };
  const document = frozen(
    model({ s: stack(0, 6, {}, { ...users, params: { dropout: 0.1 } }), b: node(users) }, [], {
      recipes: { r: { type: 'lora', version: 1, params: { r: 8, alpha: 16 } } },
    }),
  );
  const recipe = (d: Document) => d.recipes['r' as keyof typeof d.recipes]?.params;

  it('take the edits of what they hold, once for all users', () => {
    const edited = done(setParamText(done(setParamText(document, 'q.r=4')), 'q.alpha@4-5=1'));
    expect(recipe(edited)).toEqual({ r: 4, alpha: { all: 16, at: { '4-5': 1 } } });
    expect(nodeAt(edited, at(IN_STACK, 'q'))?.params).toEqual({ dropout: 0.1 });
  });
  it('leave what a node holds itself to the node', () => {
    const edited = done(setParamText(document, 'q.dropout=0.5'));
    expect(recipe(edited)).toEqual({ r: 8, alpha: 16 });
    expect(nodeAt(edited, at(IN_STACK, 'q'))?.params).toEqual({ dropout: 0.5 });
  });
  it('can be left by a node, which takes a copy along', () => {
    const cut = done(makeIndependent(document, { graph: IN_STACK, node: nodeId('q') }));
    expect(nodeAt(cut, at(IN_STACK, 'q'))).toEqual({
      type: 'lora',
      version: 1,
      params: { r: 8, alpha: 16, dropout: 0.1 },
    });
    expect(recipe(done(setParamText(cut, 'q.r=2')))).toEqual({ r: 8, alpha: 16 });
    expect(refused(makeIndependent(cut, { graph: IN_STACK, node: nodeId('q') }))).toEqual(['edit-no-recipe']);
  });
  it('of unknown types are not edited, nor left', () => {
    const alien = model({ a: node({ recipe: 'r' }) }, [], { recipes: { r: { type: 'alien.node', x: 1 } } });
    expect(refused(setParamText(alien, 'a.r=1'))).toEqual(['edit-node-kept']);
    expect(refused(makeIndependent(alien, { graph: MAIN, node: nodeId('a') }))).toEqual(['edit-node-kept']);
    const kept = model({ a: { type: 'alien.node', version: 1, recipe: 'r' } });
    expect(refused(setParamText(kept, 'a.r=1'))).toEqual(['edit-node-kept']);
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
