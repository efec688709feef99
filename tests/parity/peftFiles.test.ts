/**
 * PEFT files against PEFT itself: what we write loads there with no tensor missing or unexpected and gives our logits, and
 * what PEFT writes gives its logits here, for every method and for the ways to choose modules.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { must } from '../../engine/base/errors.ts';
import type { HostTensor } from '../../engine/backends/executable.ts';
import type { Document, Params } from '../../engine/protocol/document.ts';
import { nodeId, recordOf, withEntry } from '../../engine/protocol/ids.ts';
import type { Backbone } from '../../engine/workflow/backbone.ts';
import { writePeftFolder } from '../../engine/workflow/peftExport.ts';
import { importPeft, taskOfPeft } from '../../engine/workflow/peftImport.ts';
import type { HeadTask } from '../../engine/workflow/toolkit.ts';
import { startOracle, type Oracle } from '../support/oracle.ts';
import { maxAbs } from '../support/parity.ts';
import {
  backboneAt,
  documentOn,
  logitsOf,
  randomParameters,
  subjectOf,
  TOOLKIT,
  type Parameters,
} from '../support/peft.ts';
import { starterModelFolder } from '../support/starter.ts';
import { readTensors, type TestTensor } from '../support/tensors.ts';
import { MAIN } from '../support/tinyModels.ts';

const CLASSES: HeadTask = { kind: 'classification', outputs: 3 };
const TOKENS: HeadTask = { kind: 'tokens', outputs: 4 };
const IDS = [
  [5, 17, 33, 4],
  [9, 41, 2, 3, 8, 60],
  [11, 12],
];
const BATCH = { ids: IDS, lengths: IDS.map((r) => r.length) };
const LENGTH = Math.max(...BATCH.lengths);
const PADDED = BATCH.ids.map((r) => [...r, ...Array.from({ length: LENGTH - r.length }, () => 0)]);
const THEIR_BATCH = { ids: PADDED, lengths: BATCH.lengths };

let oracle: Oracle;
const backbones = new Map<string, Backbone>();

async function backbone(arch: string): Promise<Backbone> {
  const known = backbones.get(arch);
  if (known) return known;
  const folder = join(oracle.folder, arch);
  mkdirSync(folder, { recursive: true });
  await oracle.request('make_backbone', { arch, seed: 3, out: folder });
  const made = backboneAt(folder);
  backbones.set(arch, made);
  return made;
}

beforeAll(() => {
  oracle = startOracle();
});
afterAll(() => oracle.close());

/** The largest difference of the logits of real tokens, as a share of the largest logit. */
function distance(ours: HostTensor, theirs: unknown, task: HeadTask): number {
  const flat = (theirs as unknown[]).flat(3) as number[];
  const rows = task.kind === 'tokens' ? LENGTH : 1;
  expect(ours.data.length).toBe(flat.length);
  const real = (i: number): boolean => {
    const row = Math.floor(i / task.outputs);
    return task.kind !== 'tokens' || row % rows < (BATCH.lengths[Math.floor(row / rows)] as number);
  };
  const worst = flat.reduce((m, x, i) => (real(i) ? Math.max(m, Math.abs(x - (ours.data[i] as number))) : m), 0);
  return worst / maxAbs(flat.filter((_, i) => real(i)));
}

interface Loaded {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly peft_type: string;
  readonly logits: unknown;
}

/** Writes random values for a document, lets PEFT load them, and reads them back. */
async function writeAndCompare(on: Backbone, document: Document, task: HeadTask, folder: string): Promise<void> {
  const parameters = randomParameters(document);
  const written = writePeftFolder(folder, subjectOf(on, document), parameters);
  if (!written.ok) throw new Error(written.error);
  const loaded = await oracle.request<Loaded>('peft_load', {
    backbone: on.checkpoint.folder,
    adapter_folder: folder,
    task: task.kind,
    labels: task.outputs,
    batch: THEIR_BATCH,
  });
  expect(loaded.missing).toEqual([]);
  expect(loaded.unexpected).toEqual([]);
  expect(loaded.peft_type).toBe(written.value);
  const ours = await logitsOf(document, on, parameters, BATCH, oracle.folder);
  expect(distance(ours, loaded.logits, task)).toBeLessThan(1e-4);
}

const layered = (all: number, at: Readonly<Record<string, number>>) => ({ all, at });

/** The document with own parameters of some nodes in the stack's body, and layers. */
function withNodes(
  document: Document,
  change: Readonly<Record<string, { params?: Params; layers?: string }>>,
): Document {
  const graph = must(document.models[MAIN], 'model');
  const stack = must(graph.nodes[nodeId('layers')], 'stack');
  const body = must(stack.body, 'body');
  let { nodes } = body;
  for (const [id, own] of Object.entries(change)) {
    const node = must(nodes[nodeId(id)], id);
    nodes = withEntry(nodes, nodeId(id), { ...node, ...own });
  }
  const grown = { ...graph, nodes: withEntry(graph.nodes, nodeId('layers'), { ...stack, body: { ...body, nodes } }) };
  return { ...document, models: recordOf([[MAIN, grown]]) };
}

interface Written {
  readonly title: string;
  readonly preset: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly edit?: (document: Document) => Document;
}

const METHODS: readonly Written[] = [
  { title: 'LoRA', preset: 'lora', params: { r: 4, alpha: 6, dropout: 0.1 } },
  { title: 'LoRA on every linear layer', preset: 'lora', params: { r: 2, targets: 'all-linear' } },
  { title: 'LoRA on one of three linears of one name', preset: 'lora', params: { r: 2, targets: 'down,query' } },
  { title: 'LoRA in some layers', preset: 'lora', params: { r: 3, layers: '1-2' } },
  { title: 'rsLoRA', preset: 'rslora', params: { r: 4 } },
  {
    title: 'LoRA with ranks and scales by layer',
    preset: 'lora',
    params: { r: 4 },
    edit: (d) =>
      withNodes(d, {
        lora_attn_query: { params: { rank: layered(4, { '1': 2 }), alpha: layered(8, { '0,2': 5 }) } },
        lora_attn_value: { params: { rank: layered(4, { '0': 6 }) } },
      }),
  },
  {
    title: 'rsLoRA with ranks by layer and other layers for each module',
    preset: 'rslora',
    params: { r: 4 },
    edit: (d) =>
      withNodes(d, {
        rslora_attn_query: { layers: '0', params: { rank: 2 } },
        rslora_attn_value: { layers: '1-2', params: { rank: layered(4, { '2': 3 }) } },
      }),
  },
  { title: 'DoRA', preset: 'dora', params: { r: 4, alpha: 5 } },
  { title: 'DoRA in the last layer', preset: 'dora', params: { r: 2, targets: 'out,up', layers: '-1' } },
  { title: '(IA)3', preset: 'ia3' },
  { title: '(IA)3 on outputs alone', preset: 'ia3', params: { targets: 'query,out', inputs: '' } },
  { title: '(IA)3 in some layers', preset: 'ia3', params: { layers: '0,2' } },
  { title: 'prefix', preset: 'prefix', params: { size: 3, positions: 'shifted' } },
  { title: 'prefix with MLP', preset: 'prefix-mlp', params: { size: 3, bottleneck: 5, positions: 'shifted' } },
  { title: 'soft prompt', preset: 'prompt', params: { size: 3, pool: 'first' } },
  { title: 'LayerNorm tuning', preset: 'lntuning' },
  { title: 'LayerNorm tuning in some layers', preset: 'lntuning', params: { layers: '0' } },
];

async function written(on: Backbone, c: Written, task: HeadTask, name: string): Promise<void> {
  const made = documentOn(on, task, c.preset, c.params);
  await writeAndCompare(on, c.edit ? c.edit(made) : made, task, join(oracle.folder, name));
}

describe('what we write loads in PEFT', () => {
  test.each(METHODS.map((c, i) => [c.title, c, i] as const))('%s', async (_title, c, i) => {
    await written(await backbone('bert'), c, CLASSES, `written-${i}`);
  });

  test.each(['lora', 'ia3', 'lntuning', 'prefix'])('%s for tokens', async (preset) => {
    const params = preset === 'prefix' ? { size: 3, positions: 'shifted' } : {};
    await written(await backbone('bert'), { title: preset, preset, params }, TOKENS, `tokens-${preset}`);
  });

  test.each(['lora', 'dora', 'ia3', 'lntuning', 'prompt'])('%s on RoBERTa', async (preset) => {
    const params = preset === 'prompt' ? { pool: 'first' } : {};
    await written(await backbone('roberta'), { title: preset, preset, params }, CLASSES, `roberta-${preset}`);
  });

  test('a prefix for tokens on RoBERTa', async () => {
    const c = { title: 'prefix', preset: 'prefix', params: { size: 3, positions: 'shifted' } };
    await written(await backbone('roberta'), c, TOKENS, 'roberta-tokens-prefix');
  });

  test.each([
    ['regression', { kind: 'regression', outputs: 1 }],
    ['multilabel', { kind: 'multilabel', outputs: 3 }],
  ] as const)('LoRA for %s', async (name, task) => {
    await written(await backbone('bert'), { title: 'LoRA', preset: 'lora' }, task, name);
  });

  test('LoRA on the starter model', async () => {
    const on = backboneAt(starterModelFolder());
    await written(on, { title: 'LoRA', preset: 'lora' }, CLASSES, 'starter');
  });
});

test.each(['lora', 'dora', 'ia3', 'lntuning', 'prefix', 'prompt'])(
  'one per cent in any kind of tensor of %s is noticed',
  async (preset) => {
    const on = await backbone('bert');
    const params = { prefix: { size: 3, positions: 'shifted' }, prompt: { size: 3, pool: 'first' } }[preset] ?? {};
    const document = documentOn(on, CLASSES, preset, params);
    const parameters = randomParameters(document);
    const right = await logitsOf(document, on, parameters, BATCH, oracle.folder);
    const kinds = new Map([...parameters.keys()].map((path) => [path.slice(path.lastIndexOf('/') + 1), path]));
    for (const [kind, path] of kinds) {
      const value = must(parameters.get(path), path);
      const off = { ...value, data: Float32Array.from(value.data, (x) => x * 1.01) };
      const wrong = await logitsOf(document, on, new Map([...parameters, [path, off]]), BATCH, oracle.folder);
      expect(distance(wrong, [...right.data], CLASSES), kind).toBeGreaterThan(1e-4);
    }
  },
);

type PeftKeywords = Readonly<Record<string, unknown>>;

const PEFT_CONFIGS: readonly (readonly [string, PeftKeywords])[] = [
  ['LoRA', { type: 'lora', r: 4, lora_alpha: 6, target_modules: ['query', 'value'], lora_dropout: 0.1 }],
  ['LoRA on all linears, the pooler too', { type: 'lora', r: 2, target_modules: 'all-linear' }],
  ['LoRA on everything called dense', { type: 'lora', r: 2, target_modules: ['dense'] }],
  ['LoRA by a regular expression', { type: 'lora', target_modules: '.*\\.(0|2)\\.attention\\.self\\.(query|key)' }],
  [
    'LoRA without excluded modules',
    { type: 'lora', target_modules: ['output.dense'], exclude_modules: ['attention.output.dense'] },
  ],
  [
    'LoRA in layers after a word',
    { type: 'lora', target_modules: ['key'], layers_to_transform: 1, layers_pattern: 'layer' },
  ],
  [
    'rsLoRA with patterns and layers',
    {
      type: 'lora',
      r: 4,
      use_rslora: true,
      target_modules: ['query', 'value'],
      layers_to_transform: [1, 2],
      rank_pattern: { 'layer.1.attention.self.query': 2, value: 6 },
      alpha_pattern: { 'layer\\.2\\..*': 3 },
    },
  ],
  ['DoRA', { type: 'lora', r: 4, use_dora: true, target_modules: ['query', 'intermediate.dense'] }],
  ['(IA)3 with its own choice of modules', { type: 'ia3' }],
  [
    '(IA)3 with inputs in one layer',
    { type: 'ia3', target_modules: ['value', 'layer.1.output.dense'], feedforward_modules: ['layer.1.output.dense'] },
  ],
  ['prefix', { type: 'prefix', num_virtual_tokens: 3 }],
  ['prefix with MLP', { type: 'prefix', num_virtual_tokens: 3, prefix_projection: true, encoder_hidden_size: 5 }],
  ['soft prompt', { type: 'prompt', num_virtual_tokens: 3 }],
  ['LayerNorm tuning', { type: 'ln_tuning', target_modules: ['LayerNorm'] }],
  [
    'LayerNorm tuning of some norms',
    { type: 'ln_tuning', target_modules: ['attention.output.LayerNorm', 'layer.2.output.LayerNorm'] },
  ],
];

describe('what PEFT writes is the same here', () => {
  async function read(on: Backbone, config: PeftKeywords, task: HeadTask, name: string): Promise<void> {
    const folder = join(oracle.folder, name);
    const saved = await oracle.request<{ logits: unknown }>('peft_save', {
      backbone: on.checkpoint.folder,
      task: task.kind,
      labels: task.outputs,
      config,
      seed: 5,
      batch: THEIR_BATCH,
      out_folder: folder,
    });
    expect(taskOfPeft(folder)).toEqual(task);
    const imported = importPeft({
      folder,
      document: documentOn(on, task),
      model: MAIN,
      backbone: on,
      toolkit: TOOLKIT,
    });
    const parameters: Parameters = new Map([...imported.parameters].map(([path, p]) => [path, { dtype: 'f32', ...p }]));
    const ours = await logitsOf(imported.document, on, parameters, BATCH, oracle.folder);
    expect(distance(ours, saved.logits, task)).toBeLessThan(1e-4);
    // Written once more, every tensor is what it was.
    const again = join(oracle.folder, `${name}-again`);
    const rewritten = writePeftFolder(again, subjectOf(on, imported.document), parameters);
    expect(rewritten).toEqual({ ok: true, value: imported.config.type });
    expect(tensorsIn(again)).toEqual(tensorsIn(folder));
  }

  test.each(PEFT_CONFIGS.map(([title, config], i) => [title, config, i] as const))('%s', async (_title, config, i) => {
    await read(await backbone('bert'), config, CLASSES, `read-${i}`);
  });

  test.each(['lora', 'ia3', 'prefix'] as const)('%s for tokens', async (type) => {
    const config = {
      lora: { type, target_modules: ['query'] },
      ia3: { type },
      prefix: { type, num_virtual_tokens: 3 },
    }[type];
    await read(await backbone('bert'), config, TOKENS, `read-tokens-${type}`);
  });

  test.each([
    { type: 'lora', target_modules: 'all-linear' },
    { type: 'prompt', num_virtual_tokens: 3 },
    { type: 'ln_tuning', target_modules: ['LayerNorm'] },
  ])('$type on RoBERTa', async (config) => {
    await read(await backbone('roberta'), config, CLASSES, `read-roberta-${config.type}`);
  });

  test('LoRA for one number', async () => {
    const config = { type: 'lora', target_modules: ['query'] };
    await read(await backbone('bert'), config, { kind: 'regression', outputs: 1 }, 'read-regression');
  });
});

/** By name; the order in a file does not count. */
const tensorsIn = (folder: string): ReadonlyMap<string, TestTensor> =>
  readTensors(join(folder, 'adapter_model.safetensors'));
