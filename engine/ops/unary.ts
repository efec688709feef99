/** Elementwise ops of one input. */
import { add, cast, cos, div, erf, exp, lt, mul, scalarLike, sign, sin, sub, tanh } from '../ir/build.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { ValueType } from '../ir/types.ts';
import { costPerElement, elementwiseAxes, needBoolean, needFloat } from './broadcasting.ts';
import { mapArrays } from './ndarray.ts';
import type { NDArray, OpCase, OpRule } from './rule.ts';
import { erf as erfOf } from './special.ts';

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

interface UnaryOptions<K extends UnaryName> {
  readonly cost?: number;
  readonly range?: readonly [number, number];
  readonly cases?: readonly OpCase<K>[];
  readonly reference?: OpRule<K>['reference'];
  readonly vjp?: OpRule<K>['vjp'];
}

function unary<K extends UnaryName>(
  op: K,
  doc: string,
  f: (x: number) => number,
  derivative: (x: Tensor, y: Tensor) => Tensor | undefined,
  options: UnaryOptions<K> = {},
): OpRule<K> {
  const span = options.range ? { range: options.range } : {};
  const cases = [
    { attrs: {}, inputs: [{ shape: [2, 3], ...span }] },
    { attrs: {}, inputs: [{ shape: [], ...span }] },
  ];
  return {
    doc,
    arity: [1, 1],
    infer: (_attrs, inputs) => {
      const x = inputs[0] as ValueType;
      needFloat(op, x);
      return [x];
    },
    reference: options.reference ?? ((_attrs, inputs) => [mapArrays((inputs[0] as NDArray).dtype, inputs, f)]),
    vjp:
      options.vjp ??
      (({ inputs, outputs, cotangents }) => {
        const d = derivative(inputs[0] as Tensor, outputs[0] as Tensor);
        return [d === undefined ? undefined : mul(cotangents[0] as Tensor, d)];
      }),
    flops: costPerElement(options.cost ?? 1),
    axes: (_attrs, inputs, outputs) => elementwiseAxes(inputs, outputs),
    cases: options.cases ?? (cases as unknown as OpCase<K>[]),
  };
}

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
export const absRule = unary('abs', '|x|; the derivative at 0 is 0.', Math.abs, (x) => sign(x));
export const signRule = unary('sign', '-1, 0 or 1.', Math.sign, () => undefined);
export const sinRule = unary('sin', 'Sine.', Math.sin, (x) => cos(x), { cost: 6 });
export const cosRule = unary('cos', 'Cosine.', Math.cos, (x) => mul(sin(x), -1), { cost: 6 });
export const geluRule = unary(
  'gelu',
  'x Phi(x); with `tanh`, the approximation of Hendrycks and Gimpel (2016).',
  geluExact,
  geluDerivative,
  {
    cost: 10,
    reference: (attrs, inputs) => [
      mapArrays((inputs[0] as NDArray).dtype, inputs, attrs.approximate === 'none' ? geluExact : geluTanh),
    ],
    vjp: ({ attrs, inputs, cotangents }) => {
      const derivative = attrs.approximate === 'none' ? geluDerivative : geluTanhDerivative;
      return [mul(cotangents[0] as Tensor, derivative(inputs[0] as Tensor))];
    },
    cases: [
      { attrs: { approximate: 'none' }, inputs: [{ shape: [2, 5], range: [-3, 3] }] },
      { attrs: { approximate: 'tanh' }, inputs: [{ shape: [2, 5], range: [-3, 3] }] },
    ],
  },
);

export const notRule: OpRule<'not'> = {
  doc: 'Logical negation of a boolean tensor.',
  arity: [1, 1],
  infer: (_attrs, inputs) => {
    const x = inputs[0] as ValueType;
    needBoolean('not', x);
    return [x];
  },
  reference: (_attrs, inputs) => [mapArrays('bool', inputs, (x) => (x ? 0 : 1))],
  vjp: () => [undefined],
  flops: costPerElement(1),
  axes: (_attrs, inputs, outputs) => elementwiseAxes(inputs, outputs),
  cases: [{ attrs: {}, inputs: [{ shape: [2, 3], dtype: 'bool' }] }],
};
