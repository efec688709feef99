/**
 * The folder that the page may use. A path of the page is relative, is resolved below the folder, and what it leads to is
 * looked at after all links are followed: it must still lie inside, and be a regular file or a folder.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
} from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import type { FileEntry } from '../../protocol/api/app.ts';
import { REFUSALS } from '../problems.ts';

export interface Workspace {
  /** Real path of the folder. */
  readonly folder: string;
  /** Real path of an existing regular file; refuses anything else. */
  readonly file: (path: string) => string;
  /** Real path of an existing folder; '' is the workspace itself. */
  readonly directory: (path: string) => string;
  /** Where a file of this name would be written in a folder of the workspace; it need not exist. */
  readonly place: (directory: string, name: string) => string;
  readonly list: (path: string) => readonly FileEntry[];
  /** The path relative to the workspace with `/`, or undefined when it lies outside. */
  readonly relative: (path: string) => string | undefined;
}

const LARGEST_LISTING = 5000;

/** Names that no file may be given: hidden, reserved on some system, or with a separator in them. */
export function isPlainName(name: string): boolean {
  return (
    name.length > 0 &&
    Buffer.byteLength(name) <= 200 &&
    // eslint-disable-next-line no-control-regex -- control characters are exactly what is looked for.
    !/[\u0000-\u001f\u007f/\\:*?"<>|]/.test(name) &&
    !/^[. ]|[. ]$/.test(name) &&
    !/^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i.test(name)
  );
}

/** Whether `path` is `folder` or lies below it; both real. */
export const isInside = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

/** The parts of a relative path; refuses what is absolute, goes up, or holds anything strange. */
function partsOf(path: string): readonly string[] {
  if (path === '') return [];
  const parts = path.split('/');
  // eslint-disable-next-line no-control-regex -- control characters are exactly what is looked for.
  const isStrange = path.length > 4096 || /[\u0000-\u001f\u007f\\]/.test(path) || /^[A-Za-z]:/.test(path);
  if (isStrange || parts.some((p) => p === '' || p === '.' || p === '..')) throw REFUSALS.forbidden(path);
  return parts;
}

function real(path: string, shown: string): string {
  try {
    return realpathSync(path);
  } catch {
    throw REFUSALS.forbidden(shown);
  }
}

export function openWorkspace(given: string): Workspace {
  mkdirSync(given, { recursive: true });
  const folder = realpathSync(given);
  const inside = (path: string): string => {
    const found = real(join(folder, ...partsOf(path)), path);
    if (!isInside(found, folder)) throw REFUSALS.forbidden(path);
    return found;
  };
  const directory = (path: string): string => {
    const found = inside(path);
    if (!lstatSync(found).isDirectory()) throw REFUSALS.forbidden(path);
    return found;
  };
  const relative = (path: string): string | undefined =>
    isInside(path, folder)
      ? path
          .slice(folder.length + 1)
          .split(sep)
          .join('/')
      : undefined;
  return {
    folder,
    relative,
    directory,
    file: (path) => {
      const found = inside(path);
      if (!lstatSync(found).isFile()) throw REFUSALS.forbidden(path);
      return found;
    },
    place: (path, name) => {
      if (!isPlainName(name)) throw REFUSALS.forbidden(name);
      return join(directory(path), name);
    },
    list: (path) => {
      const found = directory(path);
      const entries: FileEntry[] = [];
      for (const name of readdirSync(found)) {
        if (name.startsWith('.') || name.endsWith('.espalier-tmp')) continue;
        const entry = entryOf(join(found, name), name, relative, path);
        if (entry) entries.push(entry);
        if (entries.length >= LARGEST_LISTING) break;
      }
      return entries.sort((a, b) => Number(b.folder) - Number(a.folder) || (a.name < b.name ? -1 : 1));
    },
  };
}

/** Links that lead outside, devices and pipes are not shown at all. */
function entryOf(path: string, name: string, relative: Workspace['relative'], parent: string): FileEntry | undefined {
  try {
    const target = realpathSync(path);
    if (relative(target) === undefined) return undefined;
    const facts = lstatSync(target);
    if (!facts.isFile() && !facts.isDirectory()) return undefined;
    const shown = parent === '' ? name : `${parent}/${name}`;
    return { name, path: shown, folder: facts.isDirectory(), bytes: facts.isFile() ? facts.size : 0 };
  } catch {
    return undefined;
  }
}

/**
 * Reads a regular file whole. It is opened first and looked at through the descriptor, so that nothing can be put in its
 * place in between; a pipe or device is never waited on.
 */
export function readRegularFile(path: string, largest: number): Buffer {
  const fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0));
  try {
    const facts = fstatSync(fd);
    if (!facts.isFile()) throw REFUSALS.forbidden(basename(path));
    if (facts.size > largest) throw REFUSALS.tooLarge(`${facts.size} bytes, more than ${largest}`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The real path of a file that may not exist yet: its folder is real and the file is none or a regular one. */
export function realPlace(path: string): string {
  const place = join(real(dirname(path), path), basename(path));
  const facts = lstatSync(place, { throwIfNoEntry: false });
  if (facts?.isSymbolicLink()) return real(place, path);
  if (facts !== undefined && !facts.isFile()) throw REFUSALS.forbidden(basename(path));
  return place;
}
