/**
 * An edit as a page makes it, through the whole service: POST, journal on the disk, the check in its worker, and the event
 * with findings, shapes and counts back at the socket. 200 modules in 32 layers; 50 edits at random.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import WebSocket from 'ws';
import { makeServiceToolkit } from '../../engine/cli/serviceToolkit.ts';
import { makeToolkit } from '../../engine/cli/toolkit.ts';
import type { OpenProject } from '../../engine/protocol/api/project.ts';
import type { ServerEvent } from '../../engine/protocol/api/wire.ts';
import { printDocument } from '../../engine/protocol/print.ts';
import { startService } from '../../engine/service/service.ts';
import { load, median, ROOT, round, say, type Bench } from './bench.ts';
import { bigDocument } from './check.ts';

const EDITS = 50;
const WARM = 10;

export const EDIT: Bench = {
  name: 'edit',
  help: 'an edit through the service until its findings are back, 200 modules in 32 layers (goal: p95 100 ms)',
  usual: true,
  run: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'espalier-edit-'));
    // Bundles the command line when a source has changed.
    execFileSync(process.execPath, [join(ROOT, 'build', 'espalier.mjs'), 'nodes', '--json']);
    const entry = join(ROOT, 'build', 'out', 'cli.mjs');
    mkdirSync(join(folder, 'page'));
    writeFileSync(join(folder, 'page', 'index.html'), '');
    const service = await startService({
      version: 'bench',
      toolkit: makeServiceToolkit(makeToolkit(), entry),
      port: 0,
      host: '127.0.0.1',
      workspace: join(folder, 'workspace'),
      home: join(folder, 'home'),
      page: join(folder, 'page'),
      entry,
      desktop: false,
    });
    try {
      const figures = await measure(service.origin, service.address());
      say(`\nedit through the service\n  ${JSON.stringify(figures)}`);
      return { ...figures, load: load() };
    } finally {
      await service.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function measure(origin: string, address: string): Promise<Readonly<Record<string, number>>> {
  const headers = { origin, 'content-type': 'application/json' };
  const post = async <R>(path: string, body: unknown, token = ''): Promise<R> => {
    const reply = await fetch(origin + path, {
      method: 'POST',
      headers: { ...headers, authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    });
    return (await reply.json()) as R;
  };
  const { token } = await post<{ token: string }>('/api/session', { ticket: address.split('#ticket=')[1] });
  let keys = 0;
  const call = async <R>(name: string, params: unknown): Promise<R> => {
    const answer = await post<{ ok: boolean; result: R }>(
      '/api/command',
      { name, params, key: `bench-key-${keys++}` },
      token,
    );
    if (!answer.ok) throw new Error(`${name}: ${JSON.stringify(answer)}`);
    return answer.result;
  };
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/api/events`, { origin });
  const seen = new Map<number, () => void>();
  socket.on('message', (data: Buffer) => {
    const event = JSON.parse(data.toString('utf8')) as ServerEvent;
    if (event.event === 'checked' && event.check.phase === 'findings') seen.get(event.check.revision)?.();
  });
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send(JSON.stringify({ token }));
  const from = { kind: 'text', text: printDocument(bigDocument()) };
  const opened = await call<OpenProject>('project.new', { name: 'big', from });
  socket.send(JSON.stringify({ subscribe: opened.project }));
  await call('check.now', { project: opened.project, revision: 0, phase: 'findings' });
  const answered: number[] = [];
  const checked: number[] = [];
  for (let i = 0; i < EDITS + WARM; i++) {
    const path = ['models', 'main', 'nodes', 'layers', 'body', 'nodes', `lora_${(i * 37) % 200}`, 'params', 'rank'];
    const begun = performance.now();
    const back = new Promise<void>((resolve) => seen.set(i + 1, resolve));
    const params = { project: opened.project, revision: i, label: 'rank', patch: [{ path, value: 16 + i }] };
    await call('project.edit', params);
    const middle = performance.now();
    await back;
    if (i >= WARM) {
      answered.push(middle - begun);
      checked.push(performance.now() - begun);
    }
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  socket.terminate();
  const p95 = (list: readonly number[]): number =>
    round([...list].sort((a, b) => a - b)[Math.ceil(0.95 * list.length) - 1] ?? 0, 1);
  return {
    answer_ms: round(median(answered), 1),
    answer_p95_ms: p95(answered),
    findings_ms: round(median(checked), 1),
    findings_p95_ms: p95(checked),
  };
}
