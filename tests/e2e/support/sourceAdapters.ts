/** Three trained adapters and a document without any, made with the command line as a person's earlier work. */
import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../../build/setup.mjs';
import type { Surroundings } from '../harness/service.ts';

export const SOURCES = ['tone', 'topic', 'urgency'] as const;
export const TARGET = 'target.espalier.json';

function espalier({ workspace, home }: Pick<Surroundings, 'workspace' | 'home'>, args: readonly string[]): void {
  const done = spawnSync(process.execPath, [join(root, 'build', 'espalier.mjs'), ...args], {
    cwd: workspace,
    encoding: 'utf8',
    env: { ...process.env, ESPALIER_HOME: home },
  });
  if (done.status !== 0) throw new Error(`espalier ${args.join(' ')}:\n${done.stdout}\n${done.stderr}`);
}

/** Where the adapter of each source lies, by its name. */
export function trainSources(surroundings: Surroundings): ReadonlyMap<string, string> {
  const { workspace, folder } = surroundings;
  const make = (name: string, method: string, file: string, more: readonly string[]): void => {
    const data = ['--data', file, '--text-column', 'text', '--label-column', 'label', '--task', 'classification'];
    espalier(surroundings, ['new', '--backbone', 'starter', '--method', method, ...data, ...more, '-o', name]);
  };
  const adapters = new Map<string, string>();
  for (const source of SOURCES) {
    copyFileSync(join(root, 'examples', `source-${source}.csv`), join(workspace, `${source}.csv`));
    make(`${source}.espalier.json`, 'pfeiffer', `${source}.csv`, ['--param', 'size=8', '--max-length', '32']);
    const out = join(folder, 'trained', source);
    espalier(surroundings, ['run', `${source}.espalier.json`, '--out', out, '--set', 'train.maxSteps=6']);
    // A person names the file that they keep after what it learnt.
    adapters.set(source, join(folder, `${source}.safetensors`));
    copyFileSync(join(out, 'adapter.safetensors'), join(folder, `${source}.safetensors`));
  }
  for (const file of ['first-steps.csv', 'first-steps.eval.csv'])
    copyFileSync(join(root, 'examples', file), join(workspace, file));
  const short = ['--eval', 'first-steps.eval.csv', '--epochs', '1', '--lr', '0.02', '--max-length', '32'];
  make(TARGET, 'head', 'first-steps.csv', short);
  return adapters;
}
