/** Everything of a run that is compiled, and the values of frozen layers that are computed before its first step. */
import type { Executable } from '../backends/executable.ts';
import { traceAdamW } from './adamw.ts';
import { FrontierCache, type FrontierPlan } from './frontierCache.ts';
import { Interrupted, type TrainHooks, type TrainJob } from './job.ts';
import { keepResults } from './programs.ts';
import { compileRunnable, type Runnable } from './runnable.ts';
import { NodeUpdates } from './updates.ts';

export interface Compiled {
  readonly train: Runnable;
  /** The weights of the losses, when there are several. */
  readonly weights: Runnable | undefined;
  readonly evaluate: Runnable | undefined;
  readonly update: Executable;
  readonly updates: NodeUpdates;
  readonly trainCache: FrontierCache | undefined;
  readonly evaluationCache: FrontierCache | undefined;
  dispose(): Promise<void>;
}

/** Which parts of a run use kept values: those that read the data more than once. */
export function cachesOf({ frontier, settings, evaluationSet }: TrainJob): {
  readonly train: boolean;
  readonly evaluate: boolean;
} {
  const repeats = settings.cacheBytes > 0 && settings.epochs > 1;
  return {
    train: repeats && frontier?.train !== undefined,
    evaluate: repeats && frontier?.evaluate !== undefined && evaluationSet !== undefined,
  };
}

export async function compileAll(job: TrainJob): Promise<Compiled> {
  const { backend, programs, model, settings, frontier, trainSet, evaluationSet, firstPosition } = job;
  const made: { dispose(): Promise<void> }[] = [];
  const dispose = async (): Promise<void> => {
    for (const one of made) await one.dispose();
  };
  const runnable = async (program: TrainJob['programs']['train']): Promise<Runnable> => {
    const compiled = await compileRunnable(backend, program);
    made.push(compiled.executable);
    return compiled;
  };
  try {
    const uses = cachesOf(job);
    const trainPlan = uses.train ? frontier?.train : undefined;
    const evaluationPlan = uses.evaluate ? frontier?.evaluate : undefined;
    const train = await runnable(trainPlan?.rest ?? programs.train);
    const isWeight = (name: string): boolean => name.startsWith('loss/') && name.endsWith('/weight');
    const weights = model.losses.length > 1 ? await runnable(keepResults(programs.train, isWeight)) : undefined;
    const evaluate = evaluationSet ? await runnable(evaluationPlan?.rest ?? programs.evaluate) : undefined;
    const update = await backend.compile(traceAdamW(settings));
    made.push(update);
    const updates = await NodeUpdates.compile(job.updates ?? [], backend);
    made.push(updates);
    const { cacheBytes } = settings;
    const prefixOf = (plan: FrontierPlan): Promise<Runnable> => runnable(keepResults(plan.prefix, () => true));
    const trainCache =
      trainPlan && new FrontierCache(trainPlan.cached, await prefixOf(trainPlan), trainSet, firstPosition, cacheBytes);
    const left = cacheBytes - (trainCache?.bytes ?? 0);
    const evaluationCache =
      evaluationPlan && evaluationSet
        ? new FrontierCache(evaluationPlan.cached, await prefixOf(evaluationPlan), evaluationSet, firstPosition, left)
        : undefined;
    return { train, weights, evaluate, update, updates, trainCache, evaluationCache, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Computes the kept values, and tells how far it is. Undefined when the run keeps none. Throws `Interrupted` when asked to stop. */
export async function fillCaches(
  { trainCache, evaluationCache }: Compiled,
  hooks: TrainHooks,
): Promise<{ readonly seconds: number; readonly bytes: number } | undefined> {
  if (!trainCache && !evaluationCache) return undefined;
  const from = performance.now();
  const caches = [
    ['training data', trainCache],
    ['evaluation data', evaluationCache],
  ] as const;
  for (const [name, cache] of caches) {
    const what = `frozen layers on the ${name}`;
    if (cache) hooks.onEvent?.({ kind: 'state', state: { kind: 'preparing', what } });
    await cache?.fill((done, of) => {
      hooks.onEvent?.({ kind: 'progress', what, done, of });
      if (hooks.signal?.aborted === true) throw new Interrupted();
    });
  }
  return {
    seconds: (performance.now() - from) / 1000,
    bytes: (trainCache?.bytes ?? 0) + (evaluationCache?.bytes ?? 0),
  };
}
