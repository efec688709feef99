/** A compiled model with what it must be fed, and the feeding of it. */
import { must } from '../base/errors.ts';
import type { Executable, HostTensor } from '../backends/executable.ts';
import type { Batch } from '../data/batches.ts';
import type { Program } from '../ir/program.ts';
import type { TrainerBackend } from './backend.ts';
import { batchFeeds, declaredInputs, type DeclaredInputs, type ExtraInputs, type FeedContext } from './feeds.ts';
import { namesOf } from './programs.ts';

export interface Runnable {
  readonly executable: Executable;
  readonly inputs: DeclaredInputs;
  readonly trainables: readonly string[];
}

export async function compileRunnable(backend: TrainerBackend, program: Program): Promise<Runnable> {
  const executable = await backend.compile(program);
  return { executable, inputs: declaredInputs(program), trainables: namesOf(program, 'trainable') };
}

export interface ModelRun {
  readonly batch: Batch;
  readonly context: FeedContext;
  readonly extra: ExtraInputs | undefined;
  readonly parameter: (name: string) => HostTensor | undefined;
  /** Places for results that the caller wants in arrays of its own. */
  readonly into?: ReadonlyMap<string, HostTensor> | undefined;
}

/** Runs a model on one batch. Extra inputs are made only for a model that has them. */
export async function runModel(
  { executable, inputs, trainables }: Runnable,
  { batch, context, extra, parameter, into }: ModelRun,
): Promise<ReadonlyMap<string, HostTensor>> {
  const taken = new Set([...inputs.keys()].filter((name) => extra?.names.has(name) === true));
  const feeds = batchFeeds(new Map([...inputs].filter(([name]) => !taken.has(name))), batch, context);
  if (extra && taken.size > 0) {
    const made = await extra.feeds(batch);
    for (const name of taken) feeds.set(name, must(made.get(name), `the value of "${name}"`));
  }
  for (const name of trainables) feeds.set(name, must(parameter(name), `parameter "${name}"`));
  return executable.run(feeds, into);
}
