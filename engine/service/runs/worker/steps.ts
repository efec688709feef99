/** Steps of a workflow whose files are there already, opened for looking at: what they gave, and the data they took. */
import { join } from 'node:path';
import { must, UserError } from '../../../base/errors.ts';
import type { StepInstance, StepOutput } from '../../../protocol/steps.ts';
import { unfoldWorkflow } from '../../../protocol/steps.ts';
import { openBackbone, type Backbone } from '../../../workflow/backbone.ts';
import { adapterOf, type AdapterArtifact } from '../../../workflow/banks.ts';
import { paramsOf } from '../../../workflow/check.ts';
import { plannedAdapter } from '../../../workflow/compileModelStep.ts';
import { CONTAINER_FILE, openContainer } from '../../../workflow/container.ts';
import type { DataArtifact } from '../../../workflow/data.ts';
import { readKept } from '../../../workflow/execute.ts';
import type { LoadedDocument } from '../../../workflow/loadDocument.ts';
import type { PeftToolkit } from '../../../workflow/peft/fit.ts';
import { isKept, keptValues, runLight, type Artifact, type StepContext } from '../../../workflow/runStep.ts';
import { modelStep, type ModelArtifact } from '../../../workflow/steps/model.ts';
import * as messages from '../messages.ts';

const NEVER = new AbortController().signal;

export class DoneSteps {
  readonly instances: readonly StepInstance[];
  readonly #loaded: LoadedDocument;
  readonly #toolkit: PeftToolkit;
  readonly #folders: ReadonlyMap<string, string>;
  readonly #home: string;
  readonly #backbones = new Map<string, Backbone>();

  constructor(loaded: LoadedDocument, toolkit: PeftToolkit, folders: ReadonlyMap<string, string>, home: string) {
    this.#loaded = loaded;
    this.#toolkit = toolkit;
    this.#folders = folders;
    this.#home = home;
    this.instances = unfoldWorkflow(loaded.document);
  }

  get loaded(): LoadedDocument {
    return this.#loaded;
  }

  folderOf(step: string): string | undefined {
    return this.#folders.get(step);
  }

  /** The last training step that is done, which is the one that people mean by the result of a run. */
  lastTrained(): { readonly step: StepInstance; readonly folder: string; readonly container: string } {
    for (const step of [...this.instances].reverse()) {
      const folder = step.step.type === 'train' ? this.folderOf(step.id) : undefined;
      if (folder !== undefined) return { step, folder, container: join(folder, CONTAINER_FILE) };
    }
    throw new UserError(messages.nothingTrained());
  }

  /** The value on a wire. Throws a `UserError` when it comes out of a step that is not done. */
  value(output: StepOutput): Artifact {
    const instance = must(
      this.instances.find((i) => i.id === output.step),
      `step "${output.step}"`,
    );
    const port = output.port ?? 'adapter';
    if (!isKept(instance.step.type)) return must(runLight(this.#context(instance)).get(port), `output "${port}"`);
    const folder = this.folderOf(instance.id);
    const kept = folder === undefined ? undefined : readKept(join(folder, 'result.json'));
    if (folder === undefined || !kept) throw new UserError(messages.stepNotDone(instance.id));
    return must(keptValues(instance, kept, folder).get(port), `output "${port}"`);
  }

  /** What a step takes at a port; undefined when nothing is wired there. */
  taken(step: StepInstance, port: string): Artifact | undefined {
    const input = step.inputs.find((i) => i.port === port);
    return input && this.value(input.from);
  }

  /**
   * The model that a step takes. With `untrained`, sources of its banks that are not trained yet have zeros for values:
   * what a step costs does not depend on them.
   */
  model(step: StepInstance, untrained = false): ModelArtifact | undefined {
    const from = step.inputs.find((i) => i.port === 'model')?.from;
    const instance = from && this.instances.find((i) => i.id === from.step);
    if (!from || instance?.step.type !== 'model') return undefined;
    if (!untrained) {
      const value = this.value(from);
      return value.kind === 'model' ? value : undefined;
    }
    const { document, folder } = this.#loaded;
    const model = must(instance.step.model, 'the step names a model');
    const { registry } = this.#toolkit;
    const fromStep = (output: StepOutput): AdapterArtifact => this.#adapter(output);
    const backbone = this.#backbone(paramsOf(instance, 'model').backbone);
    return modelStep({ document, model, registry, folder, fromStep }, backbone, this.data(instance, 'data'));
  }

  /** A trained adapter, or one of zeros with the shapes that it will have. */
  #adapter(output: StepOutput): AdapterArtifact {
    const { registry } = this.#toolkit;
    const source = must(
      this.instances.find((i) => i.id === output.step),
      `step "${output.step}"`,
    );
    if (source.step.type !== 'train' || this.folderOf(source.id) !== undefined) {
      const value = this.value(output);
      if (value.kind !== 'trained') throw new UserError(messages.stepNotDone(source.id));
      return adapterOf(openContainer(value.container, registry));
    }
    const model = must(this.model(source, true), `step "${source.id}" trains a model`);
    const planned = plannedAdapter(model, this.#toolkit, []);
    const size = (tensor: string): number => (planned.shape(tensor) ?? []).reduce((n, d) => n * d, 1);
    return { ...planned, shape: (tensor) => planned.shape(tensor), read: (tensor) => new Float32Array(size(tensor)) };
  }

  data(step: StepInstance, port: string): DataArtifact | undefined {
    const value = this.taken(step, port);
    return value?.kind === 'data' ? value : undefined;
  }

  #context(instance: StepInstance): StepContext {
    return {
      loaded: this.#loaded,
      toolkit: this.#toolkit,
      instance,
      valueOf: (output) => this.value(output),
      backbone: (reference) => this.#backbone(reference),
      resume: false,
      threads: 0,
      baselines: false,
      home: this.#home,
      signal: NEVER,
      onTrain: () => undefined,
      report: () => undefined,
    };
  }

  #backbone(reference: string): Backbone {
    const known = this.#backbones.get(reference) ?? openBackbone(reference, this.#loaded.folder, this.#home);
    this.#backbones.set(reference, known);
    return known;
  }
}
