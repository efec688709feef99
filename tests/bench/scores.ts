/**
 * Figures of predictions as functions of sums over examples, so that a bootstrap only adds up rows: accuracy, Matthews,
 * Pearson, entity F1. Two systems are compared on the same resampled examples (paired), with the seeds resampled too.
 */
import { must } from '../../engine/base/errors.ts';
import { createRandom, randomKey } from '../../engine/base/random.ts';
import { entitiesOf } from '../../engine/metrics/entities.ts';

export type MetricName = 'accuracy' | 'matthews' | 'pearson' | 'entity_f1';

/** A class, a number, or the tags of all words. */
export type Label = string | number | readonly string[];

interface Metric {
  /** What one example adds to the sums. */
  readonly row: (gold: Label, predicted: Label) => readonly number[];
  readonly value: (sums: Float64Array) => number;
}

const METRICS: { readonly [K in MetricName]: Metric } = {
  accuracy: {
    row: (gold, predicted) => [gold === predicted ? 1 : 0, 1],
    value: ([right = 0, all = 0]) => right / all,
  },
  // Both classes are named by strings; "1" is the positive one.
  matthews: {
    row: (gold, predicted) => {
      const [g, p] = [gold === '1', predicted === '1'];
      return [g && p ? 1 : 0, !g && p ? 1 : 0, g && !p ? 1 : 0, !g && !p ? 1 : 0];
    },
    value: ([tp = 0, fp = 0, fn = 0, tn = 0]) => {
      const scale = Math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn));
      return scale === 0 ? 0 : (tp * tn - fp * fn) / scale;
    },
  },
  pearson: {
    row: (gold, predicted) => {
      const [x, y] = [Number(gold), Number(predicted)];
      return [x, y, x * x, y * y, x * y, 1];
    },
    value: ([x = 0, y = 0, xx = 0, yy = 0, xy = 0, n = 0]) =>
      (n * xy - x * y) / Math.sqrt((n * xx - x * x) * (n * yy - y * y)),
  },
  entity_f1: {
    row: (gold, predicted) => {
      const keys = (tags: Label): string[] =>
        entitiesOf(tags as readonly string[]).map((e) => `${e.type} ${e.start} ${e.end}`);
      const actual = new Set(keys(gold));
      const found = keys(predicted);
      return [found.filter((k) => actual.has(k)).length, found.length, actual.size];
    },
    value: ([right = 0, found = 0, actual = 0]) => (found + actual === 0 ? 0 : (2 * right) / (found + actual)),
  },
};

/** The rows of all examples of one run. */
export function rowsOf(
  metric: MetricName,
  gold: readonly Label[],
  predicted: readonly Label[],
): readonly Float64Array[] {
  if (gold.length !== predicted.length) throw new Error(`${predicted.length} predictions for ${gold.length} examples`);
  const { row } = METRICS[metric];
  return gold.map((g, i) => Float64Array.from(row(g, predicted[i] as Label)));
}

export function scoreOf(metric: MetricName, rows: readonly Float64Array[], chosen?: Int32Array): number {
  const sums = new Float64Array(rows[0]?.length ?? 0);
  const add = (row: Float64Array): void => {
    for (let k = 0; k < sums.length; k++) sums[k] = (sums[k] as number) + (row[k] as number);
  };
  if (chosen) for (const i of chosen) add(must(rows[i], 'an example'));
  else rows.forEach(add);
  return METRICS[metric].value(sums);
}

export interface Comparison {
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
  /** Mean of ours minus mean of theirs. */
  readonly difference: number;
  /** 95 % interval of the difference, examples and seeds resampled. */
  readonly interval: readonly [number, number];
  /** The same with the examples resampled only. */
  readonly interval_of_examples: readonly [number, number];
}

const RESAMPLES = 2000;

/** Both lists hold one run a seed, in the same order of seeds and examples. */
export function pairedBootstrap(
  metric: MetricName,
  ours: readonly (readonly Float64Array[])[],
  theirs: readonly (readonly Float64Array[])[],
): Comparison {
  const runs = ours.length;
  const examples = ours[0]?.length ?? 0;
  const random = createRandom(randomKey(1, 'bootstrap'));
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const both: number[] = [];
  const fixed: number[] = [];
  for (let r = 0; r < RESAMPLES; r++) {
    const chosen = Int32Array.from({ length: examples }, () => random.below(examples));
    const differences = ours.map(
      (rows, s) => scoreOf(metric, rows, chosen) - scoreOf(metric, must(theirs[s], 'a run'), chosen),
    );
    fixed.push(mean(differences));
    both.push(mean(Array.from({ length: runs }, () => differences[random.below(runs)] as number)));
  }
  const a = ours.map((rows) => scoreOf(metric, rows));
  const b = theirs.map((rows) => scoreOf(metric, rows));
  return {
    ours: a,
    theirs: b,
    difference: mean(a) - mean(b),
    interval: middle95(both),
    interval_of_examples: middle95(fixed),
  };
}

function middle95(values: readonly number[]): readonly [number, number] {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
  return [at(0.025), at(0.975)];
}
