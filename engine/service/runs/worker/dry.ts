/** Trying before training: one batch, or eight examples that a model which can learn at all must learn by heart. */
import { UserError } from '../../../base/errors.ts';
import type { DryRun } from '../../../protocol/api/runs.ts';
import { exampleCount, type ExampleSet } from '../../../trainer/examples.ts';
import type { TrainEvent } from '../../../trainer/state.ts';
import type { ImportToolkit } from '../../../workflow/peftImport.ts';
import type { DryQuestion } from '../questions.ts';
import { openTraining, type DraftTraining } from './training.ts';

const EXAMPLES = 8;
const STEPS = 40;
/** A rate at which small modules learn a handful of examples in a few steps. */
const LEAST_RATE = 3e-3;
/** The loss falls below this share of the first one when the examples are learnt. */
const LEARNT = 0.3;
/** And below this share nothing more is to be seen. */
const CERTAIN = 0.12;

export async function dryRun(question: DryQuestion, toolkit: ImportToolkit, home: string): Promise<DryRun> {
  const { kind } = question;
  const losses: number[] = [];
  const learnt = new AbortController();
  const onEvent = (event: TrainEvent): void => {
    if (event.kind !== 'step') return;
    losses.push(event.loss);
    if (kind === 'overfit' && lastOf(losses) < CERTAIN * (losses[0] ?? 0)) learnt.abort();
  };
  let training: DraftTraining | undefined;
  try {
    training = await openTraining(question, toolkit, home);
    const { trainSet } = training.prepared;
    const all = trainSet.rows ?? Int32Array.from({ length: exampleCount(trainSet) }, (_, i) => i);
    const from = performance.now();
    if (kind === 'batch') {
      await training.train({ maxSteps: 1, epochs: 1 }, all, onEvent);
      const seconds = (performance.now() - from) / 1000;
      const loss = losses[0] ?? NaN;
      const words = `One step of ${Math.min(training.settings.batchSize * training.settings.accumulation, all.length)} examples works: loss ${loss.toFixed(4)}, ${seconds.toFixed(1)} s with preparation.`;
      return { kind, ok: losses.length === 1 && Number.isFinite(loss), losses, words };
    }
    const few = fewOf(trainSet, all);
    const rate = Math.max(LEAST_RATE, training.settings.learningRate);
    const change = { maxSteps: STEPS, epochs: STEPS, batchSize: few.length, accumulation: 1, learningRate: rate };
    await training.train(
      { ...change, schedule: 'constant', warmup: { kind: 'steps', steps: 0 } },
      few,
      onEvent,
      learnt.signal,
    );
    return overfit(losses, few.length);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const words = error.diagnostics.map((d) => `${d.message} ${d.fix}`).join(' ');
    return { kind, ok: false, losses, words };
  } finally {
    training?.close();
  }
}

/** Some of each class: examples of one class would be learnt by the head's bias alone. */
function fewOf({ targets }: ExampleSet, all: Int32Array): Int32Array {
  if (targets.kind !== 'classification') return all.slice(0, EXAMPLES);
  const { classes, labels } = targets;
  const most = Math.max(1, Math.ceil(EXAMPLES / Math.min(labels.length, EXAMPLES)));
  const taken = new Map<number, number>();
  const few: number[] = [];
  for (const example of all) {
    const label = classes[example] as number;
    const count = taken.get(label) ?? 0;
    if (few.length < EXAMPLES && label >= 0 && count < most) {
      taken.set(label, count + 1);
      few.push(example);
    }
  }
  return Int32Array.from(few);
}

/** Dropout lets single steps jump; the mean of the last five is what was learnt. */
function lastOf(losses: readonly number[]): number {
  const tail = losses.slice(-5);
  return tail.reduce((n, x) => n + x, 0) / Math.max(1, tail.length);
}

function overfit(losses: readonly number[], examples: number): DryRun {
  const first = losses[0] ?? NaN;
  const last = lastOf(losses);
  const ok = last < LEARNT * first;
  const fell = `In ${losses.length} steps the loss on ${examples} examples went from ${first.toFixed(4)} to ${last.toFixed(4)}`;
  const words = ok
    ? `${fell}: the modules can learn.`
    : `${fell}: the modules hardly learn. Raise the learning rate, give them more parameters, or look at the labels.`;
  return { kind: 'overfit', ok, losses, words };
}
