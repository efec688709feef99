/** The expected numbers are those of the schedulers of `transformers` (tests/oracle/schedules.py), base rate 1. */
import { describe, expect, it } from 'vitest';
import { rateFactor, rateFactorFrom, warmupSteps, type Schedule } from '../../../engine/trainer/schedule.ts';

const rising = [0, 1 / 3, 2 / 3];
const cases: readonly { readonly schedule: Schedule; readonly factors: readonly number[] }[] = [
  {
    schedule: { kind: 'constant', warmup: 3, total: 12 },
    factors: [...rising, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
  },
  {
    schedule: { kind: 'linear', warmup: 3, total: 12 },
    factors: [...rising, 1, 8 / 9, 7 / 9, 6 / 9, 5 / 9, 4 / 9, 3 / 9, 2 / 9, 1 / 9, 0],
  },
  { schedule: { kind: 'linear', warmup: 0, total: 5 }, factors: [1, 0.8, 0.6, 0.4, 0.2, 0] },
  {
    schedule: { kind: 'cosine', warmup: 3, total: 12 },
    factors: [
      ...rising,
      1,
      0.9698463103929542,
      0.883022221559489,
      0.75,
      0.5868240888334653,
      0.41317591116653485,
      0.2500000000000001,
      0.11697777844051105,
      0.03015368960704584,
      0,
    ],
  },
  {
    schedule: { kind: 'cosine', warmup: 0, total: 6 },
    factors: [1, 0.9330127018922194, 0.75, 0.5, 0.2500000000000001, 0.06698729810778065, 0],
  },
];

describe('schedules', () => {
  it.each(cases)('$schedule.kind with warm-up $schedule.warmup of $schedule.total', ({ schedule, factors }) => {
    factors.forEach((factor, step) => {
      expect(rateFactor(schedule, step)).toBeCloseTo(factor, 15);
    });
  });

  it('stays at 0 after the end', () => {
    expect(rateFactor({ kind: 'linear', warmup: 0, total: 5 }, 9)).toBe(0);
  });

  it('rounds a share of warm-up up', () => {
    expect(warmupSteps({ kind: 'ratio', ratio: 0.06 }, 101)).toBe(7);
    expect(warmupSteps({ kind: 'ratio', ratio: 0 }, 101)).toBe(0);
    expect(warmupSteps({ kind: 'steps', steps: 5 }, 101)).toBe(5);
  });

  it('begins anew for a part that is added later, and ends with the run', () => {
    const schedule: Schedule = { kind: 'linear', warmup: 2, total: 12 };
    expect([4, 5, 6, 9, 12].map((step) => rateFactorFrom(schedule, 4, step))).toEqual([0, 0.5, 1, 0.5, 0]);
    expect(rateFactorFrom(schedule, 0, 7)).toBe(rateFactor(schedule, 7));
  });
});
