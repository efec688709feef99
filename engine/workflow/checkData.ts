/**
 * Whether the data of a document can be used, as its steps would find out: files, columns, labels, heads, figures to compare
 * by. Every table is read once; nothing is encoded or run.
 */
import { UserError, type Diagnostic } from '../base/errors.ts';
import { unfoldWorkflow, type StepInstance, type StepInstanceId } from '../protocol/steps.ts';
import { paramsOf } from './check.ts';
import { documentForData } from './compileModelStep.ts';
import { labelsOf, readData, taskOfData, type DataArtifact, type Rows } from './data.ts';
import type { LoadedDocument } from './loadDocument.ts';
import * as messages from './messages.ts';
import { splitStep, tableStep } from './steps/data.ts';
import { metricOf } from './steps/train.ts';
import { unlabelled } from './steps/use.ts';
import type { Toolkit } from './toolkit.ts';

/** All findings at once, of these steps or of all. The structure of the document must have been checked. */
export async function checkData(
  loaded: LoadedDocument,
  toolkit: Toolkit,
  steps?: readonly StepInstance[],
): Promise<readonly Diagnostic[]> {
  const checker = new DataChecker(loaded, toolkit);
  for (const step of steps ?? checker.instances) await checker.check(step);
  return checker.findings;
}

class DataChecker {
  readonly instances: readonly StepInstance[];
  readonly #loaded: LoadedDocument;
  readonly #toolkit: Toolkit;
  readonly #values = new Map<StepInstanceId, ReadonlyMap<string, DataArtifact>>();
  readonly #found = new Map<string, Diagnostic>();
  /** What training steps read; undefined where that failed. */
  readonly #training = new Map<StepInstanceId, Rows | undefined>();

  constructor(loaded: LoadedDocument, toolkit: Toolkit) {
    this.#loaded = loaded;
    this.#toolkit = toolkit;
    this.instances = unfoldWorkflow(loaded.document);
    for (const instance of this.instances) {
      if (instance.step.type === 'data.table') this.#values.set(instance.id, tableStep(instance, loaded.folder));
      const split = instance.step.type === 'data.split' ? this.#input(instance, 'data') : undefined;
      if (split) this.#values.set(instance.id, splitStep(instance, split));
    }
  }

  get findings(): readonly Diagnostic[] {
    return [...this.#found.values()];
  }

  async check(instance: StepInstance): Promise<void> {
    const data = this.#input(instance, 'data');
    if (data === undefined) return;
    const { type } = instance.step;
    if (type === 'train') await this.#trainingRows(instance);
    if (type === 'predict') await this.#guarded(() => readData(unlabelled(data), undefined, this.#report));
    if (type === 'evaluate') await this.#guarded(() => this.#checkEvaluation(instance, data));
  }

  /** What a training step reads, once it and its model are found to agree. */
  async #trainingRows(train: StepInstance): Promise<Rows | undefined> {
    if (!this.#training.has(train.id))
      this.#training.set(train.id, await this.#guarded(() => this.#checkTraining(train)));
    return this.#training.get(train.id);
  }

  async #checkTraining(train: StepInstance): Promise<Rows | undefined> {
    const data = this.#input(train, 'data');
    if (data === undefined) return undefined;
    const rows = await readData(data, undefined, this.#report);
    const evaluation = this.#input(train, 'eval');
    if (evaluation) await readData(evaluation, labelsOf(rows.dataset), this.#report);
    const modelStep = this.#source(train, 'model');
    const model = modelStep?.step.model;
    const fit = modelStep && this.#input(modelStep, 'data');
    const fitTo = fit && taskOfData((await readData(fit, undefined, this.#report)).dataset);
    const wanted = taskOfData(rows.dataset);
    if (model !== undefined) documentForData(this.#loaded.document, model, { wanted, fitTo }, this.#toolkit);
    metricOf(paramsOf(train, 'train').metric, rows);
    return rows;
  }

  async #checkEvaluation(evaluate: StepInstance, data: DataArtifact): Promise<void> {
    const source = this.#source(evaluate, 'model');
    const training = source?.step.type === 'train' ? await this.#trainingRows(source) : undefined;
    const { dataset } = await readData(data, training && labelsOf(training.dataset), this.#report);
    const [task, found] = [training && taskOfData(training.dataset).kind, taskOfData(dataset).kind];
    if (task !== undefined && task !== found)
      throw new UserError(messages.taskDiffers({ file: data.file }, task, found));
  }

  /** Undefined, and findings, where the user's input is at fault. */
  async #guarded<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      error.diagnostics.forEach(this.#report);
      return undefined;
    }
  }

  readonly #report = (d: Diagnostic): void => void this.#found.set(JSON.stringify(d), d);

  #source(instance: StepInstance, port: string): StepInstance | undefined {
    const from = instance.inputs.find((i) => i.port === port)?.from.step;
    return this.instances.find((i) => i.id === from);
  }

  #input(instance: StepInstance, port: string): DataArtifact | undefined {
    const from = instance.inputs.find((i) => i.port === port)?.from;
    return from && this.#values.get(from.step)?.get(from.port ?? '');
  }
}
