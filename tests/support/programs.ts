/**
 * Random programs with every kind of instruction: calls, stacks with collected values and bodies of their own, checkpoint,
 * reversible and custom-gradient regions. Values are `f32[B,T,4]`, so that every op may follow every other.
 */
import type { Random } from '../../engine/base/random.ts';
import * as t from '../../engine/ir/build.ts';
import { symbol, type SymbolDecl } from '../../engine/ir/dim.ts';
import { FP32, type Fn, type Program, type Region } from '../../engine/ir/program.ts';
import type { Tensor } from '../../engine/ir/tensor.ts';
import { concreteShape, tensorType, type ValueType } from '../../engine/ir/types.ts';
import { FnBuilder } from '../../engine/tracing/builder.ts';
import { randomArray, testRandom } from './arrays.ts';
import type { Feeds } from './gradients.ts';

export const B = symbol('B');
export const T = symbol('T');
export const WIDTH = 4;
export const SYMBOLS: readonly SymbolDecl[] = [
  { name: 'B', min: 1, max: 64 },
  { name: 'T', min: 1, max: 512 },
];
export const BINDINGS = new Map([
  ['B', 2],
  ['T', 3],
]);
export const ROWS: ValueType = tensorType('f32', [B, T, WIDTH]);
export const MATRIX: ValueType = tensorType('f32', [WIDTH, WIDTH]);
export const VECTOR: ValueType = tensorType('f32', [WIDTH]);

/** What a function body may use besides its stream: lengths, noise key and coordinates, a matrix and a vector. */
interface Surroundings {
  readonly lengths: Tensor;
  readonly key: Tensor;
  readonly coordinates: Tensor;
  readonly matrix: Tensor;
  readonly vector: Tensor;
}

type Step = (x: Tensor, y: Tensor, s: Surroundings, random: Random) => Tensor;

const heads = (x: Tensor): Tensor => t.reshape(x, [B, T, 2, 2]);

/** Steps from rows to rows; numbers stay of order one. */
const STEPS: readonly Step[] = [
  (x) => t.tanh(x),
  (x) => t.mul(t.gelu(x), 0.9),
  (x) => t.sin(x),
  (x) => t.sub(1, t.sigmoid(x)),
  (x) => t.log(t.add(t.exp(t.tanh(x)), 0.5)),
  (x) => t.mul(t.relu(x), 0.8),
  (x, y) => t.mul(t.add(x, y), 0.5),
  (x, y) => t.mul(x, t.tanh(y)),
  (x, y) => t.div(x, t.add(t.mul(y, y), 1)),
  (x, y) => t.select(t.lt(x, y), x, t.mul(y, 0.5)),
  (x, _y, s) => t.add(t.matmul(x, s.matrix), s.vector),
  (x, _y, s) => t.matmul(x, s.matrix, { transposeB: true }),
  (x, _y, s) => t.layerNorm(x, s.vector, s.vector, 0.1)[0],
  (x) => t.softmax(x),
  (x) => t.concat([t.slice(x, -1, 2, 2), t.slice(x, -1, 0, 2)], -1),
  (x) => t.reshape(t.transpose(heads(x), [0, 1, 3, 2]), [B, T, WIDTH]),
  (x) => t.sub(x, t.mean(x, [-1], true)),
  (x) => t.mul(x, t.reduceMax(t.sigmoid(x), [-1], true)),
  (x) => t.add(x, t.broadcastTo(t.mean(x, [-2, -1], true), [B, T, WIDTH])),
  (x) => t.add(x, t.slice(t.pad(x, -1, 1, 1), -1, 0, WIDTH)),
  (x, y) => t.barrier(x, y),
  (x, y, s) => t.attention(x, y, y, s.lengths, undefined, { heads: 2, scale: 0.7, causal: false, prefix: 0 }),
  (x, _y, s, random) =>
    t.mul(x, t.noise(s.key, s.coordinates, `site${random.below(3)}`, [B, T, WIDTH], { kind: 'keep', p: 0.25 })),
  (x, _y, s) => t.mul(x, t.reshape(t.tokenMask(s.lengths, T), [B, T, 1])),
];

/** Steps whose gradient is not that of the function: finite differences say nothing about them. */
const CUTS: readonly Step[] = [(x, y) => t.add(x, t.stopGradient(y))];

export interface ProgramOptions {
  /** Whether `stopGradient` may occur; it does by default. */
  readonly cuts?: boolean;
}

/** Where choices come from, and what may be chosen. */
interface Draw {
  readonly random: Random;
  readonly menu: readonly Step[];
}

function steps({ random, menu }: Draw, count: number, x: Tensor, s: Surroundings): Tensor {
  const pool = [x];
  for (let i = 0; i < count; i++) {
    const step = menu[random.below(menu.length)]!;
    const other = pool[random.below(pool.length)]!;
    const next = step(pool[pool.length - 1]!, other, s, random);
    pool.push(random.below(3) === 0 ? t.named(`step${i}`, next) : next);
  }
  return pool[pool.length - 1]!;
}

const SURROUNDINGS: readonly (readonly [keyof Surroundings, ValueType])[] = [
  ['lengths', tensorType('i32', [B])],
  ['key', tensorType('u32', [2])],
  ['coordinates', tensorType('i32', [B, T])],
  ['matrix', MATRIX],
  ['vector', VECTOR],
];

function surroundingParams(builder: FnBuilder): Surroundings {
  const made = SURROUNDINGS.map(([name, type]) => [name, builder.param(name, 'input', type)] as const);
  return Object.fromEntries(made) as unknown as Surroundings;
}

const surroundingList = (s: Surroundings): Tensor[] => SURROUNDINGS.map(([name]) => s[name]);

/** x -> x' */
function bodyFn(draw: Draw, name: string): Fn {
  const builder = new FnBuilder();
  const x = builder.param('x', 'input', ROWS);
  const s = surroundingParams(builder);
  const origin = { nodeType: `test.${name}`, doc: 'A random function.', args: { seed: 1, bias: true, act: 'gelu' } };
  return builder.finish(name, [{ name: 'y', value: steps(draw, 4, x, s) }], origin);
}

/** x, surroundings, own matrices -> x', one collected value per layer. */
function layerFn(draw: Draw, name: string, own: number): Fn {
  const builder = new FnBuilder();
  const x = builder.param('x', 'input', ROWS);
  const s = surroundingParams(builder);
  const matrices = Array.from({ length: own }, (_, i) => builder.param(`own${i}`, 'trainable', MATRIX));
  const y = matrices.reduce((v, w) => t.tanh(t.matmul(v, w)), steps(draw, 2, x, s));
  const collected = t.named('pooled', t.mean(y, [-2]));
  return builder.finish(name, [
    { name: 'x', value: t.mul(t.add(x, y), 0.7) },
    { name: 'pooled', value: collected },
  ]);
}

/** y1 = x1 + f(x2), y2 = x2 + f(y1), f(z) = tanh(z w); and its inverse. */
function reversibleFns(): readonly [Fn, Fn] {
  const f = (z: Tensor, w: Tensor): Tensor => t.tanh(t.matmul(z, w));
  const forward = new FnBuilder();
  const [x1, x2] = [forward.param('x1', 'input', ROWS), forward.param('x2', 'input', ROWS)];
  const w = forward.param('w', 'trainable', MATRIX);
  const y1 = t.add(x1, f(x2, w));
  const y2 = t.add(x2, f(y1, w));
  const backward = new FnBuilder();
  const [z1, z2] = [backward.param('y1', 'input', ROWS), backward.param('y2', 'input', ROWS)];
  const v = backward.param('w', 'trainable', MATRIX);
  const r2 = t.sub(z2, f(z1, v));
  const r1 = t.sub(z1, f(r2, v));
  const pair = (a: string, x: Tensor, b: string, y: Tensor) => [
    { name: a, value: x },
    { name: b, value: y },
  ];
  return [forward.finish('couple', pair('y1', y1, 'y2', y2)), backward.finish('uncouple', pair('x1', r1, 'x2', r2))];
}

/** x w, and its gradient as a function of its own: (x, w, y, c) -> (c w^T, sum x^T c). */
function customFns(): readonly [Fn, Fn] {
  const forward = new FnBuilder();
  const y = t.matmul(forward.param('x', 'input', ROWS), forward.param('w', 'trainable', MATRIX));
  const vjp = new FnBuilder();
  const x = vjp.param('x', 'input', ROWS);
  const w = vjp.param('w', 'input', MATRIX);
  vjp.param('y', 'input', ROWS);
  const c = vjp.param('c', 'input', ROWS);
  const dw = t.sum(t.matmul(x, c, { transposeA: true }), [-3]);
  const grads = [
    { name: 'x', value: t.matmul(c, w, { transposeB: true }) },
    { name: 'w', value: dw },
  ];
  return [forward.finish('product', [{ name: 'y', value: y }]), vjp.finish('productVjp', grads)];
}

const PLAIN: Region = { kind: 'plain' };
const CHECKPOINT: Region = { kind: 'checkpoint' };

export interface RandomProgram {
  readonly program: Program;
  readonly feeds: Feeds;
  /** Names of the parameters that `loss` is differentiated in. */
  readonly wrt: readonly string[];
}

export function randomProgram(seed: number, options: ProgramOptions = {}): RandomProgram {
  const random = testRandom('program', seed);
  const draw: Draw = { random, menu: options.cuts === false ? STEPS : [...STEPS, ...CUTS] };
  const plain = bodyFn(draw, 'body');
  const layers = [layerFn(draw, 'layer1', 1), layerFn(draw, 'layer2', 2)];
  const [couple, uncouple] = reversibleFns();
  const [product, productVjp] = customFns();
  const builder = new FnBuilder();
  const x = builder.param('x', 'input', ROWS);
  const s = surroundingParams(builder);
  const weight = builder.param('lora/A', 'trainable', MATRIX);
  const frozen = builder.param('ffn/W', 'weight', MATRIX);
  const list = surroundingList(s);

  const parts: readonly ((v: Tensor, site: string) => Tensor)[] = [
    (v) => steps(draw, 3, v, s),
    (v, site) => builder.call(plain, site, [v, ...list], PLAIN)[0]!,
    (v, site) => builder.call(plain, site, [v, ...list], CHECKPOINT)[0]!,
    (v, site) => {
      const bodies = [layers[random.below(2)]!, layers[random.below(2)]!];
      const own = bodies.map((b) => (b.name === 'layer1' ? [weight] : [weight, frozen]));
      const region = random.below(2) === 0 ? CHECKPOINT : PLAIN;
      const spec = { site, first: random.below(5), bodies, region, carry: [v], broadcast: list, layerInputs: own };
      const [carried, pooled] = builder.repeat(spec);
      return t.add(carried!, t.reshape(t.sum(pooled!, [-3]), [B, 1, WIDTH]));
    },
    (v, site) => {
      const region: Region = { kind: 'reversible', inverse: uncouple.name, streams: 2 };
      const spec = { site, first: 0, bodies: [couple, couple], region, carry: [v, v], broadcast: [] };
      const [a, b] = builder.repeat({ ...spec, layerInputs: [[weight], [frozen]] });
      return t.mul(t.add(a!, b!), 0.5);
    },
    (v, site) => builder.call(product, site, [v, weight], { kind: 'customVjp', vjp: productVjp.name })[0]!,
  ];
  let value = x;
  // Every part once, in a random order, then some again.
  const order = Array.from({ length: parts.length + random.below(4) }, (_, i) =>
    i < parts.length ? i : random.below(parts.length),
  );
  random.shuffle(order);
  order.forEach((part, i) => (value = parts[part]!(value, `part${i}`)));
  const loss = t.named('loss', t.mean(t.mul(value, value), [-3, -2, -1]));
  const main = builder.finish('main', [
    { name: 'loss', value: loss },
    { name: 'hidden', value },
  ]);
  const functions = [main, plain, ...layers, couple, uncouple, product, productVjp];
  const program: Program = {
    symbols: SYMBOLS,
    functions: new Map(functions.map((fn) => [fn.name, fn])),
    entry: 'main',
    policy: FP32,
  };
  return { program, feeds: feedsOf(main, random), wrt: ['lora/A', 'x', 'vector'] };
}

/** Random arrays for the parameters of a function. */
export function feedsOf(fn: Fn, random: Random, bindings: ReadonlyMap<string, number> = BINDINGS): Feeds {
  const length = bindings.get('T') ?? 1;
  return new Map(
    fn.params.map((p) => {
      const { dtype, shape } = fn.values.get(p.id)!.type;
      const range: readonly [number, number] =
        dtype === 'f32' ? [-1, 1] : p.name === 'lengths' ? [1, length + 1] : [0, 100];
      return [p.name, randomArray(random, { dtype, shape: concreteShape(shape, bindings), range })];
    }),
  );
}
