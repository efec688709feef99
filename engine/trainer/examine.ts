/**
 * What a trained model says of each example of labelled data: answer, probability and loss, with the figures of the whole
 * made of the same outputs. For looking at single examples; training evaluates with `evaluate.ts`.
 */
import { must } from '../base/errors.ts';
import type { HostTensor } from '../backends/executable.ts';
import type { Batch } from '../data/batches.ts';
import type { Targets } from '../data/task.ts';
import { argmax, type MetricName, type MetricResult } from '../metrics/metrics.ts';
import { collector, logitsOf, packedRows, runBatches, softmax, type EvaluationContext } from './evaluate.ts';

export interface ExaminedExample {
  /** Index into the whole data set. */
  readonly example: number;
  /** Names of classes, labels or tags, or a number as text. */
  readonly gold: string;
  readonly predicted: string;
  readonly loss: number;
  /** Probability of the answer, of words and labels the mean; a number has none. */
  readonly confidence?: number;
}

export interface Examined {
  readonly metrics: MetricResult;
  readonly examples: readonly ExaminedExample[];
  /** [true, predicted] counts of classes or tags; empty where an example has no single class. */
  readonly confusion: readonly (readonly number[])[];
}

/** Examples whose class the model does not know count for no figure and are left out. */
export async function examine(
  context: EvaluationContext,
  parameters: ReadonlyMap<string, HostTensor>,
  primary: MetricName | undefined,
): Promise<Examined> {
  const { targets } = context.set;
  const collect = collector(targets, primary);
  const examples: ExaminedExample[] = [];
  const counts = emptyCounts(targets);
  for await (const { batch, results } of runBatches(context, parameters)) {
    const logits = logitsOf(context, batch, results);
    collect.add(logits, batch);
    const { data } = logits;
    // Rows of the real tokens, or of the examples.
    const rows = targets.kind === 'tokens' ? packedRows(logits, batch, targets.labels.length) : (data as Float32Array);
    batch.examples.forEach((example, b) => {
      const found = examineOne(targets, rows, batch, b, counts);
      if (found) examples.push({ example, ...found });
    });
  }
  return { metrics: collect.result(), examples, confusion: counts };
}

function emptyCounts(targets: Targets): number[][] {
  if (targets.kind !== 'classification' && targets.kind !== 'tokens') return [];
  return targets.labels.map(() => targets.labels.map(() => 0));
}

type One = Omit<ExaminedExample, 'example'>;
type Answered = Required<One>;

function examineOne(
  targets: Targets,
  data: Float32Array,
  batch: Batch,
  b: number,
  counts: number[][],
): One | undefined {
  const { labels } = batch;
  switch (targets.kind) {
    case 'classification':
      if (labels.kind !== 'classification') return undefined;
      return classified(targets.labels, data, b, labels.classes[b] as number, counts);
    case 'multilabel':
      if (labels.kind !== 'multilabel') return undefined;
      return labelled(targets.labels, data, labels.values, b);
    case 'regression': {
      if (labels.kind !== 'regression') return undefined;
      const [gold, found] = [labels.values[b] as number, data[b] as number];
      return { gold: String(gold), predicted: found.toPrecision(6), loss: (found - gold) ** 2 };
    }
    case 'tokens':
      if (labels.kind !== 'tokens') return undefined;
      return tagged(targets.labels, data, batch, b, labels.classes, counts);
    case 'none':
      return undefined;
  }
}

function classified(
  names: readonly string[],
  data: Float32Array,
  row: number,
  gold: number,
  counts: number[][],
): Answered | undefined {
  const width = names.length;
  if (gold < 0 || gold >= width) return undefined;
  const probabilities = softmax(data.subarray(row * width, (row + 1) * width));
  const found = argmax(data, row * width, width);
  const line = must(counts[gold], `row ${gold}`);
  line[found] = (line[found] ?? 0) + 1;
  return {
    gold: names[gold] as string,
    predicted: names[found] as string,
    loss: -Math.log(Math.max(probabilities[gold] as number, 1e-30)),
    confidence: probabilities[found] as number,
  };
}

function labelled(names: readonly string[], data: Float32Array, values: ArrayLike<number>, b: number): One {
  const width = names.length;
  const [gold, predicted]: [string[], string[]] = [[], []];
  let [loss, confidence] = [0, 0];
  for (let k = 0; k < width; k++) {
    const p = 1 / (1 + Math.exp(-(data[b * width + k] as number)));
    const is = values[b * width + k] === 1;
    if (is) gold.push(names[k] as string);
    if (p > 0.5) predicted.push(names[k] as string);
    loss -= Math.log(Math.max(is ? p : 1 - p, 1e-30));
    confidence += Math.max(p, 1 - p);
  }
  return { gold: gold.join(', '), predicted: predicted.join(', '), loss: loss / width, confidence: confidence / width };
}

/** Of a sentence, the mean over its words. */
function tagged(
  names: readonly string[],
  data: Float32Array,
  batch: Batch,
  b: number,
  classes: Int32Array,
  counts: number[][],
): One | undefined {
  const [gold, predicted]: [string[], string[]] = [[], []];
  let [loss, confidence] = [0, 0];
  const first = batch.firstRow[b] as number;
  for (let n = first; n < first + (batch.lengths[b] as number); n++) {
    const one = classified(names, data, n, classes[n] as number, counts);
    if (!one) continue;
    gold.push(one.gold);
    predicted.push(one.predicted);
    loss += one.loss;
    confidence += one.confidence;
  }
  const words = gold.length;
  if (words === 0) return undefined;
  return { gold: gold.join(' '), predicted: predicted.join(' '), loss: loss / words, confidence: confidence / words };
}
