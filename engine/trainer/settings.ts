/** The settings of a run, their check, and the counts that follow from them. */
import { UserError, type Diagnostic } from '../base/errors.ts';
import { batchCount, type BatchOrder } from '../data/batches.ts';
import { settingMessage } from './messages.ts';
import { warmupSteps, type Schedule, type ScheduleKind, type Warmup } from './schedule.ts';

export interface EarlyStopping {
  /** Evaluations in a row without a better figure after which the run ends. */
  readonly patience: number;
  /** A figure counts as better when it is higher by more than this. */
  readonly minDelta: number;
}

/** When something happens: at the end of every epoch, after every so many optimizer steps, or not at all. */
export type Interval =
  { readonly kind: 'epoch' } | { readonly kind: 'steps'; readonly steps: number } | { readonly kind: 'never' };

export interface TrainSettings {
  readonly epochs: number;
  /** Ends the run earlier, or never comes into play. */
  readonly maxSteps?: number;
  /** Examples of one batch. */
  readonly batchSize: number;
  readonly order: Extract<BatchOrder, 'grouped' | 'random'>;
  /** Batches of one optimizer step. */
  readonly accumulation: number;
  /** Padded tokens that are computed at once; a larger batch is computed in parts, with the same result up to rounding. */
  readonly microBatchTokens?: number;
  readonly learningRate: number;
  readonly schedule: ScheduleKind;
  readonly warmup: Warmup;
  readonly weightDecay: number;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  /** Largest norm of the gradient; absent: no clipping. */
  readonly clip?: number;
  readonly seed: number;
  readonly evaluate: Interval;
  readonly evaluationBatchSize: number;
  readonly checkpoint: Interval;
  readonly earlyStopping?: EarlyStopping;
  /** Which parameters the run ends with: those of the best evaluation, or of the last step. */
  readonly keep: 'best' | 'last';
  /** Bytes of memory for values of frozen layers that are reused in later epochs; 0: none. */
  readonly cacheBytes: number;
}

/** What `transformers` and `peft` users expect, where they agree; 1e-3 is the usual rate of small modules. */
export const DEFAULT_SETTINGS: TrainSettings = {
  epochs: 3,
  batchSize: 32,
  order: 'grouped',
  accumulation: 1,
  learningRate: 1e-3,
  schedule: 'linear',
  warmup: { kind: 'ratio', ratio: 0.06 },
  weightDecay: 0.01,
  betas: [0.9, 0.999],
  epsilon: 1e-8,
  clip: 1,
  seed: 0,
  evaluate: { kind: 'epoch' },
  evaluationBatchSize: 64,
  checkpoint: { kind: 'epoch' },
  keep: 'best',
  cacheBytes: 0,
};

/** Counts that are fixed before the first step. */
export interface RunPlan {
  readonly batchesPerEpoch: number;
  readonly stepsPerEpoch: number;
  /** Optimizer steps of the run. */
  readonly steps: number;
  readonly schedule: Schedule;
}

/** Optimizer steps don't cross the end of an epoch: the last one of an epoch may have fewer batches. */
export function planRun(settings: TrainSettings, examples: number): RunPlan {
  const batchesPerEpoch = batchCount(examples, settings.batchSize);
  const stepsPerEpoch = Math.ceil(batchesPerEpoch / settings.accumulation);
  const steps = Math.min(settings.epochs * stepsPerEpoch, settings.maxSteps ?? Infinity);
  const schedule = { kind: settings.schedule, warmup: warmupSteps(settings.warmup, steps), total: steps };
  return { batchesPerEpoch, stepsPerEpoch, steps, schedule };
}

/** Whether something that happens at `interval` happens after optimizer step `step`, counted from 1. */
export function isDue(interval: Interval, step: number, plan: RunPlan): boolean {
  switch (interval.kind) {
    case 'epoch':
      return step % plan.stepsPerEpoch === 0 || step === plan.steps;
    case 'steps':
      return step % interval.steps === 0 || step === plan.steps;
    case 'never':
      return false;
  }
}

/** Refuses settings that no run can have, all at once. */
export function checkSettings(settings: TrainSettings): void {
  const found: Diagnostic[] = [];
  const need = (ok: boolean, name: string, value: unknown, rule: string): void => {
    if (!ok) found.push(settingMessage(name, String(value), rule));
  };
  const whole = (value: number, least: number): boolean => Number.isSafeInteger(value) && value >= least;
  const atLeast = 'a whole number of 1 or more';
  for (const name of ['epochs', 'batchSize', 'accumulation', 'evaluationBatchSize'] as const)
    need(whole(settings[name], 1), name, settings[name], atLeast);
  for (const name of ['maxSteps', 'microBatchTokens'] as const) {
    const value = settings[name];
    if (value !== undefined) need(whole(value, 1), name, value, atLeast);
  }
  for (const name of ['evaluate', 'checkpoint'] as const) {
    const interval = settings[name];
    if (interval.kind === 'steps') need(whole(interval.steps, 1), name, interval.steps, atLeast);
  }
  const { learningRate, weightDecay, betas, epsilon, clip, seed, warmup, earlyStopping } = settings;
  const finite = (value: number): boolean => Number.isFinite(value) && value >= 0;
  need(finite(learningRate) && learningRate > 0, 'learningRate', learningRate, 'a number above 0');
  need(finite(weightDecay), 'weightDecay', weightDecay, 'a number of 0 or more');
  need(
    betas.every((b) => b >= 0 && b < 1),
    'betas',
    betas.join(', '),
    'two numbers of 0 or more and below 1',
  );
  need(finite(epsilon) && epsilon > 0, 'epsilon', epsilon, 'a number above 0');
  if (clip !== undefined) need(finite(clip) && clip > 0, 'clip', clip, 'a number above 0');
  need(whole(seed, 0), 'seed', seed, 'a whole number from 0 to 9007199254740991');
  if (warmup.kind === 'steps') need(whole(warmup.steps, 0), 'warmup', warmup.steps, 'a whole number of 0 or more');
  else need(warmup.ratio >= 0 && warmup.ratio <= 1, 'warmup', warmup.ratio, 'a share from 0 to 1');
  if (earlyStopping) {
    need(whole(earlyStopping.patience, 1), 'earlyStopping.patience', earlyStopping.patience, atLeast);
    need(finite(earlyStopping.minDelta), 'earlyStopping.minDelta', earlyStopping.minDelta, 'a number of 0 or more');
  }
  need(finite(settings.cacheBytes), 'cacheBytes', settings.cacheBytes, 'a number of bytes of 0 or more');
  if (found.length > 0) throw new UserError(found);
}
