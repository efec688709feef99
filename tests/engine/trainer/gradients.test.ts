/** What the division of a step into batches and parts may not change: the result. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readParameters, runTraining } from '../../../engine/trainer/run.ts';
import { interpret } from '../../../engine/backends/reference/interpret.ts';
import { stepKey } from '../../../engine/base/counterHash.ts';
import { collateExamples, planBatches, splitBatch } from '../../../engine/trainer/examples.ts';
import { batchFeeds, declaredInputs } from '../../../engine/trainer/feeds.ts';
import { gradientNorm } from '../../../engine/trainer/optimizer.ts';
import { entryFn } from '../../../engine/trainer/programs.ts';
import { stepGradients } from '../../../engine/trainer/gradients.ts';
import { ParameterStore } from '../../../engine/trainer/parameterStore.ts';
import { keepResults, namesOf } from '../../../engine/trainer/programs.ts';
import { nudged } from '../../support/arrays.ts';
import type { NDArray } from '../../../engine/ops/rule.ts';
import { referenceBackend, smallData, smallJob, smallModel, smallWeights, type SmallModel } from './smallModel.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-gradients-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function trained(
  name: string,
  settings: Parameters<typeof smallJob>[1],
  model?: SmallModel,
): Promise<Float32Array> {
  const result = await runTraining(smallJob(join(folder, name), { evaluate: { kind: 'never' }, ...settings }, model));
  const parameters = readParameters(result.adapterFile as string);
  return Float32Array.from([...parameters.values()].flatMap((t) => [...t.data]));
}

const difference = (a: Float32Array, b: Float32Array): number =>
  Math.max(...a.map((x, i) => Math.abs(x - (b[i] as number))));

describe('the division of a step', () => {
  it('accumulated batches equal one large batch', async () => {
    const model = smallModel({ dropout: 0 });
    const large = await trained('large', { order: 'random', batchSize: 8, accumulation: 1 }, model);
    const small = await trained('small', { order: 'random', batchSize: 2, accumulation: 4 }, model);
    expect(difference(large, small)).toBeLessThan(2e-5);
    const wrong = await trained('wrong', { order: 'random', batchSize: 2, accumulation: 1 }, model);
    expect(difference(large, wrong)).toBeGreaterThan(1e-3);
  });

  it.each([
    { twoLosses: false, growing: false },
    { twoLosses: true, growing: false },
  ])('parts of a batch equal the batch, dropout on: $twoLosses', async (options) => {
    const model = smallModel({ ...options, dropout: 0.25 });
    const whole = await trained('whole', {}, model);
    const parts = await trained('parts', { microBatchTokens: 9 }, model);
    const single = await trained('single', { microBatchTokens: 1 }, model);
    expect(difference(whole, parts)).toBeLessThan(2e-5);
    expect(difference(whole, single)).toBeLessThan(2e-5);
    expect(whole).not.toEqual(parts);
  });

  it('splits a batch into parts of bounded size, every example once', () => {
    const set = smallData(30);
    const batch = planBatches(set, { batchSize: 12, seed: 1, epoch: 0, order: 'random' })[0] as Int32Array;
    const parts = splitBatch(set, batch, 14);
    expect(parts.length).toBeGreaterThan(2);
    expect(Int32Array.from(parts.flatMap((p) => [...p])).sort()).toEqual(batch.slice().sort());
    for (const part of parts) {
      const { B, T } = collateExamples(set, part);
      expect(B === 1 || B * T <= 14).toBe(true);
    }
    expect(splitBatch(set, batch, undefined)).toEqual([batch]);
    expect(splitBatch(set, batch, 1000)).toEqual([batch]);
  });
});

describe('the objective', () => {
  it('of several losses is the sum of coefficient * sum / weight over the whole step, and so are its gradients', async () => {
    const model = smallModel({ twoLosses: true, dropout: 0 });
    const backend = referenceBackend();
    const runnable = async (program: SmallModel['train']) => ({
      executable: await backend.compile(program),
      inputs: declaredInputs(program),
      trainables: namesOf(program, 'trainable'),
    });
    const cut = keepResults(model.train, (name) => /^loss.*weight$/.test(name));
    expect(namesOf(cut, 'trainable')).toEqual([]);
    expect(namesOf(cut, 'weight')).toEqual([]);
    const set = smallData(10);
    const trainables = model.parameters.filter((p) => p.role === 'trainable');
    const store = new ParameterStore(
      trainables.map((p) => ({ name: p.name, shape: p.type.shape, decay: false, trained: true, rateFactor: 1 })),
      new Map(),
    );
    store.values.forEach((_, i) => (store.values[i] = Math.sin(i + 1) / 2));
    const batches = [Int32Array.of(0, 1, 2), Int32Array.of(3, 4)];
    const found = await stepGradients(
      {
        train: await runnable(model.train),
        weights: await runnable(cut),
        losses: model.losses,
        taps: [],
        set,
        firstPosition: 0,
        seed: 3,
        microBatchTokens: 8,
        extra: undefined,
      },
      store,
      0,
      batches,
    );

    // The objective itself, over all five examples at once, with the weights known to a person: 5 labels, n tokens.
    const batch = collateExamples(set, Int32Array.of(0, 1, 2, 3, 4));
    const scales = new Map([
      ['loss', 1 / 5],
      ['words', 0.5 / batch.N],
    ]);
    const fn = entryFn(model.train);
    const feeds = new Map<string, NDArray>();
    const put = (
      name: string,
      t: { dtype: NDArray['dtype']; shape: readonly number[]; data: ArrayLike<number> },
    ): void => {
      feeds.set(name, { dtype: t.dtype, shape: t.shape, data: Float64Array.from(t.data) });
    };
    for (const [name, t] of smallWeights()) put(name, t);
    for (const [name, t] of store.feeds()) put(name, t);
    const context = { firstPosition: 0, noiseKey: stepKey(3, 0, 0), scales };
    for (const [name, t] of batchFeeds(declaredInputs(model.train), batch, context)) put(name, t);
    const objective = (): number => interpret(fn, feeds).get('objective')!.data[0] as number;
    expect(found.loss).toBeCloseTo(objective(), 6);
    expect(found.scale).toBe(1);
    for (const { name } of trainables) {
      const x = feeds.get(name) as NDArray;
      const gradient = store.tensor(name, store.gradients).data;
      for (const at of [0, x.data.length - 1]) {
        const ends = [1e-5, -1e-5].map((step) => {
          feeds.set(name, nudged(x, at, step));
          return objective();
        });
        feeds.set(name, x);
        expect(gradient[at]).toBeCloseTo(((ends[0] as number) - (ends[1] as number)) / 2e-5, 5);
      }
    }
    expect(gradientNorm(store, store.spans(new Map()))).toBeGreaterThan(0);
  });

  it('writes each loss to the log when there are several', async () => {
    await trained('log', { maxSteps: 2 }, smallModel({ twoLosses: true }));
    const lines = readFileSync(join(folder, 'log', 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n');
    const first = JSON.parse(lines[0] as string) as { loss: number; losses: { loss: number; words: number } };
    expect(first.loss).toBeCloseTo(first.losses.loss + 0.5 * first.losses.words, 12);
  });
});
