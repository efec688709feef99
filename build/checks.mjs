/**
 * The static checks: types, linter, format, layers, limits. `npm run check` runs them all and tells every failure;
 * `npm test` runs them first.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureNode, root, runMain } from './setup.mjs';

const bin = (/** @type {string[]} */ ...path) => join('node_modules', ...path);

// The cache goes by the content of files; the others have none that stays right when a file they depend on changes.
const prettierCache = ['--cache', '--cache-strategy', 'content', '--cache-location', join('.cache', 'prettier')];
const prettierArgs = ['--check', '--log-level', 'warn', ...prettierCache];

/** @type {readonly { name: string, args: readonly string[] }[]} */
export const checks = [
  { name: 'types', args: [bin('typescript', 'bin', 'tsc'), '--project', '.'] },
  { name: 'types of the page', args: [bin('typescript', 'bin', 'tsc'), '--project', 'renderer'] },
  { name: 'types of the tests', args: [bin('typescript', 'bin', 'tsc'), '--project', 'tests'] },
  { name: 'linter', args: [bin('eslint', 'bin', 'eslint.js'), '--max-warnings', '0', '.'] },
  { name: 'format', args: [bin('prettier', 'bin', 'prettier.cjs'), ...prettierArgs, '.'] },
  { name: 'layers', args: [join('build', 'layers.mjs')] },
  { name: 'limits', args: [join('build', 'limits.mjs')] },
];

/**
 * Runs the checks one after the other, their output live.
 * @returns {Promise<{ passed: number, failed: number, skipped: number }>}
 */
export async function runChecks() {
  let passed = 0;
  for (const { name, args } of checks) {
    const begin = performance.now();
    const code = await runNode(args);
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n`);
    if (code === 0) passed += 1;
  }
  return { passed, failed: checks.length - passed, skipped: 0 };
}

/**
 * Runs a Node script from the project's root with its output live.
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>} exit code; 128 when it was killed or could not start
 */
export function runNode(args, env = process.env) {
  return run(process.execPath, args, env);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>} exit code; 128 when it was killed or could not start
 */
export function run(command, args, env = process.env) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env });
    child.on('error', (error) => {
      process.stderr.write(`${command}: ${error.message}\n`);
      done(128);
    });
    child.on('exit', (code, signal) => {
      if (signal !== null) process.stderr.write(`${command} ${args.join(' ')}: killed by ${signal}\n`);
      done(code ?? 128);
    });
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await runMain(async () => {
    ensureNode();
    return (await runChecks()).failed === 0 ? 0 : 1;
  });
}
