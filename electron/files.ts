/** Files that the shell is asked to open: by a double click, on the command line, by a second launch. */
import { statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';

const ENDING = '.espalier.json';

/** The documents among the arguments of a launch; options and what is no file are passed over. */
export function documentsOf(args: readonly string[], folder: string): readonly string[] {
  return args
    .filter((arg) => !arg.startsWith('-') && arg.toLowerCase().endsWith(ENDING))
    .map((arg) => (isAbsolute(arg) ? arg : resolve(folder, arg)))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}
