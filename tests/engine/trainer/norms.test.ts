/** Norms of single parameters: against arithmetic from the files that a run leaves, and when they are told. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSafetensors } from '../../../engine/checkpoints/safetensors.ts';
import { symbol } from '../../../engine/ir/dim.ts';
import { floatTensors } from '../../../engine/trainer/checkpoint.ts';
import { gradientNorms, normsDue, UpdateNorms } from '../../../engine/trainer/norms.ts';
import { ParameterStore, type Slot } from '../../../engine/trainer/parameterStore.ts';
import { readParameters, runTraining } from '../../../engine/trainer/run.ts';
import type { TrainSettings } from '../../../engine/trainer/settings.ts';
import type { TrainEvent } from '../../../engine/trainer/state.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { RANK_AXIS, smallJob } from './smallModel.ts';

const folder = temporaryFolder();
const NAMES = ['head/bias', 'head/weight', 'lora/A', 'lora/B'];

interface StepLine {
  readonly event: string;
  readonly step: number;
  readonly gradient_norm: number;
  readonly taps?: Readonly<Record<string, number>>;
}
const stepsOf = (path: string): readonly StepLine[] =>
  readFileSync(join(path, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as StepLine)
    .filter((line) => line.event === 'step');

const norm = (values: Iterable<number>): number => Math.sqrt([...values].reduce((sum, x) => sum + x * x, 0));

describe('the norms that a run tells', () => {
  // The rate is constant, so that a run of fewer steps is the beginning of a longer one.
  const settings: Partial<TrainSettings> = {
    schedule: 'constant',
    warmup: { kind: 'steps', steps: 0 },
    clip: 1e6,
    evaluate: { kind: 'never' },
    checkpoint: { kind: 'steps', steps: 1 },
    keep: 'last',
  };

  it('are those of the gradient and of the way that each parameter went', async () => {
    const runs = [1, 2, 3].map((maxSteps) => ({ maxSteps, path: join(folder(), `run-${maxSteps}`) }));
    for (const { maxSteps, path } of runs) await runTraining(smallJob(path, { ...settings, maxSteps }));
    const longest = stepsOf(runs[2]!.path);
    expect(longest).toHaveLength(3);
    for (const [i, line] of longest.entries()) {
      const before = readParameters(
        i === 0 ? join(runs[0]!.path, 'initial.safetensors') : join(runs[i - 1]!.path, 'final.safetensors'),
      );
      const after = readParameters(join(runs[i]!.path, 'final.safetensors'));
      for (const name of NAMES) {
        const [from, to] = [before.get(name)!.data, after.get(name)!.data];
        const way = norm(Array.from(to, (x, k) => Number(x) - Number(from[k])));
        expect(way).toBeGreaterThan(0);
        expect(line.taps![`update/${name}`]! / way, `update of ${name}`).toBeCloseTo(1, 5);
      }
      const all = NAMES.map((name) => line.taps![`gradient/${name}`]!);
      expect(norm(all) / line.gradient_norm).toBeCloseTo(1, 5);
    }
    // After one step the first moment is a tenth of the gradient: m = (1 - 0.9) g.
    const moments = floatTensors(
      openSafetensors(join(runs[0]!.path, 'checkpoints', 'step-1', 'optimizer.safetensors')),
    );
    for (const name of NAMES) {
      const first = [...moments].find(([key]) => key.includes('first') && key.includes(name));
      const expected = norm(Array.from(first![1].data, Number)) * 10;
      expect(longest[0]!.taps![`gradient/${name}`]! / expected, `gradient of ${name}`).toBeCloseTo(1, 5);
    }
  });

  it('are told to listeners as they are logged', async () => {
    const events: TrainEvent[] = [];
    await runTraining(smallJob(join(folder(), 'run'), settings), { onEvent: (e) => events.push(e) });
    const told = events.flatMap((e) => (e.kind === 'step' ? [Object.fromEntries(e.taps)] : []));
    expect(told).toEqual(stepsOf(join(folder(), 'run')).map((line) => line.taps));
    expect(Object.keys(told[0]!).sort()).toEqual(
      NAMES.flatMap((name) => [`gradient/${name}`, `update/${name}`]).sort(),
    );
  });
});

describe('norms of a store', () => {
  const slot = (name: string, shape: Slot['shape'], trained = true): Slot => ({
    name,
    shape,
    decay: false,
    trained,
    rateFactor: 1,
  });

  it('add up the segments of a parameter that train, and leave out what does not', () => {
    const segment = { steps: 0, scheduleStart: 0, size: 1 };
    const growth = new Map([
      [
        RANK_AXIS,
        [
          { ...segment, id: 0, frozen: true },
          { ...segment, id: 1, frozen: false },
          { ...segment, id: 2, frozen: false, steps: 3 },
        ],
      ],
    ]);
    const store = new ParameterStore([slot('A', [symbol(RANK_AXIS), 2]), slot('unread', [3], false)], growth);
    const rows = [
      [100, 100],
      [3, 0],
      [0, 4],
    ];
    store.write('A', { dtype: 'f32', shape: [3, 2], data: Float32Array.from(rows.flat()) }, store.gradients, 'set');
    store.values.fill(1);
    const made = store.values.slice();
    store.write('A', { dtype: 'f32', shape: [3, 2], data: Float32Array.from(rows.flat()) }, made, 'add');
    const spans = store.spans(growth);
    expect([...gradientNorms(store, spans, 0.5)]).toEqual([['gradient/A', 2.5]]);
    const norms = new UpdateNorms(store);
    for (const { begin, end } of spans.filter((span) => !span.frozen)) {
      store.room.values.set(made.subarray(begin, end));
      norms.add({ begin, end, at: 0 });
    }
    expect([...norms.all()]).toEqual([['update/A', 5]]);
  });

  it('are told at the first step, at the last, and so seldom between that a run tells a bounded number', () => {
    const wide = (count: number, size = 1): ParameterStore =>
      new ParameterStore(
        Array.from({ length: count }, (_, i) => slot(`p${i}`, [size])),
        new Map(),
      );
    const told = (steps: number, store: ParameterStore): readonly number[] =>
      Array.from({ length: steps }, (_, i) => i + 1).filter((step) => normsDue(step, { steps }, store));
    expect(told(10, wide(40))).toHaveLength(10);
    expect(told(1000, wide(100)).slice(0, 3)).toEqual([1, 10, 20]);
    expect(told(1003, wide(100)).at(-1)).toBe(1003);
    expect(told(20_000, wide(100)).length * 200).toBeLessThan(21_000);
    // Many elements: no more than one step in five pays for them.
    expect(told(50, wide(1, 5 * 2 ** 21)).slice(0, 3)).toEqual([1, 5, 10]);
  });
});
