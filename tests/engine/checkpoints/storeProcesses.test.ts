/** Several real processes on one store: they fetch once, and a killed one is gone on with. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { build } from 'esbuild';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { listModels, resolveModel } from '../../../engine/checkpoints/store.ts';
import { claimStaging } from '../../../engine/checkpoints/storeStaging.ts';
import { temporaryFolder } from './helpers.ts';
import { COMMIT, MODEL, startHub, tinyModelFiles, type Fault } from './hubServer.ts';

const weights = tinyModelFiles().get('model.safetensors')!;
let program = '';

/** A program that gets the model and prints the hash, as plain JavaScript. */
beforeAll(async () => {
  const bundled = await build({
    stdin: {
      contents: `import { getModel } from './engine/checkpoints/store.ts';
const [home, endpoint, id] = process.argv.slice(2);
getModel(id, { home, endpoint, timing: { tries: 3, firstPauseMs: 10 } }).then((e) => console.log(e.contentHash));`,
      resolveDir: process.cwd(),
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
  });
  program = bundled.outputFiles[0]!.text;
});

function start(home: string, endpoint: string): { readonly child: ChildProcess; readonly output: Promise<string> } {
  const script = join(temporaryFolder(), 'get.cjs');
  writeFileSync(script, program);
  const child = spawn(process.execPath, [script, home, endpoint, MODEL], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  return { child, output: new Promise((resolve) => child.on('close', () => resolve(text.trim()))) };
}

/** Sends the file in small parts with pauses, as a slow network does. */
const slowly: Fault = (request, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const range = from === 0 ? {} : { 'content-range': `bytes ${from}-${weights.length - 1}/${weights.length}` };
  response.writeHead(from === 0 ? 200 : 206, { 'content-length': String(weights.length - from), ...range });
  const send = (at: number): void => {
    if (at >= weights.length) response.end();
    else if (!response.destroyed)
      response.write(weights.subarray(at, at + 20_000), () => setTimeout(() => send(at + 20_000), 30));
  };
  send(from);
  return true;
};

test('four processes at once fetch the model once', async () => {
  const hub = await startHub();
  hub.faults.set('model.safetensors', slowly);
  const home = join(temporaryFolder(), 'home');
  const hashes = await Promise.all([1, 2, 3, 4].map(() => start(home, hub.endpoint).output));
  expect(new Set(hashes)).toEqual(new Set([resolveModel(MODEL, { home }).entry?.contentHash]));
  expect(hub.requests.filter((r) => r.path.endsWith('model.safetensors')).length).toBe(1);
  expect(listModels({ home }).models.length).toBe(1);
  expect(readdirSync(join(home, 'models', '.staging'))).toEqual([]);
});

test('a download whose process was killed is gone on with by another', async () => {
  const hub = await startHub();
  hub.faults.set('model.safetensors', slowly);
  const home = join(temporaryFolder(), 'home');
  const first = start(home, hub.endpoint);
  while (!hub.requests.some((r) => r.path.endsWith('model.safetensors'))) await new Promise((r) => setTimeout(r, 10));
  await new Promise((r) => setTimeout(r, 150));
  first.child.kill('SIGKILL');
  expect(await first.output).toBe('');
  expect(listModels({ home }).models).toEqual([]);
  expect(await start(home, hub.endpoint).output).toMatch(/^[0-9a-f]{64}$/);
  const [, second] = hub.requests.filter((r) => r.path.endsWith('model.safetensors'));
  expect(second?.range).toMatch(/^bytes=[1-9]\d*-$/);
  expect(readdirSync(join(home, 'models', '.staging'))).toEqual([]);
});

test('a staging folder of a living process is waited for, until the model is there', async () => {
  const home = join(temporaryFolder(), 'home');
  const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
  mkdirSync(join(home, 'models', '.staging', `key+${host}+${process.ppid}+abc`, COMMIT), { recursive: true });
  const waits: number[] = [];
  let looks = 0;
  const claim = await claimStaging(
    home,
    'key',
    () => (++looks > 2 ? 'there' : undefined),
    undefined,
    (pid) => waits.push(pid),
  );
  expect(claim).toEqual({ found: 'there' });
  expect(waits).toEqual([process.ppid]);
});

test('a staging folder of a process that is gone is taken over, with its files', async () => {
  const home = join(temporaryFolder(), 'home');
  const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
  const left = join(home, 'models', '.staging', `key+${host}+4194305+abc`);
  mkdirSync(left, { recursive: true });
  writeFileSync(join(left, 'part'), 'bytes');
  mkdirSync(join(home, 'models', '.staging', `other+${host}+4194305+abc`));
  const claim = await claimStaging(
    home,
    'key',
    () => undefined,
    undefined,
    () => undefined,
  );
  expect('folder' in claim && readdirSync(claim.folder)).toEqual(['part']);
  expect(readdirSync(join(home, 'models', '.staging')).length).toBe(2);
});
