/** Matrix product and reductions. */
import { broadcastTo, cast, div, eq, matmul, mul, reshape, sum } from '../ir/build.ts';
import { mulDims, productOf, type Dim } from '../ir/dim.ts';
import type { OpName } from '../ir/opAttrs.ts';
import type { Tensor } from '../ir/tensor.ts';
import { elementsOf, isFloat, printType, sameShape, type Shape, type ValueType } from '../ir/types.ts';
import { needNumbers } from './broadcasting.ts';
import { countOf, forEachIndex, stridesOf, zeros } from './ndarray.ts';
import { ShapeError, type AxisLink, type AxisLinks, type NDArray, type OpRule } from './rule.ts';

const lastTwo = <T>(shape: readonly T[], swap: boolean): [T, T] => {
  const a = shape[shape.length - 2] as T;
  const b = shape[shape.length - 1] as T;
  return swap ? [b, a] : [a, b];
};

const t = (x: Tensor): Shape => x.type.shape;

export const matmulRule: OpRule<'matmul'> = {
  doc: 'Matrix product over the last two axes; leading axes agree, or the right operand is a plain matrix.',
  arity: [2, 2],
  infer: (attrs, inputs) => {
    const [a, b] = inputs as [ValueType, ValueType];
    if (a.shape.length < 2 || b.shape.length < 2 || !isFloat(a.dtype) || a.dtype !== b.dtype) {
      throw new ShapeError(
        'matmul',
        `needs two float matrices of one type, got ${printType(a)} and ${printType(b)}`,
        'Reshape or cast them.',
      );
    }
    const [m, k] = lastTwo(a.shape, attrs.transposeA);
    const [k2, n] = lastTwo(b.shape, attrs.transposeB);
    if (k !== k2) {
      throw new ShapeError(
        'matmul',
        `inner sizes must match, got ${printType(a)} and ${printType(b)} (${String(k)} against ${String(k2)})`,
        'Give the right input the inner size of the left one.',
      );
    }
    const leading = a.shape.slice(0, -2);
    if (b.shape.length > 2 && !sameShape(leading, b.shape.slice(0, -2))) {
      throw new ShapeError(
        'matmul',
        `leading axes must match, got ${printType(a)} and ${printType(b)}`,
        'Broadcast one of them first.',
      );
    }
    if (attrs.transposeA && b.shape.length === 2 && leading.length > 0) {
      throw new ShapeError(
        'matmul',
        `a transposed left operand ${printType(a)} with a plain matrix is ambiguous`,
        'Merge the leading axes first.',
      );
    }
    return [{ dtype: a.dtype, shape: [...leading, m, n] }];
  },
  reference: (attrs, inputs) => {
    const [a, b] = inputs as [NDArray, NDArray];
    const [m, k] = lastTwo(a.shape, attrs.transposeA);
    const [, n] = lastTwo(b.shape, attrs.transposeB);
    const leading = a.shape.slice(0, -2);
    const out = zeros(a.dtype, [...leading, m, n]);
    const [ai, ak] = attrs.transposeA ? [1, m] : [k, 1];
    const [bk, bj] = attrs.transposeB ? [1, k] : [n, 1];
    for (let batch = 0; batch < countOf(leading); batch++) {
      const offsetA = batch * m * k;
      const offsetB = b.shape.length > 2 ? batch * k * n : 0;
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++) {
          let total = 0;
          for (let q = 0; q < k; q++)
            total += (a.data[offsetA + i * ai + q * ak] as number) * (b.data[offsetB + q * bk + j * bj] as number);
          out.data[batch * m * n + i * n + j] = total;
        }
    }
    return [out];
  },
  vjp: ({ attrs, inputs, cotangents, wants }) => {
    const [a, b] = inputs as [Tensor, Tensor];
    const c = cotangents[0] as Tensor;
    const { transposeA, transposeB } = attrs;
    const dA = wants[0]
      ? transposeA
        ? matmul(b, c, { transposeA: transposeB, transposeB: true })
        : matmul(c, b, { transposeB: !transposeB })
      : undefined;
    if (!wants[1]) return [dA, undefined];
    if (t(b).length === 2 && t(a).length > 2) {
      const flatA = mergeRows(a);
      const flatC = mergeRows(c);
      return [dA, transposeB ? matmul(flatC, flatA, { transposeA: true }) : matmul(flatA, flatC, { transposeA: true })];
    }
    return [
      dA,
      transposeB
        ? matmul(c, a, { transposeA: true, transposeB: transposeA })
        : matmul(a, c, { transposeA: !transposeA }),
    ];
  },
  flops: (attrs, inputs, outputs) =>
    mulDims(
      2,
      mulDims(elementsOf(outputs[0] as ValueType), lastTwo((inputs[0] as ValueType).shape, attrs.transposeA)[1]),
    ),
  axes: (attrs, inputs, outputs) => {
    const [a, b] = inputs as [ValueType, ValueType];
    const rank = (outputs[0] as ValueType).shape.length;
    return [
      (outputs[0] as ValueType).shape.map((_, i): AxisLink[] => {
        if (i < rank - 2) return [i, b.shape.length > 2 ? i : null];
        if (i === rank - 2) return [attrs.transposeA ? a.shape.length - 1 : a.shape.length - 2, null];
        return [null, attrs.transposeB ? b.shape.length - 2 : b.shape.length - 1];
      }),
    ];
  },
  cases: [
    { attrs: { transposeA: false, transposeB: false }, inputs: [{ shape: [2, 3] }, { shape: [3, 4] }] },
    { attrs: { transposeA: true, transposeB: true }, inputs: [{ shape: [3, 2] }, { shape: [4, 3] }] },
    { attrs: { transposeA: false, transposeB: true }, inputs: [{ shape: [2, 2, 3] }, { shape: [4, 3] }] },
    { attrs: { transposeA: false, transposeB: false }, inputs: [{ shape: [2, 2, 3] }, { shape: [3, 2] }] },
    { attrs: { transposeA: true, transposeB: false }, inputs: [{ shape: [2, 3, 2] }, { shape: [2, 3, 4] }] },
    { attrs: { transposeA: false, transposeB: true }, inputs: [{ shape: [2, 2, 3] }, { shape: [2, 4, 3] }] },
    { attrs: { transposeA: true, transposeB: true }, inputs: [{ shape: [2, 3, 2] }, { shape: [2, 4, 3] }] },
  ],
};

/** `[..., n]` to `[rows, n]`. */
export function mergeRows(x: Tensor): Tensor {
  const shape = t(x);
  return shape.length === 2 ? x : reshape(x, [productOf(shape.slice(0, -1)), shape[shape.length - 1] as Dim]);
}

type Reduction = 'sum' | 'reduceMax';
interface ReductionAttrs {
  readonly axes: readonly number[];
  readonly keep: boolean;
}

function reducedShape(op: OpName, attrs: ReductionAttrs, shape: Shape): Shape {
  const bad = attrs.axes.find((a) => a >= 0 || -a > shape.length);
  if (bad !== undefined)
    throw new ShapeError(
      op,
      `axis ${bad} is not an axis of a tensor of rank ${shape.length}`,
      'Count axes from the end: -1 is the last.',
    );
  const twice = attrs.axes.find((a, i) => attrs.axes.indexOf(a) !== i);
  if (twice !== undefined) throw new ShapeError(op, `axis ${twice} stands twice`, 'List every axis once.');
  const isReduced = (i: number): boolean => attrs.axes.includes(i - shape.length);
  return attrs.keep ? shape.map((d, i) => (isReduced(i) ? 1 : d)) : shape.filter((_, i) => !isReduced(i));
}

function reductionLinks(attrs: ReductionAttrs, shape: Shape): AxisLinks {
  const kept = shape.map((_, i) => i).filter((i) => attrs.keep || !attrs.axes.includes(i - shape.length));
  return [kept.map((i) => [attrs.axes.includes(i - shape.length) ? null : i])];
}

/** The reduced tensor with its axes back as size 1. */
function withKeptAxes(x: Tensor, attrs: ReductionAttrs, original: Shape): Tensor {
  return attrs.keep
    ? x
    : reshape(
        x,
        original.map((d, i) => (attrs.axes.includes(i - original.length) ? 1 : d)),
      );
}

function reduceReference(
  attrs: ReductionAttrs,
  x: NDArray,
  start: number,
  combine: (a: number, b: number) => number,
): NDArray {
  const kept = x.shape.map((d, i) => (attrs.axes.includes(i - x.shape.length) ? 1 : d));
  const out = zeros(x.dtype, kept);
  out.data.fill(start);
  const strides = stridesOf(kept);
  forEachIndex(x.shape, (index, flat) => {
    let at = 0;
    for (let i = 0; i < kept.length; i++) if (kept[i] !== 1) at += (strides[i] as number) * (index[i] as number);
    out.data[at] = combine(out.data[at] as number, x.data[flat] as number);
  });
  return attrs.keep ? out : { ...out, shape: x.shape.filter((_, i) => !attrs.axes.includes(i - x.shape.length)) };
}

function reduction<K extends Reduction>(
  op: K,
  doc: string,
  start: number,
  combine: (a: number, b: number) => number,
  vjp: OpRule<K>['vjp'],
): OpRule<K> {
  return {
    doc,
    arity: [1, 1],
    infer: (attrs, inputs) => {
      const x = inputs[0] as ValueType;
      needNumbers(op, x);
      return [{ dtype: x.dtype, shape: reducedShape(op, attrs, x.shape) }];
    },
    reference: (attrs, inputs) => [reduceReference(attrs, inputs[0] as NDArray, start, combine)],
    vjp,
    flops: (_attrs, inputs) => elementsOf(inputs[0] as ValueType),
    axes: (attrs, inputs) => reductionLinks(attrs, (inputs[0] as ValueType).shape),
    cases: [
      { attrs: { axes: [-1], keep: false }, inputs: [{ shape: [2, 3] }] },
      { attrs: { axes: [-3, -1], keep: true }, inputs: [{ shape: [2, 2, 3] }] },
      { attrs: { axes: [-2], keep: false }, inputs: [{ shape: [2, 3, 2] }] },
      { attrs: { axes: [-1], keep: false }, inputs: [{ shape: [2, 2, 3] }] },
      { attrs: { axes: [-2, -1], keep: false }, inputs: [{ shape: [2, 3] }] },
    ],
  };
}

export const sumRule = reduction(
  'sum',
  'Sum over axes.',
  0,
  (a, b) => a + b,
  ({ attrs, inputs, cotangents }) => {
    const x = inputs[0] as Tensor;
    return [broadcastTo(withKeptAxes(cotangents[0] as Tensor, attrs, t(x)), t(x))];
  },
);

export const reduceMaxRule = reduction(
  'reduceMax',
  'Maximum over axes; ties share the gradient.',
  -Infinity,
  Math.max,
  ({ attrs, inputs, outputs, cotangents }) => {
    const x = inputs[0] as Tensor;
    const hit = cast(eq(x, withKeptAxes(outputs[0] as Tensor, attrs, t(x))), x.type.dtype);
    const share = div(withKeptAxes(cotangents[0] as Tensor, attrs, t(x)), sum(hit, attrs.axes, true));
    return [mul(hit, share)];
  },
);
