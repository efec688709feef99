/** What became of a run whose process is gone: from what it said last, what it was asked for, and how it ended. */
import { statfsSync } from 'node:fs';
import type { Diagnostic } from '../../base/errors.ts';
import type { RunState } from '../../protocol/api/runs.ts';
import * as messages from './messages.ts';
import type { Run } from './run.ts';
import { lastLines } from './tail.ts';

/** How a process ended that this service started itself; nothing is known of others. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface Outcome {
  readonly state: Extract<RunState, 'done' | 'failed' | 'stopped' | 'paused' | 'lost'>;
  readonly diagnostics: readonly Diagnostic[];
}

const DISK_FULL = 2 ** 20;

export function outcomeOf(run: Run, exit: Exit | undefined): Outcome {
  const { end, diagnostics, message } = run.follower;
  const { intent } = run.record;
  const step = run.digest.checkpointStep;
  const failed = (...found: readonly Diagnostic[]): Outcome => ({ state: 'failed', diagnostics: found });
  const warnings = diagnostics.filter((d) => d.severity !== 'error');
  if (end === 'done') return { state: 'done', diagnostics: warnings };
  if (end === 'stopped' || (end === undefined && intent !== undefined))
    return { state: intent === 'pause' ? 'paused' : 'stopped', diagnostics: warnings };
  if (end === 'error') return failed(...diagnostics, ...(step === undefined ? [] : [messages.checkpointKept(step)]));
  const free = freeBytes(run.folder);
  if (free !== undefined && free < DISK_FULL) return failed(messages.diskFull(free, step));
  if (end === 'internal') return failed(messages.internal(message, step));
  const said = lastLines(run.file('output'), 3);
  if (/heap out of memory|bad_alloc|allocation failed/i.test(said)) return failed(messages.outOfMemory(step));
  if (exit !== undefined && exit.signal === null) return failed(messages.crashed(said, step));
  return { state: 'lost', diagnostics: [messages.lost(step)] };
}

function freeBytes(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
