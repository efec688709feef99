/** Folding of ops that move elements: those that do nothing, two that are one, transposes that a product does by itself. */
import { broadcastTo, constant, dimension, matmul, mul, reshape, transpose } from '../ir/build.ts';
import { isStatic, productOf, type Dim } from '../ir/dim.ts';
import type { OpAttrs, OpName } from '../ir/opAttrs.ts';
import type { ValueId } from '../ir/program.ts';
import type { Tensor } from '../ir/tensor.ts';
import { isFloat } from '../ir/types.ts';
import {
  asIs,
  attrsOf,
  constantOf,
  first,
  forOps,
  inputOf,
  second,
  type Folding,
  type FoldRule,
  type RuleOfOp,
} from './foldContext.ts';

/** The same elements in the same order. */
const nothing: FoldRule = (f) => asIs(f, first(f));

/** Moving the elements of a constant leaves a constant. */
const ofConstant: FoldRule = (f) => {
  const value = constantOf(f, first(f));
  return value === undefined ? undefined : constant(first(f), f.output.dtype, f.output.shape, value);
};

const reshapeTwice: FoldRule = (f) => {
  const x = inputOf(f, first(f), 'reshape');
  return x && (asIs(f, x) ?? reshape(x, f.output.shape));
};

const broadcastTwice: FoldRule = (f) => {
  const x = inputOf(f, first(f), 'broadcastTo');
  return x && broadcastTo(x, f.output.shape);
};

const isIdentity = (perm: readonly number[]): boolean => perm.every((p, i) => p === i);

const transposeOnce: FoldRule = (f) => (isIdentity((f.attrs as OpAttrs['transpose']).perm) ? first(f) : undefined);

/** Output axis i of the second is axis perm[i] of the first, which is axis inner[perm[i]] of what both reorder. */
const transposeTwice: FoldRule = (f) => {
  const x = inputOf(f, first(f), 'transpose');
  const inner = attrsOf(f, first(f), 'transpose')?.perm;
  if (!x || !inner) return undefined;
  const perm = (f.attrs as OpAttrs['transpose']).perm.map((p) => inner[p] as number);
  return isIdentity(perm) ? x : transpose(x, perm);
};

/** What a transpose of the last two axes reorders. */
function untransposed(f: Folding, x: Tensor): Tensor | undefined {
  const perm = attrsOf(f, x, 'transpose')?.perm;
  const rank = x.type.shape.length;
  const swapsLast = perm?.every((p, i) => p === (i < rank - 2 ? i : 2 * rank - 3 - i));
  return swapsLast === true ? inputOf(f, x, 'transpose') : undefined;
}

/** A product reads either operand transposed by itself; only a transposed batch times a plain matrix is not allowed. */
const transposeIntoProduct: FoldRule = (f) => {
  const { transposeA, transposeB } = f.attrs as OpAttrs['matmul'];
  const b = untransposed(f, second(f));
  const free = second(f).type.shape.length > 2 || first(f).type.shape.length === 2;
  const a = transposeA || free ? untransposed(f, first(f)) : undefined;
  if (!a && !b) return undefined;
  const flags = { transposeA: transposeA !== (a !== undefined), transposeB: transposeB !== (b !== undefined) };
  return matmul(a ?? first(f), b ?? second(f), flags);
};

const wholeSlice: FoldRule = (f) => ((f.attrs as OpAttrs['slice']).start === 0 ? asIs(f, first(f)) : undefined);

const emptyPad: FoldRule = (f) => {
  const { before, after } = f.attrs as OpAttrs['pad'];
  return before === 0 && after === 0 ? first(f) : undefined;
};

const single: FoldRule = (f) => (f.inputs.length === 1 ? first(f) : undefined);

const reducedDims = (f: Folding, x: Tensor): Dim[] => {
  const { axes } = f.attrs as OpAttrs['sum'];
  return axes.map((a) => x.type.shape[x.type.shape.length + a] as Dim);
};

/** A reduction over axes of size one. */
const trivialReduction: FoldRule = (f) => {
  if (reducedDims(f, first(f)).some((d) => d !== 1)) return undefined;
  return asIs(f, first(f)) ?? reshape(first(f), f.output.shape);
};

/** The sum over axes that had only been repeated is a product with how often. */
const sumOfRepeated: FoldRule = (f) => {
  const x = inputOf(f, first(f), 'broadcastTo');
  if (!x || !isFloat(x.type.dtype)) return undefined;
  const whole = first(f).type.shape;
  const { axes } = f.attrs as OpAttrs['sum'];
  const own = whole.map((_, i) => x.type.shape[i - (whole.length - x.type.shape.length)] ?? 1);
  const fits = whole.every((d, i) => own[i] === (axes.includes(i - whole.length) ? 1 : d));
  if (!fits) return undefined;
  const count = productOf(reducedDims(f, first(f)));
  const kept = asIs(f, x) ?? reshape(x, f.output.shape);
  return mul(kept, isStatic(count) ? count : dimension(x, count));
};

/** Rows unpacked and packed again by the same index. */
const packedAgain: FoldRule = (f) => {
  const inner = f.definition(first(f));
  if (inner?.op !== 'unpack' || inner.inputs[1] !== second(f).id) return undefined;
  return asIs(f, f.tensor(inner.inputs[0] as ValueId));
};

const MOVES: readonly OpName[] = ['reshape', 'transpose', 'broadcastTo', 'slice'];

/** In the order in which they are tried. */
export const SHAPE_RULES: readonly RuleOfOp[] = [
  ...forOps(['reshape', 'broadcastTo'], nothing),
  ...forOps(MOVES, ofConstant),
  ...forOps(['reshape'], reshapeTwice),
  ...forOps(['broadcastTo'], broadcastTwice),
  ...forOps(['transpose'], transposeOnce),
  ...forOps(['transpose'], transposeTwice),
  ...forOps(['matmul'], transposeIntoProduct),
  ...forOps(['slice'], wholeSlice),
  ...forOps(['pad'], emptyPad),
  ...forOps(['concat'], single),
  ...forOps(['sum', 'reduceMax'], trivialReduction),
  ...forOps(['sum'], sumOfRepeated),
  ...forOps(['pack'], packedAgain),
];
