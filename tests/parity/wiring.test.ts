/**
 * Wirings that break designs which take a model for a chain of layers: fused and tied weights, modules under modules,
 * transforms as sources. Against the oracle on small random backbones.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { must } from '../../engine/base/errors.ts';
import type { Document } from '../../engine/protocol/document.ts';
import { makeNode, wire, type Entry } from '../../nodes/backbones/graph.ts';
import type { BertConfig } from '../../nodes/index.ts';
import { gpt2Document, type Gpt2Shape } from '../support/gpt2.ts';
import { startOracle, type Oracle } from '../support/oracle.ts';
import { onnxRunner } from '../support/onnxRunner.ts';
import {
  askOracle,
  maxAbs,
  runOurs,
  tensorFor,
  worstGradient,
  type Batch,
  type ParityCase,
} from '../support/parity.ts';
import { documentOf, MAIN, withModules } from '../support/tinyModels.ts';

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
const GPT2: Gpt2Shape = { vocabulary: 97, width: 32, layers: 3, heads: 4, inner: 128, positions: 64 };
const ids = [
  [5, 17, 33, 4],
  [9, 41, 2, 3, 8, 60],
  [11, 12],
];
const lengths = ids.map((r) => r.length);

let oracle: Oracle;
beforeAll(() => {
  oracle = startOracle();
});
afterAll(() => oracle.close());

async function backbone(arch: 'bert' | 'gpt2'): Promise<string> {
  const folder = join(oracle.folder, arch);
  mkdirSync(folder, { recursive: true });
  await oracle.request('make_backbone', { arch, seed: 4, out: folder });
  return folder;
}

async function compare(c: ParityCase, folder: string, batch: Batch): Promise<void> {
  const theirs = await askOracle(oracle, c, folder, batch, 'float64');
  const ours = await runOurs(c, BERT, folder, theirs.given, batch, onnxRunner(oracle.folder));
  expect(Math.abs(ours.loss - theirs.loss) / Math.abs(theirs.loss), 'loss').toBeLessThan(1e-4);
  const gradients = new Map(
    [...theirs.results].filter(([n]) => n.startsWith('gradient/')).map(([n, t]) => [n.slice(9), t]),
  );
  expect(gradients.size).toBe(ours.gradients.size);
  expect(maxAbs([...gradients.values()].flatMap((t) => [...t.data]))).toBeGreaterThan(0);
  const worst = worstGradient(ours.gradients, (path) => tensorFor(path, gradients));
  expect(worst.ratio, `gradient of ${worst.name}`).toBeLessThanOrEqual(1);
}

/** The next token of every position, as the loss takes it. */
const T = Math.max(...lengths);
const next = ids.flatMap((row) => Array.from({ length: T }, (_, t) => row[t + 1] ?? -100));
const own = ids.map((row) => Array.from({ length: T }, (_, t) => row[t] ?? -100));
const lm = { task: { kind: 'tokens', classes: 97 }, labels: next } as const;

test.each([
  ['value only, on a slice of the fused weight', 'slices', 'lora.transform -> v.transforms', 'attn.value'],
  ['the whole fused weight', 'whole', 'lora.transform -> qkv.transforms', 'attn.qkv'],
] as const)('GPT-2 with tied head: LoRA on %s', async (title, fusing, edge, target) => {
  const lora: Entry = makeNode('lora', 'peft.lora', { rank: 2 });
  const document = gpt2Document(GPT2, fusing, [lora], [wire(edge)]);
  const c: ParityCase = {
    title,
    preset: 'head',
    ...lm,
    document,
    methods: [{ kind: 'lora', r: 2, alpha: 8, targets: [target] }],
  };
  const task = { ...c, task: { kind: 'lm', classes: 97 } as unknown as NonNullable<ParityCase['task']> };
  await compare(task, await backbone('gpt2'), { ids, lengths, labels: own });
});

/** A document of BERT with nodes and wires added to its layers. */
function wired(nodes: readonly Entry[], edges: readonly string[]): (document: Document) => Document {
  return (document) => documentOf(withModules(must(document.models[MAIN], 'model'), nodes, edges.map(wire)));
}
const input = [
  makeNode('affine', 'layer.affine', {
    width: 32,
    epsilon: 1e-12,
    weight: 'encoder.layer.{layer}.output.LayerNorm.weight',
    bias: 'encoder.layer.{layer}.output.LayerNorm.bias',
  }),
  makeNode('z', 'peft.adapterInput'),
];
const inputWires = ['ffn_drop.y -> z.h', 'attn_norm.y -> z.residual', 'affine.affine -> z.affine'];
const adapter = (id: string): Entry => makeNode(id, 'peft.bottleneck', { size: 4 });

test('two adapters under fusion under ScaLearn', async () => {
  const edit = wired(
    [
      ...input,
      adapter('one'),
      adapter('two'),
      adapter('three'),
      makeNode('mix', 'peft.fusion'),
      makeNode('scale', 'peft.scalearn', { dropout: 0 }),
    ],
    [
      ...inputWires,
      'z.z -> one.x',
      'z.z -> two.x',
      'z.z -> three.x',
      'one.delta -> mix.sources',
      'two.delta -> mix.sources',
      'z.z -> mix.query',
      'mix.delta -> scale.sources',
      'three.delta -> scale.sources',
      'scale.delta -> ffn_add.x',
    ],
  );
  const pfeiffer = (name: string) => ({ kind: 'pfeiffer', name, m: 4, trainable: true });
  const fusion = { kind: 'fusion', name: 'mix', trainable: true, sources: [pfeiffer('one'), pfeiffer('two')] };
  const c: ParityCase = {
    title: 'nested',
    preset: 'head',
    edit,
    methods: [{ kind: 'scalearn', name: 'scale', sources: [fusion, pfeiffer('three')] }],
  };
  await compare(c, await backbone('bert'), { ids, lengths, labels: [2, 0, 1] });
});

test('added terms of LoRAs as sources of fusion', async () => {
  const lora = (name: string): Entry[] => [
    makeNode(`lora_${name}`, 'peft.lora', { rank: 2 }),
    makeNode(`delta_${name}`, 'compose.delta', { outFeatures: 32 }),
  ];
  const edges = (name: string) => [
    `lora_${name}.transform -> delta_${name}.transform`,
    `ffn_act.y -> delta_${name}.x`,
    `delta_${name}.y -> mix.sources`,
  ];
  const edit = wired(
    [...input, ...lora('one'), ...lora('two'), makeNode('mix', 'peft.fusion')],
    [...inputWires, ...edges('one'), ...edges('two'), 'z.z -> mix.query', 'mix.delta -> ffn_add.x'],
  );
  const source = (name: string) => ({ kind: 'lora', name, r: 2, alpha: 8, trainable: true });
  const c: ParityCase = {
    title: 'lora sources',
    preset: 'head',
    edit,
    methods: [{ kind: 'fusion', name: 'mix', sources: [source('one'), source('two')] }],
  };
  await compare(c, await backbone('bert'), { ids, lengths, labels: [2, 0, 1] });
});
