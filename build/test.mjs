/**
 * `npm test`: sets up, then runs the static checks, vitest and pytest, and ends with one line of true totals.
 * `npm test -- PATH...` runs only the tests under these paths, without the static checks; options go to vitest.
 * End-to-end tests of page and shell are a suite of their own, which runs after the others, one file at a time.
 * `--soak` runs the long tests of tests/soak instead, `--e2e` the end-to-end tests alone.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run, runChecks, runNode } from './checks.mjs';
import { ensureChromium, ensureTestElectron } from './browsers.mjs';
import { exitCodeOf, lastLine, pytestCounts, retriedTests, total, vitestCounts } from './counts.mjs';
import { ensureNode, ensurePython, root, runMain, SetupError } from './setup.mjs';

/** @typedef {import('./counts.mjs').Counts} Counts */

const pythonFolder = join('tests', 'oracle');

/** @param {readonly string[]} args */
async function main(args) {
  const suite = args.includes('--soak') ? 'soak' : args.includes('--e2e') ? 'e2e' : undefined;
  const rest = args.filter((a) => a !== '--soak' && a !== '--e2e');
  const filtered = suite !== undefined || rest.length > 0;
  const isPython = (/** @type {string} */ a) => a.endsWith('.py') || join(a, '.').startsWith(pythonFolder);
  const pythonPaths = rest.filter(isPython);
  const vitestArgs = rest.filter((a) => !isPython(a));

  /** @type {Counts[]} */
  const counts = [];
  ensureNode();
  const python = setUp('Python environment', ensurePython, counts);
  if (!filtered || suite !== undefined || vitestArgs.length > 0) {
    setUp('Chromium', ensureChromium, counts);
    setUp('Electron of the tests', ensureTestElectron, counts);
  }
  if (!filtered) counts.push(await runChecks());
  for (const each of suitesOf(suite, filtered, vitestArgs)) counts.push(await runVitest(vitestArgs, each));
  const tests = filtered ? pythonPaths : pythonTests();
  if (python !== undefined && tests.length > 0) counts.push(await runPytest(python, tests));
  const sum = total(counts);
  process.stdout.write(`\n${lastLine(sum)}\n`);
  return exitCodeOf(sum);
}

/**
 * The suites of vitest that a run asks for; undefined is the usual one.
 * @param {'soak' | 'e2e' | undefined} suite
 * @param {boolean} filtered
 * @param {readonly string[]} args
 * @returns {readonly ('soak' | 'e2e' | undefined)[]}
 */
function suitesOf(suite, filtered, args) {
  if (suite !== undefined) return [suite];
  if (!filtered) return [undefined, 'e2e'];
  const paths = args.filter((a) => !a.startsWith('-'));
  const isEndToEnd = (/** @type {string} */ a) => /^tests[\\/](e2e|electron[\\/]app)\b/.test(a);
  if (args.length === 0) return [];
  if (paths.length === 0) return [undefined];
  if (paths.every(isEndToEnd)) return ['e2e'];
  return paths.some(isEndToEnd) ? [undefined, 'e2e'] : [undefined];
}

/**
 * What is missing on this machine is counted as a failure; the tests that can do without it are worth running all the same.
 * @template T
 * @param {string} what
 * @param {() => T} ensure
 * @param {Counts[]} counts
 * @returns {T | undefined}
 */
function setUp(what, ensure, counts) {
  try {
    return ensure();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stdout.write(`FAILED ${what}: ${error.message}\n`);
    counts.push({ passed: 0, failed: 1, skipped: 0 });
    return undefined;
  }
}

/**
 * @param {readonly string[]} args
 * @param {'soak' | 'e2e' | undefined} suite
 */
async function runVitest(args, suite) {
  const report = freshReport(`vitest-${suite ?? 'usual'}.json`);
  const vitest = join('node_modules', 'vitest', 'vitest.mjs');
  const env = { ...process.env, ...(suite ? { ESPALIER_SUITE: suite } : {}) };
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const code = await runNode([vitest, 'run', ...reporters, ...args], env);
  const text = contents(report);
  for (const name of retriedTests(text)) process.stdout.write(`PASSED AT A SECOND ATTEMPT ${name}\n`);
  return vitestCounts(text, code);
}

/**
 * @param {string} python
 * @param {readonly string[]} paths
 */
async function runPytest(python, paths) {
  const report = freshReport('pytest.xml');
  const options = ['-q', '-p', 'no:cacheprovider', `--junitxml=${report}`];
  const code = await run(python, ['-B', '-m', 'pytest', ...options, ...paths]);
  return pytestCounts(contents(report), code);
}

function pythonTests() {
  const folder = join(root, pythonFolder);
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((f) => /^test_.*\.py$/.test(f));
  return names.sort().map((f) => join(pythonFolder, f));
}

/** @param {string} name */
function freshReport(name) {
  mkdirSync(join(root, '.cache'), { recursive: true });
  const file = join(root, '.cache', name);
  rmSync(file, { force: true });
  return file;
}

/** @param {string} file */
function contents(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

await runMain(() => main(process.argv.slice(2)));
