/** Kill -9 of a real process, 20 times in one run, a quarter inside checkpoint writes; the rest is in tests/soak. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nodeFileTree } from '../../support/fileTree.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { bundleChild, trainUndisturbed, trainWithKills } from './killHarness.ts';
import { KILLED_STEPS } from './killJob.ts';

const folder = temporaryFolder();
let bundle = '';
beforeAll(async () => {
  bundle = await bundleChild();
});
afterAll(() => {
  rmSync(bundle, { force: true });
});

it('a run that was killed 20 times equals one that was not, byte by byte', async () => {
  const [calm, killed] = [join(folder(), 'calm'), join(folder(), 'killed')];
  const request = { backend: 'reference', workFolder: folder() } as const;
  const [result] = await Promise.all([
    trainWithKills({ bundle, request: { ...request, folder: killed }, kills: 20, insideWrites: 5, lines: 225 }),
    trainUndisturbed(bundle, { ...request, folder: calm }),
  ]);
  expect(result.kills).toBeGreaterThanOrEqual(20);
  expect(result.insideWrites).toBeGreaterThanOrEqual(5);
  const expected = nodeFileTree(calm);
  expect([...expected.keys()]).toContain(`checkpoints/step-${KILLED_STEPS}/COMMIT`);
  expect(nodeFileTree(killed)).toEqual(expected);
  const steps = readFileSync(join(killed, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; step: number });
  expect(steps.filter((l) => l.event === 'step').map((l) => l.step)).toEqual(
    Array.from({ length: KILLED_STEPS }, (_, i) => i + 1),
  );
}, 300_000);
