/**
 * Memory of a training process above that of the idle one, beside transformers + peft, and beside what `espalier check`
 * predicts. Load on the machine changes nothing here.
 */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  mebibytes,
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
import { plannedBatches, writeBatches } from './batches.ts';
import { LORA, writeDocument, writeFullLength } from './documents.ts';
import { predictedCosts } from './loaded.ts';
import { startOurs, startTheirs, type MemoryReport, type Runner } from './turns.ts';

const STEPS = 6;
const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'vocab.txt'];

/** A BERT of the base size with random weights and the starter's tokenizer, made once. */
function randomBertBase(options: Options): string {
  const folder = join(ROOT, '.cache', 'bert-base-random');
  if (!existsSync(join(folder, 'model.safetensors'))) {
    say('making a random BERT-base in .cache');
    runProgram(PYTHON, ['-B', join(PYTHON_SCRIPTS, 'save_random.py'), '--out', folder]);
  }
  for (const file of TOKENIZER_FILES)
    if (existsSync(join(options.model, file))) cpSync(join(options.model, file), join(folder, file));
  return folder;
}

async function reportOf(start: Promise<Runner>): Promise<MemoryReport> {
  const runner = await start;
  try {
    await runner.steps(1);
    return await runner.report();
  } finally {
    await runner.close();
  }
}

interface Graph {
  readonly method: string;
  readonly params: Readonly<Record<string, string | number>>;
  readonly batch: number;
  readonly length: number;
}

function fullDocument(folder: string, model: string, vocabulary: string, graph: Graph, options: Options): string {
  return writeDocument({
    file: join(folder, 'memory.json'),
    model,
    data: writeFullLength(folder, vocabulary, graph.batch * 8, graph.length),
    task: 'classification',
    method: graph.method,
    params: graph.params,
    training: { epochs: 100, threads: options.threads, batch: graph.batch, maxLength: Math.max(graph.length, 128) },
  });
}

const ours = (folder: string, document: string): Promise<MemoryReport> =>
  reportOf(startOurs(document, join(folder, 'out'), STEPS));

async function beside(name: string, model: string, options: Options, length: number): Promise<Figures> {
  return withFolder(async (folder) => {
    const document = fullDocument(
      folder,
      model,
      options.model,
      { method: 'lora', params: LORA, batch: 32, length },
      options,
    );
    const batches = writeBatches(join(folder, 'batches.json'), (await plannedBatches(document, 0)).batches);
    const args = [
      '--model',
      model,
      '--batches',
      batches,
      '--threads',
      String(options.threads),
      '--warmup-steps',
      String(STEPS),
    ];
    const mine = await ours(folder, document);
    const theirs = await reportOf(startTheirs('peft', args));
    const bf16 = await reportOf(startTheirs('peft bf16', [...args, '--bf16']));
    say(`\nmemory ${name} 32x${length}: MiB above the idle process`);
    const row = (who: string, r: MemoryReport): (string | number)[] => [
      who,
      mebibytes(r.idle_rss_bytes),
      mebibytes(r.peak_above_idle_bytes),
      round(r.peak_above_idle_bytes / mine.peak_above_idle_bytes, 2),
    ];
    say(
      table(
        ['', 'idle', 'above idle', 'of ours'],
        [row('espalier', mine), row('peft', theirs), row('peft bf16', bf16)],
      ),
    );
    return {
      espalier: mine,
      peft: theirs,
      peft_bf16: bf16,
      ratio: round(theirs.peak_above_idle_bytes / mine.peak_above_idle_bytes),
    };
  });
}

const GRAPHS: readonly Graph[] = [
  { method: 'lora', params: LORA, batch: 32, length: 64 },
  { method: 'lora', params: LORA, batch: 32, length: 128 },
  { method: 'lora', params: { ...LORA, targets: 'all-linear' }, batch: 16, length: 128 },
  { method: 'dora', params: {}, batch: 32, length: 64 },
  { method: 'ia3', params: {}, batch: 32, length: 96 },
  { method: 'bitfit', params: {}, batch: 32, length: 64 },
  { method: 'pfeiffer', params: {}, batch: 64, length: 64 },
  { method: 'houlsby', params: {}, batch: 32, length: 128 },
  { method: 'prefix', params: {}, batch: 32, length: 64 },
  { method: 'unfreeze', params: {}, batch: 16, length: 64 },
];

async function predictions(options: Options): Promise<Figures> {
  const rows: Record<string, unknown>[] = [];
  const only = options.extra.get('graphs')?.split(',').map(Number);
  for (const graph of GRAPHS.filter((_, i) => only?.includes(i) !== false)) {
    const found = await withFolder(async (folder) => {
      const document = fullDocument(folder, options.model, options.model, graph, options);
      // `check` counts a batch at the step's own sizes, so the longest text is that of the data.
      const { totals } = predictedCosts(writeLength(document, graph.length));
      return { totals, measured: await ours(folder, document) };
    });
    const predicted = found.totals.predictedBytes;
    const { peak_above_idle_bytes, file_rss_bytes = NaN, anonymous_rss_bytes = NaN } = found.measured;
    rows.push({
      method: `${graph.method} ${Object.values(graph.params).join(' ')}`.trim(),
      sizes: `${graph.batch}x${graph.length}`,
      predicted_mib: mebibytes(predicted),
      measured_mib: mebibytes(peak_above_idle_bytes),
      ratio: round(predicted / peak_above_idle_bytes),
      weights_mib: mebibytes(found.totals.weightBytes),
      training_mib: mebibytes(found.totals.trainingBytes),
      values_mib: mebibytes(found.totals.peakBytes),
      file_rss_mib: mebibytes(file_rss_bytes),
      anonymous_rss_mib: mebibytes(anonymous_rss_bytes),
    });
    say(`  ${JSON.stringify(rows.at(-1))}`);
  }
  const within = rows.filter((r) => Math.abs(Number(r['ratio']) - 1) <= 0.15).length;
  say('\npredict: predicted peak memory against measured, above the idle process');
  say(
    table(
      ['graph', 'sizes', 'predicted', 'measured', 'ratio'],
      rows.map(
        (r) => [r['method'], r['sizes'], r['predicted_mib'], r['measured_mib'], r['ratio']] as (string | number)[],
      ),
    ),
  );
  say(`  ${within} of ${rows.length} within 15 %`);
  return { graphs: rows, within_15_percent: within, of: rows.length };
}

/** A copy of the document whose training step cuts texts at `length`, which is how `check` learns the sizes. */
function writeLength(document: string, length: number): string {
  const text = JSON.parse(readFileSync(document, 'utf8')) as {
    workflow: { nodes: { train: { params: Record<string, unknown> } } };
  };
  text.workflow.nodes.train.params['maxLength'] = length;
  const file = document.replace(/\.json$/, '.sized.json');
  writeFileSync(file, JSON.stringify(text));
  return file;
}

export const MEMORY: readonly Bench[] = [
  {
    name: 'memory',
    help: 'resident memory above idle at 32x128, MiniLM and a random BERT-base (goal: not above theirs)',
    usual: true,
    run: async (options) => ({
      minilm: await beside('MiniLM', options.model, options, 128),
      'bert-base': await beside('BERT-base', randomBertBase(options), options, 128),
    }),
  },
  {
    name: 'predict',
    help: 'predicted peak memory against measured for 10 graphs (goal: within 15 %)',
    usual: false,
    run: predictions,
  },
];
