/**
 * Running a workflow. Steps run one after the other in the order of what they take; a step whose content address is known
 * in the workspace is not run again. A step's folder is complete when its `result.json` is there, which is written last.
 *
 *   WORKSPACE/steps/train-0123456789abcdef/result.json   what the step gave
 *   WORKSPACE/steps/train-0123456789abcdef/run/          the trainer's own folder
 *   WORKSPACE/run.json                                   the steps of the last run and where they lie
 */
import { createHash } from 'node:crypto';
import { copyFileSync, createReadStream, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { contentHash } from '../base/canonical.ts';
import { writeFileDurable } from '../base/durable.ts';
import { must, UserError, type Diagnostic } from '../base/errors.ts';
import type { Document } from '../protocol/document.ts';
import { pathProblem } from '../protocol/paths.ts';
import { workflowStepKeys } from '../protocol/stepKey.ts';
import { unfoldWorkflow, type StepInstance, type StepInstanceId, type StepOutput } from '../protocol/steps.ts';
import { banksOfModels } from '../protocol/structure/workflow.ts';
import type { TrainEvent } from '../trainer/state.ts';
import { openBackbone, type Backbone } from './backbone.ts';
import { paramsOf } from './check.ts';
import { checkData } from './checkData.ts';
import type { LoadedDocument } from './loadDocument.ts';
import type { PeftToolkit } from './peft/fit.ts';
import * as messages from './messages.ts';
import {
  isKept,
  keptSchema,
  keptValues,
  runKept,
  runLight,
  type Artifact,
  type Kept,
  type StepContext,
  type StepValues,
} from './runStep.ts';
import { RUN_FOLDER } from './steps/train.ts';

/** Raised whenever a step would give other results for the same document and files. */
const WORKFLOW_VERSION = 1;

export type WorkflowEvent =
  | {
      readonly kind: 'step';
      readonly step: StepInstanceId;
      readonly type: string;
      readonly number: number;
      readonly of: number;
      /** Where its files are or will be. */
      readonly folder: string;
    }
  | {
      readonly kind: 'step-done';
      readonly step: StepInstanceId;
      readonly kept: Kept;
      readonly known: boolean;
      readonly folder: string;
    }
  | { readonly kind: 'train'; readonly step: StepInstanceId; readonly event: TrainEvent }
  | { readonly kind: 'finding'; readonly step: StepInstanceId; readonly diagnostic: Diagnostic };

export interface ExecuteOptions {
  /** The folder of results. */
  readonly out: string;
  /** Run this step and what it needs only. */
  readonly to?: string;
  readonly resume: boolean;
  readonly device: string;
  /** Threads of training steps that leave them open; 0: as many as the machine has cores. */
  readonly threads?: number;
  /** Whether figures to compare with are computed before a model trains. */
  readonly baselines?: boolean;
  readonly home?: string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: WorkflowEvent) => void;
}

export interface DoneStep {
  readonly step: StepInstanceId;
  readonly folder: string;
  readonly kept: Kept;
  /** It was there from an earlier run. */
  readonly known: boolean;
}

export interface ExecuteResult {
  readonly output: string;
  /** The kept steps in the order in which they ran. */
  readonly steps: readonly DoneStep[];
}

/** Runs a document that was checked. Throws a `UserError`, or `Interrupted` when it is asked to stop. */
export async function runWorkflow(
  loaded: LoadedDocument,
  toolkit: PeftToolkit,
  options: ExecuteOptions,
): Promise<ExecuteResult> {
  const instances = chosen(loaded.document, options.to);
  const run = new WorkflowRun(loaded, toolkit, options);
  const keys = await run.keys(instances);
  const done: DoneStep[] = [];
  const heavy = instances.filter((i) => isKept(i.step.type));
  await requireData(loaded, toolkit, run.pending(heavy, keys));
  for (const instance of instances) {
    if (!isKept(instance.step.type)) {
      run.light(instance);
      continue;
    }
    const key = must(keys.get(instance.id), `key of "${instance.id}"`);
    options.onEvent({
      kind: 'step',
      step: instance.id,
      type: instance.step.type,
      number: done.length + 1,
      of: heavy.length,
      folder: run.folderOf(instance, key),
    });
    const one = await run.kept(instance, key);
    done.push(one);
    const { kept, known, folder } = one;
    options.onEvent({ kind: 'step-done', step: instance.id, kept, known, folder });
  }
  publish(options.out, loaded, done);
  return { output: options.out, steps: done };
}

/**
 * One step alone reads its data at once. Where several are to run, the last must not wait for the others to tell that a
 * column is missing.
 */
async function requireData(
  loaded: LoadedDocument,
  toolkit: PeftToolkit,
  steps: readonly StepInstance[],
): Promise<void> {
  if (steps.length < 2) return;
  const errors = (await checkData(loaded, toolkit, steps)).filter((d) => d.severity === 'error');
  if (errors.length > 0) throw new UserError(errors);
}

/**
 * The folders of steps that an earlier run has done already, by the step. Nothing is run; a step whose content cannot be
 * told, because a file that it needs is missing, and what follows from it, is left out.
 */
export async function knownSteps(
  loaded: LoadedDocument,
  toolkit: PeftToolkit,
  options: Pick<ExecuteOptions, 'out' | 'device' | 'home'>,
): Promise<ReadonlyMap<StepInstanceId, string>> {
  const run = new WorkflowRun(loaded, toolkit, { ...options, resume: false, signal: NEVER, onEvent: () => undefined });
  const instances = unfoldWorkflow(loaded.document);
  const keys = await run.keys(instances).catch((error: unknown) => {
    if (error instanceof UserError) return new Map<StepInstanceId, string>();
    throw error;
  });
  const found = instances.flatMap((instance) => {
    const key = keys.get(instance.id);
    if (key === undefined || !isKept(instance.step.type)) return [];
    const folder = run.folderOf(instance, key);
    return readKept(resultFile(folder)) ? [[instance.id, folder] as const] : [];
  });
  return new Map(found);
}

const NEVER = new AbortController().signal;

/** The steps that are needed for `to`, in order; all without it. */
function chosen(document: Document, to: string | undefined): readonly StepInstance[] {
  const all = unfoldWorkflow(document);
  if (all.length === 0) throw new UserError(messages.nothingToRun({}));
  if (to === undefined) return all;
  const wanted = all.filter((i) => i.id === to || i.id.startsWith(`${to}[`) || i.id.startsWith(`${to}/`));
  if (wanted.length === 0) throw new UserError(messages.noSuchStep(to, [...new Set(all.map((i) => i.id))]));
  const needed = new Set(wanted.map((i) => i.id));
  for (const instance of [...all].reverse()) {
    if (!needed.has(instance.id)) continue;
    for (const from of [...instance.inputs, ...instance.banks]) needed.add(from.from.step);
  }
  return all.filter((i) => needed.has(i.id));
}

class WorkflowRun {
  readonly #loaded: LoadedDocument;
  readonly #toolkit: PeftToolkit;
  readonly #options: ExecuteOptions;
  readonly #values = new Map<StepInstanceId, StepValues>();
  readonly #backbones = new Map<string, Backbone>();

  constructor(loaded: LoadedDocument, toolkit: PeftToolkit, options: ExecuteOptions) {
    this.#loaded = loaded;
    this.#toolkit = toolkit;
    this.#options = options;
  }

  /** Content addresses. What steps read from outside the document is hashed first; all missing files are told at once. */
  async keys(instances: readonly StepInstance[]): Promise<ReadonlyMap<StepInstanceId, string>> {
    const external = new Map<StepInstanceId, unknown>();
    const found: Diagnostic[] = [];
    for (const instance of instances) {
      try {
        external.set(instance.id, await this.#external(instance));
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        found.push(...error.diagnostics);
      }
    }
    if (found.length > 0) throw new UserError(found);
    return workflowStepKeys(this.#loaded.document, {
      hash: contentHash,
      external: (i) => external.get(i.id),
      sourceOf: (type) => this.#toolkit.registry.get(type)?.fingerprint,
    });
  }

  light(instance: StepInstance): void {
    this.#values.set(instance.id, runLight(this.#context(instance)));
  }

  /** The folder of a step is named by what it does, so that an equal one is found again. */
  folderOf({ id }: StepInstance, key: string): string {
    return join(this.#options.out, 'steps', `${id.replace(/[^A-Za-z0-9_-]+/g, '.')}-${key.slice(0, 16)}`);
  }

  /** The steps that no earlier run has done. */
  pending(steps: readonly StepInstance[], keys: ReadonlyMap<StepInstanceId, string>): readonly StepInstance[] {
    const folderOf = (step: StepInstance): string =>
      this.folderOf(step, must(keys.get(step.id), `key of "${step.id}"`));
    return steps.filter((step) => readKept(resultFile(folderOf(step))) === undefined);
  }

  async kept(instance: StepInstance, key: string): Promise<DoneStep> {
    const folder = this.folderOf(instance, key);
    const file = resultFile(folder);
    const known = readKept(file);
    const kept = known ?? (await this.#make(instance, folder, file));
    this.#values.set(instance.id, keptValues(instance, kept, folder));
    return { step: instance.id, folder, kept, known: known !== undefined };
  }

  async #make(instance: StepInstance, folder: string, file: string): Promise<Kept> {
    const kept = await runKept(this.#context(instance), folder);
    writeFileDurable(file, `${JSON.stringify(kept, undefined, 1)}\n`);
    return kept;
  }

  #context(instance: StepInstance): StepContext {
    const { resume, signal, home, onEvent, threads = 0, baselines = false } = this.#options;
    return {
      loaded: this.#loaded,
      toolkit: this.#toolkit,
      instance,
      valueOf: (output) => this.#valueOf(output),
      backbone: (reference) => this.#backbone(reference),
      resume,
      threads,
      baselines,
      signal,
      ...(home === undefined ? {} : { home }),
      onTrain: (event) => onEvent({ kind: 'train', step: instance.id, event }),
      report: (diagnostic) => onEvent({ kind: 'finding', step: instance.id, diagnostic }),
    };
  }

  /** A bank may leave out which output it means; then the step has one that is an adapter. */
  #valueOf(output: StepOutput): Artifact {
    const values = must(this.#values.get(output.step), `step "${output.step}" ran before`);
    return must(values.get(output.port ?? 'adapter'), `output "${output.port ?? 'adapter'}" of "${output.step}"`);
  }

  #backbone(reference: string): Backbone {
    const known = this.#backbones.get(reference) ?? openBackbone(reference, this.#loaded.folder, this.#options.home);
    this.#backbones.set(reference, known);
    return known;
  }

  async #external(instance: StepInstance): Promise<unknown> {
    const { folder, document } = this.#loaded;
    const { type, model } = instance.step;
    const hashOf = (path: string, param: string): Promise<string> =>
      hashFile(resolve(folder, path), { file: this.#loaded.file, node: instance.id, param }, path);
    switch (type) {
      case 'data.table':
        return hashOf(paramsOf(instance, 'data.table').file, 'file');
      case 'adapter.file':
        return hashOf(paramsOf(instance, 'adapter.file').file, 'file');
      case 'model': {
        const banks = model === undefined ? [] : (banksOfModels(document).get(model) ?? []);
        const sources = banks.flatMap((b) => document.banks[b]?.sources ?? []).filter((s) => s.mute !== true);
        const assets = sources.flatMap(({ artifact }) => ('asset' in artifact ? [artifact.asset] : []));
        const hashes = [];
        for (const asset of assets) hashes.push(await hashOf(asset, 'bank'));
        return [this.#backbone(paramsOf(instance, 'model').backbone).hash, hashes];
      }
      case 'train':
      case 'evaluate':
      case 'predict':
        return [WORKFLOW_VERSION, this.#options.device];
      default:
        return WORKFLOW_VERSION;
    }
  }
}

/** SHA-256 of a file's bytes. */
async function hashFile(path: string, where: Diagnostic['where'], shown: string): Promise<string> {
  if (shown === '') throw new UserError(messages.emptyPath(where));
  if (!existsSync(path)) throw new UserError(messages.missingFile(where, shown));
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  } catch (error) {
    throw new UserError(
      messages.missingFile(where, `${shown}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`),
    );
  }
  return hash.digest('hex');
}

/** Where a step says what it gave, within its folder. */
const resultFile = (folder: string): string => join(folder, 'result.json');

/** What a step left; undefined when it did not end. */
export function readKept(file: string): Kept | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const parsed = keptSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

const runSchema = z.looseObject({ files: z.array(z.string()) });

/** The files that an earlier run put into the folder; none when its record cannot be read. */
function publishedBefore(record: string): readonly string[] {
  if (!existsSync(record)) return [];
  try {
    const parsed = runSchema.safeParse(JSON.parse(readFileSync(record, 'utf8')));
    return parsed.success ? parsed.data.files.filter((f) => pathProblem(f) === undefined) : [];
  } catch {
    return [];
  }
}

/**
 * Puts the files of the last training and prediction where people look first, and says which steps they are from. What an
 * earlier run put there and this one did not make again is removed.
 */
function publish(out: string, loaded: LoadedDocument, done: readonly DoneStep[]): void {
  const record = join(out, 'run.json');
  // The trainer's own folder is not for people; files of other subfolders belong together and stay in one.
  const nameOf = (file: string): string => (file.startsWith(`${RUN_FOLDER}/`) ? basename(file) : file);
  const sources = new Map(
    done.flatMap(({ folder, kept }) => kept.files.map((f) => [nameOf(f), join(folder, f)] as const)),
  );
  for (const old of publishedBefore(record)) if (!sources.has(old)) rmSync(join(out, old), { force: true });
  for (const [name, source] of sources) {
    mkdirSync(dirname(join(out, name)), { recursive: true });
    copyFileSync(source, join(out, name));
  }
  const steps = done.map(({ step, folder, kept }) => ({
    step,
    folder: `steps/${basename(folder)}`,
    type: kept.type,
    metrics: kept.metrics,
  }));
  const facts = { format: 1, document: resolve(loaded.file), folder: loaded.folder, files: [...sources.keys()], steps };
  writeFileDurable(record, `${JSON.stringify(facts, undefined, 1)}\n`);
}
