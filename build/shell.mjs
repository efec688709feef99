/**
 * Builds the desktop shell into build/out/shell: main and preload as CommonJS for every Electron from 9 on, its icon, and
 * `engine.json`, which says where the parts of the engine lie. `dist.mjs` writes an `engine.json` of its own.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { bundle } from './bundle.mjs';
import { buildPage } from './page.mjs';
import { root, runMain } from './setup.mjs';

/** Folders whose files decide whether the engine's bundle is current. */
export const engineSources = ['engine', 'nodes'];

/** The bundle that exports `main(arguments)`: command line, service, workers and runs. */
export function buildEngine() {
  return bundle('engine/cli/main.ts', 'cli', engineSources);
}

/**
 * @param {string} [out]
 * @returns {Promise<string>} the folder of the shell, without `engine.json`
 */
export async function buildShell(out = join(root, 'build', 'out', 'shell')) {
  const { build } = await import('esbuild');
  mkdirSync(out, { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: { main: join('electron', 'main.ts'), preload: join('electron', 'preload.ts') },
    outdir: out,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    // Node 12.14 is what Electron 9 brings; newer ones run the same code.
    target: 'node12.14',
    external: ['electron'],
    logLevel: 'warning',
  });
  const { name, version, description, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const facts = { name, productName: 'Espalier', version, description, license, author: 'Espalier', main: 'main.js' };
  writeFileSync(join(out, 'package.json'), `${JSON.stringify(facts, null, 2)}\n`);
  const icon = join(root, 'build', 'icons', 'icon.png');
  if (existsSync(icon)) copyFileSync(icon, join(out, 'icon.png'));
  return out;
}

/**
 * Where the shell finds the engine. Paths are relative to the folder of the file.
 * @param {string} folder
 * @param {{ node: string, entry: string, page: string, testShell?: boolean }} files absolute paths
 */
export function writeEngineFile(folder, files) {
  const inside = (/** @type {string} */ path) => relative(folder, path) || '.';
  const { node, entry, page, testShell = false } = files;
  const paths = { node: inside(node), entry: inside(entry), page: inside(page), testShell };
  writeFileSync(join(folder, 'engine.json'), `${JSON.stringify(paths, null, 2)}\n`);
}

/**
 * Everything that the app needs to run from a clone.
 * @param {{ compatible?: boolean }} [options]
 * @returns {Promise<{ shell: string, entry: string, page: string }>}
 */
export async function buildApp({ compatible = false } = {}) {
  const [entry, page, shell] = [await buildEngine(), await buildPage({ compatible }), await buildShell()];
  writeEngineFile(shell, { node: process.execPath, entry, page });
  return { shell, entry, page };
}

if (process.argv[1]?.endsWith('shell.mjs')) {
  await runMain(async () => (await buildApp({ compatible: process.argv.includes('--compatible') }), 0));
}
