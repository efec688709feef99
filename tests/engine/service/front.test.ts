/**
 * The front door: every command, and every other way in, with no, wrong and old token, wrong host, foreign and null origin,
 * wrong type, oversized and malformed bodies. Refused without a side effect, each beside a twin that is let in.
 */
import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS, type CommandName } from '../../../engine/protocol/api/commands.ts';
import type { Handler, HandlerTable } from '../../../engine/service/context.ts';
import { createDispatch } from '../../../engine/service/front/dispatch.ts';
import { createLog } from '../../../engine/service/log.ts';
import { checkExposure } from '../../../engine/service/service.ts';
import { COMMAND_NAMES, sampleParams } from './matrix.ts';
import { makeFolders, newProject, runService, SHELL_SECRET, type RawRequest, type Running } from './service.ts';

let running: Running;
let oldToken: string;
beforeAll(async () => {
  const folders = await makeFolders();
  const first = await runService(folders);
  oldToken = first.token;
  await first.close();
  running = await runService(folders, { largestUpload: 1000 });
});
afterAll(async () => {
  await running.close();
  running.folders.remove();
});

const origin = (): string => running.service.origin;
const JSON_TYPE = 'application/json';

/** Everything below the workspace and the home that a command could have changed. */
function traces(): string {
  const { workspace, home } = running.folders;
  const files = [workspace, home].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .filter((path) => statSync(path).isFile())
      .map((path) => `${path} ${statSync(path).size}`),
  );
  return files.sort().join('\n');
}

type Change = (request: RawRequest) => RawRequest;
const withHeader =
  (name: string, value: string | undefined): Change =>
  (request) => {
    const { [name]: _old, ...others } = request.headers ?? {};
    return { ...request, headers: value === undefined ? others : { ...others, [name]: value } };
  };
const withBody =
  (body: string | Uint8Array): Change =>
  (request) => ({ ...request, body });

const PLACES: readonly (readonly [string, number, Change])[] = [
  ['another host', 403, withHeader('host', 'evil.example.org')],
  ['a host that begins the same', 403, (r) => withHeader('host', `${new URL(origin()).host}.evil.example.org`)(r)],
  ['the host with another port', 403, withHeader('host', '127.0.0.1:1')],
  ['localhost instead of the address', 403, (r) => withHeader('host', `localhost:${running.service.port}`)(r)],
  ['a foreign origin', 403, withHeader('origin', 'https://evil.example.org')],
  ['the null origin', 403, withHeader('origin', 'null')],
  ['no origin', 403, withHeader('origin', undefined)],
  ['another port of this computer', 403, withHeader('origin', 'http://127.0.0.1:1')],
  ['a request of another site', 403, withHeader('sec-fetch-site', 'cross-site')],
  ['a request of the same site, another origin', 403, withHeader('sec-fetch-site', 'same-site')],
];
const TOKENS: readonly (readonly [string, number, Change])[] = [
  ['no token', 401, withHeader('authorization', undefined)],
  ['a wrong token', 401, withHeader('authorization', `Bearer ${'w'.repeat(43)}`)],
  ['the token of an earlier service', 401, (r) => withHeader('authorization', `Bearer ${oldToken}`)(r)],
  ['the token as a password', 401, (r) => withHeader('authorization', `Basic ${running.token}`)(r)],
  ['the shell’s secret instead of the token', 401, withHeader('authorization', `Bearer ${SHELL_SECRET}`)],
];
const JSON_BODIES: readonly (readonly [string, number, Change])[] = [
  ['another content type', 415, withHeader('content-type', 'text/plain')],
  ['a form', 415, withHeader('content-type', 'application/x-www-form-urlencoded')],
  ['no content type', 415, withHeader('content-type', undefined)],
  ['a compressed body', 415, withHeader('content-encoding', 'gzip')],
  ['no JSON', 400, withBody('{')],
  ['an empty body', 400, withBody('')],
  ['a list', 400, withBody('[]')],
  ['bytes that are no UTF-8', 400, withBody(Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))],
  ['nesting without end', 400, withBody(`${'['.repeat(5000)}${']'.repeat(5000)}`)],
  ['more fields than are taken', 400, (r) => withBody(String(r.body).replace(/\}$/, ',"more":1}'))(r)],
  ['a prototype key', 400, (r) => withBody(String(r.body).replace(/\}$/, ',"__proto__":{"admin":true}}'))(r)],
];

const session = (): RawRequest => ({
  method: 'POST',
  path: '/api/session',
  headers: { origin: origin(), 'content-type': JSON_TYPE },
  body: JSON.stringify({ ticket: running.service.address().split('#ticket=')[1] }),
});
const command = (name: string, params: unknown = {}, key: string | undefined = undefined): RawRequest => ({
  method: 'POST',
  path: '/api/command',
  headers: { origin: origin(), 'content-type': JSON_TYPE, authorization: `Bearer ${running.token}` },
  body: JSON.stringify({ name, params, ...(key === undefined ? {} : { key }) }),
});
const upload = (): RawRequest => ({
  method: 'POST',
  path: '/api/upload',
  headers: {
    origin: origin(),
    'content-type': 'application/octet-stream',
    authorization: `Bearer ${running.token}`,
    'x-file-name': 'data.csv',
  },
  body: 'text,label\na,b\n',
});
const grant = (): RawRequest => ({
  method: 'POST',
  path: '/api/grant',
  headers: { origin: origin(), 'content-type': JSON_TYPE, authorization: `Bearer ${SHELL_SECRET}` },
  body: JSON.stringify({ path: join(running.folders.page, 'index.html'), kind: 'file' }),
});
const challenge = (): RawRequest => ({
  method: 'POST',
  path: '/api/challenge',
  headers: { origin: origin(), 'content-type': JSON_TYPE },
  body: JSON.stringify({ nonce: 'n'.repeat(24) }),
});

async function refused(request: RawRequest, status: number): Promise<void> {
  const before = traces();
  const reply = await running.raw(request);
  expect(reply.status, reply.text).toBe(status);
  const answer = reply.json() as { ok: boolean; status: number; diagnostics: { message: string; fix: string }[] };
  expect(answer.ok).toBe(false);
  expect(answer.status).toBe(status);
  expect(answer.diagnostics[0]?.message).toMatch(/\.$/);
  expect(answer.diagnostics[0]?.fix.length).toBeGreaterThan(5);
  expect(reply.headers['access-control-allow-origin']).toBeUndefined();
  expect(reply.headers['x-content-type-options']).toBe('nosniff');
  expect(reply.headers['cache-control']).toBe('no-store');
  expect(traces()).toBe(before);
}

describe.each<[string, () => RawRequest, readonly (readonly [string, number, Change])[]]>([
  ['a session', session, [...PLACES, ...JSON_BODIES]],
  ['a command', () => command('app.info'), [...PLACES, ...TOKENS, ...JSON_BODIES]],
  ['an upload', upload, [...PLACES, ...TOKENS, ['another content type', 415, withHeader('content-type', JSON_TYPE)]]],
  ['a ticket', () => ({ ...command('-'), path: '/api/ticket' }), [...PLACES, ...TOKENS]],
  ['a challenge', challenge, [...PLACES, ...JSON_BODIES]],
  [
    'a grant',
    grant,
    [
      ...PLACES,
      ...TOKENS.filter(([what]) => !what.includes('secret')),
      ['the page’s token', 401, (r) => withHeader('authorization', `Bearer ${running.token}`)(r)],
      ...JSON_BODIES,
    ],
  ],
])('%s', (_name, request, changes) => {
  it('is let in as it is', async () => {
    expect((await running.raw(request())).status).toBe(200);
  });
  it.each(changes)('with %s is refused (%i)', async (_what, status, change) => {
    await refused(change(request()), status);
  });
  it.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('by %s is refused', async (method) => {
    const before = traces();
    const { status } = await running.raw({ ...request(), method, ...(method === 'GET' ? { body: '' } : {}) });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(traces()).toBe(before);
  });
});

/** The dispatch with handlers that note that they ran, so that a refusal is shown to come before any of them. */
function watched(): { readonly ran: string[]; readonly send: (body: unknown) => Promise<number> } {
  const ran: string[] = [];
  const handlers = Object.fromEntries(
    COMMAND_NAMES.map((name): [string, Handler<CommandName>] => [name, () => (void ran.push(name), {})]),
  ) as unknown as HandlerTable;
  const dispatch = createDispatch(handlers, createLog());
  const send = (body: unknown): Promise<number> =>
    dispatch(body, 'session').then(
      ({ status }) => status,
      (error: { readonly status?: number }) => error.status ?? 500,
    );
  return { ran, send };
}

describe.each(COMMAND_NAMES)('%s', (name) => {
  const { mutates } = COMMANDS[name];
  const body = (params: unknown): unknown => ({ name, params, ...(mutates ? { key: 'key-of-the-test' } : {}) });

  it('is looked up, read by its schema, and run once', async () => {
    const { ran, send } = watched();
    expect(await send(body(sampleParams(name)))).toBe(200);
    expect(ran).toEqual([name]);
    expect(await send(body(sampleParams(name)))).toBe(200);
    expect(ran).toEqual(mutates ? [name] : [name, name]);
  });
  it('is refused before its handler', async () => {
    const { ran, send } = watched();
    const params = sampleParams(name) as Record<string, unknown>;
    expect(await send(body({ ...params, surplus: 1 }))).toBe(400);
    expect(await send(body([]))).toBe(400);
    expect(await send(body('text'))).toBe(400);
    expect(await send({ name: ` ${name}`, params, key: 'key-of-the-test' })).toBe(404);
    if (mutates) expect(await send({ name, params })).toBe(400);
    if (mutates) expect(await send({ name, params, key: 'short' })).toBe(400);
    expect(ran).toEqual([]);
  });
  it('without a session is refused at the door', async () => {
    for (const [, status, change] of [...TOKENS, ...PLACES]) {
      await refused(change(command(name, sampleParams(name), mutates ? running.newKey() : undefined)), status);
    }
  });
});

it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty', 'app', ''])(
  'no command is named "%s"',
  async (name) => {
    await refused(command(name), 404);
  },
);

describe('sizes', () => {
  it('a body that states more than is taken is refused before it is read', async () => {
    await refused(
      { ...command('app.info'), headers: { ...command('-').headers, 'content-length': '9999999999' }, body: '' },
      413,
    );
  });
  it('a session’s body is small', async () => {
    await refused({ ...session(), body: JSON.stringify({ ticket: 'x'.repeat(20_000) }) }, 413);
  });
  it('an upload is limited, and a large one leaves nothing', async () => {
    await refused({ ...upload(), body: 'x'.repeat(1001) }, 413);
    expect((await running.raw({ ...upload(), body: 'x'.repeat(1000) })).status).toBe(200);
  });
  it.each(['..%2F..%2Fetc%2Fpasswd', '%2Fetc%2Fpasswd', '.hidden', 'a%00b', 'con', 'a%5Cb', '%E0%A4%A', ''])(
    'an upload named %s is refused',
    async (name) => {
      const reply = await running.raw({ ...upload(), headers: { ...upload().headers, 'x-file-name': name } });
      expect([400, 403]).toContain(reply.status);
    },
  );
});

describe('uploads of a folder', () => {
  const part = (folder: string, name: string): RawRequest => ({
    ...upload(),
    headers: { ...upload().headers, 'x-file-name': name, 'x-folder': folder },
  });
  const grantOf = async (request: RawRequest): Promise<string> =>
    ((await running.raw(request)).json() as { result: { grant: string } }).result.grant;
  it('give one grant for the files of one name, another for those of another', async () => {
    const first = await grantOf(part('folder-one', 'a.json'));
    expect(await grantOf(part('folder-one', 'b.json'))).toBe(first);
    expect(await grantOf(part('folder-two', 'a.json'))).not.toBe(first);
  });
  it.each(['short', '..%2F..%2Fetc', '../../../etc/passwd', 'with a space', 'x'.repeat(65)])(
    'under the name %s are refused',
    async (folder) => {
      await refused(part(folder, 'a.json'), 400);
    },
  );
  it('take no file twice, none by a path, and no more than belong to an adapter', async () => {
    await grantOf(part('folder-three', 'a.json'));
    await refused(part('folder-three', 'a.json'), 400);
    expect([400, 403]).toContain((await running.raw(part('folder-three', '..%2Fa.json'))).status);
    for (let i = 0; i < 64; i++) await running.raw(part('folder-four', `${i}.json`));
    await refused(part('folder-four', 'one-more.json'), 413);
  });
  it('ask for a token too', async () => {
    const { authorization: _none, ...headers } = part('folder-five', 'a.json').headers ?? {};
    await refused({ ...part('folder-five', 'a.json'), headers }, 401);
  });
});

describe('tickets and tokens', () => {
  it('a ticket opens one session', async () => {
    const request = session();
    expect((await running.raw(request)).status).toBe(200);
    await refused(request, 401);
  });
  it('the shell proves the engine, and grants', async () => {
    const answer = (await running.raw(challenge())).json() as { answer: string };
    expect(answer.answer).toBe(createHmac('sha256', SHELL_SECRET).update('n'.repeat(24)).digest('hex'));
    const granted = (await running.raw(grant())).json() as { result: { grant: string; name: string } };
    expect(granted.result.name).toBe('index.html');
    expect(granted.result.grant).not.toContain('/');
  });
  it('a token never stands in an answer, a file or the log', async () => {
    await running.call('app.info', {});
    const report = await running.call('app.problemReport', {});
    expect(report.text).not.toContain(running.token);
    expect(report.text).not.toContain(running.folders.home);
    expect(report.text).not.toContain(running.folders.workspace);
    const files = readdirSync(running.folders.home, { recursive: true, encoding: 'utf8' });
    for (const name of files.filter((f) => /\.jsonl?$/.test(f))) {
      expect(readFileSync(join(running.folders.home, name), 'utf8')).not.toContain(running.token);
    }
  });
});

describe('the same key', () => {
  it('gives the first answer again and runs once, also while the first runs', async () => {
    const key = running.newKey();
    const params = { name: 'twice', from: { kind: 'template', template: 'head' } };
    const both = await Promise.all([
      running.raw(command('project.new', params, key)),
      running.raw(command('project.new', params, key)),
    ]);
    const third = await running.raw(command('project.new', params, key));
    expect(new Set([...both, third].map((r) => r.text)).size).toBe(1);
    const files = readdirSync(running.folders.workspace).filter((f) => f.startsWith('twice'));
    expect(files).toEqual(['twice.espalier.json']);
  });
  it('for another command is refused', async () => {
    const key = running.newKey();
    await running.raw(command('app.setSettings', { zoom: 1 }, key));
    await refused(command('app.setSettings', { zoom: 2 }, key), 409);
  });
  it('is wanted for everything that changes something', async () => {
    await refused(command('app.setSettings', { zoom: 2 }), 400);
  });
});

describe('downloads', () => {
  const ticket = async (): Promise<string> => {
    const { project } = await newProject(running, "down 'load' ä");
    return (await running.call('download.ticket', { what: { kind: 'document', project } })).ticket;
  };
  const get = (path: string, headers: Readonly<Record<string, string>> = {}): RawRequest => ({ path, headers });

  it('come once, as a file that nothing runs', async () => {
    const path = `/api/download/${await ticket()}`;
    const reply = await running.raw(get(path));
    expect(reply.status).toBe(200);
    expect(reply.headers['content-disposition']).toMatch(/^attachment; filename="[\w .-]+"; filename\*=UTF-8''/);
    expect(reply.headers['content-type']).toBe('application/octet-stream');
    expect(reply.headers['x-content-type-options']).toBe('nosniff');
    expect(reply.headers['content-security-policy']).toContain('sandbox');
    expect(JSON.parse(reply.text)).toMatchObject({ format: 'espalier' });
    await refused(get(path), 401);
  });
  it.each<[string, number, Readonly<Record<string, string>>]>([
    ['another host', 403, { host: 'evil.example.org' }],
    ['a foreign origin', 403, { origin: 'https://evil.example.org' }],
    ['another site', 403, { 'sec-fetch-site': 'cross-site' }],
  ])('with %s are refused and keep their ticket', async (_what, status, headers) => {
    const path = `/api/download/${await ticket()}`;
    await refused(get(path, headers), status);
    expect((await running.raw(get(path))).status).toBe(200);
  });
  it.each(['x', '..%2F..%2Fetc%2Fpasswd', '__proto__'])('of the ticket "%s" are refused', async (name) => {
    await refused(get(`/api/download/${name}`), 401);
  });
});

describe('the page', () => {
  it('is public, and may do little', async () => {
    const reply = await running.raw({ path: '/' });
    expect(reply.status).toBe(200);
    const csp = String(reply.headers['content-security-policy']);
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "worker-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "require-trusted-types-for 'script'",
    ]) {
      expect(csp).toContain(part);
    }
    expect(csp).not.toMatch(/script-src[^;]*unsafe/);
    expect(reply.headers).toMatchObject({
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    });
    expect((await running.raw({ path: '/assets/main.js' })).headers['content-type']).toContain('javascript');
  });
  it.each<[string, Readonly<Record<string, string>>]>([
    ['another host', { host: 'evil.example.org' }],
    ['a foreign origin', { origin: 'https://evil.example.org' }],
    ['the null origin', { origin: 'null' }],
    ['another site', { 'sec-fetch-site': 'cross-site' }],
  ])('is not given to %s', async (_what, headers) => {
    expect((await running.raw({ path: '/', headers })).status).toBe(403);
  });
  it.each([
    '/../service.ts',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/..%2f..%2fetc/passwd',
    '/.env',
    '/assets/',
    '//etc/passwd',
    '/api',
    '/api/',
  ])('%s leads nowhere', async (path) => {
    writeFileSync(join(running.folders.page, '.env'), 'secret');
    const reply = await running.raw({ path });
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(reply.text).not.toContain('secret');
    expect(reply.text).not.toContain('root:');
  });
});

describe('an address beyond this computer', () => {
  const token = 't'.repeat(40);
  const tls = { cert: Buffer.from(''), key: Buffer.from('') };
  it.each([
    ['alone', { host: '0.0.0.0' }],
    ['with a token alone', { host: '0.0.0.0', token }],
    ['with TLS alone', { host: '::', tls }],
  ])('%s is refused', (_what, options) => {
    expect(() => checkExposure(options)).toThrow(/this computer alone/);
  });
  it.each([
    ['with token and TLS', { host: '0.0.0.0', token, tls }],
    ['behind a proxy', { host: '0.0.0.0', proxyOrigin: 'https://espalier.example.org' }],
    ['that is this computer', { host: '127.0.0.1' }],
  ])('%s is taken', (_what, options) => {
    expect(() => checkExposure(options)).not.toThrow();
  });
});
