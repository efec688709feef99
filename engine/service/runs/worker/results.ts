/** Figures, confusion and single examples of a run, from the data that it was evaluated on. */
import { UserError } from '../../../base/errors.ts';
import type { Dataset } from '../../../data/task.ts';
import type { MetricName } from '../../../metrics/metrics.ts';
import type { ExampleResult, RunResults } from '../../../protocol/api/runs.ts';
import type { StepInstance } from '../../../protocol/steps.ts';
import { examine } from '../../../trainer/examine.ts';
import { encodedFolder, encodeRows, readData, type DataArtifact } from '../../../workflow/data.ts';
import type { ImportToolkit } from '../../../workflow/peftImport.ts';
import { evaluationProgram } from '../../../workflow/programs.ts';
import { openTrained } from '../../../workflow/trained.ts';
import type { DoneSteps } from './steps.ts';

/** Of very large data only the examples with the largest loss are listed; figures are of all. */
const MOST_EXAMPLES = 2000;
const LONGEST_TEXT = 500;
const BATCH = 64;

export type WorkedOut = Omit<RunResults, 'majority' | 'untrained' | 'files'>;

export async function results(steps: DoneSteps, toolkit: ImportToolkit, home: string): Promise<WorkedOut> {
  const trained = steps.lastTrained();
  const { folder } = steps.loaded;
  const model = openTrained({ file: trained.container, toolkit, folder, home, threads: 0 });
  try {
    const { task, labels, maxLength } = model.data;
    const data = evaluationData(steps, trained.step);
    if (!data) return { task, labels, confusion: [], classes: [], metrics: {}, examples: [] };
    const rows = await readData(data, labels, () => undefined);
    const set = encodeRows(rows, model.tokenizer, maxLength, encodedFolder(home));
    const use = await model.context(evaluationProgram(model.compiled));
    const primary = model.primary === '' ? undefined : (model.primary as MetricName);
    const found = await examine({ ...use, set, batchSize: BATCH }, model.parameters, primary);
    const order = [...found.examples].sort((a, b) => b.loss - a.loss).slice(0, MOST_EXAMPLES);
    return {
      task,
      labels,
      confusion: found.confusion,
      classes: [...found.metrics.classes].map(([label, score]) => ({ label, ...score })),
      metrics: finite(found.metrics.figures),
      examples: order.map(({ example, ...answer }): ExampleResult => ({
        row: rows.dataset.rowNumbers[example] ?? 0,
        text: textOf(rows.dataset, example),
        ...answer,
      })),
    };
  } finally {
    await model.close();
  }
}

/** What the training step was evaluated on, else what an evaluation of its model reads. */
export function evaluationData(steps: DoneSteps, train: StepInstance): DataArtifact | undefined {
  const own = steps.data(train, 'eval');
  if (own) return own;
  const evaluates = steps.instances.find(
    (i) =>
      i.step.type === 'evaluate' && i.inputs.some((input) => input.port === 'model' && input.from.step === train.id),
  );
  try {
    return evaluates && steps.data(evaluates, 'data');
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

export function textOf({ inputs }: Dataset, example: number): string {
  const whole =
    inputs.kind === 'words'
      ? (inputs.words[example] ?? []).join(' ')
      : [inputs.first[example], inputs.second?.[example]].filter((t) => t !== undefined).join(' | ');
  return whole.length > LONGEST_TEXT ? `${whole.slice(0, LONGEST_TEXT)}…` : whole;
}

const finite = (figures: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries([...figures].filter(([, x]) => Number.isFinite(x)));
