/** Ops that steer the compiler rather than compute: noise from a counter, barriers, cut gradients. */
import { fillKeep, fillReal, siteHash } from '../base/counterHash.ts';
import { barrier } from '../ir/build.ts';
import { mulDims } from '../ir/dim.ts';
import type { Tensor } from '../ir/tensor.ts';
import { concreteShape, elementsOf, printShape, printType, type ValueType } from '../ir/types.ts';
import { zeros } from './ndarray.ts';
import { ShapeError, type AxisLink, type NDArray, type OpRule } from './rule.ts';

export const noiseRule: OpRule<'noise'> = {
  doc: 'Counter noise (engine/base/counterHash.ts): a pure function of key, site, row coordinate and position.',
  arity: [2, 2],
  infer: (attrs, inputs) => {
    const [key, rows] = inputs as [ValueType, ValueType];
    if (key.dtype !== 'u32' || key.shape.length !== 1 || key.shape[0] !== 2) {
      throw new ShapeError('noise', `the key must be u32[2], got ${printType(key)}`, 'Use the key of the step.');
    }
    if (rows.dtype !== 'i32' || rows.shape.length === 0 || rows.shape.some((d, i) => d !== attrs.shape[i])) {
      throw new ShapeError(
        'noise',
        `row coordinates ${printType(rows)} do not fit a noise of ${printShape(attrs.shape)}`,
        'Give one coordinate per row of the leading axes.',
      );
    }
    return [{ dtype: 'f32', shape: attrs.shape }];
  },
  reference: (attrs, inputs, bindings) => {
    const [key, rows] = inputs as [NDArray, NDArray];
    const out = zeros('f32', concreteShape(attrs.shape, bindings));
    const shape = [rows.data.length, ...out.shape.slice(rows.shape.length)];
    const { distribution } = attrs;
    if (distribution.kind === 'keep') {
      const bits = new Uint8Array(out.data.length);
      fillKeep(bits, key.data, siteHash(attrs.site), rows.data, shape, distribution.p);
      bits.forEach((keep, i) => (out.data[i] = keep / (1 - distribution.p)));
    } else fillReal(out.data, key.data, siteHash(attrs.site), rows.data, shape, distribution.kind);
    return [out];
  },
  vjp: () => [undefined, undefined],
  flops: (_attrs, _inputs, outputs) => mulDims(8, elementsOf(outputs[0] as ValueType)),
  axes: (attrs, inputs) => [
    attrs.shape.map((_, i): AxisLink[] => [null, i < (inputs[1] as ValueType).shape.length ? i : null]),
  ],
  mergeLeading: (attrs, rows) => ({ ...attrs, shape: [rows, ...attrs.shape.slice(2)] }),
  cases: [
    {
      attrs: { site: 'a/dropout', shape: [3, 5], distribution: { kind: 'keep', p: 0.25 } },
      inputs: [
        { shape: [2], dtype: 'u32', range: [0, 1000] },
        { shape: [3], dtype: 'i32', range: [0, 50] },
      ],
    },
    {
      attrs: { site: 'a/dropout', shape: [2, 3, 4], distribution: { kind: 'keep', p: 0.25 } },
      inputs: [
        { shape: [2], dtype: 'u32', range: [0, 1000] },
        { shape: [2, 3], dtype: 'i32', range: [0, 50] },
      ],
    },
    {
      attrs: { site: 'b', shape: [2, 2, 3], distribution: { kind: 'normal' } },
      inputs: [
        { shape: [2], dtype: 'u32', range: [0, 1000] },
        { shape: [2], dtype: 'i32', range: [0, 50] },
      ],
    },
    {
      attrs: { site: 'b', shape: [3], distribution: { kind: 'uniform' } },
      inputs: [
        { shape: [2], dtype: 'u32', range: [0, 1000] },
        { shape: [3], dtype: 'i32', range: [0, 50] },
      ],
    },
  ],
};

const sameAsFirst = (_attrs: unknown, inputs: readonly ValueType[]): ValueType[] => [inputs[0] as ValueType];
const identityLinks = (inputs: readonly ValueType[]): AxisLink[][][] => [
  (inputs[0] as ValueType).shape.map((_, i) => inputs.map((_t, k): AxisLink => (k === 0 ? i : null))),
];

export const barrierRule: OpRule<'barrier'> = {
  doc: 'The first input, not to be computed, merged or folded before the second is there: it keeps recomputation from being undone.',
  arity: [2, 2],
  infer: sameAsFirst,
  reference: (_attrs, inputs) => [inputs[0] as NDArray],
  vjp: ({ inputs, cotangents }) => [barrier(cotangents[0] as Tensor, inputs[1] as Tensor), undefined],
  flops: () => 0,
  axes: (_attrs, inputs) => identityLinks(inputs),
  cases: [
    { attrs: {}, inputs: [{ shape: [2, 3] }, { shape: [1] }] },
    { attrs: {}, inputs: [{ shape: [2, 3, 2], dtype: 'i32', range: [0, 9] }, { shape: [] }] },
  ],
};

export const stopGradientRule: OpRule<'stopGradient'> = {
  doc: 'The input as a constant: nothing flows back through it.',
  arity: [1, 1],
  infer: sameAsFirst,
  reference: (_attrs, inputs) => [inputs[0] as NDArray],
  vjp: () => [undefined],
  flops: () => 0,
  axes: (_attrs, inputs) => identityLinks(inputs),
  cases: [{ attrs: {}, inputs: [{ shape: [2, 3] }] }],
};
