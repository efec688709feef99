/**
 * Every method against independent code on real weights: loss, logits and every trainable gradient, with random initial
 * tensors none of which is zero. Libraries where they have the method, PyTorch transcriptions of the equations elsewhere.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { must } from '../../engine/base/errors.ts';
import type { BertConfig } from '../../nodes/index.ts';
import { makeNode, wire } from '../../nodes/backbones/graph.ts';
import { startOracle, type Oracle } from '../support/oracle.ts';
import {
  askOracle,
  canonicalName,
  maxAbs,
  runOurs,
  SOURCE_SIZE,
  tensorFor,
  worstGradient,
  type Batch,
  type ParityCase,
} from '../support/parity.ts';
import { MINILM } from '../support/backbones.ts';
import { onnxRunner } from '../support/onnxRunner.ts';
import { starterModelFolder } from '../support/starter.ts';
import { documentOf, MAIN, withModules } from '../support/tinyModels.ts';

const SMALL = {
  bert: { ...MINILM, vocabulary: 97, width: 32, layers: 3, heads: 4, intermediate: 64, positions: 64 },
  roberta: {
    ...MINILM,
    family: 'roberta',
    prefix: '',
    hasPooler: false,
    vocabulary: 97,
    width: 32,
    layers: 3,
    heads: 4,
    intermediate: 64,
    positions: 66,
    types: 1,
    epsilon: 1e-5,
  },
} as const satisfies Record<string, BertConfig>;

const source = (name: string) => ({ kind: 'pfeiffer', name, m: SOURCE_SIZE, trainable: false });
const SOURCES = ['rte', 'mrpc', 'cola'];

/** LoRA on the query whose update is scaled by a gate of the layer's input. */
const gated: ParityCase['edit'] = (document) => {
  const graph = must(document.models[MAIN], 'model');
  const grown = withModules(
    graph,
    [makeNode('gate', 'peft.gate')],
    [wire('$in.hidden -> gate.x'), wire('gate.gate -> lora_attn_query.gate')],
  );
  return { ...documentOf(grown), recipes: document.recipes };
};

const METHODS: readonly ParityCase[] = [
  { title: 'head only', preset: 'head', methods: [] },
  { title: 'LoRA', preset: 'lora', params: { r: 4, alpha: 6 }, methods: [{ kind: 'lora', r: 4, alpha: 6 }] },
  {
    title: 'LoRA on all linears of two layers',
    preset: 'lora',
    params: { r: 2, targets: 'all-linear', layers: '-2..' },
    methods: [
      {
        kind: 'lora',
        r: 2,
        alpha: 8,
        targets: ['attn.query', 'attn.key', 'attn.value', 'attn.out', 'ffn.up', 'ffn.down'],
        layers: [4, 5],
      },
    ],
  },
  { title: 'rsLoRA', preset: 'rslora', params: { r: 4 }, methods: [{ kind: 'lora', r: 4, alpha: 8, rslora: true }] },
  { title: 'DoRA', preset: 'dora', params: { r: 4 }, methods: [{ kind: 'dora', r: 4, alpha: 8 }] },
  { title: '(IA)3', preset: 'ia3', methods: [{ kind: 'ia3' }] },
  { title: 'BitFit', preset: 'bitfit', methods: [{ kind: 'bitfit' }] },
  { title: 'LayerNorm tuning', preset: 'lntuning', methods: [{ kind: 'ln' }] },
  { title: 'Houlsby', preset: 'houlsby', params: { size: 6 }, methods: [{ kind: 'houlsby', m: 6 }] },
  { title: 'Pfeiffer', preset: 'pfeiffer', params: { size: 6 }, methods: [{ kind: 'pfeiffer', m: 6 }] },
  { title: 'parallel', preset: 'parallel', params: { size: 6 }, methods: [{ kind: 'parallel', m: 6 }] },
  {
    title: 'parallel with learned scale',
    preset: 'parallel',
    params: { size: 6, learned: 'scalar' },
    methods: [{ kind: 'parallel', m: 6, scale: 'learned' }],
  },
  {
    title: 'parallel with channel scale',
    preset: 'parallel',
    params: { size: 6, learned: 'channel' },
    methods: [{ kind: 'parallel', m: 6, scale: 'channel' }],
  },
  {
    title: 'soft prompt',
    preset: 'prompt',
    params: { size: 3, pool: 'first' },
    methods: [{ kind: 'prompt', length: 3 }],
  },
  { title: 'prefix', preset: 'prefix', params: { size: 3 }, methods: [{ kind: 'prefix', length: 3 }] },
  {
    title: 'prefix with MLP',
    preset: 'prefix-mlp',
    params: { size: 3, bottleneck: 5 },
    methods: [{ kind: 'prefix', length: 3, bottleneck: 5 }],
  },
  {
    title: 'AdapterFusion',
    preset: 'fusion',
    sources: SOURCES,
    methods: [{ kind: 'fusion', regularisation: 0.01, sources: SOURCES.map(source) }],
  },
  {
    title: 'static AdapterFusion',
    preset: 'fusion',
    params: { value: false },
    sources: SOURCES,
    methods: [{ kind: 'fusion', value: false, sources: SOURCES.map(source) }],
  },
  ...(['scalearn', 'uniform', 'scalearn++', 'uniform++'] as const).map((variant): ParityCase => ({
    title: `ScaLearn ${variant}`,
    preset: 'scalearn',
    params: { variant },
    sources: SOURCES,
    methods: [{ kind: 'scalearn', variant: variant === 'scalearn++' ? '++' : variant, sources: SOURCES.map(source) }],
  })),
  {
    title: 'average',
    preset: 'average',
    sources: SOURCES,
    methods: [{ kind: 'average', sources: SOURCES.map(source) }],
  },
  {
    title: 'gated LoRA',
    preset: 'lora',
    params: { targets: 'query', r: 4 },
    edit: gated,
    methods: [{ kind: 'gate', of: { kind: 'lora', r: 4, alpha: 8, targets: ['attn.query'] } }],
  },
  {
    title: 'unfreeze',
    preset: 'unfreeze',
    params: { targets: 'query,down', layers: '5' },
    methods: [
      {
        kind: 'unfreeze',
        tensors: ['encoder\\.layer\\.5\\.attention\\.self\\.query\\..*', 'encoder\\.layer\\.5\\.output\\.dense\\..*'],
      },
    ],
  },
];

const IDS = [
  [101, 2023, 3185, 2003, 2307, 999, 102],
  [101, 1045, 2123, 1005, 1056, 2113, 2054, 2000, 2228, 1997, 2023, 102],
  [101, 3100, 102],
];
const BATCH: Batch = { ids: IDS, lengths: IDS.map((r) => r.length), labels: [2, 0, 1] };

let oracle: Oracle;
beforeAll(() => {
  oracle = startOracle();
});
afterAll(() => oracle.close());

async function compare(c: ParityCase, config: BertConfig, folder: string, batch: Batch): Promise<void> {
  const theirs = await askOracle(oracle, c, folder, batch, 'float64');
  const ours = await runOurs(c, config, folder, theirs.given, batch, onnxRunner(oracle.folder));
  const logits = must(theirs.results.get('logits'), 'logits').data;
  // Logits of the padding are unspecified on both sides.
  const width = logits.length / (batch.lengths.length * (c.task?.kind === 'tokens' ? Math.max(...batch.lengths) : 1));
  const real = (row: number): boolean =>
    c.task?.kind !== 'tokens' || row % T < (batch.lengths[Math.floor(row / T)] as number);
  const T = Math.max(...batch.lengths);
  const off = logits.reduce(
    (m, x, i) => (real(Math.floor(i / width)) ? Math.max(m, Math.abs(x - (ours.logits.data[i] as number))) : m),
    0,
  );
  expect(off / maxAbs(logits), 'logits').toBeLessThan(1e-4);
  expect(Math.abs(ours.loss - theirs.loss) / Math.abs(theirs.loss), 'loss').toBeLessThan(1e-4);
  const gradients = new Map(
    [...theirs.results].filter(([n]) => n.startsWith('gradient/')).map(([n, t]) => [n.slice(9), t]),
  );
  const worst = worstGradient(ours.gradients, (path) => tensorFor(path, gradients));
  expect(worst.ratio, `gradient of ${worst.name}`).toBeLessThanOrEqual(1);
  const compared = new Set(
    [...ours.gradients.keys()].map((p) => (p.includes('prefix_mlp') ? 'mlp' : canonicalName(p))),
  );
  const expected = new Set([...gradients.keys()].map((n) => (n.startsWith('prefix/') ? 'mlp' : n)));
  expect(compared).toEqual(expected);
}

describe('MiniLM', () => {
  test.each(METHODS.map((c) => [c.title, c] as const))('%s', async (_title, c) => {
    await compare(c, MINILM, starterModelFolder(), BATCH);
  });
});

describe('tasks and small backbones', () => {
  const small = (arch: 'bert' | 'roberta') => {
    const folder = join(oracle.folder, arch);
    mkdirSync(folder, { recursive: true });
    return oracle.request('make_backbone', { arch, seed: 3, out: folder }).then(() => folder);
  };
  const ids = [
    [5, 17, 33, 4],
    [9, 41, 2, 3, 8, 60],
    [11, 12],
  ];
  const lengths = ids.map((r) => r.length);
  const T = 6;
  const tags = lengths.map((n, b) => Array.from({ length: T }, (_, t) => (t === 0 || t >= n ? -100 : (b + t) % 4)));
  const lora = { preset: 'lora', params: { r: 2 }, methods: [{ kind: 'lora', r: 2, alpha: 8 }] };
  test.each([
    ['bert', { ...lora, title: 'bert classification' }, [2, 0, 1]],
    ['bert', { ...lora, title: 'bert tokens', task: { kind: 'tokens', classes: 4 } }, tags],
    [
      'bert',
      {
        title: 'bert tokens with a soft prompt',
        preset: 'prompt',
        params: { size: 3 },
        methods: [{ kind: 'prompt', length: 3 }],
        task: { kind: 'tokens', classes: 4 },
      },
      tags,
    ],
    ['bert', { ...lora, title: 'bert regression', task: { kind: 'regression' } }, [0.5, -1.25, 2]],
    [
      'bert',
      { ...lora, title: 'bert multilabel', task: { kind: 'multilabel', classes: 3 } },
      [
        [1, 0, 1],
        [0, 0, 1],
        [1, 1, 0],
      ],
    ],
    ['roberta', { ...lora, title: 'roberta classification' }, [2, 0, 1]],
    ['roberta', { ...lora, title: 'roberta tokens', task: { kind: 'tokens', classes: 4 } }, tags],
  ] as ['bert' | 'roberta', ParityCase, unknown][])('%s %o', async (arch, c, labels) => {
    await compare(c, SMALL[arch], await small(arch), { ids, lengths, labels });
  });
});

test('a gradient that is off by one per cent in one tensor is noticed', async () => {
  const c = must(
    METHODS.find((m) => m.title === 'DoRA'),
    'DoRA',
  );
  const theirs = await askOracle(oracle, c, starterModelFolder(), BATCH, 'float64');
  const ours = await runOurs(c, MINILM, starterModelFolder(), theirs.given, BATCH, onnxRunner(oracle.folder));
  const gradients = new Map(
    [...theirs.results].filter(([n]) => n.startsWith('gradient/')).map(([n, t]) => [n.slice(9), t]),
  );
  for (const name of ours.gradients.keys()) {
    const perturbed = worstGradient(ours.gradients, (path) => {
      const t = tensorFor(path, gradients);
      return path === name ? { ...t, data: t.data.map((x) => x * 1.01) } : t;
    });
    expect(perturbed.ratio, name).toBeGreaterThan(1);
    expect(perturbed.name).toBe(name);
  }
});
