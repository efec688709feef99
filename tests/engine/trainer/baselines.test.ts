/** Figures to compare with: what a constant answer and the untrained model get, and that asking changes nothing. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { majorityFigures } from '../../../engine/trainer/baselines.ts';
import { runTraining } from '../../../engine/trainer/run.ts';
import type { TrainEvent } from '../../../engine/trainer/state.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { smallData, smallJob } from './smallModel.ts';

const folder = temporaryFolder();

it('tells them before the first step, and every byte of the run stays the same', async () => {
  const filesOf = async (name: string, baselines: boolean): Promise<{ files: unknown; told: TrainEvent[] }> => {
    const told: TrainEvent[] = [];
    const at = join(folder(), name);
    await runTraining(smallJob(at, { epochs: 2 }, undefined, { baselines }), { onEvent: (e) => told.push(e) });
    const files = readdirSync(at, { recursive: true, encoding: 'utf8', withFileTypes: true })
      .filter((e) => e.isFile())
      .map((e) => [e.name, readFileSync(join(e.parentPath, e.name)).toString('base64')] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return { files, told };
  };
  const without = await filesOf('without', false);
  const with_ = await filesOf('with', true);
  expect(with_.files).toEqual(without.files);
  expect(without.told.some((e) => e.kind === 'baseline')).toBe(false);
  const at = with_.told.findIndex((e) => e.kind === 'baseline');
  expect(at).toBeGreaterThanOrEqual(0);
  expect(at).toBeLessThan(with_.told.findIndex((e) => e.kind === 'step'));
  const told = with_.told[at];
  if (told?.kind !== 'baseline') throw new Error('a baseline');
  expect(told.untrained.get('accuracy')).toBeGreaterThanOrEqual(0);
  expect(told.majority?.get('accuracy')).toBeCloseTo(told.untrained.get('majority_baseline') ?? -1, 12);
});

it('counts labels for a constant answer', () => {
  const set = smallData(30);
  const { targets } = set;
  if (targets.kind !== 'classification') throw new Error('classes');
  const counts = targets.labels.map((_, k) => targets.classes.filter((c) => c === k).length);
  expect(majorityFigures(set, undefined)?.figures.get('accuracy')).toBeCloseTo(Math.max(...counts) / 30, 12);
  const numbers = { ...set, targets: { kind: 'regression', values: new Float64Array(30) } as const };
  expect(majorityFigures(numbers, undefined)).toBeUndefined();
});
