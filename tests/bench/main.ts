/**
 * `npm run bench [-- NAME ... [options]]`: speed, memory and quality beside transformers + peft, and the times that people
 * wait for. Without names the speed benchmarks run. Each prints a table on standard error and one JSON line on standard
 * output, which is also kept as build/out/bench/NAME.json. Measure on an idle machine; every line says how loaded it was.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { UserError } from '../../engine/base/errors.ts';
import { load, NotAvailable, OUT, ROOT, say, type Bench, type Figures, type Options } from './bench.ts';
import { CHECK } from './check.ts';
import { EDIT } from './editService.ts';
import { MEMORY } from './memory.ts';
import { QUALITY } from './quality.ts';
import { SCALEARN } from './scalearn.ts';
import { SPEED } from './speed.ts';
import { STARTUP } from './startup.ts';
import { stepsChild } from './stepsChild.ts';

const BENCHES: readonly Bench[] = [...SPEED, ...MEMORY, STARTUP, CHECK, EDIT, QUALITY, SCALEARN];

const USAGE = `npm run bench -- [NAME ...] [--model DIR] [--data DIR] [--threads 2] [--rounds 8] [--steps 5]
  [--task sst2,trec6] [--seeds 1] [--epochs 3] [--method lora] [--set NAME=VALUE]

${BENCHES.map((b) => `  ${b.name.padEnd(10)} ${b.help}`).join('\n')}`;

function readOptions(args: readonly string[]): { readonly names: readonly string[]; readonly options: Options } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      model: { type: 'string', default: join(ROOT, '.cache', 'starter') },
      data: { type: 'string', default: join(ROOT, '..', 'shared', 'data') },
      threads: { type: 'string', default: String(Math.min(2, availableParallelism())) },
      rounds: { type: 'string', default: '8' },
      steps: { type: 'string', default: '5' },
      task: { type: 'string', default: 'sst2' },
      seeds: { type: 'string', default: '1' },
      epochs: { type: 'string', default: '3' },
      method: { type: 'string', default: 'lora' },
      set: { type: 'string', multiple: true, default: [] },
    },
  });
  const extra = values.set.map((text) => {
    const at = text.indexOf('=');
    return [text.slice(0, at), text.slice(at + 1)] as const;
  });
  return {
    names: positionals,
    options: {
      model: values.model,
      data: values.data,
      threads: Number(values.threads),
      rounds: Number(values.rounds),
      steps: Number(values.steps),
      tasks: values.task.split(','),
      seeds: Number(values.seeds),
      epochs: Number(values.epochs),
      method: values.method,
      extra: new Map(extra),
    },
  };
}

async function runOne(bench: Bench, options: Options): Promise<Figures> {
  const from = performance.now();
  const common = { bench: bench.name, load_before: load() };
  try {
    const figures = await bench.run(options);
    return { ...common, ...figures, seconds: Math.round((performance.now() - from) / 1000) };
  } catch (error) {
    if (!(error instanceof NotAvailable)) throw error;
    say(`\n${bench.name}: not available: ${error.message}`);
    return { ...common, not_available: error.message };
  }
}

async function main(args: readonly string[]): Promise<number> {
  const [first, name, ...rest] = args;
  if (first === '--child' && name === 'steps') {
    await stepsChild(rest);
    return 0;
  }
  if (args.includes('--help')) {
    say(USAGE);
    return 0;
  }
  const { names, options } = readOptions(args);
  const unknown = names.filter((n) => !BENCHES.some((b) => b.name === n));
  if (unknown.length > 0) {
    say(`There is no benchmark "${unknown.join(', ')}".\n${USAGE}`);
    return 1;
  }
  mkdirSync(OUT, { recursive: true });
  for (const bench of BENCHES.filter((b) => (names.length === 0 ? b.usual : names.includes(b.name)))) {
    const line = JSON.stringify(await runOne(bench, options));
    process.stdout.write(`${line}\n`);
    writeFileSync(join(OUT, `${bench.name}.json`), `${line}\n`);
  }
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  say(error instanceof UserError || error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 2;
}
