/** The way to the hub: a whole download, and every fault on the way, against a stand-in server on this machine. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatDiagnostic } from '../../../engine/base/errors.ts';
import { encodeSafetensors } from '../../../engine/checkpoints/safetensors.ts';
import {
  downloadModel,
  type DownloadedModel,
  type DownloadProgress,
  type HubOptions,
} from '../../../engine/checkpoints/hub.ts';
import { refusalsOfAsync, temporaryFolder } from './helpers.ts';
import {
  COMMIT,
  MODEL,
  respond,
  sha,
  startHub,
  tinyModelFiles,
  type Fault,
  type HubServer,
  type Sibling,
} from './hubServer.ts';

const quick = { tries: 3, firstPauseMs: 1, longestPauseMs: 2, silenceMs: 2000 };
const weights = tinyModelFiles().get('model.safetensors')!;

interface Fixture {
  readonly hub: HubServer;
  readonly staging: string;
  readonly download: (options?: HubOptions) => Promise<DownloadedModel>;
}

async function fixture(files?: ReadonlyMap<string, Buffer>): Promise<Fixture> {
  const hub = await startHub(files);
  const staging = join(temporaryFolder(), 'staging');
  return {
    hub,
    staging,
    download: (options) => downloadModel(MODEL, staging, { endpoint: hub.endpoint, timing: quick, ...options }),
  };
}

/** Sends the first `bytes` of a file and then breaks the connection. */
function breakAfter(content: Buffer, bytes: number, times: number): Fault {
  return (request, response, count) => {
    if (count >= times) return false;
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const headers = from === 0 ? {} : { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
    response.writeHead(from === 0 ? 200 : 206, { 'content-length': String(content.length - from), ...headers });
    response.write(content.subarray(from, from + bytes), () => setTimeout(() => response.destroy(), 20));
    return true;
  };
}

async function codeOf(body: () => Promise<unknown>): Promise<string> {
  const found = await refusalsOfAsync(body);
  for (const d of found) expect(formatDiagnostic(d)).not.toContain('undefined');
  return found.map((d) => d.code).join();
}

describe('a whole download', () => {
  test('takes the known files only, verified, and reports progress', async () => {
    const { hub, download } = await fixture();
    const progress: DownloadProgress[] = [];
    const model = await download({ onProgress: (p) => progress.push(p) });
    const wanted = ['config.json', 'tokenizer.json', 'README.md', 'model.safetensors'];
    expect(model).toMatchObject({ id: MODEL, revision: COMMIT, licence: 'mit' });
    expect(model.files.map((f) => f.name)).toEqual(wanted);
    expect(model.files.every((f) => f.verified)).toBe(true);
    expect(readdirSync(model.folder).sort()).toEqual([...wanted].sort());
    for (const name of wanted) expect(readFileSync(join(model.folder, name))).toEqual(hub.files.get(name));
    const total = wanted.reduce((sum, name) => sum + hub.files.get(name)!.length, 0);
    expect(progress.at(-1)).toMatchObject({ bytes: total, totalBytes: total, file: 'model.safetensors' });
    expect(progress.map((p) => p.bytes)).toEqual(progress.map((p) => p.bytes).sort((a, b) => a - b));
    expect(hub.requests.map((r) => r.path).filter((p) => /onnx|\.bin/.test(p))).toEqual([]);
  });

  test('a sharded model: index first, then exactly its shards', async () => {
    const files = tinyModelFiles();
    files.delete('model.safetensors');
    const shard = (name: string): Buffer =>
      Buffer.from(encodeSafetensors([{ name, dtype: 'F32', shape: [1], data: Float32Array.of(1) }]));
    files.set('model-00001-of-00002.safetensors', shard('a')).set('model-00002-of-00002.safetensors', shard('b'));
    const map = { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' };
    files.set(
      'model.safetensors.index.json',
      Buffer.from(JSON.stringify({ metadata: { total_size: 8 }, weight_map: map })),
    );
    files.set('other.safetensors', shard('c'));
    const { download } = await fixture(files);
    const model = await download();
    expect(readdirSync(model.folder).filter((n) => n.endsWith('.safetensors'))).toEqual(Object.values(map));
  });

  test('the token goes to the hub, and not to the host it redirects to', async () => {
    const { hub, download } = await fixture();
    const storage = await startHub();
    const to = `${storage.endpoint}/${MODEL}/resolve/${COMMIT}/model.safetensors`;
    hub.faults.set('model.safetensors', (_, response) => respond(response, 302, { location: to }));
    await download({ token: 'hf_secret' });
    expect(hub.requests.every((r) => r.token === 'Bearer hf_secret')).toBe(true);
    expect(storage.requests.map((r) => r.token)).toEqual([undefined]);
  });

  test('relative redirects of renamed models are followed', async () => {
    const { hub, staging } = await fixture();
    const current = (url: string): string => url.replace('old/name', MODEL);
    hub.faults.set(
      '',
      ({ url }, response) => url!.includes('old/name') && respond(response, 307, { location: current(url!) }),
    );
    const model = await downloadModel('old/name', staging, { endpoint: hub.endpoint, timing: quick });
    expect(model.revision).toBe(COMMIT);
  });
});

describe('faults that pass', () => {
  test('a connection that breaks in the middle goes on where it stopped', async () => {
    const { hub, download } = await fixture();
    hub.faults.set('model.safetensors', breakAfter(weights, 60_000, 2));
    const model = await download();
    expect(readFileSync(join(model.folder, 'model.safetensors'))).toEqual(weights);
    const ranges = hub.requests.filter((r) => r.path.endsWith('model.safetensors')).map((r) => r.range);
    expect(ranges).toEqual([undefined, 'bytes=60000-', 'bytes=120000-']);
  });

  test('the next call goes on with what the last one left', async () => {
    const { hub, download } = await fixture();
    hub.faults.set('model.safetensors', (request, response, count) =>
      count === 0 ? breakAfter(weights, 60_000, 1)(request, response, 0) : count < 3 ? respond(response, 503) : false,
    );
    expect(await codeOf(() => download())).toBe('hub-fault');
    hub.requests.length = 0;
    await download();
    expect(hub.requests.map((r) => r.range).filter((r) => r !== undefined)).toEqual(['bytes=60000-']);
    expect(hub.requests.map((r) => r.path.split('/').at(-1))).toEqual(['main', 'model.safetensors']);
  });

  test('a server that ignores the range is read from the start', async () => {
    const { hub, download } = await fixture();
    hub.faults.set('model.safetensors', (request, response, count) =>
      count === 0 ? breakAfter(weights, 60_000, 1)(request, response, 0) : respond(response, 200, {}, weights),
    );
    const model = await download();
    expect(readFileSync(join(model.folder, 'model.safetensors'))).toEqual(weights);
  });

  test('a server that answers another range is asked again from the start', async () => {
    const { hub, download } = await fixture();
    hub.faults.set('model.safetensors', (request, response, count) => {
      if (count === 0) return breakAfter(weights, 60_000, 1)(request, response, 0);
      return (
        count === 1 &&
        respond(
          response,
          206,
          { 'content-range': `bytes 10-${weights.length - 1}/${weights.length}` },
          weights.subarray(10),
        )
      );
    });
    const model = await download();
    expect(readFileSync(join(model.folder, 'model.safetensors'))).toEqual(weights);
  });

  test('500, 503 and 429 are tried again, for the list and for files', async () => {
    const { hub, download } = await fixture();
    hub.faults.set('/revision/main', (_, response, count) => count < 2 && respond(response, count === 0 ? 500 : 503));
    hub.faults.set('config.json', (_, response, count) => count < 1 && respond(response, 429, { 'retry-after': '0' }));
    expect((await download()).files.length).toBe(4);
  });

  test('a part that is longer than the file is thrown away', async () => {
    const { staging, download } = await fixture();
    mkdirSync(join(staging, COMMIT), { recursive: true });
    writeFileSync(join(staging, COMMIT, 'model.safetensors.part'), Buffer.alloc(weights.length + 1));
    const model = await download();
    expect(readFileSync(join(model.folder, 'model.safetensors'))).toEqual(weights);
  });

  test('a damaged part costs one more download, not the model', async () => {
    const { hub, staging, download } = await fixture();
    mkdirSync(join(staging, COMMIT), { recursive: true });
    writeFileSync(join(staging, COMMIT, 'model.safetensors.part'), Buffer.alloc(100_000));
    const model = await download();
    expect(readFileSync(join(model.folder, 'model.safetensors'))).toEqual(weights);
    expect(hub.requests.filter((r) => r.path.endsWith('model.safetensors')).map((r) => r.range)).toEqual([
      'bytes=100000-',
      undefined,
    ]);
  });

  test('a finished file that was damaged since is downloaded again, and other commits are swept', async () => {
    const { staging, download } = await fixture();
    const { folder } = await download();
    writeFileSync(join(folder, 'model.safetensors'), Buffer.alloc(weights.length));
    mkdirSync(join(staging, 'b'.repeat(40)));
    await download();
    expect(readFileSync(join(folder, 'model.safetensors'))).toEqual(weights);
    expect(readdirSync(staging)).toEqual([COMMIT]);
  });
});

describe('faults that stay', () => {
  const refused: readonly (readonly [string, (hub: HubServer) => void, string, RegExp])[] = [
    [
      'wrong content',
      (hub) => hub.faults.set('model.safetensors', (_, r) => respond(r, 200, {}, Buffer.alloc(weights.length))),
      'hub-checksum',
      /SHA-256 must be [0-9a-f]{64}/,
    ],
    [
      'wrong small file',
      (hub) => hub.faults.set('config.json', (_, r) => respond(r, 200, {}, '{"model_type": "tert"}')),
      'hub-checksum',
      /Git hash/,
    ],
    [
      'more bytes than announced',
      (hub) => hub.faults.set('config.json', (_, r) => respond(r, 200, {}, Buffer.alloc(999))),
      'hub-size',
      /more than 22 bytes/,
    ],
    [
      'break without progress',
      (hub) =>
        hub.faults.set('model.safetensors', (_, r) => {
          r.writeHead(200).write('');
          setTimeout(() => r.destroy(), 10);
          return true;
        }),
      'hub-broken',
      /broke off 3 times.*0 of 200/,
    ],
    [
      '500 that stays',
      (hub) => hub.faults.set('/revision/main', (_, r) => respond(r, 500)),
      'hub-fault',
      /status 500.*models add/,
    ],
    [
      'unknown model',
      (hub) => hub.faults.set('/revision/main', (_, r) => respond(r, 404)),
      'hub-missing',
      /"org\/tiny-model" with revision "main"/,
    ],
    [
      'private or unknown',
      (hub) => hub.faults.set('/revision/main', (_, r) => respond(r, 401, { 'x-error-code': 'RepoNotFound' })),
      'hub-access',
      /HF_TOKEN/,
    ],
    [
      'gated',
      (hub) => hub.faults.set('model.safetensors', (_, r) => respond(r, 403, { 'x-error-code': 'GatedRepo' })),
      'hub-gated',
      /Accept its terms at http:.*org\/tiny-model.*HF_TOKEN/,
    ],
    ['a teapot', (hub) => hub.faults.set('config.json', (_, r) => respond(r, 418)), 'hub-status', /418/],
    [
      'listed file that is not there',
      (hub) => hub.faults.set('tokenizer.json', (_, r) => respond(r, 404)),
      'hub-file-missing',
      /"tokenizer.json"/,
    ],
    [
      'answer that is a page',
      (hub) => hub.faults.set('/revision/main', (_, r) => respond(r, 200, {}, '<html>login</html>')),
      'hub-answer',
      /does not describe a model/,
    ],
    ['commit that is a path', (hub) => void (hub.info = { sha: '../../etc' }), 'hub-answer', /sha/],
    [
      'redirect to another machine by http',
      (hub) => hub.faults.set('config.json', (_, r) => respond(r, 302, { location: 'http://example.org/x' })),
      'hub-redirect',
      /http:\/\/example.org/,
    ],
    [
      'redirect to a file',
      (hub) => hub.faults.set('config.json', (_, r) => respond(r, 302, { location: 'file:///etc/passwd' })),
      'hub-redirect',
      /file:/,
    ],
    [
      'redirect without an end',
      (hub) => hub.faults.set('config.json', (q, r) => respond(r, 302, { location: q.url! })),
      'hub-redirect',
      /more than 8/,
    ],
    ['no config', (hub) => void hub.files.delete('config.json'), 'hub-no-config', /config.json/],
    ['no tokenizer', (hub) => void hub.files.delete('tokenizer.json'), 'hub-no-tokenizer', /fast tokenizer/],
    ['only a pickle', (hub) => void hub.files.delete('model.safetensors'), 'hub-not-safetensors', /pytorch_model.bin/],
  ];

  test.each(refused)('%s', async (_, arrange, code, says) => {
    const { hub, staging, download } = await fixture();
    arrange(hub);
    const found = await refusalsOfAsync(() => download());
    expect(found.map((d) => d.code)).toEqual([code]);
    expect(formatDiagnostic(found[0]!)).toMatch(says);
    if (code === 'hub-checksum') expect(existsSync(join(staging, COMMIT, 'model.safetensors'))).toBe(false);
  });

  test('a hub that is not there', async () => {
    const { download } = await fixture();
    expect(await codeOf(() => download({ endpoint: 'http://127.0.0.1:1' }))).toBe('hub-unreachable');
  });

  test('a hub that accepts and stays silent', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    const { download } = await fixture();
    const found = await refusalsOfAsync(() => download({ endpoint, timing: { ...quick, silenceMs: 50 } }));
    server.close();
    expect(found[0]).toMatchObject({ code: 'hub-unreachable', found: 'no answer for 50 ms' });
  });

  test('a body that stops coming', async () => {
    const { hub, download } = await fixture();
    hub.faults.set('model.safetensors', (_, response, count) => {
      if (count > 0) return false;
      response.writeHead(200, { 'content-length': String(weights.length) }).write(weights.subarray(0, 1000));
      return true;
    });
    const model = await download({ timing: { ...quick, silenceMs: 100 } });
    expect(readFileSync(join(model.folder, 'model.safetensors'))).toEqual(weights);
  });
});

describe('names and addresses', () => {
  test.each([
    '',
    '..',
    '../x',
    'a/..',
    'a/../b',
    'a/b/c',
    '/a',
    'a/',
    'a//b',
    'a\\b',
    'a b',
    '.hidden',
    'org/.x',
    'a--b',
    'a\0b',
    'ü/x',
    '-x/y',
  ])('model name %j is refused before any request', async (id) => {
    const { hub, staging } = await fixture();
    expect(await codeOf(() => downloadModel(id, staging, { endpoint: hub.endpoint }))).toBe('hub-model-id');
    expect(hub.requests).toEqual([]);
  });

  test.each(['../main', 'a..b', '/x', '', 'a b', 'x/', 'a//b'])(
    'revision %j is refused before any request',
    async (revision) => {
      const { hub, download } = await fixture();
      expect(await codeOf(() => download({ revision }))).toBe('hub-revision');
      expect(hub.requests).toEqual([]);
    },
  );

  test.each([
    'http://example.org',
    'ftp://127.0.0.1',
    'https://user:pw@example.org',
    'https://example.org?x=1',
    'not an address',
    'http://127.0.0.1.example.org',
  ])('address %j is refused', async (endpoint) => {
    const { download } = await fixture();
    expect(await codeOf(() => download({ endpoint }))).toBe('hub-endpoint');
  });

  test('names in the list that point elsewhere are never fetched or written', async () => {
    const { hub, staging, download } = await fixture();
    const evil = [
      '../config.json',
      '/etc/passwd',
      'a/../../model.safetensors',
      'config.json\0',
      '..\\README.md',
      'C:model.safetensors',
    ];
    hub.listing = (siblings: Sibling[]) => [...siblings, ...evil.map((rfilename) => ({ rfilename, size: 1 }))];
    await download();
    expect(hub.requests.every((r) => !evil.some((e) => r.path.endsWith(`/${e}`)))).toBe(true);
    expect(readdirSync(join(staging, '..'))).toEqual(['staging']);
    expect(readdirSync(staging)).toEqual([COMMIT]);
  });

  test.each(['../up.safetensors', '/abs.safetensors', 'a/b.safetensors', 'x.bin', 'C:\\x.safetensors'])(
    'shard %j of an index is refused',
    async (shard) => {
      const files = tinyModelFiles();
      files.delete('model.safetensors');
      files.set('model.safetensors.index.json', Buffer.from(JSON.stringify({ weight_map: { w: shard } })));
      files.set(shard, weights);
      const { download } = await fixture(files);
      expect(await codeOf(() => download())).toBe('index-shard-name');
    },
  );

  test('hashes come from the header where the list has none', async () => {
    const { hub, download } = await fixture();
    hub.listing = (siblings) => siblings.map(({ rfilename }) => ({ rfilename }));
    const headers = { 'x-linked-etag': `"${sha(weights, 'sha256')}"`, 'x-linked-size': String(weights.length) };
    hub.faults.set('model.safetensors', (_, response) => respond(response, 200, headers, weights));
    expect((await download()).files.at(-1)).toEqual({
      name: 'model.safetensors',
      size: weights.length,
      verified: true,
    });
    hub.faults.set('model.safetensors', (_, response) =>
      respond(response, 200, { ...headers, 'x-linked-etag': '0'.repeat(64) }, weights),
    );
    const other = await fixture();
    other.hub.listing = hub.listing;
    other.hub.faults.set('model.safetensors', hub.faults.get('model.safetensors')!);
    expect(await codeOf(() => other.download())).toBe('hub-checksum');
  });
});

describe('stopping', () => {
  test('an abort in the middle stops at once, keeps the part, and names its reason', async () => {
    const { hub, staging, download } = await fixture();
    const stop = new AbortController();
    hub.faults.set('model.safetensors', (_, response, count) => {
      if (count > 0) return false;
      response.writeHead(200, { 'content-length': String(weights.length) }).write(weights.subarray(0, 50_000));
      return true;
    });
    const onProgress = (p: DownloadProgress): void => {
      if (p.file === 'model.safetensors' && p.fileBytes === 50_000) stop.abort(new Error('stopped by the user'));
    };
    await expect(download({ signal: stop.signal, onProgress })).rejects.toThrow('stopped by the user');
    expect(readFileSync(join(staging, COMMIT, 'model.safetensors.part')).length).toBe(50_000);
    await download();
    expect(hub.requests.at(-1)?.range).toBe('bytes=50000-');
  });

  test('an abort in a pause between tries', async () => {
    const { hub, download } = await fixture();
    hub.faults.set('/revision/main', (_, response) => respond(response, 500));
    const signal = AbortSignal.timeout(50);
    await expect(
      download({ signal, timing: { ...quick, firstPauseMs: 60_000, longestPauseMs: 60_000 } }),
    ).rejects.toThrow(/timeout/);
    await expect(download({ signal })).rejects.toThrow(/timeout/);
  });
});
