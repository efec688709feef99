/**
 * Builds the page with Vite into build/out/page, when a source is newer than the last build. `compatible` makes the build
 * for the old Chromium of the shell's tests (build/out/page-compatible), which never reaches a product. A build that fails
 * leaves the last one as it was.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint } from './bundle.mjs';
import { root, runMain } from './setup.mjs';

/**
 * @param {{ compatible?: boolean }} [options]
 * @returns {Promise<string>} the folder of the page
 */
export async function buildPage({ compatible = false } = {}) {
  const out = join(root, 'build', 'out', compatible ? 'page-compatible' : 'page');
  const stamp = `${out}.stamp`;
  const own = ['page.mjs', 'polyfills.mjs'].map((name) => readFileSync(join(root, 'build', name), 'utf8')).join('');
  const wanted = `${fingerprint(root, ['renderer', 'engine/protocol', 'engine/base'])} ${own.length}`;
  if (existsSync(join(out, 'index.html')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return out;
  const fresh = `${out}.${process.pid}`;
  try {
    await build(fresh, compatible);
    if (compatible) await addPolyfills(fresh);
    const old = `${fresh}.old`;
    if (existsSync(out)) renameSync(out, old);
    renameSync(fresh, out);
    rmSync(old, { recursive: true, force: true });
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  writeFileSync(stamp, wanted);
  return out;
}

/**
 * @param {string} outDir
 * @param {boolean} compatible
 */
async function build(outDir, compatible) {
  // Vite takes its mode from the surroundings, and a test's would give the page React's slow development build.
  process.env['NODE_ENV'] = 'production';
  const vite = await import('vite');
  const { default: react } = await import('@vitejs/plugin-react');
  mkdirSync(outDir, { recursive: true });
  await vite.build({
    configFile: false,
    root: join(root, 'renderer'),
    mode: 'production',
    base: './',
    logLevel: 'warn',
    plugins: [react(), noEval()],
    worker: {
      format: 'es',
      plugins: () => [noEval()],
      // The first import of a module runs first, so that workers too find what their Chromium lacks.
      ...(compatible ? { rolldownOptions: { output: { banner: 'import "./polyfills.js";' } } } : {}),
    },
    build: {
      outDir,
      emptyOutDir: true,
      target: compatible ? 'chrome83' : 'es2022',
      ...(compatible ? { cssTarget: 'chrome83' } : {}),
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 8000,
    },
  });
}

/**
 * Zod tries whether it may make code at run time when the first schema is made. The page's content security policy forbids
 * that, and the try alone is a violation, so its own switch is set where it is made.
 * @returns {import('vite').Plugin}
 */
function noEval() {
  return {
    name: 'espalier-no-eval',
    transform(code, id) {
      if (!/[\\/]zod[\\/]v4[\\/]core[\\/]core\.js$/.test(id)) return undefined;
      if (!code.includes('export const globalConfig')) throw new Error(`${id} has no globalConfig any more.`);
      return { code: `${code}\nglobalConfig.jitless = true;\n`, map: null };
    },
  };
}

/** @param {string} folder */
async function addPolyfills(folder) {
  const esbuild = await import('esbuild');
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: [join('build', 'polyfills.mjs')],
    outfile: join(folder, 'assets', 'polyfills.js'),
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'chrome83',
    logLevel: 'warning',
  });
  const index = join(folder, 'index.html');
  const html = readFileSync(index, 'utf8');
  writeFileSync(index, html.replace('<head>', '<head>\n    <script src="./assets/polyfills.js"></script>'));
}

if (process.argv[1]?.endsWith('page.mjs')) {
  await runMain(async () => (await buildPage({ compatible: process.argv.includes('--compatible') }), 0));
}
