/** Edits on their way between this window and the service: order, conflicts, lost answers, reloads, undo. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Document } from '../../../engine/protocol/document.ts';
import { modelId } from '../../../engine/protocol/ids.ts';
import { createEditor, isFresh, type Editor } from '../../../renderer/state/editor.ts';
import { fakeService, memoryStore, quiet, refusal, unreachable, type FakeService } from './fakeClient.ts';

let service: FakeService;
let kept: ReturnType<typeof memoryStore>;
let editor: Editor;

const title =
  (text: string) =>
  (document: Document): Document => ({ ...document, title: text });
const notes =
  (text: string) =>
  (document: Document): Document => ({ ...document, notes: text });
const shown = (): Document => {
  const { document } = editor.store.getState();
  if (!document) throw new Error('no document is shown');
  return document;
};
const state = () => editor.store.getState();
const toasts = (): readonly string[] => state().toasts.map((t) => t.text);

function start(): void {
  editor = createEditor(service.client, kept);
  service.connect(true);
  editor.openProject(service.opened());
}

beforeEach(() => {
  vi.useFakeTimers();
  service = fakeService();
  kept = memoryStore();
  start();
});
afterEach(() => {
  vi.useRealTimers();
});

it('shows an edit at once and sends it on the confirmed revision', async () => {
  expect(editor.edit('Name', title('b'))).toBe(true);
  expect(shown().title).toBe('b');
  expect(state().pending).toBe(1);
  await quiet();
  expect(service.document.title).toBe('b');
  expect(state()).toMatchObject({ pending: 0, revision: 1 });
  expect(service.sent.filter((s) => s.name === 'project.edit')).toHaveLength(1);
});

it('does not send an edit that changes nothing', async () => {
  expect(editor.edit('Name', title('start'))).toBe(true);
  await quiet();
  expect(service.sent.some((s) => s.name === 'project.edit')).toBe(false);
  expect(state().history.done).toHaveLength(0);
});

it('tells why an edit is refused by the protocol, and changes nothing', () => {
  const why = [{ code: 'x', severity: 'error', where: {}, message: 'No.', fix: 'Do else.' }] as const;
  expect(editor.edit('Bad', () => ({ ok: false, error: why }))).toBe(false);
  expect(toasts()).toEqual(['No. Do else.']);
  expect(shown().title).toBe('start');
});

it('keeps the document as the same object when its own edit comes back', async () => {
  editor.edit('Name', title('b'));
  const before = shown();
  await quiet();
  expect(shown()).toBe(before);
});

it('puts pending edits on top of what another window did', async () => {
  let answer: (() => void) | undefined;
  service.next.push(
    (run) =>
      new Promise((resolve) => {
        answer = () => resolve(run());
      }),
  );
  editor.edit('Name', title('b'));
  service.foreign([{ path: ['notes'], value: 'from elsewhere' }]);
  await quiet();
  expect(shown()).toMatchObject({ title: 'b', notes: 'from elsewhere' });
  expect(state().pending).toBe(1);
  answer?.();
  await quiet();
  expect(state()).toMatchObject({ pending: 0, revision: 2 });
  expect(shown()).toMatchObject({ title: 'b', notes: 'from elsewhere' });
  expect(service.document).toMatchObject({ title: 'b', notes: 'from elsewhere' });
});

it('takes events in the order of their revisions, also when they overtake each other', () => {
  const first = service.foreign([{ path: ['notes'], value: 'one' }], false);
  const second = service.foreign([{ path: ['notes'], value: 'two' }], false);
  service.emit(second);
  expect(shown().notes).toBeUndefined();
  service.emit(first);
  expect(shown().notes).toBe('two');
  expect(state().revision).toBe(2);
});

it('explains what another window changed, once for a while', () => {
  service.foreign([{ path: ['notes'], value: 'one' }]);
  service.foreign([{ path: ['notes'], value: 'two' }]);
  expect(toasts()).toEqual(['Another window changed this document: by another window.']);
});

it('reads everything anew after an event that never came', async () => {
  service.foreign([{ path: ['notes'], value: 'lost' }], false);
  service.emit(service.foreign([{ path: ['title'], value: 'late' }], false));
  expect(shown().title).toBe('start');
  await vi.advanceTimersByTimeAsync(1600);
  expect(shown()).toMatchObject({ title: 'late', notes: 'lost' });
  expect(state().revision).toBe(2);
});

it('drops an edit of a place that another window changed, and says so', async () => {
  service.hold = true;
  service.foreign([{ path: ['title'], value: 'theirs' }]);
  editor.edit('Name', title('mine'));
  await quiet();
  service.release();
  await quiet();
  expect(shown().title).toBe('theirs');
  expect(state().pending).toBe(0);
  expect(toasts().join()).toContain('"Name" was not made: another window changed the same place.');
});

it('tries again after a conflict in which the other change was elsewhere', async () => {
  service.next.push(async () => {
    service.foreign([{ path: ['notes'], value: 'theirs' }], false);
    return { kind: 'conflict', document: service.document, revision: service.revision };
  });
  editor.edit('Name', title('mine'));
  await quiet();
  expect(service.document).toMatchObject({ title: 'mine', notes: 'theirs' });
  expect(shown()).toMatchObject({ title: 'mine', notes: 'theirs' });
  const keys = service.sent.filter((s) => s.name === 'project.edit').map((s) => s.key);
  expect(new Set(keys).size).toBe(2);
  expect(toasts()).toEqual([]);
});

it('sends a lost edit again with the same key and parameters, so that it is never made twice', async () => {
  service.next.push(async (run) => {
    run();
    throw unreachable();
  });
  service.hold = true;
  editor.edit('Name', title('b'));
  await quiet();
  expect(state().pending).toBe(1);
  expect(toasts()).toEqual([]);
  service.connect(false);
  service.connect(true);
  service.release();
  await quiet();
  expect(state().pending).toBe(0);
  expect(service.revision).toBe(1);
  const sent = service.sent.filter((s) => s.name === 'project.edit');
  expect(new Set(sent.map((s) => s.key)).size).toBe(1);
  expect(new Set(sent.map((s) => JSON.stringify(s.params))).size).toBe(1);
});

it('goes on editing while the engine is away and sends everything in order when it is back', async () => {
  for (let i = 0; i < 3; i++) service.next.push(() => Promise.reject(unreachable()));
  editor.edit('One', title('one'));
  await quiet();
  service.connect(false);
  editor.edit('Two', notes('two'));
  editor.edit('Three', title('three'));
  await quiet();
  expect(shown()).toMatchObject({ title: 'three', notes: 'two' });
  expect(state()).toMatchObject({ pending: 3, connected: false });
  service.next = [];
  service.connect(true);
  await quiet();
  expect(state()).toMatchObject({ pending: 0, revision: 3, connected: true });
  expect(service.document).toMatchObject({ title: 'three', notes: 'two' });
});

it('tries again by itself when an answer was lost though the connection stands', async () => {
  service.next.push(() => Promise.reject(unreachable()));
  editor.edit('Name', title('b'));
  await quiet();
  expect(state().pending).toBe(1);
  await vi.advanceTimersByTimeAsync(1100);
  expect(state().pending).toBe(0);
  expect(service.document.title).toBe('b');
});

it('gives up an edit that the service will never take, and shows why', async () => {
  service.next.push(() => Promise.reject(refusal(422)));
  editor.edit('Name', title('b'));
  await quiet();
  expect(shown().title).toBe('start');
  expect(state().pending).toBe(0);
  expect(toasts()).toEqual(['Refused. Stop.']);
});

it('brings back edits that were on their way when the page was killed', async () => {
  for (let i = 0; i < 5; i++) service.next.push(() => Promise.reject(unreachable()));
  editor.edit('Name', title('kept'));
  editor.edit('Note', notes('kept too'));
  await quiet();
  expect(kept.text).toContain('kept');
  service.next = [];
  start();
  expect(shown()).toMatchObject({ title: 'kept', notes: 'kept too' });
  expect(toasts().join()).toContain('2 edits of this window');
  await quiet();
  expect(service.document).toMatchObject({ title: 'kept', notes: 'kept too' });
  expect(kept.text).toBeUndefined();
});

it('does not make an edit twice that had reached the service before the page was killed', async () => {
  service.next.push(async (run) => {
    run();
    throw unreachable();
  });
  service.hold = true;
  editor.edit('Name', title('once'));
  await quiet();
  service.hold = false;
  start();
  await quiet();
  expect(service.revision).toBe(1);
  expect(shown().title).toBe('once');
  expect(state().pending).toBe(0);
});

it('leaves kept edits of another project alone', () => {
  kept.text = JSON.stringify({
    project: 'other',
    edits: [{ key: 'k', label: 'x', patch: [{ path: ['title'], value: 'no' }] }],
  });
  start();
  expect(shown().title).toBe('start');
});

it('sends edits with the same merge key as one while the first is on its way', async () => {
  let answer: (() => void) | undefined;
  service.next.push(
    (run) =>
      new Promise((resolve) => {
        answer = () => resolve(run());
      }),
  );
  editor.edit('Drag', title('1'), { merge: 'drag' });
  editor.edit('Drag', title('2'), { merge: 'drag' });
  editor.edit('Drag', title('3'), { merge: 'drag' });
  await quiet();
  answer?.();
  await quiet();
  expect(service.document.title).toBe('3');
  expect(service.revision).toBe(2);
  expect(state().history.done).toHaveLength(1);
});

it('undoes a merged deed in one step and redoes it', async () => {
  editor.edit('Drag', title('1'), { merge: 'drag' });
  editor.edit('Drag', title('2'), { merge: 'drag' });
  vi.advanceTimersByTime(1500);
  editor.edit('Drag', title('3'), { merge: 'drag' });
  expect(state().history.done).toHaveLength(2);
  editor.undo();
  expect(shown().title).toBe('2');
  editor.undo();
  expect(shown().title).toBe('start');
  editor.redo();
  editor.redo();
  expect(shown().title).toBe('3');
  await quiet();
  expect(service.document.title).toBe('3');
  expect(state().history.undone).toHaveLength(0);
});

it('jumps to the level and node that undo changes', async () => {
  const place = { level: 'model', model: modelId('main'), view: 'graph', layer: 2 } as const;
  const selection = { graph: 'main:layers', nodes: ['query' as never], edges: [] };
  const focused: string[] = [];
  editor.canvas.current = {
    focusNode: (graph: string, node: string) => void focused.push(`${graph}/${node}`),
  } as never;
  editor.set({ place, selection });
  editor.edit('Name', title('b'));
  editor.goTo({ level: 'workflow', view: 'matrix' });
  editor.undo();
  expect(state().place).toEqual({ ...place, view: 'matrix' });
  expect(state().selection).toEqual(selection);
  await vi.advanceTimersByTimeAsync(200);
  expect(focused).toEqual(['main:layers/query']);
});

it('says why something cannot be undone any more', async () => {
  editor.edit('Add a model', (d) => ({ ...d, models: { ...d.models, [modelId('m')]: { nodes: {}, edges: [] } } }));
  editor.edit('Edit the model', (d) => ({
    ...d,
    models: { ...d.models, [modelId('m')]: { nodes: {}, edges: [], promoted: [] } },
  }));
  await quiet();
  service.foreign([{ path: ['models', 'm'] }]);
  editor.undo();
  expect(toasts().join()).toContain('"Edit the model" cannot be undone');
});

it('is stale from an edit until the check of its revision', async () => {
  const check = (revision: number) =>
    service.emit({
      id: 100 + revision,
      project: service.opened().project,
      event: 'checked',
      check: { revision, phase: 'findings', milliseconds: 1, diagnostics: [], models: [] },
    });
  check(0);
  expect(isFresh(state())).toBe(true);
  editor.edit('Name', title('b'));
  expect(isFresh(state())).toBe(false);
  await quiet();
  expect(isFresh(state())).toBe(false);
  check(1);
  expect(isFresh(state())).toBe(true);
  check(0);
  expect(state().check?.revision).toBe(1);
});

it('takes a resync without drawing what stayed the same anew', () => {
  const before = shown();
  service.emit({
    id: 7,
    project: service.opened().project,
    event: 'resync',
    document: { ...before, title: 'new' },
    revision: 5,
  });
  expect(shown().title).toBe('new');
  expect(shown().workflow).toBe(before.workflow);
  expect(state().revision).toBe(5);
  service.emit({ id: 8, project: service.opened().project, event: 'resync', document: before, revision: 4 });
  expect(shown().title).toBe('new');
});

it('ignores events of other projects', () => {
  service.emit({ id: 1, project: 'else' as never, event: 'saved', revision: 9, at: '' });
  expect(state().savedRevision).toBe(0);
});

it('waits for edits to be confirmed, and no longer than asked', async () => {
  expect(await editor.settled()).toBe(true);
  for (let i = 0; i < 20; i++) service.next.push(() => Promise.reject(unreachable()));
  editor.edit('Name', title('b'));
  const waiting = editor.settled(3000);
  await vi.advanceTimersByTimeAsync(3100);
  expect(await waiting).toBe(false);
  service.next = [];
  const again = editor.settled(3000);
  await vi.advanceTimersByTimeAsync(1100);
  expect(await again).toBe(true);
});

it('asks one question at a time', async () => {
  const first = editor.ask({ title: 'One?', text: '', yes: 'Yes', danger: false });
  const second = editor.ask({ title: 'Two?', text: '', yes: 'Yes', danger: false });
  expect(await first).toBe(false);
  state().question?.answer(true);
  expect(await second).toBe(true);
  expect(state().question).toBeUndefined();
});

it('follows downloads until they end, and keeps those that failed', () => {
  const progress = (job: string, more: object) =>
    service.emit({ id: 0, event: 'progress', job, what: 'Download', done: 1, of: 2, ...more });
  progress('a', {});
  progress('b', {});
  progress('a', { ended: true });
  progress('b', { failed: 'The address is not there.' });
  expect(state().jobs).toEqual([{ job: 'b', what: 'Download', done: 1, of: 2, failed: 'The address is not there.' }]);
});
