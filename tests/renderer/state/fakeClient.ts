/** A client whose service is a few lines: it makes edits, remembers keys, and can be made to fail. */
import { applyPatch, overlaps, type Patch } from '../../../engine/protocol/api/patch.ts';
import type { EditOutcome, OpenProject } from '../../../engine/protocol/api/project.ts';
import type { ProjectId } from '../../../engine/protocol/api/fields.ts';
import type { ServerEvent } from '../../../engine/protocol/api/wire.ts';
import { emptyDocument, type Document } from '../../../engine/protocol/document.ts';
import { CommandError, type Client } from '../../../renderer/state/client.ts';
import type { QueueStore } from '../../../renderer/state/sync.ts';

export const PROJECT = 'p1' as ProjectId;

export interface Sent {
  readonly name: string;
  readonly key: string | undefined;
  readonly params: unknown;
}

type EditParams = { readonly revision: number; readonly patch: Patch; readonly label: string };

export interface FakeService {
  readonly client: Client;
  readonly sent: Sent[];
  document: Document;
  revision: number;
  /** Each call is answered by this instead, once. */
  next: ((run: () => EditOutcome) => Promise<EditOutcome>)[];
  /** Events of edits do not reach the window until `release`. */
  hold: boolean;
  release(): void;
  emit(event: ServerEvent): void;
  connect(open: boolean): void;
  /** An edit of another window. */
  foreign(patch: Patch, deliver?: boolean): ServerEvent;
  opened(): OpenProject;
}

export const unreachable = (): CommandError =>
  new CommandError([{ code: 'engine-unreachable', severity: 'error', where: {}, message: 'Away.', fix: 'Wait.' }], 0);

export const refusal = (status: number): CommandError =>
  new CommandError([{ code: 'refused', severity: 'error', where: {}, message: 'Refused.', fix: 'Stop.' }], status);

let windows = 0;

export function fakeService(title = 'start'): FakeService {
  const listeners = new Set<(event: ServerEvent) => void>();
  const connections = new Set<(open: boolean) => void>();
  const answers = new Map<string, EditOutcome>();
  const history: Patch[] = [];
  const held: ServerEvent[] = [];
  const window = `window${++windows}`;
  let keys = 0;
  let events = 0;

  const tell = (event: ServerEvent): void => {
    if (service.hold) held.push(event);
    else for (const l of listeners) l(event);
  };
  const edited = (patch: Patch, key: string, label: string): ServerEvent => ({
    id: ++events,
    project: PROJECT,
    event: 'edited',
    revision: service.revision,
    patch,
    key,
    label,
  });
  const make = ({ revision, patch, label }: EditParams, key: string): EditOutcome => {
    const known = answers.get(key);
    if (known) return known;
    const between = history.slice(revision);
    const applied = applyPatch(service.document, patch);
    if (between.some((earlier) => overlaps(earlier, patch)) || !applied.ok)
      return { kind: 'conflict', document: service.document, revision: service.revision };
    service.document = applied.value as Document;
    history.push(patch);
    service.revision += 1;
    const outcome = { kind: 'done', revision: service.revision } as const;
    answers.set(key, outcome);
    tell(edited(patch, key, label));
    return outcome;
  };
  const call = async (name: string, params: unknown, key?: string): Promise<unknown> => {
    service.sent.push({ name, key, params });
    await Promise.resolve();
    if (name === 'project.edit') {
      const run = (): EditOutcome => make(params as EditParams, key ?? '');
      const next = service.next.shift();
      return next ? next(run) : run();
    }
    if (name === 'project.get') return service.opened();
    return [];
  };
  const service: FakeService = {
    client: {
      window,
      call: call as Client['call'],
      newKey: () => `${window}.${++keys}`,
      upload: () => Promise.reject(new Error('not here')),
      download: () => undefined,
      onEvent: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      onConnection: (listener) => {
        connections.add(listener);
        return () => connections.delete(listener);
      },
      subscribe: () => undefined,
      unsubscribe: () => undefined,
      close: () => undefined,
    },
    sent: [],
    document: emptyDocument(title),
    revision: 0,
    next: [],
    hold: false,
    release: () => {
      service.hold = false;
      for (const event of held.splice(0)) for (const l of listeners) l(event);
    },
    emit: (event) => {
      for (const l of listeners) l(event);
    },
    connect: (open) => {
      for (const l of connections) l(open);
    },
    foreign: (patch, deliver = true) => {
      const applied = applyPatch(service.document, patch);
      if (!applied.ok) throw new Error(applied.error);
      service.document = applied.value as Document;
      history.push(patch);
      service.revision += 1;
      const event = edited(patch, 'other.1', 'by another window');
      if (deliver) tell(event);
      return event;
    },
    opened: () => ({
      project: PROJECT,
      document: service.document,
      revision: service.revision,
      file: 'a.espalier.json',
      folder: 'gardens',
      recovered: 0,
      diagnostics: [],
    }),
  };
  return service;
}

/** The storage of a session, which outlives an editor. */
export function memoryStore(): QueueStore & { text: string | undefined } {
  const store = {
    text: undefined as string | undefined,
    read: () => store.text ?? null,
    write: (text: string | undefined) => {
      store.text = text;
    },
  };
  return store;
}

/** Lets everything that waits for promises happen. */
export const quiet = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};
