/**
 * The service: everything put together, listening on one address. The page talks to it alone; runs are processes of their
 * own and go on when it ends.
 */
import { createServer } from 'node:net';
import { realpathSync, mkdirSync } from 'node:fs';
import { UserError } from '../base/errors.ts';
import { knowsType } from '../workflow/loadDocument.ts';
import { appHandlers } from './app/handlers.ts';
import { openRecent } from './app/recent.ts';
import { openSettings } from './app/settings.ts';
import { createChecks } from './checks/checks.ts';
import type { HandlerTable, ServiceContext } from './context.ts';
import { customHandlers } from './custom/handlers.ts';
import { dataHandlers } from './data/handlers.ts';
import { createHub } from './events/hub.ts';
import { createDownloads } from './files/downloads.ts';
import { createGrants } from './files/grants.ts';
import { openWorkspace } from './files/workspace.ts';
import { createDispatch } from './front/dispatch.ts';
import { createGate } from './front/gate.ts';
import { createFront } from './front/server.ts';
import { serveEvents } from './front/socket.ts';
import { createSessions, createTickets } from './front/tickets.ts';
import { createUploads } from './front/upload.ts';
import { createLog, type LogEntry } from './log.ts';
import { problem, userProblem } from './problems.ts';
import { projectHandlers } from './projects/handlers.ts';
import { createProjects } from './projects/projects.ts';
import { createRuns, type Runs } from './runs/handlers.ts';
import type { ServiceToolkit } from './toolkit.ts';

export interface ServiceOptions {
  readonly version: string;
  readonly toolkit: ServiceToolkit;
  /** 0: any port that is free. */
  readonly port: number;
  /** `127.0.0.1` unless the service may be reached from outside. */
  readonly host: string;
  /** The origin of the pages where a proxy stands in front. */
  readonly proxyOrigin?: string;
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  readonly workspace: string;
  readonly home: string;
  readonly page: string;
  readonly entry: string;
  readonly desktop: boolean;
  /** The token of every session, so that pages go on after a restart. */
  readonly token?: string;
  /** What the desktop shell proves itself by. */
  readonly shellSecret?: string;
  readonly write?: (entry: LogEntry) => void;
  readonly largestUpload?: number;
}

export interface Service {
  readonly port: number;
  readonly origin: string;
  /** A fresh address with a one-use ticket that is good for a minute. */
  readonly address: () => string;
  readonly context: ServiceContext;
  readonly close: () => Promise<void>;
}

const TICKET_SECONDS = 60;
const LARGEST_UPLOAD = 2 * 2 ** 30;
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1']);

/** Refuses to be reached from outside unless everything that makes it safe is given. */
export function checkExposure(options: Pick<ServiceOptions, 'host' | 'proxyOrigin' | 'tls' | 'token'>): void {
  if (LOOPBACK.has(options.host) || options.proxyOrigin !== undefined) return;
  if (options.tls !== undefined && options.token !== undefined) return;
  throw userProblem(
    'host-exposed',
    'Espalier listens on this computer alone.',
    'Give --token-file with --tls-cert and --tls-key, or --behind-proxy with the origin of the pages.',
    { found: options.host },
  );
}

export async function startService(options: ServiceOptions): Promise<Service> {
  checkExposure(options);
  mkdirSync(options.home, { recursive: true });
  const home = realpathSync(options.home);
  const closing = new AbortController();
  const log = createLog(options.write);
  const hub = createHub();
  const sessions = createSessions(options.token);
  const tickets = createTickets<true>({ milliseconds: TICKET_SECONDS * 1000, most: 1000 });
  const grants = createGrants();
  const { toolkit, entry } = options;
  const workspace = openWorkspace(options.workspace);
  const checks = createChecks({ entry, home, workspace: workspace.folder, emit: hub.emit, log });
  const projects = createProjects({
    home,
    hub,
    log,
    knows: knowsType(toolkit.registry),
    onOpen: checks.request,
    onChange: checks.request,
    onClose: ({ id }) => checks.close(id),
  });
  const context: ServiceContext = {
    version: options.version,
    toolkit,
    workspace,
    home,
    entry,
    desktop: options.desktop,
    projects,
    grants,
    downloads: createDownloads(),
    events: hub,
    emit: hub.emit,
    settings: openSettings(home, log),
    recent: openRecent(home),
    checks,
    log,
    closing: closing.signal,
  };
  const runs = createRuns(context);
  const dispatch = createDispatch(handlersOf(context, runs), log);
  const uploads = createUploads(home, grants, options.largestUpload ?? LARGEST_UPLOAD);
  const port = options.port === 0 ? await freePort(options.host) : options.port;
  const origin = originOf(options, port);
  const gate = createGate({ origin, sessions });
  const front = await createFront({
    gate,
    sessions,
    tickets,
    downloads: context.downloads,
    grants,
    uploads,
    dispatch,
    page: options.page,
    shellSecret: options.shellSecret,
    tls: options.tls,
    log,
  });
  const sockets = serveEvents(front.server, { gate, sessions, hub, projects, service: options.version, log });
  try {
    await front.listen({ port, host: options.host });
  } catch (error) {
    runs.close();
    checks.end();
    throw inWords(error, port);
  }
  log.info(`Listening on ${origin}`);
  return {
    port,
    origin,
    context,
    address: () => `${origin}/#ticket=${tickets.issue(true)}`,
    close: async () => {
      closing.abort();
      runs.close();
      projects.end();
      checks.end();
      sockets.close();
      await front.close();
    },
  };
}

/** The total table: a command without a handler does not compile. */
function handlersOf(context: ServiceContext, runs: Runs): HandlerTable {
  return {
    ...appHandlers(context, runs.download),
    ...projectHandlers(context),
    ...runs.handlers,
    ...dataHandlers(context),
    ...customHandlers(context),
  };
}

function originOf({ host, proxyOrigin, tls }: ServiceOptions, port: number): string {
  if (proxyOrigin !== undefined) return proxyOrigin;
  return `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** A port that was free a moment ago; its number must be known before the first request can be judged. */
function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, host, () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

function inWords(error: unknown, port: number): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'EADDRINUSE' && code !== 'EACCES') return error;
  const message = code === 'EACCES' ? 'This port may not be used.' : 'The port is in use.';
  return new UserError(problem('port', message, 'Give another one with --port.', { found: String(port) }));
}
