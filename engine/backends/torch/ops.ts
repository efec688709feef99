/**
 * Every op as a PyTorch expression: the table is total, and is what is written where no pattern of `patterns.ts` knows a
 * more usual form. Integers are int64 in PyTorch. A scalar constant is a Python number.
 */
import { BugError } from '../../base/errors.ts';
import { isStatic, type Dim } from '../../ir/dim.ts';
import type { OpAttrs, OpName } from '../../ir/opAttrs.ts';
import type { DType, Shape, ValueType } from '../../ir/types.ts';
import type { HoleKind } from './holes.ts';
import {
  ALL,
  attribute,
  binary,
  ELLIPSIS,
  index,
  integer,
  invoke,
  method,
  NONE,
  slice,
  text,
  TRUE,
  tuple,
  dotted,
  type BinaryOp,
  type Expr,
} from './python/syntax.ts';
import { own } from './python/identifiers.ts';

export interface Operand {
  readonly expr: Expr;
  readonly type: ValueType;
  /** A Python number, not a tensor. */
  readonly isNumber: boolean;
}

/** What the expression of an op may ask for. */
export interface OpContext {
  readonly inputs: readonly Operand[];
  readonly outputs: readonly ValueType[];
  hole(kind: HoleKind, value: number, hint: string): Expr;
  /** The length of an axis of the op's first output. */
  outputSize(axis: number): Expr;
  /** The run-time value of any dimension. */
  dim(d: Dim): Expr;
  /** `device=` of the tensors that the function has; nothing where it has none. */
  device(): Readonly<Record<string, Expr>>;
  /** The attention module of this op. */
  attention(attrs: OpAttrs['attention']): Expr;
}

export type OpExpression<K extends OpName> = (attrs: OpAttrs[K], c: OpContext) => Expr | readonly Expr[];
type Table = { readonly [K in OpName]: OpExpression<K> };

const input = (c: OpContext, i: number): Operand => {
  const operand = c.inputs[i];
  if (!operand) throw new BugError(`an op has no input ${i}`);
  return operand;
};
const x = (c: OpContext, i = 0): Expr => input(c, i).expr;
const torch =
  (fn: string) =>
  (_attrs: unknown, c: OpContext): Expr =>
    invoke(`torch.${fn}`, [tensorOf(input(c, 0))]);
const operator =
  (op: BinaryOp) =>
  (_attrs: unknown, c: OpContext): Expr =>
    binary(op, x(c, 0), x(c, 1));

/** A tensor also where the operand is a Python number. */
const tensorOf = (o: Operand): Expr => (o.isNumber ? invoke('torch.tensor', [o.expr]) : o.expr);

const DTYPES: { readonly [K in DType]: string } = {
  f32: 'float32',
  f16: 'float16',
  bf16: 'bfloat16',
  i32: 'long',
  u32: 'long',
  bool: 'bool',
};
const CASTS: { readonly [K in DType]: string } = {
  f32: 'float',
  f16: 'half',
  bf16: 'bfloat16',
  i32: 'long',
  u32: 'long',
  bool: 'bool',
};
const dtype = (d: DType): Expr => dotted(`torch.${DTYPES[d]}`);

/** `x.clamp(min=0)` with a number, `torch.maximum(x, y)` with a tensor. */
const extreme =
  (fn: string, bound: string) =>
  (_attrs: unknown, c: OpContext): Expr => {
    const [a, b] = [input(c, 0), input(c, 1)];
    if (a.isNumber) return method(b.expr, 'clamp', [], { [bound]: a.expr });
    return b.isNumber ? method(a.expr, 'clamp', [], { [bound]: b.expr }) : invoke(`torch.${fn}`, [a.expr, b.expr]);
  };

const rank = (o: { readonly type: ValueType }): number => o.type.shape.length;
const swapped = (o: Operand): Expr => attribute(o.expr, own(rank(o) === 2 ? 'T' : 'mT'));

const axes = (list: readonly number[]): Expr =>
  list.length === 1 ? integer(list[0] as number) : tuple(list.map(integer));
const reduction =
  (fn: string) =>
  (attrs: { axes: readonly number[]; keep: boolean }, c: OpContext): Expr => {
    const all = attrs.axes.length === rank(input(c, 0)) && !attrs.keep;
    return method(x(c), fn, [], all ? {} : { dim: axes(attrs.axes), ...(attrs.keep ? { keepdim: TRUE } : {}) });
  };

const shapeOf = (shape: Shape, c: OpContext): Expr =>
  tuple(shape.map((d, i) => (isStatic(d) ? c.outputSize(i) : c.dim(d))));

function constant(attrs: OpAttrs['constant'], c: OpContext): Expr {
  const integral = attrs.dtype === 'i32' || attrs.dtype === 'u32';
  if (attrs.dtype === 'bool')
    return attrs.shape.length === 0 ? dotted(attrs.value ? 'True' : 'False') : filled(attrs, c, dotted('True'));
  const value = c.hole(integral ? 'integer' : 'number', attrs.value, 'constant');
  return attrs.shape.length === 0 ? value : filled(attrs, c, value);
}

function filled(attrs: OpAttrs['constant'], c: OpContext, value: Expr): Expr {
  const keywords = { ...(attrs.dtype === 'f32' ? {} : { dtype: dtype(attrs.dtype) }), ...c.device() };
  const shape = shapeOf(attrs.shape, c);
  if (attrs.value === 0) return invoke('torch.zeros', [shape], keywords);
  return attrs.value === 1 ? invoke('torch.ones', [shape], keywords) : invoke('torch.full', [shape, value], keywords);
}

/** The usual word for a change of shape: squeeze, unsqueeze, flatten, unflatten; else `reshape`. */
function reshape(attrs: OpAttrs['reshape'], c: OpContext): Expr {
  const from = input(c, 0).type.shape;
  const to = attrs.shape;
  const missing = axisOfOne(from, to);
  if (missing !== undefined) return method(x(c), 'squeeze', [integer(missing)]);
  const added = axisOfOne(to, from);
  if (added !== undefined) return method(x(c), 'unsqueeze', [integer(added === to.length - 1 ? -1 : added)]);
  const ones = addedOnes(from, to);
  if (ones) return index(x(c), ...ones);
  const same = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i]);
  const last = to.length - 1;
  if (last >= 1 && same(from.slice(0, last - 1), to.slice(0, last - 1)) && from.length === last)
    return method(x(c), 'unflatten', [integer(-1), tuple([dimAt(to, last - 1, c), integer(-1)])]);
  const end = from.length - 1;
  if (end >= 1 && same(from.slice(0, end - 1), to.slice(0, end - 1)) && to.length === end)
    return method(x(c), 'flatten', [integer(-2)]);
  if (to.length === 0) return method(x(c), 'squeeze');
  let free = to.findIndex((d) => !isStatic(d));
  if (free < 0) free = 0;
  return method(
    x(c),
    'reshape',
    to.map((_, i) => (i === free ? integer(-1) : dimAt(to, i, c))),
  );
}

const dimAt = (shape: Shape, axis: number, c: OpContext): Expr =>
  isStatic(shape[axis] as Dim) ? c.outputSize(axis) : c.dim(shape[axis] as Dim);

/** The axis of size 1 that `longer` has and `shorter` has not, when that is their only difference. */
function axisOfOne(longer: Shape, shorter: Shape): number | undefined {
  if (longer.length !== shorter.length + 1) return undefined;
  for (let i = longer.length - 1; i >= 0; i--) {
    if (longer[i] === 1 && longer.every((d, j) => j === i || d === shorter[j > i ? j - 1 : j])) return i;
  }
  return undefined;
}

/** Index items that add several axes of size 1: `x[:, None, None]`. */
function addedOnes(from: Shape, to: Shape): Expr[] | undefined {
  const items: Expr[] = [];
  let at = 0;
  for (const d of to) {
    if (d === from[at]) {
      items.push(ALL);
      at++;
    } else if (d === 1) items.push(NONE);
    else return undefined;
  }
  return at === from.length && items.length > 0 ? items : undefined;
}

function transpose(attrs: OpAttrs['transpose'], c: OpContext): Expr {
  const moved = attrs.perm.flatMap((p, i) => (p === i ? [] : [i]));
  if (moved.length === 0) return x(c);
  if (attrs.perm.length === 2) return attribute(x(c), own('T'));
  if (moved.length === 2) return method(x(c), 'transpose', moved.map(integer));
  return method(x(c), 'permute', attrs.perm.map(integer));
}

function broadcastTo(attrs: OpAttrs['broadcastTo'], c: OpContext): Expr {
  const from = input(c, 0).type.shape;
  const shift = attrs.shape.length - from.length;
  if (input(c, 0).isNumber) return invoke('torch.full', [shapeOf(attrs.shape, c), x(c)], c.device());
  return method(
    x(c),
    'expand',
    attrs.shape.map((d, i) => (i >= shift && from[i - shift] === d ? integer(-1) : dimAt(attrs.shape, i, c))),
  );
}

/** `x[..., 2:5]`, `x[:, 2:5]` */
export function sliceItems(axis: number, of: number, item: Expr): Expr[] {
  const position = of + axis;
  return position <= 1
    ? [...Array.from({ length: position }, () => ALL), item]
    : [ELLIPSIS, item, ...Array.from({ length: -axis - 1 }, () => ALL)];
}

function cut(attrs: OpAttrs['slice'], c: OpContext): Expr {
  const { start, size } = attrs;
  const x0 = input(c, 0);
  const position = rank(x0) + attrs.axis;
  const whole = x0.type.shape[position];
  const length = isStatic(size) ? c.outputSize(position) : c.dim(size);
  if (!isStatic(start) || !isStatic(size)) {
    const from = start === 0 ? undefined : isStatic(start) ? c.hole('integer', start, 'start') : c.dim(start);
    return index(x0.expr, ...sliceItems(attrs.axis, rank(x0), slice(from, from ? binary('+', from, length) : length)));
  }
  // A part among equal parts is counted in their size.
  const at = (place: number, hint: string): Expr => {
    if (place % size !== 0) return c.hole('integer', place, hint);
    return place === size ? length : binary('*', integer(place / size), length);
  };
  const from = start === 0 ? undefined : at(start, 'start');
  const to = start + size === whole ? undefined : at(start + size, 'end');
  return index(x0.expr, ...sliceItems(attrs.axis, rank(x0), slice(from, to)));
}

function padded(attrs: OpAttrs['pad'], c: OpContext): Expr {
  const side = (d: Dim, hint: string): Expr => (isStatic(d) ? c.hole('integer', d, hint) : c.dim(d));
  const inner = Array.from({ length: 2 * (-attrs.axis - 1) }, () => integer(0));
  return invoke('functional.pad', [x(c), tuple([...inner, side(attrs.before, 'before'), side(attrs.after, 'after')])]);
}

function matmul(attrs: OpAttrs['matmul'], c: OpContext): Expr {
  const [a, b] = [input(c, 0), input(c, 1)];
  if (attrs.transposeB && rank(b) === 2 && !attrs.transposeA) return invoke('functional.linear', [a.expr, b.expr]);
  return binary('@', attrs.transposeA ? swapped(a) : a.expr, attrs.transposeB ? swapped(b) : b.expr);
}

function layerNorm(attrs: OpAttrs['layerNorm'], c: OpContext): readonly Expr[] {
  const epsilon = c.hole('epsilon', attrs.epsilon, 'epsilon');
  const width = index(attribute(x(c), own('shape')), slice(integer(-1)));
  const variance = method(x(c), 'var', [], { dim: integer(-1), correction: integer(0) });
  return [
    invoke('functional.layer_norm', [x(c), width, x(c, 1), x(c, 2), epsilon]),
    method(x(c), 'mean', [], { dim: integer(-1) }),
    invoke('torch.rsqrt', [binary('+', variance, epsilon)]),
  ];
}

function crossEntropy(attrs: OpAttrs['crossEntropy'], c: OpContext): readonly Expr[] {
  const logits = rank(input(c, 0)) === 2 ? x(c) : method(x(c), 'movedim', [integer(-1), integer(1)]);
  const ignored = attrs.ignoreIndex === -100 ? {} : { ignore_index: c.hole('integer', attrs.ignoreIndex, 'ignored') };
  return [
    invoke('functional.cross_entropy', [logits, x(c, 1)], { reduction: text('none'), ...ignored }),
    invoke('torch.logsumexp', [x(c)], { dim: integer(-1) }),
  ];
}

function noise(attrs: OpAttrs['noise'], c: OpContext): Expr {
  const d = attrs.distribution;
  const shape = shapeOf(attrs.shape, c);
  const keywords = c.device();
  if (d.kind === 'uniform') return invoke('torch.rand', [shape], keywords);
  if (d.kind === 'normal') return invoke('torch.randn', [shape], keywords);
  const p = c.hole('probability', d.p, 'dropout');
  return invoke('functional.dropout', [
    invoke('torch.ones', [shape], keywords),
    p,
    attribute(dotted('self'), own('training')),
  ]);
}

const shapeFrom = (o: Operand, axis: number): Expr => ({
  kind: 'star',
  x: index(attribute(o.expr, own('shape')), slice(integer(axis))),
});

function scatterAdd(attrs: OpAttrs['scatterAdd'], c: OpContext): Expr {
  const [updates, rows] = [input(c, 0), input(c, 1)];
  const leading = rank(rows);
  const zeros = method(updates.expr, 'new_zeros', [
    isStatic(attrs.rows) ? c.outputSize(0) : c.dim(attrs.rows),
    shapeFrom(updates, leading),
  ]);
  const flat = leading === 1 ? updates.expr : method(updates.expr, 'flatten', [integer(0), integer(leading - 1)]);
  return method(zeros, 'index_add', [integer(0), leading === 1 ? rows.expr : method(rows.expr, 'flatten'), flat]);
}

function unpack(attrs: OpAttrs['unpack'], c: OpContext): Expr {
  const [batch, length] = [c.dim(attrs.batch), c.dim(attrs.length)];
  const zeros = method(x(c), 'new_zeros', [binary('*', batch, length), shapeFrom(input(c, 0), 1)]);
  return method(method(zeros, 'index_copy', [integer(0), x(c, 1), x(c)]), 'unflatten', [
    integer(0),
    tuple([batch, length]),
  ]);
}

export const OP_EXPRESSIONS: Table = {
  neg: (_a, c) => ({ kind: 'unary', op: '-', x: x(c) }),
  exp: torch('exp'),
  log: torch('log'),
  sqrt: torch('sqrt'),
  rsqrt: torch('rsqrt'),
  tanh: torch('tanh'),
  erf: torch('erf'),
  sigmoid: torch('sigmoid'),
  relu: (_a, c) => invoke('functional.relu', [x(c)]),
  abs: torch('abs'),
  sign: torch('sign'),
  sin: torch('sin'),
  cos: torch('cos'),
  not: (_a, c) => ({ kind: 'unary', op: '~', x: x(c) }),
  gelu: (a, c) => invoke('functional.gelu', [x(c)], a.approximate === 'tanh' ? { approximate: text('tanh') } : {}),
  add: operator('+'),
  sub: operator('-'),
  mul: operator('*'),
  div: operator('/'),
  max: extreme('maximum', 'min'),
  min: extreme('minimum', 'max'),
  pow: (_a, c) => invoke('torch.pow', [x(c), x(c, 1)]),
  eq: operator('=='),
  lt: operator('<'),
  and: operator('&'),
  select: (_a, c) => invoke('torch.where', [x(c), x(c, 1), x(c, 2)]),
  cast: (a, c) => (input(c, 0).isNumber ? x(c) : method(x(c), CASTS[a.dtype])),
  constant,
  dimension: (a, c) => c.dim(a.of),
  iota: (a, c) => invoke('torch.arange', [isStatic(a.size) ? c.outputSize(0) : c.dim(a.size)], c.device()),
  reshape,
  transpose,
  broadcastTo,
  slice: cut,
  pad: padded,
  concat: (a, c) => invoke('torch.cat', [tuple(c.inputs.map((o) => o.expr))], { dim: integer(a.axis) }),
  gather: (_a, c) => (rank(input(c, 0)) === 2 ? invoke('functional.embedding', [x(c, 1), x(c)]) : index(x(c), x(c, 1))),
  scatterAdd,
  pack: (_a, c) => index(method(x(c), 'flatten', [integer(0), integer(1)]), x(c, 1)),
  unpack,
  tokenMask: (a, c) => {
    const positions = invoke('torch.arange', [isStatic(a.length) ? c.outputSize(1) : c.dim(a.length)], c.device());
    const inside = binary('<', positions, index(x(c), ALL, NONE));
    return method(inside, 'float');
  },
  matmul,
  sum: reduction('sum'),
  reduceMax: reduction('amax'),
  softmax: (_a, c) => invoke('torch.softmax', [x(c)], { dim: integer(-1) }),
  layerNorm,
  attention: (a, c) => c.attention(a),
  crossEntropy,
  noise,
  barrier: (_a, c) => x(c),
  stopGradient: (_a, c) => method(x(c), 'detach'),
};
