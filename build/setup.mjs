/**
 * Brings a fresh clone to the point where it can run: the packages of package-lock.json, and, for tests that compare with
 * PyTorch, a Python environment in .cache/venv. Plain Node without dependencies, since it runs before anything is
 * installed. It says what it does on standard error only, so that `espalier ... --json` keeps standard output to itself.
 * What it leaves out: bundling (bundle.mjs) and models (`espalier models get`).
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The project's root folder. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** A step of the setup that failed, with what to do about it. Printed without a stack. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError';
}

/**
 * Installs the packages of package-lock.json into node_modules, unless they are there already.
 * @param {string} [dir] the project's root folder
 */
export function ensureNode(dir = root) {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new SetupError(`Node 20.19 or newer is needed, this is ${process.versions.node}. Install a newer Node.`);
  }
  // npm looks for a project in the folders above, and would empty the packages of another one.
  if (!existsSync(join(dir, 'package-lock.json'))) {
    throw new SetupError(`${dir} holds no package-lock.json, so it is not the root of the project.`);
  }
  const stamp = join(dir, '.cache', 'node.stamp');
  const wanted = () => hash(`${process.platform} ${process.arch} ${major}`, read(join(dir, 'package-lock.json')));
  const isCurrent = () => existsSync(hiddenLock(dir)) && read(stamp) === wanted();
  if (isCurrent()) return;
  withLock(join(dir, '.cache'), 'node', () => {
    if (isCurrent()) return;
    if (!installedMatchesLock(dir)) {
      say('packages: npm ci');
      // Package install scripts are refused in .npmrc; the variable keeps onnxruntime-node from fetching CUDA files
      // even where a person overrides that setting.
      const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
      const npm = process.env['npm_execpath'];
      // Warnings about the engines of packages are for those who choose packages, not for those who install.
      const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
      const [command, all] = npm?.endsWith('.js') === true ? [process.execPath, [npm, ...args]] : ['npm', args];
      runStep(command, all, { cwd: dir, env }, 'npm ci failed. Its message above says why; then run this again.');
    }
    writeFileSync(stamp, wanted());
  });
}

/**
 * Creates or updates .cache/venv from tests/oracle/requirements.txt and gives its Python, or undefined where the project
 * has no such file.
 * @param {string} [dir] the project's root folder
 * @returns {string | undefined} path of the environment's Python
 */
export function ensurePython(dir = root) {
  const requirements = join(dir, 'tests', 'oracle', 'requirements.txt');
  if (!existsSync(requirements)) return undefined;
  const venv = join(dir, '.cache', 'venv');
  const python = process.platform === 'win32' ? join(venv, 'Scripts', 'python.exe') : join(venv, 'bin', 'python');
  const stamp = join(venv, 'espalier.stamp');
  const wanted = () => hash(read(requirements));
  const isCurrent = () => existsSync(python) && read(stamp) === wanted();
  if (isCurrent()) return python;
  withLock(join(dir, '.cache'), 'python', () => {
    if (isCurrent()) return;
    const target = wanted();
    rmSync(stamp, { force: true });
    if (!existsSync(python) || spawnSync(python, ['-m', 'pip', '--version']).status !== 0) {
      rmSync(venv, { recursive: true, force: true });
      const base = findPython();
      say(`python: new environment in .cache/venv (${base})`);
      runStep(base, ['-m', 'venv', venv], { cwd: dir }, 'The Python environment could not be created.');
    }
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--progress-bar', 'off'];
    const advice = 'pip failed. Its message above says why; then run this again.';
    // PyTorch comes first and as its CPU build where one can be found ("+cpu" exists only there): resolved together with
    // the rest, pip may choose the build with gigabytes of CUDA libraries that no test uses.
    const torch = read(requirements)
      .split(/\r?\n/)
      .map((line) => line.split('#')[0]?.trim() ?? '')
      .find((line) => line.startsWith('torch=='));
    if (torch !== undefined) {
      say(`python: ${torch} (some minutes the first time)`);
      const build = torch.includes('+') ? torch : `${torch}+cpu`;
      const cpu = spawnSync(python, [...pip, build], { cwd: dir, stdio: ['ignore', 'ignore', 'ignore'] });
      if (cpu.status !== 0) runStep(python, [...pip, torch], { cwd: dir }, advice);
    }
    say('python: tests/oracle/requirements.txt');
    runStep(python, [...pip, '-r', requirements], { cwd: dir }, advice);
    writeFileSync(stamp, target);
    say('python: ready');
  });
  return python;
}

/** Chooses a Python that can create environments, and on Debian-like systems installs the missing `venv` module. */
function findPython() {
  const named = process.env['ESPALIER_PYTHON'];
  const candidates = named === undefined ? ['python3.11', 'python3.12', 'python3.13', 'python3', 'python'] : [named];
  const probe = 'import sys; sys.exit(0 if (3, 10) <= sys.version_info[:2] <= (3, 13) else 1)';
  const found = candidates.find((name) => spawnSync(name, ['-c', probe]).status === 0);
  if (found === undefined) {
    throw new SetupError(
      `Python 3.10 to 3.13 is needed for the tests that compare with PyTorch; none of ${candidates.join(', ')} is one. ` +
        'Install Python 3.11, or name one in the variable ESPALIER_PYTHON.',
    );
  }
  const hasVenv = () => spawnSync(found, ['-c', 'import venv, ensurepip']).status === 0;
  if (hasVenv()) return found;
  say('python: the venv module is missing, trying apt-get install python3-venv');
  const isRoot = process.getuid?.() === 0;
  const apt = ['apt-get', 'install', '-y', 'python3-venv'];
  const [command = 'apt-get', ...args] = isRoot ? apt : ['sudo', '-n', ...apt];
  const options = { stdio: /** @type {import('node:child_process').StdioOptions} */ (['ignore', 2, 2]) };
  if (spawnSync(command, args, options).status !== 0 && isRoot) {
    spawnSync('apt-get', ['update'], options);
    spawnSync(command, args, options);
  }
  if (hasVenv()) return found;
  throw new SetupError(`${found} has no venv module. Install it (Debian, Ubuntu: apt-get install python3-venv).`);
}

/**
 * True when node_modules holds what package-lock.json asks for, e.g. after `npm install` of one more package: npm records
 * what it installed in node_modules/.package-lock.json. Packages for other systems are optional and may be absent.
 * @param {string} dir
 */
function installedMatchesLock(dir) {
  const lock = packagesOf(join(dir, 'package-lock.json'));
  const installed = packagesOf(hiddenLock(dir));
  if (installed === undefined || lock === undefined) return false;
  for (const [path, entry] of lock) {
    if (path === '') continue;
    const there = installed.get(path);
    if (there === undefined ? entry['optional'] !== true : there['version'] !== entry['version']) return false;
  }
  return [...installed.keys()].every((path) => lock.has(path));
}

/**
 * @param {string} file
 * @returns {Map<string, Record<string, unknown>> | undefined}
 */
function packagesOf(file) {
  try {
    return new Map(Object.entries(JSON.parse(read(file)).packages));
  } catch {
    return undefined;
  }
}

/** @param {string} dir */
function hiddenLock(dir) {
  return join(dir, 'node_modules', '.package-lock.json');
}

/**
 * Runs `work` while holding `<name>.lock`, a folder, since making a folder is atomic everywhere. A lock whose owner has
 * died is taken over.
 * @param {string} cache
 * @param {string} name
 * @param {() => void} work
 */
export function withLock(cache, name, work) {
  mkdirSync(cache, { recursive: true });
  const lock = join(cache, `${name}.lock`);
  const owner = join(lock, 'pid');
  let told = false;
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
    if (isAbandoned(lock, owner)) {
      rmSync(lock, { recursive: true, force: true });
      continue;
    }
    if (!told) say(`${name}: waiting for another run that is setting up`);
    told = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  try {
    writeFileSync(owner, String(process.pid));
    work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/**
 * @param {string} lock
 * @param {string} owner
 */
function isAbandoned(lock, owner) {
  const pid = Number(read(owner));
  try {
    // Between making the folder and writing the number there is a moment without a number: allow it ten seconds.
    if (pid === 0) return Date.now() - statSync(lock).mtimeMs > 10_000;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'ESRCH';
  }
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv }} options
 * @param {string} advice
 */
function runStep(command, args, options, advice) {
  const shell = process.platform === 'win32' && command === 'npm';
  const done = spawnSync(command, args, { ...options, shell, stdio: ['ignore', 2, 2] });
  if (done.status === 0) return;
  const reason = done.error?.message ?? (done.signal === null ? `exit code ${done.status}` : `signal ${done.signal}`);
  throw new SetupError(`${command} ${args.join(' ')}: ${reason}. ${advice}`);
}

/** @param {readonly string[]} parts */
function hash(...parts) {
  return createHash('sha256').update(parts.join('\0')).digest('hex');
}

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`setup  ${text}\n`);
}

/**
 * Runs `main` and ends the process with its exit code; a SetupError is told in one line.
 * @param {() => number | Promise<number>} main
 */
export async function runMain(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`setup  ${error.message}\n`);
    process.exitCode = 2;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await runMain(() => {
    ensureNode();
    if (process.argv.includes('--python')) ensurePython();
    return 0;
  });
}
