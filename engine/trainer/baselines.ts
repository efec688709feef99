/**
 * Figures that a trained model is compared with: those of one constant answer, made of the labels of the evaluation data
 * alone, and those of the model as it is before its first step. Both are read only: nothing of a run depends on them.
 */
import type { HostTensor } from '../backends/executable.ts';
import type { Targets } from '../data/task.ts';
import type { MetricName, MetricResult } from '../metrics/metrics.ts';
import { collector, evaluateModel, type EvaluationContext } from './evaluate.ts';
import { collateExamples, sortedBatches, type ExampleSet } from './examples.ts';
import { Interrupted, type TrainHooks, type TrainJob } from './job.ts';
import type { ParameterStore } from './parameterStore.ts';

/** The logits of an answer that is always the same, one row; undefined where the task has none worth comparing with. */
function constantAnswer({ targets, tokenClasses, rows }: ExampleSet, offsets: Int32Array): Float32Array | undefined {
  const examples = rows ?? Int32Array.from({ length: offsets.length - 1 }, (_, i) => i);
  const counts = (classes: number, each: (count: (id: number) => void) => void): Float64Array => {
    const found = new Float64Array(classes);
    each((id) => {
      if (id >= 0 && id < classes) found[id] = (found[id] as number) + 1;
    });
    return found;
  };
  switch (targets.kind) {
    case 'classification': {
      const { classes, labels } = targets;
      return oneHot(counts(labels.length, (count) => examples.forEach((e) => count(classes[e] as number))));
    }
    case 'tokens': {
      const of = (e: number): Int32Array | undefined => tokenClasses?.subarray(offsets[e], offsets[e + 1]);
      return oneHot(counts(targets.labels.length, (count) => examples.forEach((e) => of(e)?.forEach(count))));
    }
    case 'multilabel': {
      const { labels, values } = targets;
      return Float32Array.from(labels, (_, k) => {
        const given = examples.reduce((n, e) => n + (values[e * labels.length + k] as number), 0);
        return 2 * given > examples.length ? 1 : -1;
      });
    }
    case 'regression':
    case 'none':
      // A constant has no correlation with anything.
      return undefined;
  }
}

function oneHot(counts: Float64Array): Float32Array {
  const logits = new Float32Array(counts.length);
  logits[counts.indexOf(Math.max(...counts))] = 1;
  return logits;
}

/** The figures of always giving the commonest answer of the data; undefined for numbers. */
export function majorityFigures(set: ExampleSet, primary: MetricName | undefined): MetricResult | undefined {
  const answer = constantAnswer(set, set.encoded.offsets);
  if (!answer) return undefined;
  const collect = collector(set.targets, primary);
  const width = answer.length;
  for (const examples of sortedBatches(set, 256)) {
    const batch = collateExamples(set, examples);
    const rows = rowsOfAnswers(set.targets, batch.B, batch.N);
    const data = new Float32Array(rows * width);
    for (let row = 0; row < rows; row++) data.set(answer, row * width);
    collect.add({ dtype: 'f32', shape: [rows, width], data }, batch);
  }
  return collect.result();
}

const rowsOfAnswers = (targets: Targets, examples: number, tokens: number): number =>
  targets.kind === 'tokens' ? tokens : examples;

/** Computes both and tells them. Throws `Interrupted` when the run is asked to stop. */
export async function tellBaselines(
  evaluation: Omit<EvaluationContext, 'signal'>,
  store: ParameterStore,
  { model, metric }: Pick<TrainJob, 'model' | 'metric'>,
  { onEvent, signal }: TrainHooks,
): Promise<void> {
  const parameters: ReadonlyMap<string, HostTensor> = store.feeds();
  const { metrics } = await evaluateModel({ ...evaluation, signal }, parameters, model.losses, metric);
  if (signal?.aborted === true) throw new Interrupted();
  const majority = majorityFigures(evaluation.set, metric)?.figures;
  onEvent?.({ kind: 'baseline', primary: metrics.primary, majority, untrained: metrics.figures });
}
