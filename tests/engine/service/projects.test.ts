/** Projects: edits, their order and conflicts, saving, other programs, names, and what is refused. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { diff, type Patch } from '../../../engine/protocol/api/patch.ts';
import type { EditOutcome, OpenProject } from '../../../engine/protocol/api/project.ts';
import { parseDocument } from '../../../engine/protocol/parse.ts';
import { printDocument } from '../../../engine/protocol/print.ts';
import { generator } from '../../support/tinyModels.ts';
import { makeFolders, newProject, runService, SHELL_SECRET, type Running } from './service.ts';

let running: Running;
beforeAll(async () => {
  running = await runService(await makeFolders());
});
afterAll(async () => {
  await running.close();
  running.folders.remove();
});

const pathOf = (opened: { readonly file: string }): string => join(running.folders.workspace, opened.file);
const edit = (
  { project }: Pick<OpenProject, 'project'>,
  revision: number,
  patch: Patch,
  key?: string,
): Promise<EditOutcome> =>
  running.call('project.edit', { project, revision, patch: patch as never, label: 'edit' }, key);
const set = (path: string, value: unknown): Patch => [{ path: path.split('/'), value }];
const read = (opened: OpenProject): unknown => JSON.parse(readFileSync(pathOf(opened), 'utf8'));
const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function grantOf(path: string, kind: 'file' | 'folder' | 'save'): Promise<string> {
  const { origin } = running.service;
  const reply = await running.raw({
    method: 'POST',
    path: '/api/grant',
    headers: { origin, 'content-type': 'application/json', authorization: `Bearer ${SHELL_SECRET}` },
    body: JSON.stringify({ path, kind }),
  });
  return (reply.json() as { result: { grant: string } }).result.grant;
}

describe('edits', () => {
  it('are numbered, and saved a second later as the document prints', async () => {
    const opened = await newProject(running, 'edits');
    expect(await edit(opened, 0, set('title', 'first title'))).toEqual({ kind: 'done', revision: 1 });
    expect(await edit(opened, 1, set('notes', 'two'))).toEqual({ kind: 'done', revision: 2 });
    const before = readFileSync(pathOf(opened), 'utf8');
    expect(before).not.toContain('first title');
    await wait(1500);
    const now = await running.call('project.get', { project: opened.project });
    expect(readFileSync(pathOf(opened), 'utf8')).toBe(printDocument(now.document));
    expect(now).toMatchObject({ revision: 2, document: { title: 'first title', notes: 'two' } });
  });

  it('of two windows to different places are both made', async () => {
    const opened = await newProject(running, 'rebase');
    expect(await edit(opened, 0, set('title', 'mine'))).toMatchObject({ kind: 'done', revision: 1 });
    expect(await edit(opened, 0, set('notes', 'yours'))).toMatchObject({ kind: 'done', revision: 2 });
    const { document } = await running.call('project.get', { project: opened.project });
    expect(document).toMatchObject({ title: 'mine', notes: 'yours' });
  });

  it('of two windows to one place: the second learns what is there now', async () => {
    const opened = await newProject(running, 'conflict');
    await edit(opened, 0, set('title', 'mine'));
    const outcome = await edit(opened, 0, set('title', 'yours'));
    expect(outcome).toMatchObject({ kind: 'conflict', revision: 1, document: { title: 'mine' } });
    const below = await edit(opened, 0, set('recipes/lora/params/rank', 3));
    expect(below).toMatchObject({ kind: 'done', revision: 2 });
    const recipes = { ...opened.document.recipes };
    expect(await edit(opened, 1, set('recipes', recipes))).toMatchObject({ kind: 'conflict' });
    expect(await edit(opened, 99, set('title', 'x'))).toMatchObject({ kind: 'conflict' });
  });

  it('that were sent twice are made once', async () => {
    const opened = await newProject(running, 'twice');
    const session = running.service.context.projects.get(opened.project);
    const patch = set('title', 'once');
    expect(session.edit(0, patch, 'edit', 'one key of the page')).toEqual({ kind: 'done', revision: 1 });
    session.edit(1, set('title', 'later'), 'edit', 'another key of the page');
    expect(session.edit(0, patch, 'edit', 'one key of the page')).toEqual({ kind: 'done', revision: 1 });
    expect(session.document.title).toBe('later');
  });

  it('a joined window gets the same session', async () => {
    const opened = await newProject(running, 'joined');
    await edit(opened, 0, set('title', 'unsaved'));
    const joined = await running.call('project.open', { path: opened.file });
    expect(joined).toMatchObject({ project: opened.project, revision: 1, document: { title: 'unsaved' } });
  });

  it.each<[string, Patch]>([
    ['a field of another type', set('title', 7)],
    ['an unknown field', set('surplus', 1)],
    ['another format', set('format', 'x')],
    ['a newer version', set('version', 2)],
    ['a node without its fields', set('models/main/nodes/new', { type: 'peft.lora', version: 1 })],
    ['an id that is none', set('models/main/nodes/a b', { type: 'peft.lora', version: 1, params: {} })],
    ['a removal of everything', [{ path: [] }]],
    ['something else as everything', [{ path: [], value: [] }]],
    ['a place that is not there', set('models/none/nodes/x/title', 'x')],
    ['a prototype', set('models/__proto__/nodes', {})],
    ['a text of a known node', set('models/main/nodes/labels/raw', '{}')],
    [
      'a text of an unknown node that breaks the file',
      set('models/main/nodes/evil', { type: 'evil.node', version: 1, params: {}, raw: '1, "injected": {' }),
    ],
    [
      'a text of an unknown node that is another node',
      set('models/main/nodes/evil', {
        type: 'evil.node',
        version: 1,
        params: {},
        raw: '{"type":"peft.lora","version":1}',
      }),
    ],
    ['nesting without end', set('view', JSON.parse('{"a":'.repeat(70) + '1' + '}'.repeat(70)))],
  ])('with %s are refused, and change nothing', async (_what, patch) => {
    const opened = await running.call('project.open', { path: 'edits.espalier.json' });
    const before = await running.call('project.get', { project: opened.project });
    const outcome = await edit(opened, before.revision, patch);
    expect(outcome.kind).toBe('refused');
    const after = await running.call('project.get', { project: opened.project });
    expect(after).toEqual(before);
  });

  it('keep a node of an unknown type byte for byte', async () => {
    const raw = '{ "type" : "future.node",\n "version": 3, "params": {"x": [1, {"y": 1e2}]}, "more": "\\u0000" }';
    const document = { ...(await newProject(running, 'plain')).document, title: 'unknown' };
    const text = printDocument(document).replace('"nodes": {', `"nodes": {\n"future": ${raw},`);
    const opened = await running.call('project.new', { name: 'unknown', from: { kind: 'text', text } });
    await edit(opened, 0, set('title', 'edited'));
    await running.call('project.save', { project: opened.project });
    const saved = readFileSync(pathOf(opened), 'utf8');
    expect(saved).toContain(raw);
    expect(parseDocument(saved, 'x', { knows: (type) => type !== 'future.node' }).diagnostics).toEqual([]);
    // Moved as a whole it stays as it is, too.
    const now = (await running.call('project.get', { project: opened.project })).document;
    const workflow = now.workflow.nodes as Readonly<Record<string, unknown>>;
    expect(await edit(opened, 1, [{ path: ['workflow', 'nodes', 'moved'], value: workflow['future'] }])).toMatchObject({
      kind: 'done',
    });
  });

  it('with hostile texts in every text of the document come back as they were', async () => {
    const texts = [
      '</script><script>alert(1)</script>',
      '"}, "x": {"',
      '${7*7}',
      '{{7*7}}',
      '\u202e\u0000\u001b[2J',
      "'; DROP TABLE runs; --",
      '../../etc/passwd',
      'javascript:alert(1)',
      '\ud800',
      '__proto__',
      'a\r\nSet-Cookie: x=1',
      '%00%0a',
      '=cmd|calc',
      '😀'.repeat(50),
    ];
    let revision = 0;
    const opened = await newProject(running, 'hostile');
    for (const text of texts) {
      for (const path of [
        'title',
        'notes',
        'models/main/nodes/labels/title',
        'models/main/nodes/labels/notes',
        'workflow/nodes/train/title',
        'workflow/nodes/data/params/file',
        'recipes/lora/title',
      ]) {
        const outcome = await edit(opened, revision, set(path, text));
        expect(outcome.kind, `${path} ${JSON.stringify(text)}`).toBe('done');
        if (outcome.kind === 'done') revision = outcome.revision;
      }
      await running.call('project.save', { project: opened.project });
      const now = (await running.call('project.get', { project: opened.project })).document;
      expect(now.title).toBe(text);
      const back = parseDocument(readFileSync(pathOf(opened), 'utf8'), 'x');
      expect(back.diagnostics).toEqual([]);
      expect(diff(now, back.document)).toEqual([]);
    }
  });

  it('at random and in any order leave page and file equal', async () => {
    const random = generator(7);
    const opened = await newProject(running, 'random');
    let document: unknown = opened.document;
    let revision = 0;
    for (let i = 0; i < 60; i++) {
      const path = ['title', 'notes', 'recipes/lora/params/rank', 'models/main/nodes/labels/title'][
        Math.floor(random() * 4)
      ] as string;
      const value = path.endsWith('rank') ? 1 + Math.floor(random() * 9) : `text ${i}`;
      const outcome = await edit(opened, revision, set(path, value));
      if (outcome.kind === 'done') revision = outcome.revision;
      document = (await running.call('project.get', { project: opened.project })).document;
    }
    await running.call('project.save', { project: opened.project });
    expect(diff(document, read(opened))).toEqual([]);
  });
});

describe('files', () => {
  it('that another program changed are left, and the edits go on beside them', async () => {
    const opened = await newProject(running, 'foreign');
    const socket = await running.socket();
    socket.send({ subscribe: opened.project });
    const foreign = readFileSync(pathOf(opened), 'utf8').replace('"foreign"', '"theirs"');
    writeFileSync(pathOf(opened), foreign);
    await edit(opened, 0, set('title', 'mine'));
    const { text } = await socket.wait('notice');
    expect(text).toContain('Another program changed "foreign.espalier.json"');
    expect(readFileSync(pathOf(opened), 'utf8')).toBe(foreign);
    const now = await running.call('project.get', { project: opened.project });
    expect(now.file).toBe('foreign (my version).espalier.json');
    expect(read(now)).toMatchObject({ title: 'mine' });
    await edit(opened, 1, set('title', 'mine again'));
    await running.call('project.save', { project: opened.project });
    expect(read(now)).toMatchObject({ title: 'mine again' });
    socket.close();
  });
  it('that were removed are written again', async () => {
    const opened = await newProject(running, 'removed');
    rmSync(pathOf(opened));
    await edit(opened, 0, set('title', 'back'));
    await running.call('project.save', { project: opened.project });
    expect(read(opened)).toMatchObject({ title: 'back' });
  });
  it('get a number when their name is taken, and are never written over', async () => {
    const [first, second] = [await newProject(running, 'name'), await newProject(running, 'name')];
    expect([first.file, second.file]).toEqual(['name.espalier.json', 'name 2.espalier.json']);
    await expect(running.call('project.saveAs', { project: second.project, name: 'name' })).rejects.toThrow(
      /output-exists/,
    );
  });
  it.each(['../x', 'a/b', '', '.x', 'con', 'a\0b'])('are not named %j', async (name) => {
    const answer = await running.send('project.new', { name, from: { kind: 'template', template: 'head' } });
    expect(answer.ok).toBe(false);
  });
  it('go on under another name, and both names are right', async () => {
    const opened = await newProject(running, 'as');
    await edit(opened, 0, set('title', 'first'));
    const moved = await running.call('project.saveAs', { project: opened.project, name: 'as other' });
    expect(moved).toMatchObject({ project: opened.project, file: 'as other.espalier.json' });
    await edit(moved, 1, set('title', 'second'));
    await running.call('project.save', { project: opened.project });
    expect(read(moved)).toMatchObject({ title: 'second' });
    expect(read(opened)).toMatchObject({ title: 'as' });
  });
  it('are saved to a granted place, and opened from one', async () => {
    const opened = await newProject(running, 'granted');
    const folder = join(running.folders.folder, 'elsewhere');
    mkdirSync(folder);
    const place = join(folder, 'there.espalier.json');
    const moved = await running.call('project.saveAs', {
      project: opened.project,
      grant: await grantOf(place, 'save'),
    });
    expect(moved.file).toBe('there.espalier.json');
    await running.call('project.close', { project: moved.project });
    const again = await running.call('project.open', { grant: await grantOf(place, 'file') });
    expect(again.document.title).toBe('granted');
    const recent = await running.call('app.recent', {});
    expect(recent[0]).toMatchObject({
      title: 'granted',
      file: expect.stringMatching(/^[^/]+\/there\.espalier\.json$/) as string,
      missing: false,
    });
  });
  it('that are no document are refused in words', async () => {
    writeFileSync(join(running.folders.workspace, 'broken.json'), '{"format": "espalier", ');
    await expect(running.call('project.open', { path: 'broken.json' })).rejects.toThrow(/json-syntax/);
    await expect(running.call('project.open', { path: 'nothing.json' })).rejects.toThrow(/path-refused/);
  });
  it('are imported beside the document, and located again', async () => {
    const opened = await newProject(running, 'import');
    const from = join(running.folders.folder, 'more.csv');
    writeFileSync(from, 'text,label\na,b\n');
    const grant = (await grantOf(from, 'file')) as never;
    expect(await running.call('files.import', { project: opened.project, grant })).toEqual({ file: 'more.csv' });
    const outcome = await running.call('project.relocate', {
      project: opened.project,
      revision: 0,
      step: 'data',
      param: 'file',
      grant,
    });
    expect(outcome).toMatchObject({ kind: 'done', revision: 1 });
    const { document } = await running.call('project.get', { project: opened.project });
    expect(document.workflow.nodes['data' as never]).toMatchObject({ params: { file: 'more.csv' } });
    for (const step of ['nothing', 'model', 'data/x']) {
      const refused = await running.send('project.relocate', {
        project: opened.project,
        revision: 1,
        step,
        param: 'file',
        grant,
      });
      expect(refused.ok).toBe(false);
    }
  });
});

describe('closing', () => {
  it('saves, and leaves no journal', async () => {
    const opened = await newProject(running, 'closed');
    await edit(opened, 0, set('title', 'at the end'));
    await running.call('project.close', { project: opened.project });
    expect(read(opened)).toMatchObject({ title: 'at the end' });
    const answer = await running.send('project.get', { project: opened.project });
    expect(answer).toMatchObject({ ok: false, status: 404 });
    const journals = readdirSync(join(running.folders.home, 'sessions'), { recursive: true, encoding: 'utf8' })
      .filter((f) => f.endsWith('.jsonl'))
      .map((f) => readFileSync(join(running.folders.home, 'sessions', f), 'utf8'));
    expect(journals.some((text) => text.includes('closed.espalier.json'))).toBe(false);
    expect(existsSync(pathOf(opened))).toBe(true);
  });
});
