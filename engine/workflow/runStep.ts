/**
 * One step of a workflow: what it takes, what it gives. Light steps (data, split, model, adapter) only describe; they are
 * made anew in every run. Kept steps (train, evaluate, predict, export) have a folder and a result that outlive the run.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { BugError, must, type Diagnostic } from '../base/errors.ts';
import { PEFT_CONFIG_FILE, PEFT_WEIGHTS_FILE } from '../checkpoints/peft/folder.ts';
import type { StepInstance, StepOutput } from '../protocol/steps.ts';
import { Interrupted } from '../trainer/job.ts';
import type { TrainEvent } from '../trainer/state.ts';
import { adapterOf, type AdapterArtifact } from './banks.ts';
import type { Backbone } from './backbone.ts';
import { paramsOf } from './check.ts';
import { CONTAINER_FILE, openContainer } from './container.ts';
import type { PeftToolkit } from './peft/fit.ts';
import type { DataArtifact } from './data.ts';
import type { LoadedDocument } from './loadDocument.ts';
import { PEFT_FOLDER } from './peftExport.ts';
import { splitStep, tableStep } from './steps/data.ts';
import { modelStep, type ModelArtifact } from './steps/model.ts';
import { RUN_FOLDER, trainStep } from './steps/train.ts';
import { evaluateStep, exportStep, predictStep, writePredictions } from './steps/use.ts';
import type { StepTypeName } from './stepTypes.ts';

import { openTrained, type TrainedModel } from './trained.ts';

/** A value on a wire of the workflow. */
export type Artifact =
  | DataArtifact
  | ModelArtifact
  | { readonly kind: 'trained'; readonly container: string }
  | { readonly kind: 'metrics'; readonly figures: Readonly<Record<string, number | null>> }
  | { readonly kind: 'file'; readonly path: string };
export type StepValues = ReadonlyMap<string, Artifact>;

export const PREDICTIONS_FILE = 'predictions.jsonl';

/** What a kept step leaves in its folder. */
export const keptSchema = z.strictObject({
  format: z.literal(1),
  type: z.string(),
  metrics: z.record(z.string(), z.number().nullable()),
  primary: z.string(),
  seconds: z.number(),
  examplesPerSecond: z.number(),
  peakRssBytes: z.number(),
  trainableParameters: z.number(),
  optimizerSteps: z.number(),
  /** Files for people, relative to the folder. */
  files: z.array(z.string()),
});
export type Kept = z.infer<typeof keptSchema>;

export interface StepContext {
  readonly loaded: LoadedDocument;
  readonly toolkit: PeftToolkit;
  readonly instance: StepInstance;
  /** The values of another step's outputs. */
  readonly valueOf: (output: StepOutput) => Artifact;
  readonly backbone: (reference: string) => Backbone;
  readonly resume: boolean;
  /** Threads of training steps that leave them open; 0: as many as the machine has cores. */
  readonly threads: number;
  readonly baselines: boolean;
  readonly home?: string;
  readonly signal: AbortSignal;
  readonly onTrain: (event: TrainEvent) => void;
  readonly report: (d: Diagnostic) => void;
}

type LightType = 'data.table' | 'data.split' | 'model' | 'adapter.file';
type KeptType = Exclude<StepTypeName, LightType>;

const LIGHT: { readonly [K in LightType]: (context: StepContext) => StepValues } = {
  'data.table': ({ instance, loaded }) => tableStep(instance, loaded.folder),
  'data.split': (context) => splitStep(context.instance, input(context, 'data', 'data')),
  model: (context) => {
    const { loaded, toolkit, instance } = context;
    const model = must(instance.step.model, 'the step names a model');
    const backbone = context.backbone(paramsOf(instance, 'model').backbone);
    const { document, folder } = loaded;
    const fromStep = (output: StepOutput): AdapterArtifact => adapterAt(context, output);
    const request = { document, model, registry: toolkit.registry, folder, fromStep };
    return new Map([['model', modelStep(request, backbone, optionalInput(context, 'data', 'data'))]]);
  },
  'adapter.file': (context) => {
    const { file } = paramsOf(context.instance, 'adapter.file');
    return new Map([['adapter', { kind: 'trained', container: resolve(context.loaded.folder, file) }]]);
  },
};

/** Makes the files of a kept step in `folder` and says what it gives. */
const KEPT: { readonly [K in KeptType]: (context: StepContext, folder: string) => Promise<Kept> } = {
  train: async (context, folder) => {
    const { toolkit, resume, threads, baselines, signal, onTrain, report, home } = context;
    const result = await trainStep({
      folder,
      model: input(context, 'model', 'model'),
      data: input(context, 'data', 'data'),
      evaluation: optionalInput(context, 'eval', 'data'),
      start: optionalInput(context, 'start', 'trained')?.container,
      step: context.instance.id,
      params: paramsOf(context.instance, 'train'),
      toolkit,
      resume,
      threads,
      baselines,
      signal,
      onEvent: onTrain,
      report,
      ...(home === undefined ? {} : { home }),
    });
    if (result.ended === 'stopped') throw new Interrupted();
    return {
      ...emptyResult('train'),
      metrics: Object.fromEntries(result.evaluation?.figures ?? []),
      primary: result.evaluation?.primary ?? '',
      seconds: result.seconds,
      examplesPerSecond: result.examplesPerSecond,
      peakRssBytes: result.peakRssBytes,
      trainableParameters: result.trainableParameters,
      optimizerSteps: result.steps,
      files: [CONTAINER_FILE, `${RUN_FOLDER}/metrics.jsonl`, ...peftFiles(folder)],
    };
  },
  evaluate: async (context) => {
    const { batch } = paramsOf(context.instance, 'evaluate');
    return withTrained(context, async (model) => {
      const metrics = await evaluateStep(useRequest(context, model, batch));
      return { ...emptyResult('evaluate'), metrics, primary: model.primary };
    });
  },
  predict: async (context, folder) => {
    const { batch } = paramsOf(context.instance, 'predict');
    return withTrained(context, async (model) => {
      writePredictions(join(folder, PREDICTIONS_FILE), await predictStep(useRequest(context, model, batch)));
      return { ...emptyResult('predict'), files: [PREDICTIONS_FILE] };
    });
  },
  export: (context, folder) => {
    const { name } = paramsOf(context.instance, 'export');
    exportStep(input(context, 'model', 'trained').container, join(folder, name));
    return Promise.resolve({ ...emptyResult('export'), files: [`${name}/${CONTAINER_FILE}`] });
  },
};

/** The PEFT files that were written, relative to the step's folder. */
const peftFiles = (folder: string): readonly string[] =>
  [PEFT_CONFIG_FILE, PEFT_WEIGHTS_FILE].map((f) => `${PEFT_FOLDER}/${f}`).filter((f) => existsSync(join(folder, f)));

/** The values of a kept step's outputs, from what it left. */
const KEPT_VALUES: { readonly [K in KeptType]: (kept: Kept, folder: string) => StepValues } = {
  train: (kept, folder) => {
    const trained = { kind: 'trained', container: join(folder, CONTAINER_FILE) } as const;
    return new Map<string, Artifact>([
      ['model', trained],
      ['adapter', trained],
      ['metrics', { kind: 'metrics', figures: kept.metrics }],
    ]);
  },
  evaluate: (kept) => new Map([['metrics', { kind: 'metrics', figures: kept.metrics }]]),
  predict: (_kept, folder) => new Map([['file', { kind: 'file', path: join(folder, PREDICTIONS_FILE) }]]),
  export: (kept, folder) => new Map([['file', { kind: 'file', path: join(folder, kept.files[0] ?? '') }]]),
};

export const isKept = (type: string): type is KeptType => Object.hasOwn(KEPT, type);
const isLight = (type: string): type is LightType => Object.hasOwn(LIGHT, type);

export function runLight(context: StepContext): StepValues {
  const { type } = context.instance.step;
  if (!isLight(type)) throw new BugError(`"${type}" is no light step`);
  return LIGHT[type](context);
}

export const runKept = (context: StepContext, folder: string): Promise<Kept> =>
  KEPT[keptType(context.instance)](context, folder);

export const keptValues = (instance: StepInstance, kept: Kept, folder: string): StepValues =>
  KEPT_VALUES[keptType(instance)](kept, folder);

function keptType({ step }: StepInstance): KeptType {
  if (!isKept(step.type)) throw new BugError(`"${step.type}" keeps nothing`);
  return step.type;
}

const emptyResult = (type: KeptType): Kept => ({
  format: 1,
  type,
  metrics: {},
  primary: '',
  seconds: 0,
  examplesPerSecond: 0,
  peakRssBytes: 0,
  trainableParameters: 0,
  optimizerSteps: 0,
  files: [],
});

function optionalInput<K extends Artifact['kind']>(
  context: StepContext,
  port: string,
  kind: K,
): Extract<Artifact, { kind: K }> | undefined {
  const wired = context.instance.inputs.find((i) => i.port === port);
  if (!wired) return undefined;
  const value = context.valueOf(wired.from);
  if (value.kind !== kind) throw new BugError(`port "${port}" of "${context.instance.id}" carries ${value.kind}`);
  return value as Extract<Artifact, { kind: K }>;
}

function input<K extends Artifact['kind']>(
  context: StepContext,
  port: string,
  kind: K,
): Extract<Artifact, { kind: K }> {
  return must(optionalInput(context, port, kind), `port "${port}" of "${context.instance.id}" is wired`);
}

/** An artifact that a bank takes from a step: of the named output, or of the only one. */
function adapterAt(context: StepContext, output: StepOutput): AdapterArtifact {
  const value = context.valueOf(output);
  if (value.kind !== 'trained') throw new BugError(`a bank takes ${value.kind} from "${output.step}"`);
  return adapterOf(openContainer(value.container, context.toolkit.registry));
}

async function withTrained<T>(context: StepContext, use: (model: TrainedModel) => Promise<T>): Promise<T> {
  const { toolkit, loaded, home } = context;
  const model = openTrained({
    file: input(context, 'model', 'trained').container,
    toolkit,
    folder: loaded.folder,
    threads: 0,
    ...(home === undefined ? {} : { home }),
  });
  try {
    return await use(model);
  } finally {
    await model.close();
  }
}

const useRequest = (context: StepContext, model: TrainedModel, batch: number) => ({
  model,
  data: input(context, 'data', 'data'),
  batch,
  signal: context.signal,
  report: context.report,
  ...(context.home === undefined ? {} : { home: context.home }),
});
