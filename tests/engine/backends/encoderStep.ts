/**
 * A training step of a BERT-like encoder with LoRA on query and value, built by hand on the ops: for tests and measurements of
 * backends that must not depend on the compiler. Packing and the row selection of the last layer are written in by hand.
 */
import { differentiate } from '../../../engine/autodiff/gradient.ts';
import type { HostTensor, WeightSource } from '../../../engine/backends/executable.ts';
import { createRandom, fillNormal, randomKey } from '../../../engine/base/random.ts';
import * as b from '../../../engine/ir/build.ts';
import { symbol, type Dim } from '../../../engine/ir/dim.ts';
import { FP32, type Program } from '../../../engine/ir/program.ts';
import type { Tensor } from '../../../engine/ir/tensor.ts';
import { tensorType, type Shape } from '../../../engine/ir/types.ts';
import { FnBuilder } from '../../../engine/tracing/builder.ts';

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
  /** Token-wise work on the real tokens only. */
  readonly packed: boolean;
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
  packed: false,
};

const B = symbol('B');
const T = symbol('T');
const N = symbol('N');

class Encoder {
  readonly #builder: FnBuilder;
  readonly #options: StepOptions;
  readonly #key: Tensor;
  readonly #rows: Tensor;
  readonly #examples: Tensor;
  readonly #packing: Tensor | undefined;
  readonly #starts: Tensor | undefined;

  constructor(builder: FnBuilder, options: StepOptions) {
    this.#builder = builder;
    this.#options = options;
    this.#key = builder.param('key', 'input', tensorType('u32', [2]));
    const tokens = builder.param('tokens', 'input', tensorType('i32', [B, T]));
    this.#examples = builder.param('examples', 'input', tensorType('i32', [B]));
    this.#packing = options.packed ? builder.param('packing', 'input', tensorType('i32', [N])) : undefined;
    this.#starts = options.packed ? builder.param('starts', 'input', tensorType('i32', [B])) : undefined;
    this.#rows = this.pack(tokens);
  }

  pack(x: Tensor): Tensor {
    return this.#packing ? b.pack(x, this.#packing, N) : x;
  }

  unpack(x: Tensor): Tensor {
    return this.#packing ? b.unpack(x, this.#packing, B, T) : x;
  }

  /** The first token of every example: `[B, 1, ...]`. */
  first(x: Tensor): Tensor {
    if (!this.#starts) return b.slice(x, -2, 0, 1);
    return b.reshape(b.gather(x, this.#starts), [B, 1, ...x.type.shape.slice(1)]);
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
    const rows = perToken ? this.#rows : this.#examples;
    return b.mul(x, b.noise(this.#key, rows, site, x.type.shape, { kind: 'keep', p }));
  }

  linear(x: Tensor, name: string, inner: number, outer: number): Tensor {
    const y = b.matmul(x, this.weight(`${name}/weight`, [outer, inner]), { transposeB: true });
    return b.add(y, this.weight(`${name}/bias`, [outer]));
  }

  /** x W + b + 2 (drop(x) A) B; with `selected`, of the first tokens only. */
  lora(x: Tensor, name: string, selected = false): Tensor {
    const { width, rank } = this.#options;
    const dropped = this.drop(x, `${name}/lora`);
    const [rows, input] = selected ? [this.first(x), this.first(dropped)] : [x, dropped];
    const down = b.matmul(input, this.trainable(`${name}/lora/A`, [rank, width]), { transposeB: true });
    const up = b.matmul(down, this.trainable(`${name}/lora/B`, [width, rank]), { transposeB: true });
    return b.add(this.linear(rows, name, width, width), b.mul(up, 2));
  }

  norm(x: Tensor, name: string): Tensor {
    const { width } = this.#options;
    return b.layerNorm(x, this.weight(`${name}/gamma`, [width]), this.weight(`${name}/beta`, [width]), 1e-12)[0];
  }

  layer(x: Tensor, lengths: Tensor, index: number, selected: boolean): Tensor {
    const { width, heads, inner, dropout } = this.#options;
    const at = `layers/${index}`;
    this.#builder.setPath(at);
    // Row selection: only the first token is read after the last layer, so its query and all that follows are one row.
    const rows = selected ? this.first(x) : x;
    const q = this.lora(x, `${at}/query`, selected);
    const k = this.unpack(this.linear(x, `${at}/key`, width, width));
    const v = this.unpack(this.lora(x, `${at}/value`));
    const queries = selected ? q : this.unpack(q);
    const shape: Shape = [B, heads, queries.type.shape[1] as Dim, T];
    const keep =
      dropout === 0
        ? undefined
        : b.noise(this.#key, this.#examples, `${at}/attention`, shape, { kind: 'keep', p: dropout });
    const scale = 1 / Math.sqrt(width / heads);
    const attrs = { heads, scale, causal: false, prefix: 0 };
    const context = b.attention(queries, k, v, lengths, keep, attrs);
    const attended = this.linear(selected ? context : this.pack(context), `${at}/out`, width, width);
    const middle = this.norm(b.add(rows, this.drop(attended, `${at}/out`, !selected)), `${at}/norm1`);
    const up = b.gelu(this.linear(middle, `${at}/up`, width, inner));
    const down = this.drop(this.linear(up, `${at}/down`, inner, width), `${at}/down`, !selected);
    return this.norm(b.add(middle, down), `${at}/norm2`);
  }

  loss(): Tensor {
    const { layers, width, vocabulary, classes } = this.#options;
    const ids = this.#builder.param('ids', 'input', tensorType('i32', [B, T]));
    const lengths = this.#builder.param('lengths', 'input', tensorType('i32', [B]));
    const labels = this.#builder.param('labels', 'input', tensorType('i32', [B]));
    const words = b.gather(this.weight('embeddings/word', [vocabulary, width]), ids);
    const positions = b.slice(this.weight('embeddings/position', [512, width]), -2, 0, T);
    const summed = b.add(b.add(words, positions), this.weight('embeddings/type', [width]));
    let x = this.drop(this.norm(this.pack(summed), 'embeddings/norm'), 'embeddings');
    for (let i = 0; i < layers; i++) x = this.layer(x, lengths, i, i === layers - 1);
    this.#builder.setPath('head');
    const pooled = this.drop(
      b.tanh(this.linear(b.reshape(x, [B, width]), 'pooler', width, width)),
      'classifier',
      false,
    );
    const head = b.matmul(pooled, this.trainable('classifier/weight', [classes, width]), { transposeB: true });
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
    ...(options.packed ? [{ name: 'N', min: 1, max: 4096 * 512, packs: ['B', 'T'] as const }] : []),
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

export function randomWeights(program: Program): {
  weights: Map<string, WeightSource>;
  trainables: Map<string, HostTensor>;
} {
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

/** Examples `first` to `first + lengths.length`, each of its own length, padded to `length`. */
export function stepInputs(
  first: number,
  lengths: readonly number[],
  length: number,
  step = 0,
): Map<string, HostTensor> {
  const random = createRandom(randomKey(11, 'data', first));
  const batch = lengths.length;
  const i32 = (shape: readonly number[], f: (i: number) => number): HostTensor => ({
    dtype: 'i32',
    shape,
    data: Int32Array.from({ length: shape.reduce((p, n) => p * n, 1) }, (_, i) => f(i)),
  });
  const packing = lengths.flatMap((n, e) => Array.from({ length: n }, (_, t) => e * length + t));
  const starts = lengths.map((_, e) => packing.indexOf(e * length));
  return new Map<string, HostTensor>([
    ['key', { dtype: 'u32', shape: [2], data: Uint32Array.of(step, 99) }],
    ['tokens', i32([batch, length], (i) => first * length + i)],
    ['examples', i32([batch], (i) => first + i)],
    ['ids', i32([batch, length], () => random.below(20))],
    ['lengths', i32([batch], (i) => lengths[i] as number)],
    ['labels', i32([batch], () => random.below(2))],
    ['packing', i32([packing.length], (i) => packing[i] as number)],
    ['starts', i32([batch], (i) => starts[i] as number)],
  ]);
}
