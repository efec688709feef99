/**
 * Whether the data of a document can be trained on, as its training steps would find out: files, columns, labels, heads,
 * figures to compare by. Reads every table once; nothing is encoded or run.
 */
import { UserError, type Diagnostic } from '../base/errors.ts';
import { unfoldWorkflow, type StepInstance } from '../protocol/steps.ts';
import { paramsOf } from './check.ts';
import { documentForData } from './compileModelStep.ts';
import { labelsOf, readData, taskOfData, type DataArtifact } from './data.ts';
import type { LoadedDocument } from './loadDocument.ts';
import { splitStep, tableStep } from './steps/data.ts';
import { metricOf } from './steps/train.ts';
import type { Toolkit } from './toolkit.ts';

/** All findings at once. The structure of the document must have been checked. */
export async function checkData(
  { document, folder }: LoadedDocument,
  toolkit: Toolkit,
): Promise<readonly Diagnostic[]> {
  const found = new Map<string, Diagnostic>();
  const report = (d: Diagnostic): void => void found.set(JSON.stringify(d), d);
  const instances = unfoldWorkflow(document);
  const values = dataOf(instances, folder);
  const inputOf = (instance: StepInstance | undefined, port: string): DataArtifact | undefined => {
    const from = instance?.inputs.find((i) => i.port === port)?.from;
    return from && values.get(from.step)?.get(from.port ?? '');
  };
  for (const train of instances) {
    const data = inputOf(train, 'data');
    if (train.step.type !== 'train' || data === undefined) continue;
    const source = train.inputs.find((i) => i.port === 'model')?.from.step;
    const modelStep = instances.find((i) => i.id === source);
    const evaluation = inputOf(train, 'eval');
    const fit = inputOf(modelStep, 'data');
    try {
      const training = await readData(data, undefined, report);
      if (evaluation) await readData(evaluation, labelsOf(training.dataset), report);
      const model = modelStep?.step.model;
      const fitTo = fit && taskOfData((await readData(fit, undefined, report)).dataset);
      if (model !== undefined)
        documentForData(document, model, { wanted: taskOfData(training.dataset), fitTo }, toolkit);
      metricOf(paramsOf(train, 'train').metric, training);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      error.diagnostics.forEach(report);
    }
  }
  return [...found.values()];
}

/** What the data steps give, by step and port. */
function dataOf(
  instances: readonly StepInstance[],
  folder: string,
): ReadonlyMap<string, ReadonlyMap<string, DataArtifact>> {
  const values = new Map<string, ReadonlyMap<string, DataArtifact>>();
  for (const instance of instances) {
    if (instance.step.type === 'data.table') values.set(instance.id, tableStep(instance, folder));
    if (instance.step.type !== 'data.split') continue;
    const from = instance.inputs.find((i) => i.port === 'data')?.from;
    const data = from && values.get(from.step)?.get(from.port ?? '');
    if (data) values.set(instance.id, splitStep(instance, data));
  }
  return values;
}
