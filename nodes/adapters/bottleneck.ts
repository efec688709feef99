/**
 * Bottleneck adapters. One node holds the bottleneck MLP without residual; where it stands in the graph makes it the
 * serial adapter of Houlsby or Pfeiffer, or the parallel one of He et al.
 */
import { add, layerNorm, matmul, mul } from '../../engine/ir/build.ts';
import type { Dim } from '../../engine/ir/dim.ts';
import type { Tensor } from '../../engine/ir/tensor.ts';
import { bertNormal, kaimingUniform, ones, zeros, type InitSpec } from '../../engine/nodekit/init.ts';
import { defineNode, tensor, widthOf } from '../../engine/nodekit/node.ts';
import { choice, dropoutSpec, int, number } from '../../engine/nodekit/params.ts';
import type { Scope } from '../../engine/nodekit/scope.ts';
import { activate, ACTIVATIONS, dropout, type Activation } from '../layers/basic.ts';

interface BottleneckParams {
  readonly size: number;
  readonly activation: Activation;
  readonly dropout: number;
  readonly scale: number;
  readonly learnedScale: 'none' | 'scalar' | 'channel';
  readonly init: 'bert' | 'lora' | 'small';
}

const INITS: { readonly [K in BottleneckParams['init']]: (fanIn: number) => { down: InitSpec; up: InitSpec } } = {
  bert: () => ({ down: bertNormal, up: bertNormal }),
  lora: (fanIn) => ({ down: kaimingUniform(fanIn), up: zeros }),
  small: () => ({
    down: { kind: 'truncatedNormal', std: 1e-3, limit: 2e-3 },
    up: { kind: 'truncatedNormal', std: 1e-3, limit: 2e-3 },
  }),
};

/** s * (f(x W_down^T + b_down) W_up^T + b_up), without residual. */
function bottleneck(scope: Scope, p: BottleneckParams, x: Tensor): Tensor {
  const d = widthOf(x);
  const init = INITS[p.init](Number(d));
  const down = scope.param('down.weight', [p.size, d], init.down);
  const downBias = scope.param('down.bias', [p.size], zeros);
  const up = scope.param('up.weight', [d, p.size], init.up);
  const upBias = scope.param('up.bias', [d], zeros);
  const inner = scope.name('down', add(matmul(x, down, { transposeB: true }), downBias));
  const dropped = dropout(scope, activate(inner, p.activation), p.dropout);
  const out = add(matmul(dropped, up, { transposeB: true }), upBias);
  if (p.learnedScale === 'none') return p.scale === 1 ? out : mul(out, p.scale);
  const shape: Dim[] = p.learnedScale === 'scalar' ? [1] : [d];
  return mul(out, scope.param('scale', shape, ones, { decay: false }));
}

export const adapter = defineNode({
  type: 'peft.bottleneck',
  version: 1,
  docs: {
    title: 'Bottleneck adapter',
    family: 'additive',
    help: 'A small trainable MLP. Add it to a sub-layer in series or in parallel.',
    equation: 'A(x) = s\\,(W_{up} f(W_{down} x + b_{down}) + b_{up})',
    paper: 'Houlsby et al. 2019; Pfeiffer et al. 2021; He et al. 2022',
  },
  inputs: { x: { kind: 'tensor', doc: 'input [..., d]' } },
  outputs: { delta: { kind: 'tensor', doc: 'what is added [..., d]' } },
  params: {
    size: int(48, 'Size m of the bottleneck.', { min: 1 }),
    activation: choice(ACTIVATIONS, 'relu', 'Non-linearity f.'),
    dropout: dropoutSpec(0, 'an element of the bottleneck'),
    scale: number(1, 'Constant factor s; 4 in the scaled parallel adapter.'),
    learnedScale: choice(['none', 'scalar', 'channel'], 'none', 'Learn the factor instead, from 1.'),
    init: choice(
      ['bert', 'lora', 'small'],
      'bert',
      'bert: N(0, 0.02^2); lora: up-projection 0; small: truncated N(0, 0.001^2).',
    ),
  },
  bypass: { kind: 'absent' },
  peft: { startPoint: { kind: 'near-identity', tolerance: 2e-1 }, mergeable: false },
  build: ({ scope, inputs, params }) => ({ delta: tensor(bottleneck(scope, params, inputs.tensor('x'))) }),
  asSource: (scope, x, params) => bottleneck(scope, params, x),
});

export const adapterInput = defineNode({
  type: 'peft.adapterInput',
  version: 1,
  docs: {
    title: 'Adapter input',
    family: 'additive',
    help: 'The input of a Pfeiffer adapter: the sub-layer output and its residual through the norm of the layer, which is used twice.',
    equation: 'z = \\mathrm{LN}(h + a)',
    paper: 'Pfeiffer et al. 2021',
  },
  inputs: {
    h: { kind: 'tensor', doc: 'output of the sub-layer' },
    residual: { kind: 'tensor', doc: 'input of the sub-layer' },
    affine: { kind: 'affine', doc: 'scale and shift of the norm that closes the layer' },
  },
  outputs: { z: { kind: 'tensor', doc: 'what the adapters read' } },
  params: {},
  bypass: { kind: 'none' },
  inline: true,
  build: ({ inputs }) => {
    const { gamma, beta, epsilon } = inputs.affine('affine');
    return { z: tensor(layerNorm(add(inputs.tensor('h'), inputs.tensor('residual')), gamma, beta, epsilon)[0]) };
  },
});
