/**
 * Linear operators and the transforms on them. A linear layer uses Weight -> transforms in order; each transform maps an
 * operator to an operator and declares its class, from which `check` refuses orders that make no sense.
 */
import { add, matmul, transpose } from '../ir/build.ts';
import type { Dim } from '../ir/dim.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { Scope } from './scope.ts';

/** A value that an operator cannot give, with the reason. */
export class Unsupported extends Error {
  override readonly name = 'Unsupported';
}

export interface LinearOperator {
  readonly inFeatures: Dim;
  readonly outFeatures: Dim;
  /** `x [..., in] -> [..., out]`, bias included. */
  apply(x: Tensor): Tensor;
  /** `x W^T` alone, without the bias. */
  product(x: Tensor): Tensor;
  /** `y [..., out] -> [..., in]`: y W. */
  applyTransposed(y: Tensor): Tensor;
  /** The effective weight `[out, in]`; throws `Unsupported` when it depends on the input. */
  materialize(): Tensor;
  readonly bias: Tensor | undefined;
  /** The checkpoint's own weight, while nothing has changed it. */
  readonly raw?: { readonly weight: Tensor; readonly layout: 'linear' | 'conv1d' };
}

/** Input rotations act on x, additive ones add to y, row scales multiply y, the last replace the weight or the bias itself. */
export type TransformClass = 'input-rotation' | 'additive' | 'row-scale' | 'replaces-base';

export interface Transform {
  readonly class: TransformClass;
  /** Builds inside the function of the linear layer; parameters are named under `site`. */
  wrap(scope: Scope, base: LinearOperator): LinearOperator;
  /** The added term of an additive transform. */
  readonly delta?: (scope: Scope, x: Tensor, outFeatures: Dim) => Tensor;
}

/** The frozen weight. `layout` is `[out, in]` for linear layers and `[in, out]` for GPT-2's Conv1D. */
export function baseOperator(weight: Tensor, bias: Tensor | undefined, layout: 'linear' | 'conv1d'): LinearOperator {
  const [rows, columns] = weight.type.shape as readonly [Dim, Dim];
  const linear = layout === 'linear';
  const product = (x: Tensor): Tensor => matmul(x, weight, { transposeB: linear });
  return {
    inFeatures: linear ? columns : rows,
    outFeatures: linear ? rows : columns,
    bias,
    raw: { weight, layout },
    product,
    apply: (x) => withBias(product(x), bias),
    applyTransposed: (y) => matmul(y, weight, { transposeB: !linear }),
    materialize: () => (linear ? weight : transpose(weight, [1, 0])),
  };
}

export const withBias = (y: Tensor, bias: Tensor | undefined): Tensor => (bias ? add(y, bias) : y);

/** An operator that adds `delta(x)` to another, and whose weight grows by `deltaWeight()`. */
export function additive(
  base: LinearOperator,
  parts: { delta: (x: Tensor) => Tensor; deltaTransposed: (y: Tensor) => Tensor; deltaWeight: () => Tensor },
): LinearOperator {
  return {
    inFeatures: base.inFeatures,
    outFeatures: base.outFeatures,
    bias: base.bias,
    apply: (x) => add(base.apply(x), parts.delta(x)),
    product: (x) => add(base.product(x), parts.delta(x)),
    applyTransposed: (y) => add(base.applyTransposed(y), parts.deltaTransposed(y)),
    materialize: () => add(base.materialize(), parts.deltaWeight()),
  };
}

/** An operator whose weight is 0: the base under which a transform's added term stands alone. */
export function zeroOperator(
  inFeatures: Dim,
  outFeatures: Dim,
  zero: (x: Tensor, width: Dim) => Tensor,
): LinearOperator {
  return {
    inFeatures,
    outFeatures,
    bias: undefined,
    apply: (x) => zero(x, outFeatures),
    product: (x) => zero(x, outFeatures),
    applyTransposed: (y) => zero(y, inFeatures),
    materialize: () => {
      throw new Unsupported('a zero operator has no weight');
    },
  };
}
