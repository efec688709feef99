/**
 * One model of the store: a folder `models/KEY` with a record `entry.json` and, unless the model is registered by
 * reference, its `files`. There is no common index, so that two processes never write the same file: an entry appears
 * whole, by renaming a finished folder.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as z from 'zod';
import { fsyncFolder, writeFileDurable } from '../base/durable.ts';
import { UserError, type Diagnostic } from '../base/errors.ts';
import { STORE_PROBLEMS as problems } from './checkpointMessages.ts';
import { readStrictJson } from './jsonFile.ts';
import { refuse, systemCode } from './refusal.ts';

export type ModelSource = 'hub' | 'package' | 'reference' | 'copy';

export interface ModelEntry {
  /** The name that a person types, e.g. `sentence-transformers/all-MiniLM-L6-v2`. */
  readonly id: string;
  readonly source: ModelSource;
  /** Where it came from: address of the hub, requirement of the package, or folder. */
  readonly origin: string;
  /** The commit, when there is one. */
  readonly revision: string | null;
  readonly licence: string | null;
  /** `Checkpoint.hash()` at the time of registering. */
  readonly contentHash: string;
  /** Absolute path of the folder with the files. */
  readonly folder: string;
}

const ENTRY_FILE = 'entry.json';
export const FILES_FOLDER = 'files';
const LARGEST_ENTRY = 1024 * 1024;

const recordSchema = z.strictObject({
  version: z.literal(1),
  id: z.string(),
  source: z.enum(['hub', 'package', 'reference', 'copy']),
  origin: z.string(),
  revision: z.string().nullable(),
  licence: z.string().nullable(),
  contentHash: z.string().regex(/^[0-9a-f]{64}$/),
  /** Null when the files lie in the store. */
  folder: z.string().nullable(),
});
type ModelRecord = z.infer<typeof recordSchema>;

export const modelsFolder = (home: string): string => join(home, 'models');

/**
 * Folder name of a model. `/` cannot stand in it, and `--` cannot stand in a name, so that no two names share a key.
 */
export function keyOf(id: string, revision?: string): string {
  const suffix = revision === undefined || revision === 'main' ? '' : `@${revision.replaceAll('/', '--')}`;
  return `${id.replaceAll('/', '--')}${suffix}`;
}

/** The entry with this key, or undefined. Throws a `UserError` when its record is damaged. */
export function readEntry(home: string, key: string): ModelEntry | undefined {
  const folder = join(modelsFolder(home), key);
  const path = join(folder, ENTRY_FILE);
  if (!existsSync(path)) return undefined;
  const parsed = recordSchema.safeParse(readStrictJson(path, 'model-entry', LARGEST_ENTRY));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return refuse(
      { file: path },
      problems.entry(issue === undefined ? 'no record' : `${issue.path.join('.')}: ${issue.message}`),
    );
  }
  const { version: _, folder: referenced, ...rest } = parsed.data;
  return { ...rest, folder: referenced ?? join(folder, FILES_FOLDER) };
}

/** All entries by name, and what is wrong with the records that cannot be read. */
export function readEntries(home: string): {
  readonly models: readonly ModelEntry[];
  readonly problems: readonly Diagnostic[];
} {
  const models: ModelEntry[] = [];
  const found: Diagnostic[] = [];
  for (const key of foldersIn(modelsFolder(home))) {
    try {
      const entry = readEntry(home, key);
      if (entry !== undefined) models.push(entry);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      found.push(...error.diagnostics);
    }
  }
  models.sort((a, b) => (a.id < b.id ? -1 : 1));
  return { models, problems: found };
}

/** Replaces the record of an entry that exists. */
export function rewriteEntry(home: string, key: string, entry: ModelEntry): void {
  writeRecord(join(modelsFolder(home), key), entry, entry.folder);
}

/**
 * Makes the folder `staged` the entry `key`: writes its record, then renames it into place.
 *
 * @param reference the folder of a model that stays where it is; without it the files lie in `staged/files`.
 * @returns the entry, which is that of another process when it was faster.
 */
export function commitEntry(
  home: string,
  key: string,
  staged: string,
  entry: Omit<ModelEntry, 'folder'>,
  reference?: string,
): ModelEntry {
  writeRecord(staged, entry, reference ?? null);
  const target = join(modelsFolder(home), key);
  mkdirSync(modelsFolder(home), { recursive: true });
  try {
    renameSync(staged, target);
    fsyncFolder(modelsFolder(home));
  } catch (error) {
    const winner = isOccupied(error) ? readEntry(home, key) : undefined;
    if (winner === undefined) throw error;
    rmSync(staged, { recursive: true, force: true });
    return winner;
  }
  return { ...entry, folder: reference ?? join(target, FILES_FOLDER) };
}

function writeRecord(folder: string, entry: Omit<ModelEntry, 'folder'>, referenced: string | null): void {
  const { id, source, origin, revision, licence, contentHash } = entry;
  const record: ModelRecord = { version: 1, id, source, origin, revision, licence, contentHash, folder: referenced };
  writeFileDurable(join(folder, ENTRY_FILE), `${JSON.stringify(record, undefined, 2)}\n`);
}

/** Names of the folders in `path`, sorted; none when it is missing. Names with a leading dot are not models. */
export function foldersIn(path: string): readonly string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    return entries
      .filter((e) => e.isDirectory() && !e.name.startsWith('.'))
      .map((e) => basename(e.name))
      .sort();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** What `rename` of a folder says when its target is there: differs by platform. */
function isOccupied(error: unknown): boolean {
  return ['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES'].includes(systemCode(error) ?? '');
}
