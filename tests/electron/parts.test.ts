/** The parts of the shell that decide something, without Electron: addresses, files, places of the window, quitting, menus. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isOurs, isSafeLink, mayLoad } from '../../electron/addresses.ts';
import { prove, readEngineFiles } from '../../electron/engine.ts';
import { documentsOf } from '../../electron/files.ts';
import { MENUS, type Entry } from '../../electron/menuEntries.ts';
import { createQuit, type QuitPorts } from '../../electron/quit.ts';
import { placeOf, readState, writeState } from '../../electron/windowState.ts';
import type { RunId } from '../../engine/protocol/api/fields.ts';
import { UI_COMMANDS } from '../../renderer/commands/all.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = temporaryFolder();
const ORIGIN = 'http://127.0.0.1:4321';

describe('addresses', () => {
  it('takes the exact origin and no other', () => {
    expect(isOurs(`${ORIGIN}/assets/a.js?x#y`, ORIGIN)).toBe(true);
    const foreign = [
      'http://127.0.0.1:4322/',
      'https://127.0.0.1:4321/',
      'http://localhost:4321/',
      'http://127.0.0.1.evil.example:4321/',
      'http://127.0.0.1:4321@evil.example/',
      'http://user:pass@127.0.0.1:4321/',
      'file:///etc/passwd',
      'javascript:alert(1)',
      'data:text/html,x',
      'about:blank',
      'no address',
    ];
    expect(foreign.filter((address) => isOurs(address, ORIGIN))).toEqual([]);
  });

  it('loads the origin, its socket, and what the page made itself', () => {
    const loaded = [`${ORIGIN}/`, 'ws://127.0.0.1:4321/api/events', `blob:${ORIGIN}/1`, 'data:image/png;base64,'];
    expect(loaded.filter((address) => !mayLoad(address, ORIGIN))).toEqual([]);
    const refused = ['ws://127.0.0.1:9/api/events', 'wss://127.0.0.1:4321/', 'blob:http://a.example/1', 'ftp://a/', ''];
    expect(refused.filter((address) => mayLoad(address, ORIGIN))).toEqual([]);
  });

  it('hands only https links of known hosts to the system', () => {
    expect(isSafeLink('https://arxiv.org/abs/2106.09685')).toBe(true);
    expect(isSafeLink('https://proceedings.mlr.press/v97/houlsby19a.html')).toBe(true);
    const refused = [
      'http://arxiv.org/abs/1',
      'https://arxiv.org.evil.example/',
      'https://evilarxiv.org/',
      'https://mlr.press.evil.example/',
      'https://user@arxiv.org/',
      'https://arxiv.org:8443/',
      'file:///etc/passwd',
      'smb://arxiv.org/x',
      'javascript:alert(1)',
      'vscode://file/x',
    ];
    expect(refused.filter(isSafeLink)).toEqual([]);
  });
});

describe('files of a launch', () => {
  it('are the documents among the arguments', () => {
    writeFileSync(join(folder(), 'a.espalier.json'), '{}');
    writeFileSync(join(folder(), 'b.json'), '{}');
    mkdirSync(join(folder(), 'c.espalier.json'));
    const args = ['--no-sandbox', 'a.espalier.json', 'b.json', 'c.espalier.json', 'gone.espalier.json', '.'];
    expect(documentsOf(args, folder())).toEqual([join(folder(), 'a.espalier.json')]);
  });
});

describe('place of the window', () => {
  const screen = { x: 0, y: 0, width: 1920, height: 1040 };

  it('is kept over a restart', () => {
    const file = join(folder(), 'deep', 'window.json');
    const state = { bounds: { x: 100, y: 50, width: 1300, height: 900 }, maximized: true };
    writeState(file, state);
    expect(readState(file)).toEqual(state);
    expect(placeOf(state, [screen])).toEqual(state.bounds);
  });

  it('is given up when no screen shows it, or its file is broken', () => {
    const gone = { bounds: { x: 4000, y: 50, width: 1300, height: 900 }, maximized: false };
    expect(placeOf(gone, [screen])).toEqual({ width: 1300, height: 900 });
    const above = { bounds: { x: 0, y: -500, width: 1300, height: 900 }, maximized: false };
    expect(placeOf(above, [screen])).toEqual({ width: 1300, height: 900 });
    const file = join(folder(), 'window.json');
    for (const text of [
      '',
      'nonsense',
      '{"bounds":{"x":"a"}}',
      '{"bounds":{"x":1e9,"y":0,"width":1,"height":1}}',
      '[]',
    ]) {
      writeFileSync(file, text);
      expect(readState(file).bounds).toBeUndefined();
    }
    expect(placeOf({ maximized: false }, [{ x: 0, y: 0, width: 800, height: 600 }])).toEqual({
      width: 800,
      height: 600,
    });
  });
});

describe('quitting', () => {
  const runs = [{ run: 'r' as RunId, name: 'Run 1', words: '43 %' }];
  const make = (choice: 'background' | 'stop' | 'cancel') => {
    const deeds: string[] = [];
    const ports: QuitPorts = {
      ask: async (words) => (deeds.push(`ask ${words.join()}`), choice),
      closePage: async (stop) => void deeds.push(stop ? 'close and stop' : 'close'),
      hide: () => void deeds.push('hide'),
      show: () => void deeds.push('show'),
      leave: async () => void deeds.push('leave'),
    };
    return { quit: createQuit(ports), deeds };
  };
  const settle = (): Promise<void> => new Promise((done) => setTimeout(done, 5));

  it('lets the page write, then leaves', async () => {
    const { quit, deeds } = make('cancel');
    expect(quit.request()).toBe(false);
    expect(quit.request()).toBe(false);
    await settle();
    expect(deeds).toEqual(['close', 'leave']);
    expect(quit.request()).toBe(true);
  });

  it('asks while runs go on, and does what was chosen', async () => {
    const cancelled = make('cancel');
    cancelled.quit.runsChanged(runs);
    cancelled.quit.request();
    await settle();
    cancelled.quit.request();
    await settle();
    expect(cancelled.deeds).toEqual(['ask Run 1: 43 %', 'ask Run 1: 43 %']);

    const stopped = make('stop');
    stopped.quit.runsChanged(runs);
    stopped.quit.request();
    await settle();
    expect(stopped.deeds).toEqual(['ask Run 1: 43 %', 'close and stop', 'leave']);
  });

  it('stays in the background until the last run has ended', async () => {
    const { quit, deeds } = make('background');
    quit.runsChanged(runs);
    quit.request();
    await settle();
    expect(deeds).toEqual(['ask Run 1: 43 %', 'hide']);
    quit.runsChanged([]);
    await settle();
    expect(deeds.slice(2)).toEqual(['close', 'leave']);
  });

  it('comes back from the background', async () => {
    const { quit, deeds } = make('background');
    quit.runsChanged(runs);
    quit.request();
    await settle();
    quit.comeBack();
    quit.runsChanged([]);
    await settle();
    expect(deeds).toEqual(['ask Run 1: 43 %', 'hide', 'show']);
  });

  it('does not ask when the system shuts down', async () => {
    const { quit, deeds } = make('cancel');
    quit.runsChanged(runs);
    quit.now();
    await settle();
    expect(deeds).toEqual(['close', 'leave']);
  });
});

describe('the engine', () => {
  it('is believed only when it knows the secret', async () => {
    const listen = async (answer: (nonce: string) => unknown): Promise<{ port: number; close: () => void }> => {
      const server = createServer((request, reply) => {
        let body = '';
        request.on('data', (part) => (body += String(part)));
        request.on('end', () => reply.end(JSON.stringify(answer((JSON.parse(body) as { nonce: string }).nonce))));
      });
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      return { port: (server.address() as AddressInfo).port, close: () => server.close() };
    };
    const hash = (secret: string, nonce: string): string => createHmac('sha256', secret).update(nonce).digest('hex');
    const ours = await listen((nonce) => ({ answer: hash('secret', nonce) }));
    const answers = [
      (nonce: string) => ({ answer: hash('guess', nonce) }),
      () => ({ answer: '' }),
      () => ({}),
      () => 5,
    ];
    await expect(prove(ours.port, 'secret')).resolves.toBeUndefined();
    ours.close();
    for (const answer of answers) {
      const stranger = await listen(answer);
      await expect(prove(stranger.port, 'secret')).rejects.toThrow(/not the engine/);
      stranger.close();
    }
  });

  it('is found by paths relative to its file', () => {
    const file = join(folder(), 'engine.json');
    writeFileSync(file, JSON.stringify({ node: 'node', entry: '../e.mjs', page: 'page', testShell: 'yes' }));
    expect(readEngineFiles(file)).toEqual({
      node: join(folder(), 'node'),
      entry: join(folder(), '..', 'e.mjs'),
      page: join(folder(), 'page'),
      testShell: false,
    });
    writeFileSync(file, '{}');
    expect(() => readEngineFiles(file)).toThrow(/no "node"/);
  });
});

describe('menus', () => {
  const entries = MENUS.flatMap((m) => m.lines).filter((line): line is Entry => typeof line === 'object');

  it('run commands that the page has', () => {
    const known = new Set(UI_COMMANDS.map((c) => c.id));
    expect(entries.map((e) => e.command).filter((id) => !known.has(id))).toEqual([]);
  });

  it('show the keys that the page gives', () => {
    const keys = new Map(UI_COMMANDS.map((c) => [c.id, c.keys]));
    const wrong = entries.filter(
      (e) => e.keys !== undefined && e.keys.replace('CmdOrCtrl', 'Ctrl') !== keys.get(e.command),
    );
    expect(wrong).toEqual([]);
  });
});
