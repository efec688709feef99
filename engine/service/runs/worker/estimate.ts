/**
 * How long a run would take: a few steps of it are made and timed, and ONNX Runtime's own profile tells which nodes take
 * the time. Batches differ in length, so times are scaled by the tokens of all batches of an epoch.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withoutLayer } from '../../../compile/report.ts';
import type { Estimate } from '../../../protocol/api/runs.ts';
import { evaluateModel } from '../../../trainer/evaluate.ts';
import {
  exampleCount,
  exampleLengths,
  planBatches,
  sortedBatches,
  type ExampleSet,
} from '../../../trainer/examples.ts';
import { initialValues } from '../../../trainer/initialValues.ts';
import { compileRunnable } from '../../../trainer/runnable.ts';
import { isDue, planRun } from '../../../trainer/settings.ts';
import type { ImportToolkit } from '../../../workflow/peftImport.ts';
import { evaluationProgram } from '../../../workflow/programs.ts';
import type { DraftPlace } from '../questions.ts';
import { openTraining, type DraftTraining } from './training.ts';

/** The first step pays for memory that later ones find allocated, so it is made and not timed. */
const WARM_UP = 1;
const TIMED = 3;
const SHOWN = 40;

export async function estimate(place: DraftPlace, toolkit: ImportToolkit, home: string): Promise<Estimate> {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-profile-'));
  try {
    const training = await openTraining(place, toolkit, home, join(folder, 'profile'));
    try {
      const { settings, prepared } = training;
      const { trainSet, evaluationSet } = prepared;
      const plan = planRun(settings, exampleCount(trainSet));
      const stepSeconds = await timeSteps(training);
      // Read before the evaluation, whose nodes must not be counted.
      const byNode = shares(folder);
      const evaluations = evaluationSet
        ? Array.from({ length: plan.steps }, (_, i) => i + 1).filter((step) => isDue(settings.evaluate, step, plan))
            .length
        : 0;
      const evaluation = evaluationSet && evaluations > 0 ? await timeEvaluation(training, evaluationSet) : 0;
      const seconds = plan.steps * stepSeconds + evaluations * evaluation;
      return { stepSeconds, steps: plan.steps, seconds, shares: byNode };
    } finally {
      training.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const tokensOf = (set: ExampleSet, examples: Iterable<number>): number => {
  const { offsets } = set.encoded;
  let tokens = 0;
  for (const e of examples) tokens += (offsets[e + 1] as number) - (offsets[e] as number);
  return tokens;
};

/** Seconds of a mean step. */
async function timeSteps({ train, prepared, settings }: DraftTraining): Promise<number> {
  const { trainSet } = prepared;
  const all = trainSet.rows ?? Int32Array.from({ length: exampleCount(trainSet) }, (_, i) => i);
  const times: number[] = [];
  let last = performance.now();
  await train({ maxSteps: WARM_UP + TIMED, epochs: Math.max(settings.epochs, 1) }, all, (event) => {
    if (event.kind === 'state' && event.state.kind === 'training') last = performance.now();
    if (event.kind === 'step') times.push((performance.now() - last) / 1000);
  });
  const timed = times.length > WARM_UP ? times.slice(WARM_UP) : times;
  const { batchSize, seed, order, accumulation } = settings;
  const batches = planBatches(trainSet, { batchSize, seed, order, epoch: 0 });
  const stepTokens = (step: number): number =>
    batches.slice(step * accumulation, (step + 1) * accumulation).reduce((n, b) => n + tokensOf(trainSet, b), 0);
  const first = times.length > WARM_UP ? WARM_UP : 0;
  const made = timed.reduce((n, _t, i) => n + stepTokens((first + i) % Math.ceil(batches.length / accumulation)), 0);
  const mean = exampleLengths(trainSet).reduce((a, b) => a + b, 0) / Math.ceil(batches.length / accumulation);
  const seconds = timed.reduce((a, b) => a + b, 0);
  return made === 0 ? seconds / Math.max(1, timed.length) : (seconds / made) * mean;
}

/** Seconds of one evaluation, from its largest batch. */
async function timeEvaluation({ prepared, settings, device }: DraftTraining, set: ExampleSet): Promise<number> {
  const { evaluation, weights, firstPosition } = prepared;
  const [largest] = sortedBatches(set, settings.evaluationBatchSize);
  if (!largest) return 0;
  const model = await compileRunnable(device.backend, evaluationProgram(evaluation));
  try {
    const parameters = initialValues(evaluation.parameters, weights.reader, settings.seed);
    const rows = largest.slice().sort();
    const output = `output/${evaluation.outputs[0] ?? 'logits'}`;
    const shared = { model, output, firstPosition, microBatchTokens: undefined, extra: undefined };
    const run = (): Promise<unknown> =>
      evaluateModel({ ...shared, set: { ...set, rows }, batchSize: rows.length }, parameters, evaluation.losses);
    await run();
    const from = performance.now();
    await run();
    const seconds = (performance.now() - from) / 1000;
    const all = exampleLengths(set).reduce((a, b) => a + b, 0);
    return (seconds * all) / Math.max(1, tokensOf(set, rows));
  } finally {
    await model.executable.dispose();
  }
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
}

/** Shares of the time by node of the graph, forward and backward together, layers together. */
function shares(folder: string): Estimate['shares'] {
  const times = new Map<string, number>();
  for (const file of readdirSync(folder)) {
    const events = JSON.parse(readFileSync(join(folder, file), 'utf8')) as readonly ProfileEvent[];
    for (const e of events) {
      if (e.cat !== 'Node' || !e.name.endsWith('_kernel_time')) continue;
      const node = nodeOf(e.name);
      times.set(node, (times.get(node) ?? 0) + e.dur);
    }
  }
  const total = [...times.values()].reduce((a, b) => a + b, 0);
  return [...times]
    .map(([node, time]) => ({ node, share: time / Math.max(1, total) }))
    .sort((a, b) => b.share - a.share)
    .slice(0, SHOWN);
}

// Written `layers/3/query/backward/Gemm#17_kernel_time`; what has no path is the optimizer.
function nodeOf(name: string): string {
  const path = name
    .split('/')
    .slice(0, -1)
    .filter((part) => part !== 'backward')
    .join('/');
  return path === '' ? 'optimizer' : withoutLayer(path);
}
