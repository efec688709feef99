/** The sample data beside a document of the examples. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../build/setup.mjs';

export function copySamples(workspace: string): void {
  for (const name of ['first-steps.csv', 'first-steps.eval.csv'])
    copyFileSync(join(root, 'examples', name), join(workspace, name));
}
