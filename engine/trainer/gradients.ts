/**
 * The loss and the gradients of one optimizer step. A step consists of batches (accumulation), a batch of parts (bounded
 * memory); sums over all of them are divided once, by the weight of the whole step.
 *
 * One loss: the objective is coefficient * sum; gradients are divided by the weight at the end. Several losses have
 * different weights, which must be known before: a Program cut down to the weights is run over the step first, and the
 * objective is the sum of coefficient / weight * sum.
 */
import { stepKey } from '../base/counterHash.ts';
import { must } from '../base/errors.ts';
import type { HostTensor } from '../backends/executable.ts';
import type { LossTerm } from '../compile/model.ts';
import type { Batch } from '../data/batches.ts';
import { collateExamples, splitBatch, type ExampleSet } from './examples.ts';
import type { ExtraInputs, FeedContext } from './feeds.ts';
import { firstNonFinite } from './optimizer.ts';
import type { ParameterStore } from './parameterStore.ts';
import { runModel, type Runnable } from './runnable.ts';

export interface GradientContext {
  readonly train: Runnable;
  /** Gives the weight of every loss; only for several losses. */
  readonly weights: Runnable | undefined;
  readonly losses: readonly LossTerm[];
  readonly taps: readonly string[];
  readonly set: ExampleSet;
  readonly firstPosition: number;
  readonly seed: number;
  readonly microBatchTokens: number | undefined;
  readonly extra: ExtraInputs | undefined;
}

export interface StepGradients {
  /** Sum of coefficient * sum / weight. */
  readonly loss: number;
  /** sum / weight of each loss. */
  readonly losses: ReadonlyMap<string, number>;
  readonly taps: ReadonlyMap<string, number>;
  /** What the gradients in the store must be multiplied by. */
  readonly scale: number;
  readonly examples: number;
  readonly tokens: number;
}

/** One part of a step: some examples, and the key of the noise of their batch. */
interface Part {
  readonly examples: Int32Array;
  readonly noiseKey: readonly [number, number];
}

/** Leaves the gradients of a step in the store. `step` counts from 0; `batches` are its accumulated batches. */
export async function stepGradients(
  context: GradientContext,
  store: ParameterStore,
  step: number,
  batches: readonly Int32Array[],
): Promise<StepGradients> {
  const parts = partsOf(context, step, batches);
  const known = context.weights && (await lossWeights(context, context.weights, store, parts));
  const scales = new Map(
    context.losses.map((l) => [l.name, known ? perWeight(l.coefficient, known.get(l.name)) : l.coefficient]),
  );
  const sums = new Map(context.losses.map((l) => [l.name, { sum: 0, weight: 0 }]));
  const taps = new Map<string, number>();
  let examples = 0;
  let tokens = 0;
  for (const [i, part] of parts.entries()) {
    const batch = collateExamples(context.set, part.examples);
    const into = i === 0 ? gradientViews(store) : undefined;
    const results = await run(context, context.train, store, batch, { noiseKey: part.noiseKey, scales }, into);
    for (const slot of store.slots) {
      const gradient = results.get(`grad/${slot.name}`);
      if (!gradient) continue;
      if (i > 0) store.write(slot.name, gradient, store.gradients, 'add');
      else if (into?.has(`grad/${slot.name}`) !== true) store.write(slot.name, gradient, store.gradients, 'set');
    }
    addLosses(sums, results);
    for (const name of context.taps) taps.set(name, (taps.get(name) ?? 0) + meanOf(results, name) * batch.B);
    examples += batch.B;
    tokens += batch.N;
  }
  const losses = new Map([...sums].map(([name, { sum, weight }]) => [name, sum * perWeight(1, weight)]));
  const loss = context.losses.reduce((total, l) => total + l.coefficient * (losses.get(l.name) ?? 0), 0);
  const only = context.losses[0]?.name ?? '';
  const scale = known ? 1 : perWeight(1, sums.get(only)?.weight);
  return {
    loss,
    losses,
    scale,
    examples,
    tokens,
    taps: new Map([...taps].map(([name, sum]) => [name, sum / examples])),
  };
}

export interface NonFinitePlace {
  readonly examples: Int32Array;
  readonly what: 'loss' | 'gradient';
  readonly value: number;
  readonly parameter: string | undefined;
}

/**
 * Where a step's loss or gradient stops being finite: its parts are computed again, then the examples of the first bad
 * part one by one. Undefined when the parts are finite and only their sum is not.
 */
export async function locateNonFinite(
  context: GradientContext,
  store: ParameterStore,
  step: number,
  batches: readonly Int32Array[],
): Promise<NonFinitePlace | undefined> {
  const scales = new Map(context.losses.map((l) => [l.name, l.coefficient]));
  const inspect = async (part: Part): Promise<NonFinitePlace | undefined> => {
    const batch = collateExamples(context.set, part.examples);
    const results = await run(context, context.train, store, batch, { noiseKey: part.noiseKey, scales });
    const value = context.losses.map((l) => scalarOf(results, `loss/${l.name}/sum`)).find((x) => !Number.isFinite(x));
    const bad = firstBadGradient(store, results);
    if (value === undefined && !bad) return undefined;
    return {
      examples: part.examples,
      what: value === undefined ? 'gradient' : 'loss',
      value: value ?? bad?.value ?? NaN,
      parameter: bad?.parameter,
    };
  };
  for (const part of partsOf(context, step, batches)) {
    const found = await inspect(part);
    if (!found) continue;
    for (const example of part.examples) {
      const alone = await inspect({ ...part, examples: Int32Array.of(example) });
      if (alone) return alone;
    }
    return found;
  }
  return undefined;
}

/** Noise is keyed on the batch within the step, not on the part: parts of any size see the same bits. */
function partsOf(context: GradientContext, step: number, batches: readonly Int32Array[]): readonly Part[] {
  return batches.flatMap((batch, microBatch) => {
    const noiseKey = stepKey(context.seed, step, microBatch);
    return splitBatch(context.set, batch, context.microBatchTokens).map((examples) => ({ examples, noiseKey }));
  });
}

async function lossWeights(
  context: GradientContext,
  weights: Runnable,
  store: ParameterStore,
  parts: readonly Part[],
): Promise<ReadonlyMap<string, number>> {
  const total = new Map<string, number>();
  for (const part of parts) {
    const batch = collateExamples(context.set, part.examples);
    const results = await run(context, weights, store, batch, { noiseKey: part.noiseKey });
    for (const { name } of context.losses)
      total.set(name, (total.get(name) ?? 0) + scalarOf(results, `loss/${name}/weight`));
  }
  return total;
}

const run = (
  { firstPosition, extra }: GradientContext,
  model: Runnable,
  store: ParameterStore,
  batch: Batch,
  feed: Omit<FeedContext, 'firstPosition'>,
  into?: ReadonlyMap<string, HostTensor>,
): Promise<ReadonlyMap<string, HostTensor>> =>
  runModel(model, {
    batch,
    context: { ...feed, firstPosition },
    extra,
    parameter: (name) => store.tensor(name, store.values),
    into,
  });

/** The places of gradients that are one piece, so that a backend writes them there itself. */
function gradientViews(store: ParameterStore): ReadonlyMap<string, HostTensor> {
  const whole = store.slots.filter((slot) => slot.trained && store.isWhole(slot.name));
  return new Map(whole.map(({ name }) => [`grad/${name}`, store.tensor(name, store.gradients)]));
}

function addLosses(sums: Map<string, { sum: number; weight: number }>, results: ReadonlyMap<string, HostTensor>): void {
  for (const [name, total] of sums) {
    total.sum += scalarOf(results, `loss/${name}/sum`);
    total.weight += scalarOf(results, `loss/${name}/weight`);
  }
}

/** A step in which no label counts has no loss and no gradient. */
const perWeight = (x: number, weight: number | undefined): number =>
  weight === undefined || weight === 0 ? 0 : x / weight;

const scalarOf = (results: ReadonlyMap<string, HostTensor>, name: string): number =>
  must(results.get(name)?.data[0], `the Program gives "${name}"`);

function meanOf(results: ReadonlyMap<string, HostTensor>, name: string): number {
  const { data } = must(results.get(name), `the Program gives "${name}"`);
  let sum = 0;
  for (const x of data) sum += x;
  return data.length === 0 ? 0 : sum / data.length;
}

function firstBadGradient(
  store: ParameterStore,
  results: ReadonlyMap<string, HostTensor>,
): { readonly parameter: string; readonly value: number } | undefined {
  for (const { name } of store.slots) {
    const data = results.get(`grad/${name}`)?.data as Float32Array | undefined;
    const at = data ? firstNonFinite(data) : -1;
    if (data && at >= 0) return { parameter: name, value: data[at] as number };
  }
  return undefined;
}
