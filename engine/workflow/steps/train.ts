/** The training step: data and model to a container, with the trainer's own folder beside it. */
import { join } from 'node:path';
import { UserError, type Diagnostic } from '../../base/errors.ts';
import { newMemo, type CompiledModel } from '../../compile/model.ts';
import type { TensorToWrite } from '../../checkpoints/safetensors.ts';
import type { TaskKind } from '../../data/task.ts';
import type { MetricName } from '../../metrics/metrics.ts';
import { loadTokenizer } from '../../tokenizers/loadTokenizer.ts';
import { exampleLengths, type ExampleSet } from '../../trainer/examples.ts';
import type { TrainJob, TrainResult } from '../../trainer/job.ts';
import { readParameters, runTraining } from '../../trainer/run.ts';
import { DEFAULT_SETTINGS, type TrainSettings } from '../../trainer/settings.ts';
import type { TrainEvent } from '../../trainer/state.ts';
import { artifactOf, type BankSource } from '../banks.ts';
import { compileSetup, documentForData } from '../compileModelStep.ts';
import {
  CONTAINER_FILE,
  documentOfModel,
  openContainer,
  sourceTensor,
  writeContainer,
  type ContainerData,
} from '../container.ts';
import { encodedFolder, encodeRows, labelsOf, readData, taskOfData, type DataArtifact, type Rows } from '../data.ts';
import { openDevice } from '../devices.ts';
import * as messages from '../messages.ts';
import { PEFT_FOLDER, publicModelName, writePeftFolder } from '../peftExport.ts';
import { sourceModules } from '../modules.ts';
import {
  evaluationFrontier,
  evaluationProgram,
  keepEveryOf,
  trainingFrontier,
  trainingProgram,
  type CacheRequest,
} from '../programs.ts';
import type { StepParamValues, StepTypeOf } from '../stepTypes.ts';
import type { PeftToolkit } from '../peft/fit.ts';
import { modelWeights } from '../weights.ts';
import type { ModelArtifact } from './model.ts';
import { startValues } from './startFrom.ts';

export type TrainParams = StepParamValues<StepTypeOf<'train'>['params']>;

export interface TrainRequest {
  /** The folder of the step; the trainer gets a folder of its own in it. */
  readonly folder: string;
  readonly model: ModelArtifact;
  readonly data: DataArtifact;
  readonly evaluation: DataArtifact | undefined;
  /** The container whose values training begins with. */
  readonly start: string | undefined;
  /** The step, as findings name it. */
  readonly step: string;
  readonly params: TrainParams;
  readonly toolkit: PeftToolkit;
  readonly resume: boolean;
  /** Threads when the step leaves them open. */
  readonly threads: number;
  readonly baselines: boolean;
  readonly home?: string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: TrainEvent) => void;
  readonly report: (d: Diagnostic) => void;
}

export const RUN_FOLDER = 'run';

/** The figures that each task can be compared by. */
const METRICS_OF: { readonly [K in TaskKind]: readonly MetricName[] } = {
  classification: ['accuracy', 'f1', 'macro_f1', 'weighted_f1', 'matthews'],
  multilabel: ['macro_f1', 'micro_f1', 'subset_accuracy'],
  regression: ['pearson_spearman', 'pearson', 'spearman'],
  tokens: ['entity_f1', 'accuracy', 'macro_f1'],
};

/** Trains and writes the container. Throws a `UserError`; a run that was asked to stop has no container. */
export async function trainStep(request: TrainRequest): Promise<TrainResult> {
  const prepared = await prepareTraining(request);
  const { model, folder, params, signal, onEvent } = request;
  const { backbone } = model;
  const device = openDevice({
    weights: prepared.weights.sources,
    near: backbone.checkpoint.folder,
    threads: params.threads > 0 ? params.threads : request.threads,
    ...(request.home === undefined ? {} : { home: request.home }),
  });
  try {
    const result = await runTraining(
      {
        folder: join(folder, RUN_FOLDER),
        resume: request.resume,
        baselines: request.baselines,
        ...programsOf(request, prepared),
        model: prepared.training,
        backend: device.backend,
        weights: prepared.weights.reader,
        weightsKey: prepared.weights.key,
        ...(prepared.startFrom ? { startFrom: prepared.startFrom } : {}),
        trainSet: prepared.trainSet,
        ...(prepared.evaluationSet ? { evaluationSet: prepared.evaluationSet } : {}),
        firstPosition: prepared.firstPosition,
        settings: settingsOf(params),
        ...(prepared.metric === undefined ? {} : { metric: prepared.metric }),
      },
      { signal, onEvent },
    );
    if (result.adapterFile !== undefined) keepResults(request, prepared, result, result.adapterFile);
    return result;
  } finally {
    device.close();
  }
}

/** The Programs of the run, also cut where values of frozen layers can be kept when there is memory for them. */
export function programsOf(request: TrainRequest, prepared: PreparedTraining): Pick<TrainJob, 'programs' | 'frontier'> {
  const { params, report } = request;
  const { training, trainSet, evaluationSet, document } = prepared;
  const options = { frozenDropout: params.frozenDropout, ...keepEveryOf(document, request.model.model) };
  const evaluate = evaluationProgram(prepared.evaluation);
  const programs = { train: trainingProgram(training, options), evaluate };
  if (params.cacheMegabytes === 0 || params.epochs < 2) return { programs };
  if (params.frozenDropout === 'keep') report(messages.cacheNeedsOff({ param: 'cacheMegabytes' }));
  const budgetBytes = params.cacheMegabytes * 2 ** 20;
  const train = trainingFrontier(training, options, cacheRequest(trainSet, params.batch, budgetBytes));
  const evaluation =
    evaluationSet && evaluationFrontier(evaluate, cacheRequest(evaluationSet, EVALUATION_BATCH, budgetBytes));
  return { programs, frontier: { ...(train ? { train } : {}), ...(evaluation ? { evaluate: evaluation } : {}) } };
}

const EVALUATION_BATCH = DEFAULT_SETTINGS.evaluationBatchSize;

function cacheRequest(set: ExampleSet, batch: number, budgetBytes: number): CacheRequest {
  const lengths = exampleLengths(set);
  const tokens = lengths.reduce((a, b) => a + b, 0);
  const mean = Math.max(1, Math.round(tokens / Math.max(1, lengths.length)));
  return {
    sizes: { batch, length: mean, tokens: batch * mean },
    all: { examples: lengths.length, tokens },
    budgetBytes,
  };
}

export interface PreparedTraining {
  readonly training: CompiledModel;
  readonly evaluation: CompiledModel;
  readonly weights: ReturnType<typeof modelWeights>;
  readonly startFrom: TrainJob['startFrom'];
  readonly trainSet: ExampleSet;
  readonly evaluationSet: ExampleSet | undefined;
  readonly firstPosition: number;
  readonly document: ModelArtifact['document'];
  readonly data: ContainerData;
  readonly metric: MetricName | undefined;
}

/** Data read and encoded, the head fitted, the model compiled: everything before the first step. */
export async function prepareTraining(request: TrainRequest): Promise<PreparedTraining> {
  const { model, toolkit, params, report, home } = request;
  const training = await readData(request.data, undefined, report);
  const evaluation = request.evaluation && (await readData(request.evaluation, labelsOf(training.dataset), report));
  const fitTo = model.fitTo && taskOfData((await readData(model.fitTo, undefined, report)).dataset);
  const wanted = taskOfData(training.dataset);
  const document = documentForData(model.document, model.model, { wanted, fitTo }, toolkit);
  const limits = toolkit.textLimits(document, model.model);
  const maxLength = Math.min(params.maxLength, limits.longest);
  const setup = { document, model: model.model, backbone: model.backbone, sources: model.sources };
  const memo = newMemo();
  const compile = (isTraining: boolean): CompiledModel => {
    const options = { training: isTraining, maxLength: limits.longest, memo };
    const { compiled, diagnostics } = compileSetup(setup, toolkit, options);
    if (!compiled) throw new UserError(diagnostics);
    return compiled;
  };
  const trained = compile(true);
  const place = { node: request.step, port: 'start' };
  const startFrom =
    request.start === undefined
      ? undefined
      : startValues(openContainer(request.start, toolkit.registry), trained.parameters, model.backbone, place, report);
  const tokenizer = loadTokenizer(model.backbone.checkpoint.folder);
  const { columns } = training.dataset;
  return {
    metric: metricOf(params.metric, training),
    training: trained,
    evaluation: compile(false),
    weights: modelWeights(trained.parameters, model.backbone, model.sources),
    startFrom,
    trainSet: encodeRows(training, tokenizer, maxLength, encodedFolder(home)),
    evaluationSet: evaluation && encodeRows(evaluation, tokenizer, maxLength, encodedFolder(home)),
    firstPosition: limits.firstPosition,
    document,
    data: {
      task: columns.task,
      labels: [...labelsOf(training.dataset)],
      text: [...columns.text],
      label: [...columns.label],
      maxLength,
    },
  };
}

/** The figure that was chosen; it must be one of the task's, and F1 of one class needs two classes. */
export function metricOf(chosen: TrainParams['metric'], { dataset }: Rows): MetricName | undefined {
  if (chosen === 'auto') return undefined;
  const two = labelsOf(dataset).length === 2;
  const fitting = METRICS_OF[dataset.columns.task].filter((m) => m !== 'f1' || two);
  const found = fitting.find((m) => m === chosen);
  if (found === undefined) throw new UserError(messages.wrongMetric({ param: 'metric' }, chosen, fitting));
  return found;
}

/** The parameters of the step as the trainer takes them; 0 stands for what is left out. */
export function settingsOf(p: TrainParams): TrainSettings {
  const { clip: _usual, ...defaults } = DEFAULT_SETTINGS;
  return {
    ...defaults,
    epochs: p.epochs,
    ...(p.maxSteps > 0 ? { maxSteps: p.maxSteps } : {}),
    batchSize: p.batch,
    order: p.order,
    accumulation: p.accumulation,
    ...(p.microBatchTokens > 0 ? { microBatchTokens: p.microBatchTokens } : {}),
    learningRate: p.lr,
    schedule: p.schedule,
    warmup: p.warmup < 1 ? { kind: 'ratio', ratio: p.warmup } : { kind: 'steps', steps: Math.round(p.warmup) },
    weightDecay: p.weightDecay,
    betas: [p.beta1, p.beta2],
    epsilon: p.epsilon,
    ...(p.clip > 0 ? { clip: p.clip } : {}),
    seed: p.seed,
    evaluate: p.evaluateEvery > 0 ? { kind: 'steps', steps: p.evaluateEvery } : { kind: 'epoch' },
    checkpoint: p.checkpointEvery > 0 ? { kind: 'steps', steps: p.checkpointEvery } : { kind: 'epoch' },
    ...(p.patience > 0 ? { earlyStopping: { patience: p.patience, minDelta: 0 } } : {}),
    keep: p.keep,
    cacheBytes: p.cacheMegabytes * 2 ** 20,
  };
}

/** The container, and the PEFT files where the graph fits into them. */
function keepResults(request: TrainRequest, prepared: PreparedTraining, result: TrainResult, file: string): void {
  const { model, toolkit, folder, home } = request;
  const parameters = readParameters(file);
  const tensors: TensorToWrite[] = [...parameters].map(([name, { shape, data }]) => ({
    name,
    dtype: 'F32',
    shape,
    data,
  }));
  tensors.push(...prepared.training.parameters.flatMap((p) => sourceTensors(p, model.sources)));
  writeContainer(
    join(folder, CONTAINER_FILE),
    {
      model: model.model,
      document: documentOfModel(prepared.document, model.model),
      modules: sourceModules(prepared.document, model.model, toolkit.registry),
      backbone: { reference: model.backbone.reference, hash: model.backbone.hash },
      sources: model.sources.map(({ bank, name, module }) => ({ bank, name, module })),
      data: prepared.data,
      primary: result.evaluation?.primary ?? '',
      metrics: Object.fromEntries(result.evaluation?.figures ?? []),
    },
    tensors,
  );
  const baseModel = publicModelName(model.backbone.hash, home === undefined ? {} : { home });
  const { document } = prepared;
  const subject = {
    document,
    model: model.model,
    backbone: model.backbone,
    toolkit,
    ...(baseModel === undefined ? {} : { baseModel }),
  };
  const written = writePeftFolder(join(folder, PEFT_FOLDER), subject, parameters);
  if (!written.ok) request.report(messages.noPeftFiles({ model: model.model }, written.error));
}

/** The tensors that the model reads from its sources. */
function sourceTensors(p: CompiledModel['parameters'][number], sources: readonly BankSource[]): TensorToWrite[] {
  if (p.source === undefined || p.source.artifact === 'backbone') return [];
  const { artifact, tensor } = p.source;
  const source = sources.find((s) => artifactOf(s) === artifact);
  if (!source) return [];
  const shape = p.type.shape.map(Number);
  return [{ name: sourceTensor(artifact, tensor), dtype: 'F32', shape, data: () => source.adapter.read(tensor) }];
}
