/** Algebra of folding: neutral elements, chained constants, constants computed at once, signs. Shapes are in `foldShapes.ts`. */
import { add, broadcastTo, constant, mul, sub } from '../ir/build.ts';
import { isStatic } from '../ir/dim.ts';
import type { OpAttrs, OpName } from '../ir/opAttrs.ts';
import type { OpInstr } from '../ir/program.ts';
import type { Emitter, Tensor } from '../ir/tensor.ts';
import { sameShape, type ValueType } from '../ir/types.ts';
import { broadcast } from '../ops/broadcasting.ts';
import { ruleOf } from '../ops/table.ts';
import { SHAPE_RULES } from './foldShapes.ts';

/** One op as a rule sees it. */
export interface Folding {
  readonly op: OpName;
  readonly attrs: OpAttrs[OpName];
  readonly inputs: readonly Tensor[];
  readonly output: ValueType;
  readonly emitter: Emitter;
  /** The op that computes a value; undefined for parameters and where a rule must not look. */
  readonly definition: (x: Tensor) => OpInstr | undefined;
}

/** The value that stands for the op's only output, or undefined when the rule does not apply. */
export type FoldRule = (f: Folding) => Tensor | undefined;

export const ELEMENTWISE: readonly OpName[] = [
  ...(['add', 'sub', 'mul', 'div', 'max', 'min', 'pow', 'eq', 'lt', 'and', 'select'] as const),
];
const UNARY: readonly OpName[] = [
  ...(['neg', 'exp', 'log', 'sqrt', 'rsqrt', 'tanh', 'erf', 'sigmoid', 'relu', 'abs', 'sign'] as const),
  ...(['sin', 'cos', 'not', 'gelu', 'cast'] as const),
];

/** The number that a value holds everywhere, if it is a constant. */
export function constantOf(f: Folding, x: Tensor | undefined): number | undefined {
  const instr = x && f.definition(x);
  return instr?.op === 'constant' ? (instr.attrs as OpAttrs['constant']).value : undefined;
}

const first = (f: Folding): Tensor => f.inputs[0] as Tensor;
const second = (f: Folding): Tensor => f.inputs[1] as Tensor;

/** `x` itself, where broadcasting would not have made it larger. */
const asIs = (f: Folding, x: Tensor): Tensor | undefined =>
  sameShape(x.type.shape, f.output.shape) ? x : undefined;

/** x + 0, x - 0, x * 1, x / 1, x ^ 1; for sums and products also the other way round. */
const NEUTRAL: Partial<Readonly<Record<OpName, number>>> = { add: 0, sub: 0, mul: 1, div: 1, pow: 1 };
const neutral: FoldRule = (f) => {
  const value = NEUTRAL[f.op];
  if (constantOf(f, second(f)) === value) return asIs(f, first(f));
  const turned = f.op === 'add' || f.op === 'mul';
  return turned && constantOf(f, first(f)) === value ? asIs(f, second(f)) : undefined;
};

/** (x * a) * b = x * (a b), and the same for sums. */
const chained: FoldRule = (f) => {
  const [x, b] = splitConstant(f, f.inputs);
  if (x === undefined || b === undefined) return undefined;
  const inner = f.definition(x);
  if (inner?.op !== f.op) return undefined;
  const [y, a] = splitConstant(
    f,
    inner.inputs.map((id) => tensorOf(f, x, id)),
  );
  if (y === undefined || a === undefined || !sameShape(y.type.shape, f.output.shape)) return undefined;
  return f.op === 'mul' ? mul(y, a * b) : add(y, a + b);
};

/** The one input that varies, and the number that the other one holds. */
function splitConstant(f: Folding, inputs: readonly Tensor[]): readonly [Tensor, number] | readonly [undefined, undefined] {
  const [p, q] = inputs as readonly [Tensor, Tensor];
  const [a, b] = [constantOf(f, p), constantOf(f, q)];
  if (a === undefined && b !== undefined) return [p, b];
  if (b === undefined && a !== undefined) return [q, a];
  return [undefined, undefined];
}

/** A handle on another value of the same function. */
export function tensorOf(f: Folding, like: Tensor, id: Tensor['id']): Tensor {
  return f.emitter === like.emitter && 'tensor' in f.emitter
    ? (f.emitter as Emitter & { tensor(id: Tensor['id']): Tensor }).tensor(id)
    : like;
}

/** An op on constants is a constant: computed by the op's own reference on one element. */
const constants: FoldRule = (f) => {
  const values = f.inputs.map((x) => constantOf(f, x));
  if (values.some((v) => v === undefined)) return undefined;
  const arrays = f.inputs.map((x, i) => ({ dtype: x.type.dtype, shape: [], data: Float64Array.of(values[i] as number) }));
  const [result] = ruleOf(f.op).reference(f.attrs as never, arrays, new Map());
  const value = result?.data[0];
  if (value === undefined || !Number.isFinite(value)) return undefined;
  return constant(first(f), f.output.dtype, f.output.shape, value);
};

/** a + (-1) b = a - b and a - (-1) b = a + b: what the derivative of a difference leaves behind. */
const sign: FoldRule = (f) => {
  const negated = (x: Tensor): Tensor | undefined => {
    const inner = f.definition(x);
    if (inner?.op === 'neg') return tensorOf(f, x, inner.inputs[0] as Tensor['id']);
    if (inner?.op !== 'mul') return undefined;
    const [y, a] = splitConstant(
      f,
      inner.inputs.map((id) => tensorOf(f, x, id)),
    );
    return a === -1 && y && sameShape(y.type.shape, x.type.shape) ? y : undefined;
  };
  const b = negated(second(f));
  if (b) return f.op === 'add' ? sub(first(f), b) : add(first(f), b);
  const a = f.op === 'add' ? negated(first(f)) : undefined;
  return a && sub(second(f), a);
};

const doubleNegation: FoldRule = (f) => {
  const inner = f.definition(first(f));
  return inner?.op === f.op ? tensorOf(f, first(f), inner.inputs[0] as Tensor['id']) : undefined;
};

/** An elementwise op broadcasts by itself: a `broadcastTo` or a filled constant before it is not needed. */
const broadcasts: FoldRule = (f) => {
  let changed = false;
  const inputs = [...f.inputs];
  f.inputs.forEach((x, i) => {
    const smaller = narrow(f, x);
    if (!smaller) return;
    const tried = inputs.map((y, k) => (k === i ? smaller : y));
    if (!sameShape(broadcast(f.op, tried.map((y) => y.type)), f.output.shape)) return;
    inputs[i] = smaller;
    changed = true;
  });
  return changed ? (f.emitter.emit(f.op, inputs, f.attrs)[0] as Tensor) : undefined;
};

function narrow(f: Folding, x: Tensor): Tensor | undefined {
  const inner = f.definition(x);
  if (inner?.op === 'broadcastTo') return tensorOf(f, x, inner.inputs[0] as Tensor['id']);
  if (inner?.op !== 'constant' || x.type.shape.length === 0) return undefined;
  return constant(x, x.type.dtype, [], (inner.attrs as OpAttrs['constant']).value);
}

/** A dimension that is a number. */
const dimension: FoldRule = (f) => {
  const { of } = f.attrs as OpAttrs['dimension'];
  return isStatic(of) ? (f.emitter.emit('constant', [], { dtype: 'f32', shape: [], value: of })[0] as Tensor) : undefined;
};

const sameCast: FoldRule = (f) => ((f.attrs as OpAttrs['cast']).dtype === first(f).type.dtype ? first(f) : undefined);

const withRules = (ops: readonly OpName[], ...rules: readonly FoldRule[]): readonly (readonly [OpName, FoldRule])[] =>
  rules.flatMap((rule) => ops.map((op) => [op, rule] as const));

/** The rules of each op in the order in which they are tried. */
export const FOLD_RULES: ReadonlyMap<OpName, readonly FoldRule[]> = group([
  ...withRules(ELEMENTWISE, constants),
  ...withRules(UNARY, constants),
  ...withRules(['add', 'sub', 'mul', 'div', 'pow'], neutral),
  ...withRules(['add', 'mul'], chained),
  ...withRules(['add', 'sub'], sign),
  ...withRules(['neg', 'not'], doubleNegation),
  ...withRules(['cast'], sameCast),
  ...withRules(['dimension'], dimension),
  ...SHAPE_RULES,
  ...withRules(ELEMENTWISE, broadcasts),
]);

function group(pairs: readonly (readonly [OpName, FoldRule])[]): ReadonlyMap<OpName, readonly FoldRule[]> {
  const rules = new Map<OpName, FoldRule[]>();
  for (const [op, rule] of pairs) rules.set(op, [...(rules.get(op) ?? []), rule]);
  return rules;
}

export { broadcastTo };
