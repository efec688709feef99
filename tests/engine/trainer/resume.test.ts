/** Resume after a stop, from every step; and what can't be resumed. Kills of a real process are in kill.test.ts. */
import { appendFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../engine/base/errors.ts';
import { runTraining } from '../../../engine/trainer/run.ts';
import type { TrainSettings } from '../../../engine/trainer/settings.ts';
import type { TrainEvent } from '../../../engine/trainer/state.ts';
import { nodeFileTree } from '../../support/fileTree.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { referenceBackend, smallData, smallJob, smallModel } from './smallModel.ts';

const folder = temporaryFolder();
const run = (): string => join(folder(), 'run');
const settings: Partial<TrainSettings> = {
  epochs: 2,
  batchSize: 4,
  accumulation: 2,
  evaluate: { kind: 'steps', steps: 3 },
  checkpoint: { kind: 'steps', steps: 4 },
};
const model = smallModel();
const job = (path: string, resume: boolean, more = {}): ReturnType<typeof smallJob> =>
  smallJob(path, settings, model, { resume, ...more });

/** Runs until an event is told, then asks to stop. */
async function stopAt(path: string, resume: boolean, at: (e: TrainEvent) => boolean): Promise<string> {
  const controller = new AbortController();
  const result = await runTraining(job(path, resume), {
    signal: controller.signal,
    onEvent: (e) => {
      if (at(e)) controller.abort();
    },
  });
  return result.ended;
}

describe('a stopped run', () => {
  it('resumes to the same bytes from every step', async () => {
    const calm = join(folder(), 'calm');
    await runTraining(job(calm, false));
    const expected = nodeFileTree(calm);
    for (let n = 1; n <= 9; n++) {
      expect(await stopAt(run(), n > 1, (e) => e.kind === 'step' && e.step === n)).toBe('stopped');
      expect(readdirSync(join(run(), 'checkpoints'))).toEqual([`step-${n}`]);
    }
    const result = await runTraining(job(run(), true));
    expect(result).toMatchObject({ ended: 'finished', steps: 10 });
    expect(nodeFileTree(run())).toEqual(expected);
    // A run that has ended ends again at once, with the same files and figures.
    const again = await runTraining(job(run(), true));
    expect(again.evaluation).toEqual(result.evaluation);
    expect(nodeFileTree(run())).toEqual(expected);
  });

  it('makes the evaluation that it was stopped in', async () => {
    const calm = join(folder(), 'calm');
    await runTraining(job(calm, false));
    const evaluating = (e: TrainEvent): boolean => e.kind === 'state' && e.state.kind === 'evaluating';
    expect(await stopAt(run(), false, evaluating)).toBe('stopped');
    expect(readFileSync(join(run(), 'metrics.jsonl'), 'utf8')).not.toContain('evaluation');
    expect(readdirSync(join(run(), 'checkpoints'))).toEqual(['step-3']);
    await runTraining(job(run(), true));
    expect(nodeFileTree(run())).toEqual(nodeFileTree(calm));
  });

  it('begins anew where there was no checkpoint yet, and drops lines that are later than the checkpoint', async () => {
    const calm = join(folder(), 'calm');
    await runTraining(job(calm, false));
    await runTraining(job(run(), true));
    expect(nodeFileTree(run())).toEqual(nodeFileTree(calm));
    const half = join(folder(), 'half');
    await stopAt(half, false, (e) => e.kind === 'step' && e.step === 5);
    appendFileSync(join(half, 'metrics.jsonl'), '{"event":"step","step":6}\n{"event":"st');
    await runTraining(job(half, true));
    expect(nodeFileTree(half)).toEqual(nodeFileTree(calm));
  });

  it('tells when its metrics file has lost lines, and goes on', async () => {
    await stopAt(run(), false, (e) => e.kind === 'step' && e.step === 5);
    truncateSync(join(run(), 'metrics.jsonl'), 10);
    writeFileSync(join(run(), 'metrics.jsonl'), '');
    const result = await runTraining(job(run(), true));
    expect(result.warnings.map((w) => w.code)).toEqual(['metrics-shortened']);
    expect(result.ended).toBe('finished');
  });
});

describe('a run can’t be resumed as another one', () => {
  it.each([
    ['setting "learningRate"', { settings: { ...smallJob('', settings).settings, learningRate: 0.5 } }],
    ['device', { backend: { ...referenceBackend(), identity: 'another device' } }],
    ['training data', { trainSet: smallData(44) }],
    ['backbone', { weightsKey: 'other weights' }],
    ['model', { programs: { train: smallModel({ dropout: 0.5 }).train, evaluate: model.evaluate } }],
  ])('with another %s', async (what, more) => {
    await stopAt(run(), false, (e) => e.kind === 'step' && e.step === 3);
    const before = nodeFileTree(run());
    const error: unknown = await runTraining(job(run(), true, more)).then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).diagnostics[0]).toMatchObject({ code: 'resume-differs' });
    expect((error as UserError).message).toContain(`another ${what}:`);
    expect(nodeFileTree(run())).toEqual(before);
  });

  it('but with another interval of checkpoints it can', async () => {
    await stopAt(run(), false, (e) => e.kind === 'step' && e.step === 3);
    const other = { ...smallJob('', settings).settings, checkpoint: { kind: 'steps', steps: 1 } as const };
    const result = await runTraining(job(run(), true, { settings: other }));
    expect(result.ended).toBe('finished');
  });
});
