/**
 * A training step of a MiniLM-sized encoder with LoRA on query and value, built by hand, on the onnx backend: time per step
 * at several micro-batch sizes, and where it goes. Random weights.
 *
 *   onnx-step [--batch 32] [--length 64] [--micro 8,16,32] [--threads 2] [--steps 5] [--profile PREFIX] [--no-dropout] [--packed]
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { compileOnnx } from '../../engine/backends/onnx/compile.ts';
import { MINILM, randomWeights, stepInputs, stepProgram } from '../engine/backends/encoderStep.ts';

const median = (xs: readonly number[]): number => [...xs].sort((a, b) => a - b)[Math.floor(xs.length / 2)] as number;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      batch: { type: 'string', default: '32' },
      length: { type: 'string', default: '64' },
      micro: { type: 'string', default: '4,8,16,32' },
      threads: { type: 'string', default: '2' },
      steps: { type: 'string', default: '5' },
      profile: { type: 'string' },
      'no-dropout': { type: 'boolean', default: false },
      packed: { type: 'boolean', default: false },
    },
  });
  const [batch, length, steps, threads] = [values.batch, values.length, values.steps, values.threads].map(Number) as [
    number,
    number,
    number,
    number,
  ];
  const program = stepProgram({ ...MINILM, dropout: values['no-dropout'] ? 0 : 0.1, packed: values.packed });
  const { weights, trainables } = randomWeights(program);
  const workFolder = mkdtempSync(join(tmpdir(), 'espalier-bench-'));
  try {
    const profile = values.profile === undefined ? {} : { profilePrefix: values.profile };
    const executable = await compileOnnx(program, { weights, workFolder, threads, ...profile });
    const sizes = values.micro.split(',').map(Number);
    const times = new Map(sizes.map((m) => [m, [] as number[]]));
    const cpu = new Map(sizes.map((m) => [m, [] as number[]]));
    let loss = 0;
    for (let step = 0; step <= steps; step++) {
      for (const micro of sizes) {
        const start = performance.now();
        const used = process.cpuUsage();
        loss = 0;
        const total = new Map<string, Float32Array>();
        for (let first = 0; first < batch; first += micro) {
          const results = await executable.run(
            new Map([
              ...trainables,
              ...stepInputs(
                first,
                Array.from({ length: micro }, () => length),
                length,
                step,
              ),
            ]),
          );
          for (const [name, { data }] of results) {
            const sum = total.get(name) ?? new Float32Array(data.length);
            for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (data[i] as number);
            total.set(name, sum);
          }
        }
        loss = total.get('loss')?.[0] ?? NaN;
        const { user, system } = process.cpuUsage(used);
        if (step > 0) times.get(micro)?.push(performance.now() - start);
        if (step > 0) cpu.get(micro)?.push((user + system) / 1000);
      }
    }
    for (const m of sizes) {
      const wall = times.get(m) as number[];
      console.log(
        `micro ${m} x ${length}: median ${median(wall).toFixed(0)} ms, best ${Math.min(...wall).toFixed(0)} ms, cpu ${median(cpu.get(m) as number[]).toFixed(0)} ms, loss ${loss.toFixed(5)}`,
      );
    }
    await executable.dispose();
    console.log(`peak RSS ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
    if (values.profile !== undefined) printProfile(values.profile);
  } finally {
    rmSync(workFolder, { recursive: true, force: true });
  }
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args?: { readonly op_name?: string };
}

/** Time by op, from the runtime's profile: the best time of each node, because the machine is shared. */
function printProfile(prefix: string): void {
  const file = readdirSync(dirname(prefix))
    .filter((f) => f.startsWith(basename(prefix)))
    .sort()
    .pop();
  if (file === undefined) return;
  const events = JSON.parse(readFileSync(join(dirname(prefix), file), 'utf8')) as ProfileEvent[];
  const nodes = new Map<string, { op: string; time: number }>();
  for (const e of events) {
    if (e.cat !== 'Node' || !e.name.endsWith('_kernel_time')) continue;
    const time = Math.min(e.dur, nodes.get(e.name)?.time ?? Infinity);
    nodes.set(e.name, { op: e.args?.op_name ?? '?', time });
  }
  const byOp = new Map<string, { time: number; count: number }>();
  for (const { op, time } of nodes.values()) {
    const entry = byOp.get(op) ?? { time: 0, count: 0 };
    byOp.set(op, { time: entry.time + time, count: entry.count + 1 });
  }
  const total = [...byOp.values()].reduce((t, e) => t + e.time, 0);
  console.log(`one run, sum of each node's best time: ${(total / 1000).toFixed(1)} ms`);
  for (const [op, { time, count }] of [...byOp].sort((x, y) => y[1].time - x[1].time).slice(0, 20)) {
    const share = ((100 * time) / total).toFixed(1).padStart(5);
    console.log(`${op.padEnd(24)} ${share} %  ${(time / count).toFixed(0).padStart(6)} us each, ${count} nodes`);
  }
}

await main();
