/** `npm run bench`: sets up Node and Python, bundles tests/bench/main.ts and runs it with the arguments given. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from './bundle.mjs';
import { ensureNode, ensurePython, root, runMain, SetupError } from './setup.mjs';

const entry = join('tests', 'bench', 'main.ts');

await runMain(async () => {
  if (!existsSync(join(root, entry))) throw new SetupError(`There is no benchmark: ${entry} is missing.`);
  ensureNode();
  ensurePython();
  const file = await bundle(entry, 'bench', ['engine', 'nodes', join('tests', 'bench')]);
  const done = spawnSync(process.execPath, [file, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
  return done.status ?? 2;
});
