/** The small layers of a transformer: sums, norms, activations, dropout, attention, pooling. */
import {
  add,
  attention,
  concat,
  gelu,
  layerNorm,
  mul,
  relu,
  reshape,
  sigmoid,
  slice,
  split,
  tanh,
} from '../../engine/ir/build.ts';
import { addDims, divExact, subDims, type Dim } from '../../engine/ir/dim.ts';
import type { Tensor } from '../../engine/ir/tensor.ts';
import { defineNode, tensor, widthOf } from '../../engine/nodekit/node.ts';
import { Unsupported } from '../../engine/nodekit/operator.ts';
import { choice, dropoutSpec, int, number, text } from '../../engine/nodekit/params.ts';
import type { Scope } from '../../engine/nodekit/scope.ts';

export const ACTIVATIONS = ['gelu', 'gelu_new', 'relu', 'silu', 'tanh', 'identity'] as const;
export type Activation = (typeof ACTIVATIONS)[number];

/** The named activation (methods-2, 11.0). `swish` of AdapterHub is `silu`. */
export function activate(x: Tensor, name: Activation): Tensor {
  switch (name) {
    case 'gelu':
      return gelu(x);
    case 'gelu_new':
      return gelu(x, 'tanh');
    case 'relu':
      return relu(x);
    case 'silu':
      return mul(x, sigmoid(x));
    case 'tanh':
      return tanh(x);
    case 'identity':
      return x;
  }
}

/** Dropout on `[B, L, ...]` or `[B, ...]`. Rows that are the batch's own tokens keep their coordinates when packed. */
export function dropout(scope: Scope, x: Tensor, p: number, site = 'dropout'): Tensor {
  const { length } = scope.context.symbols;
  const perToken = x.type.shape.length >= 3 && x.type.shape[1] === length;
  return scope.dropout(x, p, perToken ? 'tokens' : 'examples', site);
}

export const addNode = defineNode({
  type: 'layer.add',
  version: 1,
  docs: {
    title: 'Add',
    family: 'layer',
    help: 'The sum of everything that comes in: residual connections, parallel modules.',
    equation: 'y = \\sum_i x_i',
  },
  inputs: { x: { kind: 'tensor', many: true, doc: 'summands of one shape' } },
  outputs: { y: { kind: 'tensor', doc: 'their sum' } },
  params: {},
  bypass: { kind: 'none' },
  inline: true,
  build: ({ inputs }) => ({ y: tensor(inputs.tensors('x').reduce((a, b) => add(a, b))) }),
});

export const norm = defineNode({
  type: 'layer.norm',
  version: 1,
  docs: {
    title: 'Layer norm',
    family: 'layer',
    help: 'Normalises every token; gives its scale and shift to modules that re-use the norm.',
    equation: 'y = \\gamma \\odot \\frac{x - \\mu}{\\sqrt{\\sigma^2 + \\epsilon}} + \\beta',
    paper: 'Ba et al. 2016',
  },
  inputs: {
    x: { kind: 'tensor', doc: 'input [..., d]' },
    affine: { kind: 'affine', optional: true, doc: 'scale and shift to use instead of the frozen ones' },
  },
  outputs: { y: { kind: 'tensor', doc: 'normalised [..., d]' } },
  params: {
    width: int(0, 'Width d.', { min: 1 }),
    epsilon: number(1e-12, 'Added to the variance.', { min: 0 }),
    weight: text('', 'Name of the scale in the checkpoint.'),
    bias: text('', 'Name of the shift in the checkpoint.'),
  },
  bypass: { kind: 'none' },
  inline: true,
  build: ({ scope, inputs, params }) => {
    const given = inputs.optionalAffine('affine');
    const gamma =
      given?.gamma ?? scope.weight('weight', [params.width], { artifact: 'backbone', tensor: params.weight });
    const beta = given?.beta ?? scope.weight('bias', [params.width], { artifact: 'backbone', tensor: params.bias });
    if (scope.context.merging) {
      scope.tap('merged/weight', gamma);
      scope.tap('merged/bias', beta);
    }
    return { y: tensor(layerNorm(inputs.tensor('x'), gamma, beta, params.epsilon)[0]) };
  },
});

export const frozenAffine = defineNode({
  type: 'layer.affine',
  version: 1,
  docs: {
    title: 'Scale and shift',
    family: 'layer',
    help: 'The frozen scale and shift of a norm, for modules that apply the norm a second time.',
  },
  inputs: {},
  outputs: { affine: { kind: 'affine', doc: 'scale and shift' } },
  params: {
    width: int(0, 'Width d.', { min: 1 }),
    epsilon: number(1e-12, 'Epsilon of the norm.', { min: 0 }),
    weight: text('', 'Name of the scale in the checkpoint.'),
    bias: text('', 'Name of the shift in the checkpoint.'),
  },
  bypass: { kind: 'none' },
  inline: true,
  build: ({ scope, params }) => ({
    affine: {
      kind: 'affine',
      gamma: scope.weight('weight', [params.width], { artifact: 'backbone', tensor: params.weight }),
      beta: scope.weight('bias', [params.width], { artifact: 'backbone', tensor: params.bias }),
      epsilon: params.epsilon,
    },
  }),
});

export const activation = defineNode({
  type: 'layer.activation',
  version: 1,
  docs: { title: 'Activation', family: 'layer', help: 'An elementwise non-linearity.' },
  inputs: { x: { kind: 'tensor', doc: 'input' } },
  outputs: { y: { kind: 'tensor', doc: 'output' } },
  params: { function: choice(ACTIVATIONS, 'gelu', 'Which function.') },
  bypass: { kind: 'none' },
  inline: true,
  build: ({ inputs, params }) => ({ y: tensor(activate(inputs.tensor('x'), params.function)) }),
});

export const dropoutNode = defineNode({
  type: 'layer.dropout',
  version: 1,
  docs: {
    title: 'Dropout',
    family: 'layer',
    help: 'Drops elements while training and scales the others up.',
    paper: 'Srivastava et al. 2014',
  },
  inputs: { x: { kind: 'tensor', doc: 'input [B, ...]' } },
  outputs: { y: { kind: 'tensor', doc: 'output' } },
  params: { p: dropoutSpec(0.1, 'an element') },
  bypass: { kind: 'pass', from: { y: 'x' } },
  inline: true,
  build: ({ scope, inputs, params }) => ({ y: tensor(dropout(scope, inputs.tensor('x'), params.p)) }),
});

export const attentionNode = defineNode({
  type: 'layer.attention',
  version: 1,
  docs: {
    title: 'Attention',
    family: 'layer',
    help: 'Multi-head attention over the real tokens and the keys of a prefix, if there is one.',
    equation: '\\mathrm{softmax}(q k^\\top / \\sqrt{d_h})\\, v',
    paper: 'Vaswani et al. 2017',
  },
  inputs: {
    query: { kind: 'tensor', doc: 'queries [B, T, width]' },
    key: { kind: 'tensor', doc: 'keys [B, T, width]' },
    value: { kind: 'tensor', doc: 'values [B, T, width]' },
    tokens: { kind: 'tokens', doc: 'the batch, for its lengths' },
    prefix: { kind: 'kv', optional: true, doc: 'keys and values seen before the own ones' },
  },
  outputs: { context: { kind: 'tensor', doc: 'context [B, T, width]' } },
  params: {
    heads: int(12, 'Number of heads.', { min: 1 }),
    headWidth: int(64, 'Width of one head.', { min: 1 }),
    causal: choice(['no', 'yes'], 'no', 'Whether a token sees only itself and those before it.'),
    dropout: dropoutSpec(0.1, 'an attention weight'),
  },
  bypass: { kind: 'none' },
  inline: true,
  build: ({ scope, inputs, params }) => {
    const q = inputs.tensor('query');
    const own = { k: inputs.tensor('key'), v: inputs.tensor('value') };
    const prefix = inputs.optionalKv('prefix');
    const k = prefix ? concat([prefix.keys, own.k], -2) : own.k;
    const v = prefix ? concat([prefix.values, own.v], -2) : own.v;
    const queries = q.type.shape[1] as Dim;
    const keys = k.type.shape[1] as Dim;
    const drops = scope.training && params.dropout > 0;
    const keep = drops
      ? scope.noise('probabilities', 'examples', [params.heads, queries, keys], { kind: 'keep', p: params.dropout })
      : undefined;
    const size: Dim = prefix ? (prefix.keys.type.shape[1] as Dim) : 0;
    const attrs = {
      heads: params.heads,
      scale: 1 / Math.sqrt(params.headWidth),
      causal: params.causal === 'yes',
      prefix: size,
    };
    return { context: tensor(attention(q, k, v, inputs.tokens('tokens').lengths, keep, attrs)) };
  },
});

export const firstToken = defineNode({
  type: 'layer.firstToken',
  version: 1,
  docs: {
    title: 'Token of a position',
    family: 'layer',
    help: 'The state of one position of every sequence, e.g. of [CLS].',
  },
  inputs: { x: { kind: 'tensor', doc: 'states [B, T, d]' } },
  outputs: { y: { kind: 'tensor', doc: 'state [B, d]' } },
  params: {
    position: int(0, 'Which position, counted from 0.'),
    from: choice(
      ['own', 'all'],
      'own',
      'Counted from the own first token of the text, or from a soft prompt before it.',
    ),
  },
  bypass: { kind: 'none' },
  inline: true,
  build: ({ scope, inputs, params }) => {
    const x = inputs.tensor('x');
    const start = params.from === 'own' ? addDims(leadingOf(scope, x), params.position) : params.position;
    const row = slice(x, -2, start, 1);
    return { y: tensor(reshape(row, [x.type.shape[0] as Dim, widthOf(x)])) };
  },
});

/** How many positions of a soft prompt stand before the text: P of states [B, P + T, d]. */
const leadingOf = (scope: Scope, x: Tensor): Dim => subDims(x.type.shape[1] as Dim, scope.context.symbols.length);

export const split3 = defineNode({
  type: 'layer.split3',
  version: 1,
  docs: {
    title: 'Split in three',
    family: 'layer',
    help: 'Three equal parts of the last axis: queries, keys and values of a fused projection.',
  },
  inputs: { x: { kind: 'tensor', doc: 'tensor [..., 3 d]' } },
  outputs: {
    a: { kind: 'tensor', doc: 'first part' },
    b: { kind: 'tensor', doc: 'second part' },
    c: { kind: 'tensor', doc: 'third part' },
  },
  params: {},
  bypass: { kind: 'none' },
  inline: true,
  build: ({ inputs }) => {
    const x = inputs.tensor('x');
    const third = divExact(widthOf(x), 3);
    if (third === undefined) throw new Unsupported(`a width of ${String(widthOf(x))} does not split in three`);
    const [a, b, c] = split(x, -1, [third, third, third]) as [Tensor, Tensor, Tensor];
    return { a: tensor(a), b: tensor(b), c: tensor(c) };
  },
});

export const dropLeading = defineNode({
  type: 'layer.dropLeading',
  version: 1,
  docs: {
    title: 'Own positions',
    family: 'layer',
    help: 'The states of the text itself, without those of a soft prompt before it.',
  },
  inputs: { x: { kind: 'tensor', doc: 'states [B, P + T, d]' } },
  outputs: { y: { kind: 'tensor', doc: 'states [B, T, d]' } },
  params: {},
  bypass: { kind: 'none' },
  inline: true,
  build: ({ scope, inputs }) => {
    const x = inputs.tensor('x');
    const leading = leadingOf(scope, x);
    return { y: tensor(leading === 0 ? x : slice(x, -2, leading, scope.context.symbols.length)) };
  },
});
