/**
 * The usual PyTorch form of what a Program says in several ops: `self.query(x)` for a product and a sum, `self.dropout(x)`
 * for a product with noise, `x.mean()` for a sum and a factor. A pattern takes in only values that nothing else reads.
 */
import { isStatic, type Dim } from '../../ir/dim.ts';
import type { OpAttrs } from '../../ir/opAttrs.ts';
import type { OpInstr, ValueId } from '../../ir/program.ts';
import { sameShape, type ValueType } from '../../ir/types.ts';
import type { Attributes } from './attributes.ts';
import { sliceItems } from './ops.ts';
import { binary, call, index, integer, invoke, method, TRUE, tuple, type Expr } from './python/syntax.ts';

export interface Matcher {
  readonly attributes: Attributes;
  /** The op that makes a value, when it is made by an op of this function. */
  made(id: ValueId): OpInstr | undefined;
  /** The same, when nothing else reads the value. */
  inner(id: ValueId): OpInstr | undefined;
  /** The value of a scalar constant. */
  constant(id: ValueId): number | undefined;
  type(id: ValueId): ValueType;
  outputSize(axis: number): Expr;
  device(): Readonly<Record<string, Expr>>;
}

export interface Match {
  readonly operands: readonly ValueId[];
  build(operands: readonly Expr[]): Expr;
}
type Pattern = (instr: OpInstr, m: Matcher) => Match | undefined;

const first = (instr: OpInstr): ValueId => instr.inputs[0] as ValueId;
const second = (instr: OpInstr): ValueId => instr.inputs[1] as ValueId;
const one = (operand: ValueId, build: (x: Expr) => Expr): Match => ({
  operands: [operand],
  build: ([x]) => build(x as Expr),
});

/** The two operands in both orders. */
const orders = (instr: OpInstr): readonly (readonly [ValueId, ValueId])[] => [
  [first(instr), second(instr)],
  [second(instr), first(instr)],
];

/** x W^T + b with the weights of one linear layer. */
const linear: Pattern = (instr, m) => {
  if (
    instr.op === 'matmul' &&
    (instr.attrs as OpAttrs['matmul']).transposeB &&
    !(instr.attrs as OpAttrs['matmul']).transposeA
  ) {
    const module = m.attributes.linear(second(instr));
    return module && module.bias === undefined ? one(first(instr), (x) => call(module.self, [x])) : undefined;
  }
  if (instr.op !== 'add') return undefined;
  for (const [product, bias] of orders(instr)) {
    const matmul = m.inner(product);
    if (matmul?.op !== 'matmul') continue;
    const { transposeA, transposeB } = matmul.attrs as OpAttrs['matmul'];
    const module = m.attributes.linear(second(matmul));
    if (module?.bias === bias && transposeB && !transposeA) return one(first(matmul), (x) => call(module.self, [x]));
  }
  return undefined;
};

const layerNorm: Pattern = (instr, m) => {
  if (instr.op !== 'layerNorm') return undefined;
  const norm = m.attributes.norm(second(instr));
  const fits = norm?.beta === instr.inputs[2] && norm?.epsilon === (instr.attrs as OpAttrs['layerNorm']).epsilon;
  return norm && fits ? one(first(instr), (x) => call(norm.self, [x])) : undefined;
};

const embedding: Pattern = (instr, m) => {
  if (instr.op !== 'gather') return undefined;
  const module = m.attributes.embedding(first(instr));
  return module && one(second(instr), (x) => call(module, [x]));
};

const dropout: Pattern = (instr, m) => {
  if (instr.op !== 'mul') return undefined;
  for (const [noise, x] of orders(instr)) {
    const module = m.attributes.dropout(noise);
    if (module) return one(x, (e) => call(module, [e]));
  }
  return undefined;
};

const silu: Pattern = (instr, m) => {
  if (instr.op !== 'mul') return undefined;
  for (const [x, s] of orders(instr)) {
    const sigmoid = m.inner(s);
    if (sigmoid?.op === 'sigmoid' && first(sigmoid) === x) return one(x, (e) => invoke('functional.silu', [e]));
  }
  return undefined;
};

/** A sum times the inverse of the number of terms. */
const mean: Pattern = (instr, m) => {
  if (instr.op !== 'mul') return undefined;
  const factor = m.constant(second(instr));
  const sum = m.inner(first(instr));
  if (factor === undefined || sum?.op !== 'sum') return undefined;
  const { axes, keep } = sum.attrs as OpAttrs['sum'];
  const shape = m.type(first(sum)).shape;
  const sizes = axes.map((a) => shape[shape.length + a] as Dim);
  if (!sizes.every(isStatic)) return undefined;
  const count = sizes.reduce((p, n) => p * n, 1);
  if (Math.abs(factor * count - 1) > 1e-9) return undefined;
  const dim = axes.length === 1 ? integer(axes[0] as number) : tuple(axes.map(integer));
  return one(first(sum), (x) => method(x, 'mean', [], { dim, ...(keep ? { keepdim: TRUE } : {}) }));
};

/** sqrt(sum x^2) */
const norm: Pattern = (instr, m) => {
  const sum = instr.op === 'sqrt' ? m.inner(first(instr)) : undefined;
  const square = sum?.op === 'sum' ? m.inner(first(sum)) : undefined;
  if (square?.op !== 'mul' || first(square) !== second(square)) return undefined;
  const { axes, keep } = sum?.attrs as OpAttrs['sum'];
  if (axes.length !== 1 || keep) return undefined;
  return one(first(square), (x) => invoke('torch.linalg.vector_norm', [x], { dim: integer(axes[0] as number) }));
};

/** One position of an axis, without the axis: `x[:, 0]`. */
const position: Pattern = (instr, m) => {
  const cut = instr.op === 'reshape' ? m.inner(first(instr)) : undefined;
  if (cut?.op !== 'slice') return undefined;
  const { axis, start, size } = cut.attrs as OpAttrs['slice'];
  const from = m.type(first(cut)).shape;
  const dropped = from.filter((_, i) => i !== from.length + axis);
  if (size !== 1 || !isStatic(start) || !sameShape(dropped, (instr.attrs as OpAttrs['reshape']).shape))
    return undefined;
  return one(first(cut), (x) => index(x, ...sliceItems(axis, from.length, integer(start))));
};

/** Tensors of one shape along a new axis. */
const stack: Pattern = (instr, m) => {
  if (instr.op !== 'concat') return undefined;
  const { axis } = instr.attrs as OpAttrs['concat'];
  const rows = instr.inputs.map((id) => m.inner(id));
  const rank = m.type(first(instr)).shape.length;
  const isRow = (row: OpInstr | undefined): row is OpInstr => {
    if (row?.op !== 'reshape') return false;
    const to = (row.attrs as OpAttrs['reshape']).shape;
    return (
      to[rank + axis] === 1 &&
      sameShape(
        to.filter((_, i) => i !== rank + axis),
        m.type(first(row)).shape,
      )
    );
  };
  if (!rows.every(isRow)) return undefined;
  return { operands: rows.map(first), build: (xs) => invoke('torch.stack', [tuple(xs)], { dim: integer(axis) }) };
};

/** A tensor repeated along new leading axes: `x.expand(batch, -1, -1)`. */
const expand: Pattern = (instr, m) => {
  const unsqueezed = instr.op === 'broadcastTo' ? m.inner(first(instr)) : undefined;
  if (unsqueezed?.op !== 'reshape') return undefined;
  const from = m.type(first(unsqueezed)).shape;
  const { shape } = unsqueezed.attrs as OpAttrs['reshape'];
  const to = (instr.attrs as OpAttrs['broadcastTo']).shape;
  const added = to.length - from.length;
  const onesFirst =
    shape.length === to.length && shape.slice(0, added).every((d) => d === 1) && sameShape(shape.slice(added), from);
  if (!onesFirst || added < 1 || !sameShape(to.slice(added), from)) return undefined;
  const sizes = (): Expr[] => to.map((_, i) => (i < added ? m.outputSize(i) : integer(-1)));
  return one(first(unsqueezed), (x) => method(x, 'expand', sizes()));
};

const notEqual: Pattern = (instr, m) => {
  const equal = instr.op === 'not' ? m.inner(first(instr)) : undefined;
  if (equal?.op !== 'eq') return undefined;
  return { operands: equal.inputs, build: ([a, b]) => binary('!=', a as Expr, b as Expr) };
};

/** 1 on the diagonal: (i == j) as a number. */
const identity: Pattern = (instr, m) => {
  const equal = instr.op === 'cast' ? m.inner(first(instr)) : undefined;
  const column = equal?.op === 'eq' ? m.inner(first(equal)) : undefined;
  if (equal === undefined || column?.op !== 'reshape') return undefined;
  const sameRange = first(column) === second(equal) && m.made(first(column))?.op === 'iota';
  const [n, width] = (column.attrs as OpAttrs['reshape']).shape;
  if (!sameRange || width !== 1 || n === undefined || !isStatic(n)) return undefined;
  return { operands: [], build: () => invoke('torch.eye', [m.outputSize(0)], m.device()) };
};

const PATTERNS: readonly Pattern[] = [
  linear,
  layerNorm,
  embedding,
  dropout,
  silu,
  mean,
  norm,
  position,
  stack,
  expand,
  notEqual,
  identity,
];

/** The first pattern that an op ends. */
export function matchPattern(instr: OpInstr, m: Matcher): Match | undefined {
  for (const pattern of PATTERNS) {
    const match = pattern(instr, m);
    if (match) return match;
  }
  return undefined;
}
