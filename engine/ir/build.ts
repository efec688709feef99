/**
 * One typed constructor per op, and the few compositions that rules and nodes share. These are the words that a node is
 * written in. Broadcasting of elementwise ops follows numpy; axes are counted from the end.
 */
import { BugError } from '../base/errors.ts';
import { addDims, type Dim } from './dim.ts';
import type { NoiseDistribution, OpAttrs, OpName } from './opAttrs.ts';
import type { Tensor } from './tensor.ts';
import type { DType, Shape } from './types.ts';

function one<K extends OpName>(op: K, inputs: readonly [Tensor, ...Tensor[]], attrs: OpAttrs[K]): Tensor {
  return inputs[0].emitter.emit(op, inputs, attrs)[0] as Tensor;
}

export const neg = (x: Tensor): Tensor => one('neg', [x], {});
export const exp = (x: Tensor): Tensor => one('exp', [x], {});
export const log = (x: Tensor): Tensor => one('log', [x], {});
export const sqrt = (x: Tensor): Tensor => one('sqrt', [x], {});
/** 1 / sqrt(x) */
export const rsqrt = (x: Tensor): Tensor => one('rsqrt', [x], {});
export const tanh = (x: Tensor): Tensor => one('tanh', [x], {});
export const erf = (x: Tensor): Tensor => one('erf', [x], {});
export const sigmoid = (x: Tensor): Tensor => one('sigmoid', [x], {});
export const relu = (x: Tensor): Tensor => one('relu', [x], {});
export const abs = (x: Tensor): Tensor => one('abs', [x], {});
export const sign = (x: Tensor): Tensor => one('sign', [x], {});
export const sin = (x: Tensor): Tensor => one('sin', [x], {});
export const cos = (x: Tensor): Tensor => one('cos', [x], {});
export const not = (x: Tensor): Tensor => one('not', [x], {});
export const gelu = (x: Tensor, approximate: 'none' | 'tanh' = 'none'): Tensor => one('gelu', [x], { approximate });

type Operand = Tensor | number;

function operands(a: Operand, b: Operand): [Tensor, Tensor] {
  if (typeof a !== 'number') return [a, typeof b === 'number' ? scalarLike(a, b) : b];
  if (typeof b === 'number') throw new BugError('an elementwise op needs at least one tensor');
  return [scalarLike(b, a), b];
}

export const add = (a: Operand, b: Operand): Tensor => one('add', operands(a, b), {});
export const sub = (a: Operand, b: Operand): Tensor => one('sub', operands(a, b), {});
export const mul = (a: Operand, b: Operand): Tensor => one('mul', operands(a, b), {});
export const div = (a: Operand, b: Operand): Tensor => one('div', operands(a, b), {});
export const max = (a: Operand, b: Operand): Tensor => one('max', operands(a, b), {});
export const min = (a: Operand, b: Operand): Tensor => one('min', operands(a, b), {});
export const pow = (a: Operand, b: Operand): Tensor => one('pow', operands(a, b), {});
export const eq = (a: Operand, b: Operand): Tensor => one('eq', operands(a, b), {});
export const lt = (a: Operand, b: Operand): Tensor => one('lt', operands(a, b), {});
export const and = (a: Tensor, b: Tensor): Tensor => one('and', [a, b], {});
/** `condition ? a : b`, broadcast */
export const select = (condition: Tensor, a: Tensor, b: Tensor): Tensor => one('select', [condition, a, b], {});

export const cast = (x: Tensor, dtype: DType): Tensor => (x.type.dtype === dtype ? x : one('cast', [x], { dtype }));

/** A tensor of one repeated value, in the function that `like` belongs to. */
export const constant = (like: Tensor, dtype: DType, shape: Shape, value: number): Tensor =>
  like.emitter.emit('constant', [], { dtype, shape, value })[0] as Tensor;
/** A scalar in the dtype of `like`. */
export const scalarLike = (like: Tensor, value: number): Tensor => constant(like, like.type.dtype, [], value);
export const zerosLike = (x: Tensor): Tensor => constant(x, x.type.dtype, x.type.shape, 0);
/** The run-time value of a dimension as an f32 scalar. */
export const dimension = (like: Tensor, of: Dim): Tensor => like.emitter.emit('dimension', [], { of })[0] as Tensor;
/** 0, 1, ..., size - 1 as i32 `[size]`. */
export const iota = (like: Tensor, size: Dim): Tensor => like.emitter.emit('iota', [], { size })[0] as Tensor;

export const reshape = (x: Tensor, shape: Shape): Tensor => one('reshape', [x], { shape });
export const transpose = (x: Tensor, perm: readonly number[]): Tensor => one('transpose', [x], { perm });
export const broadcastTo = (x: Tensor, shape: Shape): Tensor => one('broadcastTo', [x], { shape });
export const slice = (x: Tensor, axis: number, start: Dim, size: Dim): Tensor =>
  one('slice', [x], { axis, start, size });
/** Zeros before and after along one axis. */
export const pad = (x: Tensor, axis: number, before: Dim, after: Dim): Tensor =>
  one('pad', [x], { axis, before, after });
export const concat = (xs: readonly [Tensor, ...Tensor[]], axis: number): Tensor =>
  xs.length === 1 ? xs[0] : one('concat', xs, { axis });

/** Rows of `table [R, ...]` at `index`: `[...index.shape, ...]`. */
export const gather = (table: Tensor, index: Tensor): Tensor => one('gather', [table, index], {});
/** Adds `updates [...index.shape, ...]` into zeros `[rows, ...]`: the transpose of `gather`. */
export const scatterAdd = (updates: Tensor, index: Tensor, rows: Dim): Tensor =>
  one('scatterAdd', [updates, index], { rows });
/** The real tokens `[N, ...]` of a padded `[B, T, ...]`; `index` i32 `[N]` holds their flat positions. */
export const pack = (x: Tensor, index: Tensor, rows: Dim): Tensor => one('pack', [x, index], { rows });
/** `[N, ...]` back to `[B, T, ...]`, zeros at the padding. */
export const unpack = (x: Tensor, index: Tensor, batch: Dim, length: Dim): Tensor =>
  one('unpack', [x, index], { batch, length });
/** 1 at the real tokens and 0 at the padding: f32 `[B, length]`. */
export const tokenMask = (lengths: Tensor, length: Dim): Tensor => one('tokenMask', [lengths], { length });

/** Matrix product of the last two axes; leading axes agree, or `b` is a plain matrix. */
export const matmul = (a: Tensor, b: Tensor, options: { transposeA?: boolean; transposeB?: boolean } = {}): Tensor =>
  one('matmul', [a, b], { transposeA: options.transposeA ?? false, transposeB: options.transposeB ?? false });
export const sum = (x: Tensor, axes: readonly number[], keep = false): Tensor => one('sum', [x], { axes, keep });
export const reduceMax = (x: Tensor, axes: readonly number[], keep = false): Tensor =>
  one('reduceMax', [x], { axes, keep });

export const softmax = (x: Tensor): Tensor => one('softmax', [x], {});
/** Normalises the last axis: `(x - mean) * rstd * gamma + beta`, biased variance. Gives y, mean, rstd. */
export const layerNorm = (x: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): readonly [Tensor, Tensor, Tensor] =>
  x.emitter.emit('layerNorm', [x, gamma, beta], { epsilon }) as unknown as readonly [Tensor, Tensor, Tensor];
/** Multi-head attention: q `[B, Tq, H*dh]`, k and v `[B, Tk, H*dh]`, key lengths i32 `[B]` (prefix not counted), keep factors `[B, H, Tq, Tk]`. */
export const attention = (
  q: Tensor,
  k: Tensor,
  v: Tensor,
  lengths: Tensor,
  keep: Tensor | undefined,
  attrs: Omit<OpAttrs['attention'], 'dropout'>,
): Tensor =>
  one('attention', keep ? [q, k, v, lengths, keep] : [q, k, v, lengths], { ...attrs, dropout: keep !== undefined });
/** Negative log-likelihood and log-sum-exp per row of `logits [..., C]` at `labels [...]`; 0 where the label is ignored. */
export const crossEntropy = (logits: Tensor, labels: Tensor, ignoreIndex = -100): readonly [Tensor, Tensor] =>
  logits.emitter.emit('crossEntropy', [logits, labels], { ignoreIndex }) as unknown as readonly [Tensor, Tensor];

/** Counter noise at a site: `key` u32 `[2]`; `rows` i32, whose shape begins `shape`, holds the logical coordinate of each row. */
export const noise = (key: Tensor, rows: Tensor, site: string, shape: Shape, distribution: NoiseDistribution): Tensor =>
  one('noise', [key, rows], { site, shape, distribution });
/** `x`, not to be computed or merged before `after` is there. */
export const barrier = (x: Tensor, after: Tensor): Tensor => one('barrier', [x, after], {});
export const stopGradient = (x: Tensor): Tensor => one('stopGradient', [x], {});

/** Sum over the last `axes`, divided by their sizes. */
export function mean(x: Tensor, axes: readonly number[], keep = false): Tensor {
  const sizes = axes.map((a) => x.type.shape[x.type.shape.length + a] as Dim);
  const fixed = sizes.every((d) => typeof d === 'number') ? sizes.reduce<number>((p, d) => p * d, 1) : undefined;
  if (fixed !== undefined) return mul(sum(x, axes, keep), 1 / fixed);
  return sizes.reduce<Tensor>((total, d) => div(total, dimension(x, d)), sum(x, axes, keep));
}

/** Adds `x` up over the axes along which it had been broadcast from `shape`. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  const from = x.type.shape;
  const axes: number[] = [];
  for (let i = 1; i <= from.length; i++) {
    const target = shape[shape.length - i];
    if (target === undefined || (target === 1 && from[from.length - i] !== 1)) axes.push(-i);
  }
  const reduced = axes.length === 0 ? x : sum(x, axes.reverse(), false);
  return reduced.type.shape.length === shape.length && reduced.type.shape.every((d, i) => d === shape[i])
    ? reduced
    : reshape(reduced, shape);
}

/** Splits one axis in equal static parts. */
export function split(x: Tensor, axis: number, sizes: readonly Dim[]): Tensor[] {
  let start: Dim = 0;
  return sizes.map((size) => {
    const part = slice(x, axis, start, size);
    start = addDims(start, size);
    return part;
  });
}

/** Names a value for printed programs and emitted code, and returns it. */
export function named(name: string, x: Tensor): Tensor {
  x.emitter.name(x, name);
  return x;
}
