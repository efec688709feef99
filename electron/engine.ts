/**
 * The engine as the shell sees it: a process of its own, started on the Node that the app brings, told apart from any other
 * listener by a challenge, started again when it is lost. Its standard input is a pipe that the shell holds: when the
 * shell is gone, however it went, the engine reads the end of it and ends too.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { originOf } from './addresses.ts';

/** Where the parts of the engine lie; `engine.json`, paths relative to it. */
export interface EngineFiles {
  readonly node: string;
  /** The bundle that exports `main(arguments)`. */
  readonly entry: string;
  readonly page: string;
  /** An Electron that is too old for a product; the window then says so. */
  readonly testShell: boolean;
}

export function readEngineFiles(file: string): EngineFiles {
  const found = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const folder = dirname(file);
  const path = (name: string): string => {
    const value = found[name];
    if (typeof value !== 'string') throw new Error(`${file} has no "${name}".`);
    return resolve(folder, value);
  };
  return { node: path('node'), entry: path('entry'), page: path('page'), testShell: found['testShell'] === true };
}

export interface EngineOptions {
  readonly files: EngineFiles;
  readonly workspace: string;
  /** Variables of the engine; the shell's own secrets are added. */
  readonly environment: NodeJS.ProcessEnv;
  /** The engine answers and is the one that was started; `isNew` when its port is another one than before. */
  readonly onReady: (origin: string, isNew: boolean) => void;
  readonly onLost: (log: string) => void;
  /** It ended this many times in a row without having answered. */
  readonly onFailed: (log: string) => void;
}

export interface Engine {
  readonly token: string;
  readonly start: () => void;
  /** The engine's origin while it is verified. */
  readonly origin: () => string | undefined;
  /** A path that a person chose in a dialog becomes a grant. */
  readonly grant: (path: string, kind: 'file' | 'folder' | 'save') => Promise<{ grant: string; name: string }>;
  /** A command of the table, with the page's token. */
  readonly command: (name: string, params: unknown) => Promise<unknown>;
  readonly stop: () => Promise<void>;
  readonly pid: () => number | undefined;
}

const START_MS = 30_000;
const STOP_MS = 8_000;
const ANSWER_MS = 10_000;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8_000;
const MOST_FAILURES = 5;
const LOG_LENGTH = 20_000;
/** An engine that lived this long was well; the next one starts at once again. */
const WELL_MS = 60_000;

export function createEngine(options: EngineOptions): Engine {
  const token = randomBytes(32).toString('hex');
  const secret = randomBytes(32).toString('hex');
  let child: ChildProcess | undefined;
  let trusted: string | undefined;
  let lastPort: number | undefined;
  let failures = 0;
  let stopping = false;
  let log = '';

  const note = (text: string): void => {
    log = (log + text).slice(-LOG_LENGTH);
  };

  const start = (): void => {
    const began = Date.now();
    const own = startProcess(options, { token, secret, port: lastPort });
    child = own;
    let ready = false;
    const deadline = setTimeout(() => {
      note(`The engine told no address within ${START_MS / 1000} s.\n`);
      own.kill('SIGKILL');
    }, START_MS);
    const verified = async (port: number): Promise<void> => {
      await prove(port, secret);
      clearTimeout(deadline);
      if (child !== own || stopping) return;
      ready = true;
      const isNew = port !== lastPort;
      lastPort = port;
      trusted = originOf(port);
      options.onReady(trusted, isNew);
    };
    own.stderr?.setEncoding('utf8').on('data', note);
    own.stdin?.on('error', () => undefined);
    firstLine(own, (line) => {
      const port = portOf(line);
      const proved = port === undefined ? Promise.reject(new Error(`Not an address: ${line}`)) : verified(port);
      proved.catch((error: unknown) => {
        note(`${String(error)}\n`);
        own.kill('SIGKILL');
      });
    });
    own.on('error', (error) => note(`${error.message}\n`));
    // `close` comes after both a process that ended and one that never started.
    own.on('close', (code, signal) => {
      clearTimeout(deadline);
      if (child !== own) return;
      child = undefined;
      trusted = undefined;
      if (stopping) return;
      note(`The engine ended (${signal ?? `exit code ${code ?? 'unknown'}`}).\n`);
      failures = ready && Date.now() - began > WELL_MS ? 0 : failures + 1;
      options.onLost(log);
      // The port may be what keeps it from starting.
      if (!ready) lastPort = undefined;
      if (failures >= MOST_FAILURES) {
        failures = 0;
        options.onFailed(log);
        return;
      }
      setTimeout(() => !stopping && start(), Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1)));
    });
  };

  const post = async (path: string, bearer: string, body: unknown): Promise<unknown> => {
    if (trusted === undefined) throw new Error('The engine is not there now.');
    const { status, value } = await postJson(trusted, path, bearer, body);
    const answer = value as { ok?: boolean; result?: unknown };
    if (status >= 300 || answer.ok !== true) throw new Error(`The engine refused ${path} (${status}).`);
    return answer.result;
  };

  return {
    token,
    start,
    origin: () => trusted,
    grant: (path, kind) => post('/api/grant', secret, { path, kind }) as Promise<{ grant: string; name: string }>,
    command: (name, params) => post('/api/command', token, { name, params }),
    stop: () => {
      stopping = true;
      trusted = undefined;
      return child === undefined ? Promise.resolve() : endProcess(child);
    },
    pid: () => child?.pid,
  };
}

interface Secrets {
  readonly token: string;
  readonly secret: string;
  readonly port: number | undefined;
}

function startProcess(
  { files, workspace, environment }: EngineOptions,
  { token, secret, port }: Secrets,
): ChildProcess {
  const url = JSON.stringify(pathToFileURL(files.entry).href);
  const program = `import(${url}).then((m)=>m.main(process.argv.slice(1))).then((c)=>process.exit(c))`;
  const serve = ['serve', '--json', '--desktop', '--workspace', workspace, '--page', files.page];
  const fixed = port === undefined ? [] : ['--port', String(port)];
  const env: NodeJS.ProcessEnv = { ...environment, ESPALIER_TOKEN: token, ESPALIER_SHELL_SECRET: secret };
  for (const name of ['NODE_OPTIONS', 'NODE_PATH', 'ELECTRON_RUN_AS_NODE']) delete env[name];
  return spawn(files.node, ['--eval', program, '--', ...serve, ...fixed], {
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: dirname(files.entry),
    env,
    windowsHide: true,
  });
}

function endProcess(child: ChildProcess): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    child.once('close', () => {
      clearTimeout(timer);
      done();
    });
    child.stdin?.end();
  });
}

function firstLine(child: ChildProcess, take: (line: string) => void): void {
  let text = '';
  let taken = false;
  child.stdout?.setEncoding('utf8').on('data', (more: string) => {
    if (taken) return;
    text += more;
    const end = text.indexOf('\n');
    if (end === -1) return;
    taken = true;
    take(text.slice(0, end));
  });
}

function portOf(line: string): number | undefined {
  try {
    const { port, address } = JSON.parse(line) as { port?: unknown; address?: unknown };
    const found = typeof port === 'number' ? port : Number(new URL(String(address)).port);
    return Number.isInteger(found) && found > 0 && found < 65_536 ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Throws unless the listener knows the secret that only the engine that was started has. */
export async function prove(port: number, secret: string): Promise<void> {
  const nonce = randomBytes(24).toString('hex');
  const { value } = await postJson(originOf(port), '/api/challenge', undefined, { nonce });
  const answer = Buffer.from(String((value as { answer?: unknown }).answer), 'hex');
  const wanted = createHmac('sha256', secret).update(nonce).digest();
  if (answer.length !== wanted.length || !timingSafeEqual(answer, wanted)) {
    throw new Error(`What listens on port ${port} is not the engine that was started.`);
  }
}

function postJson(
  origin: string,
  path: string,
  bearer: string | undefined,
  body: unknown,
): Promise<{ readonly status: number; readonly value: unknown }> {
  const bytes = Buffer.from(JSON.stringify(body), 'utf8');
  const headers = {
    'content-type': 'application/json',
    'content-length': bytes.length,
    origin,
    ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
  };
  return new Promise((done, fail) => {
    const sent = request(
      `${origin}${path}`,
      { method: 'POST', headers, timeout: ANSWER_MS, agent: false },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('error', fail);
        answer.on('end', () => {
          try {
            done({
              status: answer.statusCode ?? 0,
              value: JSON.parse(Buffer.concat(parts).toString('utf8')) as unknown,
            });
          } catch (error) {
            fail(error instanceof Error ? error : new Error(String(error)));
          }
        });
      },
    );
    sent.on('timeout', () => sent.destroy(new Error(`No answer to ${path} within ${ANSWER_MS / 1000} s.`)));
    sent.on('error', fail);
    sent.end(bytes);
  });
}

/** Where `engine.json` lies: in the resources of a packaged app, beside the shell's own code while developing. */
export function engineFolder(isPackaged: boolean, resources: string, appFolder: string): string {
  return isPackaged ? join(resources, 'engine') : appFolder;
}
