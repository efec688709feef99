/** What is asked of trained models and drafts: results, weights, answers, files, times, dry runs, probes, merged sources. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunId } from '../../../../engine/protocol/api/fields.ts';
import type { OpenProject } from '../../../../engine/protocol/api/project.ts';
import { makeFolders, runService, type Folders, type Running } from '../service.ts';
import { ended, start, tinyProject } from './helpers.ts';

let folders: Folders;
let service: Running;
let opened: OpenProject;
let run: RunId;
beforeAll(async () => {
  folders = await makeFolders();
  service = await runService(folders);
  opened = await tinyProject(service, folders, { epochs: 4, lr: 0.02 });
  run = await start(service, opened);
  await ended(service, opened, run, 'done');
});
afterAll(async () => {
  await service.close();
  folders.remove();
});

const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

describe('a trained run', () => {
  it('has a confusion, classes and examples by loss that agree with its figures', async () => {
    const results = await service.call('run.results', { run });
    expect(results.labels).toEqual(['bad', 'good']);
    const rows = sum(results.confusion.flat());
    const right = sum(results.confusion.map((line, i) => line[i] ?? 0));
    expect(results.metrics['rows']).toBe(rows);
    expect(results.metrics['accuracy']).toBeCloseTo(right / rows, 6);
    const summary = (await service.call('run.list', { project: opened.project }))[0];
    expect(results.metrics['accuracy']).toBeCloseTo(summary?.figure ?? -1, 6);
    expect(results.majority).toBe(summary?.majority);
    expect(results.examples).toHaveLength(rows);
    const losses = results.examples.map((e) => e.loss);
    expect(losses).toEqual([...losses].sort((a, b) => b - a));
    for (const e of results.examples) expect(e.predicted === e.gold).toBe(e.loss < Math.log(2) + 1e-6);
    expect(results.classes.map((c) => c.support)).toEqual(results.confusion.map(sum));
    expect(results.files.map((f) => f.name)).toEqual(
      expect.arrayContaining(['adapter.safetensors', 'run/metrics.jsonl']),
    );
    expect(existsSync(join(folders.workspace, '.espalier', 'tiny', 'runs', run, 'results.json'))).toBe(true);
    expect(await service.call('run.results', { run })).toEqual(results);
  });
  it('shows by how much each parameter has changed', async () => {
    const { parameters, sources } = await service.call('run.weights', { run });
    expect(sources).toEqual([]);
    const query = parameters.filter((p) => /query\/.*\/B$/.test(p.name) || p.name.endsWith('/B'));
    expect(query.length).toBeGreaterThan(0);
    // B begins at zero, so its update is all of it.
    for (const p of query) expect(p.updateNorm).toBeCloseTo(p.norm, 6);
    for (const p of parameters.filter((x) => x.name.endsWith('/A'))) expect(p.updateNorm).toBeLessThan(p.norm);
  });
  it('answers texts, and again from the warm process', async () => {
    const first = await service.call('run.try', { run, texts: ['the film was great', 'a dull plot'] });
    expect(first.map((r) => r.text)).toEqual(['the film was great', 'a dull plot']);
    for (const r of first) expect(sum(Object.values(r.scores))).toBeCloseTo(1, 5);
    const again = await service.call('run.try', { run, texts: ['a dull plot'] });
    expect(again[0]?.scores['good']).toBeCloseTo(first[1]?.scores['good'] ?? -1, 5);
    expect(await service.send('run.try', { run, texts: ['a'], pairs: ['b'] })).toMatchObject({
      ok: false,
      diagnostics: [{ code: 'predict-pairs' }],
    });
  });
  it('predicts a file to csv behind a ticket', async () => {
    const data = join(folders.folder, 'more.csv');
    writeFileSync(data, 'id,text\n1,"great, really"\n2,dull\n');
    const grant = service.service.context.grants.add(data, 'file').id;
    const { ticket, name, rows } = await service.call('run.predictFile', { run, grant });
    expect([name, rows]).toEqual(['more.predictions.csv', 2]);
    const { text } = await service.raw({ path: `/api/download/${ticket}` });
    const lines = text.trim().split('\n');
    expect(lines[0]).toBe('id,text,prediction,p(bad),p(good)');
    expect(lines[1]).toMatch(/^1,"great, really",(bad|good),0\.\d{6},0\.\d{6}$/);
  });
  it('gives its adapter and PEFT files for download, and nothing else', async () => {
    const file = (name: string): Promise<{ readonly ticket: string; readonly name: string }> =>
      service.call('download.ticket', { what: { kind: 'run-file', run, file: name } });
    const { ticket } = await file('adapter.safetensors');
    expect((await service.raw({ path: `/api/download/${ticket}` })).status).toBe(200);
    const zip = await service.call('download.ticket', { what: { kind: 'run-export', run, as: 'peft' } });
    expect((await service.raw({ path: `/api/download/${zip.ticket}` })).text).toMatch(/^PK/);
    for (const name of ['../record.json', 'result.json', '/etc/passwd']) await expect(file(name)).rejects.toThrow();
  });
  it('says why its sources cannot be merged when it has none', async () => {
    expect(await service.call('run.mergeSources', { run })).toEqual({
      possible: false,
      words: 'The model has no sources to merge.',
    });
  });
});

describe('a draft', () => {
  it('is timed, with the share of each node', async () => {
    const { project, revision } = opened;
    const { stepSeconds, steps, seconds, shares } = await service.call('run.estimate', { project, revision });
    expect(steps).toBe(4 * 6);
    expect(seconds).toBeGreaterThan(steps * stepSeconds * 0.999);
    expect(sum(shares.map((s) => s.share))).toBeCloseTo(1, 2);
    expect(shares.map((s) => s.node)).toContain('layers/*/query');
  });
  it('tries one batch, and learns eight examples by heart', async () => {
    const { project, revision } = opened;
    const batch = await service.call('run.dry', { project, revision, kind: 'batch' });
    expect(batch).toMatchObject({ ok: true, losses: [expect.any(Number)] });
    const overfit = await service.call('run.dry', { project, revision, kind: 'overfit' });
    expect(overfit.losses.length).toBeGreaterThan(1);
    expect(overfit.words).toMatch(/In \d+ steps the loss on 8 examples went from 0\.\d{4} to /);
  });
  it('is probed on any wire that carries a tensor', async () => {
    const { project } = opened;
    const ask = (node: string, port: string) => service.call('check.probe', { project, model: 'main', node, port });
    const query = await ask('layers/1/query', 'y');
    expect(query.shape).toHaveLength(3);
    expect(query.notFinite).toBe(0);
    expect(sum(query.histogram.counts)).toBeGreaterThan(0);
    expect(query.min).toBeLessThanOrEqual(query.mean);
    const head = await ask('head', 'logits');
    expect(head.shape.at(-1)).toBe(2);
    await expect(ask('layers/9/query', 'y')).rejects.toThrow(/layer 9/);
    await expect(ask('tokens', 'tokens')).rejects.toThrow(/batch itself/);
  });
});
