/**
 * A training step of a MiniLM-sized encoder with LoRA on query and value, built by hand, on the onnx backend: time per step
 * at several micro-batch sizes, and where it goes. Row selection of the last layer is written in by hand; random weights.
 *
 *   onnx-step [--batch 32] [--length 64] [--micro 8,16,32] [--threads 2] [--steps 5] [--profile PREFIX] [--no-dropout]
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { differentiate } from '../../engine/autodiff/gradient.ts';
import type { HostTensor, WeightSource } from '../../engine/backends/executable.ts';
import { compileOnnx } from '../../engine/backends/onnx/compile.ts';
import { createRandom, fillNormal, randomKey } from '../../engine/base/random.ts';
import * as b from '../../engine/ir/build.ts';
import { symbol } from '../../engine/ir/dim.ts';
import { FP32, type Program } from '../../engine/ir/program.ts';
import type { Tensor } from '../../engine/ir/tensor.ts';
import { tensorType, type Shape } from '../../engine/ir/types.ts';
import { FnBuilder } from '../../engine/tracing/builder.ts';

export interface StepOptions {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly inner: number;
  readonly vocabulary: number;
  readonly classes: number;
  readonly rank: number;
  /** 0 leaves dropout out. */
  readonly dropout: number;
}

export const MINILM: StepOptions = {
  layers: 6,
  width: 384,
  heads: 12,
  inner: 1536,
  vocabulary: 30522,
  classes: 2,
  rank: 8,
  dropout: 0.1,
};

const B = symbol('B');
const T = symbol('T');

class Encoder {
  readonly #builder: FnBuilder;
  readonly #options: StepOptions;
  readonly #key: Tensor;
  readonly #rows: Tensor;
  readonly #examples: Tensor;

  constructor(builder: FnBuilder, options: StepOptions) {
    this.#builder = builder;
    this.#options = options;
    this.#key = builder.param('key', 'input', tensorType('u32', [2]));
    this.#rows = builder.param('rows', 'input', tensorType('i32', [B, T]));
    this.#examples = builder.param('examples', 'input', tensorType('i32', [B]));
  }

  weight(name: string, shape: Shape): Tensor {
    return this.#builder.param(name, 'weight', tensorType('f32', shape));
  }

  trainable(name: string, shape: Shape): Tensor {
    return this.#builder.param(name, 'trainable', tensorType('f32', shape));
  }

  drop(x: Tensor, site: string, perToken = true): Tensor {
    const p = this.#options.dropout;
    if (p === 0) return x;
    return b.mul(x, b.noise(this.#key, perToken ? this.#rows : this.#examples, site, x.type.shape, { kind: 'keep', p }));
  }

  linear(x: Tensor, name: string, inner: number, outer: number): Tensor {
    const y = b.matmul(x, this.weight(`${name}/weight`, [outer, inner]), { transposeB: true });
    return b.add(y, this.weight(`${name}/bias`, [outer]));
  }

  lora(x: Tensor, name: string): Tensor {
    const { width, rank } = this.#options;
    const down = b.matmul(this.drop(x, `${name}/lora`), this.trainable(`${name}/lora/A`, [rank, width]), { transposeB: true });
    const up = b.matmul(down, this.trainable(`${name}/lora/B`, [width, rank]), { transposeB: true });
    return b.add(this.linear(x, name, width, width), b.mul(up, 2));
  }

  norm(x: Tensor, name: string): Tensor {
    const { width } = this.#options;
    return b.layerNorm(x, this.weight(`${name}/gamma`, [width]), this.weight(`${name}/beta`, [width]), 1e-12)[0];
  }

  layer(x: Tensor, lengths: Tensor, index: number, selected: boolean): Tensor {
    const { width, heads, inner, dropout } = this.#options;
    const at = `layers/${index}`;
    this.#builder.setPath(at);
    // Row selection: only position 0 is read after the last layer, so its queries and all that follow are one row.
    const rows = selected ? b.slice(x, -2, 0, 1) : x;
    const q = selected ? this.loraRow(x, `${at}/query`) : this.lora(x, `${at}/query`);
    const k = this.linear(x, `${at}/key`, width, width);
    const v = this.lora(x, `${at}/value`);
    const shape: Shape = [B, heads, q.type.shape[1]!, T];
    const keep = dropout === 0 ? undefined : b.noise(this.#key, this.#examples, `${at}/attention`, shape, { kind: 'keep', p: dropout });
    const scale = 1 / Math.sqrt(width / heads);
    const context = b.attention(q, k, v, lengths, keep, { heads, scale, causal: false, prefix: 0 });
    const token = !selected;
    const attended = this.drop(this.linear(context, `${at}/out`, width, width), `${at}/out`, token);
    const middle = this.norm(b.add(rows, attended), `${at}/norm1`);
    const up = b.gelu(this.linear(middle, `${at}/up`, width, inner));
    const down = this.drop(this.linear(up, `${at}/down`, inner, width), `${at}/down`, token);
    return this.norm(b.add(middle, down), `${at}/norm2`);
  }

  /** LoRA on position 0 alone; its dropout is that of the whole, sliced. */
  loraRow(x: Tensor, name: string): Tensor {
    const { width, rank } = this.#options;
    const dropped = b.slice(this.drop(x, `${name}/lora`), -2, 0, 1);
    const down = b.matmul(dropped, this.trainable(`${name}/lora/A`, [rank, width]), { transposeB: true });
    const up = b.matmul(down, this.trainable(`${name}/lora/B`, [width, rank]), { transposeB: true });
    return b.add(this.linear(b.slice(x, -2, 0, 1), name, width, width), b.mul(up, 2));
  }

  loss(): Tensor {
    const { layers, width, vocabulary, classes } = this.#options;
    const ids = this.#builder.param('ids', 'input', tensorType('i32', [B, T]));
    const lengths = this.#builder.param('lengths', 'input', tensorType('i32', [B]));
    const labels = this.#builder.param('labels', 'input', tensorType('i32', [B]));
    const words = b.gather(this.weight('embeddings/word', [vocabulary, width]), ids);
    const positions = b.slice(this.weight('embeddings/position', [512, width]), -2, 0, T);
    let x = this.drop(this.norm(b.add(b.add(words, positions), this.weight('embeddings/type', [width])), 'embeddings/norm'), 'embeddings');
    for (let i = 0; i < layers; i++) x = this.layer(x, lengths, i, i === layers - 1);
    this.#builder.setPath('head');
    const pooled = b.tanh(this.linear(b.reshape(x, [B, width]), 'pooler', width, width));
    const head = b.matmul(this.drop(pooled, 'classifier', false), this.trainable('classifier/weight', [classes, width]), { transposeB: true });
    const logits = b.add(head, this.trainable('classifier/bias', [classes]));
    return b.sum(b.crossEntropy(logits, labels)[0], [-1]);
  }
}

/** Loss and gradients of all trainables. */
export function stepProgram(options: StepOptions): Program {
  const builder = new FnBuilder();
  const loss = new Encoder(builder, options).loss();
  const fn = builder.finish('step', [{ name: 'loss', value: loss }]);
  const symbols = [
    { name: 'B', min: 1, max: 4096 },
    { name: 'T', min: 1, max: 512 },
  ];
  const program: Program = { symbols, functions: new Map([[fn.name, fn]]), entry: fn.name, policy: FP32 };
  const wrt = fn.params.filter((p) => p.role === 'trainable').map((p) => p.name);
  return differentiate(program, { of: 'loss', wrt }).program;
}

const f32 = (shape: readonly number[], name: string): HostTensor => {
  const data = new Float32Array(shape.reduce((p, n) => p * n, 1));
  fillNormal(data, randomKey(7, name), /gamma/.test(name) ? 1 : 0, 0.02);
  return { dtype: 'f32', shape, data };
};

export function randomWeights(program: Program): { weights: Map<string, WeightSource>; trainables: Map<string, HostTensor> } {
  const fn = program.functions.get(program.entry)!;
  const weights = new Map<string, WeightSource>();
  const trainables = new Map<string, HostTensor>();
  for (const p of fn.params) {
    const shape = fn.values.get(p.id)!.type.shape as number[];
    if (p.role === 'weight') weights.set(p.name, { kind: 'memory', tensor: f32(shape, p.name) });
    if (p.role === 'trainable') trainables.set(p.name, f32(shape, p.name));
  }
  return { weights, trainables };
}

export function stepInputs(first: number, batch: number, length: number, step = 0): Map<string, HostTensor> {
  const random = createRandom(randomKey(11, 'data', first));
  const i32 = (shape: readonly number[], f: (i: number) => number): HostTensor => ({
    dtype: 'i32',
    shape,
    data: Int32Array.from({ length: shape.reduce((p, n) => p * n, 1) }, (_, i) => f(i)),
  });
  return new Map<string, HostTensor>([
    ['key', { dtype: 'u32', shape: [2], data: Uint32Array.of(step, 99) }],
    ['rows', i32([batch, length], (i) => first * length + i)],
    ['examples', i32([batch], (i) => first + i)],
    ['ids', i32([batch, length], () => random.below(30000))],
    ['lengths', i32([batch], () => length)],
    ['labels', i32([batch], () => random.below(2))],
  ]);
}

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
    },
  });
  const [batch, length, steps, threads] = [values.batch, values.length, values.steps, values.threads].map(Number) as [number, number, number, number];
  const program = stepProgram({ ...MINILM, dropout: values['no-dropout'] ? 0 : 0.1 });
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
          const results = await executable.run(new Map([...trainables, ...stepInputs(first, micro, length, step)]));
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
  const file = readdirSync(dirname(prefix)).filter((f) => f.startsWith(basename(prefix))).sort().pop();
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
