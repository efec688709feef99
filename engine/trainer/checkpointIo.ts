/**
 * What checkpoints ask of the file system, as an interface, so that tests can let any call fail. Every write is an
 * exclusive new file, fsynced; a file whose fsync failed is never written to again, but made anew at the next attempt
 * (Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020).
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
} from 'node:fs';
import { fsyncFolder, writeAll } from '../base/durable.ts';

export interface CheckpointIo {
  /** Bytes that this user may still write to the disk of `folder`. */
  freeBytes(folder: string): number;
  makeFolder(path: string): void;
  /** Writes a new file of these parts and waits until it is on the disk. */
  writeFile(path: string, parts: Iterable<Uint8Array>): void;
  syncFolder(path: string): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
  list(folder: string): readonly string[];
  /** Hands over the bytes of a file piece by piece; a piece holds until the next one. */
  readFile(path: string, take: (piece: Uint8Array) => void): void;
}

/** Bytes of a piece: checkpoints of whole models are larger than what Node reads at once. */
const PIECE_BYTES = 2 ** 22;

export const fileSystem: CheckpointIo = {
  freeBytes: (folder) => {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  },
  makeFolder: (path) => {
    mkdirSync(path, { recursive: true });
  },
  writeFile: (path, parts) => {
    const fd = openSync(path, 'wx');
    try {
      for (const part of parts) writeAll(fd, part);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  },
  syncFolder: fsyncFolder,
  rename: renameSync,
  remove: (path) => {
    rmSync(path, { recursive: true, force: true });
  },
  list: (folder) => readdirSync(folder).sort(),
  readFile: (path, take) => {
    const fd = openSync(path, 'r');
    try {
      const piece = Buffer.alloc(Math.min(PIECE_BYTES, Math.max(1, fstatSync(fd).size)));
      for (let read = readSync(fd, piece); read > 0; read = readSync(fd, piece)) take(piece.subarray(0, read));
    } finally {
      closeSync(fd);
    }
  },
};

/** The code of a failure of the operating system, such as ENOSPC; undefined for every other error. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
