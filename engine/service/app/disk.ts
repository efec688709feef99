/** What takes room under the home folder, and its removal. Only what this list names by id can be removed. */
import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DiskUse } from '../../protocol/api/app.ts';
import { listModels } from '../../checkpoints/store.ts';

/** Folders of the home that hold only what can be made again. */
const SCRATCH: readonly (readonly [folder: string, what: string])[] = [
  ['cache', 'Cached values'],
  ['encoded', 'Encoded texts'],
  ['work', 'Work folders of runs'],
];

export function bytesOf(path: string): number {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (!facts) return 0;
  if (!facts.isDirectory()) return facts.isFile() ? facts.size : 0;
  return readdirSync(path).reduce((n, name) => n + bytesOf(join(path, name)), 0);
}

interface Place {
  readonly id: string;
  readonly what: string;
  readonly path: string;
  readonly removable: boolean;
}

/** @param inUse references of backbones that open documents name */
function places(home: string, inUse: ReadonlySet<string>): readonly Place[] {
  const models = listModels({ home }).models.map((m): Place => {
    const isOwn = m.source !== 'reference';
    const folder = isOwn ? join(m.folder, '..') : m.folder;
    return { id: `model:${m.id}`, what: `Model ${m.id}`, path: folder, removable: isOwn && !inUse.has(m.id) };
  });
  const scratch = SCRATCH.map(([folder, what]): Place => ({
    id: `scratch:${folder}`,
    what,
    path: join(home, folder),
    removable: folder !== 'work',
  }));
  return [...models, ...scratch.filter((s) => existsSync(s.path))];
}

export function diskUse(home: string, inUse: ReadonlySet<string>): DiskUse {
  return {
    entries: places(home, inUse).map(({ id, what, path, removable }) => ({
      id,
      what,
      bytes: bytesOf(path),
      removable,
    })),
  };
}

/** Removes entries of the list; what is in use or unknown stays. Gives the bytes that were freed. */
export function cleanDisk(home: string, ids: readonly string[], inUse: ReadonlySet<string>): number {
  let freed = 0;
  for (const place of places(home, inUse)) {
    if (!place.removable || !ids.includes(place.id)) continue;
    freed += bytesOf(place.path);
    rmSync(place.path, { recursive: true, force: true });
  }
  return freed;
}
