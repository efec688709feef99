/** Uploads: the bytes go to a new folder of the home, limited in size, and the page gets a grant for the file. */
import { randomBytes } from 'node:crypto';
import { createWriteStream, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { GrantId } from '../../protocol/api/fields.ts';
import type { Grants } from '../files/grants.ts';
import { isPlainName } from '../files/workspace.ts';
import { REFUSALS } from '../problems.ts';
import { isAlive } from '../projects/lock.ts';

export interface Uploads {
  /** Files that are given the same `folder` lie beside each other, and the grant is that of their folder. */
  readonly receive: (name: string, body: Readable, length: number, folder?: string) => Promise<GrantId>;
}

const folderOf = (home: string): string => join(home, 'uploads');

/** An adapter's folder has a handful of files. */
const MOST_FILES = 64;
const MOST_FOLDERS = 1000;

export function createUploads(home: string, grants: Grants, largest: number): Uploads {
  sweep(folderOf(home));
  /** Folders by the page's own names for them. */
  const folders = new Map<string, { readonly path: string; readonly grant: GrantId; files: number }>();
  const newFolder = (): string => {
    const path = join(folderOf(home), `${process.pid}-${randomBytes(9).toString('hex')}`);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  };

  /** Adds a file to a folder of uploads; a name that is there already is refused by the file system. */
  const receiveInto = async (key: string, name: string, body: Readable, length: number): Promise<GrantId> => {
    if (!/^[A-Za-z0-9_-]{8,64}$/.test(key)) throw REFUSALS.body('an "x-folder" of 8 to 64 letters, digits, "_" or "-"');
    let folder = folders.get(key);
    if (!folder) {
      if (folders.size >= MOST_FOLDERS) folders.clear();
      const path = newFolder();
      folder = { path, grant: grants.add(path, 'folder').id, files: 0 };
      folders.set(key, folder);
    }
    if (++folder.files > MOST_FILES) throw REFUSALS.tooLarge(`more than ${MOST_FILES} files in one folder`);
    const file = join(folder.path, name);
    if (existsSync(file)) throw REFUSALS.body(`"${name}" twice in one folder`);
    try {
      await pipeline(body, limited(length), createWriteStream(file, { flags: 'wx', mode: 0o600 }));
    } catch (error) {
      // A name that was there before is another file, which stays.
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw REFUSALS.body(`"${name}" twice in one folder`);
      rmSync(file, { force: true });
      throw error;
    }
    return folder.grant;
  };

  return {
    receive: async (given, body, length, key) => {
      const name = nameOf(given);
      if (length > largest) throw REFUSALS.tooLarge(`${length} bytes, more than ${largest}`);
      if (key !== undefined) return receiveInto(key, name, body, length);
      const folder = newFolder();
      const path = join(folder, name);
      try {
        await pipeline(body, limited(length), createWriteStream(path, { flags: 'wx', mode: 0o600 }));
        return grants.add(path, 'file').id;
      } catch (error) {
        rmSync(folder, { recursive: true, force: true });
        throw error;
      }
    },
  };
}

function nameOf(given: string): string {
  let name: string;
  try {
    name = decodeURIComponent(given);
  } catch {
    throw REFUSALS.forbidden('a name that cannot be read');
  }
  if (!isPlainName(name)) throw REFUSALS.forbidden(name.slice(0, 100));
  return name;
}

/** Passes exactly as many bytes as were stated. */
function limited(length: number): Transform {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      if (seen > length) done(REFUSALS.tooLarge(`more than the ${length} bytes that were stated`));
      else done(null, chunk);
    },
    flush(done) {
      done(seen === length ? null : REFUSALS.body(`${seen} bytes instead of ${length}`));
    },
  });
}

/** Uploads of services that have ended; nothing knows their grants any more. */
function sweep(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const pid = /^(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(folder, name), { recursive: true, force: true });
  }
}
