/**
 * How long a run would take: a few steps of it are made and timed, and ONNX Runtime's own profile tells which nodes take
 * the time. Batches differ in length, so times are scaled by the tokens of all batches of an epoch.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withoutLayer } from '../../../compile/report.ts';
import { must } from '../../../base/errors.ts';
import type { Estimate } from '../../../protocol/api/runs.ts';
import type { StepInstance } from '../../../protocol/steps.ts';
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
import type { DoneSteps } from './steps.ts';
import { draftSteps, lastTraining, openTraining, type DraftTraining } from './training.ts';

/** The first step pays for memory that later ones find allocated, so it is made and not timed. */
const WARM_UP = 1;
const TIMED = 3;
const SHOWN = 40;

export async function estimate(place: DraftPlace, toolkit: ImportToolkit, home: string): Promise<Estimate> {
  const steps = await draftSteps(place, toolkit, home);
  const last = lastTraining(steps);
  // Steps that an earlier run has done take no time; copies that train one model are measured once.
  const todo = steps.instances.filter(
    (i) => i.step.type === 'train' && i !== last && steps.folderOf(i.id) === undefined,
  );
  const speeds = new Map<string, Speed>();
  let seconds = 0;
  let count = 0;
  let measured: Measured | undefined;
  for (const step of [...todo, last]) {
    measured = await measure(place, toolkit, home, { steps, step, speeds });
    seconds += measured.seconds;
    count += measured.steps;
  }
  const { stepSeconds, shares } = must(measured, 'a training step was measured');
  return { stepSeconds, steps: count, seconds, shares };
}

/** Seconds of training and of evaluation for one token. */
interface Speed {
  readonly training: number;
  readonly evaluation: number;
  readonly shares: Estimate['shares'];
}

interface Measured {
  readonly stepSeconds: number;
  readonly steps: number;
  readonly seconds: number;
  readonly shares: Estimate['shares'];
}

interface Subject {
  readonly steps: DoneSteps;
  readonly step: StepInstance;
  /** By the model, of what was measured before. */
  readonly speeds: Map<string, Speed>;
}

async function measure(
  place: DraftPlace,
  toolkit: ImportToolkit,
  home: string,
  { steps, step, speeds }: Subject,
): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-profile-'));
  const wanted = { steps, step, untrained: true, profilePrefix: join(folder, 'profile') };
  try {
    const training = await openTraining(place, toolkit, home, wanted);
    try {
      const { settings, prepared } = training;
      const { trainSet, evaluationSet } = prepared;
      const plan = planRun(settings, exampleCount(trainSet));
      const model = steps.model(step, true)?.model ?? '';
      const known = speeds.get(model);
      const perToken = known?.training ?? (await timeSteps(training));
      // Read before the evaluation, whose nodes must not be counted.
      const byNode = known?.shares ?? shares(folder);
      const before = known?.evaluation ?? 0;
      const evaluation = before > 0 || !evaluationSet ? before : await timeEvaluation(training, evaluationSet);
      speeds.set(model, { training: perToken, evaluation, shares: byNode });
      const stepSeconds = (perToken * allTokens(trainSet)) / plan.stepsPerEpoch;
      const all = Array.from({ length: plan.steps }, (_, i) => i + 1);
      const evaluations = all.filter((s) => isDue(settings.evaluate, s, plan)).length;
      const evaluated = evaluationSet ? evaluations * evaluation * allTokens(evaluationSet) : 0;
      return { stepSeconds, steps: plan.steps, seconds: plan.steps * stepSeconds + evaluated, shares: byNode };
    } finally {
      training.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const allTokens = (set: ExampleSet): number => exampleLengths(set).reduce((a, b) => a + b, 0);

const tokensOf = (set: ExampleSet, examples: Iterable<number>): number => {
  const { offsets } = set.encoded;
  let tokens = 0;
  for (const e of examples) tokens += (offsets[e + 1] as number) - (offsets[e] as number);
  return tokens;
};

/** Seconds of training for one token. */
async function timeSteps({ train, prepared, settings }: DraftTraining): Promise<number> {
  const { trainSet } = prepared;
  const all = trainSet.rows ?? Int32Array.from({ length: exampleCount(trainSet) }, (_, i) => i);
  const times: number[] = [];
  let last = performance.now();
  await train({ maxSteps: WARM_UP + TIMED, epochs: Math.max(settings.epochs, 1) }, all, (event) => {
    if (event.kind === 'state' && event.state.kind === 'training') last = performance.now();
    if (event.kind === 'step') times.push((performance.now() - last) / 1000);
  });
  // A run of one step has nothing else to be timed by.
  const first = times.length > WARM_UP ? WARM_UP : 0;
  const { batchSize, seed, order, accumulation } = settings;
  const perEpoch = Math.ceil(planBatches(trainSet, { batchSize, seed, order, epoch: 0 }).length / accumulation);
  let [seconds, tokens] = [0, 0];
  for (let step = first; step < times.length; step++) {
    const batches = planBatches(trainSet, { batchSize, seed, order, epoch: Math.floor(step / perEpoch) });
    const at = (step % perEpoch) * accumulation;
    seconds += times[step] as number;
    tokens += batches.slice(at, at + accumulation).reduce((n, b) => n + tokensOf(trainSet, b), 0);
  }
  return seconds / Math.max(1, tokens);
}

/** Seconds of evaluation for one token, from the largest batch. */
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
    return seconds / Math.max(1, tokensOf(set, rows));
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
