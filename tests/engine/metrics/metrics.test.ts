/**
 * Every figure against numbers of other programs, written here as literals: scikit-learn 1.9.1 (confusion, multi-label,
 * errors), scipy 1.17.1 (correlations), seqeval 1.2.2 (entities). What was computed by hand says so.
 */
import { describe, expect, it } from 'vitest';
import {
  accuracy,
  classScores,
  emptyConfusion,
  macroF1,
  majorityBaseline,
  matthews,
  microF1,
  weightedF1,
  type Confusion,
} from '../../../engine/metrics/confusion.ts';
import {
  averageRanks,
  meanAbsoluteError,
  meanSquaredError,
  pearson,
  spearman,
} from '../../../engine/metrics/correlation.ts';
import { entitiesOf, EntityCounts } from '../../../engine/metrics/entities.ts';
import {
  argmax,
  classificationMetrics,
  multilabelMetrics,
  primaryValue,
  regressionMetrics,
  tokenMetrics,
} from '../../../engine/metrics/metrics.ts';

function confusionOf(classes: number, actual: readonly number[], predicted: readonly number[]): Confusion {
  const confusion = emptyConfusion(classes);
  actual.forEach((t, i) => (confusion.counts[t * classes + predicted[i]!]! += 1));
  return confusion;
}

/** Logits that choose the given classes. */
const logitsFor = (classes: number, predicted: readonly number[]): Float32Array =>
  Float32Array.from(predicted.flatMap((p) => Array.from({ length: classes }, (_, k) => (k === p ? 2 : -1))));

const ACTUAL = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 1, 0, 2, 1];
const PREDICTED = [0, 1, 0, 1, 1, 2, 0, 2, 4, 3, 2, 1, 0, 2, 0];
const BINARY_ACTUAL = [1, 0, 1, 1, 0, 0, 1, 0, 1, 1];
const BINARY_PREDICTED = [1, 0, 0, 1, 1, 0, 1, 0, 1, 0];

describe('one class of many', () => {
  it('agrees with scikit-learn on five classes, one of which only occurs in predictions', () => {
    const confusion = confusionOf(5, ACTUAL, PREDICTED);
    expect(accuracy(confusion)).toBeCloseTo(0.6666666666666666, 12);
    expect(macroF1(confusion)).toBeCloseTo(0.55, 12);
    expect(microF1(confusion)).toBeCloseTo(0.6666666666666666, 12);
    expect(weightedF1(confusion)).toBeCloseTo(0.6888888888888889, 12);
    expect(matthews(confusion)).toBeCloseTo(0.5575859980003354, 12);
    expect(classScores(confusion)[0]).toEqual({ precision: 0.6, recall: 0.75, f1: 6 / 9, support: 4 });
    expect(classScores(confusion)[4]).toEqual({ precision: 0, recall: 0, f1: 0, support: 0 });
  });

  it('agrees with scikit-learn on two classes', () => {
    const metrics = classificationMetrics(['no', 'yes'], 'matthews');
    metrics.add({ logits: logitsFor(2, BINARY_PREDICTED), classes: BINARY_ACTUAL });
    const result = metrics.result();
    expect(result.figures.get('accuracy')).toBeCloseTo(0.7, 12);
    expect(result.figures.get('f1')).toBeCloseTo(0.7272727272727273, 12);
    expect(result.figures.get('macro_f1')).toBeCloseTo(0.696969696969697, 12);
    expect(primaryValue(result)).toBeCloseTo(0.408248290463863, 12);
    expect(result.confusion).toEqual([
      [3, 1],
      [2, 4],
    ]);
  });

  it('leaves a class that occurs nowhere out of macro F1 (by hand: (1 + 1) / 2)', () => {
    expect(macroF1(confusionOf(3, [0, 1], [0, 1]))).toBe(1);
  });

  it('gives a constant predictor Matthews 0 and the baseline accuracy (methods-2, 10.5: 444 of 872 positive)', () => {
    const actual = Array.from({ length: 872 }, (_, i) => (i < 444 ? 1 : 0));
    const confusion = confusionOf(2, actual, new Array<number>(872).fill(1));
    expect(matthews(confusion)).toBe(0);
    expect(accuracy(confusion)).toBeCloseTo(0.509, 3);
    expect(majorityBaseline(confusion)).toBe(accuracy(confusion));
  });

  it('does not depend on how rows are cut into batches, and counts ignored rows apart', () => {
    const whole = classificationMetrics(['a', 'b', 'c', 'd', 'e']);
    whole.add({ logits: logitsFor(5, PREDICTED), classes: ACTUAL });
    const parts = classificationMetrics(['a', 'b', 'c', 'd', 'e']);
    parts.add({ logits: logitsFor(5, PREDICTED.slice(0, 4)), classes: ACTUAL.slice(0, 4) });
    parts.add({ logits: logitsFor(5, [0, ...PREDICTED.slice(4)]), classes: [-100, ...ACTUAL.slice(4)] });
    const expected = new Map(whole.result().figures).set('ignored_rows', 1);
    expect(parts.result().figures).toEqual(expected);
    expect(expected.get('rows')).toBe(15);
  });

  it('gives zeros and no NaN without any row', () => {
    for (const value of classificationMetrics(['a', 'b']).result().figures.values()) expect(value).toBe(0);
  });

  it('takes the lowest index among equal logits and refuses NaN', () => {
    expect(argmax([1, 3, 3, 2], 0, 4)).toBe(1);
    expect(argmax([9, 1, 2, 2], 1, 3)).toBe(1);
    expect(() => argmax([1, Number.NaN], 0, 2)).toThrow(/NaN/);
  });

  it('refuses outputs of another size', () => {
    expect(() => classificationMetrics(['a', 'b']).add({ logits: [1, 2, 3], classes: [0] })).toThrow(/logits/);
    expect(() => classificationMetrics(['a', 'b', 'c'], 'f1')).toThrow(/two classes/);
  });
});

describe('many labels', () => {
  it('agrees with scikit-learn', () => {
    const values = [1, 0, 1, 0, 1, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
    const predicted = [1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1];
    const metrics = multilabelMetrics(['x', 'y', 'z']);
    const logits = predicted.map((p) => (p === 1 ? 0.1 : 0));
    metrics.add({ logits: logits.slice(0, 6), values: values.slice(0, 6) });
    metrics.add({ logits: logits.slice(6), values: values.slice(6) });
    const result = metrics.result();
    expect(primaryValue(result)).toBeCloseTo(0.6666666666666666, 12);
    expect(result.figures.get('micro_f1')).toBeCloseTo(0.7142857142857143, 12);
    expect(result.figures.get('subset_accuracy')).toBeCloseTo(0.3333333333333333, 12);
    expect(result.classes.get('y')).toEqual({ precision: 0.5, recall: 0.5, f1: 0.5, support: 2 });
  });
});

describe('numbers', () => {
  const x = [2.5, 0.3, 4.1, 4.1, 1.0, 3.3, 2.5, 0.0];
  const y = [2.0, 0.5, 4.5, 3.9, 1.2, 3.0, 3.0, 0.0];

  it('agrees with scipy and scikit-learn', () => {
    expect(pearson(x, y)).toBeCloseTo(0.9766286620637401, 12);
    expect(spearman(x, y)).toBeCloseTo(0.9757754965005869, 12);
    expect(meanSquaredError(x, y)).toBeCloseTo(0.10875, 12);
    expect(meanAbsoluteError(x, y)).toBeCloseTo(0.2875, 12);
    expect(spearman([1, 2, 2, 3], [1, 2, 3, 4])).toBeCloseTo(0.9486832980505139, 12);
    expect([...averageRanks([3, 1, 3, 2, 3])]).toEqual([4, 1, 4, 2, 4]);
  });

  it('keeps its digits when the mean is large', () => {
    const shifted = x.map((value) => value + 1e9);
    expect(pearson(shifted, y)).toBeCloseTo(0.9766286620637401, 7);
  });

  it('gives 0 for a constant and never leaves [-1, 1]', () => {
    expect(pearson([1, 1, 1], [1, 2, 3])).toBe(0);
    expect(spearman([], [])).toBe(0);
    expect(pearson(y, y)).toBeLessThanOrEqual(1);
    expect(() => pearson([1], [1, 2])).toThrow(/predictions/);
  });

  it('reports the mean of both correlations first, over batches', () => {
    const metrics = regressionMetrics();
    metrics.add({ predicted: x.slice(0, 3), values: y.slice(0, 3) });
    metrics.add({ predicted: x.slice(3), values: y.slice(3) });
    const result = metrics.result();
    expect(primaryValue(result)).toBeCloseTo((0.9766286620637401 + 0.9757754965005869) / 2, 12);
    // By hand: the mean of the squares of y is 7.39375, its mean 2.2625.
    expect(result.figures.get('mean_baseline_mse')).toBeCloseTo(7.39375 - 2.2625 ** 2, 12);
  });
});

describe('entities', () => {
  it.each([
    ['B-PER I-PER O I-LOC', 'PER 0-1, LOC 3-3'],
    ['I-PER I-PER B-PER', 'PER 0-1, PER 2-2'],
    ['B-PER I-LOC I-LOC', 'PER 0-0, LOC 1-2'],
    ['B-PER B-PER', 'PER 0-0, PER 1-1'],
    ['O O', ''],
    ['S-X B-X I-X E-X I-X', 'X 0-0, X 1-3, X 4-4'],
    ['B-PER O I-PER', 'PER 0-0, PER 2-2'],
    ['E-A E-A I-A', 'A 0-0, A 1-1, A 2-2'],
    ['B-A-B I-A-B', 'A-B 0-1'],
  ])('of %s are those of seqeval', (tags, expected) => {
    const found = entitiesOf(tags.split(' ')).map((e) => `${e.type} ${e.start}-${e.end}`);
    expect(found.join(', ')).toBe(expected);
  });

  it('are scored like seqeval does', () => {
    const actual = ['B-PER I-PER O B-LOC', 'O B-ORG I-ORG I-ORG O', 'I-LOC O B-DATE I-DATE', 'O O'];
    const predicted = ['B-PER I-PER O B-ORG', 'O B-ORG I-ORG O O', 'B-LOC O B-DATE I-DATE', 'B-PER O'];
    const counts = new EntityCounts();
    actual.forEach((tags, i) => counts.add(predicted[i]!.split(' '), tags.split(' ')));
    expect(counts.total()).toEqual({ precision: 0.5, recall: 0.6, f1: 6 / 11, support: 5 });
    expect(counts.types().get('LOC')).toEqual({ precision: 1, recall: 0.5, f1: 2 / 3, support: 2 });
    expect([...counts.types().keys()]).toEqual(['DATE', 'LOC', 'ORG', 'PER']);
  });

  it('of packed tokens look only at the first token of each word and never across sentences', () => {
    const labels = ['O', 'B-A', 'I-A'];
    const metrics = tokenMetrics(labels, 'bio');
    // Two sentences: [special] B-A I-A(second token ignored) [special] and [special] I-A [special].
    const classes = [-100, 1, 2, -100, -100, -100, 2, -100];
    const predicted = [0, 1, 2, 0, 1, 1, 1, 0];
    metrics.add({ logits: logitsFor(3, predicted), classes, firstRow: [0, 5] });
    const result = metrics.result();
    // By hand: truth A 0-1 and A 0-0; both are found, since a single I-A begins an entity.
    expect(primaryValue(result)).toBe(1);
    expect(result.figures.get('accuracy')).toBeCloseTo(2 / 3, 12);
    expect(result.figures.get('rows')).toBe(3);
  });

  it('are not looked for when tags are plain classes', () => {
    const metrics = tokenMetrics(['NOUN', 'VERB'], 'plain');
    metrics.add({ logits: logitsFor(2, [0, 1, 1]), classes: [0, 1, 0], firstRow: [0] });
    expect(metrics.result().primary).toBe('accuracy');
    expect(metrics.result().figures.has('entity_f1')).toBe(false);
  });
});
