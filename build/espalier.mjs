#!/usr/bin/env node
/**
 * The command `espalier`, as it runs from a clone: installs what is missing, bundles the command line when a source has
 * changed, and calls its `main(arguments)`, which gives the exit code (0 done, 1 the user's input, 2 internal, 130 stopped).
 */
import { pathToFileURL } from 'node:url';
import { bundle } from './bundle.mjs';
import { ensureNode, runMain } from './setup.mjs';

await runMain(async () => {
  ensureNode();
  /** @type {{ main(args: readonly string[]): Promise<number> }} */
  let cli;
  try {
    cli = await import(pathToFileURL(await bundle('engine/cli/main.ts', 'cli', ['engine', 'nodes'])).href);
  } catch (error) {
    process.stderr.write(`espalier could not be built or loaded: ${error instanceof Error ? error.stack : error}\n`);
    return 2;
  }
  return cli.main(process.argv.slice(2));
});
