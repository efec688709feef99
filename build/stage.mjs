/**
 * Lays out the engine as a packaged app carries it: the bundle, the packages that it loads, a Node to run it, the page, the
 * sample files, and the licences of what is not ours. Everything is copied; nothing points out of the folder.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, sep } from 'node:path';
import { root } from './setup.mjs';
import { writeEngineFile } from './shell.mjs';

/** @typedef {{ version: string, dev?: boolean, optional?: boolean, devOptional?: boolean, license?: string,
 *   os?: string[], cpu?: string[], dependencies?: Record<string, string> }} Locked */

/** Packages whose code is part of the page, with what they need. */
const pagePackages = [
  '@fontsource-variable/inter',
  '@fontsource-variable/jetbrains-mono',
  '@tanstack/react-virtual',
  '@xyflow/react',
  'cmdk',
  'core-js',
  'elkjs',
  'katex',
  'lucide-react',
  'monaco-editor',
  'radix-ui',
  'react',
  'react-dom',
  'uplot',
  'zustand',
];

/** What a package carries for those who develop with it. */
const needless = /(\.map|\.md|\.markdown|\.d\.ts|\.d\.mts|\.d\.cts|\.tsbuildinfo|\.flow)$/i;

/**
 * @param {string} out
 * @param {{ entry: string, page: string, node?: string, testShell?: boolean }} parts
 */
export function stageEngine(out, { entry, page, node = process.execPath, testShell = false }) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const packages = lockedPackages();
  const carried = [...packages].filter(([, p]) => p.dev !== true && p.devOptional !== true && fitsHere(p));
  for (const [path] of carried) copyPackage(path, join(out, path));
  cpSync(entry, join(out, 'espalier.mjs'));
  cpSync(page, join(out, 'page'), { recursive: true });
  cpSync(join(root, 'examples'), join(out, 'examples'), { recursive: true });
  const binary = join(out, process.platform === 'win32' ? 'node.exe' : 'node');
  cpSync(node, binary, { dereference: true });
  chmodSync(binary, 0o755);
  writeFileSync(
    join(out, 'LICENCES.txt'),
    licences(
      packages,
      carried.map(([path]) => path),
    ),
  );
  writeEngineFile(out, { node: binary, entry: join(out, 'espalier.mjs'), page: join(out, 'page'), testShell });
  return out;
}

/** @returns {Map<string, Locked>} */
function lockedPackages() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const all = /** @type {[string, Locked][]} */ (Object.entries(packages));
  return new Map(all.filter(([path]) => path !== '' && existsSync(join(root, path))));
}

/** @param {Locked} locked */
function fitsHere({ os, cpu }) {
  return (os?.includes(process.platform) ?? true) && (cpu?.includes(process.arch) ?? true);
}

/**
 * @param {string} path
 * @param {string} to
 */
function copyPackage(path, to) {
  const from = join(root, path);
  const binaries = `${sep}bin${sep}napi-v`;
  cpSync(from, to, {
    recursive: true,
    dereference: true,
    filter: (source) => {
      // Packages inside this one have entries of their own.
      if (source !== from && basename(source) === 'node_modules') return false;
      if (needless.test(source)) return false;
      if (basename(from) !== 'onnxruntime-node' || !source.includes(binaries)) return true;
      // The runtime brings its libraries for every system; one of them is of use here.
      const [, platform, arch] = (source.split(binaries)[1] ?? '').split(sep);
      return (platform ?? process.platform) === process.platform && (arch ?? process.arch) === process.arch;
    },
  });
}

/**
 * The licences of the packages in the engine and in the page, one after the other.
 * @param {Map<string, Locked>} packages
 * @param {readonly string[]} carried
 */
function licences(packages, carried) {
  const wanted = new Set(carried);
  const queue = pagePackages.map((name) => `node_modules/${name}`);
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const locked = packages.get(path);
    if (locked === undefined || (wanted.has(path) && carried.includes(path))) continue;
    wanted.add(path);
    const next = Object.keys(locked.dependencies ?? {}).map((name) => `node_modules/${name}`);
    queue.push(...next.filter((p) => !wanted.has(p)));
  }
  const texts = [...wanted].sort().map((path) => {
    const folder = join(root, path);
    const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)/i.test(name));
    const text = file === undefined ? '' : `\n\n${readFileSync(join(folder, file), 'utf8').trim()}`;
    const { version, license } = packages.get(path) ?? { version: '?' };
    return `${path.replace(/^.*node_modules\//, '')} ${version} (${license ?? 'see below'})${text}`;
  });
  return `Espalier contains the following packages.\n\n${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}
