/** Copies of files beside a document, durably, under a name that is free. A file that has the same content already serves. */
import { closeSync, constants, copyFileSync, fsyncSync, lstatSync, openSync, readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { fsyncFolder } from '../../base/durable.ts';
import { REFUSALS } from '../problems.ts';

/** Content is compared up to this size; a larger file gets a name of its own. */
const COMPARED = 64 * 2 ** 20;

function sameContent(a: string, b: string): boolean {
  const [one, other] = [lstatSync(a), lstatSync(b)];
  if (!one.isFile() || !other.isFile() || one.size !== other.size || one.size > COMPARED) return false;
  return readFileSync(a).equals(readFileSync(b));
}

/** @returns the name of the file in `folder` */
export function copyBeside(from: string, folder: string): string {
  if (!lstatSync(from).isFile()) throw REFUSALS.forbidden(basename(from));
  const name = basename(from);
  const ending = extname(name);
  const stem = name.slice(0, name.length - ending.length);
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? name : `${stem} ${n}${ending}`;
    const to = join(folder, candidate);
    try {
      copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (sameContent(from, to)) return candidate;
      continue;
    }
    const fd = openSync(to, 'r+');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    fsyncFolder(folder);
    return candidate;
  }
}
