/**
 * Drives an Electron: its main process over the channel that Node gives a child, its pages over the protocol of Chromium's
 * tools. No inspector of Node is involved, and every question has an end: a shell that does not answer fails the test that
 * asked, in words.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type * as Electron from 'electron';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { WebSocket, WebSocketServer } from 'ws';
import { root } from '../../../build/setup.mjs';

/** The main process of an Electron that a test has started. */
export interface ShellApp {
  readonly pid: number;
  /** Runs a function in the main process; it sees nothing but Electron and its argument. */
  readonly evaluate: <R, A = undefined>(
    code: (electron: typeof Electron, argument: A) => R | Promise<R>,
    argument?: A,
  ) => Promise<R>;
  /** Asks it to quit and waits for its end; what lives on is for `closeShell` to end. */
  readonly close: () => Promise<void>;
}

export interface Driven {
  readonly app: ShellApp;
  readonly page: Page;
}

const START_MS = 60_000;
const ANSWER_MS = 30_000;

/** Starts an Electron with a folder of an app and gives its first window. */
export async function driveElectron(
  executable: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<Driven> {
  const answerer = join(root, 'tests', 'electron', 'app', 'answerer.cjs');
  const child = spawn(executable, ['-r', answerer, '--remote-debugging-port=0', ...args], {
    env,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let log = '';
  const opened = new Promise<string>((done, fail) => {
    child.stderr?.on('data', (part: Buffer) => {
      log += part.toString('utf8');
      const target = /DevTools listening on (ws:\S+)/.exec(log)?.[1];
      if (target !== undefined) done(target);
    });
    child.on('error', fail);
    child.on('exit', (code, signal) => fail(new Error(`Electron ended with ${code ?? signal}.`)));
  });
  try {
    const target = await inTime(opened, 'Electron opened no port for tools', START_MS);
    const { url, stop } = await openRelay(target);
    child.once('exit', stop);
    const browser = await chromium.connectOverCDP(url, { timeout: START_MS });
    const [context] = browser.contexts();
    if (context === undefined) throw new Error('Electron has no pages.');
    const page = await firstPage(context);
    const ask = questionsTo(child);
    const close = async (): Promise<void> => {
      await ask(({ app }) => void setTimeout(() => app.quit(), 10), undefined);
      const exited = child.exitCode ?? once(child, 'exit');
      await inTime(Promise.resolve(exited), 'Electron did not quit', ANSWER_MS);
    };
    return { app: { pid: child.pid ?? 0, evaluate: ask, close }, page };
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${error instanceof Error ? error.message : String(error)}\nElectron wrote:\n${log}`, {
      cause: error,
    });
  }
}

async function firstPage(context: BrowserContext): Promise<Page> {
  return context.pages()[0] ?? (await context.waitForEvent('page', { timeout: START_MS }));
}

/** Answers of `answerer.cjs` come back under the number of their question. */
function questionsTo(child: ChildProcess): ShellApp['evaluate'] {
  const open = new Map<number, (answer: Answer) => void>();
  let last = 0;
  child.on('message', (message) => {
    const answer = message as Answer & { readonly id: number };
    open.get(answer.id)?.(answer);
  });
  child.on('exit', () => {
    for (const settle of open.values()) settle({ error: 'Electron ended before it answered.' });
  });
  return async (code, argument) => {
    const id = ++last;
    const text = code.toString();
    const answer = new Promise<Answer>((done) => {
      open.set(id, done);
      child.send({ id, code: text, argument }, (error) => {
        if (error !== null) done({ error: `Electron could not be asked: ${error.message}` });
      });
    });
    try {
      const { value, error } = await inTime(answer, `Electron did not answer ${text}`, ANSWER_MS);
      if (error !== undefined) throw new Error(`${error}\nAsked: ${text}`);
      return value as Awaited<ReturnType<typeof code>>;
    } finally {
      open.delete(id);
    }
  };
}

interface Answer {
  readonly value?: unknown;
  readonly error?: string;
}

/**
 * Stands between Playwright and the Chromium of Electron, which refuses one command that Playwright sends to each browser
 * that it joins: how downloads are kept.
 */
async function openRelay(target: string): Promise<{ readonly url: string; readonly stop: () => void }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  server.on('connection', (client) => {
    const browser = new WebSocket(target, { perMessageDeflate: false });
    const early: string[] = [];
    const toBrowser = (text: string): void => {
      if (browser.readyState === WebSocket.OPEN) browser.send(text);
      else early.push(text);
    };
    browser.on('open', () => {
      for (const text of early.splice(0)) browser.send(text);
    });
    client.on('message', (data: Buffer) => {
      const text = data.toString('utf8');
      const { id, method } = JSON.parse(text) as { readonly id: number; readonly method: string };
      if (method === 'Browser.setDownloadBehavior') client.send(JSON.stringify({ id, result: {} }));
      else toBrowser(text);
    });
    browser.on('message', (data: Buffer) => client.send(data.toString('utf8')));
    for (const [one, other] of [
      [browser, client],
      [client, browser],
    ] as const) {
      one.on('close', () => other.close());
      one.on('error', () => other.close());
    }
  });
  const { port } = server.address() as AddressInfo;
  const stop = (): void => {
    for (const client of server.clients) client.terminate();
    server.close();
  };
  return { url: `ws://127.0.0.1:${port}`, stop };
}

/** The value of a promise, or an error in words when it takes longer. */
export async function inTime<T>(promise: Promise<T>, what: string, most: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_done, fail) => {
    timer = setTimeout(() => fail(new Error(`${what} within ${most} ms.`)), most);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
