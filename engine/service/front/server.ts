/**
 * The front door. Every request is asked in this order, and what is not allowed on purpose is refused: Host, Origin, token,
 * type and size of the body, then the command and its schema. The page itself is public and holds nothing.
 */
import { createReadStream, existsSync, rmSync, statSync } from 'node:fs';
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Readable } from 'node:stream';
import fastifyStatic from '@fastify/static';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { sessionRequestSchema } from '../../protocol/api/wire.ts';
import type { Downloads } from '../files/downloads.ts';
import type { Grants } from '../files/grants.ts';
import type { Log } from '../log.ts';
import { Refusal, REFUSALS } from '../problems.ts';
import { parseBody } from './body.ts';
import { refusalOf, type Dispatch } from './dispatch.ts';
import { bearerOf, type Gate } from './gate.ts';
import { attachment, DATA_HEADERS, pageHeaders } from './headers.ts';
import type { Sessions, Tickets } from './tickets.ts';
import type { Uploads } from './upload.ts';

export interface FrontOptions {
  readonly gate: Gate;
  readonly sessions: Sessions;
  readonly tickets: Tickets<true>;
  readonly downloads: Downloads;
  readonly grants: Grants;
  readonly uploads: Uploads;
  readonly dispatch: Dispatch;
  /** The folder of the page. */
  readonly page: string;
  /** Known to the desktop shell alone: it may grant paths, and the service proves by it that it is the shell's own. */
  readonly shellSecret: string | undefined;
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  readonly log: Log;
}

/** Who may ask. `ticket`: the request itself carries a one-use right. */
type Access = 'public' | 'ticket' | 'session' | 'shell';

interface RouteFacts {
  readonly access: Access;
  /** The only type of body that is taken. */
  readonly type?: string;
}

const JSON_TYPE = 'application/json';
const BYTES_TYPE = 'application/octet-stream';
const SMALL = 16 * 1024;
/** A document may be 64 MiB long; a patch that holds it whole is a little longer. */
const COMMAND = 72 * 2 ** 20;

const grantSchema = z.strictObject({
  path: z.string().min(1).max(32_768),
  kind: z.enum(['file', 'folder', 'save']),
});
const challengeSchema = z.strictObject({ nonce: z.string().min(16).max(200) });

export async function createFront(options: FrontOptions): Promise<FastifyInstance> {
  const { tls, log } = options;
  const app = fastify({
    logger: false,
    trustProxy: false,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    bodyLimit: SMALL,
    requestTimeout: 0,
    ...(tls ? { https: { cert: tls.cert, key: tls.key } } : {}),
  }) as unknown as FastifyInstance;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(JSON_TYPE, { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseBody(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
  app.addContentTypeParser(BYTES_TYPE, (_request, body, done) => done(null, body));
  app.addHook('onRequest', async (request, reply) => ask(request, reply, options));
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, log));
  app.setNotFoundHandler((request, reply) => answerError(REFUSALS.route(), request, reply, log));
  addRoutes(app, options);
  await addPage(app, options);
  return app;
}

/** The questions before the body is read. */
function ask(request: FastifyRequest, reply: FastifyReply, options: FrontOptions): void {
  const { gate } = options;
  const isData = request.url.startsWith('/api/');
  void reply.headers(isData ? DATA_HEADERS : pageHeaders(gate.origin));
  const isRead = request.method === 'GET';
  const refusal = gate.place(request.raw, !isRead);
  if (refusal) throw refusal;
  const facts = (request.routeOptions.config as { facts?: RouteFacts }).facts ?? { access: 'public' };
  if (facts.access === 'session' && gate.session(request.raw) === undefined) throw REFUSALS.token();
  if (facts.access === 'shell' && !isShell(request, options.shellSecret)) throw REFUSALS.token();
  if (request.is404) throw REFUSALS.route();
  if (isRead) return;
  if (request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() !== facts.type) throw REFUSALS.contentType();
  if (request.headers['content-encoding'] !== undefined) throw REFUSALS.contentType('a compressed body');
  const length = request.headers['content-length'];
  if (length === undefined || !/^\d{1,15}$/.test(length)) throw REFUSALS.length();
}

function isShell(request: FastifyRequest, secret: string | undefined): boolean {
  const token = bearerOf(request.raw);
  if (secret === undefined || token === undefined) return false;
  const hash = (text: string): Buffer => createHmac('sha256', 'espalier').update(text).digest();
  return timingSafeEqual(hash(token), hash(secret));
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): void {
  const { status, text } = refusalOf(ownWords(error), request.routeOptions.url ?? request.url, log);
  void reply.code(status).type('application/json; charset=utf-8').send(text);
}

/** The framework's own refusals in our words. */
function ownWords(error: unknown): unknown {
  if (error instanceof Refusal) return error;
  const { code = '', statusCode } = error as { readonly code?: string; readonly statusCode?: number };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return REFUSALS.tooLarge();
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return REFUSALS.contentType();
  if (code.startsWith('FST_ERR_CTP')) return REFUSALS.body();
  if (statusCode === 404) return REFUSALS.route();
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE')
    return REFUSALS.body('the connection ended early');
  return error;
}

function addRoutes(app: FastifyInstance, options: FrontOptions): void {
  const { sessions, tickets, downloads, grants, uploads, dispatch, shellSecret } = options;
  const post = (
    url: string,
    facts: RouteFacts,
    bodyLimit: number,
    handle: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>,
  ): void => void app.post(url, { config: { facts }, bodyLimit }, handle);

  post('/api/session', { access: 'ticket', type: JSON_TYPE }, SMALL, async ({ body }) => {
    const read = sessionRequestSchema.safeParse(body);
    if (!read.success) throw REFUSALS.body();
    if (tickets.take(read.data.ticket) === undefined) throw REFUSALS.ticket();
    return { token: sessions.start() };
  });
  post('/api/ticket', { access: 'session', type: JSON_TYPE }, SMALL, async () => ({ ticket: tickets.issue(true) }));
  post('/api/command', { access: 'session', type: JSON_TYPE }, COMMAND, async ({ body, raw }, reply) => {
    const session = options.gate.session(raw);
    if (session === undefined) throw REFUSALS.token();
    const { status, text } = await dispatch(body, session);
    return reply.code(status).type('application/json; charset=utf-8').send(text);
  });
  post('/api/upload', { access: 'session', type: BYTES_TYPE }, Number.MAX_SAFE_INTEGER, async ({ body, headers }) => {
    const name = headers['x-file-name'];
    if (typeof name !== 'string') throw REFUSALS.body('no "x-file-name"');
    const folder = headers['x-folder'];
    if (Array.isArray(folder)) throw REFUSALS.body('more than one "x-folder"');
    const grant = await uploads.receive(name, body as Readable, Number(headers['content-length']), folder);
    return { ok: true, result: { grant } };
  });
  post('/api/grant', { access: 'shell', type: JSON_TYPE }, 256 * 1024, async ({ body }) => {
    const read = grantSchema.safeParse(body);
    if (!read.success) throw REFUSALS.body();
    const { id, name } = grants.add(read.data.path, read.data.kind);
    return { ok: true, result: { grant: id, name } };
  });
  post('/api/challenge', { access: 'public', type: JSON_TYPE }, SMALL, async ({ body }) => {
    const read = challengeSchema.safeParse(body);
    if (!read.success || shellSecret === undefined) throw REFUSALS.body();
    return { answer: createHmac('sha256', shellSecret).update(read.data.nonce).digest('hex') };
  });
  app.get('/api/download/:ticket', { config: { facts: { access: 'ticket' } } as never }, (request, reply) => {
    const { ticket } = request.params as { readonly ticket: string };
    const download = downloads.take(ticket);
    if (!download) throw REFUSALS.ticket();
    const { name, content } = download;
    void reply.header('content-disposition', attachment(name)).type(BYTES_TYPE);
    if (content.kind === 'text') return reply.send(Buffer.from(content.text, 'utf8'));
    void reply.header('content-length', statSync(content.path).size);
    const file = createReadStream(content.path);
    if (content.removeAfter === true) file.once('close', () => rmSync(content.path, { force: true }));
    return reply.send(file);
  });
}

const NO_PAGE = '<!doctype html><title>Espalier</title><p>The page has not been built. Run "node build/page.mjs".';

async function addPage(app: FastifyInstance, { page }: FrontOptions): Promise<void> {
  if (!existsSync(page)) {
    app.get('/', (_request, reply) => reply.type('text/html; charset=utf-8').send(NO_PAGE));
    return;
  }
  await app.register(fastifyStatic, {
    root: page,
    dotfiles: 'deny',
    cacheControl: false,
    list: false,
    redirect: false,
    index: ['index.html'],
  });
}
