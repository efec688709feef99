/** Low-rank updates of a linear layer: LoRA with rsLoRA, and DoRA. */
import { add, div, matmul, mul, reshape, sqrt, stopGradient, sub, sum } from '../../engine/ir/build.ts';
import type { Dim } from '../../engine/ir/dim.ts';
import type { Tensor } from '../../engine/ir/tensor.ts';
import { kaimingUniform, normal, zeros } from '../../engine/nodekit/init.ts';
import { defineNode } from '../../engine/nodekit/node.ts';
import { additive, withBias, type LinearOperator, type Transform } from '../../engine/nodekit/operator.ts';
import { choice, dropoutSpec, int, number, bool } from '../../engine/nodekit/params.ts';
import type { Scope } from '../../engine/nodekit/scope.ts';
import { dropout } from '../layers/basic.ts';

const loraParams = {
  rank: int(8, 'Rank r of the update.', { min: 1, max: 4096 }),
  alpha: number(8, 'Scale numerator: s = alpha / r.', { min: 0 }),
  dropout: dropoutSpec(0, 'an element of the input of the update'),
  rslora: bool(false, 'Scale by alpha / sqrt(r) instead (rsLoRA).'),
  init: choice(['kaiming', 'gaussian'], 'kaiming', 'How A starts: U(+-1/sqrt(in)), or N(0, 1/r^2). B starts at 0.'),
};

interface LoraParams {
  readonly rank: number;
  readonly alpha: number;
  readonly dropout: number;
  readonly rslora: boolean;
  readonly init: 'kaiming' | 'gaussian';
}

const scaleOf = (p: LoraParams): number => p.alpha / (p.rslora ? Math.sqrt(p.rank) : p.rank);

function factors(scope: Scope, p: LoraParams, inFeatures: Dim, outFeatures: Dim): { A: Tensor; B: Tensor } {
  const init = p.init === 'kaiming' ? kaimingUniform(Number(inFeatures)) : normal(1 / p.rank);
  return { A: scope.param('A', [p.rank, inFeatures], init), B: scope.param('B', [outFeatures, p.rank], zeros) };
}

/** s * B (A drop(x)) */
function loraDelta(scope: Scope, p: LoraParams, x: Tensor, outFeatures: Dim): Tensor {
  const width = x.type.shape[x.type.shape.length - 1] as Dim;
  const { A, B } = factors(scope, p, width, outFeatures);
  const down = scope.name('down', matmul(dropout(scope, x, p.dropout), A, { transposeB: true }));
  return mul(matmul(down, B, { transposeB: true }), scaleOf(p));
}

const LORA_DOC = "Adds a low-rank update to a frozen linear layer.\nW' = W + s B A,  s = alpha / r\nHu et al. 2021";

/** The additive transform; `gate`, when given, multiplies the update. */
function loraTransform(id: string, p: LoraParams, gate: Tensor | undefined): Transform {
  const origin = (outFeatures: Dim) => ({
    nodeType: 'peft.lora',
    doc: LORA_DOC,
    args: { ...p, outFeatures: Number(outFeatures) },
  });
  const delta = (scope: Scope, x: Tensor, outFeatures: Dim): Tensor => {
    const inputs: (readonly [string, Tensor])[] = [['x', x]];
    const call = scope.outline(id, origin(outFeatures), inputs, (inner, value) => [
      ['delta', loraDelta(inner, p, value, outFeatures)],
    ]);
    return gate ? mul(call[0] as Tensor, gate) : (call[0] as Tensor);
  };
  return {
    class: 'additive',
    delta,
    wrap: (scope, base) => {
      const inside = (): { A: Tensor; B: Tensor } => factors(scope.inside(id), p, base.inFeatures, base.outFeatures);
      return additive(base, {
        delta: (x) => delta(scope, x, base.outFeatures),
        deltaTransposed: (y) => mul(matmul(matmul(y, inside().B), inside().A), scaleOf(p)),
        deltaWeight: () => mul(matmul(inside().B, inside().A), scaleOf(p)),
      });
    },
  };
}

export const lora = defineNode({
  type: 'peft.lora',
  version: 1,
  docs: {
    title: 'LoRA',
    family: 'reparameterised',
    help: 'Adds a trainable low-rank update to a frozen linear layer.',
    equation: "W' = W + \\tfrac{\\alpha}{r} B A",
    paper: 'Hu et al. 2021; rsLoRA: Kalajdzievski 2023',
  },
  inputs: { gate: { kind: 'tensor', optional: true, doc: 'factor of the update, [..., 1]' } },
  outputs: { transform: { kind: 'transform', doc: 'docks on a linear layer' } },
  params: loraParams,
  bypass: { kind: 'absent' },
  peft: { startPoint: { kind: 'identity' }, mergeable: true },
  build: ({ inputs, params, id }) => ({
    transform: { kind: 'transform', transform: loraTransform(id, params, inputs.optionalTensor('gate')) },
  }),
  asSource: (scope, x, params) => loraDelta(scope, params, x, x.type.shape[x.type.shape.length - 1] as Dim),
});

/**
 * DoRA: W' = m * (W + s B A) / ||W + s B A||, norm over the inputs of each output row, detached (Liu et al. 2024, 4.3).
 * With dropout p the base path stays undropped: y = x W^T + b + (m/n - 1) x~ W^T + (m/n) s B A x~, as PEFT computes it.
 */
function doraTransform(id: string, p: LoraParams): Transform {
  return {
    class: 'row-scale',
    wrap: (scope, base) => {
      const own = scope.inside(id);
      const { A, B } = factors(own, p, base.inFeatures, base.outFeatures);
      const inputAxis = base.raw?.layout === 'conv1d' ? 0 : 1;
      const m = scope.param(
        `${id}/m`,
        [base.outFeatures],
        { kind: 'rowNorm', weight: 'weight', inputAxis },
        { decay: false },
      );
      const updated = (): Tensor => add(base.materialize(), mul(matmul(B, A), scaleOf(p)));
      const factor = (): Tensor => {
        const w = updated();
        return scope.name('magnitude', div(m, stopGradient(sqrt(sum(mul(w, w), [-1])))));
      };
      const update = (x: Tensor): Tensor =>
        mul(matmul(matmul(x, A, { transposeB: true }), B, { transposeB: true }), scaleOf(p));
      const product = (x: Tensor): Tensor => {
        const g = factor();
        const dropped = dropout(own, x, p.dropout);
        if (dropped === x) return mul(g, add(base.product(x), update(x)));
        return add(base.product(x), add(mul(sub(g, 1), base.product(dropped)), mul(g, update(dropped))));
      };
      const operator: LinearOperator = {
        inFeatures: base.inFeatures,
        outFeatures: base.outFeatures,
        bias: base.bias,
        product,
        apply: (x) => withBias(product(x), base.bias),
        applyTransposed: (y) => matmul(mul(y, factor()), updated()),
        materialize: () => mul(reshape(factor(), [base.outFeatures, 1]), updated()),
      };
      return operator;
    },
  };
}

export const dora = defineNode({
  type: 'peft.dora',
  version: 1,
  docs: {
    title: 'DoRA',
    family: 'reparameterised',
    help: 'Trains magnitude and direction of a frozen weight apart; the direction by a low-rank update.',
    equation: "W' = m \\odot \\frac{W + s B A}{\\lVert W + s B A \\rVert_{row}}",
    paper: 'Liu et al. 2024',
  },
  inputs: {},
  outputs: { transform: { kind: 'transform', doc: 'docks on a linear layer' } },
  params: loraParams,
  bypass: { kind: 'absent' },
  peft: { startPoint: { kind: 'near-identity', tolerance: 1e-5 }, mergeable: true },
  build: ({ params, id }) => ({ transform: { kind: 'transform', transform: doraTransform(id, params) } }),
});
