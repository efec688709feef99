/** What a crash leaves: every edit that was answered comes back, at whatever moment the service was killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../../build/setup.mjs';
import { diff } from '../../../engine/protocol/api/patch.ts';
import type { EditOutcome, OpenProject } from '../../../engine/protocol/api/project.ts';
import { emptyDocument } from '../../../engine/protocol/document.ts';
import { parseDocument } from '../../../engine/protocol/parse.ts';
import { printDocument } from '../../../engine/protocol/print.ts';
import { createHub } from '../../../engine/service/events/hub.ts';
import { createLog } from '../../../engine/service/log.ts';
import { JOURNAL_FILE, readJournal } from '../../../engine/service/projects/journal.ts';
import { takeLock } from '../../../engine/service/projects/lock.ts';
import { createProjects, type Projects } from '../../../engine/service/projects/projects.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { generator } from '../../support/tinyModels.ts';
import { makeFolders, newProject, openSocket, runService, type Folders } from './service.ts';

describe('a service that is killed', () => {
  const token = 'token-of-the-crash-tests-0123456789';
  let folders: Folders;
  let child: ChildProcess | undefined;
  beforeAll(async () => {
    folders = await makeFolders();
    writeFileSync(join(folders.folder, 'token'), token);
  });
  afterAll(() => {
    child?.kill('SIGKILL');
    folders.remove();
  });

  async function start(): Promise<string> {
    const args = ['serve', '--json', '--workspace', folders.workspace, '--home', folders.home, '--page', folders.page];
    child = spawn(
      process.execPath,
      [join('build', 'espalier.mjs'), ...args, '--token-file', join(folders.folder, 'token')],
      {
        cwd: root,
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    const line = await new Promise<string>((resolve, reject) => {
      let text = '';
      child?.once('exit', (code) => reject(new Error(`the service ended with ${code}`)));
      child?.stdout?.on('data', (more: Buffer) => {
        text += more.toString();
        if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
      });
    });
    return new URL((JSON.parse(line) as { address: string }).address).origin;
  }
  async function kill(): Promise<void> {
    const ended = new Promise((resolve) => child?.once('exit', resolve));
    child?.removeAllListeners('exit');
    child?.once('exit', () => undefined);
    child?.kill('SIGKILL');
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 500))]);
  }
  async function call<R>(origin: string, name: string, params: unknown, key: string): Promise<R> {
    const reply = await fetch(`${origin}/api/command`, {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ name, params, key }),
    });
    const answer = (await reply.json()) as { ok: boolean; result: R };
    if (!answer.ok) throw new Error(`${name}: ${JSON.stringify(answer)}`);
    return answer.result;
  }

  it('has lost nothing that it answered, makes nothing twice, and says what came back', async () => {
    const random = generator(11);
    let origin = await start();
    const opened = await call<OpenProject>(
      origin,
      'project.new',
      { name: 'k', from: { kind: 'template', template: 'lora' } },
      'first-key',
    );
    let revision = opened.revision;
    let title = opened.document.title;
    let recovered = 0;
    for (let round = 0; round < 6; round++) {
      const edits = 1 + Math.floor(random() * 4);
      for (let i = 0; i < edits; i++) {
        title = `round ${round} edit ${i}`;
        const params = { project: opened.project, revision, label: title, patch: [{ path: ['title'], value: title }] };
        const key = `edit-key-${round}-${i}`;
        const outcome = await call<EditOutcome>(origin, 'project.edit', params, key);
        expect(outcome.kind).toBe('done');
        revision = outcome.kind === 'done' ? outcome.revision : revision;
      }
      // Some of the kills come after the file was written, most between journal and file.
      await new Promise((resolve) => setTimeout(resolve, Math.floor(random() * 1400)));
      await kill();
      origin = await start();
      // The window comes back with the id that it knows, and sends its last edit again.
      const socket = await openSocket(origin, token);
      socket.send({ subscribe: opened.project });
      const back = await socket.wait('resync');
      expect(back.document.title).toBe(title);
      expect(back.revision).toBe(revision);
      if (socket.events.some((e) => e.event === 'notice' && e.text.includes('came back'))) recovered += 1;
      const again = {
        project: opened.project,
        revision: revision - 1,
        label: title,
        patch: [{ path: ['title'], value: title }],
      };
      const outcome = await call<EditOutcome>(origin, 'project.edit', again, `edit-key-${round}-${edits - 1}`);
      expect(outcome).toEqual({ kind: 'done', revision });
      socket.close();
    }
    expect(recovered).toBeGreaterThan(0);
    const ended = new Promise((resolve) => child?.once('exit', resolve));
    child?.stdin?.end();
    await ended;
    const file = join(folders.workspace, 'k.espalier.json');
    expect((JSON.parse(readFileSync(file, 'utf8')) as { title: string }).title).toBe(title);
  });
});

describe('a journal', () => {
  const folder = temporaryFolder();
  const make = (): Projects =>
    createProjects({
      home: join(folder(), 'home'),
      hub: createHub(),
      knows: () => true,
      log: createLog(),
      onOpen: () => undefined,
      onChange: () => undefined,
      onClose: () => undefined,
    });
  const write = (title: string): string => {
    const path = join(folder(), 'd.espalier.json');
    writeFileSync(path, printDocument(emptyDocument(title)));
    return path;
  };
  const journalFolder = (): string => {
    const sessions = join(folder(), 'home', 'sessions');
    return join(sessions, readdirSync(sessions)[0] as string);
  };
  /** The journal and the file as they were before `change`, put back after it: a crash in between. */
  const crashed = (path: string, put: readonly ('file' | 'journal')[], change: () => void): void => {
    const kept = { file: path, journal: join(journalFolder(), JOURNAL_FILE) };
    for (const what of put) copyFileSync(kept[what], `${kept[what]}.kept`);
    change();
    for (const what of put) copyFileSync(`${kept[what]}.kept`, kept[what]);
  };
  const titled = (projects: Projects, path: string, titles: readonly string[]): void => {
    const opened = projects.open(path);
    titles.forEach((title, i) =>
      projects
        .get(opened.project)
        .edit(opened.revision + i, [{ path: ['title'], value: title }], title, `key-${title}`),
    );
  };

  it('that is ahead of the file is made up for', () => {
    const path = write('old');
    titled(make(), path, ['a', 'b']);
    expect(make().open(path)).toMatchObject({ recovered: 2, revision: 2, document: { title: 'b' } });
  });
  it('whose file was written, but which was not begun anew, gives nothing twice', () => {
    const path = write('old');
    const projects = make();
    titled(projects, path, ['a', 'b']);
    const [session] = projects.all();
    const text = (): string => readFileSync(join(journalFolder(), JOURNAL_FILE), 'utf8');
    const before = text();
    session?.save();
    const saving = JSON.stringify({ kind: 'saving', revision: 2, hash: readJournal(journalFolder())?.header.hash });
    writeFileSync(join(journalFolder(), JOURNAL_FILE), `${before}${saving}\n`);
    expect(make().open(path)).toMatchObject({ recovered: 0, document: { title: 'b' } });
  });
  it('that noted a save that never came is made up for', () => {
    const path = write('old');
    const projects = make();
    titled(projects, path, ['a', 'b']);
    crashed(path, ['file', 'journal'], () => projects.all()[0]?.save());
    appendFileSync(
      join(journalFolder(), JOURNAL_FILE),
      `${JSON.stringify({ kind: 'saving', revision: 2, hash: 'x' })}\n`,
    );
    expect(make().open(path)).toMatchObject({ recovered: 2, document: { title: 'b' } });
  });
  it.each([
    '{"kind":"edit","rev',
    '\u0000\u0000\u0000',
    '{"kind":"edit","revision":9,"key":"k","label":"l","patch":[]}\n',
    'junk\n',
  ])('that ends in %j is good up to there, and goes on', (end) => {
    const path = write('old');
    titled(make(), path, ['a']);
    appendFileSync(join(journalFolder(), JOURNAL_FILE), end);
    const projects = make();
    expect(projects.open(path)).toMatchObject({ recovered: 1, document: { title: 'a' } });
    titled(projects, path, ['b']);
    expect(make().open(path)).toMatchObject({ recovered: 2, document: { title: 'b' } });
  });
  it('that is no journal is begun anew', () => {
    const path = write('old');
    titled(make(), path, ['a']);
    writeFileSync(join(journalFolder(), JOURNAL_FILE), 'junk');
    expect(make().open(path)).toMatchObject({ recovered: 0, document: { title: 'old' } });
  });
  it('beside a file that another program changed keeps both', () => {
    const path = write('old');
    titled(make(), path, ['mine']);
    write('theirs');
    expect(make().open(path)).toMatchObject({ recovered: 0, document: { title: 'theirs' } });
    const beside = join(folder(), 'd (recovered).espalier.json');
    expect(parseDocument(readFileSync(beside, 'utf8'), 'x').document?.title).toBe('mine');
    expect(readFileSync(path, 'utf8')).toContain('theirs');
  });
  it('beside a file that is broken keeps the edits too', () => {
    const path = write('old');
    titled(make(), path, ['mine']);
    writeFileSync(path, '{');
    expect(() => make().open(path)).toThrow(/kept in "d \(recovered\)/);
    expect(existsSync(join(folder(), 'd (recovered).espalier.json'))).toBe(true);
  });
  it('remembers what a key has made', () => {
    const path = write('old');
    titled(make(), path, ['a', 'b']);
    const projects = make();
    const { project } = projects.open(path);
    const session = projects.get(project);
    expect(session.edit(0, [{ path: ['title'], value: 'a' }], 'a', 'key-a')).toEqual({ kind: 'done', revision: 1 });
    expect(session.document.title).toBe('b');
  });
  it('finds a project by the id that a window knows', () => {
    const path = write('old');
    const first = make();
    titled(first, path, ['a']);
    const id = first.all()[0]?.id;
    const second = make();
    expect(id && second.find(id)?.document.title).toBe('a');
    expect(second.find('nothing' as never)).toBeUndefined();
  });
  it('of another process that lives is left alone', () => {
    const path = write('old');
    titled(make(), path, ['a']);
    const lock = readFileSync(join(journalFolder(), 'lock'), 'utf8');
    writeFileSync(join(journalFolder(), 'lock'), lock.replace(/^\d+/, String(process.ppid)));
    expect(() => make().open(path)).toThrow(/Another Espalier/);
  });
  it('of a process that is gone, or of before a restart of the machine, is taken over', () => {
    const locked = join(folder(), 'locked');
    mkdirSync(locked);
    for (const holder of ['999999999 x', `${process.ppid} another-boot`, 'junk', '']) {
      writeFileSync(join(locked, 'lock'), holder);
      expect('release' in takeLock(locked)).toBe(true);
    }
  });
  it('replays to exactly what the file then holds, for random edits', () => {
    const random = generator(5);
    const path = write('start');
    let expected: unknown;
    for (let round = 0; round < 10; round++) {
      const projects = make();
      const opened = projects.open(path);
      const session = projects.get(opened.project);
      if (expected !== undefined) expect(diff(expected, opened.document)).toEqual([]);
      for (let i = 0; i < Math.floor(random() * 5); i++) {
        session.edit(
          session.revision,
          [{ path: ['notes'], value: `${round} ${i} ${random()}` }],
          'e',
          `k ${round} ${i}`,
        );
        if (random() < 0.2) session.save();
      }
      expected = session.document;
    }
  });
});

describe('a disk that fails', () => {
  it('makes no edit, leaves a journal that reads on, and says why in words', async () => {
    const folders = await makeFolders();
    const running = await runService(folders);
    try {
      const { project } = await newProject(running, 'full');
      const session = running.service.context.projects.get(project);
      session.edit(0, [{ path: ['title'], value: 'kept' }], 'e', 'first-key');
      await running.call('project.save', { project });
      // The journal's folder turns into something that cannot be written to.
      const sessions = join(folders.home, 'sessions');
      const journal = join(sessions, readdirSync(sessions)[0] as string, JOURNAL_FILE);
      rmSync(journal);
      mkdirSync(journal);
      const refused = await running.send('project.edit', {
        project,
        revision: 1,
        label: 'e',
        patch: [{ path: ['title'], value: 'lost' }],
      });
      expect(refused.ok).toBe(false);
      expect((await running.call('project.get', { project })).document.title).toBe('kept');
      rmSync(journal, { recursive: true });
      const done = await running.call('project.edit', {
        project,
        revision: 1,
        label: 'e',
        patch: [{ path: ['title'], value: 'again' }],
      });
      expect(done).toMatchObject({ kind: 'done', revision: 2 });
    } finally {
      await running.close();
      folders.remove();
    }
  });
});
