/** An optimizer step over more elements than its room: the same numbers in every bit, and all of it or nothing. */
import { expect, it } from 'vitest';
import type { Executable, HostTensor } from '../../../engine/backends/executable.ts';
import { ADAMW, traceAdamW } from '../../../engine/trainer/adamw.ts';
import { optimizerStep, scalar, type StepRequest } from '../../../engine/trainer/optimizer.ts';
import { ParameterStore, ROOM_ELEMENTS, type Slot, type Span } from '../../../engine/trainer/parameterStore.ts';
import { testRandom } from '../../support/arrays.ts';
import { withExecutable } from '../backends/support.ts';

const withUpdate = (use: (update: Executable) => Promise<void>): Promise<void> =>
  withExecutable(traceAdamW({ betas: [0.9, 0.999], epsilon: 1e-8 }), { threads: 2 }, use);
const SETTINGS = { learningRate: 0.01, weightDecay: 0.1 };
// Parts end in the middle of a parameter, in the middle of a span, and where a span ends.
const SLOTS: readonly Slot[] = [
  { name: 'a', shape: [700, 1000], decay: true, trained: true, rateFactor: 1 },
  { name: 'b', shape: [800, 1000], decay: true, trained: true, rateFactor: 1 },
  { name: 'c', shape: [900, 1000], decay: true, trained: true, rateFactor: 3 },
];

function randomStore(): ParameterStore {
  const store = new ParameterStore(SLOTS, new Map());
  const random = testRandom('optimizer', 0);
  for (const buffer of [store.values, store.gradients, store.first])
    for (let i = 0; i < buffer.length; i++) buffer[i] = random.normal();
  store.second.forEach((_, i) => (store.second[i] = Math.abs(store.first[i] as number)));
  return store;
}

const requestOf = (store: ParameterStore): StepRequest => ({
  store,
  growth: new Map(),
  step: 4,
  schedule: { kind: 'constant', warmup: 0, total: 10 },
  scale: 0.5,
  measure: true,
});

/** Copies of what a span is updated from. */
function feedsOf(store: ParameterStore, { begin, end, rateFactor }: Span): Map<string, HostTensor> {
  const vector = (data: Float32Array): HostTensor => ({
    dtype: 'f32',
    shape: [end - begin],
    data: data.slice(begin, end),
  });
  return new Map([
    [ADAMW.parameters, vector(store.values)],
    [ADAMW.gradient, vector(store.gradients)],
    [ADAMW.first, vector(store.first)],
    [ADAMW.second, vector(store.second)],
    [ADAMW.step, scalar(5)],
    [ADAMW.rate, scalar(SETTINGS.learningRate * rateFactor)],
    [ADAMW.decay, scalar(SETTINGS.weightDecay)],
    [ADAMW.scale, scalar(0.5)],
  ]);
}

it('equals one update of each span, and tells how far each parameter went', () =>
  withUpdate(async (update) => {
    const store = randomStore();
    expect(store.size).toBeGreaterThan(2 * ROOM_ELEMENTS);
    const before = store.values.slice();
    const spans = store.spans(new Map());
    const expected: ReadonlyMap<string, HostTensor>[] = [];
    for (const span of spans) expected.push(await update.run(feedsOf(store, span)));
    const done = await optimizerStep(update, SETTINGS, requestOf(store));
    expect(done.ok).toBe(true);
    for (const [i, { begin, end }] of spans.entries()) {
      for (const [name, buffer] of [
        [ADAMW.parameters, store.values],
        [ADAMW.first, store.first],
        [ADAMW.second, store.second],
      ] as const) {
        const wanted = Float32Array.from(expected[i]!.get(name)!.data);
        expect(Buffer.compare(bytes(buffer.slice(begin, end)), bytes(wanted)), name).toBe(0);
      }
    }
    for (const { name, offset, length } of store.pieces) {
      let squares = 0;
      for (let i = offset; i < offset + length; i++) squares += (store.values[i]! - before[i]!) ** 2;
      expect(squares).toBeGreaterThan(0);
      expect(done.ok && done.moved.get(`update/${name}`)).toBeCloseTo(Math.sqrt(squares), 3);
    }
  }));

it('keeps nothing when the last part would leave the range of numbers', () =>
  withUpdate(async (update) => {
    const store = randomStore();
    // The decay of "c" turns its values round and doubles them: 1 - 3 * 1.
    store.values[store.size - 1] = 3e38;
    const before = [store.values.slice(), store.first.slice(), store.second.slice()];
    const settings = { learningRate: 1, weightDecay: 1 };
    expect(await optimizerStep(update, settings, requestOf(store))).toEqual({ ok: false, parameter: 'c' });
    [store.values, store.first, store.second].forEach((buffer, i) =>
      expect(Buffer.compare(bytes(buffer), bytes(before[i]!))).toBe(0),
    );
  }));

const bytes = ({ buffer }: Float32Array): Buffer => Buffer.from(buffer);
