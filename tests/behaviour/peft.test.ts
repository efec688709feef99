/**
 * What every PEFT module promises, run over all of them on a small BERT: its effect at the start, what it trains, that
 * muting gives the backbone back, that merging changes nothing, that layers and overrides mean what they say.
 */
import { describe, expect, test } from 'vitest';
import { differentiate } from '../../engine/autodiff/gradient.ts';
import { interpret } from '../../engine/backends/reference/interpret.ts';
import { must } from '../../engine/base/errors.ts';
import { compileModel, type CompiledModel } from '../../engine/compile/model.ts';
import type { AnyNode, SourceModule } from '../../engine/nodekit/node.ts';
import type { NDArray } from '../../engine/ops/rule.ts';
import { inlineProgram } from '../../engine/passes/inline.ts';
import { emptyDocument, type Document, type Graph, type Node } from '../../engine/protocol/document.ts';
import { bankId, entriesOf, recordOf, type ModelId, type NodeId } from '../../engine/protocol/ids.ts';
import { initialValues } from '../../engine/trainer/initialValues.ts';
import { applyPreset, bertGraph, PRESETS } from '../../nodes/index.ts';
import { distance, feedsFor, MAIN, REGISTRY, TINY } from '../support/tinyModels.ts';

const BANK = bankId('bank');
const BATCH = { lengths: [4, 6, 3], length: 6 };
const CONFIG = { ...TINY, dropout: 0, attentionDropout: 0, classifierDropout: 0 };
const sources = ['one', 'two'].map((name): SourceModule => ({
  name,
  type: 'peft.bottleneck',
  params: { size: 3, activation: 'relu', dropout: 0, scale: 1, learnedScale: 'none', init: 'bert' },
  tensor: (t) => ({ artifact: name, tensor: `layers/{layer}/pfeiffer/${t}` }),
}));

const SMALL: Readonly<Record<string, Record<string, unknown>>> = {
  lora: { r: 2 },
  rslora: { r: 2 },
  dora: { r: 2 },
  houlsby: { size: 3 },
  pfeiffer: { size: 3 },
  parallel: { size: 3 },
  prompt: { size: 2 },
  prefix: { size: 2 },
  'prefix-mlp': { size: 2, bottleneck: 3 },
  scalearn: { dropout: 0 },
};
const METHODS = PRESETS.map((p) => p.name).filter((name) => name !== 'head');

const base = (): Document => ({
  ...emptyDocument('behaviour'),
  banks: recordOf([[BANK, { sources: [] }]]),
  models: recordOf([[MAIN, bertGraph(CONFIG, { kind: 'classification', classes: 3 })]]),
});

function attached(method: string, more: Record<string, unknown> = {}): Document {
  const made = applyPreset(base(), MAIN, method, { ...SMALL[method], ...more }, BANK);
  if (!made.ok) throw new Error(made.error);
  return made.value;
}

function compile(document: Document, options: { merging?: boolean } = {}): CompiledModel {
  const { compiled, diagnostics } = compileModel({
    document,
    model: MAIN,
    registry: REGISTRY,
    training: false,
    banks: new Map([[BANK, sources]]),
    ...options,
  });
  if (!compiled) throw new Error(JSON.stringify(diagnostics));
  return compiled;
}

const isModule = (node: Node): boolean =>
  REGISTRY.get(node.type)?.peft !== undefined || node.type === 'source.bank' || node.type === 'compose.average';

/** The graph with `change` applied to every module, inside and outside of the stack. */
function changeModules(graph: Graph, change: (node: Node) => Node): Graph {
  const nodes = entriesOf<NodeId, Node>(graph.nodes).map(
    ([id, n]) => [id, n.body ? { ...n, body: changeModules(n.body, change) } : isModule(n) ? change(n) : n] as const,
  );
  return { ...graph, nodes: recordOf(nodes) };
}
const withGraph = (document: Document, change: (graph: Graph) => Graph): Document => ({
  ...document,
  models: recordOf(entriesOf<ModelId, Graph>(document.models).map(([id, g]) => [id, change(g)] as const)),
});

interface Run {
  readonly results: ReadonlyMap<string, NDArray>;
  readonly compiled: CompiledModel;
}

/** Weights and head are random by name, so equal in all documents; `modules` says what trainables hold. */
function run(document: Document, modules: 'initial' | 'random', options: { merging?: boolean } = {}): Run {
  const compiled = compile(document, options);
  const flat = inlineProgram(compiled.program);
  const feeds = feedsFor(flat, BATCH);
  if (modules === 'initial') {
    const read = (name: string) => Float32Array.from(must(feeds.get(name), name).data);
    for (const [name, t] of initialValues(compiled.parameters, { read }, 3)) {
      if (!name.startsWith('head/')) feeds.set(name, { dtype: 'f32', shape: t.shape, data: Float64Array.from(t.data) });
    }
  }
  return { results: interpret(must(flat.functions.get('main'), 'main'), feeds), compiled };
}

const logits = (r: Run): NDArray => must(r.results.get('output/logits'), 'logits');
const backbone = logits(run(base(), 'random'));

/** The weakest promise of the modules that a preset adds. */
function promises(document: Document): { start: string; tolerance: number; mergeable: boolean } {
  const used: AnyNode[] = [];
  const visit = (graph: Graph): void => {
    for (const n of Object.values(graph.nodes)) {
      const definition = REGISTRY.get(n.type);
      if (definition?.peft) used.push(definition);
      if (n.body) visit(n.body);
    }
  };
  visit(must(document.models[MAIN], 'model'));
  const rank = { identity: 0, 'near-identity': 1, shifted: 2 };
  const peft = used.map((d) => must(d.peft, d.type));
  const worst = peft.map((p) => p.startPoint).sort((a, b) => rank[b.kind] - rank[a.kind])[0];
  return {
    start: worst?.kind ?? 'shifted',
    tolerance: worst?.kind === 'near-identity' ? worst.tolerance : 0,
    mergeable: peft.length > 0 && peft.every((p) => p.mergeable),
  };
}

describe.each(METHODS)('%s', (method) => {
  const document = attached(method);

  test('starts as documented', () => {
    const off = distance(backbone, logits(run(document, 'initial')));
    const { start, tolerance } = promises(document);
    if (start === 'identity') expect(off).toBeLessThan(1e-6);
    else if (start === 'near-identity') expect(off).toBeLessThan(tolerance);
    else expect(off).toBeGreaterThan(1e-6);
  });

  test('has an effect once trained, and muting every module gives the backbone back exactly', () => {
    expect(distance(backbone, logits(run(document, 'random')))).toBeGreaterThan(1e-4);
    const muted = withGraph(document, (g) => changeModules(g, (n) => ({ ...n, mute: true })));
    expect([...logits(run(muted, 'random')).data]).toEqual([...backbone.data]);
  });

  test('trains only what it declares, and reaches all of it', () => {
    const { compiled } = run(document, 'random');
    const trainable = compiled.parameters.filter((p) => p.role === 'trainable').map((p) => p.name);
    expect(trainable.every((n) => compiled.parameters.find((p) => p.name === n)?.source === undefined)).toBe(true);
    const { program } = differentiate(inlineProgram(compiled.program), { of: 'objective', wrt: trainable });
    const gradients = interpret(must(program.functions.get('main'), 'main'), feedsFor(program, BATCH));
    for (const name of trainable) {
      const g = must(gradients.get(`grad/${name}`), name);
      // Adding one number to all scores of a query changes nothing: a key's bias has a gradient of zero.
      if (/key.*bias/.test(name)) continue;
      expect(
        g.data.some((x) => x !== 0),
        `gradient of ${name}`,
      ).toBe(true);
    }
  });

  test('merged equals unmerged where it merges', () => {
    const { mergeable } = promises(document);
    if (!mergeable || method === 'scalearn') return;
    const unmerged = run(document, 'random', { merging: true });
    const weights = compile(base()).parameters.filter((p) => p.role === 'weight');
    const flat = inlineProgram(compile(base()).program);
    const feeds = feedsFor(flat, BATCH);
    let replaced = 0;
    for (const w of weights) {
      const layered = /^layers\/(\d+)\/(.+)\/(weight|bias)$/.exec(w.path);
      const plain = /^(.+)\/(weight|bias)$/.exec(w.path);
      const tap = layered
        ? unmerged.results.get(`tap/layers/${layered[2]}/merged/${layered[3]}`)
        : unmerged.results.get(`tap/${plain?.[1]}/merged/${plain?.[2]}`);
      if (!tap) continue;
      const shape = layered ? tap.shape.slice(1) : tap.shape;
      const size = shape.reduce((n, d) => n * d, 1);
      const at = layered ? Number(layered[1]) * size : 0;
      feeds.set(w.name, { dtype: 'f32', shape, data: tap.data.slice(at, at + size) });
      replaced++;
    }
    expect(replaced).toBeGreaterThan(0);
    const merged = interpret(must(flat.functions.get('main'), 'main'), feeds);
    expect(distance(logits(unmerged), must(merged.get('output/logits'), 'logits'))).toBeLessThan(1e-9);
  });
});

describe('layers and overrides', () => {
  const parameters = (document: Document) =>
    compile(document).parameters.filter((p) => p.role === 'trainable' && p.name.startsWith('layers/'));

  test.each(METHODS.filter((m) => !['prompt', 'unfreeze'].includes(m)))('%s in the last layer only', (method) => {
    const document = attached(method, { layers: '-1..' });
    const names = parameters(document).map((p) => p.name);
    expect(names.filter((n) => /^layers\/[01]\//.test(n))).toEqual([]);
    if (method !== 'average') expect(names.some((n) => n.startsWith('layers/2/'))).toBe(true);
  });

  test('an override changes one layer of a recipe', () => {
    const document = attached('lora');
    const changed: Document = {
      ...document,
      recipes: recordOf(
        Object.entries(document.recipes).map(
          ([id, r]) => [id, { ...r, params: { ...r.params, rank: { all: 2, at: { '1': 5 } } } }] as const,
        ),
      ),
    };
    const ranks = parameters(changed)
      .filter((p) => p.name.endsWith('attn_query/A'))
      .map((p) => p.type.shape[0]);
    expect(ranks).toEqual([2, 5, 2]);
  });

  test('muting never overwrites the selection of layers', () => {
    const document = withGraph(attached('lora', { layers: '1..' }), (g) =>
      changeModules(g, (n) => ({ ...n, mute: '2' })),
    );
    expect(new Set(parameters(document).map((p) => p.name.split('/')[1]))).toEqual(new Set(['1']));
  });
});
