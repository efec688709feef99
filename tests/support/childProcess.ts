/** TypeScript of the tests that runs in a process of its own: Node 20 does not read it, so it is bundled first. */
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Bundles a file into `.cache`, where its packages are found, and gives the bundle's path. */
export async function bundleForNode(entry: URL): Promise<string> {
  const path = fileURLToPath(entry);
  const outfile = join(root, '.cache', `${basename(path, '.ts')}-${process.pid}.mjs`);
  await build({
    entryPoints: [path],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
  });
  return outfile;
}
