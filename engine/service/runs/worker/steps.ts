/** Steps of a workflow whose files are there already, opened for looking at: what they gave, and the data they took. */
import { join } from 'node:path';
import { must, UserError } from '../../../base/errors.ts';
import type { StepInstance, StepOutput } from '../../../protocol/steps.ts';
import { unfoldWorkflow } from '../../../protocol/steps.ts';
import { openBackbone, type Backbone } from '../../../workflow/backbone.ts';
import { CONTAINER_FILE } from '../../../workflow/container.ts';
import type { DataArtifact } from '../../../workflow/data.ts';
import { readKept } from '../../../workflow/execute.ts';
import type { LoadedDocument } from '../../../workflow/loadDocument.ts';
import type { PeftToolkit } from '../../../workflow/peft/fit.ts';
import { isKept, keptValues, runLight, type Artifact, type StepContext } from '../../../workflow/runStep.ts';
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
