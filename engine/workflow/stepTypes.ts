/**
 * The steps that a workflow may hold: their ports, parameters and help, as one explicit list. What a step does is in
 * `steps/`; reading its parameters is in `readStep.ts`.
 */
import { bool, choice, int, number, text, type ParamSpec, type ParamValue } from '../nodekit/params.ts';

/** What travels along the wires of a workflow. */
export const ARTIFACT_KINDS = ['data', 'model', 'trained', 'metrics', 'file'] as const;
export type ArtifactKind = (typeof ARTIFACT_KINDS)[number];

/** A list of texts, such as the names of columns. */
export interface ListSpec {
  readonly kind: 'list';
  readonly default: readonly string[];
  readonly help: string;
}
/** A file or folder, relative to the document's folder. */
export interface PathSpec {
  readonly kind: 'path';
  readonly default: '';
  readonly help: string;
}
/** A model: a name of the store, or a folder relative to the document's folder (it begins with `.`). */
export interface BackboneSpec {
  readonly kind: 'backbone';
  readonly default: string;
  readonly help: string;
}
export type StepParamSpec = ParamSpec | ListSpec | PathSpec | BackboneSpec;
export type StepParamValue = ParamValue | readonly string[];
export type StepParamSpecs = Readonly<Record<string, StepParamSpec>>;
export type StepParamValues<S extends StepParamSpecs> = {
  readonly [K in keyof S]: S[K] extends ListSpec
    ? readonly string[]
    : S[K] extends { readonly kind: 'int' | 'number' }
      ? number
      : S[K] extends { readonly kind: 'bool' }
        ? boolean
        : S[K] extends { readonly kind: 'choice'; readonly choices: readonly (infer C)[] }
          ? C
          : string;
};

export interface StepPort {
  readonly kind: ArtifactKind;
  readonly doc: string;
  readonly optional?: boolean;
}

export interface StepType<S extends StepParamSpecs = StepParamSpecs> {
  readonly type: string;
  readonly version: number;
  readonly title: string;
  readonly help: string;
  readonly inputs: Readonly<Record<string, StepPort>>;
  readonly outputs: Readonly<Record<string, StepPort>>;
  readonly params: S;
  /** The step names a model of the document. */
  readonly model?: boolean;
}

const list = (help: string): ListSpec => ({ kind: 'list', default: [], help });
const path = (help: string): PathSpec => ({ kind: 'path', default: '', help });

const dataTable = {
  type: 'data.table',
  version: 1,
  title: 'Data table',
  help: 'The rows of a csv, tsv, json lines or token file.',
  inputs: {},
  outputs: { data: { kind: 'data', doc: 'the rows' } },
  params: {
    file: path('The data file.'),
    format: choice(['auto', 'csv', 'tsv', 'jsonl', 'conll'], 'auto', 'Format; auto tells it by the name.'),
    task: choice(['classification', 'multilabel', 'regression', 'tokens'], 'classification', 'What is learned.'),
    text: list('Column of the text; two for pairs.'),
    label: list('Column of the label, or one 0/1 column for each of many labels; none for data to predict.'),
    badRows: choice(['stop', 'setAside'], 'stop', 'Whether rows that cannot be read stop the run or are left out.'),
  },
} as const satisfies StepType;

const dataSplit = {
  type: 'data.split',
  version: 1,
  title: 'Split',
  help: 'Sets a share of the rows aside for evaluation, by chance.',
  inputs: { data: { kind: 'data', doc: 'the rows' } },
  outputs: { train: { kind: 'data', doc: 'the rows that stay' }, eval: { kind: 'data', doc: 'the rows set aside' } },
  params: {
    share: number(0.1, 'Share of the rows that is set aside.', { min: 0.001, max: 0.999 }),
    seed: int(0, 'Chooses the rows.'),
  },
} as const satisfies StepType;

const model = {
  type: 'model',
  version: 1,
  title: 'Model',
  help: 'A model of the document on a backbone. With data, its head is fitted to the labels of the data.',
  inputs: { data: { kind: 'data', optional: true, doc: 'data whose labels the head is made for' } },
  outputs: { model: { kind: 'model', doc: 'the model' } },
  params: {
    backbone: { kind: 'backbone', default: 'starter', help: 'A model of the store, or a folder.' },
  },
  model: true,
} as const satisfies StepType;

const train = {
  type: 'train',
  version: 1,
  title: 'Train',
  help: 'Trains the modules and the head of a model.',
  inputs: {
    model: { kind: 'model', doc: 'what is trained' },
    data: { kind: 'data', doc: 'what it is trained on' },
    eval: { kind: 'data', optional: true, doc: 'what it is evaluated on while it trains; the best state is kept' },
    start: { kind: 'trained', optional: true, doc: 'trained modules whose values it begins with' },
  },
  outputs: {
    model: { kind: 'trained', doc: 'the trained model' },
    adapter: { kind: 'trained', doc: 'the trained modules, for a source bank' },
    metrics: { kind: 'metrics', doc: 'figures of the last evaluation' },
  },
  params: {
    epochs: int(3, 'Passes over the data.', { min: 1 }),
    maxSteps: int(0, 'Ends the run after so many optimizer steps; 0: does not.'),
    batch: int(32, 'Examples of one batch.', { min: 1 }),
    accumulation: int(1, 'Batches of one optimizer step.', { min: 1 }),
    microBatchTokens: int(0, 'Padded tokens that are computed at once; 0: a whole batch.'),
    order: choice(['grouped', 'random'], 'grouped', 'Batches of similar lengths, or of random examples.'),
    lr: number(1e-3, 'Learning rate.', { min: 1e-12 }),
    schedule: choice(['linear', 'cosine', 'constant'], 'linear', 'How the learning rate goes on after the warm-up.'),
    warmup: number(0.06, 'Warm-up: a share of all steps when below 1, else a number of steps.', { min: 0 }),
    weightDecay: number(0.01, 'Weight decay of matrices.', { min: 0 }),
    beta1: number(0.9, 'Decay of the first moment.', { min: 0, max: 0.999999 }),
    beta2: number(0.999, 'Decay of the second moment.', { min: 0, max: 0.999999 }),
    epsilon: number(1e-8, 'Added to the root of the second moment.', { min: 1e-20 }),
    clip: number(1, 'Largest norm of the gradient; 0: no clipping.', { min: 0 }),
    seed: int(0, 'Initial values, order of examples, dropout.'),
    maxLength: int(128, 'Tokens of a text beyond which it is cut.', { min: 4, max: 4096 }),
    evaluateEvery: int(0, 'Optimizer steps between evaluations; 0: after every epoch.'),
    checkpointEvery: int(0, 'Optimizer steps between checkpoints; 0: after every epoch.'),
    metric: choice(
      [
        'auto',
        'accuracy',
        'f1',
        'macro_f1',
        'micro_f1',
        'weighted_f1',
        'matthews',
        'subset_accuracy',
        'pearson',
        'spearman',
        'pearson_spearman',
        'entity_f1',
      ],
      'auto',
      'The figure by which the best state is chosen.',
    ),
    keep: choice(
      ['best', 'last'],
      'best',
      'Which state the run ends with: that of the best evaluation, or the last one.',
    ),
    patience: int(0, 'Evaluations without a better figure after which the run ends; 0: it does not end early.'),
    frozenDropout: choice(
      ['keep', 'off'],
      'keep',
      'Dropout in frozen layers below the first module; off allows to reuse their values.',
    ),
    cacheMegabytes: int(0, 'Memory for values of frozen layers that are reused in later epochs.', { unit: 'MiB' }),
    threads: int(0, 'Threads; 0: as many as the machine has cores.'),
  },
} as const satisfies StepType;

const evaluate = {
  type: 'evaluate',
  version: 1,
  title: 'Evaluate',
  help: 'Figures of a trained model on data.',
  inputs: { model: { kind: 'trained', doc: 'the trained model' }, data: { kind: 'data', doc: 'labelled data' } },
  outputs: { metrics: { kind: 'metrics', doc: 'the figures' } },
  params: { batch: int(64, 'Examples of one batch.', { min: 1 }) },
} as const satisfies StepType;

const predict = {
  type: 'predict',
  version: 1,
  title: 'Predict',
  help: 'Answers of a trained model for data, as json lines.',
  inputs: {
    model: { kind: 'trained', doc: 'the trained model' },
    data: { kind: 'data', doc: 'data, labelled or not' },
  },
  outputs: { file: { kind: 'file', doc: 'predictions.jsonl' } },
  params: { batch: int(64, 'Examples of one batch.', { min: 1 }) },
} as const satisfies StepType;

const adapterFile = {
  type: 'adapter.file',
  version: 1,
  title: 'Adapter',
  help: 'Modules that were trained earlier, for a source bank or to begin training with.',
  inputs: {},
  outputs: { adapter: { kind: 'trained', doc: 'the trained modules' } },
  params: { file: path('An adapter.safetensors that Espalier wrote.') },
} as const satisfies StepType;

const exportStep = {
  type: 'export',
  version: 1,
  title: 'Export',
  help: 'Copies of a trained model for other programs: its container, and PEFT files where the graph fits.',
  inputs: { model: { kind: 'trained', doc: 'the trained model' } },
  outputs: { file: { kind: 'file', doc: 'the folder with the files' } },
  params: { peft: bool(true, 'Write Hugging Face PEFT files too.'), name: text('export', 'Name of the folder.') },
} as const satisfies StepType;

export const STEP_TYPES = [dataTable, dataSplit, model, train, evaluate, predict, adapterFile, exportStep] as const;

type ListedStep = (typeof STEP_TYPES)[number];
export type StepTypeName = ListedStep['type'];
export type StepTypeOf<T extends StepTypeName> = Extract<ListedStep, { readonly type: T }>;

/** A step that holds a body which runs once for each of its items. */
export const FOR_EACH = 'for-each';

export const stepType = (type: string): StepType | undefined => STEP_TYPES.find((t) => t.type === type);
