import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runTraining } from '../../../engine/trainer/run.ts';
import { smallJob } from './smallModel.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-trainer-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('trains', async () => {
  const from = performance.now();
  const result = await runTraining(smallJob(join(folder, 'run')));
  console.log(result, performance.now() - from);
  console.log(readFileSync(join(folder, 'run', 'metrics.jsonl'), 'utf8'));
  expect(result.ended).toBe('finished');
});
