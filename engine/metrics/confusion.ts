/**
 * Counts of (true class, predicted class) and every figure that follows from them alone. Undefined ratios are 0.
 *
 *   precision = TP/(TP+FP)   recall = TP/(TP+FN)   F1 = 2TP/(2TP+FP+FN)
 *   macro F1 = mean over the classes that occur in labels or predictions; weighted F1 = mean by support
 *   Matthews = (c*s - sum_k p_k t_k) / sqrt((s^2 - sum_k p_k^2)(s^2 - sum_k t_k^2)), s rows, c right, p predicted, t true
 *              (Gorodkin 2004; for two classes it is the usual (TP*TN - FP*FN)/sqrt(...))
 */

/** A square table; `counts[true * classes + predicted]`. */
export interface Confusion {
  readonly classes: number;
  readonly counts: Float64Array;
}

export interface ClassScore {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** How many rows truly have this class. */
  readonly support: number;
}

export function emptyConfusion(classes: number): Confusion {
  return { classes, counts: new Float64Array(classes * classes) };
}

/** a / b, and 0 where that is undefined. */
export const ratio = (a: number, b: number): number => (b === 0 ? 0 : a / b);

export const f1Of = (truePositive: number, falsePositive: number, falseNegative: number): number =>
  ratio(2 * truePositive, 2 * truePositive + falsePositive + falseNegative);

interface Margins {
  readonly total: number;
  readonly right: number;
  readonly actual: Float64Array;
  readonly predicted: Float64Array;
  readonly diagonal: Float64Array;
}

function marginsOf({ classes, counts }: Confusion): Margins {
  const actual = new Float64Array(classes);
  const predicted = new Float64Array(classes);
  const diagonal = new Float64Array(classes);
  let total = 0;
  let right = 0;
  for (let t = 0; t < classes; t++) {
    for (let p = 0; p < classes; p++) {
      const count = counts[t * classes + p] as number;
      actual[t] = (actual[t] as number) + count;
      predicted[p] = (predicted[p] as number) + count;
      total += count;
    }
    diagonal[t] = counts[t * classes + t] as number;
    right += diagonal[t] as number;
  }
  return { total, right, actual, predicted, diagonal };
}

export function accuracy(confusion: Confusion): number {
  const { right, total } = marginsOf(confusion);
  return ratio(right, total);
}

/** The accuracy of always answering the most frequent true class. */
export function majorityBaseline(confusion: Confusion): number {
  const { actual, total } = marginsOf(confusion);
  return ratio(Math.max(0, ...actual), total);
}

export function classScores(confusion: Confusion): readonly ClassScore[] {
  const { actual, predicted, diagonal } = marginsOf(confusion);
  return Array.from(actual, (support, k) => {
    const hit = diagonal[k] as number;
    const answers = predicted[k] as number;
    return {
      precision: ratio(hit, answers),
      recall: ratio(hit, support),
      f1: f1Of(hit, answers - hit, support - hit),
      support,
    };
  });
}

export function macroF1(confusion: Confusion): number {
  const { actual, predicted } = marginsOf(confusion);
  const scores = classScores(confusion).filter((_, k) => (actual[k] as number) + (predicted[k] as number) > 0);
  return ratio(
    scores.reduce((sum, score) => sum + score.f1, 0),
    scores.length,
  );
}

export function weightedF1(confusion: Confusion): number {
  const scores = classScores(confusion);
  return ratio(
    scores.reduce((sum, score) => sum + score.f1 * score.support, 0),
    scores.reduce((sum, score) => sum + score.support, 0),
  );
}

/** Micro F1 over all classes; with one class for each row it equals accuracy. */
export function microF1(confusion: Confusion): number {
  const { right, total } = marginsOf(confusion);
  return f1Of(right, total - right, total - right);
}

export function matthews(confusion: Confusion): number {
  const { total, right, actual, predicted } = marginsOf(confusion);
  let both = 0;
  let predictedSquares = 0;
  let actualSquares = 0;
  for (let k = 0; k < confusion.classes; k++) {
    both += (actual[k] as number) * (predicted[k] as number);
    predictedSquares += (predicted[k] as number) ** 2;
    actualSquares += (actual[k] as number) ** 2;
  }
  const denominator = Math.sqrt((total ** 2 - predictedSquares) * (total ** 2 - actualSquares));
  return ratio(right * total - both, denominator);
}
