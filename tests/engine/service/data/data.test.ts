/** Data before training: rows and guessed columns, figures of a data step, and files that were made to do harm. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GrantId } from '../../../../engine/protocol/api/fields.ts';
import type { OpenProject } from '../../../../engine/protocol/api/project.ts';
import { csvOf, sentences } from '../../../support/tinyBackbone.ts';
import { tinyProject } from '../runs/helpers.ts';
import { makeFolders, runService, type Folders, type Running } from '../service.ts';

let folders: Folders;
let service: Running;
let opened: OpenProject;
beforeAll(async () => {
  folders = await makeFolders();
  service = await runService(folders);
  opened = await tinyProject(service, folders);
});
afterAll(async () => {
  await service.close();
  folders.remove();
});

const grantOf = (name: string, content: string | Uint8Array): GrantId => {
  const path = join(folders.folder, name);
  writeFileSync(path, content);
  return service.service.context.grants.add(path, 'file').id;
};

describe('a file that no document names yet', () => {
  it('is shown with its columns, guessed with reasons', async () => {
    const found = await service.call('data.look', { path: 'train.csv' });
    expect(found).toMatchObject({ columns: ['text', 'label'], total: 48, text: ['text'], label: ['label'] });
    expect(found.rows).toHaveLength(48);
    expect(found.task).toBe('classification');
    expect(found.reasons.join(' ')).toMatch(/"text".*"label"/s);
    expect((await service.call('data.look', { sample: true })).total).toBeGreaterThan(10);
  });
  it('is shown although its columns cannot be told', async () => {
    const grant = grantOf('odd.csv', 'a,b,c\n1,2,3\n4,5,6\n');
    const found = await service.call('data.look', { grant });
    expect(found).toMatchObject({ columns: ['a', 'b', 'c'], total: 2, text: [], label: [] });
    expect(found.diagnostics.map((d) => d.code)).toContain('column-guess');
    expect(JSON.stringify(found)).not.toContain(folders.folder);
  });
});

describe('a data step', () => {
  it('is shown page by page, and a split shows its own rows', async () => {
    const { project, revision } = opened;
    const page = await service.call('data.preview', { project, revision, step: 'data', offset: 40, limit: 20 });
    expect([page.rows.length, page.total, page.offset]).toEqual([8, 48, 40]);
    const split = await service.call('data.preview', { project, revision, step: 'split', offset: 0, limit: 1000 });
    expect(split.total).toBe(43);
    await expect(
      service.call('data.preview', { project, revision, step: 'train', offset: 0, limit: 1 }),
    ).rejects.toThrow(/gives no data/);
  });
  it('is checked for balance, repetitions, leaks and lengths', async () => {
    const rows = csvOf(sentences(40)).trim().split('\n');
    writeFileSync(join(folders.workspace, 'twice.csv'), `${[...rows, ...rows.slice(1, 11)].join('\n')}\n`);
    const { project } = opened;
    const patch = [{ path: ['workflow', 'nodes', 'data', 'params', 'file'], value: 'twice.csv' }];
    const edit = { patch, label: 'File', project, revision: (await service.call('project.get', { project })).revision };
    const done = await service.call('project.edit', edit);
    if (done.kind !== 'done') throw new Error(done.kind);
    const checks = await service.call('data.checks', { project, revision: done.revision, step: 'data' });
    expect(checks.rows).toBe(50);
    expect(checks.duplicates).toBeGreaterThanOrEqual(10);
    expect(checks.leaks).toBeGreaterThan(0);
    expect(checks.classes.map((c) => c.label)).toEqual(['bad', 'good']);
    expect(checks.majority).toBeGreaterThanOrEqual(0.5);
    expect(checks.lengths.reduce((n, l) => n + l.count, 0)).toBe(50);
    expect(checks).toMatchObject({ truncatedShare: 0, maxLength: 128 });
  });
  it('reads no file outside of the document and the workspace', async () => {
    writeFileSync(join(folders.folder, 'secret.csv'), 'text,label\na,b\nc,d\n');
    mkdirSync(join(folders.workspace, 'links'), { recursive: true });
    symlinkSync(join(folders.folder, 'secret.csv'), join(folders.workspace, 'links', 'in.csv'));
    const { project } = opened;
    for (const value of ['../secret.csv', 'links/in.csv', '../../../../../etc/passwd']) {
      const { revision } = await service.call('project.get', { project });
      const patch = [{ path: ['workflow', 'nodes', 'data', 'params', 'file'], value }];
      const done = await service.call('project.edit', { project, revision, patch, label: 'File' });
      const at = done.kind === 'done' ? done.revision : revision;
      const answer = await service.send('data.preview', { project, revision: at, step: 'data', offset: 0, limit: 5 });
      expect(answer).toMatchObject({ ok: false });
      expect(JSON.stringify(answer)).not.toContain('"c","d"');
      expect(await service.send('data.look', { path: value })).toMatchObject({ ok: false });
    }
  });
});

describe('a file that was made to do harm', () => {
  const MiB = 2 ** 20;
  it.each([
    ['one line of 40 MiB', 'line.csv', () => `text,label\n${'x'.repeat(40 * MiB)},a\n`],
    ['a quote that never ends', 'quote.csv', () => `text,label\n"${'a,b\n'.repeat(5 * MiB)}`],
    ['zeros', 'zeros.csv', () => Buffer.alloc(4 * MiB)],
    ['another encoding', 'wide.csv', () => Buffer.from('text,label\ngrüße,a\n'.repeat(1000), 'utf16le')],
    ['bytes that are no text', 'bytes.csv', () => Buffer.from(Array.from({ length: MiB }, (_, i) => (i * 7919) % 256))],
    ['brackets without end', 'deep.jsonl', () => '['.repeat(2 * MiB)],
    ['a million columns', 'wide.tsv', () => `${'c\t'.repeat(MiB)}\n${'1\t'.repeat(MiB)}\n`],
    ['no line at all', 'empty.csv', () => ''],
  ])('with %s is refused in words, and the service goes on', async (_what, name, content) => {
    const grant = grantOf(name, content());
    const looking = service.send('data.look', { grant });
    await service.call('app.info', {});
    const answer = await looking;
    if (answer.ok) return;
    expect(answer.diagnostics[0]?.message.length).toBeGreaterThan(10);
    expect(answer.diagnostics[0]?.code).not.toBe('worker-ended');
  });
  it('leaves the next question an answer', async () => {
    expect((await service.call('data.look', { path: 'train.csv' })).total).toBe(48);
  });
});
