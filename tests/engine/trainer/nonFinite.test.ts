/** NaN and infinity: found at the very step, before the optimizer; nothing that is kept is spoilt. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../engine/base/errors.ts';
import { testRandom } from '../../support/arrays.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import type { HostTensor } from '../../../engine/backends/executable.ts';
import { nodeFileTree } from '../../support/fileTree.ts';
import type { TrainerBackend } from '../../../engine/trainer/backend.ts';
import type { TrainJob } from '../../../engine/trainer/job.ts';
import { runTraining } from '../../../engine/trainer/run.ts';
import type { TrainEvent } from '../../../engine/trainer/state.ts';
import { referenceBackend, smallData, smallJob, smallTable, smallWeights } from './smallModel.ts';

const folder = temporaryFolder();
const run = (): string => join(folder(), 'run');
const lines = (): string => readFileSync(join(run(), 'metrics.jsonl'), 'utf8');

async function failure(job: TrainJob, events: TrainEvent[] = []): Promise<UserError> {
  const error: unknown = await runTraining(job, { onEvent: (e) => events.push(e) }).then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(UserError);
  return error as UserError;
}

/** A backend whose model gives a wrong number in one result at one call. */
function poisoned(result: string, call: number, value: number): TrainerBackend {
  const backend = referenceBackend();
  return {
    identity: backend.identity,
    compile: async (program) => {
      const executable = await backend.compile(program);
      let calls = 0;
      return {
        ...executable,
        run: async (feeds, into) => {
          const results = await executable.run(feeds, into);
          const poison = results.get(result);
          if (poison && calls++ === call) poison.data[poison.data.length - 1] = value;
          return results;
        },
      };
    },
  };
}

describe('a loss that is no number', () => {
  it('stops before the step, names the row, and leaves the newest checkpoint', async () => {
    // Word 23 of the frozen table is broken; one example has it.
    const table = smallTable();
    table.fill(NaN, 23 * 6);
    const weights = new Map<string, HostTensor>([
      ['backbone:table', { ...smallWeights().get('backbone:table')!, data: table }],
    ]);
    const { ids, offsets } = smallData(40).encoded;
    const clean = ids.map((id) => (id === 23 ? 22 : id));
    clean[offsets[17] as number] = 23;
    const trainSet = { ...smallData(40), encoded: { ...smallData(40).encoded, ids: clean } };
    const settings = {
      epochs: 1,
      checkpoint: { kind: 'steps', steps: 1 },
      evaluate: { kind: 'never' },
      seed: 4,
    } as const;
    const events: TrainEvent[] = [];
    const error = await failure(
      smallJob(run(), settings, undefined, { trainSet, backend: referenceBackend(weights) }),
      events,
    );

    const [diagnostic] = error.diagnostics;
    expect(diagnostic).toMatchObject({ code: 'train-non-finite', found: 'NaN from rows 18' });
    const made = lines().trim().split('\n').length;
    expect(made).toBeGreaterThan(0);
    expect(diagnostic!.message).toContain(`step ${made + 1} `);
    expect(diagnostic!.message).toContain(`the checkpoint of step ${made}`);
    expect(diagnostic!.message).toContain('"lora/A"');
    expect(diagnostic!.fix).toContain('learning rate');
    expect(readdirSync(join(run(), 'checkpoints'))).toEqual([`step-${made}`]);
    expect(events.at(-1)).toMatchObject({ kind: 'state', state: { kind: 'failed', step: made } });

    // The same run again comes to the same end and changes nothing.
    const before = nodeFileTree(run());
    await failure(smallJob(run(), settings, undefined, { trainSet, backend: referenceBackend(weights), resume: true }));
    expect(nodeFileTree(run())).toEqual(before);
  });
});

describe('a gradient that is no number', () => {
  const random = testRandom('non-finite');
  const names = ['lora/A', 'lora/B', 'head/weight', 'head/bias'];
  it.each(
    Array.from({ length: 10 }, () => ({
      parameter: names[random.below(4)] as string,
      call: random.below(8),
      value: [NaN, Infinity, -Infinity][random.below(3)] as number,
    })),
  )('$value in $parameter at part $call is found at its step', async ({ parameter, call, value }) => {
    const backend = poisoned(`grad/${parameter}`, call, value);
    const settings = { epochs: 1, batchSize: 5, accumulation: 2, checkpoint: { kind: 'steps', steps: 1 } } as const;
    const error = await failure(smallJob(run(), settings, undefined, { backend }));
    const steps = Math.floor(call / 2);
    expect(error.message).toContain(`The gradient of step ${steps + 1} `);
    expect(lines().split('\n').length - 1).toBe(steps);
    const kept = steps === 0 ? [] : readdirSync(join(run(), 'checkpoints'));
    expect(kept).toEqual(steps === 0 ? [] : [`step-${steps}`]);
  });
});

describe('an update that is no number', () => {
  it('is not made', async () => {
    const settings = { learningRate: 3e38, weightDecay: 10, warmup: { kind: 'steps', steps: 0 } } as const;
    const error = await failure(smallJob(run(), settings));
    expect(error.message).toContain('The updated parameters of step 1');
    expect(error.message).toContain('No step before it was kept.');
    expect(lines()).toBe('');
  });
});

describe('an evaluation that gives no number', () => {
  it('names the row', async () => {
    const table = smallTable();
    table.fill(NaN, 23 * 6);
    const weights = new Map<string, HostTensor>([
      ['backbone:table', { ...smallWeights().get('backbone:table')!, data: table }],
    ]);
    const without = (name: string, rows: number) => {
      const set = smallData(rows, name);
      return { ...set, encoded: { ...set.encoded, ids: set.encoded.ids.map((id) => (id === 23 ? 22 : id)) } };
    };
    const evaluationSet = without('evaluation', 20);
    evaluationSet.encoded.ids[evaluationSet.encoded.offsets[6] as number] = 23;
    const more = { trainSet: without('train', 40), evaluationSet, backend: referenceBackend(weights) };
    const error = await failure(smallJob(run(), { epochs: 1 }, undefined, more));
    expect(error.diagnostics[0]).toMatchObject({ code: 'evaluation-non-finite', found: 'NaN for row 7' });
  });
});
