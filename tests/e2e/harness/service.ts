/**
 * The real service for a test: `espalier serve` from the bundle, on a workspace and a home of its own whose store knows
 * the starter model. Killing it is a method, since tests of faults do that.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addModel, STARTER_ID } from '../../../engine/checkpoints/store.ts';
import { root, withLock } from '../../../build/setup.mjs';
import { starterModelFolder } from '../../support/starter.ts';

/** The folders of one test file; they outlive the service, so that a second one can find what the first one left. */
export interface Surroundings {
  readonly folder: string;
  readonly workspace: string;
  /** `ESPALIER_HOME` of the service: settings, models, runs. */
  readonly home: string;
  /** A copy of the built page, so that a build beside the test takes nothing from under it. */
  readonly page: string;
  /** A file with the token of all sessions, so that pages go on after a restart of the service. */
  readonly tokenFile: string;
  remove(): void;
}

export interface Service {
  readonly process: ChildProcess;
  readonly pid: number;
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /** The address with a one-use ticket that was printed at the start. */
  readonly address: string;
  /** What it wrote so far to standard error. */
  log(): string;
  /** Lets it end as the shell does, by closing its standard input; ends with its exit code. */
  stop(): Promise<number | null>;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
}

const START_MS = 60_000;
const STOP_MS = 15_000;

/**
 * Builds the page when a source is newer. Test files that start together wait for the one that builds.
 * `ESPALIER_E2E_PAGE=keep` takes the page as it was built last, for quick rounds while others edit.
 */
export function builtPage(kind: 'page' | 'page-compatible' = 'page'): string {
  const folder = join(root, 'build', 'out', kind);
  if (process.env['ESPALIER_E2E_PAGE'] === 'keep' && existsSync(join(folder, 'index.html'))) return folder;
  withLock(join(root, '.cache'), kind, () => {
    const args = [join('build', 'page.mjs'), ...(kind === 'page' ? [] : ['--compatible'])];
    const done = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`The page could not be built:\n${done.stdout}\n${done.stderr}`);
  });
  return folder;
}

export async function makeSurroundings(kind: 'page' | 'page-compatible' = 'page'): Promise<Surroundings> {
  const built = builtPage(kind);
  const folder = mkdtempSync(join(tmpdir(), 'espalier-e2e-'));
  const [workspace, home, page] = [join(folder, 'workspace'), join(folder, 'home'), join(folder, 'page')];
  for (const made of [workspace, home]) mkdirSync(made);
  cpSync(built, page, { recursive: true });
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, randomBytes(32).toString('hex'), { mode: 0o600 });
  await addModel(starterModelFolder(), { home, id: STARTER_ID });
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  return { folder, workspace, home, page, tokenFile, remove };
}

export async function startService(
  { workspace, home, page, tokenFile }: Surroundings,
  args: readonly string[] = [],
): Promise<Service> {
  const folders = ['--workspace', workspace, '--page', page, '--token-file', tokenFile];
  const command = [join('build', 'espalier.mjs'), 'serve', '--json', ...folders, ...args];
  const child = spawn(process.execPath, command, {
    cwd: root,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ESPALIER_HOME: home },
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ended = new Promise<number | null>((done) => child.on('exit', (code) => done(code)));
  const address = await firstAddress(child, () => log);
  const within = async (milliseconds: number): Promise<boolean> =>
    Promise.race([
      ended.then(() => true),
      new Promise<boolean>((done) => setTimeout(() => done(false), milliseconds).unref()),
    ]);
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  return {
    process: child,
    pid: child.pid ?? 0,
    origin: new URL(address).origin,
    address,
    log: () => log,
    stop: async () => {
      child.stdin.end();
      if (!(await within(STOP_MS))) {
        await kill();
        throw new Error(`The service did not end within ${STOP_MS} ms after its standard input closed.\n${log}`);
      }
      return child.exitCode;
    },
    kill,
  };
}

/** The service's first line of standard output is one JSON object with its address. */
async function firstAddress(child: ChildProcess, log: () => string): Promise<string> {
  let text = '';
  return new Promise((done, fail) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail(new Error(`The service told no address within ${START_MS} ms.\n${text}\n${log()}`));
    }, START_MS);
    child.on('exit', (code) => {
      clearTimeout(timer);
      fail(new Error(`The service ended with ${code ?? 'a signal'} before it told its address.\n${text}\n${log()}`));
    });
    child.stdout?.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      const line = text.slice(0, text.indexOf('\n'));
      if (!text.includes('\n')) return;
      clearTimeout(timer);
      try {
        const { address } = JSON.parse(line) as { address: string };
        done(address);
      } catch {
        fail(new Error(`The first line of the service is no JSON object with its address: ${line}`));
      }
      child.stdout?.removeAllListeners('data').resume();
    });
  });
}
