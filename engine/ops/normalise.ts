/** Softmax and layer normalisation over the last axis, each with a decomposition. */
import {
  add,
  broadcastTo,
  dimension,
  div,
  exp,
  mean,
  mul,
  reduceMax,
  reshape,
  rsqrt,
  stopGradient,
  sub,
  sum,
  sumTo,
} from '../ir/build.ts';
import { isStatic, mulDims, type Dim } from '../ir/dim.ts';
import type { Tensor } from '../ir/tensor.ts';
import { elementsOf, printShape, sameShape, type Shape, type ValueType } from '../ir/types.ts';
import { needFloat, sameDtype } from './broadcasting.ts';
import { zeros } from './ndarray.ts';
import { ShapeError, type AxisLink, type NDArray, type OpRule } from './rule.ts';

const leadingLinks = (rank: number, keptRank: number, inputs: number): AxisLink[][] =>
  Array.from({ length: keptRank }, (_, i) =>
    Array.from({ length: inputs }, (_x, k) => (i < rank - 1 && k === 0 ? i : null)),
  );

/** Visits the runs along the last axis. */
function forEachRow(x: NDArray, visit: (offset: number, row: number) => void): void {
  const n = x.shape[x.shape.length - 1] as number;
  for (let row = 0; row * n < x.data.length; row++) visit(row * n, row);
}

export const softmaxRule: OpRule<'softmax'> = {
  doc: 'Softmax over the last axis.',
  arity: [1, 1],
  infer: (_attrs, inputs) => {
    const x = inputs[0] as ValueType;
    if (x.shape.length === 0)
      throw new ShapeError('softmax', 'needs at least one axis', 'Give a tensor with a last axis.');
    needFloat('softmax', x);
    return [x];
  },
  reference: (_attrs, inputs) => {
    const x = inputs[0] as NDArray;
    const n = x.shape[x.shape.length - 1] as number;
    const out = zeros(x.dtype, x.shape);
    forEachRow(x, (at) => {
      const row = x.data.subarray(at, at + n);
      const top = row.reduce((a, b) => Math.max(a, b), -Infinity);
      let total = 0;
      for (let j = 0; j < n; j++) total += out.data[at + j] = Math.exp((row[j] as number) - top);
      for (let j = 0; j < n; j++) out.data[at + j] = (out.data[at + j] as number) / total;
    });
    return [out];
  },
  vjp: ({ outputs, cotangents }) => {
    const y = outputs[0] as Tensor;
    const weighted = mul(cotangents[0] as Tensor, y);
    return [sub(weighted, mul(y, sum(weighted, [-1], true)))];
  },
  flops: (_attrs, inputs) => mulDims(8, elementsOf(inputs[0] as ValueType)),
  axes: (_attrs, inputs) => {
    const rank = (inputs[0] as ValueType).shape.length;
    return [leadingLinks(rank, rank, 1)];
  },
  decompose: (_attrs, inputs) => {
    const x = inputs[0] as Tensor;
    const e = exp(sub(x, stopGradient(reduceMax(x, [-1], true))));
    return [div(e, sum(e, [-1], true))];
  },
  cases: [
    { attrs: {}, inputs: [{ shape: [2, 4], range: [-2, 2] }] },
    { attrs: {}, inputs: [{ shape: [3], range: [-2, 2] }] },
    { attrs: {}, inputs: [{ shape: [2, 3, 2], range: [-2, 2] }] },
  ],
};

/** The statistic `[...]` as `[..., 1]`. */
const asColumn = (x: Tensor): Tensor => reshape(x, [...x.type.shape, 1]);

/** `c` divided by the size of the last axis of `x`. */
function overWidth(c: Tensor, x: Tensor): Tensor {
  const width = x.type.shape[x.type.shape.length - 1] as Dim;
  return isStatic(width) ? mul(c, 1 / width) : div(c, dimension(x, width));
}

export const layerNormRule: OpRule<'layerNorm'> = {
  doc: 'Layer normalisation of the last axis (Ba et al. 2016): y = (x - mean) * rstd * gamma + beta, rstd = 1 / sqrt(var + epsilon), biased variance.',
  arity: [3, 3],
  infer: (_attrs, inputs) => {
    const [x, gamma, beta] = inputs as [ValueType, ValueType, ValueType];
    const width = x.shape[x.shape.length - 1];
    if (width === undefined)
      throw new ShapeError('layerNorm', 'needs at least one axis', 'Give a tensor with a last axis.');
    for (const t of inputs) needFloat('layerNorm', t);
    sameDtype('layerNorm', inputs);
    for (const p of [gamma, beta]) {
      if (p.shape.length !== 1 || p.shape[0] !== width) {
        throw new ShapeError(
          'layerNorm',
          `scale and shift must be [${String(width)}], got ${printShape(p.shape)}`,
          'Use the norm of this width.',
        );
      }
    }
    const statistics: ValueType = { dtype: 'f32', shape: x.shape.slice(0, -1) };
    return [x, statistics, statistics];
  },
  reference: (attrs, inputs) => {
    const [x, gamma, beta] = inputs as [NDArray, NDArray, NDArray];
    const n = x.shape[x.shape.length - 1] as number;
    const y = zeros(x.dtype, x.shape);
    const means = zeros('f32', x.shape.slice(0, -1));
    const rstds = zeros('f32', x.shape.slice(0, -1));
    forEachRow(x, (at, row) => {
      const values = x.data.subarray(at, at + n);
      const m = values.reduce((a, b) => a + b, 0) / n;
      const variance = values.reduce((a, b) => a + (b - m) ** 2, 0) / n;
      const r = 1 / Math.sqrt(variance + attrs.epsilon);
      means.data[row] = m;
      rstds.data[row] = r;
      for (let j = 0; j < n; j++)
        y.data[at + j] = ((values[j] as number) - m) * r * (gamma.data[j] as number) + (beta.data[j] as number);
    });
    return [y, means, rstds];
  },
  vjp: ({ inputs, outputs, cotangents, wants }) => {
    const [x, gamma, beta] = inputs as [Tensor, Tensor, Tensor];
    const m = asColumn(outputs[1] as Tensor);
    const r = asColumn(outputs[2] as Tensor);
    const [dy, dMean, dRstd] = cotangents;
    const centred = mul(sub(x, m), r);
    const parts: Tensor[] = [];
    if (dy && wants[0]) {
      const g = mul(dy, gamma);
      const inner = sub(sub(g, mean(g, [-1], true)), mul(centred, mean(mul(g, centred), [-1], true)));
      parts.push(mul(inner, r));
    }
    // d mean / dx = 1/n.  d rstd / dx = -rstd^2 * centred / n, where centred = (x - mean) * rstd.
    if (dMean && wants[0]) parts.push(overWidth(asColumn(dMean), x));
    if (dRstd && wants[0]) parts.push(mul(mul(centred, mul(r, r)), mul(overWidth(asColumn(dRstd), x), -1)));
    const dx = parts.reduce<Tensor | undefined>((a, b) => (a ? add(a, b) : b), undefined);
    return [
      dx && (sameShape(dx.type.shape, x.type.shape) ? dx : broadcastTo(dx, x.type.shape)),
      dy && wants[1] ? sumTo(mul(dy, centred), gamma.type.shape) : undefined,
      dy && wants[2] ? sumTo(dy, beta.type.shape) : undefined,
    ];
  },
  flops: (_attrs, inputs) => mulDims(8, elementsOf(inputs[0] as ValueType)),
  axes: (_attrs, inputs) => {
    const rank = (inputs[0] as ValueType).shape.length;
    const leading = leadingLinks(rank, rank - 1, 3);
    return [[...leading, [null, 0, 0]], leading, leading];
  },
  decompose: (attrs, inputs) => {
    const [x, gamma, beta] = inputs as [Tensor, Tensor, Tensor];
    const m = mean(x, [-1], true);
    const centred = sub(x, m);
    const r = rsqrt(add(mean(mul(centred, centred), [-1], true), attrs.epsilon));
    const leading: Shape = x.type.shape.slice(0, -1);
    return [add(mul(mul(centred, r), gamma), beta), reshape(m, leading), reshape(r, leading)];
  },
  cases: [
    { attrs: { epsilon: 1e-5 }, inputs: [{ shape: [2, 4] }, { shape: [4] }, { shape: [4] }] },
    { attrs: { epsilon: 0.1 }, inputs: [{ shape: [2, 2, 3] }, { shape: [3] }, { shape: [3] }] },
    { attrs: { epsilon: 0.1 }, inputs: [{ shape: [3] }, { shape: [3] }, { shape: [3] }] },
  ],
};
