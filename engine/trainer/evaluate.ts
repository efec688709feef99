/**
 * Running a model over a data set without training: `evaluateModel` gives loss and metrics, `predict` what the model says
 * of each example. Batches go by length, the longest first; results don't depend on that.
 */
import { assertNever, BugError, must, UserError } from '../base/errors.ts';
import type { HostTensor } from '../backends/executable.ts';
import type { LossTerm } from '../compile/model.ts';
import type { Batch } from '../data/batches.ts';
import type { Targets } from '../data/task.ts';
import {
  argmax,
  classificationMetrics,
  multilabelMetrics,
  regressionMetrics,
  tokenMetrics,
  type MetricName,
  type MetricResult,
} from '../metrics/metrics.ts';
import { collateExamples, exampleCount, rowsOf, sortedBatches, splitBatch, type ExampleSet } from './examples.ts';
import type { ExtraInputs } from './feeds.ts';
import { Interrupted } from './job.ts';
import * as messages from './messages.ts';
import { runModel, type Runnable } from './runnable.ts';

export { Interrupted } from './job.ts';

export interface EvaluationContext {
  readonly model: Runnable;
  /** The result that predictions are read from: `output/NAME`. */
  readonly output: string;
  readonly set: ExampleSet;
  readonly batchSize: number;
  readonly microBatchTokens: number | undefined;
  readonly firstPosition: number;
  readonly extra: ExtraInputs | undefined;
  /** Aborting ends the work with `Interrupted`. */
  readonly signal?: AbortSignal | undefined;
}

export interface Evaluation {
  readonly metrics: MetricResult;
  /** Sum of coefficient * sum / weight; undefined when the Program computes no loss. */
  readonly loss: number | undefined;
}

/** Loss and metrics of the given parameters. `primary` names the metric that models are compared by. */
export async function evaluateModel(
  context: EvaluationContext,
  parameters: ReadonlyMap<string, HostTensor>,
  losses: readonly LossTerm[],
  primary?: MetricName,
): Promise<Evaluation> {
  const collect = collector(context.set.targets, primary);
  const sums = new Map(losses.map((l) => [l.name, { sum: 0, weight: 0 }]));
  let complete = losses.length > 0;
  for await (const { batch, results } of runBatches(context, parameters)) {
    collect.add(logitsOf(context, batch, results), batch);
    for (const [name, total] of sums) {
      const sum = results.get(`loss/${name}/sum`)?.data[0];
      const weight = results.get(`loss/${name}/weight`)?.data[0];
      if (sum === undefined || weight === undefined) complete = false;
      total.sum += sum ?? 0;
      total.weight += weight ?? 0;
    }
  }
  const mean = (name: string): number => {
    const { sum, weight } = must(sums.get(name), name);
    return weight === 0 ? 0 : sum / weight;
  };
  const loss = complete ? losses.reduce((total, l) => total + l.coefficient * mean(l.name), 0) : undefined;
  return { metrics: collect.result(), loss };
}

/** What a model says of one example. */
export type Prediction =
  | { readonly kind: 'classification'; readonly label: number; readonly probabilities: Float32Array }
  /** A label is predicted when its probability is above one half. */
  | { readonly kind: 'multilabel'; readonly labels: readonly number[]; readonly probabilities: Float32Array }
  | { readonly kind: 'regression'; readonly value: number }
  /** One tag a word, `undefined` for a word that no token stands for; words that were cut off at the end are missing. */
  | { readonly kind: 'tokens'; readonly tags: readonly (number | undefined)[] };

/** What the logits of a model mean. */
export type PredictionKind = Prediction['kind'];

/** Predictions in the order of the set's examples. The Program must not read labels. */
export async function predict(
  context: EvaluationContext,
  parameters: ReadonlyMap<string, HostTensor>,
  kind: PredictionKind,
): Promise<readonly Prediction[]> {
  const byExample = new Map<number, Prediction>();
  for await (const { batch, results } of runBatches(context, parameters)) {
    const logits = logitsOf(context, batch, results);
    const width = logits.shape[logits.shape.length - 1] as number;
    batch.examples.forEach((example, b) => {
      byExample.set(example, predictionOf(context.set, kind, logits, width, batch, b));
    });
  }
  const { rows } = context.set;
  const order = rows ? Array.from(rows) : Array.from({ length: exampleCount(context.set) }, (_, i) => i);
  return order.map((example) => must(byExample.get(example), `a prediction for example ${example}`));
}

/** The results of every batch, the longest first. */
export async function* runBatches(
  context: EvaluationContext,
  parameters: ReadonlyMap<string, HostTensor>,
): AsyncGenerator<{ readonly batch: Batch; readonly results: ReadonlyMap<string, HostTensor> }> {
  const { model, set, firstPosition, extra } = context;
  for (const examples of sortedBatches(set, context.batchSize)) {
    for (const part of splitBatch(set, examples, context.microBatchTokens)) {
      if (context.signal?.aborted === true) throw new Interrupted();
      const batch = collateExamples(set, part);
      const parameter = (name: string): HostTensor | undefined => parameters.get(name);
      yield { batch, results: await runModel(model, { batch, context: { firstPosition }, extra, parameter }) };
    }
  }
}

/** The logits of a batch; numbers that are none are refused here, before any figure is made of them. */
export function logitsOf(
  { output, set }: EvaluationContext,
  batch: Batch,
  results: ReadonlyMap<string, HostTensor>,
): HostTensor {
  const logits = must(results.get(output), `the Program gives "${output}"`);
  const bad = (logits.data as Float32Array).findIndex((x) => !Number.isFinite(x));
  if (bad < 0) return logits;
  const example = batch.examples[Math.floor((bad * batch.B) / logits.data.length)] as number;
  const rows = rowsOf(set, Int32Array.of(example));
  throw new UserError(messages.nonFiniteOutput(set.file, rows, logits.data[bad] as number));
}

export interface Collector {
  add(logits: HostTensor, batch: Batch): void;
  result(): MetricResult;
}

/** Takes the outputs of batches and gives the figures of a task. */
export function collector(targets: Targets, primary: MetricName | undefined): Collector {
  switch (targets.kind) {
    case 'classification': {
      const metrics = classificationMetrics(targets.labels, primary as Parameters<typeof classificationMetrics>[1]);
      return {
        add: ({ data }, batch) => {
          if (batch.labels.kind === 'classification') metrics.add({ logits: data, classes: batch.labels.classes });
        },
        result: metrics.result,
      };
    }
    case 'multilabel': {
      const metrics = multilabelMetrics(targets.labels, primary as Parameters<typeof multilabelMetrics>[1]);
      return {
        add: ({ data }, batch) => {
          if (batch.labels.kind === 'multilabel') metrics.add({ logits: data, values: batch.labels.values });
        },
        result: metrics.result,
      };
    }
    case 'regression': {
      const metrics = regressionMetrics(primary as Parameters<typeof regressionMetrics>[0]);
      return {
        add: ({ data }, batch) => {
          if (batch.labels.kind === 'regression') metrics.add({ predicted: data, values: batch.labels.values });
        },
        result: metrics.result,
      };
    }
    case 'tokens': {
      const { labels, scheme } = targets;
      const metrics = tokenMetrics(labels, scheme, primary as Parameters<typeof tokenMetrics>[2]);
      return {
        add: (logits, batch) => {
          if (batch.labels.kind !== 'tokens') return;
          const packed = packedRows(logits, batch, labels.length);
          metrics.add({ logits: packed, classes: batch.labels.classes, firstRow: batch.firstRow });
        },
        result: metrics.result,
      };
    }
    case 'none':
      throw new BugError('data without labels cannot be evaluated');
    default:
      return assertNever(targets, 'targets');
  }
}

/** Rows of the real tokens `[N, width]`, whether the result is packed or padded. */
export function packedRows(logits: HostTensor, batch: Batch, width: number): Float32Array {
  const data = logits.data as Float32Array;
  if (logits.shape.length === 2) return data;
  const packed = new Float32Array(batch.N * width);
  batch.packIndex.forEach((place, n) => packed.set(data.subarray(place * width, (place + 1) * width), n * width));
  return packed;
}

function predictionOf(
  set: ExampleSet,
  kind: PredictionKind,
  output: HostTensor,
  width: number,
  batch: Batch,
  b: number,
): Prediction {
  const logits = output.data as Float32Array;
  switch (kind) {
    case 'classification':
      return {
        kind,
        label: argmax(logits, b * width, width),
        probabilities: softmax(logits.subarray(b * width, (b + 1) * width)),
      };
    case 'multilabel': {
      const probabilities = logits.slice(b * width, (b + 1) * width).map((x) => 1 / (1 + Math.exp(-x)));
      return {
        kind,
        probabilities,
        labels: [...probabilities.keys()].filter((k) => (logits[b * width + k] as number) > 0),
      };
    }
    case 'regression':
      return { kind, value: logits[b] as number };
    case 'tokens':
      return { kind, tags: wordTags(set, output, width, batch, b) };
    default:
      return assertNever(kind, 'kind of prediction');
  }
}

export function softmax(logits: Float32Array): Float32Array {
  const top = logits.reduce((a, x) => Math.max(a, x), -Infinity);
  const exps = Float64Array.from(logits, (x) => Math.exp(x - top));
  const total = exps.reduce((a, x) => a + x, 0);
  return Float32Array.from(exps, (x) => x / total);
}

/** The tag of each word, read at its first token. */
function wordTags(
  { encoded }: ExampleSet,
  output: HostTensor,
  width: number,
  batch: Batch,
  b: number,
): readonly (number | undefined)[] {
  const example = batch.examples[b] as number;
  const wordIds = must(encoded.wordIds, 'a token task was encoded from words');
  const start = encoded.offsets[example] as number;
  const first = output.shape.length === 2 ? (batch.firstRow[b] as number) : b * batch.T;
  const tags: (number | undefined)[] = [];
  for (let t = 0; t < (batch.lengths[b] as number); t++) {
    const word = wordIds[start + t] as number;
    if (word < 0 || tags[word] !== undefined) continue;
    while (tags.length < word) tags.push(undefined);
    tags[word] = argmax(output.data, (first + t) * width, width);
  }
  return tags;
}
