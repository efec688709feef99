/** The event socket: who gets in, what a page hears, how it goes on after a lost connection, and slow readers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import type { ServerEvent } from '../../../engine/protocol/api/wire.ts';
import { createOutbox, type Wire } from '../../../engine/service/events/outbox.ts';
import { createHub } from '../../../engine/service/events/hub.ts';
import type { ProjectId, RunId } from '../../../engine/protocol/api/fields.ts';
import { makeFolders, newProject, runService, type Running } from './service.ts';

let running: Running;
beforeAll(async () => {
  running = await runService(await makeFolders());
});
afterAll(async () => {
  await running.close();
  running.folders.remove();
});

interface Tried {
  /** The HTTP status when there was no socket, or the code that it was closed with. */
  readonly code: number;
  readonly events: readonly ServerEvent[];
}

/** Opens a socket, sends frames, and waits until it ends or hears "ready". */
function attempt(
  frames: readonly (string | Uint8Array)[],
  headers: Readonly<Record<string, string>> = {},
  path = '/api/events',
): Promise<Tried> {
  const { port, origin } = running.service;
  return new Promise((resolve) => {
    const events: ServerEvent[] = [];
    const connection = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers: { origin, ...headers } });
    connection.on('open', () => frames.forEach((frame) => connection.send(frame)));
    connection.on('message', (data: Buffer) => {
      events.push(JSON.parse(data.toString('utf8')) as ServerEvent);
      if (events.some((e) => e.event === 'ready')) setTimeout(() => connection.close(1000), 50);
    });
    connection.on('unexpected-response', (_request, response) => {
      resolve({ code: response.statusCode ?? 0, events });
      connection.terminate();
    });
    connection.on('error', () => undefined);
    connection.on('close', (code) => resolve({ code, events }));
  });
}

const token = (): string => JSON.stringify({ token: running.token });

describe('getting in', () => {
  it('with the token in the first frame', async () => {
    const { events } = await attempt([token()]);
    expect(events[0]).toMatchObject({ event: 'ready', service: 'test' });
  });
  it.each<[string, number, Readonly<Record<string, string>>]>([
    ['another host', 403, { host: 'evil.example.org' }],
    ['a foreign origin', 403, { origin: 'https://evil.example.org' }],
    ['the null origin', 403, { origin: 'null' }],
    ['another port', 403, { origin: 'http://127.0.0.1:1' }],
  ])('not with %s (%i)', async (_what, code, headers) => {
    expect(await attempt([token()], headers)).toEqual({ code, events: [] });
  });
  it('not at another address', async () => {
    expect((await attempt([token()], {}, '/api/events/../command')).code).toBe(404);
    expect((await attempt([token()], {}, '/')).code).toBe(404);
  });
  it.each<[string, readonly (string | Uint8Array)[], number]>([
    ['a wrong token', [JSON.stringify({ token: 'w'.repeat(43) })], 1008],
    ['a frame before the token', [JSON.stringify({ ping: 1 })], 1008],
    ['no JSON', ['{'], 1008],
    ['a frame of no kind', [JSON.stringify({ listen: 'all' })], 1008],
    ['a frame with more fields', [JSON.stringify({ token: 'x', more: 1 })], 1008],
    ['bytes', [Uint8Array.of(1, 2, 3)], 1003],
    ['a frame over 1 MiB', [JSON.stringify({ token: 'x'.repeat(1_100_000) })], 1009],
    ['no frame within 2 s', [], 1008],
  ])('not with %s', async (_what, frames, code) => {
    const tried = await attempt(frames);
    expect(tried.events).toEqual([]);
    // A frame that is too large may end the connection before the code arrives.
    expect(code === 1009 ? [1009, 1006] : [code]).toContain(tried.code);
  });
  it('a second token ends it', async () => {
    const socket = await running.socket();
    socket.send({ token: running.token });
    const { code } = await attempt([token(), token()]);
    expect(code).toBe(1008);
    socket.close();
  });
});

describe('events', () => {
  it('of a project reach those who subscribed, and no others', async () => {
    const [one, other] = [await running.socket(), await running.socket()];
    const { project, revision } = await newProject(running, 'events');
    one.send({ subscribe: project });
    await one.wait('resync');
    await running.call('project.edit', { project, revision, label: 'a', patch: [{ path: ['title'], value: 'a' }] });
    const edited = await one.wait('edited');
    expect(edited).toMatchObject({ project, revision: revision + 1, label: 'a' });
    await one.wait('saved', (e) => e.revision === revision + 1);
    expect(other.events.some((e) => e.project === project)).toBe(false);
    one.send({ unsubscribe: project });
    one.send({ ping: 7 });
    await one.wait('pong', (e) => e.ping === 7);
    await running.call('project.edit', {
      project,
      revision: revision + 1,
      label: 'b',
      patch: [{ path: ['title'], value: 'b' }],
    });
    one.send({ ping: 8 });
    await one.wait('pong', (e) => e.ping === 8);
    expect(one.events.filter((e) => e.event === 'edited')).toHaveLength(1);
    one.close();
    other.close();
  });

  it('that were missed come after a lost connection, in order', async () => {
    const { project, revision } = await newProject(running, 'resume');
    const first = await running.socket();
    first.send({ subscribe: project });
    const { id } = await first.wait('resync');
    first.close();
    for (const [i, value] of ['a', 'b', 'c'].entries()) {
      await running.call('project.edit', {
        project,
        revision: revision + i,
        label: value,
        patch: [{ path: ['title'], value }],
      });
    }
    const second = await running.socket();
    second.send({ subscribe: project, after: id });
    await second.wait('edited', (e) => e.label === 'c');
    expect(second.events.flatMap((e) => (e.event === 'edited' ? [e.label] : []))).toEqual(['a', 'b', 'c']);
    expect(second.events.some((e) => e.event === 'resync')).toBe(false);
    second.close();
  });

  it('that are gone for good become a resync', async () => {
    const { project } = await newProject(running, 'gone');
    const socket = await running.socket();
    socket.send({ subscribe: project, after: 5 });
    expect((await socket.wait('resync')).document.format).toBe('espalier');
    socket.close();
  });

  it('of an unknown project are a notice', async () => {
    const socket = await running.socket();
    socket.send({ subscribe: 'nothing' });
    expect((await socket.wait('notice')).text).toContain('not open');
    socket.close();
  });
});

describe('the ring', () => {
  const project = 'p' as ProjectId;
  it('keeps the last events and the newest check of each phase', () => {
    const hub = createHub(() => 100);
    const check = { revision: 1, milliseconds: 1, diagnostics: [], models: [] };
    for (let i = 0; i < 3000; i++) {
      hub.emit({ event: 'checked', project, check: { ...check, revision: i, phase: 'findings' } });
      hub.emit({ event: 'notice', project, level: 'info', text: `${i}` });
    }
    expect(hub.latest(project)).toHaveLength(1);
    expect(hub.replay(project, 100).kind).toBe('resync');
    const replay = hub.replay(project, hub.current(project) - 3);
    expect(replay.kind === 'events' && replay.events.map((e) => e.event)).toEqual(['notice', 'checked', 'notice']);
    expect(hub.replay(project, hub.current(project) + 1).kind).toBe('resync');
  });
});

describe('a slow reader', () => {
  const project = 'p' as ProjectId;
  const run = 'r' as RunId;
  interface Slow extends Wire {
    bufferedAmount: number;
    readonly sent: ServerEvent[];
    /** Everything that was on its way has arrived. */
    arrive(): void;
  }
  const slow = (): Slow => {
    const done: (() => void)[] = [];
    const wire: Slow = {
      bufferedAmount: 1_000_000,
      readyState: 1,
      sent: [],
      send: (text, callback) => {
        wire.sent.push(JSON.parse(text) as ServerEvent);
        done.push(callback);
      },
      arrive: () => {
        wire.bufferedAmount = 0;
        for (const callback of done.splice(0)) callback();
      },
    };
    return wire;
  };
  const points = (from: number): ServerEvent => ({
    id: from,
    project,
    event: 'points',
    run,
    from,
    points: [{ kind: 'log', at: 'train', seconds: 0, text: `${from}` }],
  });

  it('gets points joined and only the newest progress', () => {
    const wire = slow();
    wire.bufferedAmount = 0;
    const outbox = createOutbox(wire, () => []);
    outbox.send({ id: 1, project, event: 'notice', level: 'info', text: 'first' });
    wire.bufferedAmount = 1_000_000;
    for (let i = 0; i < 50; i++) {
      outbox.send(points(i));
      outbox.send({ id: i, event: 'progress', job: 'j', what: 'w', done: i, of: 50 });
    }
    wire.arrive();
    expect(wire.sent).toHaveLength(3);
    const joined = wire.sent.find((e) => e.event === 'points');
    expect(joined?.event === 'points' && [joined.from, joined.points.length]).toEqual([0, 50]);
    expect(wire.sent.find((e) => e.event === 'progress')).toMatchObject({ done: 49 });
  });

  it('gets everything anew when too much was waiting, and the queue stays small', () => {
    const wire = slow();
    wire.bufferedAmount = 0;
    const resync: ServerEvent = { id: 9, project, event: 'notice', level: 'info', text: 'resync' };
    const outbox = createOutbox(wire, () => [resync]);
    outbox.send(points(0));
    wire.bufferedAmount = 1_000_000;
    for (let i = 0; i < 5000; i++) outbox.send({ id: i, project, event: 'notice', level: 'info', text: `${i}` });
    wire.arrive();
    expect(wire.sent.at(-1)).toEqual(resync);
    expect(wire.sent.length).toBeLessThan(600);
  });
});
