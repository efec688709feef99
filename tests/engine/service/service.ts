/** The real service in the process of the test, on folders of its own with a tiny backbone in its store. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import WebSocket from 'ws';
import { bundle } from '../../../build/bundle.mjs';
import { addModel, STARTER_ID } from '../../../engine/checkpoints/store.ts';
import { makeServiceToolkit } from '../../../engine/cli/serviceToolkit.ts';
import { makeToolkit } from '../../../engine/cli/toolkit.ts';
import type { CommandInput, CommandName, CommandResult } from '../../../engine/protocol/api/commands.ts';
import { COMMANDS } from '../../../engine/protocol/api/commands.ts';
import type { Answer, ServerEvent } from '../../../engine/protocol/api/wire.ts';
import type { OpenProject } from '../../../engine/protocol/api/project.ts';
import { startService, type Service, type ServiceOptions } from '../../../engine/service/service.ts';
import { writeTinyBackbone } from '../../support/tinyBackbone.ts';

export const SHELL_SECRET = 'shell-secret-of-the-tests-0123456789abcdef';

export interface Folders {
  readonly folder: string;
  readonly workspace: string;
  readonly home: string;
  readonly page: string;
  readonly remove: () => void;
}

export async function makeFolders(): Promise<Folders> {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-service-'));
  const [workspace, home, page] = [join(folder, 'workspace'), join(folder, 'home'), join(folder, 'page')];
  for (const made of [workspace, home, join(page, 'assets')]) mkdirSync(made, { recursive: true });
  writeFileSync(join(page, 'index.html'), '<!doctype html><title>page</title>');
  writeFileSync(join(page, 'assets', 'main.js'), 'export {};');
  writeTinyBackbone(join(folder, 'backbone'));
  await addModel(join(folder, 'backbone'), { home, id: STARTER_ID });
  return {
    folder,
    workspace,
    home,
    page,
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** What was answered, whatever it was. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: () => unknown;
}

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface Running {
  readonly service: Service;
  readonly folders: Folders;
  readonly token: string;
  /** A request with exactly these headers; nothing is added but the length of the body. */
  readonly raw: (request: RawRequest) => Promise<Reply>;
  /** A command as the page sends it; throws when it is refused. */
  readonly call: <N extends CommandName>(name: N, params: CommandInput<N>, key?: string) => Promise<CommandResult<N>>;
  /** A command as the page sends it. */
  readonly send: (name: string, params: unknown, key?: string) => Promise<Answer<unknown>>;
  readonly socket: () => Promise<Socket>;
  readonly newKey: () => string;
  readonly close: () => Promise<void>;
}

export interface Socket {
  readonly events: readonly ServerEvent[];
  readonly send: (frame: unknown) => void;
  /** Waits for an event, also one that came before. */
  readonly wait: <E extends ServerEvent['event']>(
    event: E,
    fits?: (event: Extract<ServerEvent, { event: E }>) => boolean,
  ) => Promise<Extract<ServerEvent, { event: E }>>;
  readonly close: () => void;
}

export async function runService(folders: Folders, more: Partial<ServiceOptions> = {}): Promise<Running> {
  const entry = await bundle('engine/cli/main.ts', 'cli', ['engine', 'nodes']);
  const { workspace, home, page } = folders;
  process.env['ESPALIER_HOME'] = home;
  const service = await startService({
    version: 'test',
    toolkit: makeServiceToolkit(makeToolkit(), entry),
    port: 0,
    host: '127.0.0.1',
    workspace,
    home,
    page,
    entry,
    desktop: false,
    shellSecret: SHELL_SECRET,
    ...more,
  });
  const { origin } = service;
  let count = 0;
  const newKey = (): string => `test-key.${process.pid}.${count++}`;
  const raw: Running['raw'] = (request) => rawRequest(origin, request);
  const ticket = service.address().split('#ticket=')[1] ?? '';
  const opened = await raw({
    method: 'POST',
    path: '/api/session',
    headers: { origin, 'content-type': 'application/json' },
    body: JSON.stringify({ ticket }),
  });
  const { token } = opened.json() as { readonly token: string };
  const send: Running['send'] = async (name, params, key) => {
    const mutates = COMMANDS[name as CommandName]?.mutates === true;
    const reply = await raw({
      method: 'POST',
      path: '/api/command',
      headers: { origin, 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ name, params, ...(mutates ? { key: key ?? newKey() } : {}) }),
    });
    return reply.json() as Answer<unknown>;
  };
  return {
    service,
    folders,
    token,
    raw,
    send,
    newKey,
    call: async (name, params, key) => {
      const answer = await send(name, params, key);
      if (!answer.ok) throw new Error(`${name}: ${answer.status} ${JSON.stringify(answer.diagnostics)}`);
      return answer.result as never;
    },
    socket: () => openSocket(origin, token),
    close: service.close,
  };
}

function rawRequest(origin: string, { method = 'GET', path, headers = {}, body }: RawRequest): Promise<Reply> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const length =
      body === undefined || 'content-length' in headers ? {} : { 'content-length': Buffer.byteLength(body) };
    const sent = httpRequest(
      { hostname, port, method, path, headers: { ...length, ...headers }, agent: false, setHost: !('host' in headers) },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString('utf8');
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            text,
            json: () => JSON.parse(text) as unknown,
          });
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

export async function openSocket(origin: string, token: string): Promise<Socket> {
  const connection = new WebSocket(`${origin.replace('http', 'ws')}/api/events`, { origin });
  const events: ServerEvent[] = [];
  const watchers = new Set<() => void>();
  connection.on('message', (data: Buffer) => {
    events.push(JSON.parse(data.toString('utf8')) as ServerEvent);
    for (const watch of watchers) watch();
  });
  await new Promise<void>((resolve, reject) => {
    connection.once('open', resolve);
    connection.once('error', reject);
  });
  const socket: Socket = {
    events,
    send: (frame) => connection.send(JSON.stringify(frame)),
    wait: (event, fits = () => true) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          watchers.delete(watch);
          reject(new Error(`no "${event}" came; there were ${events.map((e) => e.event).join(', ')}`));
        }, 20_000);
        const watch = (): void => {
          const found = events.find((e) => e.event === event && fits(e as never));
          if (!found) return;
          clearTimeout(timer);
          watchers.delete(watch);
          resolve(found as never);
        };
        watchers.add(watch);
        watch();
      }),
    close: () => connection.terminate(),
  };
  socket.send({ token });
  await socket.wait('ready');
  return socket;
}

/** A document of the tiny backbone with LoRA, opened. */
export const newProject = (running: Running, name = 'model'): Promise<OpenProject> =>
  running.call('project.new', { name, from: { kind: 'template', template: 'lora' } });
