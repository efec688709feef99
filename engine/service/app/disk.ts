/** What takes room under the home folder, and its removal. Only what this list names by id can be removed. */
import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
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

/** When something below a folder was written last. */
function lastChange(path: string): number {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (!facts) return 0;
  if (!facts.isDirectory()) return facts.mtimeMs;
  return Math.max(facts.mtimeMs, ...readdirSync(path).map((name) => lastChange(join(path, name))));
}

const QUIET_AFTER = 5 * 60_000;
const RESULTS_FOLDER = '.espalier';
/** How deep folders of the workspace are looked through for results. */
const DEEPEST = 3;

/** Results of runs, by the document they are of. Those of a document that is gone can be removed here; others run by run. */
function results(workspace: string): readonly Place[] {
  const found: Place[] = [];
  const visit = (folder: string, depth: number): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const path = join(folder, entry.name);
      if (entry.name === RESULTS_FOLDER) found.push(...resultsIn(workspace, folder, path));
      else if (depth < DEEPEST && !entry.name.startsWith('.')) visit(path, depth + 1);
    }
  };
  visit(workspace, 0);
  return found;
}

function resultsIn(workspace: string, folder: string, path: string): readonly Place[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }): Place => {
      const isThere = [`${name}.espalier.json`, `${name}.json`].some((file) => existsSync(join(folder, file)));
      const what = `Results of ${name}${isThere ? '' : ', whose document is gone'}`;
      const results = join(path, name);
      // A run may still write there, although somebody removed its document.
      const isQuiet = Date.now() - lastChange(results) > QUIET_AFTER;
      return { id: `results:${relative(workspace, results)}`, what, path: results, removable: !isThere && isQuiet };
    });
}

export interface DiskFolders {
  readonly home: string;
  readonly workspace: string;
}

/** @param inUse references of backbones that open documents name */
function places({ home, workspace }: DiskFolders, inUse: ReadonlySet<string>): readonly Place[] {
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
  return [...models, ...results(workspace), ...scratch.filter((s) => existsSync(s.path))];
}

export function diskUse(folders: DiskFolders, inUse: ReadonlySet<string>): DiskUse {
  return {
    entries: places(folders, inUse).map(({ id, what, path, removable }) => ({
      id,
      what,
      bytes: bytesOf(path),
      removable,
    })),
  };
}

/** Removes entries of the list; what is in use or unknown stays. Gives the bytes that were freed. */
export function cleanDisk(folders: DiskFolders, ids: readonly string[], inUse: ReadonlySet<string>): number {
  let freed = 0;
  for (const place of places(folders, inUse)) {
    if (!place.removable || !ids.includes(place.id)) continue;
    freed += bytesOf(place.path);
    rmSync(place.path, { recursive: true, force: true });
  }
  return freed;
}
