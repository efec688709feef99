/**
 * Builds the page with Vite into build/out/page, when a source is newer than the last build. `compatible` makes the build
 * for the old Chromium of the shell's tests (build/out/page-compatible), which never reaches a product.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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
  const wanted = fingerprint(root, ['renderer', 'engine/protocol', 'engine/base']);
  if (existsSync(join(out, 'index.html')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return out;
  const { build } = await import('vite');
  const { default: react } = await import('@vitejs/plugin-react');
  await build({
    configFile: false,
    root: join(root, 'renderer'),
    base: './',
    logLevel: 'warn',
    plugins: [react()],
    worker: { format: 'es' },
    build: {
      outDir: out,
      emptyOutDir: true,
      target: compatible ? 'chrome83' : 'es2022',
      ...(compatible ? { cssTarget: 'chrome83' } : {}),
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 8000,
    },
  });
  mkdirSync(join(root, 'build', 'out'), { recursive: true });
  writeFileSync(stamp, wanted);
  return out;
}

if (process.argv[1]?.endsWith('page.mjs'))
  await runMain(async () => (await buildPage({ compatible: process.argv.includes('--compatible') }), 0));
