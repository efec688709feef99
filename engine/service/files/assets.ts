/**
 * Files that a document names. They lie below the document's folder or the workspace, after all links are followed;
 * opening a document that someone else wrote must not let it read the rest of the disk.
 */
import { lstatSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { UserError, type Place } from '../../base/errors.ts';
import { problem } from '../problems.ts';
import { isInside, type Workspace } from './workspace.ts';

/** The real path of a regular file that a document in `folder` names. Throws a `UserError` that points at `where`. */
export function assetFile(folder: string, workspace: Workspace, path: string, where: Place): string {
  const refuse = (code: string, message: string, fix: string): never => {
    throw new UserError(problem(code, message, fix, { where, found: path }));
  };
  if (path === '') return refuse('file-unnamed', 'No file is chosen.', 'Choose a file.');
  let found: string;
  try {
    found = realpathSync(resolve(folder, path));
  } catch {
    return refuse('file-missing', 'The file is not there.', 'Say where it is now, or choose another one.');
  }
  if (!isInside(found, realpathSync(folder)) && !isInside(found, workspace.folder)) {
    return refuse(
      'file-outside',
      'The file lies outside of the folders that this document may use.',
      'Copy it beside the document.',
    );
  }
  if (!lstatSync(found).isFile()) return refuse('file-kind', 'This is no regular file.', 'Choose a data file.');
  return found;
}
