/** Algebra of folding: neutral elements, chained constants, constants computed at once, signs, broadcasting by itself. */
import { add, constant, mul, sub } from '../ir/build.ts';
import { isStatic } from '../ir/dim.ts';
import type { OpAttrs, OpName } from '../ir/opAttrs.ts';
import type { ValueId } from '../ir/program.ts';
import type { Tensor } from '../ir/tensor.ts';
import { sameShape } from '../ir/types.ts';
import { broadcast } from '../ops/broadcasting.ts';
import { ruleOf } from '../ops/table.ts';
import {
  asIs,
  constantOf,
  first,
  forOps,
  inputOf,
  second,
  type Folding,
  type FoldRule,
  type RuleOfOp,
} from './foldContext.ts';

const ARITHMETIC: readonly OpName[] = ['add', 'sub', 'mul', 'div', 'max', 'min', 'pow'];
const BROADCASTING: readonly OpName[] = [...ARITHMETIC, 'eq', 'lt', 'and', 'select'];
const UNARY: readonly OpName[] = [
  ...(['neg', 'exp', 'log', 'sqrt', 'rsqrt', 'tanh', 'erf', 'sigmoid', 'relu', 'abs', 'sign'] as const),
  ...(['sin', 'cos', 'not', 'gelu', 'cast'] as const),
];

/** x + 0, x - 0, x * 1, x / 1, x ^ 1; for sums and products also the other way round. */
const neutral =
  (value: number, turned: boolean): FoldRule =>
  (f) => {
    if (constantOf(f, second(f)) === value) return asIs(f, first(f));
    return turned && constantOf(f, first(f)) === value ? asIs(f, second(f)) : undefined;
  };

/** The one input that varies, and the number that the other one holds. */
function splitConstant(f: Folding, inputs: readonly Tensor[]): readonly [Tensor, number] | undefined {
  const [p, q] = inputs as readonly [Tensor, Tensor];
  const [a, b] = [constantOf(f, p), constantOf(f, q)];
  if (a === undefined && b !== undefined) return [p, b];
  return b === undefined && a !== undefined ? [q, a] : undefined;
}

const innerInputs = (f: Folding, x: Tensor): readonly Tensor[] =>
  (f.definition(x)?.inputs ?? []).map((id: ValueId) => f.tensor(id));

/** (x * a) * b = x * (a b), and the same for sums. */
const chained: FoldRule = (f) => {
  const outer = splitConstant(f, f.inputs);
  if (!outer || f.definition(outer[0])?.op !== f.op) return undefined;
  const inner = splitConstant(f, innerInputs(f, outer[0]));
  if (!inner || !sameShape(inner[0].type.shape, f.output.shape)) return undefined;
  const [x, a] = inner;
  const value = f.op === 'mul' ? a * outer[1] : a + outer[1];
  if (value === (f.op === 'mul' ? 1 : 0)) return x;
  return f.op === 'mul' ? mul(x, value) : add(x, value);
};

/** An op on constants is a constant: computed by the op's own reference on one element. */
const constants: FoldRule = (f) => {
  const arrays = f.inputs.flatMap((x) => {
    const value = constantOf(f, x);
    return value === undefined ? [] : [{ dtype: x.type.dtype, shape: [], data: Float64Array.of(value) }];
  });
  if (arrays.length < f.inputs.length) return undefined;
  const value = ruleOf(f.op).reference(f.attrs, arrays, new Map())[0]?.data[0];
  if (value === undefined || !Number.isFinite(value)) return undefined;
  return constant(first(f), f.output.dtype, f.output.shape, value);
};

/** y, when x is -y or (-1) y. */
function negated(f: Folding, x: Tensor): Tensor | undefined {
  const inner = f.definition(x);
  if (inner?.op === 'neg') return f.tensor(inner.inputs[0] as ValueId);
  const parts = inner?.op === 'mul' ? splitConstant(f, innerInputs(f, x)) : undefined;
  return parts?.[1] === -1 && sameShape(parts[0].type.shape, x.type.shape) ? parts[0] : undefined;
}

/** a + (-b) = a - b, (-a) + b = b - a, a - (-b) = a + b: what the derivative of a difference leaves behind. */
const signs: FoldRule = (f) => {
  const b = negated(f, second(f));
  if (b) return f.op === 'add' ? sub(first(f), b) : add(first(f), b);
  const a = f.op === 'add' ? negated(f, first(f)) : undefined;
  return a && sub(second(f), a);
};

const twice: FoldRule = (f) => inputOf(f, first(f), f.op);

/** An elementwise op broadcasts by itself: a `broadcastTo` or a filled constant before it is not needed. */
const broadcasts: FoldRule = (f) => {
  const inputs = [...f.inputs];
  f.inputs.forEach((x, i) => {
    const narrow = narrowed(f, x);
    if (!narrow) return;
    const types = inputs.map((y, k) => (k === i ? narrow.type : y.type));
    if (sameShape(broadcast(f.op, types), f.output.shape)) inputs[i] = narrow;
  });
  if (inputs.every((x, i) => x === f.inputs[i])) return undefined;
  return f.emitter.emit(f.op, inputs, f.attrs)[0];
};

function narrowed(f: Folding, x: Tensor): Tensor | undefined {
  const value = constantOf(f, x);
  if (value === undefined) return inputOf(f, x, 'broadcastTo');
  return x.type.shape.length === 0 ? undefined : constant(x, x.type.dtype, [], value);
}

/** A dimension that is a number. */
const dimension: FoldRule = (f) => {
  const { of } = f.attrs as OpAttrs['dimension'];
  return isStatic(of) ? f.emitter.emit('constant', [], { dtype: 'f32', shape: [], value: of })[0] : undefined;
};

const sameCast: FoldRule = (f) => ((f.attrs as OpAttrs['cast']).dtype === first(f).type.dtype ? first(f) : undefined);

/** In the order in which they are tried. */
export const ALGEBRA_RULES: readonly RuleOfOp[] = [
  ...forOps([...BROADCASTING, ...UNARY], constants),
  ...forOps(['add'], neutral(0, true)),
  ...forOps(['sub'], neutral(0, false)),
  ...forOps(['mul'], neutral(1, true)),
  ...forOps(['div', 'pow'], neutral(1, false)),
  ...forOps(['add', 'mul'], chained),
  ...forOps(['add', 'sub'], signs),
  ...forOps(['neg', 'not'], twice),
  ...forOps(['cast'], sameCast),
  ...forOps(['dimension'], dimension),
  ...forOps(BROADCASTING, broadcasts),
];
