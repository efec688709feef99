/**
 * Durable folders of files that are seen whole or not at all: `step-N` under `checkpoints`. A folder is made under a
 * temporary name, its files are written and fsynced, `COMMIT` (sizes and hashes of the others) comes last, then the folder
 * is fsynced, renamed, and its parent fsynced. What is inside the files is `checkpoint.ts`'s business.
 *
 * Invariants: a `step-N` without a valid COMMIT is never read; an older folder is removed only after the newer one was read
 * back and agrees with its hashes; a fault leaves every committed folder as it was.
 */
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import type { CheckpointIo } from './checkpointIo.ts';
import { systemCode } from './checkpointIo.ts';

const COMMIT_FILE = 'COMMIT';
const TEMPORARY = '.espalier-tmp';
const STEP_FOLDER = /^step-(\d+)(?:-(\d+))?$/;
/** Room that is asked for before a folder is written, as a multiple of its size. */
const SPARE = 1.2;

const commitSchema = z.object({
  files: z.array(z.object({ name: z.string(), bytes: z.int().min(0), sha256: z.string() })),
});
type Commit = z.infer<typeof commitSchema>;

/** Contents by name, in parts: those of a model are views into its buffers, which are not copied. */
export type Files = ReadonlyMap<string, readonly Uint8Array[]>;

export type WriteResult =
  | { readonly ok: true; readonly bytes: number }
  /** The operating system's reason, in its code or in words. */
  | { readonly ok: false; readonly reason: string };

/**
 * Writes `step-N`, or `step-N-2` and so on where that is taken, then removes all others. A fault of the disk is an answer,
 * not an exception.
 */
export function writeStepFolder(parent: string, step: number, files: Files, io: CheckpointIo): WriteResult {
  const temporary = join(parent, `step-${step}.${randomBytes(4).toString('hex')}${TEMPORARY}`);
  const commit: Commit = {
    files: [...files].map(([name, parts]) => ({ name, ...digest((take) => parts.forEach(take)) })),
  };
  const bytes = commit.files.reduce((n, f) => n + f.bytes, 0);
  try {
    io.makeFolder(parent);
    const free = io.freeBytes(parent);
    if (free < bytes * SPARE)
      return { ok: false, reason: `${free} bytes are free, ${Math.ceil(bytes * SPARE)} needed` };
    io.makeFolder(temporary);
    for (const [name, parts] of files) io.writeFile(join(temporary, name), parts);
    io.syncFolder(temporary);
    io.writeFile(join(temporary, COMMIT_FILE), [Buffer.from(JSON.stringify(commit), 'utf8')]);
    io.syncFolder(temporary);
    const others = io.list(parent).filter((name) => STEP_FOLDER.test(name));
    let name = `step-${step}`;
    for (let k = 2; others.includes(name); k++) name = `step-${step}-${k}`;
    io.rename(temporary, join(parent, name));
    io.syncFolder(parent);
    const read = readStepFolder(join(parent, name), io);
    if (!read.ok) return { ok: false, reason: `what was written reads back otherwise: ${read.reason}` };
    for (const other of others) removeQuietly(join(parent, other), io);
    return { ok: true, bytes };
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    removeQuietly(temporary, io);
    return { ok: false, reason: code };
  }
}

export type ReadResult =
  { readonly ok: true; readonly names: ReadonlySet<string> } | { readonly ok: false; readonly reason: string };

/** The files of a committed folder, after their hashes were checked. */
export function readStepFolder(folder: string, io: CheckpointIo): ReadResult {
  const commit = readCommit(folder, io);
  if (!commit) return { ok: false, reason: `${COMMIT_FILE} is missing or broken` };
  for (const { name, bytes, sha256 } of commit.files) {
    const found = quietly(() => digest((take) => io.readFile(join(folder, name), take)));
    if (!found) return { ok: false, reason: `${name} is missing` };
    if (found.bytes !== bytes || found.sha256 !== sha256) return { ok: false, reason: `${name} has changed` };
  }
  return { ok: true, names: new Set(commit.files.map((file) => file.name)) };
}

export interface NewestFolder {
  readonly step: number;
  readonly folder: string;
  readonly names: ReadonlySet<string>;
}

/**
 * The newest folder whose hashes agree. Temporary folders and those without COMMIT, which a crash leaves, are removed;
 * damaged ones are reported and left alone.
 */
export function newestStepFolder(
  parent: string,
  io: CheckpointIo,
  damaged: (folder: string, reason: string) => void,
): NewestFolder | undefined {
  const names = listQuietly(parent, io);
  for (const name of names) if (name.endsWith(TEMPORARY)) removeQuietly(join(parent, name), io);
  const found = names.flatMap((name) => {
    const match = STEP_FOLDER.exec(name);
    return match ? [{ name, step: Number(match[1]), attempt: Number(match[2] ?? 1) }] : [];
  });
  for (const { name, step } of found.sort((a, b) => b.step - a.step || b.attempt - a.attempt)) {
    const folder = join(parent, name);
    const read = readStepFolder(folder, io);
    if (read.ok) return { step, folder, names: read.names };
    if (!listQuietly(folder, io).includes(COMMIT_FILE)) removeQuietly(folder, io);
    else damaged(folder, read.reason);
  }
  return undefined;
}

function readCommit(folder: string, io: CheckpointIo): Commit | undefined {
  const text = quietly(() => readText(join(folder, COMMIT_FILE), io));
  if (text === undefined) return undefined;
  try {
    const parsed = commitSchema.safeParse(JSON.parse(text));
    const plain = (name: string): boolean => /^[\w.-]+$/.test(name) && !name.includes('..');
    return parsed.success && parsed.data.files.every((f) => plain(f.name)) ? parsed.data : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A small file as text. */
export function readText(path: string, io: CheckpointIo): string {
  const pieces: Buffer[] = [];
  io.readFile(path, (piece) => pieces.push(Buffer.from(piece)));
  return Buffer.concat(pieces).toString('utf8');
}

/** Size and hash of what is handed over. */
function digest(read: (take: (piece: Uint8Array) => void) => void): {
  readonly bytes: number;
  readonly sha256: string;
} {
  const hash = createHash('sha256');
  let bytes = 0;
  read((piece) => {
    hash.update(piece);
    bytes += piece.length;
  });
  return { bytes, sha256: hash.digest('hex') };
}

/** A file that is not there, or cannot be read, is undefined: its folder then counts as damaged. */
function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}

function listQuietly(folder: string, io: CheckpointIo): readonly string[] {
  return quietly(() => io.list(folder)) ?? [];
}

/** Tidying up must not hide the fault that made it necessary; what stays is swept at the next start. */
function removeQuietly(path: string, io: CheckpointIo): void {
  quietly(() => io.remove(path));
}
