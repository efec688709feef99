/** What the service asks the process that works with models. Paths are absolute and were checked by the service. */
import type { TaskColumns } from '../../data/task.ts';

/** A run whose steps have left their files. */
export interface RunPlace {
  /** The snapshot of its document. */
  readonly document: string;
  /** The folder that paths of the document are relative to. */
  readonly folder: string;
  /** The folders of its steps that are done, by the step. */
  readonly steps: readonly (readonly [string, string])[];
}

/** A document that is open and may differ from its file. */
export interface DraftPlace {
  /** Its text. */
  readonly text: string;
  readonly file: string;
  readonly folder: string;
  /** Where its results lie. */
  readonly out: string;
  readonly threads: number;
}

export interface TryQuestion extends RunPlace {
  readonly texts: readonly string[];
  readonly pairs: readonly string[];
}

export interface PredictFileQuestion extends RunPlace {
  readonly data: string;
  readonly shown: string;
  readonly output: string;
  /** Columns of the file; the model's own when they are there, else they are guessed. */
  readonly columns?: TaskColumns;
}

export interface DryQuestion extends DraftPlace {
  readonly kind: 'batch' | 'overfit';
}

export interface ProbeQuestion extends DraftPlace {
  readonly model: string;
  readonly node: string;
  readonly port: string;
}

/** Below the folder of a run: the adapter that its sources were merged into. */
export const MERGED_FOLDER = 'merged';
