/** Small models for tests of the compiler: a two-layer BERT with any modules attached, random weights, a padded batch. */
import { rowKey, stepKey } from '../../engine/base/counterHash.ts';
import { must } from '../../engine/base/errors.ts';
import { compileModel, type CompiledModel, type CompileRequest } from '../../engine/compile/model.ts';
import { makeRegistry } from '../../engine/compile/registry.ts';
import { concreteShape } from '../../engine/ir/types.ts';
import type { Program } from '../../engine/ir/program.ts';
import type { NDArray } from '../../engine/ops/rule.ts';
import { emptyDocument, type Document, type Edge, type Graph, type Node } from '../../engine/protocol/document.ts';
import { modelId, nodeId, recordOf } from '../../engine/protocol/ids.ts';
import { bertGraph, type BertConfig, type Task } from '../../nodes/backbones/bert.ts';
import { NODES } from '../../nodes/index.ts';

export const TINY: BertConfig = {
  family: 'bert',
  prefix: '',
  hasPooler: true,
  vocabulary: 40,
  width: 12,
  layers: 3,
  heads: 3,
  intermediate: 20,
  activation: 'gelu',
  dropout: 0.2,
  attentionDropout: 0.2,
  classifierDropout: 0.2,
  positions: 16,
  types: 2,
  epsilon: 1e-5,
};
export const REGISTRY = makeRegistry(NODES);
export const MAIN = modelId('main');

export const documentOf = (graph: Graph): Document => ({ ...emptyDocument('test'), models: recordOf([[MAIN, graph]]) });

/** A graph with nodes and edges added to the body of its stack. */
export function withModules(graph: Graph, nodes: readonly (readonly [string, Node])[], edges: readonly Edge[]): Graph {
  const id = nodeId('layers');
  const stack = must(graph.nodes[id], 'stack');
  const body = must(stack.body, 'body');
  const grown = {
    ...body,
    nodes: recordOf([...Object.entries(body.nodes), ...nodes]),
    edges: [...body.edges, ...edges],
  };
  return {
    ...graph,
    nodes: recordOf(
      Object.entries(graph.nodes).map(([k, v]) => [k, k === 'layers' ? { ...v, body: grown } : v] as const),
    ),
  };
}

export const tinyGraph = (task: Task = { kind: 'classification', classes: 3 }, config = TINY): Graph =>
  bertGraph(config, task);

export function compileTiny(graph: Graph, options: Partial<CompileRequest> = {}): CompiledModel {
  const { compiled, diagnostics } = compileModel({
    document: documentOf(graph),
    model: MAIN,
    registry: REGISTRY,
    training: true,
    ...options,
  });
  if (!compiled) throw new Error(JSON.stringify(diagnostics, undefined, 1));
  return compiled;
}

/** A small deterministic generator for test data. */
export function generator(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 4294967296;
  };
}

export interface TinyBatch {
  readonly lengths: readonly number[];
  readonly length: number;
}

/** Feeds for the parameters that the entry declares: random weights and trainables (none zero), a padded batch. */
export function feedsFor(
  program: Program,
  batch: TinyBatch,
  seed = 1,
  task: Task = { kind: 'classification', classes: 3 },
): Map<string, NDArray> {
  const { lengths, length } = batch;
  const B = lengths.length;
  const packed = lengths.flatMap((n, b) => Array.from({ length: n }, (_, t) => b * length + t));
  const bindings = new Map([
    ['B', B],
    ['T', length],
    ['N', packed.length],
  ]);
  const fn = must(program.functions.get(program.entry), 'entry');
  const feeds = new Map<string, NDArray>();
  const token = (f: (b: number, t: number) => number): number[] =>
    lengths.flatMap((n, b) => Array.from({ length }, (_, t) => (t < n ? f(b, t) : 0)));
  const classes = task.kind === 'regression' ? 1 : task.classes;
  const labels = {
    classification: () => lengths.map((_, b) => b % classes),
    regression: () => lengths.map((_, b) => b * 0.7 - 0.5),
    multilabel: () => lengths.flatMap((_, b) => Array.from({ length: classes }, (_x, c) => (b + c) % 2)),
    tokens: () =>
      lengths.flatMap((n, b) => Array.from({ length }, (_, t) => (t === 0 || t >= n ? -100 : (b + t) % classes))),
  }[task.kind]();
  const data: Record<string, readonly number[]> = {
    'batch/ids': token((b, t) => (b * 7 + t * 3 + 1) % 40),
    'batch/typeIds': token((_b, t) => (t > 2 ? 1 : 0)),
    'batch/positions': token((_b, t) => t),
    'batch/lengths': lengths,
    'batch/labels': labels,
    'rng/key': stepKey(5, 3, 0),
    'rng/tokens': token((b, t) => rowKey(100 + b, t)),
    'rng/examples': lengths.map((_, b) => rowKey(100 + b, -1)),
    'pack/index': packed,
    'pack/starts': lengths.map((_, b) => lengths.slice(0, b).reduce((x, y) => x + y, 0)),
  };
  for (const p of fn.params) {
    const type = must(fn.values.get(p.id), p.name).type;
    const shape = concreteShape(type.shape, bindings);
    const given = data[p.name];
    const count = shape.reduce((a, b) => a * b, 1);
    const random = generator(seed + hash(p.name));
    const norm = p.name.endsWith('LayerNorm.weight');
    const values =
      given ??
      Array.from({ length: count }, () =>
        p.name.startsWith('scale/') ? 0.5 : (norm ? 1 : 0) + (random() - 0.5) * 0.6,
      );
    feeds.set(p.name, { dtype: type.dtype, shape, data: Float64Array.from(values) });
  }
  return feeds;
}

const hash = (text: string): number => [...text].reduce((h, c) => (Math.imul(h, 31) + c.charCodeAt(0)) | 0, 7);

/** Largest absolute difference of two results, relative to the largest value. */
export function distance(a: NDArray, b: NDArray): number {
  let worst = 0;
  let scale = 1e-12;
  a.data.forEach((x, i) => {
    worst = Math.max(worst, Math.abs(x - (b.data[i] as number)));
    scale = Math.max(scale, Math.abs(x));
  });
  return worst / scale;
}
