/**
 * A small model for tests of the trainer, written by hand: a frozen embedding table, a low-rank update of it, dropout on
 * tokens and on examples, mean pooling, a head, cross-entropy. It needs no node, no compiler and no device, and runs on the
 * reference backend. Also the data that it is trained on, and a job around both.
 */
import type { HostTensor } from '../../../engine/backends/executable.ts';
import { compileReference } from '../../../engine/backends/reference/executable.ts';
import { differentiate } from '../../../engine/autodiff/gradient.ts';
import { createRandom, randomKey } from '../../../engine/base/random.ts';
import type { EntryParameter, LossTerm } from '../../../engine/compile/model.ts';
import type { EncodedDataset } from '../../../engine/data/encode.ts';
import {
  add,
  cast,
  constant,
  crossEntropy,
  div,
  eq,
  gather,
  matmul,
  mul,
  noise,
  not,
  reshape,
  sum,
  tokenMask,
} from '../../../engine/ir/build.ts';
import { symbol, type Dim } from '../../../engine/ir/dim.ts';
import { FP32, type Program } from '../../../engine/ir/program.ts';
import type { Tensor } from '../../../engine/ir/tensor.ts';
import { tensorType, type Shape } from '../../../engine/ir/types.ts';
import type { InitSpec } from '../../../engine/nodekit/init.ts';
import { verifyProgram } from '../../../engine/ops/verify.ts';
import { FnBuilder } from '../../../engine/tracing/builder.ts';
import type { TrainerBackend } from '../../../engine/trainer/backend.ts';
import type { ExampleSet } from '../../../engine/trainer/examples.ts';
import type { TrainJob } from '../../../engine/trainer/job.ts';
import { DEFAULT_SETTINGS, type TrainSettings } from '../../../engine/trainer/settings.ts';

const WORDS = 24;
const WIDTH = 6;
const CLASSES = 3;
const TABLE = 'backbone:table';

export interface SmallModelOptions {
  /** Probability of dropout; 0.25 unless said. */
  readonly dropout?: number;
  /** A second loss: on every token, with its own weight. */
  readonly twoLosses?: boolean;
  /** The rank is an axis that grows. */
  readonly growing?: boolean;
}

export interface SmallModel {
  readonly train: Program;
  readonly evaluate: Program;
  readonly parameters: readonly EntryParameter[];
  readonly losses: readonly LossTerm[];
  readonly outputs: readonly string[];
}

export const RANK_AXIS = 'r@lora';

export function smallModel(options: SmallModelOptions = {}): SmallModel {
  const rank: Dim = options.growing === true ? symbol(RANK_AXIS) : 2;
  const bound = 1 / Math.sqrt(WIDTH);
  const trainable = (name: string, shape: Shape, init: InitSpec, decay: boolean): EntryParameter => ({
    name,
    path: name,
    paths: [name],
    role: 'trainable',
    type: tensorType('f32', shape),
    scope: 'layer',
    init,
    decay,
  });
  const parameters: readonly EntryParameter[] = [
    {
      name: TABLE,
      path: 'table',
      paths: ['table'],
      role: 'weight',
      type: tensorType('f32', [WORDS, WIDTH]),
      scope: 'layer',
    },
    trainable('lora/A', [rank, WIDTH], { kind: 'uniform', low: -bound, high: bound }, true),
    trainable('lora/B', [WIDTH, rank], { kind: 'normal', mean: 0, std: 0.1 }, true),
    trainable('head/weight', [CLASSES, WIDTH], { kind: 'normal', mean: 0, std: 0.3 }, true),
    trainable('head/bias', [CLASSES], { kind: 'constant', value: 0 }, false),
  ];
  const losses = [
    { name: 'loss', coefficient: 1 },
    ...(options.twoLosses === true ? [{ name: 'words', coefficient: 0.5 }] : []),
  ];
  const forward = (training: boolean): Program => trace(parameters, losses, training ? (options.dropout ?? 0.25) : 0);
  const wrt = parameters.filter((p) => p.role === 'trainable').map((p) => p.name);
  const { program: train } = differentiate(forward(true), { of: 'objective', wrt });
  const evaluate = forward(false);
  verifyProgram(train);
  verifyProgram(evaluate);
  return { train, evaluate, parameters, losses, outputs: ['logits'] };
}

function trace(parameters: readonly EntryParameter[], losses: readonly LossTerm[], dropout: number): Program {
  const builder = new FnBuilder();
  const [batch, length] = [symbol('B'), symbol('T')];
  const p = new Map(parameters.map((x) => [x.name, builder.param(x.name, x.role, x.type)]));
  const get = (name: string): Tensor => p.get(name) as Tensor;
  const input = (name: string, dtype: 'i32' | 'u32' | 'f32', shape: Shape): Tensor =>
    builder.param(name, 'input', tensorType(dtype, shape));
  const ids = input('batch/ids', 'i32', [batch, length]);
  const lengths = input('batch/lengths', 'i32', [batch]);
  const labels = input('batch/labels', 'i32', [batch]);
  const key = dropout > 0 ? input('rng/key', 'u32', [2]) : undefined;
  const drop = (x: Tensor, rows: 'tokens' | 'examples'): Tensor => {
    if (!key) return x;
    const leading = rows === 'tokens' ? [batch, length] : [batch];
    const coordinates = input(`rng/${rows}`, 'i32', leading);
    return mul(x, noise(key, coordinates, `drop/${rows}`, x.type.shape, { kind: 'keep', p: dropout }));
  };
  const words = gather(get(TABLE), ids);
  const low = matmul(matmul(words, get('lora/A'), { transposeB: true }), get('lora/B'), { transposeB: true });
  const hidden = drop(add(words, low), 'tokens');
  const mask = tokenMask(lengths, length);
  const total = sum(mul(hidden, reshape(mask, [batch, length, 1])), [-2]);
  const pooled = drop(div(total, reshape(cast(lengths, 'f32'), [batch, 1])), 'examples');
  const head = (x: Tensor): Tensor => add(matmul(x, get('head/weight'), { transposeB: true }), get('head/bias'));
  const logits = head(pooled);
  const [nll] = crossEntropy(logits, labels);
  const counted = cast(not(eq(labels, constant(labels, 'i32', [], -100))), 'f32');
  const terms = new Map<string, readonly [Tensor, Tensor]>([['loss', [sum(nll, [-1]), sum(counted, [-1])]]]);
  if (losses.length > 1) {
    const squares = sum(mul(head(hidden), head(hidden)), [-1]);
    terms.set('words', [sum(mul(squares, mask), [-2, -1]), sum(mask, [-2, -1])]);
  }
  const results: { name: string; value: Tensor }[] = [];
  let objective: Tensor | undefined;
  for (const { name } of losses) {
    const [lossSum, weight] = terms.get(name) as readonly [Tensor, Tensor];
    const term = mul(lossSum, input(`scale/${name}`, 'f32', []));
    objective = objective ? add(objective, term) : term;
    results.push({ name: `loss/${name}/sum`, value: lossSum }, { name: `loss/${name}/weight`, value: weight });
  }
  results.push({ name: 'objective', value: objective as Tensor }, { name: 'output/logits', value: logits });
  const fn = builder.finish('main', results);
  const grows = parameters.some((x) => x.type.shape.some((d) => typeof d !== 'number'));
  const symbols = ['B', 'T', ...(grows ? [RANK_AXIS] : [])].map((name) => ({ name, min: 1, max: 1024 }));
  return { symbols, functions: new Map([['main', fn]]), entry: 'main', policy: FP32 };
}

/** Sentences of random words; the class is decided by the sum of the ids, so it can be learnt. */
export function smallData(count: number, name = 'train'): ExampleSet {
  const random = createRandom(randomKey(7, name));
  const offsets = new Int32Array(count + 1);
  const ids: number[] = [];
  const classes = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const length = 2 + random.below(5);
    let total = 0;
    for (let t = 0; t < length; t++) {
      const id = 1 + random.below(WORDS - 1);
      total += id;
      ids.push(id);
    }
    offsets[i + 1] = ids.length;
    classes[i] = Math.min(CLASSES - 1, Math.floor(total / length / 8));
  }
  const encoded: EncodedDataset = {
    key: `small ${name} ${count}`,
    rows: count,
    maxLength: 16,
    padId: 0,
    offsets,
    ids: Int32Array.from(ids),
    typeIds: new Uint8Array(ids.length),
    cut: new Int32Array(count),
  };
  return {
    encoded,
    targets: { kind: 'classification', labels: ['a', 'b', 'c'], classes },
    file: `${name}.jsonl`,
    rowNumbers: Int32Array.from({ length: count }, (_, i) => i + 1),
    key: encoded.key,
  };
}

export const smallTable = (): Float32Array => {
  const random = createRandom(randomKey(11, 'table'));
  return Float32Array.from({ length: WORDS * WIDTH }, () => random.normal() * 0.5);
};

export const smallWeights = (): ReadonlyMap<string, HostTensor> =>
  new Map([[TABLE, { dtype: 'f32', shape: [WORDS, WIDTH], data: smallTable() }]]);

export const referenceBackend = (weights = smallWeights()): TrainerBackend => ({
  identity: 'reference',
  compile: async (program) => compileReference(program, weights),
});

export const SMALL_SETTINGS: TrainSettings = {
  ...DEFAULT_SETTINGS,
  epochs: 2,
  batchSize: 8,
  learningRate: 0.02,
  evaluationBatchSize: 16,
};

export function smallJob(
  folder: string,
  settings: Partial<TrainSettings> = {},
  model: SmallModel = smallModel(),
  more: Partial<TrainJob> = {},
): TrainJob {
  return {
    folder,
    resume: false,
    programs: { train: model.train, evaluate: model.evaluate },
    model,
    backend: referenceBackend(),
    weights: { read: () => smallTable() },
    weightsKey: 'small table',
    trainSet: smallData(40),
    evaluationSet: smallData(20, 'evaluation'),
    firstPosition: 0,
    settings: { ...SMALL_SETTINGS, ...settings },
    ...more,
  };
}
