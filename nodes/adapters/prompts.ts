/** Soft prompts before the words, and prefixes before the keys and values of every layer. */
import { add, broadcastTo, matmul, reshape, slice, tanh } from '../../engine/ir/build.ts';
import type { Tensor } from '../../engine/ir/tensor.ts';
import { kaimingUniform, normal, type InitSpec } from '../../engine/nodekit/init.ts';
import { defineNode, tensor } from '../../engine/nodekit/node.ts';
import { choice, dropoutSpec, int, number, text } from '../../engine/nodekit/params.ts';
import type { Scope } from '../../engine/nodekit/scope.ts';
import { batchOf } from '../../engine/nodekit/wires.ts';

export const softPrompt = defineNode({
  type: 'peft.prompt',
  version: 1,
  docs: {
    title: 'Soft prompt',
    family: 'prompt',
    help: 'Trainable vectors set before the word embeddings.',
    equation: "X' = [P; E(x)]",
    paper: 'Lester et al. 2021',
  },
  inputs: {},
  outputs: { prompt: { kind: 'tensor', doc: 'prompt [P, d]' } },
  params: {
    size: int(10, 'Number of vectors P.', { min: 1 }),
    width: int(768, 'Width d.', { min: 1 }),
    init: choice(['uniform', 'normal', 'vocabulary'], 'uniform', 'U(-0.5, 0.5), N(0, 1), or rows of the word table.'),
    vocabulary: int(5000, 'Draw among the first so many rows.', { min: 1 }),
    rows: int(30522, 'Rows of the word table.', { min: 1 }),
    table: text('', 'Name of the word table in the checkpoint, for vocabulary init.'),
  },
  bypass: { kind: 'absent' },
  peft: { startPoint: { kind: 'shifted' }, mergeable: false },
  inline: true,
  build: ({ scope, params }) => {
    const shape = [params.size, params.width];
    if (params.init === 'vocabulary')
      scope.weight('table', [params.rows, params.width], { artifact: 'backbone', tensor: params.table });
    const inits: { readonly [K in typeof params.init]: InitSpec } = {
      uniform: { kind: 'uniform', low: -0.5, high: 0.5 },
      normal: normal(1),
      vocabulary: { kind: 'sampleRows', weight: 'table', among: Math.min(params.vocabulary, params.rows) },
    };
    return { prompt: tensor(scope.param('embedding', shape, inits[params.init], { decay: false })) };
  },
});

/** `[P, width]` for every example. */
function perExample(x: Tensor, batch: Parameters<typeof broadcastTo>[1][number]): Tensor {
  const [p, width] = x.type.shape as readonly [number, number];
  return broadcastTo(reshape(x, [1, p, width]), [batch, p, width]);
}

export const prefix = defineNode({
  type: 'peft.prefix',
  version: 1,
  docs: {
    title: 'Prefix',
    family: 'prompt',
    help: 'Trainable keys and values that every query of the layer sees before its own.',
    equation: "K' = [P_K; K],\\; V' = [P_V; V]",
    paper: 'Li and Liang 2021; P-tuning v2: Liu et al. 2022',
  },
  inputs: { tokens: { kind: 'tokens', doc: 'the batch' } },
  outputs: { kv: { kind: 'kv', doc: 'keys and values for the attention' } },
  params: {
    size: int(20, 'Number of keys P.', { min: 1 }),
    width: int(768, 'Width of keys and values.', { min: 1 }),
    std: number(1, 'Standard deviation of the initial values.', { min: 0 }),
  },
  bypass: { kind: 'absent' },
  peft: { startPoint: { kind: 'shifted' }, mergeable: false },
  build: ({ scope, inputs, params }) => {
    const shape = [params.size, params.width];
    const batch = batchOf(inputs.tokens('tokens'));
    const keys = scope.param('keys', shape, normal(params.std), { decay: false });
    const values = scope.param('values', shape, normal(params.std), { decay: false });
    return { kv: { kind: 'kv', keys: perExample(keys, batch), values: perExample(values, batch) } };
  },
});

/** PyTorch's default linear layer: weight and bias U(+-1/sqrt(in)). */
function torchLinear(scope: Scope, name: string, x: Tensor, fanIn: number, out: number, shared: boolean): Tensor {
  const options = shared ? ({ scope: 'stack' } as const) : {};
  const weight = scope.param(`${name}.weight`, [out, fanIn], kaimingUniform(fanIn), options);
  const bias = scope.param(`${name}.bias`, [out], kaimingUniform(fanIn), options);
  return add(matmul(x, weight, { transposeB: true }), bias);
}

export const prefixMlp = defineNode({
  type: 'peft.prefixMlp',
  version: 1,
  docs: {
    title: 'Prefix with MLP',
    family: 'prompt',
    help: 'A prefix made by an MLP from shared vectors. The vectors and the first layer serve all layers of the stack; each layer has its own output rows.',
    equation: '[P_K; P_V] = W_2^{(l)} \\tanh(W_1 E + b_1) + b_2^{(l)}',
    paper: 'Li and Liang 2021',
  },
  inputs: { tokens: { kind: 'tokens', doc: 'the batch' } },
  outputs: { kv: { kind: 'kv', doc: 'keys and values for the attention' } },
  params: {
    size: int(30, 'Number of keys P.', { min: 1 }),
    width: int(768, 'Width of keys and values.', { min: 1 }),
    bottleneck: int(512, 'Width b of the MLP.', { min: 1 }),
    dropout: dropoutSpec(0, 'an element of the prefix'),
  },
  bypass: { kind: 'absent' },
  peft: { startPoint: { kind: 'shifted' }, mergeable: false },
  build: ({ scope, inputs, params }) => {
    const { size, width, bottleneck } = params;
    const batch = batchOf(inputs.tokens('tokens'));
    const e = scope.param('embedding', [size, width], normal(1), { scope: 'stack', decay: false });
    const hidden = tanh(torchLinear(scope, 'in', e, width, bottleneck, true));
    const both = torchLinear(scope, 'out', hidden, bottleneck, 2 * width, false);
    const half = (start: number): Tensor =>
      scope.dropout(perExample(slice(both, -1, start, width), batch), params.dropout, 'examples', `drop${start}`);
    return { kv: { kind: 'kv', keys: half(0), values: half(width) } };
  },
});
