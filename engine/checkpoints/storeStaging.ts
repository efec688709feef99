/**
 * Staging folders of the store, `models/.staging/KEY+HOST+PID+RANDOM`: where a model is put together before it appears.
 * A folder belongs to the process in its name. A process that wants a model which another one is fetching waits for it;
 * a folder whose owner is gone (or let go of it) is taken over by renaming, which only one process can win, so that a
 * broken download goes on instead of starting again. No lock file can go stale.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemCode, withSystemErrors } from './refusal.ts';
import { foldersIn, modelsFolder } from './storeEntry.ts';

/** An owner that wrote nothing for so long is not waited for: its number may belong to another process by now. */
const IDLE_MS = 120_000;
const POLL_MS = 200;
/** In the place of the process number: nobody's. */
const FREE = 0;

/**
 * What `isThere` gave, when another process was faster; else a folder that is ours, perhaps with files of an earlier
 * try.
 */
export type Claim<T> = { readonly found: T } | { readonly folder: string };

interface StagingName {
  readonly name: string;
  readonly key: string;
  readonly host: string;
  readonly pid: number;
}

/**
 * Waits until the model is there or nobody else is fetching it.
 *
 * @param isThere looks for the finished model.
 * @param onWait called once, when another process is being waited for.
 */
export async function claimStaging<T>(
  home: string,
  key: string,
  isThere: () => T | undefined,
  signal: AbortSignal | undefined,
  onWait: (pid: number) => void,
): Promise<Claim<T>> {
  const root = stagingRoot(home);
  withSystemErrors(root, 'making the folder', () => mkdirSync(root, { recursive: true }));
  for (let waited = false; ;) {
    signal?.throwIfAborted();
    const found = isThere();
    if (found !== undefined) return { found };
    const others = stagingOf(root, key);
    const busy = others.find((s) => isBusy(root, s));
    if (busy === undefined) {
      const mine = join(root, ownName(key));
      if (others.some((s) => renameIfThere(join(root, s.name), mine))) return { folder: mine };
      const isMine = withSystemErrors(mine, 'making the folder', () => makeAlone(root, key, mine, isThere));
      if (isMine) return { folder: mine };
    } else if (!waited) {
      onWait(busy.pid);
      waited = true;
    }
    const wait = POLL_MS * (0.5 + Math.random());
    await pause(wait, undefined, signal === undefined ? {} : { signal }).catch(() => signal?.throwIfAborted());
  }
}

/**
 * Makes the folder, and takes it back when the model appeared or another process made one since we looked: of two that
 * begin in the same instant, both may step back, and their random pauses part them.
 */
function makeAlone(root: string, key: string, mine: string, isThere: () => unknown): boolean {
  mkdirSync(mine);
  const isAlone = !stagingOf(root, key).some((s) => join(root, s.name) !== mine && isBusy(root, s));
  if (isAlone && isThere() === undefined) return true;
  rmdirSync(mine);
  return false;
}

/** Lets go of a staging folder after a failure, keeping its files for the next try. */
export function releaseStaging(home: string, key: string, folder: string): void {
  renameIfThere(folder, join(stagingRoot(home), stagingName(key, FREE)));
}

/** Removes what other tries left of a model that is finished now. */
export function sweepStaging(home: string, key: string): void {
  const root = stagingRoot(home);
  for (const other of stagingOf(root, key)) {
    if (!isBusy(root, other)) rmSync(join(root, other.name), { recursive: true, force: true });
  }
}

const stagingRoot = (home: string): string => join(modelsFolder(home), '.staging');
const hostKey = (): string => createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
const ownName = (key: string): string => stagingName(key, process.pid);

function stagingName(key: string, pid: number): string {
  return [key, hostKey(), pid, randomBytes(6).toString('hex')].join('+');
}

function stagingOf(root: string, key: string): readonly StagingName[] {
  return foldersIn(root).flatMap((name) => {
    const [ownKey, host, pid] = name.split('+');
    return ownKey === key && host !== undefined && /^\d+$/.test(pid ?? '')
      ? [{ name, key, host, pid: Number(pid) }]
      : [];
  });
}

/** Owned by a process that lives (as far as can be known from here) and wrote to it lately. */
function isBusy(root: string, { name, host, pid }: StagingName): boolean {
  if (pid === FREE || (host === hostKey() && !isAlive(pid))) return false;
  return Date.now() - lastWrite(join(root, name)) < IDLE_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

/** Newest time of modification in the folder and the folders in it; 0 when it is gone. */
function lastWrite(folder: string): number {
  try {
    const below = readdirSync(folder, { withFileTypes: true, recursive: true }).map((e) => join(e.parentPath, e.name));
    return Math.max(...[folder, ...below].map((path) => statSync(path).mtimeMs));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0;
    throw error;
  }
}

/** True when this call moved the folder; false when it was gone, so another process was faster. */
function renameIfThere(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}
