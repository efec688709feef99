/** Task heads and losses. Heads are always trainable and never counted as part of a PEFT method. */
import {
  add,
  constant,
  crossEntropy,
  exp,
  log,
  max,
  mul,
  not,
  eq,
  cast,
  reshape,
  scalarLike,
  sub,
  sum,
  tokenMask,
  abs,
  matmul,
  tanh,
} from '../../engine/ir/build.ts';
import type { Dim } from '../../engine/ir/dim.ts';
import type { Tensor } from '../../engine/ir/tensor.ts';
import { bertNormal, zeros } from '../../engine/nodekit/init.ts';
import { defineNode, tensor, widthOf } from '../../engine/nodekit/node.ts';
import { bool, dropoutSpec, int, number, text } from '../../engine/nodekit/params.ts';
import type { Scope } from '../../engine/nodekit/scope.ts';
import type { LossWire } from '../../engine/nodekit/wires.ts';
import { dropout } from './basic.ts';

/** A trainable linear layer: weight N(0, 0.02^2), bias 0. */
function trainableLinear(scope: Scope, name: string, x: Tensor, out: number): Tensor {
  const weight = scope.param(`${name}.weight`, [out, widthOf(x)], bertNormal);
  const bias = scope.param(`${name}.bias`, [out], zeros);
  return add(matmul(x, weight, { transposeB: true }), bias);
}

export const classificationHead = defineNode({
  type: 'head.linear',
  version: 1,
  docs: {
    title: 'Head',
    family: 'head',
    help: 'Dropout and a trainable linear layer: classes of a sequence or of every token, or one number.',
    equation: 'z = W\\,\\mathrm{drop}(h) + b',
  },
  inputs: { x: { kind: 'tensor', doc: 'states [..., d]' } },
  outputs: { logits: { kind: 'tensor', doc: 'logits [..., outputs]' } },
  params: {
    outputs: int(2, 'Number of classes, or 1 for a number.', { min: 1 }),
    dropout: dropoutSpec(0.1, 'an element'),
  },
  bypass: { kind: 'none' },
  build: ({ scope, inputs, params }) => ({
    logits: tensor(trainableLinear(scope, 'out', dropout(scope, inputs.tensor('x'), params.dropout), params.outputs)),
  }),
});

export const robertaHead = defineNode({
  type: 'head.roberta',
  version: 1,
  docs: {
    title: 'RoBERTa head',
    family: 'head',
    help: 'Two trainable layers on the first token, with dropout before each.',
    equation: 'z = W_2\\,\\mathrm{drop}(\\tanh(W_1\\,\\mathrm{drop}(h) + b_1)) + b_2',
    paper: 'Liu et al. 2019',
  },
  inputs: { x: { kind: 'tensor', doc: 'state of the first token [B, d]' } },
  outputs: { logits: { kind: 'tensor', doc: 'logits [B, outputs]' } },
  params: {
    outputs: int(2, 'Number of classes, or 1 for a number.', { min: 1 }),
    dropout: dropoutSpec(0.1, 'an element'),
  },
  bypass: { kind: 'none' },
  build: ({ scope, inputs, params }) => {
    const x = dropout(scope, inputs.tensor('x'), params.dropout, 'first');
    const hidden = tanh(trainableLinear(scope, 'dense', x, Number(widthOf(x))));
    return {
      logits: tensor(trainableLinear(scope, 'out', dropout(scope, hidden, params.dropout, 'second'), params.outputs)),
    };
  },
});

const coefficientSpec = number(1, 'Factor of this loss in the objective.');

const loss = (terms: Tensor, weight: Tensor, coefficient: number): LossWire => ({
  kind: 'loss',
  sum: total(terms),
  weight,
  coefficient,
});

/** Sum over all axes. */
function total(x: Tensor): Tensor {
  const axes = x.type.shape.map((_, i) => i - x.type.shape.length);
  return axes.length === 0 ? x : sum(x, axes);
}

/** The number of rows of the batch as a scalar. */
const rowCount = (like: Tensor, rows: Dim): Tensor => total(constant(like, 'f32', [rows], 1));

export const crossEntropyLoss = defineNode({
  type: 'loss.crossEntropy',
  version: 1,
  docs: {
    title: 'Cross-entropy',
    family: 'loss',
    help: 'For one class per sequence or per token; label -100 is not counted.',
    equation: '-\\log \\mathrm{softmax}(z)_y',
  },
  inputs: {
    logits: { kind: 'tensor', doc: 'logits [..., classes]' },
    labels: { kind: 'tensor', doc: 'classes [...]' },
    tokens: { kind: 'tokens', optional: true, doc: 'the batch, when every token has a label' },
  },
  outputs: { loss: { kind: 'loss', doc: 'sum over the labels, and their number' } },
  params: { coefficient: coefficientSpec },
  bypass: { kind: 'absent' },
  inline: true,
  build: ({ inputs, params }) => {
    const labels = inputs.tensor('labels');
    const [nll] = crossEntropy(inputs.tensor('logits'), labels);
    const counted = cast(not(eq(labels, scalarLike(labels, -100))), 'f32');
    if (labels.type.shape.length === 1) return { loss: loss(nll, total(counted), params.coefficient) };
    // Positions of the padding hold unspecified values, so a sum over tokens masks them first.
    const mask = tokenMask(inputs.tokens('tokens').lengths, labels.type.shape[1] as Dim);
    return { loss: loss(mul(nll, mask), total(mul(counted, mask)), params.coefficient) };
  },
});

export const meanSquaredError = defineNode({
  type: 'loss.mse',
  version: 1,
  docs: { title: 'Mean squared error', family: 'loss', help: 'For one number per sequence.', equation: '(z - y)^2' },
  inputs: { logits: { kind: 'tensor', doc: 'predictions [B, 1]' }, labels: { kind: 'tensor', doc: 'numbers [B]' } },
  outputs: { loss: { kind: 'loss', doc: 'sum over the batch, and its size' } },
  params: { coefficient: coefficientSpec },
  bypass: { kind: 'absent' },
  inline: true,
  build: ({ inputs, params }) => {
    const labels = inputs.tensor('labels');
    const error = sub(reshape(inputs.tensor('logits'), labels.type.shape), labels);
    return { loss: loss(mul(error, error), rowCount(labels, labels.type.shape[0] as Dim), params.coefficient) };
  },
});

export const binaryCrossEntropy = defineNode({
  type: 'loss.bce',
  version: 1,
  docs: {
    title: 'Binary cross-entropy',
    family: 'loss',
    help: 'For any number of labels per sequence; the mean over labels and sequences.',
    equation: '\\max(z, 0) - z y + \\log(1 + e^{-|z|})',
  },
  inputs: { logits: { kind: 'tensor', doc: 'logits [B, C]' }, labels: { kind: 'tensor', doc: 'flags [B, C]' } },
  outputs: { loss: { kind: 'loss', doc: 'sum over labels and batch, and their number' } },
  params: { coefficient: coefficientSpec },
  bypass: { kind: 'absent' },
  inline: true,
  build: ({ inputs, params }) => {
    const z = inputs.tensor('logits');
    const y = inputs.tensor('labels');
    const soft = log(add(exp(mul(abs(z), -1)), 1));
    const terms = add(sub(max(z, 0), mul(z, y)), soft);
    return { loss: loss(terms, total(constant(z, 'f32', y.type.shape, 1)), params.coefficient) };
  },
});

export const output = defineNode({
  type: 'output',
  version: 1,
  docs: {
    title: 'Output',
    family: 'head',
    help: 'A value that the model gives under a name: what is predicted, exported, distilled.',
  },
  inputs: { x: { kind: 'tensor', doc: 'the value' } },
  outputs: { y: { kind: 'tensor', doc: 'the same value' } },
  params: { name: text('logits', 'Name of the output.'), main: bool(true, 'Whether predictions are read from it.') },
  bypass: { kind: 'pass', from: { y: 'x' } },
  inline: true,
  build: ({ inputs }) => ({ y: tensor(inputs.tensor('x')) }),
});
