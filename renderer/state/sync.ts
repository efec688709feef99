/**
 * The document between this window and the service. An edit is shown at once, waits in a queue and goes out one by one; it
 * leaves the queue when its own event came back. Each edit keeps its idempotency key and the revision that it was first
 * sent on, so that sending it again after a lost answer never makes it twice. The queue lies in the session's storage: a
 * page that was killed finds it again. Events are taken in the order of their revisions; after a gap everything is read anew.
 */
import type { Diagnostic } from '../../engine/base/errors.ts';
import type { ProjectId } from '../../engine/protocol/api/fields.ts';
import { applyPatch, diff, overlaps, type Patch } from '../../engine/protocol/api/patch.ts';
import type { ServerEvent } from '../../engine/protocol/api/wire.ts';
import type { Document } from '../../engine/protocol/document.ts';
import { CommandError, type Client } from './client.ts';

/** Where the queue outlives the page: `sessionStorage`, or nothing in tests. */
export interface QueueStore {
  read(): string | null;
  write(text: string | undefined): void;
}

export interface SyncHost {
  readonly client: Client;
  readonly kept: QueueStore;
  /** The document to show: what is confirmed with everything that is on its way on top. */
  readonly show: (document: Document) => void;
  readonly state: (change: { readonly revision: number; readonly pending: number }) => void;
  readonly warn: (text: string) => void;
  readonly refused: (diagnostics: readonly Diagnostic[]) => void;
  readonly fail: (error: unknown) => void;
}

export interface Sync {
  /** Goes on with a project; gives how many kept edits of an earlier page were put on top. */
  open(project: ProjectId, document: Document, revision: number): number;
  close(): void;
  /** An edit that is shown already. */
  push(patch: Patch, label: string, merge?: string): void;
  onEdited(event: Extract<ServerEvent, { event: 'edited' }>): void;
  /** Whether an edit with this key was made in this window. */
  owns(key: string): boolean;
  onResync(document: Document, revision: number): void;
  /** The connection is there again. */
  resume(): void;
  /** Settles when everything is confirmed, or after the time. True when it is. */
  settled(milliseconds: number): Promise<boolean>;
}

interface Edit {
  key: string;
  readonly label: string;
  patch: Patch;
  readonly merge: string | undefined;
  /** The revision that it was first sent on; part of what the key stands for. */
  sentOn: number | undefined;
  /** The revision that the service made of it, once it has answered. */
  done: number | undefined;
}

const GAP_MILLISECONDS = 1500;
const RETRY_MILLISECONDS = 1000;

export function createSync(host: SyncHost): Sync {
  const { client } = host;
  let project: ProjectId | undefined;
  let confirmed: Document | undefined;
  let revision = 0;
  let queue: Edit[] = [];
  let sending = false;
  let gap: ReturnType<typeof setTimeout> | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  /** Events that came before an earlier one, by their revision. */
  const inbox = new Map<number, { readonly key: string; readonly patch: Patch }>();
  const waiting = new Set<() => void>();

  const tell = (): void => {
    host.state({ revision, pending: queue.length });
    if (queue.length === 0) for (const done of waiting) done();
  };
  const keep = (): void => {
    if (project === undefined || queue.length === 0) return host.kept.write(undefined);
    const edits = queue.map(({ key, label, patch, sentOn }) => ({ key, label, patch, sentOn }));
    host.kept.write(JSON.stringify({ project, edits }));
  };

  /** Puts what waits on top of what is confirmed; what does not fit any more is left out, and the person is told. */
  const rebase = (): void => {
    let document: unknown = confirmed;
    queue = queue.filter((edit) => {
      const next = applyPatch(document, edit.patch);
      if (next.ok) document = next.value;
      else host.warn(`"${edit.label}" was left out: ${next.error}.`);
      return next.ok;
    });
    host.show(document as Document);
  };

  const dropDone = (): void => {
    queue = queue.filter((edit) => edit.done === undefined || edit.done > revision);
  };

  /** Takes the events that follow each other from the confirmed revision on. */
  const drain = (): void => {
    let foreign = false;
    for (let next = inbox.get(revision + 1); next !== undefined; next = inbox.get(revision + 1)) {
      const applied = applyPatch(confirmed, next.patch);
      if (!applied.ok) return void reread();
      inbox.delete(revision + 1);
      confirmed = applied.value as Document;
      revision += 1;
      const { key } = next;
      // An own edit that is the first of the queue is shown already, so that nothing has to be drawn again.
      if (queue[0]?.key === key) queue = queue.slice(1);
      else {
        foreign = true;
        queue = queue.filter((edit) => edit.key !== key);
      }
    }
    for (const at of inbox.keys()) if (at <= revision) inbox.delete(at);
    dropDone();
    clearTimeout(gap);
    if (inbox.size > 0 || queue.some((edit) => edit.done !== undefined)) {
      gap = setTimeout(() => void reread(), GAP_MILLISECONDS);
    }
    if (foreign) rebase();
    keep();
    tell();
  };

  const replace = (document: Document, at: number): void => {
    if (at < revision) return;
    // What is the same stays the same object, so that only what changed is drawn again.
    const patch = confirmed === undefined ? undefined : diff(confirmed, document);
    const next = patch === undefined ? undefined : applyPatch(confirmed, patch);
    confirmed = next?.ok === true ? (next.value as Document) : document;
    revision = at;
    for (const known of inbox.keys()) if (known <= at) inbox.delete(known);
    dropDone();
    rebase();
    drain();
  };

  const reread = async (): Promise<void> => {
    const asked = project;
    if (asked === undefined) return;
    try {
      const now = await client.call('project.get', { project: asked });
      if (project === asked) replace(now.document, now.revision);
    } catch (error) {
      later(error);
    }
  };

  /** The edits stay in the queue; a connection that comes back, or the next try, sends them. */
  const later = (error: unknown): void => {
    if (!(error instanceof CommandError)) return host.fail(error);
    if (![0, 429, 503].includes(error.status)) host.fail(error);
    clearTimeout(retry);
    retry = setTimeout(() => void flush(), RETRY_MILLISECONDS);
  };

  const drop = (edit: Edit): void => {
    queue = queue.filter((other) => other !== edit);
    rebase();
  };

  /** A conflict in which the other edit touched something else (the service had forgotten what lay between) is tried again. */
  const onConflict = (edit: Edit, document: Document, at: number): void => {
    const between = diff(confirmed, document);
    const isApart = edit.sentOn !== at && !overlaps(between, edit.patch) && applyPatch(document, edit.patch).ok;
    if (isApart) {
      edit.key = client.newKey();
      edit.sentOn = undefined;
    } else {
      queue = queue.filter((other) => other !== edit);
      host.warn(`"${edit.label}" was not made: another window changed the same place.`);
    }
    replace(document, Math.max(at, revision));
  };

  const isForGood = (error: unknown): boolean =>
    error instanceof CommandError && error.status >= 400 && ![401, 403, 404, 429, 503].includes(error.status);

  const sendOne = async (edit: Edit, to: ProjectId): Promise<boolean> => {
    edit.sentOn ??= revision;
    keep();
    try {
      const params = { project: to, revision: edit.sentOn, patch: edit.patch as never, label: edit.label };
      const outcome = await client.call('project.edit', params, edit.key);
      if (project !== to) return false;
      if (outcome.kind === 'done') edit.done = outcome.revision;
      else if (outcome.kind === 'conflict') onConflict(edit, outcome.document, outcome.revision);
      else {
        drop(edit);
        host.refused(outcome.diagnostics);
      }
      drain();
      return true;
    } catch (error) {
      if (project !== to) return false;
      if (!isForGood(error)) {
        later(error);
        return false;
      }
      drop(edit);
      keep();
      tell();
      host.fail(error);
      return true;
    }
  };

  const flush = async (): Promise<void> => {
    if (sending) return;
    sending = true;
    try {
      // An edit whose event is still on its way holds back the next one, which must be made on a revision that has it.
      for (let edit = queue[0]; edit !== undefined && edit.done === undefined; edit = queue[0]) {
        if (project === undefined || !(await sendOne(edit, project))) return;
      }
    } finally {
      sending = false;
    }
  };

  const onWire = (): void => {
    drain();
    void flush();
  };

  return {
    open: (id, document, at) => {
      project = id;
      confirmed = document;
      revision = at;
      inbox.clear();
      const kept = readKept(host.kept.read(), id);
      queue = kept;
      if (kept.length > 0) rebase();
      keep();
      tell();
      void flush();
      return kept.length;
    },
    close: () => {
      project = undefined;
      confirmed = undefined;
      queue = [];
      inbox.clear();
      clearTimeout(gap);
      clearTimeout(retry);
      keep();
    },
    push: (patch, label, merge) => {
      const last = queue.at(-1);
      // A dragged slider makes many edits; those that were not sent yet travel as one.
      if (last && last.sentOn === undefined && merge !== undefined && last.merge === merge) {
        last.patch = [...last.patch, ...patch];
      } else {
        queue = [...queue, { key: client.newKey(), label, patch, merge, sentOn: undefined, done: undefined }];
      }
      keep();
      tell();
      void flush();
    },
    onEdited: ({ revision: at, key, patch }) => {
      if (at <= revision) return;
      inbox.set(at, { key, patch });
      onWire();
    },
    owns: (key) => key.startsWith(`${client.window}.`) || queue.some((edit) => edit.key === key),
    onResync: (document, at) => {
      replace(document, at);
      void flush();
    },
    resume: () => {
      for (const edit of queue) edit.done = undefined;
      void flush();
    },
    settled: (milliseconds) =>
      new Promise((resolve) => {
        if (queue.length === 0) return resolve(true);
        const done = (): void => {
          clearTimeout(timer);
          waiting.delete(done);
          resolve(queue.length === 0);
        };
        const timer = setTimeout(done, milliseconds);
        waiting.add(done);
      }),
  };
}

/** Kept edits of the project. Our own storage may still hold what an earlier version wrote, so it is read with care. */
function readKept(text: string | null, project: ProjectId): Edit[] {
  if (text === null) return [];
  try {
    const kept = JSON.parse(text) as { readonly project: string; readonly edits: readonly Edit[] };
    if (kept.project !== project) return [];
    return kept.edits.map(({ key, label, patch, sentOn }) => ({
      key,
      label,
      patch: patch.map(({ path, value }) => (value === undefined ? { path } : { path, value })),
      merge: undefined,
      sentOn,
      done: undefined,
    }));
  } catch {
    return [];
  }
}

const QUEUE_KEY = 'espalier.edits';

/** Storage that is full or forbidden costs only the edits of a page that is killed. */
export const SESSION_QUEUE: QueueStore = {
  read: () => {
    try {
      return sessionStorage.getItem(QUEUE_KEY);
    } catch {
      return null;
    }
  },
  write: (text) => {
    try {
      if (text === undefined) sessionStorage.removeItem(QUEUE_KEY);
      else sessionStorage.setItem(QUEUE_KEY, text);
    } catch {
      return;
    }
  },
};
