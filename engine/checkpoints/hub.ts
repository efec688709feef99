/**
 * A model from a Hugging Face-compatible hub: the list of its files at one commit, then only the files of
 * `chooseModelFiles`, verified, into a staging folder. The caller (store.ts) renames it when the model is whole.
 * Nothing that the hub says becomes a path: file names are compared with known ones, and shards must be plain names.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { fsyncFolder } from '../base/durable.ts';
import { UserError } from '../base/errors.ts';
import { downloadFile, type RemoteFile } from './hubDownload.ts';
import {
  bodyOf,
  faultOfStatus,
  HUB_TIMING,
  hubEndpoint,
  hubUrl,
  networkFault,
  PUBLIC_HUB,
  send,
  withTries,
} from './hubHttp.ts';
import type { Attempt, HubConnection, HubTiming } from './hubHttp.ts';
import { HUB_PROBLEMS as problems } from './hubMessages.ts';
import { chooseModelFiles, licenceOfCard } from './modelFiles.ts';
import { refuse, withSystemErrors } from './refusal.ts';
import { readShardIndex } from './shardIndex.ts';

export interface DownloadProgress {
  readonly file: string;
  readonly fileBytes: number;
  readonly fileSize: number | undefined;
  /** Over all files of the model. */
  readonly bytes: number;
  readonly totalBytes: number | undefined;
}

export interface HubOptions {
  /** Default: the public hub. */
  readonly endpoint?: string;
  /** Branch, tag or commit. */
  readonly revision?: string;
  /** Access token for gated and private models. */
  readonly token?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly timing?: Partial<HubTiming>;
}

export interface DownloadedModel {
  readonly id: string;
  /** The commit. */
  readonly revision: string;
  readonly licence: string | undefined;
  /** The folder below `staging` that holds the files. */
  readonly folder: string;
  readonly files: readonly { readonly name: string; readonly size: number | undefined; readonly verified: boolean }[];
}

const ID_PART = '[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?';
const MODEL_ID = new RegExp(`^${ID_PART}(?:/${ID_PART})?$`);
const REVISION = /^[A-Za-z0-9_](?:[A-Za-z0-9_./-]{0,200}[A-Za-z0-9_])?$/;
const LARGEST_LIST = 32 * 1024 * 1024;
/** Kept free beside the model itself. */
const SPARE_BYTES = 64 * 1024 * 1024;

const modelInfoSchema = z.object({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: z.int().nonnegative().nullish(),
      blobId: z.string().nullish(),
      lfs: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/), size: z.int().nonnegative() }).nullish(),
    }),
  ),
  cardData: z.unknown(),
});
type ModelInfo = z.infer<typeof modelInfoSchema>;
const cardSchema = z.object({ license: z.string() });

/**
 * True for `org/name` and for a single name; `--` and `..` are excluded, as the hub does, so that names map to
 * folders.
 */
export function isModelId(id: string): boolean {
  return MODEL_ID.test(id) && !id.includes('--') && !id.includes('..');
}

export function isRevision(revision: string): boolean {
  return REVISION.test(revision) && !revision.includes('..') && !revision.includes('//');
}

/**
 * Downloads a model into `staging/COMMIT`, going on with what an earlier try left there.
 *
 * Throws a `UserError` whose code begins with `hub-` (or `disk-full`), or the reason of the aborted signal.
 */
export async function downloadModel(id: string, staging: string, options: HubOptions = {}): Promise<DownloadedModel> {
  if (!isModelId(id)) refuse({}, problems.modelId(id));
  const revision = options.revision ?? 'main';
  if (!isRevision(revision)) refuse({}, problems.revision(revision));
  const connection = connect(options);
  const info = await fetchModelInfo(connection, id, revision);
  const folder = join(staging, info.sha);
  withSystemErrors(staging, 'making the folder', () => {
    mkdirSync(folder, { recursive: true });
    for (const other of readdirSync(staging))
      if (other !== info.sha) rmSync(join(staging, other), { recursive: true, force: true });
  });
  const files = await downloadAll(connection, id, info, folder, options.onProgress);
  fsyncFolder(folder);
  return { id, revision: info.sha, licence: await licenceOf(info, folder), folder, files };
}

function connect(options: HubOptions): HubConnection {
  return {
    endpoint: hubEndpoint(options.endpoint ?? PUBLIC_HUB),
    token: options.token,
    signal: options.signal,
    timing: { ...HUB_TIMING, ...options.timing },
  };
}

async function downloadAll(
  connection: HubConnection,
  id: string,
  info: ModelInfo,
  folder: string,
  onProgress: HubOptions['onProgress'],
): Promise<DownloadedModel['files']> {
  const remote = new Map(info.siblings.map((s) => [s.rfilename, remoteFile(connection, id, info.sha, s)]));
  const choice = chooseModelFiles(new Set(remote.keys()));
  if (!choice.hasConfig) refuse({}, problems.noConfig(id));
  if (!choice.hasTokenizer) refuse({}, problems.noTokenizer(id));
  const { weights } = choice;
  if (weights === undefined) {
    const others = [...remote.keys()].filter((name) => /^[^/]+\.(?:bin|h5|msgpack|gguf|onnx|pt|ot)$/.test(name));
    return refuse({}, problems.noSafetensors(id, others));
  }
  const names = [...choice.small, weights.name];
  if (weights.kind === 'sharded') {
    await downloadFile(connection, remote.get(weights.name)!, folder, () => undefined);
    for (const shard of readShardIndex(join(folder, weights.name)).keys()) {
      if (!remote.has(shard)) refuse({}, problems.missingFile(id, shard));
      names.push(shard);
    }
  }
  const chosen = names.map((name) => remote.get(name)!);
  await requireSpace(folder, chosen);
  const progress = progressOver(chosen, onProgress);
  const done: DownloadedModel['files'][number][] = [];
  for (const file of chosen) {
    const announced = await downloadFile(connection, file, folder, (bytes) => progress(file, bytes));
    done.push({ name: file.name, size: announced.size, verified: announced.hash !== undefined });
  }
  return done;
}

function remoteFile(
  connection: HubConnection,
  model: string,
  sha: string,
  s: ModelInfo['siblings'][number],
): RemoteFile {
  return {
    model,
    name: s.rfilename,
    url: hubUrl(connection, ...model.split('/'), 'resolve', sha, s.rfilename),
    size: s.lfs?.size ?? s.size ?? undefined,
    hash: announcedHash(s),
  };
}

function announcedHash({ lfs, blobId }: ModelInfo['siblings'][number]): RemoteFile['hash'] {
  if (lfs !== null && lfs !== undefined) return { kind: 'sha256', value: lfs.sha256 };
  return /^[0-9a-f]{40}$/.test(blobId ?? '') ? { kind: 'git-sha1', value: blobId ?? '' } : undefined;
}

async function fetchModelInfo(connection: HubConnection, id: string, revision: string): Promise<ModelInfo> {
  const url = hubUrl(connection, 'api', 'models', ...id.split('/'), 'revision', revision);
  url.searchParams.set('blobs', 'true');
  const text = await withTries(connection, () => fetchText(connection, url, id, revision));
  const parsed = modelInfoSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return refuse(
      {},
      problems.answer(issue === undefined ? 'no JSON object' : `${issue.path.join('.')}: ${issue.message}`),
    );
  }
  return parsed.data;
}

async function fetchText(connection: HubConnection, url: URL, id: string, revision: string): Promise<Attempt<string>> {
  const sent = await send(connection, url, new Map());
  if (!('done' in sent)) return sent;
  const { response, watch } = sent.done;
  try {
    if (response.status !== 200) {
      await response.body?.cancel();
      return faultOfStatus(connection, response, id, problems.missingModel(id, revision));
    }
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of bodyOf(response)) {
      watch.alive();
      size += chunk.length;
      if (size > LARGEST_LIST) refuse({}, problems.answer(`more than ${LARGEST_LIST} bytes`));
      chunks.push(chunk);
    }
    return { done: Buffer.concat(chunks).toString('utf8') };
  } catch (error) {
    if (error instanceof UserError) throw error;
    return networkFault(connection, error);
  } finally {
    watch.stop();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function licenceOf(info: ModelInfo, folder: string): Promise<string | undefined> {
  const card = cardSchema.safeParse(info.cardData);
  if (card.success) return card.data.license;
  if (!readdirSync(folder).includes('README.md')) return undefined;
  return licenceOfCard(await readFile(join(folder, 'README.md'), 'utf8'));
}

async function requireSpace(folder: string, files: readonly RemoteFile[]): Promise<void> {
  const staged = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  const needed = files.reduce((sum, f) => sum + (f.size ?? 0), 0) - staged + SPARE_BYTES;
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < needed) refuse({ file: folder }, problems.noSpace(needed, bavail * bsize));
}

function progressOver(
  files: readonly RemoteFile[],
  report: HubOptions['onProgress'],
): (file: RemoteFile, bytes: number) => void {
  const isKnown = files.every((f) => f.size !== undefined);
  const totalBytes = isKnown ? files.reduce((sum, f) => sum + (f.size ?? 0), 0) : undefined;
  const have = new Map<string, number>();
  let bytes = 0;
  return (file, fileBytes) => {
    bytes += fileBytes - (have.get(file.name) ?? 0);
    have.set(file.name, fileBytes);
    report?.({ file: file.name, fileBytes, fileSize: file.size, bytes, totalBytes });
  };
}
