/** The run that is killed, as data: more than 200 steps, more than 10 checkpoints, dropout, accumulation, parts of batches. */
import type { TrainJob } from '../../../engine/trainer/job.ts';
import { smallJob, smallModel } from './smallModel.ts';

export const KILLED_STEPS = 210;

/** What a child process is told, as one JSON argument. */
export interface ChildRequest {
  readonly folder: string;
  readonly resume: boolean;
  /** `reference`, or `onnx` with a folder for its files. */
  readonly backend: 'reference' | 'onnx';
  readonly workFolder: string;
}

export const killedJob = (folder: string, resume: boolean): TrainJob =>
  smallJob(
    folder,
    {
      epochs: 21,
      batchSize: 2,
      accumulation: 2,
      microBatchTokens: 8,
      evaluate: { kind: 'steps', steps: 14 },
      checkpoint: { kind: 'steps', steps: 10 },
      seed: 11,
    },
    smallModel({ dropout: 0.25, twoLosses: true }),
    { resume },
  );
