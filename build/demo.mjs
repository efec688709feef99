/**
 * `npm run demo`: sets everything up, gets the starter model, trains the shipped example in the terminal, and says where
 * its files are.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureNode, root, runMain } from './setup.mjs';

const out = join('build', 'out', 'first-run');

await runMain(() => {
  ensureNode();
  const steps = [
    ['models', 'get', 'starter'],
    ['run', join('examples', 'first-steps.espalier.json'), '--out', out],
  ];
  for (const step of steps) {
    const done = spawnSync(process.execPath, [join('build', 'espalier.mjs'), ...step], { cwd: root, stdio: 'inherit' });
    if (done.status !== 0) return done.status ?? (done.signal === 'SIGINT' ? 130 : 2);
  }
  process.stdout.write(`\nThe trained adapter, its graph and its metrics are in ${join(root, out)}\n`);
  return 0;
});
