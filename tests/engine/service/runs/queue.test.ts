/** The queue of runs: from the document to a trained model, order, cancelling, stopping, pausing, copies, deleting. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFolders, runService, type Folders, type Running } from '../service.ts';
import { curveOf, ended, pointsOf, readLines, setTraining, start, summaryOf, tinyProject, until } from './helpers.ts';

let folders: Folders;
let service: Running;
beforeAll(async () => {
  folders = await makeFolders();
  service = await runService(folders);
});
afterAll(async () => {
  await service.close();
  folders.remove();
});

describe('a run', () => {
  it('trains a snapshot, tells its curve, and ends with figures beside their baselines', async () => {
    const opened = await tinyProject(service, folders);
    const socket = await service.socket();
    socket.send({ subscribe: opened.project });
    const run = await start(service, opened);
    const done = await ended(service, opened, run, 'done');
    expect(done).toMatchObject({
      number: 1,
      recipe: expect.stringMatching(/^LoRA r2 on query, value, \d layers$/) as string,
    });
    expect(done).toMatchObject({ metric: 'accuracy', seed: 0, step: done.steps, epoch: 2, diagnostics: [] });
    expect(done.trainable).toBeGreaterThan(0);
    expect(done.backboneParameters).toBeGreaterThan(done.trainable);
    for (const figure of [done.figure, done.majority, done.untrained]) expect(figure).toBeGreaterThanOrEqual(0);
    expect(done.majority).toBeCloseTo(done.metrics['majority_baseline'] ?? -1, 6);
    const points = await pointsOf(service, run);
    const curve = curveOf(points);
    expect(curve.map(([step]) => step)).toEqual(Array.from({ length: done.steps }, (_, i) => i + 1));
    expect(points.filter((p) => p.kind === 'evaluation')).toHaveLength(2);
    const steps = points.filter((p) => p.kind === 'step');
    expect(steps.at(-1)?.examples).toBe(2 * 43);
    const told = await socket.wait('run', (e) => e.summary.state === 'done');
    expect(told.summary).toEqual(done);
    await socket.wait('points', (e) => e.points.some((p) => p.kind === 'step' && p.step === done.steps));
    socket.close();
    const { document } = await service.call('run.document', { run });
    expect(document.models).toEqual(opened.document.models);
  });
  it('is known at once when nothing has changed, with the curve of the run that trained it', async () => {
    const opened = await service.call('project.open', { path: 'tiny.espalier.json' });
    const run = await start(service, opened);
    const done = await ended(service, opened, run, 'done');
    const first = (await service.call('run.list', { project: opened.project }))[0];
    expect([done.figure, done.majority, done.untrained]).toEqual([first?.figure, first?.majority, first?.untrained]);
    expect(curveOf(await pointsOf(service, run))).toHaveLength(done.steps);
  });
  it('is made once for one key', async () => {
    const { project, revision } = await service.call('project.open', { path: 'tiny.espalier.json' });
    const key = service.newKey();
    const before = (await service.call('run.list', { project })).length;
    const [one, other] = await Promise.all([
      service.call('run.start', { project, revision }, key),
      service.call('run.start', { project, revision }, key),
    ]);
    expect(one).toEqual(other);
    expect(await service.call('run.list', { project })).toHaveLength(before + 1);
  });
  it('is refused for an older revision, a missing file and a document with mistakes', async () => {
    const opened = await tinyProject(service, folders, {}, 'refused');
    const { project, revision } = opened;
    expect(await service.send('run.start', { project, revision: revision - 1 })).toMatchObject({
      ok: false,
      diagnostics: [{ code: 'run-revision' }],
    });
    const path = ['workflow', 'nodes', 'data', 'params', 'file'];
    const edit = await service.call('project.edit', {
      project,
      revision,
      patch: [{ path, value: 'gone.csv' }],
      label: 'x',
    });
    if (edit.kind !== 'done') throw new Error(edit.kind);
    expect(await service.send('run.start', { project, revision: edit.revision })).toMatchObject({
      ok: false,
      diagnostics: [{ code: 'file-missing', where: { node: 'data', param: 'file' } }],
    });
    expect(await service.call('run.list', { project })).toEqual([]);
  });
});

describe('the queue', () => {
  it('runs one after the other in an order that can be changed, and lets runs be taken out', async () => {
    const opened = await tinyProject(service, folders, { epochs: 60, checkpointEvery: 5 }, 'queue');
    const first = await start(service, opened, { name: 'first' });
    const { runs } = await service.call('run.start', {
      project: opened.project,
      revision: opened.revision,
      seeds: [1, 2, 3],
    });
    const [one, two, three] = runs as [typeof first, typeof first, typeof first];
    await until(service, opened, first, (s) => s.step > 3);
    await service.call('run.reorder', { run: three, before: one });
    await service.call('run.cancel', { run: two });
    const refused = await service.send('run.cancel', { run: first });
    expect(refused).toMatchObject({ ok: false, diagnostics: [{ code: 'run-state' }] });
    await service.call('run.stop', { run: first });
    expect((await ended(service, opened, first, 'stopped')).step).toBeGreaterThan(3);
    await until(service, opened, three, (s) => s.state === 'training');
    expect((await summaryOf(service, opened, one)).state).toBe('queued');
    expect((await summaryOf(service, opened, two)).state).toBe('stopped');
    await service.call('run.cancel', { run: one });
    await service.call('run.stop', { run: three });
    const group = (await ended(service, opened, three, 'stopped')).group;
    expect(group).toMatch(/^group-/);
    const all = await service.call('run.list', { project: opened.project });
    expect(all.filter((r) => r.group === group).map((r) => [r.seed, r.name])).toEqual(
      [1, 2, 3].map((seed) => [seed, expect.stringMatching(new RegExp(`seed ${seed}$`)) as string]),
    );
  });
  it('pauses with a checkpoint of the step it was in, and goes on bit for bit', async () => {
    const opened = await tinyProject(service, folders, { epochs: 12 }, 'pause');
    const run = await start(service, opened);
    await until(service, opened, run, (s) => s.step > 5);
    await service.call('run.pause', { run });
    const paused = await ended(service, opened, run, 'paused');
    expect(paused.step).toBeLessThan(paused.steps);
    await service.call('run.resume', { run });
    const done = await ended(service, opened, run, 'done');
    const metrics = join(folders.workspace, '.espalier', 'pause', 'metrics.jsonl');
    const resumed = readLines(metrics);
    // The same run without a pause, in a document of its own.
    const whole = await tinyProject(service, folders, { epochs: 12 }, 'whole');
    const other = await ended(service, whole, await start(service, whole), 'done');
    expect(readLines(join(folders.workspace, '.espalier', 'whole', 'metrics.jsonl'))).toEqual(resumed);
    expect(done.metrics).toEqual(other.metrics);
    expect(curveOf(await pointsOf(service, run)).map(([step]) => step)).toEqual(
      Array.from({ length: done.steps }, (_, i) => i + 1),
    );
  });
  it('sweeps a parameter, and refuses one that is not there', async () => {
    const opened = await tinyProject(service, folders, { maxSteps: 2 }, 'sweep');
    const { project, revision } = opened;
    const sweep = { param: 'train.lr', values: [0.001, 0.01] };
    const { runs } = await service.call('run.start', { project, revision, sweep });
    for (const run of runs) await ended(service, opened, run, 'done');
    const documents = await Promise.all(runs.map((run) => service.call('run.document', { run })));
    const rates = documents.map(({ document }) => document.workflow.nodes['train' as never]?.['params']['lr']);
    expect(rates).toEqual([0.001, 0.01]);
    const wrong = await service.send('run.start', { project, revision, sweep: { param: 'train.ghost', values: [1] } });
    expect(wrong.ok).toBe(false);
  });
  it('tells why a run failed and what was kept', async () => {
    const opened = await tinyProject(service, folders, { epochs: 40, checkpointEvery: 4 }, 'broken');
    const broken = await setTraining(service, opened, { lr: 1e30, clip: 0, warmup: 4, schedule: 'constant' });
    const run = await start(service, broken);
    const failed = await until(service, broken, run, (s) => s.state === 'failed' || s.state === 'done');
    expect(failed.diagnostics.map((d) => d.code)).toContain('train-non-finite');
    const other = await tinyProject(service, folders, {}, 'odd');
    writeFileSync(join(folders.workspace, 'train.csv'), 'text,label\nonly one class,good\nand again,good\n');
    const odd = await until(service, other, await start(service, other), (s) => s.state === 'failed');
    expect(odd.diagnostics[0]?.message).toMatch(/same label/);
  });
  it('deletes a run and what no other run shares', async () => {
    const opened = await tinyProject(service, folders, { maxSteps: 2 }, 'deleted');
    const one = await start(service, opened);
    await ended(service, opened, one, 'done');
    const two = await start(service, opened);
    await ended(service, opened, two, 'done');
    const steps = join(folders.workspace, '.espalier', 'deleted', 'steps');
    const folder = (JSON.parse(readFileSync(join(steps, '..', 'run.json'), 'utf8')) as { steps: { folder: string }[] })
      .steps;
    const trained = join(steps, '..', folder.at(-1)?.folder ?? '');
    await service.call('run.delete', { run: one });
    expect(existsSync(trained)).toBe(true);
    await service.call('run.delete', { run: two });
    expect(existsSync(trained)).toBe(false);
    expect(await service.call('run.list', { project: opened.project })).toEqual([]);
    expect(await service.send('run.points', { run: one, after: 0 })).toMatchObject({ ok: false });
  });
});
