/**
 * Bundles one TypeScript entry into build/out/<name>.mjs with esbuild, when a source is newer than the bundle. Packages of
 * node_modules stay outside the bundle. The first line of a bundle carries the fingerprint of the sources it was made
 * from, so that a bundle and its stamp can't disagree, also when several processes bundle at once.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { root } from './setup.mjs';

/**
 * @param {string} entry entry file, relative to the project's root
 * @param {string} name name of the bundle
 * @param {readonly string[]} sources folders whose files decide whether the bundle is current
 * @param {string} [dir] the project's root folder
 * @returns {Promise<string>} path of the bundle
 */
export async function bundle(entry, name, sources, dir = root) {
  const out = join(dir, 'build', 'out', `${name}.mjs`);
  const stamp = `// sources ${fingerprint(dir, sources)}`;
  if (firstLine(out, stamp.length) === stamp) return out;
  const { build } = await import('esbuild');
  const temporary = `${out}.${process.pid}.tmp`;
  mkdirSync(join(dir, 'build', 'out'), { recursive: true });
  try {
    await build({
      absWorkingDir: dir,
      entryPoints: [entry],
      outfile: temporary,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      sourcesContent: false,
      banner: { js: stamp },
      logLevel: 'silent',
    });
    renameSync(temporary, out);
  } finally {
    rmSync(temporary, { force: true });
  }
  return out;
}

/**
 * A hash over path, size and time of every source and over what else decides the bundle: this file and the lockfile.
 * @param {string} dir
 * @param {readonly string[]} sources
 */
export function fingerprint(dir, sources) {
  const hash = createHash('sha256').update(readFileSync(new URL(import.meta.url)));
  /** @param {string} path */
  const add = (path) => {
    const s = statSync(join(dir, path), { throwIfNoEntry: false });
    if (s !== undefined) hash.update(`${path}\0${s.size}\0${s.mtimeMs}\n`);
  };
  add('package-lock.json');
  for (const folder of sources) {
    /** @type {string[]} */
    let names = [];
    try {
      names = readdirSync(join(dir, folder), { recursive: true, encoding: 'utf8' });
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error;
    }
    for (const file of names.filter((f) => /\.(ts|tsx|json|css|html)$/.test(f)).sort()) add(join(folder, file));
  }
  return hash.digest('hex').slice(0, 32);
}

/**
 * @param {string} file
 * @param {number} length
 */
function firstLine(file, length) {
  try {
    const descriptor = openSync(file, 'r');
    try {
      const bytes = Buffer.alloc(length);
      return bytes.toString('utf8', 0, readSync(descriptor, bytes, 0, length, 0));
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return '';
  }
}
