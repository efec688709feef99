/** Elementwise ops: numpy broadcasting, every output axis independent along every input axis that has it. */
import {
  add,
  cast,
  constant,
  cos,
  div,
  erf,
  exp,
  log,
  lt,
  mul,
  pow,
  scalarLike,
  select,
  sign,
  sin,
  sub,
  sumTo,
  tanh,
} from '../ir/build.ts';
import { mulDims, type Dim } from '../ir/dim.ts';
import type { OpName } from '../ir/opAttrs.ts';
import type { Tensor } from '../ir/tensor.ts';
import { elementsOf, isFloat, printType, type DType, type Shape, type ValueType } from '../ir/types.ts';
import { mapArrays } from './ndarray.ts';
import { erf as erfOf } from './special.ts';
import { ShapeError, type AxisLinks, type OpCase, type OpRule, type VjpContext } from './rule.ts';

type NoAttrs = Record<string, never>;
type UnaryName =
  | 'neg'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'rsqrt'
  | 'tanh'
  | 'erf'
  | 'sigmoid'
  | 'relu'
  | 'abs'
  | 'sign'
  | 'sin'
  | 'cos'
  | 'gelu';
type BinaryName = 'add' | 'sub' | 'mul' | 'div' | 'max' | 'min' | 'pow';

/** Numpy broadcasting over symbolic dimensions: equal, or one of them 1. */
export function broadcast(op: OpName, shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((s) => s.length));
  const out: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    let dim: Dim = 1;
    for (const s of shapes) {
      const d = s[s.length - rank + i];
      if (d === undefined || d === 1 || d === dim) continue;
      if (dim !== 1) {
        throw new ShapeError(
          op,
          `shapes ${shapes.map((x) => `[${x.join(',')}]`).join(' and ')} do not broadcast: ${String(dim)} against ${String(d)} on axis ${i - rank}`,
          'Give both the same size on that axis, or size 1.',
        );
      }
      dim = d;
    }
    out.push(dim);
  }
  return out;
}

export function elementwiseAxes(inputs: readonly ValueType[], outputs: readonly ValueType[]): AxisLinks {
  return outputs.map((o) =>
    o.shape.map((dim, axis) =>
      inputs.map((t) => {
        const own = axis - (o.shape.length - t.shape.length);
        return own >= 0 && t.shape[own] === dim && dim !== 1 ? own : null;
      }),
    ),
  );
}

const costPerElement =
  (cost: number) =>
  (_a: unknown, _i: readonly ValueType[], outputs: readonly ValueType[]): Dim =>
    mulDims(cost, elementsOf(outputs[0] as ValueType));

function sameDtype(op: OpName, inputs: readonly ValueType[]): DType {
  const dtype = (inputs[0] as ValueType).dtype;
  const odd = inputs.find((t) => t.dtype !== dtype);
  if (odd)
    throw new ShapeError(op, `element types differ, got ${inputs.map(printType).join(' and ')}`, 'Cast one of them.');
  return dtype;
}

function unary<K extends UnaryName>(
  op: K,
  doc: string,
  f: (x: number) => number,
  derivative: (x: Tensor, y: Tensor) => Tensor | undefined,
  options: {
    cost?: number;
    range?: readonly [number, number];
    cases?: OpCase<K>[];
    reference?: OpRule<K>['reference'];
  } = {},
): OpRule<K> {
  return {
    doc,
    infer: (_attrs, inputs) => {
      const x = inputs[0] as ValueType;
      if (!isFloat(x.dtype)) throw new ShapeError(op, `needs a float tensor, got ${printType(x)}`, 'Cast it to f32.');
      return [x];
    },
    reference: options.reference ?? ((_attrs, inputs) => [mapArrays((inputs[0] as { dtype: DType }).dtype, inputs, f)]),
    vjp: ({ inputs, outputs, cotangents }) => {
      const d = derivative(inputs[0] as Tensor, outputs[0] as Tensor);
      return [d === undefined ? undefined : mul(cotangents[0] as Tensor, d)];
    },
    flops: costPerElement(options.cost ?? 1),
    axes: (_attrs, inputs, outputs) => elementwiseAxes(inputs, outputs),
    cases:
      options.cases ??
      ([
        { attrs: {}, inputs: [{ shape: [2, 3], ...(options.range ? { range: options.range } : {}) }] },
      ] as unknown as OpCase<K>[]),
  };
}

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
    infer: (_attrs, inputs) => [
      {
        dtype: sameDtype(op, inputs),
        shape: broadcast(
          op,
          inputs.map((t) => t.shape),
        ),
      },
    ],
    reference: (_attrs, inputs) => [
      mapArrays((inputs[0] as { dtype: DType }).dtype, inputs, f as (...v: number[]) => number),
    ],
    vjp: (context: VjpContext<K>) => {
      const [a, b] = context.inputs as [Tensor, Tensor];
      const grads = gradient(context.cotangents[0] as Tensor, a, b, context.wants);
      return [a, b].map((x, i) => (context.wants[i] && grads[i] ? sumTo(grads[i], x.type.shape) : undefined));
    },
    flops: costPerElement(1),
    axes: (_attrs, inputs, outputs) => elementwiseAxes(inputs, outputs),
    cases: [
      {
        attrs: {} as NoAttrs,
        inputs: [
          { shape: [2, 3], ...span },
          { shape: [2, 3], ...span },
        ],
      },
      {
        attrs: {} as NoAttrs,
        inputs: [
          { shape: [2, 3], ...span },
          { shape: [3], ...span },
        ],
      },
      {
        attrs: {} as NoAttrs,
        inputs: [
          { shape: [2, 1, 3], ...span },
          { shape: [4, 1], ...span },
        ],
      },
    ] as unknown as OpCase<K>[],
  };
}

/** A comparison or a logical op: boolean output, no gradient. */
function predicate<K extends 'eq' | 'lt' | 'and'>(op: K, doc: string, f: (a: number, b: number) => boolean): OpRule<K> {
  const dtype: DType = op === 'and' ? 'bool' : 'f32';
  return {
    doc,
    infer: (_attrs, inputs) => {
      sameDtype(op, inputs);
      return [
        {
          dtype: 'bool',
          shape: broadcast(
            op,
            inputs.map((t) => t.shape),
          ),
        },
      ];
    },
    reference: (_attrs, inputs) => [mapArrays('bool', inputs, (a, b) => (f(a as number, b as number) ? 1 : 0))],
    vjp: () => [undefined, undefined],
    flops: costPerElement(1),
    axes: (_attrs, inputs, outputs) => elementwiseAxes(inputs, outputs),
    cases: [
      {
        attrs: {},
        inputs: [
          { shape: [2, 3], dtype },
          { shape: [3], dtype },
        ],
      },
    ] as unknown as OpCase<K>[],
  };
}

const where = (condition: Tensor, x: Tensor): Tensor => mul(x, cast(condition, x.type.dtype));
const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const GELU_CUBIC = 0.044715;

/** d/dx of exact gelu: Phi(x) + x * phi(x). */
function geluDerivative(x: Tensor): Tensor {
  const cdf = mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
  const density = mul(exp(mul(mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return add(cdf, mul(x, density));
}

/** d/dx of 0.5 x (1 + tanh u), u = sqrt(2/pi) (x + 0.044715 x^3). */
function geluTanhDerivative(x: Tensor): Tensor {
  const x2 = mul(x, x);
  const t = tanh(mul(mul(x, add(mul(x2, GELU_CUBIC), 1)), SQRT_2_OVER_PI));
  const du = mul(add(mul(x2, 3 * GELU_CUBIC), 1), SQRT_2_OVER_PI);
  const tail = mul(mul(mul(x, sub(1, mul(t, t))), du), 0.5);
  return add(mul(add(t, 1), 0.5), tail);
}

const geluExact = (x: number): number => 0.5 * x * (1 + erfOf(x * Math.SQRT1_2));
const geluTanh = (x: number): number => 0.5 * x * (1 + Math.tanh(SQRT_2_OVER_PI * (x + GELU_CUBIC * x ** 3)));

export const negRule = unary(
  'neg',
  '-x',
  (x) => -x,
  (x) => scalarLike(x, -1),
);
export const expRule = unary('exp', 'e^x', Math.exp, (_x, y) => y, { cost: 4 });
export const logRule = unary('log', 'Natural logarithm.', Math.log, (x) => div(1, x), { cost: 4, range: [0.5, 2] });
export const sqrtRule = unary('sqrt', 'Square root.', Math.sqrt, (_x, y) => div(0.5, y), { range: [0.5, 2] });
export const rsqrtRule = unary(
  'rsqrt',
  '1 / sqrt(x)',
  (x) => 1 / Math.sqrt(x),
  (_x, y) => mul(mul(y, mul(y, y)), -0.5),
  { range: [0.5, 2] },
);
export const tanhRule = unary('tanh', 'Hyperbolic tangent.', Math.tanh, (_x, y) => sub(1, mul(y, y)), { cost: 6 });
export const erfRule = unary(
  'erf',
  'Gauss error function.',
  erfOf,
  (x) => mul(exp(mul(mul(x, x), -1)), 2 / Math.sqrt(Math.PI)),
  { cost: 8 },
);
export const sigmoidRule = unary(
  'sigmoid',
  '1 / (1 + e^-x)',
  (x) => 1 / (1 + Math.exp(-x)),
  (_x, y) => mul(y, sub(1, y)),
  { cost: 5 },
);
export const reluRule = unary(
  'relu',
  'max(x, 0); the derivative at 0 is 0.',
  (x) => Math.max(x, 0),
  (x) => cast(lt(scalarLike(x, 0), x), x.type.dtype),
);
export const absRule = unary('abs', '|x|; the derivative at 0 is 0.', Math.abs, (x) => sign(x), { range: [0.2, 1] });
export const signRule = unary('sign', '-1, 0 or 1.', Math.sign, () => undefined, { range: [0.2, 1] });
export const sinRule = unary('sin', 'Sine.', Math.sin, (x) => cos(x), { cost: 6 });
export const cosRule = unary('cos', 'Cosine.', Math.cos, (x) => mul(sin(x), -1), { cost: 6 });
const geluBase: OpRule<'gelu'> = unary(
  'gelu',
  'x Phi(x); with `tanh`, the approximation of Hendrycks and Gimpel (2016).',
  geluExact,
  (x) => geluDerivative(x),
  {
    cost: 10,
    reference: (attrs, inputs) => [mapArrays('f32', inputs, attrs.approximate === 'none' ? geluExact : geluTanh)],
    cases: [
      { attrs: { approximate: 'none' }, inputs: [{ shape: [2, 5], range: [-3, 3] }] },
      { attrs: { approximate: 'tanh' }, inputs: [{ shape: [2, 5], range: [-3, 3] }] },
    ],
  },
);
export const geluRule: OpRule<'gelu'> = {
  ...geluBase,
  vjp: ({ attrs, inputs, cotangents }) => {
    const x = inputs[0] as Tensor;
    return [mul(cotangents[0] as Tensor, attrs.approximate === 'none' ? geluDerivative(x) : geluTanhDerivative(x))];
  },
};
export const notRule: OpRule<'not'> = {
  doc: 'Logical negation of a boolean tensor.',
  infer: (_attrs, inputs) => {
    const x = inputs[0] as ValueType;
    if (x.dtype !== 'bool')
      throw new ShapeError('not', `needs a boolean tensor, got ${printType(x)}`, 'Compare first.');
    return [x];
  },
  reference: (_attrs, inputs) => [mapArrays('bool', inputs, (x) => (x ? 0 : 1))],
  vjp: () => [undefined],
  flops: costPerElement(1),
  axes: (_attrs, inputs, outputs) => elementwiseAxes(inputs, outputs),
  cases: [{ attrs: {}, inputs: [{ shape: [2, 3], dtype: 'bool' }] }],
};

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
  infer: (_attrs, inputs) => {
    const [condition, a, b] = inputs as [ValueType, ValueType, ValueType];
    if (condition.dtype !== 'bool')
      throw new ShapeError('select', `the condition must be boolean, got ${printType(condition)}`, 'Compare first.');
    return [
      {
        dtype: sameDtype('select', [a, b]),
        shape: broadcast(
          'select',
          inputs.map((t) => t.shape),
        ),
      },
    ];
  },
  reference: (_attrs, inputs) => [
    mapArrays((inputs[1] as { dtype: DType }).dtype, inputs, (p, a, b) => (p ? (a as number) : (b as number))),
  ],
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
  cases: [{ attrs: {}, inputs: [{ shape: [2, 3], dtype: 'bool' }, { shape: [2, 3] }, { shape: [3] }] }],
};

export const castRule: OpRule<'cast'> = {
  doc: 'Changes the element type; to bool, non-zero becomes true; to an integer, truncates.',
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
  ],
};
