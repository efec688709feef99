/** 200 kills of training processes, a quarter inside checkpoint writes, on the reference and on ONNX Runtime. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeFileTree } from '../support/fileTree.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { bundleChild, trainUndisturbed, trainWithKills } from '../engine/trainer/killHarness.ts';

const RUNS = 5;
const KILLS = 20;

const folder = temporaryFolder();
let bundle = '';
beforeAll(async () => {
  bundle = await bundleChild();
});
afterAll(() => {
  rmSync(bundle, { force: true });
});

describe.each(['reference', 'onnx'] as const)('on %s', (backend) => {
  it(`${RUNS} runs with ${KILLS} kills each equal the undisturbed one, byte by byte`, async () => {
    const request = { backend, workFolder: folder() };
    const calm = join(folder(), 'calm');
    await trainUndisturbed(bundle, { ...request, folder: calm });
    const expected = nodeFileTree(calm);
    for (let run = 0; run < RUNS; run++) {
      const killed = join(folder(), `killed-${run}`);
      const lines = 225;
      const result = await trainWithKills({
        bundle,
        request: { ...request, folder: killed },
        kills: KILLS,
        insideWrites: KILLS / 4,
        lines,
      });
      expect(result.kills).toBeGreaterThanOrEqual(KILLS);
      expect(result.insideWrites).toBeGreaterThanOrEqual(KILLS / 4);
      expect(nodeFileTree(killed)).toEqual(expected);
    }
  });
});
