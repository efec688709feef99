/**
 * Building the diagnostics of this folder: one place that shortens foreign names for printing and turns failures of the
 * operating system into words. The sentences themselves stand in the `*Messages.ts` file of each area.
 */
import { UserError, type Diagnostic, type Place } from '../base/errors.ts';

const LONGEST_PRINTED_NAME = 80;

/** A problem before it has a place: what is wrong, what was found, what to do. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly found?: string;
  readonly fix: string;
}

export function problemAt(where: Place, problem: Problem): Diagnostic {
  return { severity: 'error', where, ...problem };
}

/** Throws the problem as a `UserError`. */
export function refuse(where: Place, problem: Problem): never {
  throw new UserError(problemAt(where, problem));
}

/** A foreign name made safe to print: escaped, quoted, and cut in the middle when it is long. */
export function printName(name: string): string {
  return JSON.stringify(shorten(name));
}

/** A foreign name cut to a printable length, for `Place.tensor`. */
export function shorten(name: string): string {
  if (name.length <= LONGEST_PRINTED_NAME) return name;
  const half = LONGEST_PRINTED_NAME / 2 - 2;
  return `${name.slice(0, half)}...${name.slice(-half)}`;
}

/** Up to `limit` names in words: `"a", "b" and 3 more`. */
export function printNames(names: readonly string[], limit = 8): string {
  const shown = names.slice(0, limit).map(printName).join(', ');
  return names.length > limit ? `${shown} and ${names.length - limit} more` : shown;
}

/** The code of an error of the operating system (`ENOENT`, ...), or undefined for any other error. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Runs `body`; a failure of the operating system becomes a `UserError` that names `file` and what was being done. */
export function withSystemErrors<T>(file: string, doing: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw inWords(file, doing, error);
  }
}

/** As `withSystemErrors`, for promises. */
export async function withSystemErrorsAsync<T>(file: string, doing: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw inWords(file, doing, error);
  }
}

const SYSTEM_WORDS: ReadonlyMap<string, { readonly code: string; readonly why: string; readonly fix: string }> =
  new Map([
    ['ENOENT', { code: 'file-missing', why: 'There is no such file or folder', fix: 'Check the path.' }],
    ['EEXIST', { code: 'file-kind', why: 'A file stands where a folder must be', fix: 'Choose another path.' }],
    ['ENAMETOOLONG', { code: 'file-kind', why: 'The path is too long', fix: 'Choose a shorter path.' }],
    [
      'EMFILE',
      { code: 'file-limit', why: 'Too many files are open', fix: 'Raise the limit of open files, then try again.' },
    ],
    ['EBUSY', { code: 'file-busy', why: 'Another program is using it', fix: 'Close that program, then try again.' }],
    ['ENOTDIR', { code: 'file-missing', why: 'A part of the path is not a folder', fix: 'Check the path.' }],
    ['EISDIR', { code: 'file-kind', why: 'It is a folder, not a file', fix: 'Give the path of a file.' }],
    ['EACCES', { code: 'file-permission', why: 'Permission was denied', fix: 'Give this user access to it.' }],
    ['EPERM', { code: 'file-permission', why: 'Permission was denied', fix: 'Give this user access to it.' }],
    ['EROFS', { code: 'file-permission', why: 'The disk is read-only', fix: 'Choose a folder on a writable disk.' }],
    [
      'ENOSPC',
      { code: 'disk-full', why: 'The disk is full', fix: 'Free some space, then try again; nothing was changed.' },
    ],
    [
      'EDQUOT',
      {
        code: 'disk-full',
        why: 'The disk quota is used up',
        fix: 'Free some space, then try again; nothing was changed.',
      },
    ],
    [
      'EIO',
      { code: 'disk-fault', why: 'The disk reported a fault', fix: 'Check the disk, and try a file on another one.' },
    ],
  ]);

function inWords(file: string, doing: string, error: unknown): unknown {
  const code = systemCode(error);
  if (error instanceof UserError || code === undefined) return error;
  const words = SYSTEM_WORDS.get(code);
  if (words === undefined) return error;
  return new UserError(
    problemAt({ file }, { code: words.code, message: `${words.why} while ${doing}.`, found: code, fix: words.fix }),
  );
}
