/**
 * Kills a training process again and again with SIGKILL and starts it anew with `resume`, until it has ended by itself.
 * Some kills are aimed at a number of metrics lines, some at a checkpoint that is being written: the parent watches the
 * run's folder. The product has no hook for any of it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bundleForNode } from '../../support/childProcess.ts';
import type { ChildRequest } from './killJob.ts';

/** Bundles the child; its path is for `Killing.bundle`. */
export const bundleChild = (): Promise<string> => bundleForNode(new URL('killChild.ts', import.meta.url));

export interface Killing {
  readonly bundle: string;
  readonly request: Omit<ChildRequest, 'resume'>;
  readonly kills: number;
  /** Kills that must have left a checkpoint half written. */
  readonly insideWrites: number;
  /** Metrics lines that the whole run writes, to spread the kills over. */
  readonly lines: number;
}

export interface Killed {
  readonly kills: number;
  /** Kills after which an unfinished checkpoint was found on the disk. */
  readonly insideWrites: number;
}

export async function trainWithKills(killing: Killing): Promise<Killed> {
  const { request, bundle } = killing;
  let done = 0;
  let inside = 0;
  for (let start = 0; ; start++) {
    const child = startChild(bundle, { ...request, resume: start > 0 });
    const wantsMore = done < killing.kills || inside < killing.insideWrites;
    const aimAtWrite = done % 3 === 0 || done >= killing.kills;
    const line = Math.floor((killing.lines * (done + 0.5)) / killing.kills);
    const when = !wantsMore ? undefined : aimAtWrite ? writing(request.folder) : reaching(request.folder, line);
    const ended = await endOf(child, when);
    if (ended === 'done') return { kills: done, insideWrites: inside };
    done += 1;
    if (unfinished(request.folder)) inside += 1;
  }
}

/** Runs the child to its end. */
export async function trainUndisturbed(bundle: string, request: Omit<ChildRequest, 'resume'>): Promise<void> {
  await endOf(startChild(bundle, { ...request, resume: false }), undefined);
}

function startChild(bundle: string, request: ChildRequest): ChildProcess {
  return spawn(process.execPath, [bundle, JSON.stringify(request)], { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Waits for the end, and kills as soon as `when` holds. A child that fails by itself fails the test. */
function endOf(child: ChildProcess, when: (() => boolean) | undefined): Promise<'done' | 'killed'> {
  return new Promise((resolve, reject) => {
    let errors = '';
    let over = false;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-4000);
    });
    child.on('close', (code, signal) => {
      over = true;
      if (signal === 'SIGKILL') resolve('killed');
      else if (code === 0) resolve('done');
      else reject(new Error(`the training process ended with ${code ?? signal}: ${errors}`));
    });
    const watch = (): void => {
      if (over || !when) return;
      if (when()) child.kill('SIGKILL');
      else setTimeout(watch, 0.5);
    };
    watch();
  });
}

const checkpoints = (folder: string): string[] => {
  const parent = join(folder, 'checkpoints');
  return existsSync(parent) ? readdirSync(parent) : [];
};

const unfinished = (folder: string): boolean => checkpoints(folder).some((name) => name.endsWith('.espalier-tmp'));

/** A checkpoint is being written that was not there at the start; leftovers of an earlier kill don't count. */
function writing(folder: string): () => boolean {
  const before = new Set(checkpoints(folder));
  return () => checkpoints(folder).some((name) => name.endsWith('.espalier-tmp') && !before.has(name));
}

/** The metrics file has so many lines, told by its size: a line is about 190 bytes. */
function reaching(folder: string, lines: number): () => boolean {
  const path = join(folder, 'metrics.jsonl');
  const from = sizeOf(path);
  // At least a few lines of progress, so that every kill comes later in the run than the one before.
  const target = Math.max(lines * 190, from + 500);
  return () => sizeOf(path) >= target;
}

const sizeOf = (path: string): number => (existsSync(path) ? statSync(path).size : 0);
