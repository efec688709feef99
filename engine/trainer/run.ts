/**
 * A run from its job to its result: check -> compile -> initial values or newest checkpoint -> loop -> files. Which document,
 * data and device it is about was decided by the caller.
 *
 *   FOLDER/metrics.jsonl          one line a step and an evaluation
 *   FOLDER/initial.safetensors    the values that the run began with
 *   FOLDER/checkpoints/step-N/    the newest checkpoint
 *   FOLDER/adapter.safetensors    the parameters that the run keeps;  final.safetensors: those of the last step
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash } from '../base/canonical.ts';
import { sweepTemporaries } from '../base/durable.ts';
import { UserError, type Diagnostic } from '../base/errors.ts';
import type { HostTensor } from '../backends/executable.ts';
import { openSafetensors, writeSafetensors } from '../checkpoints/safetensors.ts';
import { isOfBackbone, programHash } from '../compile/model.ts';
import { evaluateDim } from '../ir/dim.ts';
import {
  checkpointsFolder,
  floatTensors,
  readCheckpoint,
  requireSameRun,
  wholeTensor,
  type KeptEvaluation,
  type Restored,
} from './checkpoint.ts';
import { fileSystem } from './checkpointIo.ts';
import { tellBaselines } from './baselines.ts';
import { cachesOf, compileAll, fillCaches, type Compiled } from './compiled.ts';
import { exampleCount } from './examples.ts';
import type { FrontierPlan } from './frontierCache.ts';
import { initialOf, initialValues } from './initialValues.ts';
import { Interrupted, type EvaluationSummary, type TrainHooks, type TrainJob, type TrainResult } from './job.ts';
import { TrainingLoop, type LoopContext } from './loop.ts';
import * as messages from './messages.ts';
import { MetricsLog } from './metricsLog.ts';
import { firstNonFinite } from './optimizer.ts';
import { initialGrowth, ParameterStore, type Slot } from './parameterStore.ts';
import { peakRssBytes, Progress } from './progress.ts';
import { resultNames } from './programs.ts';
import { growthSizes } from './segments.ts';
import { checkSettings, planRun } from './settings.ts';
import type { NodeUpdates } from './updates.ts';

export const METRICS_FILE = 'metrics.jsonl';
export const INITIAL_FILE = 'initial.safetensors';
export const ADAPTER_FILE = 'adapter.safetensors';
export const FINAL_FILE = 'final.safetensors';

/**
 * Trains. Throws a `UserError` for settings, data or a folder that can't be used, for a loss or gradient that is no finite
 * number, and when the state can't be kept; each time the newest checkpoint stays as it was.
 */
export async function runTraining(job: TrainJob, hooks: TrainHooks = {}): Promise<TrainResult> {
  const progress = new Progress();
  const warnings: Diagnostic[] = [];
  const warn = (diagnostic: Diagnostic): void => {
    warnings.push(diagnostic);
    hooks.onEvent?.({ kind: 'warning', diagnostic });
  };
  let loop: TrainingLoop | undefined;
  try {
    checkJob(job);
    hooks.onEvent?.({ kind: 'state', state: { kind: 'preparing', what: 'programs' } });
    const compiled = await compileAll(job);
    try {
      const prepared = prepare(job, hooks, compiled, progress, warn);
      loop = prepared.loop;
      try {
        const cache = await fillCaches(compiled, hooks);
        if (job.baselines === true && loop.step === 0 && prepared.evaluation)
          await tellBaselines(prepared.evaluation, loop.store, job, hooks);
        progress.begin();
        const ended = await loop.run();
        const result = finish(job, hooks, loop, ended, progress, warnings);
        return cache ? { ...result, cache } : result;
      } catch (error) {
        if (!(error instanceof Interrupted)) throw error;
        hooks.onEvent?.({ kind: 'state', state: { kind: 'stopped', step: loop.step, reason: 'asked' } });
        return finish(job, hooks, loop, 'stopped', progress, warnings);
      } finally {
        prepared.log.close();
      }
    } finally {
      await compiled.dispose();
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    hooks.onEvent?.({ kind: 'state', state: { kind: 'failed', step: loop?.step ?? 0, message } });
    throw error;
  }
}

/** Refuses what no run can begin with. Nothing was changed then. */
function checkJob(job: TrainJob): void {
  checkSettings(job.settings);
  if (exampleCount(job.trainSet) === 0) throw new UserError(messages.noExamples(job.trainSet.file, 'train'));
  const { evaluationSet } = job;
  if (evaluationSet && exampleCount(evaluationSet) === 0)
    throw new UserError(messages.noExamples(evaluationSet.file, 'evaluate'));
  const holdsRun = [METRICS_FILE, INITIAL_FILE, 'checkpoints'].some((name) => existsSync(join(job.folder, name)));
  if (holdsRun && !job.resume) throw new UserError(messages.runExists(job.folder));
}

interface Prepared {
  readonly loop: TrainingLoop;
  readonly log: MetricsLog;
  readonly evaluation: LoopContext['evaluation'];
}

function prepare(
  job: TrainJob,
  hooks: TrainHooks,
  compiled: Compiled,
  progress: Progress,
  warn: (d: Diagnostic) => void,
): Prepared {
  const { folder, settings, model, trainSet, firstPosition } = job;
  const io = hooks.io ?? fileSystem;
  const identity = identityOf(job);
  mkdirSync(folder, { recursive: true });
  sweepTemporaries(folder);
  const restored = job.resume ? readCheckpoint(folder, io, warn) : undefined;
  if (restored) requireSameRun(checkpointsFolder(folder), restored.state.identity, identity);
  const slots = slotsOf(job);
  const growth = restored?.state.growth ?? initialGrowth(slots, job.sizes ?? new Map());
  const store = new ParameterStore(slots, growth);
  if (restored) restore(restored, store, compiled.updates);
  else begin(job, store, growthSizes(growth));
  const log = new MetricsLog(join(folder, METRICS_FILE), restored?.state.metricsBytes ?? 0, warn);
  const { evaluationSet } = job;
  const shared = { firstPosition, microBatchTokens: settings.microBatchTokens };
  const context: LoopContext = {
    folder,
    settings,
    plan: planRun(settings, exampleCount(trainSet)),
    gradients: {
      ...shared,
      extra: compiled.trainCache,
      train: compiled.train,
      weights: compiled.weights,
      losses: model.losses,
      taps: resultNames(job.programs.train).filter((name) => name.startsWith('tap/')),
      set: trainSet,
      seed: settings.seed,
    },
    evaluation:
      compiled.evaluate && evaluationSet
        ? {
            ...shared,
            extra: compiled.evaluationCache,
            model: compiled.evaluate,
            output: outputOf(job),
            set: evaluationSet,
            batchSize: settings.evaluationBatchSize,
          }
        : undefined,
    metric: job.metric,
    update: compiled.update,
    updates: compiled.updates,
    log,
    progress,
    io,
    hooks,
    identity,
    initial: (name, shape, segment) => {
      const parameter = model.parameters.find((p) => p.name === name);
      if (!parameter) throw new UserError(messages.noParameter(folder, name));
      return initialOf(parameter, model.parameters, job.weights, settings.seed, shape, segment);
    },
    warn,
  };
  if (restored) hooks.onEvent?.({ kind: 'resumed', step: restored.state.step });
  hooks.onEvent?.({ kind: 'sizes', trainable: store.size, backbone: backboneSize(job), steps: context.plan.steps });
  return { loop: new TrainingLoop(context, store, growth, restored), log, evaluation: context.evaluation };
}

/** Elements of the backbone. */
function backboneSize({ model }: TrainJob): number {
  const weights = model.parameters.filter(isOfBackbone);
  return weights.reduce((n, { type }) => n + type.shape.reduce((m: number, d) => m * evaluateDim(d, new Map()), 1), 0);
}

/** The result that predictions are read from. */
export const outputOf = (job: Pick<TrainJob, 'model'>): string => `output/${job.model.outputs[0] ?? 'logits'}`;

function slotsOf({ model, programs, rateFactors }: TrainJob): readonly Slot[] {
  const gradients = new Set(resultNames(programs.train));
  return model.parameters
    .filter((p) => p.role === 'trainable')
    .map((p) => ({
      name: p.name,
      shape: p.type.shape,
      decay: p.decay ?? true,
      trained: gradients.has(`grad/${p.name}`),
      rateFactor: rateFactors?.get(p.name) ?? 1,
    }));
}

function restore(restored: Restored, store: ParameterStore, updates: NodeUpdates): void {
  restored.fill(store);
  updates.restore((update, name) => restored.updateTensor(update, name));
}

/** Computes the first values and keeps them beside the run. */
function begin(job: TrainJob, store: ParameterStore, sizes: ReadonlyMap<string, number>): void {
  const { model, weights, settings, startFrom, folder } = job;
  for (const name of startFrom?.keys() ?? [])
    if (!store.slots.some((slot) => slot.name === name)) throw new UserError(messages.noParameter(folder, name));
  for (const [name, initial] of initialValues(model.parameters, weights, settings.seed, sizes)) {
    const value = startFrom?.get(name) ?? initial;
    if (value.shape.join() !== initial.shape.join())
      throw new UserError(messages.startShape(name, value.shape, initial.shape));
    if (firstNonFinite(value.data as Float32Array) >= 0) throw new UserError(messages.nonFiniteWeights(name));
    store.write(name, value, store.values, 'set');
  }
  writeParameters(join(folder, INITIAL_FILE), store.feeds());
}

/** What makes two runs the same: a resumed run must agree in all of it. The interval of checkpoints changes nothing. */
function identityOf(job: TrainJob): ReadonlyMap<string, string> {
  const { settings, programs, backend, trainSet, evaluationSet } = job;
  const { checkpoint: _checkpoint, ...counted } = settings;
  const named = Object.entries(counted).map(([name, value]) => [`setting "${name}"`, JSON.stringify(value)] as const);
  const setKey = (set: typeof trainSet): string =>
    contentHash([set.key, set.rows ? Array.from(set.rows) : 'all']).slice(0, 32);
  return new Map([
    ...named,
    ['model', programHash(programs.train).slice(0, 32)],
    ['evaluation model', programHash(programs.evaluate).slice(0, 32)],
    ['backbone', job.weightsKey],
    ['start', job.startFrom ? hashOf(job.startFrom) : 'initial values'],
    ['training data', setKey(trainSet)],
    ['evaluation data', evaluationSet ? setKey(evaluationSet) : 'none'],
    ['device', backend.identity],
    ['kept values', keptValues(job)],
    ['updates', contentHash((job.updates ?? []).map((u) => [u.name, u.every, u.when, programHash(u.program)]))],
  ]);
}

/** Values of frozen layers that come out of another Program have other last digits. */
function keptValues(job: TrainJob): string {
  const { train, evaluate } = cachesOf(job);
  const hash = (plan: FrontierPlan | undefined, used: boolean): string =>
    plan && used ? programHash(plan.prefix).slice(0, 32) : 'none';
  return `${hash(job.frontier?.train, train)} ${hash(job.frontier?.evaluate, evaluate)}`;
}

function hashOf(tensors: ReadonlyMap<string, HostTensor>): string {
  const hash = createHash('sha256');
  for (const [name, { shape, data }] of tensors) hash.update(JSON.stringify([name, shape])).update(data);
  return hash.digest('hex').slice(0, 32);
}

function finish(
  job: TrainJob,
  hooks: TrainHooks,
  loop: TrainingLoop,
  ended: TrainResult['ended'],
  progress: Progress,
  warnings: readonly Diagnostic[],
): TrainResult {
  const { folder } = job;
  const { best, last, store } = loop;
  const chosen = job.settings.keep === 'best' && best ? best : last;
  const adapterFile = join(folder, ADAPTER_FILE);
  if (ended !== 'stopped') {
    const final = store.feeds();
    const kept = (job.settings.keep === 'best' ? loop.bestParameters : undefined) ?? final;
    writeParameters(adapterFile, kept, job.metadata);
    writeParameters(join(folder, FINAL_FILE), final, job.metadata);
    hooks.onEvent?.({ kind: 'state', state: { kind: 'done', step: loop.step, reason: ended } });
  }
  return {
    ended,
    folder,
    ...(ended === 'stopped' ? {} : { adapterFile }),
    steps: loop.step,
    ...(chosen ? { evaluation: summary(chosen) } : {}),
    ...(best ? { best: summary(best) } : {}),
    ...(last ? { last: summary(last) } : {}),
    seconds: progress.seconds,
    examplesPerSecond: progress.overallExamplesPerSecond,
    peakRssBytes: peakRssBytes(),
    trainableParameters: store.size,
    warnings,
  };
}

const summary = ({ step, primary, loss, figures }: KeptEvaluation): EvaluationSummary => ({
  step,
  primary,
  loss,
  figures: new Map(figures),
});

function writeParameters(
  path: string,
  parameters: ReadonlyMap<string, HostTensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): void {
  writeSafetensors(
    path,
    [...parameters].map(([name, tensor]) => wholeTensor(name, tensor)),
    metadata,
  );
}

/** The parameters of a file that a run wrote, by path. Throws a `UserError` for a file that is none. */
export const readParameters = (path: string): ReadonlyMap<string, HostTensor> => floatTensors(openSafetensors(path));
