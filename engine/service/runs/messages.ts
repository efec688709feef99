/** The words of what the service finds about runs. */
import type { Diagnostic } from '../../base/errors.ts';
import { problem } from '../problems.ts';

const kept = (step: number | undefined): string =>
  step === undefined ? 'No checkpoint was made yet.' : `The checkpoint of step ${step} is kept.`;

export const lost = (checkpoint: number | undefined): Diagnostic =>
  problem(
    'run-lost',
    `The run's process is gone without a word; it was killed, the machine was switched off, or memory ran out. ${kept(checkpoint)}`,
    checkpoint === undefined ? 'Resume it: it begins anew.' : 'Resume it: it goes on from there, bit for bit.',
  );

export const outOfMemory = (checkpoint: number | undefined): Diagnostic =>
  problem(
    'run-out-of-memory',
    `The run's process ran out of memory. ${kept(checkpoint)}`,
    'Use smaller batches or set "microBatchTokens" of the training step, then resume.',
  );

export const crashed = (found: string, checkpoint: number | undefined): Diagnostic =>
  problem(
    'run-crashed',
    `The run's process ended with a fault of Espalier. ${kept(checkpoint)}`,
    'Resume it; when it ends so again, send a problem report.',
    found === '' ? {} : { found },
  );

export const internal = (message: string, checkpoint: number | undefined): Diagnostic =>
  problem(
    'run-internal',
    `The run met a fault of Espalier: ${message} ${kept(checkpoint)}`,
    'Send a problem report; the run can be resumed.',
  );

export const diskFull = (free: number, checkpoint: number | undefined): Diagnostic =>
  problem(
    'run-disk-full',
    `The disk is full, so the run could not go on. ${kept(checkpoint)}`,
    'Make room on the disk, then resume.',
    { found: `${free} bytes free` },
  );

export const notStarted = (reason: string): Diagnostic =>
  problem('run-not-started', "The run's process could not be started.", 'Try again; free memory if it fails again.', {
    found: reason,
  });

/** Said beside an error of the run itself: what is there to go on from. */
export const checkpointKept = (step: number): Diagnostic => ({
  code: 'run-checkpoint-kept',
  severity: 'info',
  message: `The checkpoint of step ${step} is kept.`,
  where: {},
  fix: 'Resume the run to go on from there.',
});

export const unknownRun = (): Diagnostic =>
  problem('run-unknown', 'There is no such run any more.', 'Reload the list of runs.');
export const notRunning = (state: string): Diagnostic =>
  problem('run-state', 'The run does not go on now.', 'Start or resume it first.', { found: state });
export const notQueued = (state: string): Diagnostic =>
  problem('run-state', 'The run does not wait in the queue.', 'Stop it instead.', { found: state });
export const notResumable = (state: string): Diagnostic =>
  problem('run-state', 'Only a run that was paused, stopped, lost or has failed can go on.', 'Start a new run.', {
    found: state,
  });
export const stillRunning = (): Diagnostic =>
  problem('run-state', 'The run goes on, so its files are in use.', 'Stop it first.');
export const otherRevision = (asked: number, found: number): Diagnostic =>
  problem(
    'run-revision',
    'The document has changed since the run was asked for.',
    'Look at the change and start the run again.',
    { found: `revision ${found}, asked for ${asked}` },
  );
export const nothingTrained = (): Diagnostic =>
  problem('run-untrained', 'The run has no trained model yet.', 'Wait until a training step has ended.');
export const sweepProblem = (param: string, reason: string): Diagnostic =>
  problem('sweep-param', `The parameter "${param}" cannot be varied.`, 'Name a parameter as STEP.PARAMETER.', {
    found: reason,
  });
export const tooManyRuns = (count: number): Diagnostic =>
  problem('run-too-many', 'That would make too many runs at once.', 'Ask for at most 200.', { found: String(count) });
export const stepNotDone = (step: string): Diagnostic =>
  problem('step-not-done', `Step "${step}" has not been run yet, and what follows needs it.`, 'Run it first.', {
    where: { node: step },
  });

export const foreignRun = (): Diagnostic =>
  problem('run-foreign', 'Another window of Espalier keeps this run.', 'Go on there, or close it first.');
