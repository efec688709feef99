/** Modules that scale or train what the backbone already has: (IA)3, BitFit, LayerNorm tuning, unfreezing. */
import { mul, reshape } from '../../engine/ir/build.ts';
import type { Tensor } from '../../engine/ir/tensor.ts';
import { ones } from '../../engine/nodekit/init.ts';
import { defineNode } from '../../engine/nodekit/node.ts';
import { baseOperator, Unsupported, withBias, type LinearOperator } from '../../engine/nodekit/operator.ts';
import { choice, int, number, text } from '../../engine/nodekit/params.ts';

export const ia3 = defineNode({
  type: 'peft.ia3',
  version: 1,
  docs: {
    title: '(IA)³',
    family: 'selective',
    help: 'Scales the outputs of keys and values, or the inputs of the second FFN matrix, by a learned vector.',
    equation: 'y = l \\odot (W x + b)',
    paper: 'Liu et al. 2022',
  },
  inputs: {},
  outputs: { transform: { kind: 'transform', doc: 'docks on a linear layer' } },
  params: {
    on: choice(['output', 'input'], 'output', 'Whether the vector scales what comes out of the layer or what goes in.'),
  },
  bypass: { kind: 'absent' },
  peft: { startPoint: { kind: 'identity' }, mergeable: true },
  build: ({ params, id }) => ({
    transform: {
      kind: 'transform',
      transform: {
        class: params.on === 'output' ? 'row-scale' : 'input-rotation',
        wrap: (scope, base) => {
          const width = params.on === 'output' ? base.outFeatures : base.inFeatures;
          const l = scope.param(`${id}/l`, [width], ones, { decay: false });
          return params.on === 'output' ? scaledOutput(base, l) : scaledInput(base, l);
        },
      },
    },
  }),
});

const scaledOutput = (base: LinearOperator, l: Tensor): LinearOperator => ({
  inFeatures: base.inFeatures,
  outFeatures: base.outFeatures,
  bias: base.bias && mul(base.bias, l),
  product: (x) => mul(base.product(x), l),
  apply: (x) => mul(base.apply(x), l),
  applyTransposed: (y) => base.applyTransposed(mul(y, l)),
  materialize: () => mul(reshape(l, [base.outFeatures, 1]), base.materialize()),
});

const scaledInput = (base: LinearOperator, l: Tensor): LinearOperator => ({
  inFeatures: base.inFeatures,
  outFeatures: base.outFeatures,
  bias: base.bias,
  product: (x) => base.product(mul(x, l)),
  apply: (x) => base.apply(mul(x, l)),
  applyTransposed: (y) => mul(base.applyTransposed(y), l),
  materialize: () => mul(base.materialize(), l),
});

export const bitfit = defineNode({
  type: 'peft.bitfit',
  version: 1,
  docs: {
    title: 'BitFit',
    family: 'selective',
    help: 'Trains the bias of a linear layer and nothing else of it.',
    equation: "y = W x + b'",
    paper: 'Ben Zaken et al. 2022',
  },
  inputs: {},
  outputs: { transform: { kind: 'transform', doc: 'docks on a linear layer' } },
  params: {},
  bypass: { kind: 'absent' },
  peft: { startPoint: { kind: 'identity' }, mergeable: true },
  build: ({ id }) => ({
    transform: {
      kind: 'transform',
      transform: {
        class: 'replaces-base',
        wrap: (scope, base) => {
          if (!base.bias) throw new Unsupported('this layer has no bias to train');
          const bias = scope.param(
            `${id}/bias`,
            base.bias.type.shape,
            { kind: 'copy', weight: 'bias' },
            { decay: false },
          );
          return { ...base, bias, apply: (x) => withBias(base.product(x), bias) };
        },
      },
    },
  }),
});

export const unfreeze = defineNode({
  type: 'peft.unfreeze',
  version: 1,
  docs: {
    title: 'Unfreeze',
    family: 'selective',
    help: 'Trains the whole weight and bias of a linear layer, from the checkpoint on.',
    equation: "y = W' x + b'",
  },
  inputs: {},
  outputs: { transform: { kind: 'transform', doc: 'docks on a linear layer, first in its rack' } },
  params: {},
  bypass: { kind: 'absent' },
  peft: { startPoint: { kind: 'identity' }, mergeable: true },
  build: ({ id }) => ({
    transform: {
      kind: 'transform',
      transform: {
        class: 'replaces-base',
        wrap: (scope, base) => {
          if (!base.raw) throw new Unsupported('another module stands before "unfreeze"');
          const { weight, layout } = base.raw;
          const w = scope.param(`${id}/weight`, weight.type.shape, { kind: 'copy', weight: 'weight' });
          const b =
            base.bias &&
            scope.param(`${id}/bias`, base.bias.type.shape, { kind: 'copy', weight: 'bias' }, { decay: false });
          return { ...baseOperator(w, b, layout) };
        },
      },
    },
  }),
});

export const lnTuning = defineNode({
  type: 'peft.lnTuning',
  version: 1,
  docs: {
    title: 'LayerNorm tuning',
    family: 'selective',
    help: 'Trains scale and shift of a norm, from the checkpoint on.',
    equation: "y = \\gamma' \\odot \\hat x + \\beta'",
  },
  inputs: {},
  outputs: { affine: { kind: 'affine', doc: 'scale and shift for a norm' } },
  params: {
    width: int(0, 'Width d.', { min: 1 }),
    epsilon: number(1e-12, 'Epsilon of the norm.', { min: 0 }),
    weight: text('', 'Name of the scale in the checkpoint.'),
    bias: text('', 'Name of the shift in the checkpoint.'),
    train: choice(['both', 'scale', 'shift'], 'both', 'Which of the two is trained; BitFit trains the shift.'),
  },
  bypass: { kind: 'absent' },
  peft: { startPoint: { kind: 'identity' }, mergeable: true },
  build: ({ scope, params }) => {
    const shape = [params.width];
    const frozen = {
      gamma: scope.weight('weight', shape, { artifact: 'backbone', tensor: params.weight }),
      beta: scope.weight('bias', shape, { artifact: 'backbone', tensor: params.bias }),
    };
    const gamma =
      params.train === 'shift'
        ? frozen.gamma
        : scope.param('gamma', shape, { kind: 'copy', weight: 'weight' }, { decay: false });
    const beta =
      params.train === 'scale'
        ? frozen.beta
        : scope.param('beta', shape, { kind: 'copy', weight: 'bias' }, { decay: false });
    return { affine: { kind: 'affine', gamma, beta, epsilon: params.epsilon } };
  },
  inline: true,
});
