/**
 * MEFT wired by hand: two streams through a pre-trained layer with a parallel adapter (F) and an adapter (G). Gradients
 * equal the oracle's when inputs of layers are recomputed from their outputs, and the memory of activations stays flat.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { differentiate } from '../../engine/autodiff/gradient.ts';
import { must } from '../../engine/base/errors.ts';
import { inlineProgram } from '../../engine/passes/inline.ts';
import { peakMemory } from '../../engine/passes/liveness.ts';
import { recompute } from '../../engine/passes/recompute.ts';
import { compileModel } from '../../engine/compile/model.ts';
import type { Document, Graph, Node } from '../../engine/protocol/document.ts';
import { nodeId, portId, recordOf } from '../../engine/protocol/ids.ts';
import { makeNode, wire } from '../../nodes/backbones/graph.ts';
import { bertGraph, type BertConfig } from '../../nodes/index.ts';
import { onnxRunner } from '../support/onnxRunner.ts';
import { startOracle, type Oracle } from '../support/oracle.ts';
import { askOracle, runOurs, tensorFor, worstGradient, type ParityCase } from '../support/parity.ts';
import { compileTiny, distance, documentOf, feedsFor, MAIN, REGISTRY } from '../support/tinyModels.ts';
import { interpret } from '../../engine/backends/reference/interpret.ts';

const BERT: BertConfig = {
  family: 'bert',
  prefix: '',
  hasPooler: true,
  vocabulary: 97,
  width: 32,
  layers: 3,
  heads: 4,
  intermediate: 64,
  activation: 'gelu',
  dropout: 0,
  attentionDropout: 0,
  classifierDropout: 0,
  positions: 64,
  types: 2,
  epsilon: 1e-12,
};

interface Meft {
  readonly lambda: number;
  readonly beta: number;
  readonly recompute: 'none' | 'reversible' | 'checkpoint';
}

/** MEFT1: y1 = lambda x1 + Layer(x2), y2 = beta x2 + Adapter(y1); the next layer takes (y2, y1). */
function meftDocument(config: BertConfig, meft: Meft): Document {
  const graph = bertGraph(config, { kind: 'classification', classes: 3 });
  const stackId = nodeId('layers');
  const stack = must(graph.nodes[stackId], 'stack');
  const body = must(stack.body, 'body');
  const ports = [portId('x1'), portId('x2')];
  const inner: Graph = {
    nodes: recordOf([
      ...Object.entries(body.nodes),
      makeNode('layer', 'peft.bottleneck', { size: 4, activation: 'gelu' }),
      makeNode('stream', 'peft.bottleneck', { size: 4, activation: 'gelu' }),
      makeNode('scale_1', 'compose.scale', { factor: meft.lambda }),
      makeNode('add_1', 'layer.add'),
      makeNode('scale_2', 'compose.scale', { factor: meft.beta }),
      makeNode('add_2', 'layer.add'),
    ]),
    edges: [
      ...body.edges
        .filter((e) => e.to.node !== '$out')
        .map((e) =>
          e.from.port === 'hidden' && e.from.node === '$in' ? { ...e, from: { ...e.from, port: portId('x2') } } : e,
        ),
      ...[
        'attn_norm.y -> layer.x',
        'layer.delta -> ffn_add.x',
        '$in.x1 -> scale_1.x',
        'scale_1.y -> add_1.x',
        'ffn_norm.y -> add_1.x',
        'add_1.y -> stream.x',
        '$in.x2 -> scale_2.x',
        'scale_2.y -> add_2.x',
        'stream.delta -> add_2.x',
        'add_2.y -> $out.x1',
        'add_1.y -> $out.x2',
      ].map(wire),
    ],
  };
  const settings = { ...must(stack.stack, 'settings'), carry: ports };
  const streams: Node = { ...stack, params: { recompute: meft.recompute }, stack: settings, body: inner };
  const outside = graph.edges.filter((e) => e.to.port !== 'hidden' && e.from.port !== 'hidden');
  const kept = graph.edges.filter((e) => e.from.node === 'embeddings' && e.from.port === 'hidden');
  const edges = [
    ...outside,
    ...kept,
    ...[
      'embeddings_drop.y -> layers.x1',
      'embeddings_drop.y -> layers.x2',
      'layers.x1 -> mean.x',
      'layers.x2 -> mean.x',
      'mean.y -> cls.x',
    ].map(wire),
  ];
  const nodes = Object.entries(graph.nodes).map(([id, n]) => [id, id === stackId ? streams : n] as const);
  return documentOf({ nodes: recordOf([...nodes, makeNode('mean', 'compose.average')]), edges });
}

let oracle: Oracle;
beforeAll(() => {
  oracle = startOracle();
});
afterAll(() => oracle.close());

test.each([['none'], ['checkpoint'], ['reversible']] as const)(
  'gradients equal the oracle with recompute "%s"',
  async (mode) => {
    const folder = join(oracle.folder, 'bert');
    mkdirSync(folder, { recursive: true });
    await oracle.request('make_backbone', { arch: 'bert', seed: 4, out: folder });
    const ids = [
      [5, 17, 33, 4],
      [9, 41, 2, 3, 8, 60],
      [11, 12],
    ];
    const meft = { lambda: 1, beta: 1, recompute: mode };
    const c: ParityCase = {
      title: `meft ${mode}`,
      preset: 'head',
      document: meftDocument(BERT, meft),
      methods: [{ kind: 'meft', m: 4, variant: 1, lambda: 1, beta: 1 }],
    };
    const batch = { ids, lengths: ids.map((r) => r.length), labels: [2, 0, 1] };
    const theirs = await askOracle(oracle, c, folder, batch, 'float64');
    const ours = await runOurs(c, BERT, folder, theirs.given, batch, onnxRunner(oracle.folder));
    const gradients = new Map(
      [...theirs.results].filter(([n]) => n.startsWith('gradient/')).map(([n, t]) => [n.slice(9), t]),
    );
    expect(ours.gradients.size).toBe(gradients.size);
    const worst = worstGradient(ours.gradients, (path) => tensorFor(path, gradients));
    expect(worst.ratio, worst.name).toBeLessThanOrEqual(1);
  },
);

describe('recomputation under dropout', () => {
  const config = {
    ...BERT,
    width: 12,
    heads: 3,
    intermediate: 20,
    vocabulary: 40,
    positions: 16,
    dropout: 0.2,
    attentionDropout: 0.2,
  };
  const compiled = (mode: Meft['recompute'], layers: number) =>
    compileTiny(
      must(meftDocument({ ...config, layers }, { lambda: 0.5, beta: 1, recompute: mode }).models[MAIN], 'model'),
    );
  const trained = (mode: Meft['recompute'], layers: number) => {
    const model = compiled(mode, layers);
    const wrt = model.parameters.filter((p) => p.role === 'trainable').map((p) => p.name);
    const flat = inlineProgram(model.program, { customVjp: true, inverses: true });
    return recompute(differentiate(flat, { of: 'objective', wrt })).program;
  };
  const entry = (mode: Meft['recompute'], layers: number) => must(trained(mode, layers).functions.get('main'), 'main');
  const batch = { lengths: [5, 2, 6, 3], length: 6 };

  test('restored layers draw the same dropout: gradients are those of kept activations', () => {
    const kept = interpret(entry('none', 3), feedsFor(trained('none', 3), batch));
    for (const mode of ['reversible', 'checkpoint'] as const) {
      const program = trained(mode, 3);
      const again = interpret(must(program.functions.get('main'), 'main'), feedsFor(program, batch));
      for (const [name, value] of kept)
        expect(distance(value, must(again.get(name), name)), `${mode} ${name}`).toBeLessThan(1e-9);
    }
  });

  test('the peak of a reversible stack is flat in depth', () => {
    const bindings = new Map([
      ['B', 8],
      ['T', 16],
    ]);
    const peak = (mode: Meft['recompute'], layers: number): number => peakMemory(entry(mode, layers), bindings).bytes;
    const [four, eight] = [peak('reversible', 4), peak('reversible', 8)];
    expect(eight / four).toBeLessThan(1.05);
    expect(peak('none', 8) / peak('none', 4)).toBeGreaterThan(1.7);
    expect(eight / peak('none', 8)).toBeLessThan(0.35);
  });
});

test('a stack that cannot be inverted says why', () => {
  const document = meftDocument(BERT, { lambda: 1, beta: 1, recompute: 'reversible' });
  const graph = must(document.models[MAIN], 'model');
  const stack = must(graph.nodes[nodeId('layers')], 'stack');
  const body = must(stack.body, 'body');
  const cut = { ...body, edges: body.edges.filter((e) => !(e.from.node === 'scale_1' && e.to.node === 'add_1')) };
  const changed = {
    ...graph,
    nodes: recordOf(
      Object.entries(graph.nodes).map(([id, n]) => [id, id === 'layers' ? { ...stack, body: cut } : n] as const),
    ),
  };
  const { compiled, diagnostics } = compileModel({
    document: documentOf(changed),
    model: MAIN,
    registry: REGISTRY,
    training: true,
  });
  expect(compiled).toBeUndefined();
  expect(diagnostics.map((d) => d.code)).toEqual(['not-reversible']);
  expect(diagnostics[0]?.message).toContain('"x1" cannot be recovered');
});
