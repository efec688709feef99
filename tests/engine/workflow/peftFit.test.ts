/** Which graphs fit into a PEFT folder, and in which words the others do not. Numbers are compared in `tests/parity`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { must } from '../../../engine/base/errors.ts';
import type { Document, Edge, Graph, Node, Params } from '../../../engine/protocol/document.ts';
import { splitStack } from '../../../engine/protocol/edit.ts';
import { bankId, nodeId, recordOf, withEntry, withoutEntry } from '../../../engine/protocol/ids.ts';
import type { Backbone } from '../../../engine/workflow/backbone.ts';
import { fitPeft } from '../../../engine/workflow/peft/fit.ts';
import type { HeadTask } from '../../../engine/workflow/toolkit.ts';
import { makeNode, wire, type Entry } from '../../../nodes/backbones/graph.ts';
import { applyPreset } from '../../../nodes/index.ts';
import { documentOn, subjectOf, writeTinyBackbone } from '../../support/peft.ts';
import { MAIN, TINY, withModules } from '../../support/tinyModels.ts';

const CLASSES: HeadTask = { kind: 'classification', outputs: 3 };
const TOKENS: HeadTask = { kind: 'tokens', outputs: 4 };
const LAYERS = nodeId('layers');

let folder = '';
let backbone: Backbone;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-peft-'));
  backbone = writeTinyBackbone(join(folder, 'bert'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

type Choices = Readonly<Record<string, unknown>>;
const documentWith = (preset: string, params: Choices = {}, task = CLASSES): Document =>
  documentOn(backbone, task, preset, params);

function also(document: Document, preset: string, params: Choices = {}): Document {
  const made = applyPreset(document, MAIN, preset, params);
  if (!made.ok) throw new Error(made.error);
  return made.value;
}

const graphOf = (document: Document): Graph => must(document.models[MAIN], 'model');
const withGraph = (document: Document, graph: Graph): Document => ({ ...document, models: recordOf([[MAIN, graph]]) });

function changeNode(document: Document, id: string, change: (node: Node) => Partial<Node>, inside = true): Document {
  const graph = graphOf(document);
  const changed = (g: Graph): Graph => {
    const node = must(g.nodes[nodeId(id)], id);
    return { ...g, nodes: withEntry(g.nodes, nodeId(id), { ...node, ...change(node) }) };
  };
  if (!inside) return withGraph(document, changed(graph));
  const stack = must(graph.nodes[LAYERS], 'stack');
  const body = changed(must(stack.body, 'body'));
  return withGraph(document, { ...graph, nodes: withEntry(graph.nodes, LAYERS, { ...stack, body }) });
}

const setParams = (document: Document, id: string, params: Params, inside = true): Document =>
  changeNode(
    document,
    id,
    (node) => ({ params: recordOf([...Object.entries(node.params), ...Object.entries(params)]) }),
    inside,
  );

const addInside = (document: Document, nodes: readonly Entry[], edges: readonly Edge[]): Document =>
  withGraph(document, withModules(graphOf(document), nodes, edges));

/** Without a node of the stack's body and its wires. */
function withoutInside(document: Document, id: string): Document {
  const graph = graphOf(document);
  const stack = must(graph.nodes[LAYERS], 'stack');
  const { nodes, edges } = must(stack.body, 'body');
  const body = {
    nodes: withoutEntry(nodes, nodeId(id)),
    edges: edges.filter((e) => e.from.node !== id && e.to.node !== id),
  };
  return withGraph(document, { ...graph, nodes: withEntry(graph.nodes, LAYERS, { ...stack, body }) });
}

function reasonOf(document: Document, on = backbone): string {
  const fit = fitPeft(subjectOf(on, document));
  return fit.ok ? `fits ${fit.value.config.type}` : fit.error;
}

describe('graphs that fit', () => {
  test.each([
    ['lora', {}, 'LORA'],
    ['rslora', {}, 'LORA'],
    ['dora', {}, 'LORA'],
    ['ia3', {}, 'IA3'],
    ['lntuning', {}, 'LN_TUNING'],
    ['prefix', { positions: 'shifted', size: 3 }, 'PREFIX_TUNING'],
    ['prefix-mlp', { positions: 'shifted', size: 3, bottleneck: 2 }, 'PREFIX_TUNING'],
    ['prompt', { pool: 'first', size: 3 }, 'PROMPT_TUNING'],
  ] as const)('%s', (preset, params, type) => {
    expect(reasonOf(documentWith(preset, params))).toBe(`fits ${type}`);
  });

  test('a muted module does not count', () => {
    const document = also(documentWith('lora'), 'pfeiffer');
    const muted = changeNode(document, 'pfeiffer', () => ({ mute: true }));
    expect(reasonOf(muted)).toBe('fits LORA');
    const fit = fitPeft(
      subjectOf(
        backbone,
        changeNode(documentWith('lora', { targets: 'query' }), 'lora_attn_query', () => ({ mute: '1' })),
      ),
    );
    expect(fit.ok && fit.value.config).toMatchObject({ targets: { names: ['query'] }, layers: [0, 2] });
  });

  test('names, split stacks and dropout do not count', () => {
    const document = documentWith('lora', { dropout: 0.4 });
    const split = splitStack(document, { graph: { level: 'model', model: MAIN, path: [] }, node: LAYERS }, 1);
    if (!split.ok) throw new Error(JSON.stringify(split.error));
    expect(reasonOf(changeNode(split.value, 'layers', () => ({ title: 'Other' }), false))).toBe('fits LORA');
    expect(reasonOf(setParams(document, 'attn_drop', { p: 0.5 }))).toBe('fits LORA');
  });

  test('ranks, scales and layers are said in the words of PEFT', () => {
    const document = setParams(documentWith('lora', { r: 4, targets: 'query,down' }), 'lora_attn_query', {
      rank: { all: 4, at: { '1': 2 } },
      alpha: { all: 8, at: { '0': 3 } },
    });
    const fit = fitPeft(subjectOf(backbone, document));
    expect(fit.ok && fit.value.config).toMatchObject({
      rank: 4,
      alpha: 8,
      rankPattern: new Map([['encoder.layer.1.attention.self.query', 2]]),
      alphaPattern: new Map([['encoder.layer.0.attention.self.query', 3]]),
      targets: {
        kind: 'names',
        names: ['layer.0.output.dense', 'layer.1.output.dense', 'layer.2.output.dense', 'query'],
      },
    });
  });
});

describe('graphs that do not fit, and why', () => {
  test.each([
    ['head', {}, 'no file format for a head alone'],
    ['pfeiffer', {}, 'a bottleneck adapter has no PEFT file format'],
    ['houlsby', {}, 'a bottleneck adapter has no PEFT file format'],
    ['bitfit', {}, 'BitFit has no PEFT file format'],
    ['unfreeze', {}, 'unfrozen weights have no PEFT file format'],
    [
      'prefix',
      { size: 3 },
      'positions begin at 0, in PEFT they begin behind the prefix at 3: choose positions=shifted',
    ],
    ['prefix', { size: 3, positions: 'shifted', layers: '0-1' }, 'layer 2 has no prefix'],
    ['prompt', { size: 3 }, 'choose pool=first'],
  ] as const)('%s %o', (preset, params, reason) => {
    expect(reasonOf(documentWith(preset, params))).toContain(reason);
  });

  test('a method that reads a bank', () => {
    const bank = bankId('sources');
    const document = { ...documentOn(backbone, CLASSES), banks: recordOf([[bank, { sources: [] }]]) };
    const made = applyPreset(document, MAIN, 'scalearn', {}, bank);
    expect(made.ok && reasonOf(made.value)).toContain('source bank');
  });

  test('two methods', () => {
    expect(reasonOf(also(documentWith('lora'), 'ia3', { targets: 'key', inputs: '' }))).toContain(
      'mixes LoRA and (IA)³',
    );
    expect(reasonOf(also(documentWith('lora'), 'prefix', { positions: 'shifted' }))).toContain(
      'mixes LoRA and a prefix',
    );
    expect(reasonOf(also(documentWith('lora', { targets: 'query' }), 'dora', { targets: 'key' }))).toContain(
      'some modules are DoRA',
    );
    expect(reasonOf(also(documentWith('lora', { targets: 'query' }), 'rslora', { targets: 'key' }))).toContain(
      'some modules are rsLoRA',
    );
    expect(reasonOf(also(documentWith('lora', { targets: 'query' }), 'rslora', { targets: 'query' }))).toContain(
      'two modules stand on bert.encoder.layer.0.attention.self.query',
    );
  });

  test('a gate', () => {
    const gated = addInside(
      documentWith('lora'),
      [makeNode('gate', 'peft.gate')],
      [wire('$in.hidden -> gate.x'), wire('gate.gate -> lora_attn_query.gate')],
    );
    expect(reasonOf(gated)).toContain('a gate scales the update');
    const byHand = addInside(documentWith('lora'), [], [wire('$in.hidden -> lora_attn_query.gate')]);
    expect(reasonOf(byHand)).toContain('a gate scales the update');
  });

  test('half a norm, another epsilon, one module for two norms', () => {
    const document = documentWith('lntuning');
    expect(reasonOf(setParams(document, 'lntuning_norm_attn', { train: 'scale' }))).toContain('PEFT trains both');
    expect(reasonOf(setParams(document, 'lntuning_norm_attn', { epsilon: 0.1 }))).toContain('another epsilon');
    const lonely = withoutInside(document, 'lntuning_norm_ffn');
    const shared = addInside(lonely, [], [wire('lntuning_norm_attn.affine -> ffn_norm.affine')]);
    expect(reasonOf(shared)).toContain('modules share their parameters');
  });

  test('a prefix that is longer in one layer', () => {
    const document = documentWith('prefix', { size: 3, positions: 'shifted' });
    expect(reasonOf(setParams(document, 'prefix', { size: { all: 3, at: { '1': 4 } } }))).toContain(
      'one length for all',
    );
  });

  test('a backbone that was changed', () => {
    const changed = 'the graph was changed elsewhere';
    expect(reasonOf(setParams(documentWith('lora'), 'ffn_act', { function: 'relu' }))).toContain(changed);
    expect(reasonOf(setParams(documentWith('lora'), 'attention', { causal: 'yes' }))).toContain(changed);
    expect(
      reasonOf(
        changeNode(documentWith('lora'), 'layers', (n) => ({ stack: { ...must(n.stack, 'stack'), repeat: 2 } }), false),
      ),
    ).toContain(changed);
    expect(reasonOf(setParams(documentWith('lora'), 'cls', { position: 1 }, false))).toContain(changed);
    expect(reasonOf(setParams(documentWith('lora'), 'embeddings', { firstPosition: 1 }, false))).toContain(
      'positions begin at 1',
    );
  });

  test('a backbone without a pooler, for sequences', () => {
    const bare = writeTinyBackbone(join(folder, 'bare'), { ...TINY, hasPooler: false });
    expect(reasonOf(documentOn(bare, CLASSES, 'lora'), bare)).toContain('no pooler');
    expect(reasonOf(documentOn(bare, TOKENS, 'lora'), bare)).toBe('fits LORA');
  });

  test('a prefix in RoBERTa for sequences, which PEFT itself cannot run', () => {
    const roberta = writeTinyBackbone(join(folder, 'roberta'), { ...TINY, family: 'roberta', hasPooler: false });
    const document = documentOn(roberta, CLASSES, 'prefix', { size: 3, positions: 'shifted' });
    expect(reasonOf(document, roberta)).toContain('PEFT cannot run a prefix in a RoBERTa');
  });

  test('two layers of one name', () => {
    const query = must(
      must(graphOf(documentWith('lora')).nodes[LAYERS], 'stack').body?.nodes[nodeId('query')],
      'query',
    );
    const twice = addInside(documentWith('lora'), [[nodeId('again'), query]], [wire('$in.hidden -> again.x')]);
    expect(reasonOf(twice)).toContain('PEFT would read other modules');
  });

  test('a graph that cannot be compiled', () => {
    const odd = addInside(documentWith('lora'), [[nodeId('odd'), { type: 'no.such', version: 1, params: {} }]], []);
    expect(reasonOf(odd)).toContain('the model cannot be compiled');
  });

  test('a soft prompt for tokens', () => {
    expect(reasonOf(documentWith('prompt', { pool: 'first', size: 3 }, TOKENS))).toContain('labels its vectors too');
  });
});
