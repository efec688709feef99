/**
 * Learning-rate schedules as `transformers` computes them (optimization.py, version 4.x and 5.x): a factor of the base
 * rate for each optimizer step, counted from 0.
 *
 *   warm-up    k / max(1, w)                                     for k < w
 *   constant   1
 *   linear     max(0, (n - k) / max(1, n - w))
 *   cosine     max(0, (1 + cos(pi (k - w) / max(1, n - w))) / 2)
 */
import { assertNever } from '../base/errors.ts';

export const SCHEDULE_KINDS = ['constant', 'linear', 'cosine'] as const;
export type ScheduleKind = (typeof SCHEDULE_KINDS)[number];

/** Warm-up as a number of optimizer steps, or as a share of all of them (rounded up, as `transformers` does). */
export type Warmup =
  { readonly kind: 'steps'; readonly steps: number } | { readonly kind: 'ratio'; readonly ratio: number };

export interface Schedule {
  readonly kind: ScheduleKind;
  /** Optimizer steps of warm-up, w. */
  readonly warmup: number;
  /** Optimizer steps of the run, n. */
  readonly total: number;
}

export const warmupSteps = (warmup: Warmup, total: number): number =>
  warmup.kind === 'steps' ? warmup.steps : Math.ceil(total * warmup.ratio);

/** The factor of the base rate in step `step`, counted from 0. */
export function rateFactor({ kind, warmup, total }: Schedule, step: number): number {
  if (step < warmup) return step / Math.max(1, warmup);
  switch (kind) {
    case 'constant':
      return 1;
    case 'linear':
      return Math.max(0, (total - step) / Math.max(1, total - warmup));
    case 'cosine':
      return Math.max(0, 0.5 * (1 + Math.cos((Math.PI * (step - warmup)) / Math.max(1, total - warmup))));
    default:
      return assertNever(kind, 'schedule');
  }
}

/** The factor for a part of a parameter that was added before step `start`: the schedule begins anew there and ends with the run. */
export const rateFactorFrom = (schedule: Schedule, start: number, step: number): number =>
  start === 0 ? rateFactor(schedule, step) : rateFactor({ ...schedule, total: schedule.total - start }, step - start);
