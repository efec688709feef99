/**
 * What checkpoints ask of the file system, as an interface, so that tests can let any call fail. Every write is an
 * exclusive new file, fsynced; a file whose fsync failed is never written to again, but made anew at the next attempt
 * (Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020).
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
} from 'node:fs';
import { fsyncFolder, writeAll } from '../base/durable.ts';

export interface CheckpointIo {
  /** Bytes that this user may still write to the disk of `folder`. */
  freeBytes(folder: string): number;
  makeFolder(path: string): void;
  /** Writes a new file and waits until it is on the disk. */
  writeFile(path: string, bytes: Uint8Array): void;
  syncFolder(path: string): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
  list(folder: string): readonly string[];
  readFile(path: string): Uint8Array;
}

export const fileSystem: CheckpointIo = {
  freeBytes: (folder) => {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  },
  makeFolder: (path) => {
    mkdirSync(path, { recursive: true });
  },
  writeFile: (path, bytes) => {
    const fd = openSync(path, 'wx');
    try {
      writeAll(fd, bytes);
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
  readFile: (path) => readFileSync(path),
};

/** The code of a failure of the operating system, such as ENOSPC; undefined for every other error. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
