/**
 * Checking a document without running it: structure, workflow, and every model compiled on its backbone, with what it will
 * cost. Sources of banks that are not trained yet are planned from the graphs of their models. All findings at once.
 */
import { resolve } from 'node:path';
import { UserError, must, type Diagnostic } from '../base/errors.ts';
import { newMemo, type Compilation, type CompiledModel, type CompileMemo } from '../compile/model.ts';
import { reportModel, type ModelReport } from '../compile/report.ts';
import type { Document } from '../protocol/document.ts';
import type { ModelId } from '../protocol/ids.ts';
import { unfoldWorkflow, type StepInstance, type StepOutput } from '../protocol/steps.ts';
import { openBackbone, type Backbone } from './backbone.ts';
import { adapterOf, fillBanks, type AdapterArtifact } from './banks.ts';
import { compileSetup, plannedAdapter, type ModelSetup } from './compileModelStep.ts';
import { openContainer } from './container.ts';
import type { LoadedDocument } from './loadDocument.ts';
import * as messages from './messages.ts';
import { readStepParams } from './readStep.ts';
import { stepType, type StepParamValues, type StepTypeName, type StepTypeOf } from './stepTypes.ts';
import { keepEveryOf, type ProgramOptions } from './programs.ts';
import { trainingStep } from './trainingStep.ts';
import type { Toolkit } from './toolkit.ts';

export interface CheckedModel {
  /** The model step it belongs to, or the model itself when no step uses it. */
  readonly step: string | undefined;
  readonly model: ModelId;
  readonly report: ModelReport;
}

export interface CheckResult {
  readonly models: readonly CheckedModel[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface CheckOptions {
  readonly home?: string;
  /** Whether costs are computed; true by default. */
  readonly costs?: boolean;
  /** Kept between checks of one session, so that an edit traces only what it changed. */
  readonly memo?: CompileMemo;
  /** Handed every model that compiles, before costs are computed. */
  readonly onCompiled?: (compiled: CompiledModel, model: ModelId, step: string | undefined) => void;
  /** Opens backbones; kept between checks so that a checkpoint is opened once. */
  readonly backbones?: Map<string, Backbone>;
}

/** Reads the parameters of a step whose type is known; mistakes were reported when the workflow was checked. */
export function paramsOf<T extends StepTypeName>(
  instance: StepInstance,
  type: T,
): StepParamValues<StepTypeOf<T>['params']> {
  const definition = must(stepType(type), `step type ${type}`);
  return readStepParams(definition, instance.step.params, {}, () => undefined) as StepParamValues<
    StepTypeOf<T>['params']
  >;
}

/** Compiles every model of the document. The structure must have been checked. */
export function checkModels(loaded: LoadedDocument, toolkit: Toolkit, options: CheckOptions = {}): CheckResult {
  const checker = new Checker(loaded, toolkit, options);
  const diagnostics: Diagnostic[] = [];
  const models: CheckedModel[] = [];
  const done = new Set<string>();
  for (const instance of checker.instances) {
    const { model } = instance.step;
    if (instance.step.type !== 'model' || model === undefined) continue;
    // Copies for the items of a for-each step differ in data only.
    const key = JSON.stringify([model, instance.step.params]);
    if (done.has(key)) continue;
    done.add(key);
    models.push(...checker.check(instance, model, diagnostics));
  }
  const used = new Set(models.map((m) => m.model));
  const stepped = new Set(checker.instances.map((i) => i.step.model));
  for (const model of Object.keys(loaded.document.models) as ModelId[]) {
    if (!used.has(model) && !stepped.has(model)) models.push(...checker.check(undefined, model, diagnostics));
  }
  return { models, diagnostics: diagnostics.map((d) => ({ ...d, where: { file: loaded.file, ...d.where } })) };
}

/** Compiles models of one document; backbones and traced functions are kept between calls. */
export class Checker {
  readonly instances: readonly StepInstance[];
  readonly #loaded: LoadedDocument;
  readonly #document: Document;
  readonly #toolkit: Toolkit;
  readonly #options: CheckOptions;
  readonly #backbones: Map<string, Backbone>;
  readonly #memo: CompileMemo;

  constructor(loaded: LoadedDocument, toolkit: Toolkit, options: CheckOptions) {
    this.#loaded = loaded;
    this.#document = loaded.document;
    this.#toolkit = toolkit;
    this.#options = options;
    this.#backbones = options.backbones ?? new Map<string, Backbone>();
    this.#memo = options.memo ?? newMemo();
    this.instances = unfoldWorkflow(loaded.document);
  }

  check(instance: StepInstance | undefined, model: ModelId, diagnostics: Diagnostic[]): CheckedModel[] {
    const backbone = instance && this.#backbone(instance, diagnostics);
    const setup = this.#setup(model, diagnostics);
    const limits = this.#toolkit.textLimits(this.#document, model);
    const train = instance && this.#trainOf(instance);
    const settings = train && paramsOf(train, 'train');
    const length = Math.min(settings?.maxLength ?? 128, limits.longest);
    const { compiled, diagnostics: found } = compileSetup(
      { ...setup, ...(backbone ? { backbone } : {}) },
      this.#toolkit,
      { training: true, maxLength: limits.longest, memo: this.#memo },
    );
    diagnostics.push(...found);
    if (compiled) this.#options.onCompiled?.(compiled, model, instance?.id);
    if (!compiled || this.#options.costs === false) return [];
    const batch = settings?.batch ?? 32;
    const sizes = { batch, length, tokens: batch * length };
    return [
      {
        step: instance?.id,
        model,
        report: reportModel(compiled, sizes, trainingStep(compiled, sizes, this.programOptions(model))),
      },
    ];
  }

  /** One model without a backbone at hand: its Program, and every finding. */
  compile(model: ModelId, training: boolean): Compilation {
    const diagnostics: Diagnostic[] = [];
    const setup = this.#setup(model, diagnostics);
    const maxLength = this.#toolkit.textLimits(this.#document, model).longest;
    const made = compileSetup(setup, this.#toolkit, { training, maxLength, memo: newMemo() });
    return { ...made, diagnostics: [...diagnostics, ...made.diagnostics] };
  }

  /** How the Programs of a model are made: by its training step, and by the settings of its stacks. */
  programOptions(model: ModelId): ProgramOptions {
    const step = this.instances.find((i) => i.step.model === model && i.step.type === 'model');
    const train = step && this.#trainOf(step);
    const frozenDropout = train ? paramsOf(train, 'train').frozenDropout : 'keep';
    return { frozenDropout, ...keepEveryOf(this.#document, model) };
  }

  #setup(model: ModelId, diagnostics: Diagnostic[]): ModelSetup {
    const banks = fillBanks({
      document: this.#document,
      model,
      registry: this.#toolkit.registry,
      folder: this.#loaded.folder,
      fromStep: (output) => this.#planned(output),
    });
    diagnostics.push(...banks.diagnostics);
    return { document: this.#document, model, sources: banks.sources };
  }

  /** The adapter that a step will give: read from a file, or planned from the graph of the model it trains. */
  #planned(output: StepOutput): AdapterArtifact {
    const step = must(
      this.instances.find((i) => i.id === output.step),
      `step "${output.step}" exists`,
    );
    if (step.step.type === 'adapter.file') {
      const file = resolve(this.#loaded.folder, paramsOf(step, 'adapter.file').file);
      return adapterOf(openContainer(file, this.#toolkit.registry));
    }
    const source = step.inputs.find((i) => i.port === 'model')?.from.step;
    const model = this.instances.find((i) => i.id === source)?.step.model;
    if (step.step.type !== 'train' || model === undefined) {
      throw new UserError(messages.sourceUnsupported({ node: output.step }, `a step of type "${step.step.type}"`));
    }
    // Mistakes in the source's own model are reported where that model is checked.
    return plannedAdapter(this.#setup(model, []), this.#toolkit, []);
  }

  #backbone(instance: StepInstance, diagnostics: Diagnostic[]): Backbone | undefined {
    const reference = paramsOf(instance, 'model').backbone;
    const known = this.#backbones.get(reference);
    if (known) return known;
    try {
      const opened = openBackbone(reference, this.#loaded.folder, this.#options.home);
      this.#backbones.set(reference, opened);
      return opened;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      diagnostics.push(
        messages.backboneMissing({ node: instance.id, param: 'backbone' }, error.diagnostics[0]?.message ?? ''),
      );
      return undefined;
    }
  }

  #trainOf(model: StepInstance): StepInstance | undefined {
    return this.instances.find(
      (i) => i.step.type === 'train' && i.inputs.some((input) => input.from.step === model.id),
    );
  }
}
