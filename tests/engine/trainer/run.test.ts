/** A whole run on the reference backend: what it writes, tells and gives back; evaluation, best model, early stopping. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../engine/base/errors.ts';
import { openSafetensors } from '../../../engine/checkpoints/safetensors.ts';
import { predict } from '../../../engine/trainer/evaluate.ts';
import { declaredInputs } from '../../../engine/trainer/feeds.ts';
import { keepResults, namesOf } from '../../../engine/trainer/programs.ts';
import { readParameters, runTraining } from '../../../engine/trainer/run.ts';
import type { TrainEvent } from '../../../engine/trainer/state.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { referenceBackend, smallData, smallJob, smallModel, smallWeights } from './smallModel.ts';

const folder = temporaryFolder();
const run = (): string => join(folder(), 'run');

interface Line {
  readonly event: string;
  readonly step: number;
  readonly loss: number;
  readonly metrics?: { readonly accuracy: number };
  readonly best?: boolean;
}
const linesOf = (path: string): Line[] =>
  readFileSync(join(path, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

describe('a run', () => {
  it('learns, and leaves metrics, initial values, a checkpoint and the adapter', async () => {
    const events: TrainEvent[] = [];
    const job = smallJob(run(), { epochs: 12, learningRate: 0.05 }, undefined, {
      metadata: new Map([['task', 'small']]),
    });
    const result = await runTraining(job, { onEvent: (e) => events.push(e) });
    expect(result).toMatchObject({ ended: 'finished', steps: 60, trainableParameters: 45, warnings: [] });
    expect(result.examplesPerSecond).toBeGreaterThan(0);
    expect(result.peakRssBytes).toBeGreaterThan(1e7);

    const lines = linesOf(run());
    const steps = lines.filter((l) => l.event === 'step');
    expect(steps.map((l) => l.step)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    const mean = (part: readonly Line[]): number => part.reduce((n, l) => n + l.loss, 0) / part.length;
    expect(mean(steps.slice(-10))).toBeLessThan(mean(steps.slice(0, 10)) - 0.1);
    expect(lines.filter((l) => l.event === 'evaluation').map((l) => l.step)).toEqual(
      Array.from({ length: 12 }, (_, i) => 5 * (i + 1)),
    );

    const adapter = openSafetensors(result.adapterFile!);
    expect([...adapter.tensors.keys()].sort()).toEqual(['head/bias', 'head/weight', 'lora/A', 'lora/B']);
    expect(adapter.metadata.get('task')).toBe('small');
    expect(existsSync(join(run(), 'initial.safetensors'))).toBe(true);
    expect(existsSync(join(run(), 'checkpoints', 'step-60', 'COMMIT'))).toBe(true);

    const kinds = events.flatMap((e) => (e.kind === 'state' ? [e.state.kind] : []));
    expect(kinds[0]).toBe('preparing');
    expect(kinds.at(-1)).toBe('done');
    expect(new Set(kinds)).toEqual(new Set(['preparing', 'training', 'evaluating', 'done']));
    const last = events.filter((e) => e.kind === 'step').at(-1);
    expect(last).toMatchObject({ step: 60, steps: 60, epoch: 12, secondsLeft: 0 });
  });

  it('keeps the best parameters or the last ones, and says which evaluation they had', async () => {
    const settings = {
      epochs: 6,
      seed: 3,
      learningRate: 0.1,
      schedule: 'constant',
      warmup: { kind: 'steps', steps: 0 },
    } as const;
    const best = await runTraining(smallJob(run(), settings));
    const evaluations = linesOf(run()).filter((l) => l.event === 'evaluation');
    const accuracies = evaluations.map((l) => l.metrics!.accuracy);
    const at = accuracies.indexOf(Math.max(...accuracies));
    expect(at).toBeLessThan(accuracies.length - 1);
    expect(best.best!.step).toBe(evaluations[at]!.step);
    expect(best.evaluation).toEqual(best.best);
    expect(best.last!.step).toBe(30);
    expect(evaluations.filter((l) => l.best).length).toBeGreaterThanOrEqual(1);

    // The kept parameters are those of a run that ended at the best evaluation.
    const shorter = join(folder(), 'shorter');
    await runTraining(smallJob(shorter, { ...settings, maxSteps: best.best!.step }));
    const kept = readParameters(best.adapterFile!);
    for (const [name, t] of readParameters(join(shorter, 'final.safetensors'))) expect(kept.get(name)).toEqual(t);

    const last = await runTraining(smallJob(join(folder(), 'last'), { ...settings, keep: 'last' }));
    expect(last.evaluation).toEqual(last.last);
    expect(readParameters(last.adapterFile!)).toEqual(readParameters(join(run(), 'final.safetensors')));
  });

  it('stops early when evaluations no longer improve', async () => {
    const settings = { epochs: 30, learningRate: 1e-9, earlyStopping: { patience: 2, minDelta: 0 } };
    const result = await runTraining(smallJob(run(), settings));
    expect(result).toMatchObject({ ended: 'early-stopping', steps: 15 });
    expect(result.best!.step).toBe(5);
    const again = await runTraining(smallJob(run(), settings, undefined, { resume: true }));
    expect(again).toMatchObject({ ended: 'early-stopping', steps: 15 });
    expect(linesOf(run())).toHaveLength(18);
  });

  it('begins with given parameters', async () => {
    const first = await runTraining(smallJob(run(), { epochs: 1 }));
    const startFrom = readParameters(first.adapterFile!);
    const second = join(folder(), 'second');
    await runTraining(smallJob(second, { epochs: 1 }, undefined, { startFrom }));
    expect(readParameters(join(second, 'initial.safetensors'))).toEqual(startFrom);
  });
});

describe('what no run can begin with', () => {
  const refused = async (job: Parameters<typeof runTraining>[0]): Promise<UserError> => {
    const error: unknown = await runTraining(job).then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(UserError);
    return error as UserError;
  };

  it('names every wrong setting, and makes no folder', async () => {
    const error = await refused(smallJob(run(), { learningRate: -1, epochs: 0.5, betas: [0.9, 1], clip: NaN }));
    expect(error.diagnostics.map((d) => d.where.param)).toEqual(['epochs', 'learningRate', 'betas', 'clip']);
    expect(existsSync(run())).toBe(false);
  });

  it('refuses data without examples', async () => {
    const empty = { ...smallData(4), rows: new Int32Array(0) };
    expect((await refused(smallJob(run(), {}, undefined, { trainSet: empty }))).message).toContain(
      'no example to train',
    );
    const error = await refused(smallJob(run(), {}, undefined, { evaluationSet: empty }));
    expect(error.message).toContain('no example to evaluate');
    expect(existsSync(run())).toBe(false);
  });

  it('refuses a folder that holds another run, and leaves it alone', async () => {
    await runTraining(smallJob(run(), { epochs: 1 }));
    const before = readFileSync(join(run(), 'metrics.jsonl'), 'utf8');
    expect((await refused(smallJob(run(), { epochs: 1, seed: 9 }))).diagnostics[0]!.code).toBe('run-exists');
    expect(readFileSync(join(run(), 'metrics.jsonl'), 'utf8')).toBe(before);
  });

  it('refuses parameters of another size or name, or that are no finite numbers', async () => {
    const tensor = (shape: readonly number[], value: number) => ({
      dtype: 'f32' as const,
      shape,
      data: new Float32Array(shape.reduce((n, d) => n * d, 1)).fill(value),
    });
    const start = (name: string, shape: readonly number[], value = 0) =>
      refused(smallJob(run(), {}, undefined, { resume: true, startFrom: new Map([[name, tensor(shape, value)]]) }));
    expect((await start('lora/C', [2])).diagnostics[0]!.code).toBe('train-no-parameter');
    expect((await start('lora/A', [4, 6])).diagnostics[0]!.code).toBe('train-start-shape');
    expect((await start('lora/A', [2, 6], NaN)).diagnostics[0]!.code).toBe('train-initial-non-finite');
  });
});

describe('prediction', () => {
  it('needs no labels, and answers in the order of the examples', async () => {
    const model = smallModel();
    const { adapterFile } = await runTraining(smallJob(run(), { epochs: 12, learningRate: 0.05 }, model));
    const program = keepResults(model.evaluate, (name) => name.startsWith('output/'));
    expect([...namesOf(program, 'input')].sort()).toEqual(['batch/ids', 'batch/lengths']);
    const set = smallData(20, 'evaluation');
    const context = {
      model: {
        executable: await referenceBackend(smallWeights()).compile(program),
        inputs: declaredInputs(program),
        trainables: namesOf(program, 'trainable'),
      },
      output: 'output/logits',
      set: { ...set, targets: { kind: 'none' } as const },
      batchSize: 7,
      microBatchTokens: 20,
      firstPosition: 0,
      extra: undefined,
    };
    const predictions = await predict(context, readParameters(adapterFile!), 'classification');
    const classes = set.targets.kind === 'classification' ? set.targets.classes : new Int32Array();
    const right = predictions.filter((p, i) => p.kind === 'classification' && p.label === classes[i]).length;
    const best = linesOf(run()).flatMap((l) => (l.metrics ? [l.metrics.accuracy] : []));
    expect(right / 20).toBe(Math.max(...best));
    for (const p of predictions) {
      if (p.kind !== 'classification') throw new Error(p.kind);
      expect(p.probabilities.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    }
    const one = await predict(
      { ...context, set: { ...context.set, rows: Int32Array.of(3) } },
      readParameters(adapterFile!),
      'classification',
    );
    expect(one).toHaveLength(1);
    expect(one[0]).toMatchObject({ label: (predictions[3] as { label: number }).label });
  });
});
