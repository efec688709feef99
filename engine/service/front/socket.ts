/**
 * The event socket. Host and Origin are looked at before the connection exists, the first frame must carry the token within
 * 2 s, and a page that reads too slowly gets its figures merged, then everything anew instead of a growing queue.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { clientFrameSchema, type ClientFrame, type ServerEvent } from '../../protocol/api/wire.ts';
import type { ProjectId } from '../../protocol/api/fields.ts';
import type { EventHub } from '../events/hub.ts';
import { createOutbox } from '../events/outbox.ts';
import type { Log } from '../log.ts';
import type { Projects } from '../projects/projects.ts';
import { REFUSALS, type Refusal } from '../problems.ts';
import type { Gate } from './gate.ts';
import type { Sessions } from './tickets.ts';

export interface SocketOptions {
  readonly gate: Gate;
  readonly sessions: Sessions;
  readonly hub: EventHub;
  readonly projects: Pick<Projects, 'find'>;
  readonly service: string;
  readonly log: Log;
}

const PATH = '/api/events';
const LARGEST_FRAME = 2 ** 20;
const TOKEN_WITHIN = 2000;
const PING_EVERY = 15_000;
const MOST_SOCKETS = 128;
const MOST_PROJECTS = 64;

export interface Sockets {
  readonly close: () => void;
}

export function serveEvents(server: Server, options: SocketOptions): Sockets {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: LARGEST_FRAME, perMessageDeflate: false });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const refusal = refusalOf(request, options.gate, sockets.clients.size);
    if (refusal) return turnAway(socket, refusal);
    sockets.handleUpgrade(request, socket, head, (connection) => serve(connection, options));
  });
  return {
    close: () => {
      for (const connection of sockets.clients) connection.terminate();
      sockets.close();
    },
  };
}

function refusalOf(request: IncomingMessage, gate: Gate, open: number): Refusal | undefined {
  const refusal = gate.place(request, true);
  if (refusal) return refusal;
  if (request.url !== PATH) return REFUSALS.route();
  return open >= MOST_SOCKETS ? REFUSALS.busy() : undefined;
}

function turnAway(socket: Duplex, refusal: Refusal): void {
  const body = JSON.stringify({ ok: false, status: refusal.status, diagnostics: refusal.diagnostics });
  const head = [
    `HTTP/1.1 ${refusal.status} Refused`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'x-content-type-options: nosniff',
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Codes of RFC 6455: 1003 a kind of data that is not taken, 1008 a rule was broken. */
const WRONG_KIND = 1003;
const RULE_BROKEN = 1008;

function serve(connection: WebSocket, options: SocketOptions): void {
  const { hub, sessions, log } = options;
  const outbox = createOutbox(connection, (project) => resyncOf(project, options));
  let detach: (() => void) | undefined;
  const listener = { receive: outbox.send };
  const late = setTimeout(() => connection.close(RULE_BROKEN, 'no token within 2 s'), TOKEN_WITHIN);
  let isAlive = true;
  const pings = setInterval(() => {
    if (!isAlive) return connection.terminate();
    isAlive = false;
    connection.ping();
  }, PING_EVERY);
  connection.on('pong', () => {
    isAlive = true;
  });
  const subscribed = new Set<ProjectId>();

  const onFrame = (frame: ClientFrame): void => {
    if ('token' in frame) {
      if (detach !== undefined || sessions.find(frame.token) === undefined) {
        return connection.close(RULE_BROKEN, 'the token is not valid');
      }
      clearTimeout(late);
      detach = hub.attach(listener);
      return outbox.send({ id: 0, event: 'ready', service: options.service });
    }
    if (detach === undefined) return connection.close(RULE_BROKEN, 'the first frame must carry the token');
    if ('ping' in frame) return outbox.send({ id: 0, event: 'pong', ping: frame.ping });
    if ('unsubscribe' in frame) {
      subscribed.delete(frame.unsubscribe as ProjectId);
      return hub.unsubscribe(listener, frame.unsubscribe as ProjectId);
    }
    const project = frame.subscribe as ProjectId;
    if (subscribed.size >= MOST_PROJECTS) return connection.close(RULE_BROKEN, 'too many projects');
    if (!options.projects.find(project)) {
      return outbox.send({
        id: 0,
        project,
        event: 'notice',
        level: 'warning',
        text: 'This project is not open any more. Open its file again.',
      });
    }
    const replay = frame.after === undefined ? undefined : hub.replay(project, frame.after);
    if (replay?.kind === 'events') replay.events.forEach(outbox.send);
    else resyncOf(project, options).forEach(outbox.send);
    subscribed.add(project);
    hub.subscribe(listener, project);
  };

  connection.on('message', (data: Buffer, isBinary) => {
    if (isBinary) return connection.close(WRONG_KIND, 'frames are text');
    const frame = readFrame(data);
    if (frame === undefined) return connection.close(RULE_BROKEN, 'the frame cannot be read');
    try {
      onFrame(frame);
    } catch (error) {
      log.error('a frame failed', error);
      connection.close(1011, 'the service failed');
    }
  });
  connection.on('error', () => connection.terminate());
  connection.on('close', () => {
    clearTimeout(late);
    clearInterval(pings);
    detach?.();
    outbox.end();
  });
}

function readFrame(data: Buffer): ClientFrame | undefined {
  try {
    const read = clientFrameSchema.safeParse(JSON.parse(data.toString('utf8')));
    return read.success ? read.data : undefined;
  } catch {
    return undefined;
  }
}

/** What a page needs that has missed events: the document as it is, and the last check of it. */
function resyncOf(id: ProjectId, { projects, hub }: SocketOptions): readonly ServerEvent[] {
  const project = projects.find(id);
  if (!project) return [];
  const { document, revision } = project;
  return [{ id: hub.current(id), project: id, event: 'resync', document, revision }, ...hub.latest(id)];
}
