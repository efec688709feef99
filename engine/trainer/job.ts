/** What a run is given, what it may tell and ask while it runs, and what it gives back. */
import type { Diagnostic } from '../base/errors.ts';
import type { HostTensor } from '../backends/executable.ts';
import type { CompiledModel } from '../compile/model.ts';
import type { Program } from '../ir/program.ts';
import type { MetricName } from '../metrics/metrics.ts';
import type { TrainerBackend, WeightReader } from './backend.ts';
import type { CheckpointIo } from './checkpointIo.ts';
import type { ExampleSet } from './examples.ts';
import type { FrontierPlan } from './frontierCache.ts';
import type { TrainSettings } from './settings.ts';
import type { TrainEvent } from './state.ts';
import type { NodeUpdate } from './updates.ts';

export interface TrainJob {
  /** Everything of the run is written here. */
  readonly folder: string;
  /** Goes on from the newest checkpoint in the folder, or from the start when there is none. */
  readonly resume: boolean;
  /** Flat Programs: with `objective`, `loss/...` and `grad/...`, and one without noise and gradients. */
  readonly programs: { readonly train: Program; readonly evaluate: Program };
  /** The same Programs cut by the frontier pass; used when the settings give room for the values. */
  readonly frontier?: { readonly train?: FrontierPlan; readonly evaluate?: FrontierPlan };
  readonly model: Pick<CompiledModel, 'parameters' | 'losses' | 'outputs'>;
  readonly backend: TrainerBackend;
  readonly weights: WeightReader;
  /** Names the content of the frozen weights. */
  readonly weightsKey: string;
  readonly trainSet: ExampleSet;
  readonly evaluationSet?: ExampleSet;
  /** Row of the first position in the position table: 0 for BERT, 2 for RoBERTa. */
  readonly firstPosition: number;
  readonly settings: TrainSettings;
  /** The figure that models are compared by; the task's own when absent. */
  readonly metric?: MetricName;
  /** Factors of the learning rate by parameter (LoRA+). */
  readonly rateFactors?: ReadonlyMap<string, number>;
  /** First sizes of the axes that grow, by symbol. */
  readonly sizes?: ReadonlyMap<string, number>;
  /** Parameters that begin with given values instead of their initial ones. */
  readonly startFrom?: ReadonlyMap<string, HostTensor>;
  readonly updates?: readonly NodeUpdate[];
  /** Whether figures to compare with are computed before the first step. They change nothing that is trained. */
  readonly baselines?: boolean;
  /** Kept in the header of the adapter's file. */
  readonly metadata?: ReadonlyMap<string, string>;
}

export interface TrainHooks {
  readonly onEvent?: (event: TrainEvent) => void;
  /** Aborting ends the run after the step it is in, with a checkpoint. */
  readonly signal?: AbortSignal;
  /**
   * Asked when checkpoints failed three times in a row, or the last one did. The run's state stays in memory until the
   * answer; `retry` tries again at once. Without it the run stops.
   */
  readonly onStorageFailure?: (problem: Diagnostic) => Promise<'retry' | 'stop'>;
  /** The file system under checkpoints; tests let it fail. */
  readonly io?: CheckpointIo;
}

/** Thrown out of work that is not of a step when the run is asked to stop; it never leaves the trainer. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Figures by name; a figure that is no finite number is null. */
export type Figures = ReadonlyMap<string, number | null>;

export interface EvaluationSummary {
  readonly step: number;
  readonly primary: string;
  readonly loss: number | null;
  readonly figures: Figures;
}

export interface TrainResult {
  readonly ended: 'finished' | 'early-stopping' | 'stopped';
  readonly folder: string;
  /** The parameters that the run keeps, by their paths. Absent when it was stopped. */
  readonly adapterFile?: string;
  /** Optimizer steps done. */
  readonly steps: number;
  /** Of the parameters that the run keeps. */
  readonly evaluation?: EvaluationSummary;
  readonly best?: EvaluationSummary;
  readonly last?: EvaluationSummary;
  /** Of this process: from the call to the end. */
  readonly seconds: number;
  /** Training examples per second of training, without evaluations and preparation. */
  readonly examplesPerSecond: number;
  readonly peakRssBytes: number;
  readonly trainableParameters: number;
  /** Seconds that the values of frozen layers took before the first step, and their bytes. */
  readonly cache?: { readonly seconds: number; readonly bytes: number };
  readonly warnings: readonly Diagnostic[];
}
