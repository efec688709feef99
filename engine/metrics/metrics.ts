/**
 * What a task reports: an accumulator that is given the model's outputs batch by batch and tells every figure at the end,
 * one of them being the primary one that chooses the best model. All figures but errors and counts are better when higher.
 */
import { BugError } from '../base/errors.ts';
import {
  accuracy,
  classScores,
  emptyConfusion,
  f1Of,
  macroF1,
  majorityBaseline,
  matthews,
  ratio,
  weightedF1,
  type ClassScore,
} from './confusion.ts';
import { meanAbsoluteError, meanSquaredError, pearson, spearman } from './correlation.ts';
import { EntityCounts } from './entities.ts';

/** A metric that a model can be chosen by. */
export type MetricName =
  | 'accuracy'
  | 'f1'
  | 'macro_f1'
  | 'micro_f1'
  | 'weighted_f1'
  | 'matthews'
  | 'subset_accuracy'
  | 'pearson'
  | 'spearman'
  | 'pearson_spearman'
  | 'entity_f1';

/** Figures that are reported beside them. */
export type FigureName =
  | MetricName
  | 'majority_baseline'
  | 'mse'
  | 'mae'
  | 'mean_baseline_mse'
  | 'entity_precision'
  | 'entity_recall'
  | 'rows'
  | 'ignored_rows';

export interface MetricResult {
  readonly primary: MetricName;
  /** The figures in reporting order. */
  readonly figures: ReadonlyMap<FigureName, number>;
  /** Scores of each class, label or entity type. */
  readonly classes: ReadonlyMap<string, ClassScore>;
  /** [true, predicted] counts for one class of many. */
  readonly confusion?: readonly (readonly number[])[];
}

/** Takes what one kind of task gives; it has identity, one for an evaluation. */
export interface MetricAccumulator<Outputs> {
  readonly add: (outputs: Outputs) => void;
  readonly result: () => MetricResult;
}

/** The class of an ignored row or token; it enters no figure but `ignored_rows`. */
const isIgnored = (id: number, classes: number): boolean => id < 0 || id >= classes;

/** The index of the largest of `count` values from `start`; the lowest index among equals. Throws for NaN. */
export function argmax(values: ArrayLike<number>, start: number, count: number): number {
  let best = 0;
  for (let k = 0; k < count; k++) {
    const value = values[start + k] as number;
    if (Number.isNaN(value)) throw new BugError('a logit is NaN: the run must have stopped before its evaluation');
    if (value > (values[start + best] as number)) best = k;
  }
  return best;
}

export interface ClassOutputs {
  /** [B, classes]. */
  readonly logits: ArrayLike<number>;
  /** [B]; negative where the row counts for nothing. */
  readonly classes: ArrayLike<number>;
}

/** One class of many: accuracy first, or the metric that `primary` names. `f1` is that of class 1 and only for two classes. */
export function classificationMetrics(
  labels: readonly string[],
  primary: 'accuracy' | 'f1' | 'macro_f1' | 'weighted_f1' | 'matthews' = 'accuracy',
): MetricAccumulator<ClassOutputs> {
  if (primary === 'f1' && labels.length !== 2) throw new BugError('binary F1 needs exactly two classes');
  const width = labels.length;
  const confusion = emptyConfusion(width);
  let ignored = 0;
  const add = ({ logits, classes }: ClassOutputs): void => {
    checkSize('logits', logits.length, classes.length * width);
    for (let b = 0; b < classes.length; b++) {
      const actual = classes[b] as number;
      if (isIgnored(actual, width)) {
        ignored += 1;
        continue;
      }
      const at = actual * width + argmax(logits, b * width, width);
      confusion.counts[at] = (confusion.counts[at] as number) + 1;
    }
  };
  const result = (): MetricResult => {
    const scores = classScores(confusion);
    const rows = confusion.counts.reduce((a, b) => a + b, 0);
    const figures = new Map<FigureName, number>([
      ['accuracy', accuracy(confusion)],
      ['macro_f1', macroF1(confusion)],
      ['weighted_f1', weightedF1(confusion)],
      ['matthews', matthews(confusion)],
      ['majority_baseline', majorityBaseline(confusion)],
      ['rows', rows],
      ['ignored_rows', ignored],
    ]);
    if (width === 2) figures.set('f1', scores[1]?.f1 ?? 0);
    return {
      primary,
      figures,
      classes: new Map(labels.map((label, k) => [label, scores[k] as ClassScore])),
      confusion: labels.map((_, t) => Array.from(confusion.counts.subarray(t * width, (t + 1) * width))),
    };
  };
  return { add, result };
}

export interface LabelOutputs {
  /** [B, labels]; a label is predicted when its logit is above 0, that is, its probability above one half. */
  readonly logits: ArrayLike<number>;
  /** [B, labels] of 0 and 1. */
  readonly values: ArrayLike<number>;
}

/** Any number of labels for a row: macro F1 over all labels first. */
export function multilabelMetrics(
  labels: readonly string[],
  primary: 'macro_f1' | 'micro_f1' | 'subset_accuracy' = 'macro_f1',
): MetricAccumulator<LabelOutputs> {
  const width = labels.length;
  const found = new Float64Array(width);
  const predicted = new Float64Array(width);
  const actual = new Float64Array(width);
  let rows = 0;
  let exact = 0;
  const add = ({ logits, values }: LabelOutputs): void => {
    checkSize('logits', logits.length, values.length);
    for (let start = 0; start < values.length; start += width) {
      let same = true;
      for (let k = 0; k < width; k++) {
        const logit = logits[start + k] as number;
        if (Number.isNaN(logit)) throw new BugError('a logit is NaN: the run must have stopped before its evaluation');
        const says = logit > 0 ? 1 : 0;
        const is = values[start + k] as number;
        found[k] = (found[k] as number) + says * is;
        predicted[k] = (predicted[k] as number) + says;
        actual[k] = (actual[k] as number) + is;
        same &&= says === is;
      }
      rows += 1;
      exact += same ? 1 : 0;
    }
  };
  const result = (): MetricResult => {
    const scores = labels.map((_, k): ClassScore => {
      const hit = found[k] as number;
      const answers = predicted[k] as number;
      const support = actual[k] as number;
      const f1 = f1Of(hit, answers - hit, support - hit);
      return { precision: ratio(hit, answers), recall: ratio(hit, support), f1, support };
    });
    const [hits, answers, support] = [found, predicted, actual].map((list) => list.reduce((a, b) => a + b, 0));
    return {
      primary,
      figures: new Map<FigureName, number>([
        [
          'macro_f1',
          ratio(
            scores.reduce((sum, score) => sum + score.f1, 0),
            width,
          ),
        ],
        [
          'micro_f1',
          f1Of(hits as number, (answers as number) - (hits as number), (support as number) - (hits as number)),
        ],
        ['subset_accuracy', ratio(exact, rows)],
        ['rows', rows],
      ]),
      classes: new Map(labels.map((label, k) => [label, scores[k] as ClassScore])),
    };
  };
  return { add, result };
}

export interface NumberOutputs {
  /** [B]. */
  readonly predicted: ArrayLike<number>;
  /** [B]. */
  readonly values: ArrayLike<number>;
}

/** A number for a row: the mean of Pearson and Spearman first. */
export function regressionMetrics(
  primary: 'pearson_spearman' | 'pearson' | 'spearman' = 'pearson_spearman',
): MetricAccumulator<NumberOutputs> {
  const predicted: number[] = [];
  const actual: number[] = [];
  const add = (outputs: NumberOutputs): void => {
    checkSize('predictions', outputs.predicted.length, outputs.values.length);
    for (let b = 0; b < outputs.values.length; b++) {
      predicted.push(outputs.predicted[b] as number);
      actual.push(outputs.values[b] as number);
    }
  };
  const result = (): MetricResult => {
    const p = pearson(predicted, actual);
    const s = spearman(predicted, actual);
    const mean = ratio(
      actual.reduce((a, b) => a + b, 0),
      actual.length,
    );
    return {
      primary,
      figures: new Map<FigureName, number>([
        ['pearson_spearman', (p + s) / 2],
        ['pearson', p],
        ['spearman', s],
        ['mse', meanSquaredError(predicted, actual)],
        ['mae', meanAbsoluteError(predicted, actual)],
        ['mean_baseline_mse', meanSquaredError(new Float64Array(actual.length).fill(mean), actual)],
        ['rows', actual.length],
      ]),
      classes: new Map(),
    };
  };
  return { add, result };
}

export interface TokenOutputs {
  /** [N, tags] for the N real tokens of a batch. */
  readonly logits: ArrayLike<number>;
  /** [N]; negative where a token counts for nothing (not the first of its word, special, unseen tag). */
  readonly classes: ArrayLike<number>;
  /** [B]: which of the N tokens is each sentence's first. */
  readonly firstRow: ArrayLike<number>;
}

/** A tag for a word: entity F1 first for BIO tags, accuracy for others. */
export function tokenMetrics(
  labels: readonly string[],
  scheme: 'bio' | 'plain',
  primary: 'entity_f1' | 'accuracy' | 'macro_f1' = scheme === 'bio' ? 'entity_f1' : 'accuracy',
): MetricAccumulator<TokenOutputs> {
  const width = labels.length;
  const words = classificationMetrics(labels, 'accuracy');
  const entities = new EntityCounts();
  const add = ({ logits, classes, firstRow }: TokenOutputs): void => {
    words.add({ logits, classes });
    for (let b = 0; b < firstRow.length; b++) {
      const end = b + 1 < firstRow.length ? (firstRow[b + 1] as number) : classes.length;
      const predicted: string[] = [];
      const actual: string[] = [];
      for (let n = firstRow[b] as number; n < end; n++) {
        if (isIgnored(classes[n] as number, width)) continue;
        predicted.push(labels[argmax(logits, n * width, width)] as string);
        actual.push(labels[classes[n] as number] as string);
      }
      entities.add(predicted, actual);
    }
  };
  const result = (): MetricResult => {
    const byWord = words.result();
    const pick = (name: FigureName): readonly [FigureName, number] => [name, byWord.figures.get(name) ?? 0];
    const total = entities.total();
    const entityFigures: readonly (readonly [FigureName, number])[] = [
      ['entity_f1', total.f1],
      ['entity_precision', total.precision],
      ['entity_recall', total.recall],
    ];
    return {
      primary,
      figures: new Map([
        ...(scheme === 'bio' ? entityFigures : []),
        pick('accuracy'),
        pick('macro_f1'),
        pick('majority_baseline'),
        pick('rows'),
      ]),
      classes: scheme === 'bio' ? entities.types() : byWord.classes,
    };
  };
  return { add, result };
}

/** The primary figure of a result. */
export function primaryValue(result: MetricResult): number {
  const value = result.figures.get(result.primary);
  if (value === undefined) throw new BugError(`the metric ${result.primary} was not computed`);
  return value;
}

function checkSize(what: string, found: number, expected: number): void {
  if (found !== expected) throw new BugError(`expected ${expected} ${what}, got ${found}`);
}
