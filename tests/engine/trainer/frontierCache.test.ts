/** Values of frozen layers are computed once and change nothing but time: padded and packed, with little room, resumed. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compileReference } from '../../../engine/backends/reference/executable.ts';
import { differentiate } from '../../../engine/autodiff/gradient.ts';
import {
  add,
  cast,
  constant,
  crossEntropy,
  div,
  gather,
  matmul,
  mul,
  reshape,
  sum,
  tanh,
  tokenMask,
} from '../../../engine/ir/build.ts';
import { symbol } from '../../../engine/ir/dim.ts';
import { FP32, type Program } from '../../../engine/ir/program.ts';
import { tensorType } from '../../../engine/ir/types.ts';
import { verifyProgram } from '../../../engine/ops/verify.ts';
import { splitAtFrontier } from '../../../engine/passes/frontier.ts';
import { packTokens } from '../../../engine/passes/packing.ts';
import { inputKinds } from '../../../engine/passes/perExample.ts';
import { FnBuilder } from '../../../engine/tracing/builder.ts';
import type { TrainerBackend } from '../../../engine/trainer/backend.ts';
import { copyBox } from '../../../engine/trainer/boxes.ts';
import type { FrontierPlan } from '../../../engine/trainer/frontierCache.ts';
import type { TrainJob } from '../../../engine/trainer/job.ts';
import { entryFn, keepResults } from '../../../engine/trainer/programs.ts';
import { readParameters, runTraining } from '../../../engine/trainer/run.ts';
import type { TrainEvent } from '../../../engine/trainer/state.ts';
import { nodeFileTree } from '../../support/fileTree.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { smallJob, smallModel, smallWeights } from './smallModel.ts';

const folder = temporaryFolder();
const [B, T, N] = [symbol('B'), symbol('T'), symbol('N')];

/** A frozen layer on frozen embeddings, a trainable head, mean pooling. */
function frozenModel(): Program {
  const builder = new FnBuilder();
  const table = builder.param('backbone:table', 'weight', tensorType('f32', [24, 6]));
  const head = builder.param('head/weight', 'trainable', tensorType('f32', [3, 6]));
  const ids = builder.param('batch/ids', 'input', tensorType('i32', [B, T]));
  const lengths = builder.param('batch/lengths', 'input', tensorType('i32', [B]));
  const labels = builder.param('batch/labels', 'input', tensorType('i32', [B]));
  const words = gather(table, ids);
  const frozen = tanh(matmul(words, constant(words, 'f32', [6, 6], 0.1)));
  const logitsOfWords = matmul(add(frozen, words), head, { transposeB: true });
  const masked = mul(logitsOfWords, reshape(tokenMask(lengths, T), [B, T, 1]));
  const logits = div(sum(masked, [-2]), reshape(cast(lengths, 'f32'), [B, 1]));
  const [nll] = crossEntropy(logits, labels);
  const loss = sum(nll, [-1]);
  const scale = builder.param('scale/loss', 'input', tensorType('f32', []));
  const fn = builder.finish('main', [
    { name: 'loss/loss/sum', value: loss },
    { name: 'loss/loss/weight', value: sum(constant(loss, 'f32', [B], 1), [-1]) },
    { name: 'objective', value: mul(loss, scale) },
    { name: 'output/logits', value: logits },
  ]);
  const symbols = [B, T].map((s) => ({ name: String(s), min: 1, max: 64 }));
  return { symbols, functions: new Map([['main', fn]]), entry: 'main', policy: FP32 };
}

function plans(packed: boolean): {
  train: Program;
  evaluate: Program;
  trainPlan: FrontierPlan;
  evaluatePlan: FrontierPlan;
} {
  const forward = packed ? packTokens(frozenModel()) : frozenModel();
  const whole = differentiate(forward, { of: 'objective', wrt: ['head/weight'] });
  const evaluate = keepResults(forward, (name) => name !== 'objective');
  const sizes = new Map([
    ['B', 8],
    ['T', 5],
    ['N', 30],
  ]);
  const split = (d: Parameters<typeof splitAtFrontier>[0]): FrontierPlan => {
    const axes = { batch: B, rows: N, indices: ['pack/index'] };
    const frontier = splitAtFrontier(d, { inputs: inputKinds(entryFn(d.program), axes), sizes, flopsPerByte: 0.5 });
    if (!frontier) throw new Error('nothing to keep');
    verifyProgram(frontier.prefix);
    verifyProgram(frontier.rest.program);
    return { prefix: frontier.prefix, rest: frontier.rest.program, cached: frontier.cached };
  };
  return {
    train: whole.program,
    evaluate,
    trainPlan: split(whole),
    evaluatePlan: split({ program: evaluate, backwardStart: entryFn(evaluate).body.length, cotangents: new Map() }),
  };
}

/** What a Program is: the prefix of the data's layers, or the rest or the whole of training or evaluation. */
function kindOf(program: Program): string {
  const fn = entryFn(program);
  const results = fn.results.map((r) => r.name);
  if (results.includes('cache/0')) return 'prefix';
  if (!results.includes('output/logits')) return 'update';
  const use = results.some((name) => name.startsWith('grad/')) ? 'train' : 'evaluate';
  return `${fn.params.some((p) => p.name === 'cache/0') ? 'rest' : 'whole'} ${use}`;
}

/** Counts the examples that each kind of Program is run on. */
function counting(): { readonly backend: TrainerBackend; readonly examples: Map<string, number> } {
  const examples = new Map<string, number>();
  const backend: TrainerBackend = {
    identity: 'reference',
    compile: async (program) => {
      const executable = compileReference(program, smallWeights());
      return {
        ...executable,
        run: async (feeds, into) => {
          const rows = (feeds.get('batch/ids') ?? feeds.get('cache/0'))?.shape[0] ?? 0;
          const kind = kindOf(program);
          examples.set(kind, (examples.get(kind) ?? 0) + rows);
          return executable.run(feeds, into);
        },
      };
    },
  };
  return { backend, examples };
}

const head = smallModel().parameters.filter((p) => p.name === 'head/weight' || p.role === 'weight');

describe.each([{ packed: false }, { packed: true }])('kept values (packed: $packed)', ({ packed }) => {
  const { train, evaluate, trainPlan, evaluatePlan } = plans(packed);
  const job = (path: string, cacheBytes: number, backend: TrainerBackend, resume = false): TrainJob =>
    smallJob(
      path,
      { epochs: 3, cacheBytes, microBatchTokens: 20, checkpoint: { kind: 'steps', steps: 2 } },
      undefined,
      {
        programs: { train, evaluate },
        frontier: { train: trainPlan, evaluate: evaluatePlan },
        model: { parameters: head, losses: [{ name: 'loss', coefficient: 1 }], outputs: ['logits'] },
        backend,
        resume,
      },
    );
  const trained = async (name: string, cacheBytes: number, backend = counting().backend): Promise<Float32Array> => {
    const { adapterFile } = await runTraining(job(join(folder(), name), cacheBytes, backend));
    return readParameters(adapterFile!).get('head/weight')!.data as Float32Array;
  };

  it('give the same model, and each example runs through the frozen part once', async () => {
    expect(trainPlan.cached[0]).toMatchObject({ unit: packed ? 'row' : 'example', type: { dtype: 'f32' } });
    const without = await trained('without', 0);
    const { backend, examples } = counting();
    const withCache = await trained('with', 1e6, backend);
    withCache.forEach((x, i) => expect(x).toBeCloseTo(without[i] as number, 5));
    // 40 examples for training and 20 for evaluation.
    expect(examples.get('prefix')).toBe(60);
    expect([...examples.keys()].filter((kind) => kind.startsWith('whole'))).toEqual([]);
  });

  it('with room for some examples compute the others when needed', async () => {
    const without = await trained('without', 0);
    const { backend, examples } = counting();
    const half = await trained('half', 2000, backend);
    half.forEach((x, i) => expect(x).toBeCloseTo(without[i] as number, 5));
    // Three epochs of 60 examples without kept values, 60 with room for all.
    const runs = examples.get('prefix') as number;
    expect(runs).toBeGreaterThan(60);
    expect(runs).toBeLessThan(180);
  });

  it('resume to the same bytes with an empty cache', async () => {
    const calm = join(folder(), 'calm');
    await runTraining(job(calm, 2000, counting().backend));
    const path = join(folder(), 'stopped');
    const controller = new AbortController();
    const stopped = await runTraining(job(path, 2000, counting().backend), {
      signal: controller.signal,
      onEvent: (e) => {
        if (e.kind === 'step' && e.step === 7) controller.abort();
      },
    });
    expect(stopped.ended).toBe('stopped');
    const resumed = await runTraining(job(path, 2000, counting().backend, true));
    expect(resumed.cache!.bytes).toBeLessThanOrEqual(2000);
    expect(nodeFileTree(path)).toEqual(nodeFileTree(calm));
  });

  it('tell how far they are, and can be stopped', async () => {
    const controller = new AbortController();
    const events: TrainEvent[] = [];
    const path = join(folder(), 'run');
    const result = await runTraining(job(path, 1e6, counting().backend), {
      signal: controller.signal,
      onEvent: (e) => {
        events.push(e);
        if (e.kind === 'progress') controller.abort();
      },
    });
    expect(result).toMatchObject({ ended: 'stopped', steps: 0 });
    expect(events.filter((e) => e.kind === 'progress')).toHaveLength(1);
    const resumed = await runTraining(job(path, 1e6, counting().backend, true));
    expect(resumed.ended).toBe('finished');
  });
});

describe('boxes', () => {
  const numbers = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => i);

  it('are copied between arrays of other sizes', () => {
    const to = new Float32Array(2 * 4 * 3);
    copyBox(numbers(12), [2, 2, 3], [1, 0, 1], to, [2, 4, 3], [0, 2, 0], [1, 2, 2]);
    expect([...to.slice(6, 12)]).toEqual([7, 8, 0, 10, 11, 0]);
    expect(to.filter((x) => x !== 0)).toHaveLength(4);
  });

  it('of whole rows are copied at once, scalars too', () => {
    const to = new Float32Array(6);
    copyBox(numbers(12), [4, 3], [1, 0], to, [2, 3], [0, 0], [2, 3]);
    expect([...to]).toEqual([3, 4, 5, 6, 7, 8]);
    const one = new Float32Array(1);
    copyBox(Float32Array.of(5), [], [], one, [], [], []);
    expect([...one]).toEqual([5]);
  });
});
