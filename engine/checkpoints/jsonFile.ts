/** Small files from strangers: read whole, bounded in size, and as JSON only when every byte of it is strict JSON. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { JsonCursor, SPACES } from './jsonCursor.ts';
import { refuse, withSystemErrors, type Problem } from './refusal.ts';

/** Reads a JSON file of at most `largest` bytes, checked by `JsonCursor`, as an unknown value. */
export function readStrictJson(path: string, area: string, largest: number): unknown {
  const bytes = readSmallFile(path, area, largest);
  const cursor = new JsonCursor(bytes, path, area);
  cursor.skip('the file');
  cursor.end(SPACES, 'the file');
  return JSON.parse(bytes.toString('utf8')) as unknown;
}

/** Reads a regular file of at most `largest` bytes. */
export function readSmallFile(path: string, area: string, largest: number): Buffer {
  return withSystemErrors(path, 'reading it', () => {
    const stat = statSync(path);
    if (!stat.isFile()) refuse({ file: path }, notAFile);
    if (stat.size > largest) {
      refuse(
        { file: path },
        {
          code: `${area}-too-large`,
          message: `The file is larger than ${largest} bytes.`,
          found: `${stat.size} bytes`,
          fix: 'Check that this is the right file.',
        },
      );
    }
    const fd = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(fstatSync(fd).size);
      let read = 0;
      for (let n = 1; n > 0 && read < bytes.length; read += n) n = readSync(fd, bytes, read, bytes.length - read, read);
      return bytes.subarray(0, read);
    } finally {
      closeSync(fd);
    }
  });
}

export const notAFile: Problem = {
  code: 'file-kind',
  message: 'This is not a regular file.',
  fix: 'Give the path of a file, not of a folder, a pipe or a device.',
};
