/** Checks: findings after every edit, costs when it is quiet, the latest revision wins, workers that die or hang. */
import { join } from 'node:path';
import { symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeToolkit } from '../../../engine/cli/toolkit.ts';
import type { Patch } from '../../../engine/protocol/api/patch.ts';
import type { CheckView } from '../../../engine/protocol/api/check.ts';
import { createChecks } from '../../../engine/service/checks/checks.ts';
import type { CheckRequest, ToWorker } from '../../../engine/service/checks/messages.ts';
import { createCheckProcess, type CheckAnswer, type CheckProcess } from '../../../engine/service/checks/process.ts';
import { createCheckWorker } from '../../../engine/service/checks/worker.ts';
import { createLog } from '../../../engine/service/log.ts';
import type { ProjectSession } from '../../../engine/service/projects/session.ts';
import { makeFolders, newProject, runService, type Running, type Socket } from './service.ts';

let running: Running;
let socket: Socket;
beforeAll(async () => {
  running = await runService(await makeFolders());
  socket = await running.socket();
});
afterAll(async () => {
  socket.close();
  await running.close();
  running.folders.remove();
});

const set = (path: string, value: unknown): Patch => [{ path: path.split('/'), value }];
const checked = (project: string, revision: number, phase: string): Promise<{ readonly check: CheckView }> =>
  socket.wait('checked', (e) => e.project === project && e.check.revision === revision && e.check.phase === phase);

describe('in the service', () => {
  it('findings come first with shapes and counts, costs when it is quiet', async () => {
    const { project } = await newProject(running, 'phases');
    socket.send({ subscribe: project });
    const findings = (await checked(project, 0, 'findings')).check;
    const costs = (await checked(project, 0, 'costs')).check;
    const query = (view: CheckView): unknown => view.models[0]?.nodes.find((n) => n.node === 'layers/*/query');
    expect(query(findings)).toMatchObject({ copies: 2, output: 'f32[B,T,16]', frozen: 544 });
    expect(query(findings)).not.toHaveProperty('flops');
    expect(query(costs)).toMatchObject({ copies: 2, frozen: 544, flops: expect.any(Number) as number });
    expect(findings.models[0]).not.toHaveProperty('costs');
    expect(costs.models[0]?.costs).toMatchObject({ batch: 16 });
    const order = socket.events.flatMap((e) => (e.event === 'checked' && e.project === project ? [e.check.phase] : []));
    expect(order).toEqual(['findings', 'costs']);
  });

  it('of many edits at once end with the last, and skip most of those between', async () => {
    const { project } = await newProject(running, 'many');
    socket.send({ subscribe: project });
    const ranks = Array.from({ length: 30 }, (_, i) => i + 1);
    for (const [i, rank] of ranks.entries()) {
      await running.call('project.edit', {
        project,
        revision: i,
        label: 'r',
        patch: set('recipes/lora/params/rank', rank) as never,
      });
    }
    const last = (await checked(project, 30, 'costs')).check;
    expect(last.models[0]?.totals.trainable).toBeGreaterThan(0);
    const seen = socket.events.flatMap((e) => (e.event === 'checked' && e.project === project ? [e.check] : []));
    expect(seen.filter((c) => c.phase === 'costs')).toHaveLength(1);
    const revisions = seen.filter((c) => c.phase === 'findings').map((c) => c.revision);
    expect(revisions.at(-1)).toBe(30);
    expect([...revisions].sort((a, b) => a - b)).toEqual(revisions);
  });

  it('tell a mistake at each check, also of a layer that is known already, and forget it when it is mended', async () => {
    const { project } = await newProject(running, 'mistake');
    const errors = async (revision: number): Promise<readonly string[]> =>
      (await running.call('check.now', { project, revision, phase: 'findings' })).diagnostics
        .filter((d) => d.severity === 'error')
        .map((d) => `${d.code} ${d.where.node ?? ''}`);
    let revision = 0;
    const change = async (path: string, value: unknown): Promise<readonly string[]> => {
      await running.call('project.edit', { project, revision, label: 'e', patch: set(path, value) as never });
      revision += 1;
      return errors(revision);
    };
    expect(await errors(0)).toEqual([]);
    const wrong = await change('recipes/lora/params/rank', -1);
    expect(wrong).toContain('param-invalid layers/lora_attn_query');
    expect(await change('title', 'something else')).toEqual(wrong);
    expect(await change('recipes/lora/params/rank', 8)).toEqual([]);
  });

  it('do not read outside of the document’s folder and the workspace', async () => {
    const { project } = await newProject(running, 'outside');
    writeFileSync(join(running.folders.folder, 'secret.csv'), 'secret');
    symlinkSync(running.folders.folder, join(running.folders.workspace, 'out'));
    for (const [i, backbone] of ['../backbone', './out/backbone', '/etc'].entries()) {
      await running.call('project.edit', {
        project,
        revision: i,
        label: 'e',
        patch: set('workflow/nodes/model/params/backbone', backbone) as never,
      });
      const { diagnostics, models } = await running.call('check.now', { project, revision: i + 1, phase: 'findings' });
      expect(diagnostics.map((d) => d.code).some((code) => code === 'file-outside' || code === 'param-invalid')).toBe(
        true,
      );
      if (backbone !== '/etc') expect(models).toEqual([]);
    }
  });

  it('go on when the worker is killed', async () => {
    const { project } = await newProject(running, 'killed');
    await running.call('check.now', { project, revision: 0, phase: 'findings' });
    const { execFileSync } = await import('node:child_process');
    const children = execFileSync('ps', ['--ppid', String(process.pid), '-o', 'pid=,args='], { encoding: 'utf8' });
    for (const line of children.split('\n').filter((l) => l.includes('worker check'))) {
      process.kill(Number(line.trim().split(' ')[0]), 'SIGKILL');
    }
    await running.call('project.edit', { project, revision: 0, label: 'e', patch: set('title', 'after') as never });
    const view = await running.call('check.now', { project, revision: 1, phase: 'findings' });
    expect(view).toMatchObject({ revision: 1, diagnostics: [] });
  });
});

describe('with a worker that the test plays', () => {
  const asked: CheckRequest[] = [];
  let answers: ((answer: CheckAnswer) => void)[] = [];
  const emitted: CheckView[] = [];
  const played = (): CheckProcess => ({
    ask: (request) =>
      new Promise((resolve) => {
        asked.push(request);
        answers.push(resolve);
      }),
    warm: () => undefined,
    tell: () => undefined,
    close: () => undefined,
    pid: () => 1,
  });
  const view = (revision: number, phase: CheckView['phase']): CheckAnswer => ({
    kind: 'checked',
    view: { revision, phase, milliseconds: 1, diagnostics: [], models: [] },
  });
  const project = { id: 'p', revision: 0, file: 'f', folder: '/f', document: {}, patchesSince: () => [] };
  const session = project as unknown as ProjectSession;
  const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
  afterEach(() => {
    asked.length = 0;
    answers = [];
    emitted.length = 0;
    project.revision = 0;
  });
  const make = (): ReturnType<typeof createChecks> =>
    createChecks({
      entry: '',
      home: '',
      workspace: '',
      log: createLog(),
      start: played,
      emit: (event) => void (event.event === 'checked' && emitted.push(event.check)),
    });

  it('one request is on its way at a time, and the next is the newest', async () => {
    const checks = make();
    for (let i = 1; i <= 10; i++) {
      project.revision = i;
      checks.request(session);
    }
    expect(asked.map((a) => a.revision)).toEqual([1]);
    answers[0]?.(view(1, 'findings'));
    await turn();
    expect(asked.map((a) => a.revision)).toEqual([1, 10]);
    answers[1]?.(view(10, 'findings'));
    await turn();
    expect(emitted.map((c) => c.revision)).toEqual([1, 10]);
    expect(asked).toHaveLength(2);
    checks.end();
  });

  it('a worker that lost the document gets the whole, and one that fails twice is reported', async () => {
    const checks = make();
    checks.request(session);
    answers[0]?.({ kind: 'unknown' });
    await turn();
    expect(asked[1]?.content.kind).toBe('whole');
    answers[1]?.(view(0, 'findings'));
    await turn();
    project.revision = 1;
    checks.request(session);
    expect(asked[2]?.content.kind).toBe('patches');
    answers[2]?.({ kind: 'failed', message: 'died' });
    await turn();
    answers[3]?.({ kind: 'failed', message: 'died' });
    await turn();
    expect(emitted.at(-1)?.diagnostics[0]?.code).toBe('check-failed');
    checks.end();
  });

  it('whoever waits for a project that is closed is told', async () => {
    const checks = make();
    const waiting = checks.now(session, 'findings');
    checks.close(session.id);
    await expect(waiting).rejects.toThrow(/not open/);
    checks.end();
  });
});

describe('the worker', () => {
  it('asks for the document when patches build on what it lacks, and survives what it cannot read', () => {
    const worker = createCheckWorker(makeToolkit());
    const request = {
      id: 1,
      project: 'p',
      file: 'f',
      folder: '/',
      home: '/',
      workspace: '/',
      revision: 1,
      wanted: { kind: 'findings' },
      content: { kind: 'patches', from: 0, patches: [] },
    } as const;
    const ask = (message: unknown): unknown => worker.receive(message as ToWorker);
    expect(ask({ kind: 'check', request })).toEqual({ kind: 'unknown', id: 1 });
    const broken = { ...request, content: { kind: 'whole', document: { models: 5 } } };
    expect(ask({ kind: 'check', request: broken })).toMatchObject({ kind: 'failed', id: 1 });
  });

  it('that hangs is killed, and the next question gets a new one', async () => {
    const log = createLog();
    const hanging = createCheckProcess(join(import.meta.dirname, 'hangingWorker.mjs'), log, 500);
    const answer = await hanging.ask({ id: 1 } as unknown as CheckRequest);
    expect(answer).toMatchObject({ kind: 'failed', message: expect.stringContaining('SIGKILL') as string });
    const again = await hanging.ask({ id: 2 } as unknown as CheckRequest);
    expect(again.kind).toBe('failed');
    expect(log.tail().length).toBeGreaterThanOrEqual(2);
    hanging.close();
  });
});
