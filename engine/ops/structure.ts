/** Ops that make constants or move elements: no arithmetic, so their FLOPs are zero. */
import { pad, reshape, slice, sumTo, transpose } from '../ir/build.ts';
import { addDims, divExact, evaluateDim, isStatic, mulDims, productOf, subDims, type Dim } from '../ir/dim.ts';
import type { Tensor } from '../ir/tensor.ts';
import { concreteShape, isFloat, printShape, type Shape } from '../ir/types.ts';
import { elementwiseAxes, sameDtype } from './broadcasting.ts';
import { broadcastFlat, forEachIndex, stridesOf, zeros } from './ndarray.ts';
import { ShapeError, type AxisLinks, type OpRule } from './rule.ts';

const isNegative = (d: Dim): boolean => isStatic(d) && d < 0;
const noFlops = (): Dim => 0;
const first = <T>(xs: readonly T[]): T => xs[0] as T;

/** Position of an axis counted from the end. */
export const axisFromEnd = (axis: number, rank: number): number => rank + axis;

export function replaceAxis(shape: Shape, axis: number, dim: Dim): Shape {
  return shape.map((d, i) => (i === axisFromEnd(axis, shape.length) ? dim : d));
}

/** Every axis linked to itself except `axis`. */
function linksExcept(shape: Shape, axis: number, inputs: number): AxisLinks {
  const odd = axisFromEnd(axis, shape.length);
  return [shape.map((_, i) => Array.from({ length: inputs }, () => (i === odd ? null : i)))];
}

export const constantRule: OpRule<'constant'> = {
  doc: 'A tensor of one repeated value.',
  arity: [0, 0],
  infer: (attrs) => [{ dtype: attrs.dtype, shape: attrs.shape }],
  reference: (attrs, _inputs, bindings) => {
    const out = zeros(attrs.dtype, concreteShape(attrs.shape, bindings));
    out.data.fill(attrs.value);
    return [out];
  },
  vjp: () => [],
  flops: noFlops,
  axes: (attrs) => [attrs.shape.map(() => [])],
  mergeLeading: (attrs, rows) => ({ ...attrs, shape: [rows, ...attrs.shape.slice(2)] }),
  cases: [
    { attrs: { dtype: 'f32', shape: [2, 3], value: 1.5 }, inputs: [] },
    { attrs: { dtype: 'i32', shape: [], value: 3 }, inputs: [] },
    { attrs: { dtype: 'f32', shape: [2, 3, 2], value: -1 }, inputs: [] },
  ],
};

export const dimensionRule: OpRule<'dimension'> = {
  doc: 'The run-time value of a dimension as an f32 scalar.',
  arity: [0, 0],
  infer: () => [{ dtype: 'f32', shape: [] }],
  reference: (attrs, _inputs, bindings) => [
    { dtype: 'f32', shape: [], data: Float64Array.of(evaluateDim(attrs.of, bindings)) },
  ],
  vjp: () => [],
  flops: noFlops,
  axes: () => [[]],
  cases: [{ attrs: { of: 7 }, inputs: [] }],
};

export const iotaRule: OpRule<'iota'> = {
  doc: '0, 1, ..., size - 1 as i32.',
  arity: [0, 0],
  infer: (attrs) => [{ dtype: 'i32', shape: [attrs.size] }],
  reference: (attrs, _inputs, bindings) => {
    const n = evaluateDim(attrs.size, bindings);
    return [{ dtype: 'i32', shape: [n], data: Float64Array.from({ length: n }, (_, i) => i) }];
  },
  vjp: () => [],
  flops: noFlops,
  axes: () => [[[]]],
  cases: [{ attrs: { size: 5 }, inputs: [] }],
};

/** Axes that a reshape leaves alone: equal dimensions counted from the left, then from the right. */
function reshapeLinks(from: Shape, to: Shape): AxisLinks {
  const links: (number | null)[] = to.map(() => null);
  let left = 0;
  while (left < Math.min(from.length, to.length) && from[left] === to[left]) {
    links[left] = left;
    left++;
  }
  for (let r = 1; r <= Math.min(from.length, to.length) - left && from[from.length - r] === to[to.length - r]; r++) {
    links[to.length - r] = from.length - r;
  }
  return [links.map((l) => [l])];
}

export const reshapeRule: OpRule<'reshape'> = {
  doc: 'The same elements in row-major order under another shape.',
  arity: [1, 1],
  infer: (attrs, inputs) => {
    const x = first(inputs);
    if (productOf(x.shape) !== productOf(attrs.shape)) {
      throw new ShapeError(
        'reshape',
        `${printShape(x.shape)} has ${String(productOf(x.shape))} elements, ${printShape(attrs.shape)} has ${String(productOf(attrs.shape))}`,
        'Give a shape with the same number of elements.',
      );
    }
    return [{ dtype: x.dtype, shape: attrs.shape }];
  },
  reference: (attrs, inputs, bindings) => [{ ...first(inputs), shape: concreteShape(attrs.shape, bindings) }],
  vjp: ({ inputs, cotangents }) => [reshape(first(cotangents) as Tensor, first(inputs).type.shape)],
  flops: noFlops,
  axes: (attrs, inputs) => reshapeLinks(first(inputs).shape, attrs.shape),
  mergeLeading: (attrs, rows) => ({ shape: [rows, ...attrs.shape.slice(2)] }),
  cases: [
    { attrs: { shape: [2, 3, 2] }, inputs: [{ shape: [2, 6] }] },
    { attrs: { shape: [6, 2] }, inputs: [{ shape: [2, 3, 2] }] },
    { attrs: { shape: [2, 2, 3, 2] }, inputs: [{ shape: [2, 2, 6] }] },
    { attrs: { shape: [] }, inputs: [{ shape: [1, 1] }] },
    { attrs: { shape: [3, 2, 2] }, inputs: [{ shape: [2, 3, 2] }] },
  ],
};

export const transposeRule: OpRule<'transpose'> = {
  doc: 'Reorders axes: output axis i is input axis perm[i].',
  arity: [1, 1],
  infer: (attrs, inputs) => {
    const x = first(inputs);
    if (attrs.perm.length !== x.shape.length || x.shape.some((_, i) => !attrs.perm.includes(i))) {
      throw new ShapeError(
        'transpose',
        `[${attrs.perm.join(',')}] is no order of the axes of ${printShape(x.shape)}`,
        'List every axis once.',
      );
    }
    return [{ dtype: x.dtype, shape: attrs.perm.map((p) => x.shape[p] as Dim) }];
  },
  reference: (attrs, inputs) => {
    const x = first(inputs);
    const out = zeros(
      x.dtype,
      attrs.perm.map((p) => x.shape[p] as number),
    );
    const strides = stridesOf(x.shape);
    forEachIndex(out.shape, (index, flat) => {
      let at = 0;
      attrs.perm.forEach((p, i) => (at += (strides[p] as number) * (index[i] as number)));
      out.data[flat] = x.data[at] as number;
    });
    return [out];
  },
  vjp: ({ attrs, cotangents }) => {
    const inverse = attrs.perm.map((_, i) => attrs.perm.indexOf(i));
    return [transpose(first(cotangents) as Tensor, inverse)];
  },
  flops: noFlops,
  axes: (attrs) => [attrs.perm.map((p) => [p])],
  mergeLeading: (attrs) => ({ perm: [0, ...attrs.perm.slice(2).map((p) => p - 1)] }),
  cases: [
    { attrs: { perm: [1, 2, 0] }, inputs: [{ shape: [2, 3, 4] }] },
    { attrs: { perm: [0, 1, 3, 2] }, inputs: [{ shape: [2, 2, 3, 2] }] },
  ],
};

export const broadcastToRule: OpRule<'broadcastTo'> = {
  doc: 'Repeats axes of size 1, and new leading axes, to a shape.',
  arity: [1, 1],
  infer: (attrs, inputs) => {
    const x = first(inputs);
    const shift = attrs.shape.length - x.shape.length;
    if (shift < 0 || x.shape.some((d, i) => d !== 1 && d !== attrs.shape[i + shift])) {
      throw new ShapeError(
        'broadcastTo',
        `${printShape(x.shape)} does not broadcast to ${printShape(attrs.shape)}`,
        'Only axes of size 1 are repeated.',
      );
    }
    return [{ dtype: x.dtype, shape: attrs.shape }];
  },
  reference: (attrs, inputs, bindings) => {
    const x = first(inputs);
    const out = zeros(x.dtype, concreteShape(attrs.shape, bindings));
    const strides = stridesOf(x.shape);
    forEachIndex(
      out.shape,
      (index, flat) => (out.data[flat] = x.data[broadcastFlat(x.shape, strides, index)] as number),
    );
    return [out];
  },
  vjp: ({ inputs, cotangents }) => [sumTo(first(cotangents) as Tensor, first(inputs).type.shape)],
  flops: noFlops,
  axes: (_attrs, inputs, outputs) => elementwiseAxes(inputs, outputs),
  mergeLeading: (attrs, rows) => ({ shape: [rows, ...attrs.shape.slice(2)] }),
  cases: [
    { attrs: { shape: [4, 2, 3] }, inputs: [{ shape: [2, 1] }] },
    { attrs: { shape: [2, 3, 2] }, inputs: [{ shape: [2, 3, 1] }] },
    { attrs: { shape: [2, 2] }, inputs: [{ shape: [] }] },
  ],
};

export const sliceRule: OpRule<'slice'> = {
  doc: '`size` elements from `start` along one axis.',
  arity: [1, 1],
  infer: (attrs, inputs) => {
    const x = first(inputs);
    const whole = x.shape[axisFromEnd(attrs.axis, x.shape.length)];
    const end = addDims(attrs.start, attrs.size);
    if (
      whole === undefined ||
      (isStatic(whole) && isStatic(end) && end > whole) ||
      isNegative(attrs.start) ||
      isNegative(attrs.size)
    ) {
      throw new ShapeError(
        'slice',
        `${String(attrs.start)}..${String(end)} is outside axis ${attrs.axis} of ${printShape(x.shape)}`,
        'Stay within the axis.',
      );
    }
    return [{ dtype: x.dtype, shape: replaceAxis(x.shape, attrs.axis, attrs.size) }];
  },
  reference: (attrs, inputs, bindings) => {
    const x = first(inputs);
    const axis = axisFromEnd(attrs.axis, x.shape.length);
    const out = zeros(x.dtype, concreteShape(replaceAxis(x.shape, attrs.axis, attrs.size), bindings));
    const strides = stridesOf(x.shape);
    const offset = evaluateDim(attrs.start, bindings) * (strides[axis] as number);
    forEachIndex(
      out.shape,
      (index, flat) => (out.data[flat] = x.data[broadcastFlatStrict(strides, index) + offset] as number),
    );
    return [out];
  },
  vjp: ({ attrs, inputs, cotangents }) => {
    const x = first(inputs);
    const whole = x.type.shape[axisFromEnd(attrs.axis, x.type.shape.length)] as Dim;
    return [
      pad(first(cotangents) as Tensor, attrs.axis, attrs.start, subDims(whole, addDims(attrs.start, attrs.size))),
    ];
  },
  flops: noFlops,
  axes: (attrs, inputs) => linksExcept(first(inputs).shape, attrs.axis, 1),
  cases: [
    { attrs: { axis: -2, start: 1, size: 2 }, inputs: [{ shape: [2, 4, 3] }] },
    { attrs: { axis: -1, start: 0, size: 2 }, inputs: [{ shape: [2, 3, 4] }] },
    { attrs: { axis: -1, start: 2, size: 1 }, inputs: [{ shape: [3], dtype: 'i32', range: [0, 9] }] },
  ],
};

function broadcastFlatStrict(strides: readonly number[], index: readonly number[]): number {
  return strides.reduce((at, s, i) => at + s * (index[i] as number), 0);
}

export const padRule: OpRule<'pad'> = {
  doc: 'Zeros before and after along one axis: the transpose of `slice`.',
  arity: [1, 1],
  infer: (attrs, inputs) => {
    const x = first(inputs);
    const whole = x.shape[axisFromEnd(attrs.axis, x.shape.length)];
    if (whole === undefined) {
      throw new ShapeError('pad', `${printShape(x.shape)} has no axis ${attrs.axis}`, 'Count axes from the end.');
    }
    if (isNegative(attrs.before) || isNegative(attrs.after)) {
      throw new ShapeError('pad', `${String(attrs.before)} and ${String(attrs.after)}: one is negative`, 'Use slice.');
    }
    return [
      { dtype: x.dtype, shape: replaceAxis(x.shape, attrs.axis, addDims(whole, addDims(attrs.before, attrs.after))) },
    ];
  },
  reference: (attrs, inputs, bindings) => {
    const x = first(inputs);
    const axis = axisFromEnd(attrs.axis, x.shape.length);
    const before = evaluateDim(attrs.before, bindings);
    const shape = x.shape.map((d, i) => (i === axis ? d + before + evaluateDim(attrs.after, bindings) : d));
    const out = zeros(x.dtype, shape);
    const strides = stridesOf(shape);
    forEachIndex(x.shape, (index, flat) => {
      out.data[broadcastFlatStrict(strides, index) + before * (strides[axis] as number)] = x.data[flat] as number;
    });
    return [out];
  },
  vjp: ({ attrs, inputs, cotangents }) => {
    const x = first(inputs);
    return [
      slice(
        first(cotangents) as Tensor,
        attrs.axis,
        attrs.before,
        x.type.shape[axisFromEnd(attrs.axis, x.type.shape.length)] as Dim,
      ),
    ];
  },
  flops: noFlops,
  axes: (attrs, inputs) => linksExcept(first(inputs).shape, attrs.axis, 1),
  cases: [
    { attrs: { axis: -1, before: 1, after: 2 }, inputs: [{ shape: [2, 3] }] },
    { attrs: { axis: -1, before: 0, after: 1 }, inputs: [{ shape: [2, 2, 2] }] },
    { attrs: { axis: -3, before: 2, after: 0 }, inputs: [{ shape: [2, 2, 2] }] },
  ],
};

export const concatRule: OpRule<'concat'> = {
  doc: 'Tensors one after the other along an axis.',
  arity: [1, Infinity],
  infer: (attrs, inputs) => {
    const x = first(inputs);
    const axis = axisFromEnd(attrs.axis, x.shape.length);
    sameDtype('concat', inputs);
    if (x.shape[axis] === undefined) {
      throw new ShapeError('concat', `${printShape(x.shape)} has no axis ${attrs.axis}`, 'Count axes from the end.');
    }
    for (const t of inputs) {
      if (t.shape.length !== x.shape.length || t.shape.some((d, i) => i !== axis && d !== x.shape[i])) {
        throw new ShapeError(
          'concat',
          `${inputs.map((i) => printShape(i.shape)).join(', ')} differ outside axis ${attrs.axis}`,
          'Make the other axes equal.',
        );
      }
    }
    const total = inputs.reduce<Dim>((n, t) => addDims(n, t.shape[axis] as Dim), 0);
    return [{ dtype: x.dtype, shape: replaceAxis(x.shape, attrs.axis, total) }];
  },
  reference: (attrs, inputs) => {
    const rank = first(inputs).shape.length;
    const axis = axisFromEnd(attrs.axis, rank);
    const shape = first(inputs).shape.map((d, i) =>
      i === axis ? inputs.reduce((n, t) => n + (t.shape[axis] as number), 0) : d,
    );
    const out = zeros(first(inputs).dtype, shape);
    const strides = stridesOf(shape);
    let offset = 0;
    for (const x of inputs) {
      const shift = offset * (strides[axis] as number);
      forEachIndex(
        x.shape,
        (index, flat) => (out.data[broadcastFlatStrict(strides, index) + shift] = x.data[flat] as number),
      );
      offset += x.shape[axis] as number;
    }
    return [out];
  },
  vjp: ({ attrs, inputs, cotangents, wants }) => {
    let start: Dim = 0;
    return inputs.map((x, i) => {
      const size = x.type.shape[axisFromEnd(attrs.axis, x.type.shape.length)] as Dim;
      const part =
        wants[i] && isFloat(x.type.dtype) ? slice(first(cotangents) as Tensor, attrs.axis, start, size) : undefined;
      start = addDims(start, size);
      return part;
    });
  },
  flops: noFlops,
  axes: (attrs, inputs) => linksExcept(first(inputs).shape, attrs.axis, inputs.length),
  cases: [
    { attrs: { axis: -2 }, inputs: [{ shape: [2, 1, 3] }, { shape: [2, 2, 3] }] },
    { attrs: { axis: -1 }, inputs: [{ shape: [2, 2, 1] }, { shape: [2, 2, 2] }, { shape: [2, 2, 1] }] },
  ],
};

/** Reshape target that merges (or splits back) heads: used by attention's decomposition. */
export function splitLast(x: Tensor, parts: number): Tensor {
  const shape = x.type.shape;
  const size = divExact(shape[shape.length - 1] as Dim, parts);
  if (size === undefined)
    throw new ShapeError(
      'reshape',
      `${printShape(shape)} does not split in ${parts} heads`,
      'Choose a number of heads that divides the width.',
    );
  return reshape(x, [...shape.slice(0, -1), parts, size]);
}

export function mergeLast(x: Tensor): Tensor {
  const shape = x.type.shape;
  return reshape(x, [...shape.slice(0, -2), mulDims(shape[shape.length - 2] as Dim, shape[shape.length - 1] as Dim)]);
}
