/** Commands about runs: a run trains a snapshot of a document in a process of its own. */
import { z } from 'zod';
import type { Diagnostic } from '../../base/errors.ts';
import type { Document } from '../document.ts';
import { mutation, query } from './define.ts';
import { grantIdSchema, nameSchema, projectIdSchema, revisionSchema, runIdSchema } from './fields.ts';
import type { ProjectId, RunId } from './fields.ts';

export const RUN_STATES = ['queued', 'preparing', 'training', 'paused', 'done', 'failed', 'stopped', 'lost'] as const;
export type RunState = (typeof RUN_STATES)[number];

/** What the lists show of a run. `lost`: its process is gone without a word; it can be resumed. */
export interface RunSummary {
  readonly run: RunId;
  readonly project: ProjectId | undefined;
  readonly number: number;
  readonly name: string;
  readonly state: RunState;
  readonly created: string;
  readonly ended?: string;
  readonly seconds: number;
  /** The step that was asked for; missing when all were. */
  readonly target?: string;
  /** `LoRA r8 on query, value`, made of the graph. */
  readonly recipe: string;
  readonly trainable: number;
  /** Of the trainable parameters, those of the head; missing in runs of earlier versions. */
  readonly head?: number;
  readonly backboneParameters: number;
  readonly seed: number;
  readonly metric?: string;
  readonly figure?: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** The same figure of always answering the commonest class, and of the untrained model. */
  readonly majority?: number;
  readonly untrained?: number;
  readonly peakRssBytes: number;
  readonly examplesPerSecond: number;
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  readonly secondsLeft?: number;
  /** The content hash of the document that it trains; equal to the draft's when live figures belong to the draft. */
  readonly documentHash: string;
  readonly diagnostics: readonly Diagnostic[];
  readonly group?: string;
  /** Its place in the queue, from 1; missing unless it waits. */
  readonly waiting?: number;
}

/** One point of the training curve. */
export interface StepPoint {
  readonly kind: 'step';
  /** The workflow step that trains. */
  readonly at: string;
  readonly step: number;
  readonly epoch: number;
  readonly seconds: number;
  readonly examples: number;
  readonly loss: number | null;
  readonly rate: number;
  readonly gradientNorm: number | null;
  readonly examplesPerSecond: number;
  readonly rssBytes: number;
  readonly taps: Readonly<Record<string, number | null>>;
}
export interface EvaluationPoint {
  readonly kind: 'evaluation';
  readonly at: string;
  readonly step: number;
  readonly epoch: number;
  readonly seconds: number;
  readonly loss: number | null;
  readonly metrics: Readonly<Record<string, number | null>>;
  readonly best: boolean;
}
export interface LogLine {
  readonly kind: 'log';
  readonly at: string;
  readonly seconds: number;
  readonly text: string;
  readonly diagnostic?: Diagnostic;
}
export type RunPoint = StepPoint | EvaluationPoint | LogLine;

export interface ClassResult {
  readonly label: string;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly support: number;
}
export interface ExampleResult {
  readonly row: number;
  readonly text: string;
  readonly gold: string;
  readonly predicted: string;
  readonly loss: number;
  /** Probability of the answer; a number has none. */
  readonly confidence?: number;
}
export interface RunResults {
  readonly task: string;
  readonly labels: readonly string[];
  /** Rows are gold, columns predicted; empty where the task has no classes. */
  readonly confusion: readonly (readonly number[])[];
  readonly classes: readonly ClassResult[];
  readonly metrics: Readonly<Record<string, number>>;
  readonly majority?: number;
  readonly untrained?: number;
  /** By loss, the largest first. */
  readonly examples: readonly ExampleResult[];
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
}

/** What training changed, per trainable parameter. */
export interface WeightsView {
  readonly parameters: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly norm: number;
    /** Norm of trained minus initial values. */
    readonly updateNorm: number;
  }[];
  /** Learnt weights per layer and source, of ScaLearn and fusion modules. */
  readonly sources: readonly {
    readonly node: string;
    readonly names: readonly string[];
    /** One row per layer, one number per source: the mean over its entries. */
    readonly values: readonly (readonly number[])[];
  }[];
}

export interface TryResult {
  readonly text: string;
  readonly label?: string;
  readonly scores: Readonly<Record<string, number>>;
  readonly value?: number;
  readonly tags?: readonly { readonly word: string; readonly tag: string }[];
  readonly milliseconds: number;
}

export interface Estimate {
  readonly stepSeconds: number;
  readonly steps: number;
  readonly seconds: number;
  /** Share of the time by node, the largest first. */
  readonly shares: readonly { readonly node: string; readonly share: number }[];
}

export interface DryRun {
  readonly kind: 'batch' | 'overfit';
  readonly ok: boolean;
  readonly losses: readonly number[];
  readonly words: string;
}

const run = z.strictObject({ run: runIdSchema });

export const runCommands = {
  'run.start': mutation<{ readonly runs: readonly RunId[] }>()(
    z.strictObject({
      project: projectIdSchema,
      revision: revisionSchema,
      target: nameSchema.exactOptional(),
      name: z.string().max(200).exactOptional(),
      /** Seeds of copies of this run; one run with the document's own seed when missing. */
      seeds: z.array(z.int().min(0)).min(1).max(100).exactOptional(),
      /** Values of one parameter of a step or node (`train.lr`), a copy of the run for each. */
      sweep: z
        .strictObject({
          param: z.string().max(500),
          values: z
            .array(z.union([z.string().max(100), z.number(), z.boolean()]))
            .min(1)
            .max(100),
        })
        .exactOptional(),
    }),
    'Queue a run',
  ),
  'run.stop': mutation<Record<string, never>>()(run, 'Stop a run; its last checkpoint stays'),
  'run.pause': mutation<Record<string, never>>()(run, 'Pause a run at its next checkpoint'),
  'run.resume': mutation<Record<string, never>>()(run, 'Go on with a run that was paused, stopped or lost'),
  'run.cancel': mutation<Record<string, never>>()(run, 'Take a run out of the queue'),
  'run.reorder': mutation<Record<string, never>>()(
    z.strictObject({ run: runIdSchema, before: runIdSchema.exactOptional() }),
    'Move a run in the queue',
  ),
  'run.rename': mutation<Record<string, never>>()(
    z.strictObject({ run: runIdSchema, name: nameSchema }),
    'Rename a run',
  ),
  'run.delete': mutation<Record<string, never>>()(run, 'Delete a run and its files'),
  'run.list': query<readonly RunSummary[]>()(z.strictObject({ project: projectIdSchema }), 'The runs of a project'),
  'run.points': query<{ readonly points: readonly RunPoint[]; readonly next: number }>()(
    z.strictObject({ run: runIdSchema, after: z.int().min(0) }),
    'The curve and log of a run from an entry on',
  ),
  'run.document': query<{ readonly document: Document }>()(run, 'The document that a run trains'),
  'run.results': query<RunResults>()(run, 'Figures, confusion and examples of a run'),
  'run.weights': query<WeightsView>()(run, 'What training changed'),
  'run.try': query<readonly TryResult[]>()(
    z.strictObject({
      run: runIdSchema,
      texts: z.array(z.string().max(100_000)).min(1).max(64),
      pairs: z.array(z.string().max(100_000)).exactOptional(),
    }),
    'What the trained model says of texts',
  ),
  'run.predictFile': mutation<{ readonly ticket: string; readonly name: string; readonly rows: number }>()(
    z.strictObject({ run: runIdSchema, grant: grantIdSchema }),
    'Predict a file to csv',
  ),
  'run.mergeSources': query<{ readonly possible: boolean; readonly words: string; readonly difference?: number }>()(
    run,
    'Whether the sources of a run can be merged into one adapter, with the measured difference',
  ),
  'run.estimate': query<Estimate>()(
    z.strictObject({ project: projectIdSchema, revision: revisionSchema }),
    'How long a run would take',
  ),
  'run.dry': query<DryRun>()(
    z.strictObject({ project: projectIdSchema, revision: revisionSchema, kind: z.enum(['batch', 'overfit']) }),
    'Try one batch, or overfit eight examples',
  ),
} as const;
