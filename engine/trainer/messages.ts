/** The words of the trainer's findings: one function for each, with what was found and what to do. */
import type { Diagnostic } from '../base/errors.ts';

export const settingMessage = (name: string, found: string, rule: string): Diagnostic => ({
  code: 'train-setting',
  severity: 'error',
  message: `The setting "${name}" must be ${rule}.`,
  where: { param: name },
  found,
  fix: 'Change the setting.',
});

export const noExamples = (file: string, use: 'train' | 'evaluate'): Diagnostic => ({
  code: 'train-no-examples',
  severity: 'error',
  message: `There is no example to ${use === 'train' ? 'train on' : 'evaluate on'}.`,
  where: { file },
  fix: 'Give a file with at least one usable row.',
});

/** What stays when a run stops at a value that is no number. */
export interface Kept {
  /** Optimizer steps of the newest checkpoint. */
  readonly checkpointStep: number | undefined;
  readonly bestStep: number | undefined;
}

const keptWords = ({ checkpointStep, bestStep }: Kept): string => {
  const parts: string[] = [];
  if (checkpointStep !== undefined) parts.push(`the checkpoint of step ${checkpointStep}`);
  if (bestStep !== undefined) parts.push(`the best model, of step ${bestStep}`);
  return parts.length === 0
    ? 'No step before it was kept.'
    : `Kept: ${parts.join(', and ')}; both hold finite numbers only.`;
};

const rowWords = (rows: readonly number[], most = 32): string =>
  rows.length <= most ? rows.join(', ') : `${rows.slice(0, most).join(', ')} and ${rows.length - most} more`;

const REMEDY =
  'Lower the learning rate, lengthen the warm-up or clip gradients at 1; check the named rows for broken values.';

export interface NonFiniteStep extends Kept {
  /** The optimizer step, counted from 1, that was not made. */
  readonly step: number;
  readonly what: 'loss' | 'gradient' | 'update';
  readonly value: number;
  /** The first parameter whose gradient or new value is no finite number. */
  readonly parameter: string | undefined;
  readonly file: string;
  /** The rows of the smallest part of the batch that shows it. */
  readonly rows: readonly number[];
}

export function nonFinite(found: NonFiniteStep): Diagnostic {
  const { step, what, value, parameter, file, rows } = found;
  const things = { loss: 'The loss', gradient: 'The gradient', update: 'The updated parameters' } as const;
  const at = parameter === undefined ? '' : ` The first parameter with such a value is "${parameter}".`;
  return {
    code: 'train-non-finite',
    severity: 'error',
    message: `${things[what]} of step ${step} cannot be used; the run stopped before this step changed anything.${at} ${keptWords(found)}`,
    where: { file, ...(parameter === undefined ? {} : { param: parameter }) },
    found: `${value} from rows ${rowWords(rows)}`,
    fix: REMEDY,
  };
}

export const nonFiniteOutput = (file: string, rows: readonly number[], value: number): Diagnostic => ({
  code: 'evaluation-non-finite',
  severity: 'error',
  message: 'The model gives no finite number for an example of the evaluation data.',
  where: { file },
  found: `${value} for row ${rowWords(rows)}`,
  fix: REMEDY,
});

export const nonFiniteWeights = (parameter: string): Diagnostic => ({
  code: 'train-initial-non-finite',
  severity: 'error',
  message: 'A trainable parameter begins with values that are no finite numbers.',
  where: { param: parameter },
  fix: 'Check the checkpoint or adapter that it starts from.',
});

export const noParameter = (folder: string, name: string): Diagnostic => ({
  code: 'train-no-parameter',
  severity: 'error',
  message: 'The model has no such trainable parameter.',
  where: { file: folder, param: name },
  fix: 'Use parameters that were made for this model.',
});

export const startShape = (name: string, found: readonly number[], expected: readonly number[]): Diagnostic => ({
  code: 'train-start-shape',
  severity: 'error',
  message: `A trainable parameter of shape [${expected.join(', ')}] can't begin with the given values.`,
  where: { param: name },
  found: `shape [${found.join(', ')}]`,
  fix: 'Use an adapter of the same model, method and size.',
});

export const checkpointFailed = (file: string, step: number, reason: string, attempt: number): Diagnostic => ({
  code: 'checkpoint-failed',
  severity: 'warning',
  message: `The checkpoint of step ${step} could not be written; training goes on, and the one before it stays.`,
  where: { file },
  found: `${reason} (failure ${attempt} in a row)`,
  fix: 'Free some space or check the disk; the next checkpoint is tried at the next interval.',
});

export const checkpointsGivenUp = (
  file: string,
  step: number,
  reason: string,
  kept: number | undefined,
): Diagnostic => ({
  code: 'checkpoint-given-up',
  severity: 'error',
  message: `Checkpoints failed three times in a row; the run stopped after step ${step}. ${kept === undefined ? 'There is no older checkpoint.' : `The checkpoint of step ${kept} stays.`}`,
  where: { file },
  found: reason,
  fix: 'Free some space or repair the disk, then run again with --resume.',
});

export const checkpointDamaged = (folder: string, reason: string): Diagnostic => ({
  code: 'checkpoint-damaged',
  severity: 'warning',
  message: 'A checkpoint is damaged and was passed over.',
  where: { file: folder },
  found: reason,
  fix: 'Nothing need be done; training goes on from the one before it, or from the start.',
});

export const resumeDiffers = (folder: string, what: string, found: string, expected: string): Diagnostic => ({
  code: 'resume-differs',
  severity: 'error',
  message: `The run can't be resumed with another ${what}: it would not be the same run.`,
  where: { file: folder },
  found: `${found} instead of ${expected}`,
  fix: 'Resume with what the run began with, or start a new run in another folder.',
});

export const logShortened = (file: string, found: number, expected: number): Diagnostic => ({
  code: 'metrics-shortened',
  severity: 'warning',
  message: 'The metrics file is shorter than it was at the checkpoint, so that earlier lines are missing.',
  where: { file },
  found: `${found} bytes instead of ${expected}`,
  fix: 'Nothing need be done; new lines are added at its end.',
});

export const runExists = (folder: string): Diagnostic => ({
  code: 'run-exists',
  severity: 'error',
  message: 'The folder holds another run.',
  where: { file: folder },
  fix: 'Resume it with --resume, or choose another folder.',
});
