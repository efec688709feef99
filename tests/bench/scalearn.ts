/**
 * Transfer from trained sources: Pfeiffer adapters of at least four GLUE-type tasks and, as in the papers, of the target
 * itself, mixed for the target by ScaLearn in its four variants and by AdapterFusion, beside the target's own adapter, the
 * head alone, and sources whose numbers were shuffled (what mixing random adapters would give).
 *
 *   npm run bench -- scalearn --task mrpc --seeds 3 --epochs 10 [--set sources=sst2,cola,rte,stsb] [--set source-epochs=5]
 *     [--set only=own,head,uniform]
 *
 * A target that `sources` does not name is left out of them. Trained adapters are kept and used again.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { permutation, randomKey } from '../../engine/base/random.ts';
import { openSafetensors, readFloat32, writeSafetensors } from '../../engine/checkpoints/safetensors.ts';
import { espalier, OUT, round, say, table, withFolder, type Bench, type Figures, type Options } from './bench.ts';
import { writeDocument } from './documents.ts';
import { rowsOf, scoreOf, type Label, type MetricName } from './scores.ts';

interface GlueTask {
  readonly task: string;
  readonly metric: MetricName;
  readonly train: string;
  readonly dev: string;
  readonly text: readonly string[];
  readonly label: string;
}

const GLUE: ReadonlyMap<string, GlueTask> = new Map<string, GlueTask>([
  [
    'sst2',
    {
      task: 'classification',
      metric: 'accuracy',
      train: 'sst2/train.tsv',
      dev: 'sst2/dev.tsv',
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
      dev: 'cola/dev.tsv',
      text: ['sentence'],
      label: 'label',
    },
  ],
  [
    'mrpc',
    {
      task: 'classification',
      metric: 'accuracy',
      train: 'mrpc/train.tsv',
      dev: 'mrpc/test.tsv',
      text: ['sentence1', 'sentence2'],
      label: 'label',
    },
  ],
  [
    'rte',
    {
      task: 'classification',
      metric: 'accuracy',
      train: 'rte/train.tsv',
      dev: 'rte/dev.tsv',
      text: ['sentence1', 'sentence2'],
      label: 'label',
    },
  ],
  [
    'stsb',
    {
      task: 'regression',
      metric: 'pearson',
      train: 'stsb_multi/en.train.tsv',
      dev: 'stsb_multi/en.dev.tsv',
      text: ['sentence1', 'sentence2'],
      label: 'score',
    },
  ],
]);

const glue = (name: string): GlueTask => {
  const task = GLUE.get(name);
  if (!task) throw new Error(`there is no task "${name}"; there are ${[...GLUE.keys()].join(', ')}`);
  return task;
};

interface Trained {
  readonly adapter: string;
  readonly score: number;
  readonly trainable: number;
}

interface DoneLine {
  readonly event: string;
  readonly trainable_parameters?: number;
}

type Sources = readonly (readonly [name: string, file: string])[];

interface Job {
  readonly method: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly sources?: Sources;
  readonly epochs: number;
  readonly seed: number;
}

/** Trains a method on a task and scores its predictions for the task's evaluation file. */
function train(folder: string, name: string, job: Job, options: Options): Trained {
  const task = glue(name);
  const document = writeDocument({
    file: join(folder, 'document.json'),
    model: options.model,
    data: join(options.data, task.train),
    task: task.task,
    text: task.text,
    label: task.label,
    method: job.method,
    ...(job.params ? { params: job.params } : {}),
    ...(job.sources ? { sources: job.sources } : {}),
    training: { epochs: job.epochs, batch: 32, seed: job.seed, threads: options.threads },
    predict: new Map([['dev', resolve(options.data, task.dev)]]),
  });
  const out = join(folder, 'out');
  const lines = espalier('run', document, '--out', out, '--json').trimEnd().split('\n');
  const done = lines.map((l) => JSON.parse(l) as DoneLine).find((l) => l.event === 'done');
  const { steps } = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')) as {
    readonly steps: readonly { readonly step: string; readonly folder: string }[];
  };
  const at = (step: string): string => join(out, steps.find((s) => s.step === step)?.folder ?? '');
  const predictions = readFileSync(join(at('predict_dev'), 'predictions.jsonl'), 'utf8')
    .trimEnd()
    .split('\n');
  const predicted = predictions
    .map((l) => JSON.parse(l) as { readonly label?: string; readonly value?: number })
    .map((p): Label => p.label ?? p.value ?? '');
  const score = scoreOf(task.metric, rowsOf(task.metric, goldOf(options, task), predicted));
  return { adapter: join(at('train'), 'adapter.safetensors'), score, trainable: done?.trainable_parameters ?? NaN };
}

function goldOf(options: Options, task: GlueTask): Label[] {
  const [header = '', ...rows] = readFileSync(join(options.data, task.dev), 'utf8')
    .split('\n')
    .filter((l) => l !== '');
  const column = header.trimEnd().split('\t').indexOf(task.label);
  return rows.map((row) => row.replace(/\r$/, '').split('\t')[column] ?? '');
}

/** A task's own adapter, trained once for its epochs and seed, and kept with its score. */
function adapterOf(name: string, epochs: number, seed: number, options: Options): Promise<Trained> {
  const kept = join(OUT, 'scalearn');
  mkdirSync(kept, { recursive: true });
  const adapter = join(kept, `${name}-e${epochs}-s${seed}.safetensors`);
  const file = adapter.replace(/safetensors$/, 'json');
  if (existsSync(file)) return Promise.resolve(JSON.parse(readFileSync(file, 'utf8')) as Trained);
  return withFolder((folder) => {
    const trained = train(folder, name, { method: 'pfeiffer', epochs, seed }, options);
    copyFileSync(trained.adapter, adapter);
    writeFileSync(file, JSON.stringify({ ...trained, adapter }));
    say(`  adapter of ${name}: ${round(100 * trained.score, 1)} ${glue(name).metric}`);
    return Promise.resolve({ ...trained, adapter });
  });
}

/** The same adapters with the numbers of every tensor in another order: sizes and scales stay, knowledge goes. */
function shuffled(folder: string, sources: Sources): Sources {
  return sources.map(([name, file]) => {
    const opened = openSafetensors(file);
    const tensors = [...opened.tensors.values()].map((t) => {
      const values = readFloat32(opened, t.name);
      const order = permutation(randomKey(0, 'shuffle', t.name), values.length);
      return {
        name: t.name,
        dtype: 'F32' as const,
        shape: t.shape,
        data: Float32Array.from(order, (i) => values[i] as number),
      };
    });
    const target = join(folder, `${name}-shuffled.safetensors`);
    writeSafetensors(target, tensors, opened.metadata);
    return [name, target] as const;
  });
}

/** A way to reach the target: a method, and which sources it mixes. */
interface Way {
  readonly method: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly sources?: 'trained' | 'shuffled';
}

const WAYS: readonly (readonly [string, Way])[] = [
  ['own adapter', { method: 'pfeiffer' }],
  ['head only', { method: 'head' }],
  ...['scalearn', 'uniform', 'scalearn++', 'uniform++'].map(
    (variant) => [`ScaLearn ${variant}`, { method: 'scalearn', params: { variant }, sources: 'trained' }] as const,
  ),
  ['ScaLearn, shuffled sources', { method: 'scalearn', sources: 'shuffled' }],
  ['AdapterFusion', { method: 'fusion', sources: 'trained' }],
  ['average', { method: 'average', sources: 'trained' }],
];

async function transfer(target: string, options: Options): Promise<Figures> {
  const { extra } = options;
  const names = (extra.get('sources') ?? ['sst2', 'cola', 'mrpc', 'rte', 'stsb'].join(',')).split(',');
  const others = names.filter((n) => n !== target);
  const seeds = Array.from({ length: options.seeds }, (_, seed) => seed);
  const foreign: (readonly [string, string])[] = [];
  const own: Trained[] = [];
  const epochs = Number(extra.get('source-epochs') ?? 5);
  for (const name of others) foreign.push([name, (await adapterOf(name, epochs, 0, options)).adapter]);
  for (const seed of seeds) own.push(await adapterOf(target, options.epochs, seed, options));
  return withFolder(async (folder) => {
    const placeOf = (name: string, seed: number): string => {
      const place = join(folder, `${name.replace(/\W+/g, '-')}-${seed}`);
      mkdirSync(place);
      return place;
    };
    const sources = seeds.map((seed): { readonly trained: Sources; readonly shuffled: Sources } => {
      const trained = names.includes(target)
        ? [...foreign, [target, (own[seed] as Trained).adapter] as const]
        : foreign;
      return { trained, shuffled: shuffled(placeOf('shuffled', seed), trained) };
    });
    const wanted = extra.get('only')?.split(',');
    const found: { name: string; scores: number[]; trainable: number }[] = [];
    for (const [name, way] of WAYS.filter(([n]) => wanted === undefined || wanted.some((w) => n.includes(w)))) {
      const runs = seeds.map((seed) => {
        if (name === 'own adapter') return own[seed] as Trained;
        const { method, params } = way;
        const mixed = way.sources && sources[seed]?.[way.sources];
        const more = { ...(params ? { params } : {}), ...(mixed ? { sources: mixed } : {}) };
        return train(placeOf(name, seed), target, { method, ...more, epochs: options.epochs, seed }, options);
      });
      found.push({ name, scores: runs.map((r) => r.score), trainable: runs[0]?.trainable ?? NaN });
      say(
        `  ${target}, ${name}: ${runs.map((r) => round(100 * r.score, 1)).join(' ')} (${runs[0]?.trainable} parameters train)`,
      );
    }
    const head = found.find((f) => f.name === 'head only')?.trainable;
    const mean = (xs: readonly number[]): number => round((100 * xs.reduce((a, b) => a + b, 0)) / xs.length, 2);
    const rows = found.map((f) => ({
      method: f.name,
      mean: mean(f.scores),
      scores: f.scores.map((s) => round(100 * s, 2)),
      parameters: f.trainable,
      ...(head === undefined ? {} : { transfer_parameters: f.trainable - head }),
    }));
    say(
      `\nscalearn: target ${target} (${glue(target).metric}), sources ${names.join(', ')}, mean of ${options.seeds} seeds`,
    );
    say(
      table(
        ['method', 'mean', 'parameters', 'without the head'],
        rows.map((r) => [r.method, r.mean, r.parameters, r.transfer_parameters ?? '']),
      ),
    );
    return Promise.resolve({ metric: glue(target).metric, sources: names, epochs: options.epochs, methods: rows });
  });
}

export const SCALEARN: Bench = {
  name: 'scalearn',
  help: 'transfer from >= 4 sources onto --task (mrpc, rte, stsb, ...) beside its own adapter and the head alone',
  usual: false,
  run: async (options) => {
    const found: [string, Figures][] = [];
    for (const target of options.tasks) found.push([target, await transfer(target, options)]);
    return Object.fromEntries(found);
  },
};
