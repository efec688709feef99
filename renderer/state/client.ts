/**
 * The one way from the page to the service: typed commands over POST, one WebSocket for events, uploads and downloads.
 * The token lives in memory and in `sessionStorage`, never in a cookie or an address.
 */
import type { Diagnostic } from '../../engine/base/errors.ts';
import {
  COMMANDS,
  type CommandInput,
  type CommandName,
  type CommandResult,
} from '../../engine/protocol/api/commands.ts';
import type { GrantId } from '../../engine/protocol/api/fields.ts';
import type { Answer, ServerEvent } from '../../engine/protocol/api/wire.ts';
import { findShell } from './shell.ts';

const TOKEN_KEY = 'espalier.token';

/** A command was refused or the service is out of reach; the words are for people. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly diagnostics: readonly Diagnostic[];
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;

  constructor(diagnostics: readonly Diagnostic[], status: number) {
    super(diagnostics.map((d) => `${d.message} ${d.fix}`).join(' '));
    this.diagnostics = diagnostics;
    this.status = status;
  }
}

const problem = (code: string, message: string, fix: string): Diagnostic => ({
  code,
  severity: 'error',
  where: {},
  message,
  fix,
});

export interface Client {
  /** Identifies this window in the idempotency keys of its commands. */
  readonly window: string;
  /** `key`: what the service knows this deed by. Sending again with the same key and parameters never does it twice. */
  call<N extends CommandName>(name: N, params: CommandInput<N>, key?: string): Promise<CommandResult<N>>;
  newKey(): string;
  /** Files with the same `folder` (a text of the page's choice) become one folder, whose grant is the answer. */
  upload(file: File, folder?: string): Promise<GrantId>;
  /** Starts the browser's download of what a ticket stands for. */
  download(ticket: string, name: string): void;
  /** Listens to events until the returned function is called. */
  onEvent(listener: (event: ServerEvent) => void): () => void;
  onConnection(listener: (open: boolean) => void): () => void;
  /** Events of this project arrive from now on, those after `after` first. */
  subscribe(project: string, after?: number): void;
  unsubscribe(project: string): void;
  close(): void;
}

/** The token of this window: kept over a reload, else swapped for the ticket in the URL's fragment or handed over by the shell. */
async function findToken(): Promise<string> {
  const shell = findShell();
  if (shell) {
    const token = await shell.token();
    sessionStorage.setItem(TOKEN_KEY, token);
    return token;
  }
  const ticket = /^#ticket=([A-Za-z0-9_-]+)$/.exec(location.hash)?.[1];
  if (ticket !== undefined) {
    history.replaceState(null, '', location.pathname);
    const response = await fetch('/api/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ticket }),
    });
    if (response.ok) {
      const { token } = (await response.json()) as { token: string };
      sessionStorage.setItem(TOKEN_KEY, token);
      return token;
    }
  }
  const kept = sessionStorage.getItem(TOKEN_KEY);
  if (kept !== null) return kept;
  throw new CommandError(
    [problem('no-session', 'This page has no session.', 'Open the address that "npm start" printed; each works once.')],
    401,
  );
}

/** Before the first event of a project there is nothing to go on from: the service then tells the whole. */
const subscription = (project: string, after = 0): unknown => ({
  subscribe: project,
  ...(after === 0 ? {} : { after }),
});

export async function connect(): Promise<Client> {
  const token = await findToken();
  const window = crypto.randomUUID();
  const listeners = new Set<(event: ServerEvent) => void>();
  const connectionListeners = new Set<(open: boolean) => void>();
  /** The last event seen of each project that is subscribed. */
  const seen = new Map<string, number>();
  let count = 0;
  let closed = false;
  let socket: WebSocket | undefined;
  let wait = 250;

  const newKey = (): string => `${window}.${count++}`;
  const send = (frame: unknown): void => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
  };
  const open = (): void => {
    socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/api/events`);
    socket.onopen = () => send({ token });
    socket.onmessage = (message) => {
      const event = JSON.parse(String(message.data)) as ServerEvent;
      if (event.event === 'ready') {
        wait = 250;
        for (const [project, after] of seen) send(subscription(project, after));
        for (const l of connectionListeners) l(true);
      }
      if (event.project !== undefined && event.id > 0 && seen.has(event.project)) seen.set(event.project, event.id);
      for (const l of listeners) l(event);
    };
    socket.onclose = () => {
      for (const l of connectionListeners) l(false);
      if (closed) return;
      setTimeout(open, wait);
      wait = Math.min(4000, wait * 2);
    };
  };
  open();

  const post = async <R>(path: string, headers: Record<string, string>, body: BodyInit): Promise<R> => {
    let response: Response;
    try {
      response = await fetch(path, { method: 'POST', headers: { authorization: `Bearer ${token}`, ...headers }, body });
    } catch {
      throw new CommandError(
        [problem('engine-unreachable', 'The engine does not answer.', 'Wait until it is back; nothing is lost.')],
        0,
      );
    }
    const answer = (await response.json()) as Answer<R>;
    if (!answer.ok) throw new CommandError(answer.diagnostics, answer.status);
    return answer.result;
  };

  return {
    window,
    newKey,
    call: (name, params, known) => {
      const key = COMMANDS[name].mutates ? { key: known ?? newKey() } : {};
      return post('/api/command', { 'content-type': 'application/json' }, JSON.stringify({ name, ...key, params }));
    },
    upload: async (file, folder) => {
      const headers = {
        'content-type': 'application/octet-stream',
        'x-file-name': encodeURIComponent(file.name),
        ...(folder === undefined ? {} : { 'x-folder': folder }),
      };
      return (await post<{ grant: GrantId }>('/api/upload', headers, file)).grant;
    },
    download: (ticket, name) => {
      const link = document.createElement('a');
      link.href = `/api/download/${ticket}`;
      link.download = name;
      link.click();
    },
    onEvent: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onConnection: (listener) => {
      connectionListeners.add(listener);
      return () => connectionListeners.delete(listener);
    },
    subscribe: (project, after) => {
      seen.set(project, after ?? 0);
      send(subscription(project, after));
    },
    unsubscribe: (project) => {
      seen.delete(project);
      send({ unsubscribe: project });
    },
    close: () => {
      closed = true;
      socket?.close();
    },
  };
}
