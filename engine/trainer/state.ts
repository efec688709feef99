/** The states of a run and what it tells while it runs. Both are unions on `kind`; a listener gets plain data. */
import type { Diagnostic } from '../base/errors.ts';
import type { MetricResult } from '../metrics/metrics.ts';

/**
 * idle -> preparing -> training <-> evaluating -> done; from training or evaluating also to `stopped` (asked for, or no
 * checkpoint could be written) and from everywhere to `failed`.
 */
export type TrainerState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'preparing'; readonly what: string }
  | { readonly kind: 'training'; readonly step: number }
  | { readonly kind: 'evaluating'; readonly step: number }
  | { readonly kind: 'stopped'; readonly step: number; readonly reason: StopReason }
  | { readonly kind: 'failed'; readonly step: number; readonly message: string }
  | { readonly kind: 'done'; readonly step: number; readonly reason: 'finished' | 'early-stopping' };

export type StopReason = 'asked' | 'storage';

export interface StepReport {
  readonly kind: 'step';
  /** Optimizer steps done. */
  readonly step: number;
  readonly steps: number;
  /** Examples that the steps so far have seen, those before a resumption too. */
  readonly examples: number;
  /** Epochs done, with their fraction. */
  readonly epoch: number;
  readonly loss: number;
  /** Each loss by name, divided by its weight. */
  readonly losses: ReadonlyMap<string, number>;
  /** Means of the named taps; in some steps also norms of single parameters, `gradient/PATH` and `update/PATH`. */
  readonly taps: ReadonlyMap<string, number>;
  readonly rate: number;
  readonly gradientNorm: number;
  /** Over the last steps of this process. */
  readonly examplesPerSecond: number;
  readonly tokensPerSecond: number;
  readonly secondsLeft: number;
  readonly rssBytes: number;
}

export interface EvaluationReport {
  readonly kind: 'evaluation';
  readonly step: number;
  readonly epoch: number;
  readonly metrics: MetricResult;
  readonly loss: number | undefined;
  /** The primary figure is the best so far. */
  readonly best: boolean;
  readonly seconds: number;
}

/** Figures to compare with, on the evaluation data: always answering the commonest, and the model before its first step. */
export interface BaselineReport {
  readonly kind: 'baseline';
  readonly primary: string;
  /** Absent where a constant answer has no figures, as for numbers. */
  readonly majority: ReadonlyMap<string, number> | undefined;
  readonly untrained: ReadonlyMap<string, number>;
}

export type TrainEvent =
  | { readonly kind: 'state'; readonly state: TrainerState }
  | StepReport
  | EvaluationReport
  | BaselineReport
  /** Sizes that are known before the first step: elements of parameters, and the steps of the run. */
  | { readonly kind: 'sizes'; readonly trainable: number; readonly backbone: number; readonly steps: number }
  /** Work that is counted before the first step: values of frozen layers, by examples. */
  | { readonly kind: 'progress'; readonly what: string; readonly done: number; readonly of: number }
  | { readonly kind: 'checkpoint'; readonly step: number; readonly bytes: number; readonly seconds: number }
  | { readonly kind: 'resumed'; readonly step: number }
  | { readonly kind: 'warning'; readonly diagnostic: Diagnostic };
