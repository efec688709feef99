/** Elementwise ops of two inputs, the selection between two, and the change of element type. */
import { cast, constant, div, log, lt, mul, pow, select, sub, sumTo } from '../ir/build.ts';
import type { Tensor } from '../ir/tensor.ts';
import { isFloat, type DType, type ValueType } from '../ir/types.ts';
import { broadcast, costPerElement, elementwiseAxes, needBoolean, needNumbers, sameDtype } from './broadcasting.ts';
import { mapArrays } from './ndarray.ts';
import type { NDArray, OpCase, OpRule, VjpContext } from './rule.ts';

type BinaryName = 'add' | 'sub' | 'mul' | 'div' | 'max' | 'min' | 'pow';
/** The pairs of shapes that every op of two inputs is tested with. */
const SHAPE_PAIRS: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3], [3]],
  [
    [2, 1, 3],
    [4, 1],
  ],
  [[], [2, 2]],
];

function binary<K extends BinaryName>(
  op: K,
  doc: string,
  f: (a: number, b: number) => number,
  gradient: (c: Tensor, a: Tensor, b: Tensor, wants: readonly boolean[]) => readonly (Tensor | undefined)[],
  range?: readonly [number, number],
): OpRule<K> {
  const span = range ? { range } : {};
  return {
    doc,
    arity: [2, 2],
    infer: (_attrs, inputs) => {
      needNumbers(op, inputs[0] as ValueType);
      return [{ dtype: sameDtype(op, inputs), shape: broadcast(op, inputs) }];
    },
    reference: (_attrs, inputs) => [mapArrays((inputs[0] as NDArray).dtype, inputs, f)],
    vjp: (context: VjpContext<K>) => {
      const [a, b] = context.inputs as [Tensor, Tensor];
      const grads = gradient(context.cotangents[0] as Tensor, a, b, context.wants);
      return [a, b].map((x, i) => (context.wants[i] && grads[i] ? sumTo(grads[i], x.type.shape) : undefined));
    },
    flops: costPerElement(1),
    axes: (_attrs, inputs, outputs) => elementwiseAxes(inputs, outputs),
    cases: SHAPE_PAIRS.map((shapes) => ({
      attrs: {},
      inputs: shapes.map((shape) => ({ shape, ...span })),
    })),
  };
}

/** A comparison or a logical op: boolean output, no gradient. */
function predicate<K extends 'eq' | 'lt' | 'and'>(op: K, doc: string, f: (a: number, b: number) => boolean): OpRule<K> {
  const dtype: DType = op === 'and' ? 'bool' : 'i32';
  return {
    doc,
    arity: [2, 2],
    infer: (_attrs, inputs) => {
      if (op === 'and') needBoolean(op, inputs[0] as ValueType);
      sameDtype(op, inputs);
      return [{ dtype: 'bool', shape: broadcast(op, inputs) }];
    },
    reference: (_attrs, inputs) => [mapArrays('bool', inputs, (a, b) => (f(a, b) ? 1 : 0))],
    vjp: () => [undefined, undefined],
    flops: costPerElement(1),
    axes: (_attrs, inputs, outputs) => elementwiseAxes(inputs, outputs),
    cases: SHAPE_PAIRS.map((shapes) => ({
      attrs: {},
      inputs: shapes.map((shape) => ({ shape, dtype, range: [0, 3] })),
    })) as unknown as OpCase<K>[],
  };
}

const where = (condition: Tensor, x: Tensor): Tensor => mul(x, cast(condition, x.type.dtype));

export const addRule = binary(
  'add',
  'a + b',
  (a, b) => a + b,
  (c) => [c, c],
);
export const subRule = binary(
  'sub',
  'a - b',
  (a, b) => a - b,
  (c, _a, _b, wants) => [c, wants[1] ? mul(c, -1) : undefined],
);
export const mulRule = binary(
  'mul',
  'a * b',
  (a, b) => a * b,
  (c, a, b, wants) => [wants[0] ? mul(c, b) : undefined, wants[1] ? mul(c, a) : undefined],
);
export const divRule = binary(
  'div',
  'a / b',
  (a, b) => a / b,
  (c, a, b, wants) => [wants[0] ? div(c, b) : undefined, wants[1] ? div(mul(mul(c, a), -1), mul(b, b)) : undefined],
  [0.5, 2],
);
export const maxRule = binary('max', 'The larger; on a tie the gradient goes to a.', Math.max, (c, a, b, wants) => {
  const second = lt(a, b);
  return [wants[0] ? sub(c, where(second, c)) : undefined, wants[1] ? where(second, c) : undefined];
});
export const minRule = binary('min', 'The smaller; on a tie the gradient goes to a.', Math.min, (c, a, b, wants) => {
  const second = lt(b, a);
  return [wants[0] ? sub(c, where(second, c)) : undefined, wants[1] ? where(second, c) : undefined];
});
export const powRule = binary(
  'pow',
  'a to the power b, a > 0.',
  Math.pow,
  (c, a, b, wants) => [
    wants[0] ? mul(c, mul(b, pow(a, sub(b, 1)))) : undefined,
    wants[1] ? mul(c, mul(pow(a, b), log(a))) : undefined,
  ],
  [0.5, 2],
);

export const eqRule = predicate('eq', 'a equals b.', (a, b) => a === b);
export const ltRule = predicate('lt', 'a is less than b.', (a, b) => a < b);
export const andRule = predicate('and', 'Both are true.', (a, b) => a !== 0 && b !== 0);

export const selectRule: OpRule<'select'> = {
  doc: 'Where the condition is true a, else b.',
  arity: [3, 3],
  infer: (_attrs, inputs) => {
    const [condition, a, b] = inputs as [ValueType, ValueType, ValueType];
    needBoolean('select', condition);
    return [{ dtype: sameDtype('select', [a, b]), shape: broadcast('select', inputs) }];
  },
  reference: (_attrs, inputs) => [mapArrays((inputs[1] as NDArray).dtype, inputs, (p, a, b) => (p ? a : b))],
  vjp: ({ inputs, cotangents, wants }) => {
    const [condition, a, b] = inputs as [Tensor, Tensor, Tensor];
    const c = cotangents[0] as Tensor;
    const zero = constant(c, c.type.dtype, [], 0);
    return [
      undefined,
      wants[1] ? sumTo(select(condition, c, zero), a.type.shape) : undefined,
      wants[2] ? sumTo(select(condition, zero, c), b.type.shape) : undefined,
    ];
  },
  flops: costPerElement(1),
  axes: (_attrs, inputs, outputs) => elementwiseAxes(inputs, outputs),
  cases: [
    { attrs: {}, inputs: [{ shape: [2, 3], dtype: 'bool' }, { shape: [2, 3] }, { shape: [3] }] },
    { attrs: {}, inputs: [{ shape: [3], dtype: 'bool' }, { shape: [2, 1] }, { shape: [] }] },
    { attrs: {}, inputs: [{ shape: [2, 2, 1], dtype: 'bool' }, { shape: [2, 2, 3] }, { shape: [3] }] },
  ],
};

export const castRule: OpRule<'cast'> = {
  doc: 'Changes the element type; to bool, non-zero becomes true; to an integer, truncates.',
  arity: [1, 1],
  infer: (attrs, inputs) => [{ dtype: attrs.dtype, shape: (inputs[0] as ValueType).shape }],
  reference: (attrs, inputs) => [
    mapArrays(attrs.dtype, inputs, (x) =>
      attrs.dtype === 'bool' ? (x === 0 ? 0 : 1) : isFloat(attrs.dtype) ? x : Math.trunc(x),
    ),
  ],
  vjp: ({ inputs, cotangents }) => {
    const from = (inputs[0] as Tensor).type.dtype;
    return [isFloat(from) ? cast(cotangents[0] as Tensor, from) : undefined];
  },
  flops: costPerElement(0),
  axes: (_attrs, inputs, outputs) => elementwiseAxes(inputs, outputs),
  cases: [
    { attrs: { dtype: 'f32' }, inputs: [{ shape: [2, 3], dtype: 'i32', range: [0, 5] }] },
    { attrs: { dtype: 'f32' }, inputs: [{ shape: [4], dtype: 'bool' }] },
    { attrs: { dtype: 'f32' }, inputs: [{ shape: [2, 3] }] },
    { attrs: { dtype: 'i32' }, inputs: [{ shape: [5], range: [-3, 3] }] },
    { attrs: { dtype: 'bool' }, inputs: [{ shape: [6], dtype: 'i32', range: [0, 2] }] },
  ],
};
