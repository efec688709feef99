/** The traced AdamW against torch.optim.AdamW: decay groups, clipping, warm-up, 20 steps. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileReference } from '../../../engine/backends/reference/executable.ts';
import { verifyProgram } from '../../../engine/ops/verify.ts';
import { traceAdamW } from '../../../engine/trainer/adamw.ts';
import { clipFactor, gradientNorm, optimizerStep } from '../../../engine/trainer/optimizer.ts';
import { ParameterStore, type Slot } from '../../../engine/trainer/parameterStore.ts';
import type { Schedule } from '../../../engine/trainer/schedule.ts';
import { testRandom } from '../../support/arrays.ts';
import { startOracle, type Oracle } from '../../support/oracle.ts';
import { readTensors, writeTensors } from '../../support/tensors.ts';

const STEPS = 20;
const slot = (name: string, shape: readonly number[], decay: boolean): Slot => ({
  name,
  shape,
  decay,
  trained: true,
  rateFactor: 1,
});
const slots = [slot('a', [3, 4], true), slot('bias', [5], false), slot('b', [2, 2], true)];
const optimizer = { betas: [0.9, 0.999] as const, epsilon: 1e-6 };

let oracle: Oracle;
beforeAll(() => {
  oracle = startOracle();
});
afterAll(() => oracle.close());

const randomTensors = (label: string | number, scale: number): Map<string, { shape: number[]; data: Float32Array }> => {
  const random = testRandom('adamw', label);
  return new Map(
    slots.map(({ name, shape }) => {
      const size = (shape as number[]).reduce((n, d) => n * d, 1);
      return [
        name,
        { shape: [...(shape as number[])], data: Float32Array.from({ length: size }, () => scale * random.normal()) },
      ];
    }),
  );
};

describe('AdamW', () => {
  it('is a valid Program', () => {
    verifyProgram(traceAdamW(optimizer));
  });

  it.each([
    { clip: undefined, schedule: { kind: 'constant', warmup: 0, total: STEPS } satisfies Schedule },
    { clip: 1.5, schedule: { kind: 'linear', warmup: 4, total: STEPS } satisfies Schedule },
  ])(
    'does what PyTorch does, clip $clip',
    async ({ clip, schedule }) => {
      const settings = { learningRate: 0.03, weightDecay: 0.1, ...(clip === undefined ? {} : { clip }) };
      const file = (name: string): string => join(oracle.folder, `${name}-${clip ?? 'none'}.safetensors`);
      const start = randomTensors('start', 1);
      writeTensors(file('start'), start);
      const gradients = Array.from({ length: STEPS }, (_, k) => randomTensors(k, 0.7));
      gradients.forEach((g, k) => writeTensors(file(`gradient${k}`), g));
      const torch = await oracle.request<{ gradient_norms: number[] }>('adamw', {
        parameters: file('start'),
        gradients: gradients.map((_, k) => file(`gradient${k}`)),
        lr: settings.learningRate,
        betas: optimizer.betas,
        eps: optimizer.epsilon,
        weight_decay: settings.weightDecay,
        decay_exclude: ['bias'],
        ...(clip === undefined ? {} : { clip }),
        schedule,
        out: file('out'),
      });
      const expected = readTensors(file('out'));

      const update = compileReference(traceAdamW(optimizer), new Map());
      const store = new ParameterStore(slots, new Map());
      for (const [name, t] of start) store.write(name, { ...t, dtype: 'f32' }, store.values, 'set');
      for (const [step, gradient] of gradients.entries()) {
        // Gradients arrive as sums over 8 terms; the factor of the step makes them means.
        for (const [name, t] of gradient) {
          const sums = t.data.map((x) => x * 8);
          store.write(name, { shape: t.shape, data: sums, dtype: 'f32' }, store.gradients, 'set');
        }
        const norm = gradientNorm(store, store.spans(new Map())) / 8;
        if (clip !== undefined) expect(norm).toBeCloseTo(torch.gradient_norms[step] as number, 5);
        const scale = clipFactor(norm, clip) / 8;
        const done = await optimizerStep(update, settings, { store, growth: new Map(), step, schedule, scale });
        expect(done.ok).toBe(true);
      }
      for (const { name } of slots) {
        for (const [prefix, buffer] of [
          ['', store.values],
          ['exp_avg/', store.first],
          ['exp_avg_sq/', store.second],
        ] as const) {
          const want = expected.get(prefix + name)!.data;
          const got = store.tensor(name, buffer).data;
          want.forEach((x, i) => expect(Math.abs((got[i] as number) - x), `${prefix}${name}[${i}]`).toBeLessThan(2e-6));
        }
      }
      // The first request waits until PyTorch has been loaded, which takes long on a busy machine.
    },
    300_000,
  );

  it('updates spans by their own rate', async () => {
    const update = compileReference(traceAdamW(optimizer), new Map());
    const fast = [
      slot('slow', [2], false),
      { ...slot('fast', [2], false), rateFactor: 16 },
      { ...slot('unread', [2], true), trained: false },
    ];
    const store = new ParameterStore(fast, new Map());
    store.values.fill(1);
    store.gradients.fill(1);
    const schedule: Schedule = { kind: 'constant', warmup: 0, total: 5 };
    await optimizerStep(
      update,
      { learningRate: 0.01, weightDecay: 0.5 },
      { store, growth: new Map(), step: 0, schedule, scale: 1 },
    );
    // The first step of Adam is as long as the rate.
    expect(store.tensor('slow', store.values).data[0]).toBeCloseTo(1 - 0.01, 6);
    expect(store.tensor('fast', store.values).data[1]).toBeCloseTo(1 - 0.16, 6);
    expect([...store.tensor('unread', store.values).data]).toEqual([1, 1]);
  });

  it('changes nothing when one new value is no finite number', async () => {
    const update = compileReference(traceAdamW(optimizer), new Map());
    const store = new ParameterStore(slots, new Map());
    store.values.fill(2);
    store.gradients.fill(1);
    const schedule: Schedule = { kind: 'constant', warmup: 0, total: 5 };
    // Only the decayed span overflows; the other one is not updated either.
    const settings = { learningRate: 3e38, weightDecay: 3e38 };
    const done = await optimizerStep(update, settings, { store, growth: new Map(), step: 0, schedule, scale: 1 });
    expect(done).toEqual({ ok: false, parameter: 'a' });
    expect(store.values.every((x) => x === 2)).toBe(true);
    expect(store.first.every((x) => x === 0)).toBe(true);
  });
});
