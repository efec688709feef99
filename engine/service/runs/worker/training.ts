/** The training step of a draft, made ready as a run would make it: for trying a batch, and for measuring its time. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must, UserError } from '../../../base/errors.ts';
import { parseDocument } from '../../../protocol/parse.ts';
import type { StepInstance } from '../../../protocol/steps.ts';
import type { TrainJob, TrainResult } from '../../../trainer/job.ts';
import { runTraining } from '../../../trainer/run.ts';
import type { TrainSettings } from '../../../trainer/settings.ts';
import type { TrainEvent } from '../../../trainer/state.ts';
import { paramsOf } from '../../../workflow/check.ts';
import { openDevice, type Device } from '../../../workflow/devices.ts';
import { knownSteps } from '../../../workflow/execute.ts';
import { examineDocument, knowsType, type LoadedDocument } from '../../../workflow/loadDocument.ts';
import type { ImportToolkit } from '../../../workflow/peftImport.ts';
import {
  prepareTraining,
  programsOf,
  settingsOf,
  type PreparedTraining,
  type TrainRequest,
} from '../../../workflow/steps/train.ts';
import { problem } from '../../problems.ts';
import type { DraftPlace } from '../questions.ts';
import { DoneSteps } from './steps.ts';

export const DEVICE = 'onnx:cpu';

/** A draft as a document that was loaded. Throws a `UserError` when it is not sound. */
export function loadDraft({ text, file, folder }: DraftPlace, toolkit: ImportToolkit): LoadedDocument {
  const { document, diagnostics } = parseDocument(text, file, { knows: knowsType(toolkit.registry) });
  if (!document) throw new UserError(diagnostics);
  const examined = examineDocument(document, file);
  const errors = examined.diagnostics.filter((d) => d.severity === 'error');
  if (errors.length > 0) throw new UserError(errors);
  return { document, file, folder };
}

/** The draft's steps; those that an earlier run has done already give their results. */
export async function draftSteps(place: DraftPlace, toolkit: ImportToolkit, home: string): Promise<DoneSteps> {
  const loaded = loadDraft(place, toolkit);
  const known = await knownSteps(loaded, toolkit, { out: place.out, device: DEVICE, home });
  return new DoneSteps(loaded, toolkit, known, home);
}

/** The last training step of a document, which is the one that a run is about. */
export function lastTraining(steps: DoneSteps): StepInstance {
  const found = steps.instances.filter((i) => i.step.type === 'train').at(-1);
  if (found) return found;
  throw new UserError(problem('train-missing', 'The workflow has no training step.', 'Add a training step.'));
}

/** The last training step of a model. */
function trainingOf(steps: DoneSteps, model: string): StepInstance {
  const models = new Set(
    steps.instances.flatMap((i) => (i.step.type === 'model' && i.step.model === model ? [i.id] : [])),
  );
  const takes = (step: StepInstance): boolean => step.inputs.some((i) => i.port === 'model' && models.has(i.from.step));
  const found = steps.instances.filter((i) => i.step.type === 'train' && takes(i)).at(-1);
  if (found) return found;
  const fix = 'Wire its model step and data into a training step.';
  throw new UserError(problem('train-missing', 'No training step uses this model, so there is no batch for it.', fix));
}

export interface DraftTraining {
  readonly prepared: PreparedTraining;
  readonly settings: TrainSettings;
  readonly device: Device;
  /** Trains a little in a folder of its own, which is removed afterwards. */
  readonly train: (
    change: Partial<TrainSettings>,
    rows: Int32Array,
    onEvent: (event: TrainEvent) => void,
    signal?: AbortSignal,
  ) => Promise<TrainResult>;
  readonly close: () => void;
}

export interface Wanted {
  /** The last step that trains this model; by default the last step. */
  readonly model?: string;
  readonly step?: StepInstance;
  /** Sources that are not trained yet are as good as trained ones. */
  readonly untrained?: boolean;
}

/** A training step as a request that only prepares. */
export function trainingRequest(
  steps: DoneSteps,
  place: DraftPlace,
  toolkit: ImportToolkit,
  home: string,
  { model: wanted, step: given, untrained = false }: Wanted = {},
): { readonly step: StepInstance; readonly request: TrainRequest } {
  const step = given ?? (wanted === undefined ? lastTraining(steps) : trainingOf(steps, wanted));
  const params = paramsOf(step, 'train');
  const model = steps.model(step, untrained);
  const data = must(steps.data(step, 'data'), 'a training step takes data');
  if (!model) {
    throw new UserError(problem('train-model', 'The training step has no model.', 'Wire one.'));
  }
  // What a step costs does not depend on the values that it begins with.
  const start = untrained ? undefined : steps.taken(step, 'start');
  const request: TrainRequest = {
    folder: '',
    model,
    data,
    evaluation: steps.data(step, 'eval'),
    start: start?.kind === 'trained' ? start.container : undefined,
    step: step.id,
    params: { ...params, cacheMegabytes: 0 },
    toolkit,
    resume: false,
    threads: place.threads,
    baselines: false,
    home,
    signal: new AbortController().signal,
    onEvent: () => undefined,
    report: () => undefined,
  };
  return { step, request };
}

/** Throws a `UserError` when the step cannot be made ready, for example because a source is not trained yet. */
export async function openTraining(
  place: DraftPlace,
  toolkit: ImportToolkit,
  home: string,
  {
    steps: given,
    profilePrefix,
    ...wanted
  }: Wanted & { readonly steps?: DoneSteps; readonly profilePrefix?: string } = {},
): Promise<DraftTraining> {
  const steps = given ?? (await draftSteps(place, toolkit, home));
  const { step, request } = trainingRequest(steps, place, toolkit, home, wanted);
  const { model } = request;
  const params = paramsOf(step, 'train');
  const prepared = await prepareTraining(request);
  const device = openDevice({
    weights: prepared.weights.sources,
    near: model.backbone.checkpoint.folder,
    threads: params.threads > 0 ? params.threads : place.threads,
    home,
    ...(profilePrefix === undefined ? {} : { profilePrefix }),
  });
  const settings = settingsOf(params);
  const { programs } = programsOf(request, prepared);
  const train: DraftTraining['train'] = async (change, rows, onEvent, signal) => {
    const folder = mkdtempSync(join(tmpdir(), 'espalier-try-'));
    const { earlyStopping: _none, ...usual } = settings;
    const job: TrainJob = {
      folder,
      resume: false,
      programs,
      model: prepared.training,
      backend: device.backend,
      weights: prepared.weights.reader,
      weightsKey: prepared.weights.key,
      ...(prepared.startFrom ? { startFrom: prepared.startFrom } : {}),
      trainSet: { ...prepared.trainSet, rows },
      firstPosition: prepared.firstPosition,
      settings: {
        ...usual,
        evaluate: { kind: 'never' },
        checkpoint: { kind: 'never' },
        keep: 'last',
        cacheBytes: 0,
        ...change,
      },
    };
    try {
      return await runTraining(job, { onEvent, ...(signal ? { signal } : {}) });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
  return { prepared, settings, device, train, close: () => device.close() };
}
