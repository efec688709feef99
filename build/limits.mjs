/**
 * Limits that keep the project readable and portable, checked on every file that git tracks or would track: length of
 * sources and tests, size of files, no addresses of package registries or paths of one machine, no table that is total in
 * name only, no note to do something later. What the linter sees in the syntax is left to it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root as projectRoot } from './setup.mjs';

/**
 * Data tables that may be longer, each with its reason. An entry that is no longer needed is a problem too.
 * @type {readonly { file: string, reason: string }[]}
 */
const lengthExemptions = [];

const sourceLines = 400;
const testLines = 600;
const largestFile = 5 * 1024 * 1024;

const code = /\.(ts|tsx|mts|js|mjs|cjs|py)$/;
const typescript = /\.(ts|tsx|mts)$/;

/**
 * Text that no tracked file may hold. The patterns are put together from parts, so that this file doesn't hold it either.
 * @type {readonly { pattern: RegExp, files: RegExp, message: string }[]}
 */
const forbiddenText = [
  {
    pattern: new RegExp(
      [
        ['registry', 'npmjs', 'org'],
        ['registry', 'yarnpkg', 'com'],
        ['registry', 'npmmirror', 'com'],
        ['pypi', 'org'],
        ['pythonhosted', 'org'],
        ['download', 'pytorch', 'org'],
      ]
        .map((parts) => parts.join('\\.'))
        .join('|'),
      'i',
    ),
    files: /./,
    message: 'names a package registry. Registries belong into the settings of a machine.',
  },
  {
    pattern: new RegExp(`(?<![\\w.\\-/])(?:file://)?/(?:work|root|tmp/${'venv'})(?:/|\\b)`),
    files: /./,
    message: 'holds an absolute path of one machine. Use a path relative to the project.',
  },
  {
    pattern: /\bPartial<\s*(\{\s*\[|Record<)/,
    files: typescript,
    message: 'is a table with holes. Make it total; write a hole as unsupported("reason").',
  },
  {
    pattern: new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`),
    files: code,
    message: 'leaves work for later. Do it now, or write down the limit in words.',
  },
];

/** @typedef {{ file: string, line?: number, message: string }} Problem */

/**
 * @param {string} root
 * @param {{ exemptions?: readonly { file: string, reason: string }[], largest?: number }} [options]
 * @returns {{ files: number, problems: readonly Problem[] }}
 */
export function checkLimits(root, { exemptions = lengthExemptions, largest = largestFile } = {}) {
  const files = trackedFiles(root);
  /** @type {Problem[]} */
  const problems = [];
  const needless = new Set(exemptions.map((e) => e.file));
  for (const file of files) {
    const { size } = statSync(join(root, file));
    if (size > largest) {
      problems.push({
        file,
        message: `has ${size} bytes, the limit is ${largest}. Make it where it is needed instead.`,
      });
      continue;
    }
    const bytes = readFileSync(join(root, file));
    if (bytes.subarray(0, 8192).includes(0)) continue;
    const lines = bytes.toString('utf8').split('\n');
    if (lines.at(-1) === '') lines.pop();
    const limit = file.startsWith('tests/') ? testLines : sourceLines;
    if (code.test(file) && lines.length > limit && !needless.delete(file)) {
      problems.push({ file, message: `has ${lines.length} lines, the limit is ${limit}. Split it by idea.` });
    }
    for (const { pattern, files: applies, message } of forbiddenText) {
      if (!applies.test(file)) continue;
      lines.forEach((line, i) => {
        const match = pattern.exec(line);
        if (match !== null) problems.push({ file, line: i + 1, message: `"${match[0].trim()}" ${message}` });
      });
    }
  }
  for (const file of needless) problems.push({ file, message: 'needs no exemption from the length limit any more.' });
  return { files: files.length, problems };
}

/**
 * The files that git tracks or would track; outside of a repository, all but what is made or installed.
 * @param {string} root
 * @returns {string[]}
 */
function trackedFiles(root) {
  const git = existsSync(join(root, '.git'))
    ? spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
    : undefined;
  const names =
    git?.status === 0
      ? git.stdout.toString('utf8').split('\0')
      : walk(root, root).map((f) => relative(root, f).split(sep).join('/'));
  return [...new Set(names)].filter((f) => f !== '' && isPlainFile(join(root, f))).sort();
}

/** @param {string} path */
function isPlainFile(path) {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/**
 * @param {string} root
 * @param {string} folder
 * @returns {string[]}
 */
function walk(root, folder) {
  const skipped = ['node_modules', '.git', '.cache', join('build', 'out')].map((f) => join(root, f));
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) return [path];
    return skipped.includes(path) ? [] : walk(root, path);
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { files, problems } = checkLimits(resolve(process.argv[2] ?? projectRoot));
  for (const { file, line, message } of problems) {
    process.stdout.write(`${file}${line === undefined ? '' : `:${line}`}: ${message}\n`);
  }
  process.stdout.write(`limits: ${files} files, ${problems.length} problems\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
