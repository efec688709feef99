/** Data steps of a document as questions about files: which file, which rows, and which training step uses them. */
import { must, UserError } from '../../base/errors.ts';
import type { Document } from '../../protocol/document.ts';
import { unfoldWorkflow, type StepInstance } from '../../protocol/steps.ts';
import { paramsOf } from '../../workflow/check.ts';
import { examineDocument } from '../../workflow/loadDocument.ts';
import { problem } from '../problems.ts';
import type { DataSpec } from './questions.ts';

/** A file name of a document to a path that was checked. */
export type FindFile = (path: string, step: string) => string;

export class DataSteps {
  readonly #instances: readonly StepInstance[];
  readonly #findFile: FindFile;

  /** Throws a `UserError` when the workflow is too broken to be followed. */
  constructor(document: Document, file: string, findFile: FindFile) {
    const { sound, diagnostics } = examineDocument(document, file);
    if (!sound) throw new UserError(diagnostics.filter((d) => d.severity === 'error'));
    this.#instances = unfoldWorkflow(document);
    this.#findFile = findFile;
  }

  /** A step by its name in the workflow, or one copy of it inside a for-each step (`sources[mnli]/data`). */
  step(id: string): StepInstance {
    const found = this.#instances.find((i) => i.id === id) ?? this.#instances.find((i) => i.node === id);
    if (!found) {
      throw new UserError(problem('step-missing', `There is no step "${id}".`, 'Choose a step of the workflow.'));
    }
    return found;
  }

  /** The rows that a step gives at a port. */
  spec(step: StepInstance, port?: string): DataSpec {
    if (step.step.type === 'data.table') {
      const p = paramsOf(step, 'data.table');
      return {
        file: this.#findFile(p.file, step.id),
        shown: p.file,
        ...(p.format === 'auto' ? {} : { format: p.format }),
        badRows: p.badRows,
        columns: { task: p.task, text: p.text, label: p.label },
        splits: [],
      };
    }
    const input = step.inputs.find((i) => i.port === 'data');
    if (step.step.type !== 'data.split' || !input) {
      throw new UserError(problem('step-no-data', `Step "${step.id}" gives no data.`, 'Choose a data step.'));
    }
    const from = this.spec(this.step(input.from.step), input.from.port);
    const { share, seed } = paramsOf(step, 'data.split');
    return { ...from, splits: [...from.splits, { side: port === 'eval' ? 'eval' : 'train', share, seed }] };
  }

  /** The training step that a data step feeds, directly or through splits. */
  training(data: StepInstance): StepInstance | undefined {
    const trains = this.#instances.filter((i) => i.step.type === 'train');
    return trains.find((train) =>
      train.inputs.some((i) => (i.port === 'data' || i.port === 'eval') && this.#reaches(i.from.step, data.id)),
    );
  }

  #reaches(from: string, target: string): boolean {
    if (from === target) return true;
    const step = this.#instances.find((i) => i.id === from);
    return step?.step.type === 'data.split' && step.inputs.some((i) => this.#reaches(i.from.step, target));
  }

  /** What a training step takes at one of its ports; undefined when nothing is wired there. */
  taken(train: StepInstance, port: 'data' | 'eval'): DataSpec | undefined {
    const input = train.inputs.find((i) => i.port === port);
    return input && this.spec(this.step(input.from.step), input.from.port);
  }

  /** The backbone of the model that a training step trains. */
  backbone(train: StepInstance): string | undefined {
    const from = train.inputs.find((i) => i.port === 'model')?.from.step;
    const model =
      from === undefined
        ? undefined
        : must(
            this.#instances.find((i) => i.id === from),
            `step "${from}"`,
          );
    return model?.step.type === 'model' ? paramsOf(model, 'model').backbone : undefined;
  }
}
