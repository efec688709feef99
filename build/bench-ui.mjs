/** `npm run bench:ui`: the figures of the editor, in real Chromium against the real service, as a table and as JSON. */
import { join } from 'node:path';
import { ensureChromium } from './browsers.mjs';
import { runNode } from './checks.mjs';
import { ensureNode, runMain } from './setup.mjs';

await runMain(async () => {
  ensureNode();
  ensureChromium();
  const vitest = join('node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--reporter=dot', ...process.argv.slice(2)];
  return runNode(args, { ...process.env, ESPALIER_SUITE: 'bench-ui' });
});
