/**
 * `npm start`: installs and builds what is missing, gets the starter model, and opens the app: in Electron where it and a
 * screen are there, else the same app in a browser. `npm start -- FILE.espalier.json` opens a document, `--browser` asks
 * for the browser. Ctrl+C ends everything that was started.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { findElectron, hasDisplay } from './electron.mjs';
import { ensureNode, root, runMain, SetupError } from './setup.mjs';

await runMain(async () => {
  const args = process.argv.slice(2);
  const wantsBrowser = args.includes('--browser');
  const files = args.filter((a) => a !== '--browser');
  ensureNode();
  const electron = wantsBrowser || !hasDisplay() ? undefined : usable(findElectron({ download: true }));
  say('the app is being built (a minute the first time)');
  const { buildApp } = await import('./shell.mjs');
  const { shell, entry, page } = await buildApp({ compatible: electron?.outdated === true });
  getStarter();
  const environment = { ...process.env, ESPALIER_WORKSPACE: process.env['ESPALIER_WORKSPACE'] ?? workspace() };
  if (electron !== undefined) {
    say(`Electron ${electron.version}`);
    return await inWindow(electron.executable, [...sandboxArguments(electron), shell, ...files], environment);
  }
  return await inBrowser(entry, page, environment);
});

/** Chromium refuses to run as root with its sandbox on; an outdated one does not know today's system. */
function sandboxArguments(/** @type {import('./electron.mjs').Electron} */ electron) {
  return electron.outdated ? ['--no-sandbox'] : [];
}

/**
 * @param {import('./electron.mjs').Electron | undefined} electron
 * @returns {import('./electron.mjs').Electron | undefined}
 */
function usable(electron) {
  if (electron === undefined) return undefined;
  if (electron.outdated) say(`Electron ${electron.version} is outdated and not safe: for tests of the shell only`);
  if (process.getuid?.() !== 0 || electron.outdated) return electron;
  say('Electron does not run as root; the app opens in a browser');
  return undefined;
}

/** The folder that the app reads and writes in. */
function workspace() {
  return join(homedir(), 'Espalier');
}

function getStarter() {
  const args = [join('build', 'espalier.mjs'), 'models', 'get', 'starter'];
  const done = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  if (done.status === 0) return;
  // The app is of use without it: it says on Start what is missing and offers to get it.
  say('the starter model could not be got; the app offers it again');
}

/**
 * @param {string} executable
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>}
 */
function inWindow(executable, args, env) {
  return new Promise((done) => {
    const child = spawn(executable, args, { cwd: process.cwd(), stdio: ['ignore', 'inherit', 'inherit'], env });
    // The terminal sends Ctrl+C to the whole group; the window then closes as it does when a person closes it.
    process.on('SIGINT', () => undefined);
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    child.on('error', (error) => {
      say(error.message);
      done(2);
    });
    child.on('exit', (code) => done(code ?? 130));
  });
}

/** How long an engine that was lost is waited for, and how often it is started in a row without having lived a minute. */
const FIRST_WAIT_MS = 500;
const MOST_STARTS = 5;
const WELL_MS = 60_000;

/**
 * Serves the page, and starts the engine again when it is lost: on the same port and with the same token, so that open
 * pages go on by themselves.
 * @param {string} entry
 * @param {string} page
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>}
 */
async function inBrowser(entry, page, env) {
  const folders = ['--workspace', env['ESPALIER_WORKSPACE'] ?? workspace(), '--page', page];
  const token = randomBytes(32).toString('hex');
  /** @type {(() => void) | undefined} */
  let end;
  let stopped = false;
  const stop = () => {
    stopped = true;
    end?.();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  mkdirSync(env['ESPALIER_WORKSPACE'] ?? workspace(), { recursive: true });
  let port = '0';
  for (let starts = 1; ; starts += 1) {
    const began = Date.now();
    const engine = startEngine(entry, [...folders, '--port', port], { ...env, ESPALIER_TOKEN: token });
    end = engine.end;
    const address = await engine.address;
    if (address !== undefined && port === '0') {
      process.stdout.write(`\nEspalier is open at\n\n  ${address}\n\nThe address works once. Ctrl+C ends the app.\n`);
      if (hasDisplay() && process.env['ESPALIER_NO_BROWSER'] === undefined) openBrowser(address);
    }
    if (address !== undefined) port = new URL(address).port;
    const code = await engine.ended;
    if (stopped) return 0;
    if (Date.now() - began > WELL_MS) starts = 1;
    if (port === '0' || starts >= MOST_STARTS) return code === 0 ? 2 : code;
    say(`the engine ended (${code}) and is started again`);
    await sleep(FIRST_WAIT_MS * 2 ** (starts - 1));
  }
}

/**
 * @param {string} entry
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ address: Promise<string | undefined>, ended: Promise<number>, end: () => void }}
 */
function startEngine(entry, args, env) {
  const program = 'import(process.argv[1]).then((m) => m.main(process.argv.slice(2))).then((c) => process.exit(c))';
  const { href } = pathToFileURL(entry);
  const child = spawn(process.execPath, ['--eval', program, '--', href, 'serve', '--json', ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // Ctrl+C reaches the group of the terminal; the engine ends by its standard input, when runs have been taken care of.
    detached: process.platform !== 'win32',
    env,
  });
  child.stdin.on('error', () => undefined);
  const ended = new Promise((/** @type {(code: number) => void} */ done) => {
    child.on('error', (error) => {
      say(error.message);
      done(2);
    });
    child.on('exit', (code) => done(code ?? 130));
  });
  const address = Promise.race([firstAddress(child.stdout), ended.then(() => undefined)]);
  return { address, ended, end: () => void child.stdin.end() };
}

/**
 * @param {import('node:stream').Readable} output
 * @returns {Promise<string>}
 */
function firstAddress(output) {
  return new Promise((done, fail) => {
    let text = '';
    output.setEncoding('utf8').on('data', (part) => {
      text += part;
      const end = text.indexOf('\n');
      if (end === -1) return;
      output.removeAllListeners('data').resume();
      try {
        done(JSON.parse(text.slice(0, end)).address);
      } catch {
        fail(new SetupError(`The engine told no address: ${text.slice(0, end)}`));
      }
    });
  });
}

/** @param {string} address */
function openBrowser(address) {
  const openers = { darwin: ['open'], win32: ['cmd', '/c', 'start', ''], linux: ['xdg-open'] };
  const [command = 'xdg-open', ...args] =
    openers[/** @type {keyof typeof openers} */ (process.platform)] ?? openers.linux;
  const child = spawn(command, [...args, address], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`setup  ${text}\n`);
}
