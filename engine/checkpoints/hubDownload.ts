/**
 * One file from a hub to the disk. Bytes go to `NAME.part`, which survives a break, a stop and a crash; the next try
 * asks for the rest. `NAME` itself appears only by renaming a part whose size and hash are those that the hub
 * announced.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { HUB_PROBLEMS as problems } from './hubMessages.ts';
import { bodyOf, faultOfStatus, networkFault, send, wholeNumber, withTries } from './hubHttp.ts';
import type { Attempt, HubAnswer, HubConnection } from './hubHttp.ts';
import { refuse, systemCode, withSystemErrorsAsync } from './refusal.ts';

export interface RemoteFile {
  readonly model: string;
  readonly name: string;
  readonly url: URL;
  readonly size: number | undefined;
  /** SHA-256 of the content (large files), or the Git blob hash: SHA-1 of `blob SIZE\0` and the content. */
  readonly hash: { readonly kind: 'sha256' | 'git-sha1'; readonly value: string } | undefined;
}

/** Bytes of this file on the disk so far. */
export type FileProgress = (bytes: number) => void;

/** What is known of a file once its answer began. */
type Announced = Pick<RemoteFile, 'size' | 'hash'>;

/**
 * Downloads into `folder/NAME`, unless it is there already and whole.
 *
 * @returns what was announced and verified. Throws a `UserError`, or the reason of the aborted signal.
 */
export async function downloadFile(
  connection: HubConnection,
  file: RemoteFile,
  folder: string,
  onProgress: FileProgress,
): Promise<Announced> {
  const target = join(folder, file.name);
  const present = await sizeOf(target);
  if (present !== undefined && present === file.size && (await mismatchOf(target, file)) === undefined) {
    onProgress(present);
    return file;
  }
  return withSystemErrorsAsync(target, 'downloading it', () => downloadPart(connection, file, target, onProgress));
}

async function downloadPart(
  connection: HubConnection,
  file: RemoteFile,
  target: string,
  onProgress: FileProgress,
): Promise<Announced> {
  const part = `${target}.part`;
  let damagedBefore = false;
  for (;;) {
    const announced = await withTries(connection, () => fetchRest(connection, file, part, onProgress));
    const mismatch = await mismatchOf(part, { ...file, ...announced });
    if (mismatch === undefined) {
      await rename(part, target);
      return announced;
    }
    await rm(part, { force: true });
    const kind = announced.hash?.kind === 'sha256' ? 'SHA-256' : 'Git hash';
    if (damagedBefore)
      refuse({ file: target }, problems.checksum(file.name, kind, announced.hash?.value ?? '', mismatch));
    damagedBefore = true;
  }
}

/** One request for what is missing of the part. */
async function fetchRest(
  connection: HubConnection,
  file: RemoteFile,
  part: string,
  onProgress: FileProgress,
): Promise<Attempt<Announced>> {
  let have = (await sizeOf(part)) ?? 0;
  if (file.size !== undefined && have > file.size) {
    await rm(part);
    have = 0;
  }
  if (file.hash !== undefined && have === file.size && have > 0) return { done: file };
  const headers = new Map(have > 0 ? [['range', `bytes=${have}-`]] : []) as ReadonlyMap<string, string>;
  const sent = await send(connection, file.url, headers);
  if (!('done' in sent)) return sent;
  const { response, watch } = sent.done;
  try {
    if (response.status !== 200 && response.status !== 206) {
      await response.body?.cancel();
      const isExpiredLink = response.status === 403 && new URL(response.url).origin !== connection.endpoint.origin;
      if (response.status === 416) await rm(part, { force: true });
      if (response.status === 416 || isExpiredLink) {
        return { retry: (tries) => problems.broken(file.name, have, file.size, tries) };
      }
      return faultOfStatus(connection, response, file.model, problems.missingFile(file.model, file.name));
    }
    const announced = announcedBy(sent.done, file);
    const from = response.status === 206 ? rangeStart(response) : 0;
    if (from !== 0 && from !== have) {
      await response.body?.cancel();
      await rm(part, { force: true });
      return { retry: (tries) => problems.broken(file.name, have, announced.size, tries) };
    }
    return await storeBody(connection, sent.done, { ...file, ...announced }, part, from, onProgress);
  } finally {
    watch.stop();
  }
}

/** Writes the body to the part from byte `from` on. */
async function storeBody(
  connection: HubConnection,
  { response, watch }: HubAnswer,
  file: RemoteFile,
  part: string,
  from: number,
  onProgress: FileProgress,
): Promise<Attempt<Announced>> {
  const handle = await open(part, from === 0 ? 'w' : 'r+');
  const announced = { size: file.size, hash: file.hash };
  let at = from;
  let isTooLong = false;
  try {
    for await (const chunk of bodyOf(response)) {
      watch.alive();
      isTooLong = file.size !== undefined && at + chunk.length > file.size;
      if (isTooLong) break;
      await writeFully(handle, chunk, at);
      at += chunk.length;
      onProgress(at);
    }
  } catch (error) {
    if (systemCode(error) !== undefined) throw error;
    // The reason is the same as for a body that ends early: what counts is how far the file came.
    networkFault(connection, error);
    return { retry: (tries) => problems.broken(file.name, at, file.size, tries), progress: at > from };
  } finally {
    await handle.sync();
    await handle.close();
  }
  if (isTooLong) {
    await rm(part);
    return refuse({}, problems.tooLong(file.name, file.size ?? 0));
  }
  if (file.size === undefined || at === file.size) return { done: announced };
  return { retry: (tries) => problems.broken(file.name, at, file.size, tries), progress: at > from };
}

/** Size and hash, from the list of the model where it has them, else from the headers of the answer. */
function announcedBy({ response, linkedEtag, linkedSize }: HubAnswer, file: RemoteFile): Announced {
  const range = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
  const length = response.status === 200 ? wholeNumber(response.headers.get('content-length')) : wholeNumber(range);
  const linkedHash = /^"?([0-9a-f]{64})"?$/.exec(linkedEtag ?? '')?.[1];
  const isEncoded = response.headers.has('content-encoding');
  return {
    size: file.size ?? linkedSize ?? (isEncoded ? undefined : length),
    hash: file.hash ?? (linkedHash === undefined ? undefined : { kind: 'sha256', value: linkedHash }),
  };
}

function rangeStart(response: Response): number | undefined {
  return wholeNumber(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1]);
}

async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length)
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

/** The hash that was found when it is not the announced one. */
async function mismatchOf(path: string, { hash, size }: Announced): Promise<string | undefined> {
  if (hash === undefined) return undefined;
  const digest = createHash(hash.kind === 'sha256' ? 'sha256' : 'sha1');
  if (hash.kind === 'git-sha1') digest.update(`blob ${size ?? (await sizeOf(path)) ?? 0}\0`);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) digest.update(chunk as Buffer);
  const found = digest.digest('hex');
  return found === hash.value ? undefined : found;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
