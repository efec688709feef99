/**
 * Training steps of ours and of transformers + peft side by side: full-length batches, padded batches, each with its own
 * batching, and modules in the top layers only. Every ratio above 1 says that ours is faster.
 */
import { join } from 'node:path';
import { must } from '../../engine/base/errors.ts';
import {
  NotAvailable,
  median,
  PYTHON,
  PYTHON_SCRIPTS,
  round,
  runProgram,
  say,
  sum,
  table,
  withFolder,
  type Bench,
  type Figures,
  type Options,
} from './bench.ts';
import { batchAt, plannedBatches, writeBatches } from './batches.ts';
import { LORA, writeDocument, writeFullLength } from './documents.ts';
import { gemmProbe, productFlops } from './gemm.ts';
import { benchModel } from './loaded.ts';
import { profileStep, type Profile } from './profile.ts';
import { stepProgram } from './stepProgram.ts';
import { compare, startOurs, startTheirs, takeTurns, type Runner, type Timed } from './turns.ts';

const WARMUP = 3;
const BATCH = 32;
/** Enough epochs that a run never ends by itself; the process ends when its standard input does. */
const ENDLESS = 1000;

const theirArgs = (options: Options, batches: string): string[] => [
  ...['--model', options.model, '--batches', batches, '--threads', String(options.threads)],
  ...['--warmup-steps', String(WARMUP), '--method', 'lora', '--rank', '8', '--alpha', '8'],
];

async function closing<T>(runners: readonly Runner[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    for (const runner of runners) await runner.close();
  }
}

export function printTimes(timed: readonly Timed[]): void {
  const rows = timed.map(({ name, seconds }) => [
    name,
    seconds.length,
    round(1000 * median(seconds), 1),
    round((1000 * sum(seconds)) / seconds.length, 1),
    round(1000 * Math.min(...seconds), 1),
    round(median(seconds) / median(timed[0]?.seconds ?? []), 3),
  ]);
  say(table(['', 'steps', 'median ms', 'mean ms', 'best ms', 'of ours'], rows));
}

export function printProfile(profile: Profile): void {
  say(`  one run ${profile.run_ms} ms, its nodes ${profile.nodes_ms} ms (best time of each)`);
  const rows = profile.by_op.slice(0, 14).map((o) => [o.op, o.nodes, o.ms, `${round(100 * o.share, 1)} %`]);
  say(table(['op', 'nodes', 'ms', 'share'], rows));
}

async function fullLength(options: Options, length: number): Promise<Figures> {
  return withFolder(async (folder) => {
    const data = writeFullLength(folder, options.model, BATCH * 20, length);
    const document = writeDocument({
      file: join(folder, 'full.json'),
      model: options.model,
      data,
      task: 'classification',
      method: 'lora',
      params: LORA,
      training: { epochs: ENDLESS, threads: options.threads, batch: BATCH },
    });
    const { batches } = await plannedBatches(document, 0);
    const wrong = batches.find((b) => b.T !== length || b.N !== b.B * length);
    if (wrong) throw new Error(`a sentence has ${wrong.T} tokens instead of ${length}`);
    const file = writeBatches(join(folder, 'batches.json'), batches);
    const theirs = theirArgs(options, file);
    const runners = [
      await startOurs(document, join(folder, 'out'), WARMUP),
      await startTheirs('peft', theirs),
      await startTheirs('peft bf16', [...theirs, '--bf16']),
    ];
    const probe = await gemmProbe(BATCH * length, 384, 1536, folder, options.threads);
    const rates: number[] = [];
    const timed = await closing(runners, () =>
      takeTurns(runners, options.rounds, options.steps, async () => {
        for (let i = 0; i < 4; i++) rates.push(await probe.measure());
      }),
    );
    await probe.dispose();
    const sizes = new Map([
      ['B', BATCH],
      ['T', length],
      ['N', BATCH * length],
    ]);
    const flops = productFlops(stepProgram(benchModel(document).compiled), sizes);
    const ourMedian = median(must(timed[0], 'ours').seconds);
    const profile = await profileStep(document, batchAt(batches, 0), options.threads, folder);
    say(`\nfull ${BATCH}x${length}`);
    printTimes(timed);
    const rate = median(rates);
    const limit = {
      product_gflop: round(flops / 1e9, 2),
      gemm_gflop_per_second: round(rate / 1e9, 1),
      limit_ms: round((1000 * flops) / rate, 1),
      share_of_limit: round(flops / rate / ourMedian),
    };
    say(
      `  GEMM limit: ${limit.product_gflop} GFLOP at ${limit.gemm_gflop_per_second} GFLOP/s = ${limit.limit_ms} ms, ${round(100 * limit.share_of_limit, 1)} % of our step`,
    );
    printProfile(profile);
    return { ...compare(timed, BATCH), gemm: limit, profile };
  });
}

/** SST-2 with LoRA on query and value; `training` adds to the settings. */
const sst2Document = (
  folder: string,
  options: Options,
  params: Readonly<Record<string, string | number>>,
  training: Readonly<Record<string, string | number>>,
): string =>
  writeDocument({
    file: join(folder, 'sst2.json'),
    model: options.model,
    data: join(options.data, 'sst2', 'train.tsv'),
    method: 'lora',
    params: { ...LORA, ...params },
    training: { epochs: ENDLESS, threads: options.threads, batch: BATCH, ...training },
  });

async function padded(options: Options): Promise<Figures> {
  return withFolder(async (folder) => {
    const document = sst2Document(folder, options, {}, { order: 'random' });
    const { batches } = await plannedBatches(document, 0);
    const theirs = theirArgs(options, writeBatches(join(folder, 'batches.json'), batches));
    const runners = [
      await startOurs(document, join(folder, 'out'), WARMUP),
      await startTheirs('peft', theirs),
      await startTheirs('peft bf16', [...theirs, '--bf16']),
    ];
    const timed = await closing(runners, () => takeTurns(runners, options.rounds, options.steps));
    const used = batches.slice(WARMUP, WARMUP + options.rounds * options.steps);
    const tokens = { real: sum(used.map((b) => b.N)), padded: sum(used.map((b) => b.B * b.T)) };
    const profile = await profileStep(document, batchAt(batches, WARMUP), options.threads, folder);
    say(`\npadded: random batches of SST-2, ${round(tokens.padded / tokens.real, 2)} padded tokens for each real one`);
    printTimes(timed);
    printProfile(profile);
    return { ...compare(timed, BATCH), tokens, profile };
  });
}

/** Their batches of one epoch, in a random order or grouped by length. */
function theirBatches(folder: string, options: Options, grouped: boolean, count: number): string {
  const out = join(folder, grouped ? 'grouped.safetensors' : 'random.safetensors');
  runProgram(PYTHON, [
    ...['-B', join(PYTHON_SCRIPTS, 'make_batches.py'), '--model', options.model, '--data', options.data],
    ...['--task', 'sst2', '--batch', String(BATCH), '--count', String(count), '--out', out],
    ...(grouped ? ['--group-by-length'] : []),
  ]);
  return out;
}

async function batching(options: Options): Promise<Figures> {
  return withFolder(async (folder) => {
    // Their groups are 50 batches from long to short: only whole groups are a fair sample.
    const count = options.rounds * options.steps;
    const document = sst2Document(folder, options, {}, { order: 'grouped' });
    const args = (grouped: boolean): string[] =>
      theirArgs(options, theirBatches(folder, options, grouped, count)).map((a, i, all) =>
        all[i - 1] === '--warmup-steps' ? '0' : a,
      );
    const runners = [
      await startOurs(document, join(folder, 'out'), WARMUP),
      await startTheirs('peft, random', args(false)),
      await startTheirs('peft, group_by_length', args(true)),
    ];
    const timed = await closing(runners, () => takeTurns(runners, options.rounds, options.steps));
    say(`\nbatching: our grouped batches against theirs, ${count} batches of ${BATCH}`);
    printTimes(timed);
    const ours = sum(must(timed[0], 'ours').seconds);
    const totals = Object.fromEntries(timed.slice(1).map((t) => [t.name, round(sum(t.seconds) / ours)]));
    say(
      `  whole time against ours: ${Object.entries(totals)
        .map(([n, x]) => `${n} ${x}`)
        .join(', ')}`,
    );
    return { ...compare(timed, BATCH), ratio_of_totals: totals };
  });
}

async function frontier(options: Options): Promise<Figures> {
  return withFolder(async (folder) => {
    const training = { order: 'random', frozenDropout: 'off', cacheMegabytes: 4096 };
    const document = sst2Document(folder, options, { layers: '-2..' }, training);
    const second = await plannedBatches(document, 1);
    // The last batches of the epoch are put first for their warm-up, so that both then run the second epoch from its start.
    const order = [...second.batches.slice(-WARMUP), ...second.batches.slice(0, -WARMUP)];
    const theirs = [...theirArgs(options, writeBatches(join(folder, 'batches.json'), order)), '--layers', '4', '5'];
    const ours = await startOurs(document, join(folder, 'out'), second.stepsPerEpoch);
    const { fill_seconds } = await ours.report();
    if (fill_seconds === undefined) {
      await ours.close();
      throw new NotAvailable(
        'the trainer computed no values of frozen layers ahead (frozenDropout: off had no effect)',
      );
    }
    const runners = [ours, await startTheirs('peft', theirs), await startTheirs('peft bf16', [...theirs, '--bf16'])];
    const timed = await closing(runners, () => takeTurns(runners, options.rounds, options.steps));
    say('\nfrontier: LoRA in the top 2 of 6 layers, frozenDropout off, second epoch of random batches of SST-2');
    printTimes(timed);
    say(`  values of the frozen layers were computed in ${round(fill_seconds, 1)} s for ${second.examples} examples`);
    return { ...compare(timed, BATCH), fill_seconds: round(fill_seconds, 2), examples: second.examples };
  });
}

export const SPEED: readonly Bench[] = [
  {
    name: 'full',
    help: 'full-length batches 32x64 and 32x128 (goal 1.15 at 32x64)',
    usual: true,
    run: async (options) => {
      const lengths = (options.extra.get('lengths') ?? '64,128').split(',').map(Number);
      const found: [string, Figures][] = [];
      for (const length of lengths) found.push([`32x${length}`, await fullLength(options, length)]);
      return Object.fromEntries(found);
    },
  },
  { name: 'padded', help: 'the same random padded batches of SST-2 (goal 1.8)', usual: true, run: padded },
  {
    name: 'batching',
    help: 'our default batching against theirs (goal 2.5) and against group_by_length (goal 1.3)',
    usual: true,
    run: batching,
  },
  { name: 'frontier', help: 'modules in the top 2 of 6 layers, later epochs (goal 5)', usual: true, run: frontier },
];
