/**
 * AdamW (Loshchilov and Hutter 2019) as a traced update: a Program over one flat vector, run by the same backend as the
 * model. The order of operations is PyTorch's: decoupled decay first, epsilon outside the root.
 *
 *   g  = scale * gradient                     scale = clipping factor / weight of the loss terms
 *   p' = p (1 - rate * decay)
 *   m  = b1 m + (1 - b1) g                    v = b2 v + (1 - b2) g^2
 *   p' = p' - rate / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + epsilon)
 *
 * In float32, 1 - b^t loses its digits for b near 1. With a = tanh(-t ln(b) / 2) it is 2a / (1 + a), which does not.
 */
import { add, constant, div, mul, sqrt, sub, tanh } from '../ir/build.ts';
import { symbol } from '../ir/dim.ts';
import { FP32, type Program } from '../ir/program.ts';
import type { Tensor } from '../ir/tensor.ts';
import { tensorType } from '../ir/types.ts';
import { FnBuilder } from '../tracing/builder.ts';

export interface AdamWSettings {
  readonly betas: readonly [number, number];
  readonly epsilon: number;
}

/** Names of inputs and results of the update. `parameters`, `first` and `second` are both. */
export const ADAMW = {
  parameters: 'parameters',
  gradient: 'gradient',
  first: 'state/first',
  second: 'state/second',
  /** Steps that these elements took part in, this one included: t. */
  step: 'step',
  rate: 'rate',
  decay: 'decay',
  scale: 'scale',
} as const;

/** The update over `[P]`, for any P. */
export function traceAdamW({ betas, epsilon }: AdamWSettings): Program {
  const builder = new FnBuilder();
  const length = symbol('P');
  const vector = tensorType('f32', [length]);
  const scalar = tensorType('f32', []);
  const parameters = builder.param(ADAMW.parameters, 'trainable', vector);
  const gradient = builder.param(ADAMW.gradient, 'input', vector);
  const first = builder.param(ADAMW.first, 'state', vector);
  const second = builder.param(ADAMW.second, 'state', vector);
  const [step, rate, decay, scale] = [ADAMW.step, ADAMW.rate, ADAMW.decay, ADAMW.scale].map((name) =>
    builder.param(name, 'input', scalar),
  ) as [Tensor, Tensor, Tensor, Tensor];

  const g = mul(gradient, scale);
  const m = add(mul(first, betas[0]), mul(g, 1 - betas[0]));
  const v = add(mul(second, betas[1]), mul(mul(g, g), 1 - betas[1]));
  const decayed = mul(parameters, sub(constant(rate, 'f32', [], 1), mul(rate, decay)));
  const denominator = add(div(sqrt(v), sqrt(biasCorrection(step, betas[1]))), epsilon);
  const updated = sub(decayed, mul(div(rate, biasCorrection(step, betas[0])), div(m, denominator)));

  const fn = builder.finish('adamw', [
    { name: ADAMW.parameters, value: updated },
    { name: ADAMW.first, value: m },
    { name: ADAMW.second, value: v },
  ]);
  return {
    symbols: [{ name: String(length), min: 1, max: 2 ** 31 - 1 }],
    functions: new Map([[fn.name, fn]]),
    entry: fn.name,
    policy: FP32,
  };
}

/** 1 - beta^t. */
function biasCorrection(step: Tensor, beta: number): Tensor {
  if (beta === 0) return constant(step, 'f32', [], 1);
  const a = tanh(mul(step, -Math.log(beta) / 2));
  return div(mul(a, 2), add(a, 1));
}
