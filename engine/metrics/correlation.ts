/** Figures for predicted numbers. A correlation with a constant is undefined and given as 0. */
import { BugError } from '../base/errors.ts';

export function meanSquaredError(predicted: ArrayLike<number>, actual: ArrayLike<number>): number {
  return meanOver(predicted, actual, (p, a) => (p - a) ** 2);
}

export function meanAbsoluteError(predicted: ArrayLike<number>, actual: ArrayLike<number>): number {
  return meanOver(predicted, actual, (p, a) => Math.abs(p - a));
}

/** Pearson's correlation: covariance / (deviation * deviation), in two passes so that large means cost no digits. */
export function pearson(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const n = sameLength(x, y);
  const meanX = mean(x);
  const meanY = mean(y);
  let xx = 0;
  let yy = 0;
  let xy = 0;
  for (let i = 0; i < n; i++) {
    const dx = (x[i] as number) - meanX;
    const dy = (y[i] as number) - meanY;
    xx += dx * dx;
    yy += dy * dy;
    xy += dx * dy;
  }
  const denominator = Math.sqrt(xx) * Math.sqrt(yy);
  return denominator === 0 ? 0 : Math.max(-1, Math.min(1, xy / denominator));
}

/** Spearman's correlation: Pearson's of the ranks, ties having their average rank. */
export function spearman(x: ArrayLike<number>, y: ArrayLike<number>): number {
  return pearson(averageRanks(x), averageRanks(y));
}

/** Ranks from 1; equal values share the mean of their ranks. */
export function averageRanks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i);
  order.sort((a, b) => (values[a] as number) - (values[b] as number));
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    const value = values[order[start] as number];
    while (end < order.length && values[order[end] as number] === value) end += 1;
    for (let i = start; i < end; i++) ranks[order[i] as number] = (start + end + 1) / 2;
    start = end;
  }
  return ranks;
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return values.length === 0 ? 0 : sum / values.length;
}

function meanOver(x: ArrayLike<number>, y: ArrayLike<number>, of: (a: number, b: number) => number): number {
  const n = sameLength(x, y);
  let sum = 0;
  for (let i = 0; i < n; i++) sum += of(x[i] as number, y[i] as number);
  return n === 0 ? 0 : sum / n;
}

function sameLength(x: ArrayLike<number>, y: ArrayLike<number>): number {
  if (x.length !== y.length) throw new BugError(`${x.length} predictions for ${y.length} values`);
  return x.length;
}
