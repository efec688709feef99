/** The app's own commands: facts, settings, models, disk, report; what the engine proposes; code with its places. */
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyPatch } from '../../../engine/protocol/api/patch.ts';
import { STARTER_ID } from '../../../engine/checkpoints/store.ts';
import { openSettings, DEFAULT_SETTINGS } from '../../../engine/service/app/settings.ts';
import { withoutSecrets } from '../../../engine/service/app/report.ts';
import { createLog } from '../../../engine/service/log.ts';
import { writeTinyBackbone } from '../../support/tinyBackbone.ts';
import { makeFolders, newProject, runService, type Running } from './service.ts';

let running: Running;
beforeAll(async () => {
  running = await runService(await makeFolders());
});
afterAll(async () => {
  await running.close();
  running.folders.remove();
});

describe('settings', () => {
  it('are kept, field by field', async () => {
    await running.call('app.setSettings', { theme: 'dark', zoom: 1.5 });
    await running.call('app.setSettings', { firstRunDone: true, keys: { 'edit.undo': 'Ctrl+U' } });
    const settings = await running.call('app.settings', {});
    expect(settings).toMatchObject({ theme: 'dark', zoom: 1.5, firstRunDone: true, keys: { 'edit.undo': 'Ctrl+U' } });
    expect(openSettings(running.folders.home, createLog()).get()).toEqual(settings);
  });
  it.each([
    { theme: 'pink' },
    { zoom: 100 },
    { hubAddress: 'http://hub.example.org' },
    { trusted: ['x'] },
    { other: 1 },
  ])('of %j are refused', async (change) => {
    expect(await running.send('app.setSettings', change)).toMatchObject({ ok: false, status: 400 });
  });
  it('that are damaged are set aside', () => {
    const home = join(running.folders.folder, 'damaged');
    mkdirSync(home);
    writeFileSync(join(home, 'settings.json'), '{"theme":');
    expect(openSettings(home, createLog()).get()).toEqual(DEFAULT_SETTINGS);
    expect(existsSync(join(home, 'settings.json.damaged'))).toBe(true);
    writeFileSync(join(home, 'settings.json'), '{"theme": "dark", "zoom": "x", "more": 1}');
    expect(openSettings(home, createLog()).get()).toEqual({ ...DEFAULT_SETTINGS, theme: 'dark' });
  });
});

describe('models', () => {
  it('are listed with what they are, the starter first', async () => {
    const [starter] = await running.call('models.list', {});
    expect(starter).toMatchObject({ name: 'starter', present: true, architecture: 'bert, 2 layers of width 16' });
  });
  it('are added from a folder of the workspace', async () => {
    writeTinyBackbone(join(running.folders.workspace, 'tiny'));
    expect(await running.call('models.add', { path: 'tiny' })).toEqual({ name: 'tiny' });
    expect((await running.call('models.list', {})).map((m) => m.name)).toContain('tiny');
    const bare = await running.call('project.new', { name: 'bare', from: { kind: 'backbone', backbone: 'tiny' } });
    const { models, diagnostics } = await running.call('check.now', {
      project: bare.project,
      revision: 0,
      phase: 'findings',
    });
    expect(diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
    expect(models[0]?.totals.backbone).toBeGreaterThan(1000);
  });
  it.each([{ path: '../backbone' }, { path: '/etc' }, { path: 'nothing' }, {}])(
    'are not added from %j',
    async (params) => {
      expect((await running.send('models.add', params)).ok).toBe(false);
    },
  );
  it('that are there are ready at once, and others fail in words', async () => {
    const socket = await running.socket();
    const { job } = await running.call('models.get', { id: STARTER_ID });
    expect(await socket.wait('progress', (e) => e.job === job && e.ended === true)).not.toHaveProperty('failed');
    const other = await running.call('models.get', { id: '../../etc' });
    const { failed } = await socket.wait('progress', (e) => e.job === other.job && e.ended === true);
    expect(failed?.length).toBeGreaterThan(10);
    socket.close();
  });
});

describe('the disk', () => {
  it('tells what takes room, and removes only what is listed and free', async () => {
    await newProject(running, 'uses the starter');
    const cache = join(running.folders.home, 'cache');
    mkdirSync(cache, { recursive: true });
    writeFileSync(join(cache, 'values.bin'), Buffer.alloc(5000));
    const { entries } = await running.call('app.disk', {});
    expect(entries.find((e) => e.id === `model:${STARTER_ID}`)).toMatchObject({ removable: false });
    expect(entries.find((e) => e.id === 'scratch:cache')).toMatchObject({ removable: true });
    const results = join(running.folders.workspace, '.espalier');
    const old = new Date(Date.now() - 3600_000);
    for (const name of ['gone', 'uses the starter', 'busy']) {
      mkdirSync(join(results, name), { recursive: true });
      writeFileSync(join(results, name, 'adapter.safetensors'), Buffer.alloc(100));
      if (name !== 'busy')
        for (const path of [join(results, name, 'adapter.safetensors'), join(results, name)])
          utimesSync(path, old, old);
    }
    const removable = (await running.call('app.disk', {})).entries.filter((e) => e.id.startsWith('results:'));
    expect(removable.map((e) => [e.id, e.removable])).toEqual(
      expect.arrayContaining([
        ['results:.espalier/gone', true],
        ['results:.espalier/busy', false],
        ['results:.espalier/uses the starter', false],
      ]),
    );
    const ids = [
      'results:.espalier/gone',
      'results:.espalier/uses the starter',
      'results:.espalier',
      'scratch:cache',
      `model:${STARTER_ID}`,
      '../workspace',
      'model:../../workspace',
      'model:tiny',
    ];
    const { freed } = await running.call('app.cleanDisk', { ids });
    expect(freed).toBeGreaterThanOrEqual(5000);
    expect(existsSync(cache)).toBe(false);
    expect(existsSync(join(results, 'gone'))).toBe(false);
    expect(existsSync(join(results, 'uses the starter'))).toBe(true);
    expect(existsSync(running.folders.workspace)).toBe(true);
    expect((await running.call('models.list', {})).map((m) => m.name)).toEqual(
      expect.arrayContaining(['starter', 'tiny']),
    );
  });
});

it('a report names no place, no person and no secret', () => {
  const text = [
    'opened /home/ada/work/model.json in /tmp/x',
    'Authorization: Bearer abcdef',
    'ticket=Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyMTIz',
    'token: "s3cr3t"',
    'https://ada:pass@hub.example.org/x',
    'password = hunter2',
  ].join('\n');
  const cleaned = withoutSecrets(text, { home: '/home/ada', workspace: '/home/ada/work' });
  for (const word of ['ada', 'abcdef', 'Zm9v', 's3cr3t', 'pass@', 'hunter2']) expect(cleaned).not.toContain(word);
  expect(cleaned).toContain('<workspace>/model.json');
});

describe('proposals', () => {
  it('of a method are a patch that the page makes', async () => {
    const { project, document } = await running.call('project.new', {
      name: 'propose',
      from: { kind: 'template', template: 'head' },
    });
    const proposal = await running.call('project.proposeMethod', {
      project,
      revision: 0,
      model: 'main',
      method: 'lora',
      params: { r: 4, targets: 'query' },
    });
    const next = applyPatch(document, proposal.patch);
    expect(next.ok && JSON.stringify(next.value)).toContain('peft.lora');
    expect(proposal.notes[0]).toMatch(/LoRA: 1 module added/);
    const edited = await running.call('project.edit', {
      project,
      revision: 0,
      label: 'LoRA',
      patch: proposal.patch as never,
    });
    expect(edited.kind).toBe('done');
    for (const params of [
      { project, revision: 1, model: 'none', method: 'lora' },
      { project, revision: 1, model: 'main', method: 'none' },
      { project, revision: 1, model: 'main', method: 'lora', params: { r: -1 } },
      { project, revision: 1, model: 'main', method: 'fusion', bank: 'none' },
      { project, revision: 0, model: 'main', method: 'lora' },
    ]) {
      expect((await running.send('project.proposeMethod', params)).ok, JSON.stringify(params)).toBe(false);
    }
  });
  it('of training turn a bare backbone into a document that trains', async () => {
    const { project, document } = await running.call('project.new', {
      name: 'untrained',
      from: { kind: 'backbone', backbone: 'starter' },
    });
    const proposal = await running.call('project.proposeTraining', { project, revision: 0, data: { sample: true } });
    const outcome = await running.call('project.edit', {
      project,
      revision: 0,
      label: 'Train',
      patch: proposal.patch as never,
    });
    expect(outcome.kind).toBe('done');
    const view = await running.call('check.now', { project, revision: 1, phase: 'costs' });
    expect(view.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
    expect(view.models[0]).toMatchObject({ model: 'main', totals: { trainable: expect.any(Number) as number } });
    const now = await running.call('project.get', { project });
    expect(now.document.title).toBe(document.title);
    expect(Object.keys(now.document.workflow.nodes)).toEqual(expect.arrayContaining(['data', 'model', 'train']));
  });
  it('of a new document take the person’s choices', async () => {
    writeFileSync(
      join(running.folders.workspace, 'own.csv'),
      `words,kind\n${'good film,yes\nbad film,no\n'.repeat(20)}`,
    );
    const opened = await running.call('project.new', {
      name: 'tuned',
      from: {
        kind: 'tune',
        backbone: 'starter',
        data: { path: 'own.csv' },
        method: 'lora',
        params: { r: 2 },
        text: ['words'],
        label: ['kind'],
        epochs: 2,
      },
    });
    const text = readFileSync(join(running.folders.workspace, opened.file), 'utf8');
    for (const part of ['"own.csv"', '"words"', '"kind"', '"epochs": 2', '"rank": 2']) expect(text).toContain(part);
    const bad = await running.send('project.new', {
      name: 'x',
      from: { kind: 'tune', backbone: 'starter', data: { path: '../x.csv' }, method: 'lora' },
    });
    expect(bad).toMatchObject({ ok: false, status: 403 });
  });
});

describe('code', () => {
  it('comes with the lines of each node', async () => {
    const { project } = await newProject(running, 'code');
    const { text, spans } = await running.call('project.code', { project, model: 'main' });
    const lines = text.split('\n');
    const of = (node: string): string =>
      spans
        .filter((s) => s.node === node)
        .map((s) => lines.slice(s.from - 1, s.to).join('\n'))
        .join('\n---\n');
    expect(of('layers/*/lora_attn_query')).toContain('self.lora_attn_query = Lora(');
    expect(of('layers/*/lora_attn_query')).toContain('class Lora(');
    expect(of('layers/*/query')).toContain('self.query(hidden)');
    expect(of('layers/*/query')).not.toContain('self.key =');
    expect(of('layers')).toContain('class Layer(');
    expect(of('head')).toContain('class LinearHead(');
    for (const { from, to } of spans) {
      expect(from).toBeLessThanOrEqual(to);
      expect(to).toBeLessThanOrEqual(lines.length);
    }
  });
  it('of a model that does not compile is refused in words', async () => {
    const { project } = await newProject(running, 'no code');
    await running.call('project.edit', {
      project,
      revision: 0,
      label: 'cut',
      patch: [{ path: ['models', 'main', 'edges'], value: [] }],
    });
    expect(await running.send('project.code', { project, model: 'main' })).toMatchObject({ ok: false, status: 422 });
    expect(await running.send('project.code', { project, model: 'none' })).toMatchObject({ ok: false, status: 422 });
  });
});

it('the command for a terminal is quoted', async () => {
  const { project } = await newProject(running, "it's mine; rm");
  const { text } = await running.call('project.command', { project });
  expect(text).toMatch(/^espalier run '.*it'\\''s mine; rm\.espalier\.json'$/);
});
