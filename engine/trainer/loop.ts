/**
 * The loop of a run: steps, evaluations, checkpoints, in an order that a resumed run repeats exactly.
 *
 *   after step n: metrics line n -> evaluation when due (its line) -> end? -> checkpoint when due -> stop when asked -> step n + 1
 *
 * A checkpoint made between a step and its evaluation says so, and the resumed run begins with that evaluation. Everything
 * that a step depends on is a function of seed, step number and what the checkpoint holds.
 */
import { UserError, type Diagnostic } from '../base/errors.ts';
import type { Executable, HostTensor } from '../backends/executable.ts';
import type { MetricName } from '../metrics/metrics.ts';
import { primaryValue } from '../metrics/metrics.ts';
import { writeCheckpoint, type KeptEvaluation, type Restored, type RunState } from './checkpoint.ts';
import type { CheckpointIo } from './checkpointIo.ts';
import { evaluateModel, type EvaluationContext } from './evaluate.ts';
import { exampleCount, planBatches, rowsOf } from './examples.ts';
import { locateNonFinite, stepGradients, type GradientContext, type StepGradients } from './gradients.ts';
import { Interrupted, type TrainHooks } from './job.ts';
import * as messages from './messages.ts';
import { figure, type MetricsLog } from './metricsLog.ts';
import { gradientNorms, NO_NORMS, normsDue } from './norms.ts';
import { clipFactor, gradientNorm, isUsableNorm, optimizerStep } from './optimizer.ts';
import type { ParameterStore } from './parameterStore.ts';
import type { Progress } from './progress.ts';
import { rateFactor } from './schedule.ts';
import { editGrowth, type Growth, type SegmentEdit } from './segments.ts';
import { isDue, type RunPlan, type TrainSettings } from './settings.ts';
import type { TrainerState } from './state.ts';
import { editStore, type NodeUpdates } from './updates.ts';

/** Checkpoints may fail this often in a row before the run stops. */
const MOST_FAILURES = 3;

export interface LoopContext {
  readonly folder: string;
  readonly settings: TrainSettings;
  readonly plan: RunPlan;
  readonly gradients: GradientContext;
  readonly evaluation: Omit<EvaluationContext, 'signal'> | undefined;
  readonly metric: MetricName | undefined;
  readonly update: Executable;
  readonly updates: NodeUpdates;
  readonly log: MetricsLog;
  readonly progress: Progress;
  readonly io: CheckpointIo;
  readonly hooks: TrainHooks;
  readonly identity: ReadonlyMap<string, string>;
  /** First values of a part that a parameter grows by. */
  readonly initial: (name: string, shape: readonly number[], segment: number) => Float32Array;
  readonly warn: (d: Diagnostic) => void;
}

export type LoopEnd = 'finished' | 'early-stopping' | 'stopped';

export class TrainingLoop {
  readonly #context: LoopContext;
  #store: ParameterStore;
  #growth: Growth;
  #step = 0;
  #evaluated = true;
  #finished: 'finished' | 'early-stopping' | null = null;
  #best: KeptEvaluation | null = null;
  #last: KeptEvaluation | null = null;
  #bestParameters: ReadonlyMap<string, HostTensor> | undefined;
  #patience: RunState['patience'] = { reference: null, waited: 0 };
  #failures = 0;
  #checkpointStep: number | undefined;
  /** The newest checkpoint is of the end of the run. */
  #endIsKept = false;
  #epoch: { readonly number: number; readonly batches: readonly Int32Array[] } | undefined;

  constructor(context: LoopContext, store: ParameterStore, growth: Growth, restored?: Restored) {
    this.#context = context;
    this.#store = store;
    this.#growth = growth;
    if (!restored) return;
    const { state } = restored;
    this.#step = state.step;
    this.#evaluated = state.evaluated;
    this.#finished = state.finished;
    this.#best = state.best;
    this.#last = state.last;
    this.#patience = state.patience;
    this.#checkpointStep = state.step;
    this.#endIsKept = state.finished !== null;
    this.#bestParameters = restored.best;
  }

  get step(): number {
    return this.#step;
  }
  get store(): ParameterStore {
    return this.#store;
  }
  get best(): KeptEvaluation | null {
    return this.#best;
  }
  get last(): KeptEvaluation | null {
    return this.#last;
  }
  /** Parameters of the best evaluation, when the run keeps them. */
  get bestParameters(): ReadonlyMap<string, HostTensor> | undefined {
    return this.#bestParameters;
  }

  async run(): Promise<LoopEnd> {
    const { hooks, settings, plan } = this.#context;
    for (;;) {
      if (!this.#evaluated && !(await this.#evaluateWhenDue())) return this.#stop();
      this.#finished ??= this.#end();
      if (this.#finished) {
        if (!this.#endIsKept) await this.#lastCheckpoint();
        return this.#finished;
      }
      const due = this.#step > 0 && isDue(settings.checkpoint, this.#step, plan);
      if (due && this.#checkpointStep !== this.#step) await this.#checkpoint();
      if (hooks.signal?.aborted === true) return this.#stop();
      this.#tell({ kind: 'training', step: this.#step });
      await this.#trainStep();
      // A backend may answer without giving way; listeners and signals get their turn here.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** Why the run ends here; null when it goes on. */
  #end(): 'finished' | 'early-stopping' | null {
    const { settings, plan } = this.#context;
    if (this.#step >= plan.steps) return 'finished';
    const { earlyStopping } = settings;
    return earlyStopping && this.#patience.waited >= earlyStopping.patience ? 'early-stopping' : null;
  }

  async #trainStep(): Promise<void> {
    const { gradients, settings, plan, update, updates, progress } = this.#context;
    const from = performance.now();
    const store = this.#store;
    const batches = this.#batches();
    const found = await stepGradients(gradients, store, this.#step, batches);
    if (!Number.isFinite(found.loss)) await this.#failNonFinite('loss', found.loss, batches);
    await updates.run('gradients', store, this.#growth, this.#step, found.scale);
    const norm = gradientNorm(store, store.spans(this.#growth)) * found.scale;
    if (!isUsableNorm(norm)) await this.#failNonFinite('gradient', norm, batches);
    const { schedule } = plan;
    const rate = settings.learningRate * rateFactor(schedule, this.#step);
    const scale = found.scale * clipFactor(norm, settings.clip);
    const measure = normsDue(this.#step + 1, plan, store);
    const pulls = measure ? gradientNorms(store, store.spans(this.#growth), found.scale) : NO_NORMS;
    const done = await optimizerStep(update, settings, {
      store,
      growth: this.#growth,
      step: this.#step,
      schedule,
      scale,
      measure,
    });
    if (!done.ok) return this.#failNonFinite('update', NaN, batches, done.parameter);
    this.#growth = done.growth;
    const edits = await updates.run('parameters', store, this.#growth, this.#step, found.scale);
    this.#step += 1;
    this.#evaluated = false;
    this.#applyEdits(edits);
    progress.step(from, found.examples, found.tokens);
    this.#report({ ...found, taps: new Map([...found.taps, ...pulls, ...done.moved]) }, rate, norm);
  }

  /** The batches of the optimizer step that comes next. */
  #batches(): readonly Int32Array[] {
    const { settings, plan, gradients } = this.#context;
    const number = Math.floor(this.#step / plan.stepsPerEpoch);
    if (this.#epoch?.number !== number) {
      const { batchSize, seed, order } = settings;
      this.#epoch = { number, batches: planBatches(gradients.set, { batchSize, seed, order, epoch: number }) };
    }
    const first = (this.#step % plan.stepsPerEpoch) * settings.accumulation;
    return this.#epoch.batches.slice(first, first + settings.accumulation);
  }

  #applyEdits(edits: readonly SegmentEdit[]): void {
    if (edits.length === 0) return;
    this.#growth = editGrowth(this.#growth, edits, this.#step);
    this.#store = editStore(this.#store, this.#growth, edits, this.#context.initial);
    this.#context.log.append({ event: 'edit', step: this.#step, edits: edits.map((e) => ({ ...e })) });
  }

  #report(found: StepGradients, rate: number, gradientNorm: number): void {
    const { log, plan, progress, hooks } = this.#context;
    const object = (values: ReadonlyMap<string, number>): Record<string, number | null> =>
      Object.fromEntries([...values].map(([name, x]) => [name, figure(x)]));
    log.append({
      event: 'step',
      step: this.#step,
      epoch: this.#epochsDone(),
      loss: found.loss,
      rate,
      gradient_norm: gradientNorm,
      ...(found.losses.size > 1 ? { losses: object(found.losses) } : {}),
      ...(found.taps.size > 0 ? { taps: object(found.taps) } : {}),
    });
    hooks.onEvent?.({
      kind: 'step',
      step: this.#step,
      steps: plan.steps,
      examples: this.#examplesDone(),
      epoch: this.#epochsDone(),
      loss: found.loss,
      losses: found.losses,
      taps: found.taps,
      rate,
      gradientNorm,
      examplesPerSecond: progress.examplesPerSecond,
      tokensPerSecond: progress.tokensPerSecond,
      secondsLeft: progress.secondsFor(plan.steps - this.#step),
      rssBytes: progress.rssBytes,
    });
  }

  /** Steps don't cross the end of an epoch, and only its last batch may be smaller. */
  #examplesDone(): number {
    const { plan, settings, gradients } = this.#context;
    const all = exampleCount(gradients.set);
    const batches = (this.#step % plan.stepsPerEpoch) * settings.accumulation;
    return Math.floor(this.#step / plan.stepsPerEpoch) * all + Math.min(all, batches * settings.batchSize);
  }

  #epochsDone(): number {
    const { plan, settings } = this.#context;
    const whole = Math.floor(this.#step / plan.stepsPerEpoch);
    const batches = (this.#step % plan.stepsPerEpoch) * settings.accumulation;
    return whole + batches / plan.batchesPerEpoch;
  }

  /** False when the run was asked to stop meanwhile. */
  async #evaluateWhenDue(): Promise<boolean> {
    const { evaluation, settings, plan, hooks } = this.#context;
    if (evaluation && isDue(settings.evaluate, this.#step, plan)) {
      this.#tell({ kind: 'evaluating', step: this.#step });
      try {
        await this.#evaluate({ ...evaluation, signal: hooks.signal });
      } catch (error) {
        if (error instanceof Interrupted) return false;
        throw error;
      }
    }
    this.#evaluated = true;
    return true;
  }

  async #evaluate(context: EvaluationContext): Promise<void> {
    const { gradients, metric, log, hooks, settings } = this.#context;
    const from = performance.now();
    const parameters = this.#store.feeds();
    const { metrics, loss } = await evaluateModel(context, parameters, gradients.losses, metric);
    const kept: KeptEvaluation = {
      step: this.#step,
      primary: metrics.primary,
      loss: loss === undefined ? null : figure(loss),
      figures: [...metrics.figures].map(([name, value]) => [name, figure(value)]),
    };
    const value = primaryValue(metrics);
    const best = primaryOf(this.#best);
    const isBest = Number.isFinite(value) && (best === undefined || value > best);
    this.#last = kept;
    if (isBest) {
      this.#best = kept;
      if (settings.keep === 'best') this.#bestParameters = copyOf(parameters);
    }
    this.#updatePatience(value);
    log.append({
      event: 'evaluation',
      step: this.#step,
      epoch: this.#epochsDone(),
      ...(kept.loss === null ? {} : { loss: kept.loss }),
      metrics: Object.fromEntries(kept.figures),
      best: isBest,
    });
    const seconds = (performance.now() - from) / 1000;
    const epoch = this.#epochsDone();
    hooks.onEvent?.({ kind: 'evaluation', step: this.#step, epoch, metrics, loss, best: isBest, seconds });
  }

  #updatePatience(value: number): void {
    const { reference, waited } = this.#patience;
    const least = this.#context.settings.earlyStopping?.minDelta ?? 0;
    const better = Number.isFinite(value) && (reference === null || value > reference + least);
    this.#patience = better ? { reference: value, waited: 0 } : { reference, waited: waited + 1 };
  }

  /** One attempt; after three failures in a row the listener is asked, and without its `retry` the run stops. */
  async #checkpoint(): Promise<void> {
    const failure = this.#tryCheckpoint();
    if (failure === undefined) return;
    const { folder, warn } = this.#context;
    this.#failures += 1;
    warn(messages.checkpointFailed(folder, this.#step, failure, this.#failures));
    if (this.#failures >= MOST_FAILURES) await this.#storageFailed(failure);
  }

  /** The state at the end must be kept, so here the listener is asked at once. */
  async #lastCheckpoint(): Promise<void> {
    const failure = this.#tryCheckpoint();
    if (failure !== undefined) await this.#storageFailed(failure);
  }

  async #storageFailed(reason: string): Promise<void> {
    const { folder, hooks } = this.#context;
    for (let failure: string | undefined = reason; failure !== undefined; failure = this.#tryCheckpoint()) {
      const problem = messages.checkpointsGivenUp(folder, this.#step, failure, this.#checkpointStep);
      const answer = (await hooks.onStorageFailure?.(problem)) ?? 'stop';
      if (answer === 'retry') continue;
      this.#tell({ kind: 'stopped', step: this.#step, reason: 'storage' });
      throw new UserError(problem);
    }
  }

  /** The reason of a failure; undefined when the checkpoint is on the disk. */
  #tryCheckpoint(): string | undefined {
    const { folder, io, log, updates, hooks, settings, plan } = this.#context;
    const from = performance.now();
    const refused = log.sync();
    if (refused !== undefined) return refused;
    const state: RunState = {
      step: this.#step,
      epoch: Math.floor(this.#step / plan.stepsPerEpoch),
      batch: (this.#step % plan.stepsPerEpoch) * settings.accumulation,
      seed: settings.seed,
      evaluated: this.#evaluated,
      finished: this.#finished,
      best: this.#best,
      last: this.#last,
      patience: this.#patience,
      metricsBytes: log.bytes,
      growth: this.#growth,
      identity: this.#context.identity,
    };
    const best = this.#bestParameters;
    const written = writeCheckpoint(folder, { state, store: this.#store, updates: updates.state, best }, io);
    if (!written.ok) return written.reason;
    this.#failures = 0;
    this.#checkpointStep = this.#step;
    this.#endIsKept = this.#finished !== null;
    const seconds = (performance.now() - from) / 1000;
    hooks.onEvent?.({ kind: 'checkpoint', step: this.#step, bytes: written.bytes, seconds });
    return undefined;
  }

  async #stop(): Promise<'stopped'> {
    if (this.#step > 0 && this.#checkpointStep !== this.#step) await this.#lastCheckpoint();
    this.#tell({ kind: 'stopped', step: this.#step, reason: 'asked' });
    return 'stopped';
  }

  /** Ends the run before the step that would have spoilt the parameters. */
  async #failNonFinite(
    what: 'loss' | 'gradient' | 'update',
    value: number,
    batches: readonly Int32Array[],
    parameter?: string,
  ): Promise<never> {
    const { gradients } = this.#context;
    const place = what === 'update' ? undefined : await locateNonFinite(gradients, this.#store, this.#step, batches);
    const all = Int32Array.from(batches.flatMap((b) => [...b]));
    throw new UserError(
      messages.nonFinite({
        step: this.#step + 1,
        what: place?.what ?? what,
        value: place?.value ?? value,
        parameter: place?.parameter ?? parameter,
        file: gradients.set.file,
        rows: rowsOf(gradients.set, place?.examples ?? all),
        checkpointStep: this.#checkpointStep,
        bestStep: this.#best?.step,
      }),
    );
  }

  #tell(state: TrainerState): void {
    this.#context.hooks.onEvent?.({ kind: 'state', state });
  }
}

/** The primary figure of a kept evaluation; undefined when there is none that is a number. */
function primaryOf(kept: KeptEvaluation | null): number | undefined {
  return kept?.figures.find(([name]) => name === kept.primary)?.[1] ?? undefined;
}

const copyOf = (parameters: ReadonlyMap<string, HostTensor>): ReadonlyMap<string, HostTensor> =>
  new Map([...parameters].map(([name, t]) => [name, { ...t, data: t.data.slice() }]));
