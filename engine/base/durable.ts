/**
 * Durable file writes: an exclusive temporary file in the same folder, fsync, rename, fsync of the folder
 * (reliability.md 1.5). A reader sees the old file or the new one, never a part of either. Temporary files end in
 * `.espalier-tmp` so that a start can sweep what a crash left.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

const TEMPORARY_SUFFIX = '.espalier-tmp';

/** Replaces `path` with `chunks`, durably. On any fault the old file stays as it was and the temporary one is removed. */
export function writeFileDurable(path: string, chunks: Iterable<Uint8Array> | string): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}${TEMPORARY_SUFFIX}`;
  const parts = typeof chunks === 'string' ? [Buffer.from(chunks, 'utf8')] : chunks;
  mkdirSync(dirname(path), { recursive: true });
  try {
    const fd = openSync(temporary, 'wx');
    try {
      for (const part of parts) writeAll(fd, part);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  fsyncFolder(dirname(path));
}

/** `writeSync` may write fewer bytes than asked for; the rest is written until none is left. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  let offset = 0;
  while (offset < bytes.length) offset += writeSync(fd, bytes, offset, bytes.length - offset);
}

export function fsyncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Removes the temporary files that a crashed writer left in `folder`. */
export function sweepTemporaries(folder: string): void {
  for (const name of readdirSync(folder))
    if (name.endsWith(TEMPORARY_SUFFIX)) rmSync(join(folder, name), { force: true });
}
