/** A stand-in for the model hub on this machine: the list of a model, its files with ranges, and faults on demand. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { encodeSafetensors } from '../../../engine/checkpoints/safetensors.ts';

export const COMMIT = 'a'.repeat(40);
export const MODEL = 'org/tiny-model';

/** Looks at a request before the server does; returns true when it answered. */
export type Fault = (request: IncomingMessage, response: ServerResponse, count: number) => boolean;

export interface HubServer {
  readonly endpoint: string;
  /** Method-free record of every request: path and range. */
  readonly requests: {
    readonly path: string;
    readonly range: string | undefined;
    readonly token: string | undefined;
  }[];
  /** Faults by path ending; each is told how many requests for that path came before. */
  readonly faults: Map<string, Fault>;
  readonly files: Map<string, Buffer>;
  /** What the list says beyond the files: names that lie, missing hashes. */
  listing: (siblings: Sibling[]) => unknown[];
  info: Record<string, unknown>;
}

export interface Sibling {
  readonly rfilename: string;
  readonly size?: number;
  readonly blobId?: string;
  readonly lfs?: { readonly sha256: string; readonly size: number };
}

/** A model of one small tensor and everything else that a model folder has. */
export function tinyModelFiles(): Map<string, Buffer> {
  const values = Float32Array.from({ length: 50_000 }, (_, i) => Math.sin(i));
  const weights = encodeSafetensors([{ name: 'w', dtype: 'F32', shape: [500, 100], data: values }]);
  return new Map([
    ['config.json', Buffer.from('{"model_type": "bert"}')],
    ['tokenizer.json', Buffer.from('{"version": "1.0"}')],
    ['README.md', Buffer.from('---\nlicense: apache-2.0\ntags: []\n---\n# Tiny\n')],
    ['model.safetensors', Buffer.from(weights)],
    ['pytorch_model.bin', Buffer.from('never read')],
    ['onnx/model.onnx', Buffer.from('left out')],
  ]);
}

/** Starts the server; it stops when the test ends. */
export async function startHub(files: ReadonlyMap<string, Buffer> = tinyModelFiles()): Promise<HubServer> {
  const seen = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname);
    hub.requests.push({ path, range: request.headers.range, token: request.headers.authorization });
    const count = seen.get(path) ?? 0;
    seen.set(path, count + 1);
    const fault = [...hub.faults].find(([ending]) => path.endsWith(ending))?.[1];
    if (fault?.(request, response, count) === true) return;
    if (path === `/api/models/${MODEL}/revision/main`) sendList(hub, response);
    else if (path.startsWith(`/${MODEL}/resolve/${COMMIT}/`))
      sendFile(hub, path.slice(`/${MODEL}/resolve/${COMMIT}/`.length), request, response);
    else respond(response, 404);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const hub: HubServer = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    faults: new Map(),
    files: new Map(files),
    listing: (siblings) => siblings,
    info: {},
  };
  return hub;
}

export function respond(
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
  body: Buffer | string = '',
): true {
  response.writeHead(status, headers).end(body);
  return true;
}

function sendList(hub: HubServer, response: ServerResponse): void {
  const siblings = [...hub.files].map(([rfilename, content]): Sibling => {
    const size = content.length;
    if (rfilename.endsWith('.safetensors')) return { rfilename, size, lfs: { sha256: sha(content, 'sha256'), size } };
    return { rfilename, size, blobId: sha(Buffer.concat([Buffer.from(`blob ${size}\0`), content]), 'sha1') };
  });
  const body = { id: MODEL, sha: COMMIT, siblings: hub.listing(siblings), cardData: { license: 'mit' }, ...hub.info };
  respond(response, 200, { 'content-type': 'application/json' }, JSON.stringify(body));
}

function sendFile(hub: HubServer, name: string, request: IncomingMessage, response: ServerResponse): void {
  const content = hub.files.get(name);
  if (content === undefined) {
    respond(response, 404, { 'x-error-code': 'EntryNotFound' });
    return;
  }
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (from >= content.length && from > 0) respond(response, 416);
  else if (from === 0) respond(response, 200, { 'content-length': String(content.length) }, content);
  else {
    const range = `bytes ${from}-${content.length - 1}/${content.length}`;
    respond(
      response,
      206,
      { 'content-range': range, 'content-length': String(content.length - from) },
      content.subarray(from),
    );
  }
}

export function sha(content: Buffer, kind: 'sha256' | 'sha1'): string {
  return createHash(kind).update(content).digest('hex');
}
