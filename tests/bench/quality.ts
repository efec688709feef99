/**
 * Quality on real data beside transformers + peft: our command line and train_baseline.py train with the same settings, and
 * their predictions are compared by a paired bootstrap. Both report the last state of the run.
 *
 *   npm run bench -- quality --task sst2,trec6 --seeds 3 [--set layers=-2.. --set frozenDropout=off] [--set twin=on]
 *
 * With `twin=on` both sides begin with the same values, see the same batches and drop the same entries, so that a task
 * with few examples shows differences that seeds would hide.
 *
 * Results of the other side are kept in build/out/bench/quality and used again, since its settings never change; ours are
 * used again for the same commit only, so that a long comparison can be stopped and go on.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  espalier,
  median,
  OUT,
  PYTHON,
  PYTHON_SCRIPTS,
  ROOT,
  round,
  runProgram,
  say,
  table,
  withFolder,
  type Bench,
  type Figures,
  type Options,
} from './bench.ts';
import { LORA, writeDocument } from './documents.ts';
import { pairedBootstrap, rowsOf, scoreOf, type Label, type MetricName } from './scores.ts';
import { lossesOf, writeTwin } from './twin.ts';

interface Task {
  readonly task: string;
  readonly metric: MetricName;
  readonly train: string;
  /** Files that predictions are compared on, taken together. */
  readonly splits: Readonly<Record<string, string>>;
  readonly text?: readonly string[];
  readonly label?: string;
}

const masakhaner = (language: string): Task => ({
  task: 'tokens',
  metric: 'entity_f1',
  train: `masakhaner2/${language}/train.txt`,
  splits: { dev: `masakhaner2/${language}/dev.txt`, test: `masakhaner2/${language}/test.txt` },
});

export const TASKS: ReadonlyMap<string, Task> = new Map<string, Task>([
  [
    'sst2',
    {
      task: 'classification',
      metric: 'accuracy',
      train: 'sst2/train.tsv',
      splits: { dev: 'sst2/dev.tsv', test: 'sst2/test.tsv' },
      text: ['sentence'],
      label: 'label',
    },
  ],
  [
    'trec6',
    {
      task: 'classification',
      metric: 'accuracy',
      train: 'trec6/train.tsv',
      splits: { dev: 'trec6/test.tsv' },
      text: ['sentence'],
      label: 'label',
    },
  ],
  [
    'cola',
    {
      task: 'classification',
      metric: 'matthews',
      train: 'cola/train.tsv',
      splits: { dev: 'cola/dev.tsv' },
      text: ['sentence'],
      label: 'label',
    },
  ],
  [
    'stsb',
    {
      task: 'regression',
      metric: 'pearson',
      train: 'stsb_multi/en.train.tsv',
      splits: { dev: 'stsb_multi/en.dev.tsv', test: 'stsb_multi/en.test.tsv' },
      text: ['sentence1', 'sentence2'],
      label: 'score',
    },
  ],
  ['masakhaner-hau', masakhaner('hau')],
  ['masakhaner-yor', masakhaner('yor')],
  ['masakhaner-pcm', masakhaner('pcm')],
]);

/** What differs from the plain comparison: `--set layers=-2..`, `--set frozenDropout=off`, `--set order=random`. */
interface Variant {
  readonly params: Readonly<Record<string, string>>;
  readonly training: Readonly<Record<string, string | number>>;
  readonly theirLayers: readonly string[];
  /** Both sides use our random numbers. */
  readonly twin: boolean;
}

const OF_BOTH = new Set(['layers', 'their-layers', 'twin']);

function variantOf({ extra }: Options): Variant {
  const layers = extra.get('layers');
  const twin = extra.get('twin') === 'on';
  const training = [...extra, ...(twin ? [['order', 'random'] as const] : [])].filter(([name]) => !OF_BOTH.has(name));
  return {
    twin,
    params: layers === undefined ? {} : { layers },
    training: Object.fromEntries(
      training.map(([name, value]) => [name, Number.isFinite(Number(value)) ? Number(value) : value]),
    ),
    theirLayers: extra.get('their-layers')?.split(',') ?? [],
  };
}

const BATCH = 32;

interface Run {
  /** Gold labels and predictions of all splits, one after the other. */
  readonly gold: readonly Label[];
  readonly predicted: readonly Label[];
  readonly seconds: number;
  /** The loss of each step, where both sides saw the same batches. */
  readonly losses?: readonly number[] | undefined;
}

/** One comparison: a task, a seed, and the document that our side trains. */
interface Case {
  readonly name: string;
  readonly task: Task;
  readonly seed: number;
  readonly variant: Variant;
  readonly folder: string;
  readonly document: string;
}

function theirRun({ name, task, seed, variant, folder, document }: Case, options: Options): Run {
  const { theirLayers, twin } = variant;
  const kept = join(OUT, 'quality');
  mkdirSync(kept, { recursive: true });
  const parts = [name, 'lora', ...theirLayers, ...(twin ? ['twin'] : []), `e${options.epochs}`, `s${seed}`];
  const file = join(kept, `${parts.join('-')}.json`);
  if (!existsSync(file)) {
    const layers = theirLayers.length === 0 ? [] : ['--layers', ...theirLayers];
    const draws = (): string =>
      writeTwin({ document, folder, rows: rowCount(task, options), batchSize: BATCH, seed, epochs: options.epochs });
    runProgram(PYTHON, [
      ...[
        '-B',
        join(PYTHON_SCRIPTS, 'train_baseline.py'),
        '--model',
        options.model,
        '--data',
        options.data,
        '--task',
        name,
      ],
      ...[
        '--method',
        'lora',
        '--seed',
        String(seed),
        '--epochs',
        String(options.epochs),
        '--threads',
        String(options.threads),
      ],
      ...[...layers, ...(twin ? ['--twin', draws()] : []), '--json', file],
    ]);
  }
  const splits = JSON.parse(readFileSync(file.replace(/\.json$/, '.predictions.json'), 'utf8')) as Readonly<
    Record<string, { readonly labels: readonly Label[]; readonly predictions: readonly Label[] }>
  >;
  const { training_seconds, losses } = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly training_seconds: number;
    readonly losses?: readonly number[];
  };
  const chosen = Object.keys(task.splits).map((s) => splits[s]);
  return {
    gold: chosen.flatMap((s) => s?.labels ?? []),
    predicted: chosen.flatMap((s) => s?.predictions ?? []),
    seconds: training_seconds,
    losses,
  };
}

/** Examples of a training file: lines under a header, or sentences of one word a line. */
function rowCount({ task, train }: Task, options: Options): number {
  const text = readFileSync(join(options.data, train), 'utf8').trim();
  return task === 'tokens' ? text.split(/\n\s*\n/).length : text.split('\n').length - 1;
}

interface NamedPrediction {
  readonly label?: string;
  readonly value?: number;
  readonly tags?: readonly (string | null)[];
}

const labelOf = (p: NamedPrediction): Label => p.label ?? p.value ?? (p.tags ?? []).map((t) => t ?? 'O');

/** Words that were cut off count as O, as in the baseline. */
function padTags(predicted: Label, gold: Label): Label {
  if (typeof predicted !== 'object' || typeof gold !== 'object') return predicted;
  return gold.map((_, i) => predicted[i] ?? 'O');
}

interface RunFile {
  readonly steps: readonly { readonly step: string; readonly folder: string }[];
}

/** The document of our side. */
function documentOf(
  folder: string,
  name: string,
  task: Task,
  seed: number,
  options: Options,
  variant: Variant,
): string {
  return writeDocument({
    file: join(folder, `${name}-${seed}.json`),
    model: options.model,
    data: join(options.data, task.train),
    task: task.task,
    ...(task.text ? { text: task.text } : {}),
    ...(task.label === undefined ? {} : { label: task.label }),
    method: 'lora',
    params: { ...LORA, ...variant.params },
    training: { epochs: options.epochs, batch: BATCH, lr: 1e-3, seed, threads: options.threads, ...variant.training },
    predict: new Map(Object.entries(task.splits).map(([split, file]) => [split, resolve(options.data, file)])),
  });
}

function ourRun({ name, task, seed, variant, folder, document }: Case, options: Options, gold: readonly Label[]): Run {
  const settings = Object.entries({ ...variant.params, ...variant.training }).map(([key, value]) => `${key}=${value}`);
  const kept = join(
    OUT,
    'quality',
    `${['ours', commit(), name, ...settings, `e${options.epochs}`, `s${seed}`].join('-')}.json`,
  );
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8')) as Run;
  const out = join(folder, `${name}-${seed}`);
  const from = performance.now();
  espalier('run', document, '--out', out, '--json');
  const seconds = (performance.now() - from) / 1000;
  const { steps } = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')) as RunFile;
  const predicted = Object.keys(task.splits).flatMap((split) => {
    const step = steps.find((s) => s.step === `predict_${split}`);
    const lines = readFileSync(join(out, step?.folder ?? '', 'predictions.jsonl'), 'utf8')
      .trimEnd()
      .split('\n');
    return lines.map((line) => labelOf(JSON.parse(line) as NamedPrediction));
  });
  if (predicted.length !== gold.length)
    throw new Error(`${name}: ${predicted.length} predictions for ${gold.length} examples`);
  const run = {
    gold,
    predicted: predicted.map((p, i) => padTags(p, gold[i] as Label)),
    seconds,
    losses: lossesOf(out),
  };
  writeFileSync(kept, JSON.stringify(run));
  return run;
}

const commit = (): string =>
  execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();

const points = (x: number): number => round(100 * x, 2);

async function compareTask(name: string, task: Task, options: Options): Promise<Figures> {
  const variant = variantOf(options);
  const ours: Run[] = [];
  const theirs: Run[] = [];
  await withFolder(async (folder) => {
    for (let seed = 0; seed < options.seeds; seed++) {
      const place = join(folder, String(seed));
      mkdirSync(place);
      const document = documentOf(place, name, task, seed, options, variant);
      const one = { name, task, seed, variant, folder: place, document };
      const other = theirRun(one, options);
      const mine = ourRun(one, options, other.gold);
      theirs.push(other);
      ours.push(mine);
      const score = (run: Run): number => points(scoreOf(task.metric, rowsOf(task.metric, run.gold, run.predicted)));
      say(
        `  ${name} seed ${seed}: ours ${score(mine)} in ${round(mine.seconds, 0)} s, theirs ${score(other)} in ${round(other.seconds, 0)} s`,
      );
    }
    return Promise.resolve();
  });
  const rows = (runs: readonly Run[]): Float64Array[][] =>
    runs.map((r) => [...rowsOf(task.metric, r.gold, r.predicted)]);
  const found = pairedBootstrap(task.metric, rows(ours), rows(theirs));
  return {
    metric: task.metric,
    examples: ours[0]?.gold.length,
    ours: found.ours.map(points),
    theirs: found.theirs.map(points),
    difference_points: points(found.difference),
    interval_95: found.interval.map(points),
    interval_95_examples_only: found.interval_of_examples.map(points),
    not_worse_by_a_point: found.interval[0] > -0.01,
    ...(variant.twin ? { same_draws: sameDraws(ours, theirs) } : {}),
  };
}

/** How far two runs with the same draws lie apart: the losses of their steps, and predictions that differ. */
function sameDraws(ours: readonly Run[], theirs: readonly Run[]): Figures {
  const losses = ours.flatMap((run, s) =>
    (run.losses ?? []).map((x, k) => Math.abs(x - (theirs[s]?.losses?.[k] ?? NaN)) / Math.abs(x)),
  );
  const differ = ours.flatMap((run, s) =>
    run.predicted.map((p, i) => JSON.stringify(p) !== JSON.stringify(theirs[s]?.predicted[i])),
  );
  return {
    steps: losses.length,
    largest_relative_loss_difference: losses.reduce((a, b) => Math.max(a, b), 0),
    median_relative_loss_difference: median(losses),
    predictions_that_differ: round(differ.filter(Boolean).length / differ.length, 4),
  };
}

export const QUALITY: Bench = {
  name: 'quality',
  help: 'paired comparison of predictions on real data; --task sst2,trec6,cola,stsb,masakhaner-hau --seeds N',
  usual: false,
  run: async (options) => {
    const found: [string, Figures][] = [];
    for (const name of options.tasks) {
      const task = TASKS.get(name);
      if (!task) throw new Error(`there is no task "${name}"; there are ${[...TASKS.keys()].join(', ')}`);
      found.push([name, await compareTask(name, task, options)]);
    }
    say('\nquality: points, ours minus theirs, 95 % interval of a paired bootstrap over examples and seeds');
    const mean = (x: unknown): number => round((x as number[]).reduce((a, b) => a + b, 0) / (x as number[]).length, 2);
    say(
      table(
        ['task', 'metric', 'ours', 'theirs', 'difference', 'interval'],
        found.map(([n, f]) => [
          n,
          String(f['metric']),
          mean(f['ours']),
          mean(f['theirs']),
          String(f['difference_points']),
          (f['interval_95'] as number[]).join(' .. '),
        ]),
      ),
    );
    return {
      settings: { seeds: options.seeds, epochs: options.epochs, ...Object.fromEntries(options.extra) },
      tasks: Object.fromEntries(found),
    };
  },
};
