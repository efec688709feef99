/** Modules that combine others: source banks, AdapterFusion, ScaLearn, averages, gates, the added term of a transform. */
import {
  add,
  concat,
  constant,
  matmul,
  mul,
  reshape,
  sigmoid,
  softmax,
  sub,
  sum,
  tokenMask,
  div,
  cast,
} from '../../engine/ir/build.ts';
import type { Dim } from '../../engine/ir/dim.ts';
import type { Tensor } from '../../engine/ir/tensor.ts';
import { bertNormal, normal, zeros } from '../../engine/nodekit/init.ts';
import { defineNode, tensor, widthOf } from '../../engine/nodekit/node.ts';
import { Unsupported } from '../../engine/nodekit/operator.ts';
import { bool, choice, dropoutSpec, int, number } from '../../engine/nodekit/params.ts';
import { printShape } from '../../engine/ir/types.ts';

export const sourceBank = defineNode({
  type: 'source.bank',
  version: 1,
  docs: {
    title: 'Source bank',
    family: 'composition',
    help: 'Trained, frozen modules side by side, one per row of the bank; all read the same input.',
  },
  inputs: {
    x: {
      kind: 'tensor',
      doc: 'what every source reads, where it read when it was trained: mostly the end of the feed-forward [..., d]',
    },
  },
  outputs: { sources: { kind: 'sources', doc: 'one output [..., d] per source' } },
  params: {},
  bypass: { kind: 'absent' },
  bank: true,
  inline: true,
  build: ({ scope, inputs, bank, definition }) => {
    const x = inputs.tensor('x');
    if (bank.length === 0) throw new Unsupported('the source bank has no source that is not muted');
    const values = bank.map((source) => {
      const build = definition(source.type)?.asSource;
      if (!build) throw new Unsupported(`a "${source.type}" cannot be a source`);
      const origin = { nodeType: source.type, doc: `Frozen source of type ${source.type}.`, args: source.params };
      const frozen = scope.frozen((name) => source.tensor(name.slice(source.name.length + 1)));
      const outputs = frozen
        .inside(source.name)
        .outline('', origin, [['x', x]], (inner, value) => [['delta', build(inner, value, source.params as never)]]);
      return outputs[0] as Tensor;
    });
    return { sources: { kind: 'sources', names: bank.map((s) => s.name), values } };
  },
});

/** `[..., d]` each, stacked to `[..., n, d]`. */
function stackSources(sources: readonly Tensor[]): Tensor {
  const rows = sources.map((u) => reshape(u, [...u.type.shape.slice(0, -1), 1, widthOf(u)]));
  return concat(rows as [Tensor, ...Tensor[]], -2);
}

function needSources(sources: readonly Tensor[]): void {
  const first = sources[0];
  if (!first) throw new Unsupported('no source is connected');
  const odd = sources.find((u) => widthOf(u) !== widthOf(first));
  if (odd)
    throw new Unsupported(
      `sources must agree in width, got ${printShape(first.type.shape)} and ${printShape(odd.type.shape)}`,
    );
}

export const fusion = defineNode({
  type: 'peft.fusion',
  version: 1,
  docs: {
    title: 'AdapterFusion',
    family: 'composition',
    help: 'Attends over the outputs of frozen sources, token by token.',
    equation: 'o = \\sum_i \\mathrm{softmax}_i(q^\\top k_i)\\, W_V u_i',
    paper: 'Pfeiffer et al. 2021',
  },
  inputs: {
    query: { kind: 'tensor', doc: 'what the sources read [..., d]' },
    sources: { kind: 'tensor', many: true, doc: 'outputs of the sources [..., d]' },
  },
  outputs: {
    delta: { kind: 'tensor', doc: 'the mixture [..., d]' },
    regulariser: { kind: 'loss', doc: '||I - W_V||^2 of this layer' },
  },
  params: {
    value: bool(true, 'Has a value matrix (dynamic fusion); without it, static fusion.'),
    regularisation: number(0.01, 'Factor of the regulariser of the value matrix.', { min: 0 }),
    dropout: dropoutSpec(0, 'a score'),
    temperature: number(1, 'Scores are divided by it.', { min: 1e-6 }),
  },
  bypass: { kind: 'absent' },
  peft: { startPoint: { kind: 'shifted' }, mergeable: false },
  build: ({ scope, inputs, params }) => {
    const sources = inputs.tensors('sources');
    needSources(sources);
    const z = inputs.tensor('query');
    const d = widthOf(z);
    const u = stackSources(sources);
    const project = (x: Tensor, name: string): Tensor => {
      const weight = scope.param(`${name}.weight`, [d, d], bertNormal);
      return add(matmul(x, weight, { transposeB: true }), scope.param(`${name}.bias`, [d], zeros));
    };
    const q = project(z, 'query');
    const k = project(u, 'key');
    const W = params.value
      ? scope.param('value.weight', [d, d], { kind: 'diagonal', diagonal: 1, rest: 1e-6 }, { decay: false })
      : undefined;
    const v = W ? matmul(u, W, { transposeB: true }) : u;
    const raw = sum(mul(reshape(q, [...q.type.shape.slice(0, -1), 1, d]), k), [-1]);
    const scores = scope.dropout(raw, params.dropout, 'tokens', 'scores');
    const weights = scope.name(
      'weights',
      softmax(params.temperature === 1 ? scores : mul(scores, 1 / params.temperature)),
    );
    const mixed = sum(mul(reshape(weights, [...weights.type.shape, 1]), v), [-2]);
    const zero = constant(z, 'f32', [], 0);
    const one = constant(z, 'f32', [], 1);
    return {
      delta: tensor(mixed),
      regulariser: {
        kind: 'loss',
        sum: W ? distanceToIdentity(W, Number(d)) : zero,
        weight: one,
        coefficient: params.regularisation,
      },
    };
  },
});

/** ||I - W||_F^2 = ||W||_F^2 - 2 tr(W) + d, with the trace as sum of W * I. */
function distanceToIdentity(W: Tensor, d: number): Tensor {
  const index = W.emitter.emit('iota', [], { size: d })[0] as Tensor;
  const diagonal = W.emitter.emit('eq', [reshape(index, [d, 1]), index], {})[0] as Tensor;
  const difference = sub(cast(diagonal, 'f32'), W);
  return sum(mul(difference, difference), [-2, -1]);
}

export const scalearn = defineNode({
  type: 'peft.scalearn',
  version: 1,
  docs: {
    title: 'ScaLearn',
    family: 'composition',
    help: 'Learns only how much of each frozen source to add: per channel or as one number, per layer or for the whole stack (++).',
    equation: 'o = \\sum_s \\omega_s \\odot u_s',
    paper: 'Frohmann et al. 2024',
  },
  inputs: { sources: { kind: 'tensor', many: true, doc: 'outputs of the sources [..., d]' } },
  outputs: {
    delta: { kind: 'tensor', doc: 'the mixture, to be added where the sources were: at the residual [..., d]' },
  },
  params: {
    variant: choice(
      ['scalearn', 'uniform', 'scalearn++', 'uniform++'],
      'scalearn',
      'Vector or number; ++ shares it over the layers of the stack.',
    ),
    dropout: dropoutSpec(0.3, 'an entry of omega'),
    scale: number(2, 'omega starts at scale / number of sources.', { min: 0 }),
  },
  bypass: { kind: 'absent' },
  peft: { startPoint: { kind: 'shifted' }, mergeable: true },
  build: ({ scope, inputs, params }) => {
    const sources = inputs.tensors('sources');
    needSources(sources);
    const n = sources.length;
    const d = widthOf(sources[0] as Tensor);
    const uniform = params.variant.startsWith('uniform');
    const shape: Dim[] = [n, uniform ? 1 : d];
    const shared = params.variant.endsWith('++');
    const omega = scope.param('omega', shape, normal(1e-3, params.scale / n), {
      scope: shared ? 'stack' : 'layer',
      decay: false,
    });
    const dropped = scope.dropoutOfParameter(omega, params.dropout, 'omega');
    return { delta: tensor(sum(mul(stackSources(sources), dropped), [-2])) };
  },
});

export const average = defineNode({
  type: 'compose.average',
  version: 1,
  docs: {
    title: 'Average',
    family: 'composition',
    help: 'The mean of everything that comes in.',
    equation: 'y = \\tfrac1n \\sum_i x_i',
  },
  inputs: { x: { kind: 'tensor', many: true, doc: 'tensors of one shape' } },
  outputs: { y: { kind: 'tensor', doc: 'their mean' } },
  params: {},
  bypass: { kind: 'absent' },
  inline: true,
  build: ({ inputs }) => {
    const xs = inputs.tensors('x');
    needSources(xs);
    return {
      y: tensor(
        mul(
          xs.reduce((a, b) => add(a, b)),
          1 / xs.length,
        ),
      ),
    };
  },
});

export const gate = defineNode({
  type: 'peft.gate',
  version: 1,
  docs: {
    title: 'Gate',
    family: 'composition',
    help: 'A learned number between 0 and 1 from the input, per token or per example, to scale a module with.',
    equation: 'g = \\sigma(w^\\top x + b)',
    paper: 'Mao et al. 2022 (UniPELT)',
  },
  inputs: {
    x: { kind: 'tensor', doc: 'states [B, T, d]' },
    tokens: { kind: 'tokens', optional: true, doc: 'the batch, for one gate per example' },
  },
  outputs: { gate: { kind: 'tensor', doc: 'factor [B, T, 1] or [B, 1, 1]' } },
  params: {
    per: choice(['token', 'example'], 'token', 'One gate per token, or the mean over the real tokens of an example.'),
  },
  bypass: { kind: 'absent' },
  peft: { startPoint: { kind: 'shifted' }, mergeable: false },
  build: ({ scope, inputs, params }) => {
    const x = inputs.tensor('x');
    const weight = scope.param('weight', [1, widthOf(x)], bertNormal);
    const g = sigmoid(add(matmul(x, weight, { transposeB: true }), scope.param('bias', [1], zeros)));
    if (params.per === 'token') return { gate: tensor(g) };
    const { lengths } = inputs.tokens('tokens');
    const [batch, length] = x.type.shape as readonly [Dim, Dim];
    const mask = reshape(tokenMask(lengths, length), [batch, length, 1]);
    const mean = div(sum(mul(g, mask), [-2], true), reshape(cast(lengths, 'f32'), [batch, 1, 1]));
    return { gate: tensor(mean) };
  },
});

export const multiply = defineNode({
  type: 'compose.multiply',
  version: 1,
  docs: { title: 'Multiply', family: 'composition', help: 'Scales a tensor by a gate.', equation: 'y = g \\odot x' },
  inputs: { x: { kind: 'tensor', doc: 'tensor' }, gate: { kind: 'tensor', optional: true, doc: 'factor' } },
  outputs: { y: { kind: 'tensor', doc: 'product' } },
  params: {},
  bypass: { kind: 'pass', from: { y: 'x' } },
  inline: true,
  build: ({ inputs }) => {
    const g = inputs.optionalTensor('gate');
    return { y: tensor(g ? mul(inputs.tensor('x'), g) : inputs.tensor('x')) };
  },
});

export const delta = defineNode({
  type: 'compose.delta',
  version: 1,
  docs: {
    title: 'Added term',
    family: 'composition',
    help: 'What an additive module would add for an input, as a tensor: makes a LoRA a source for fusion or ScaLearn.',
    equation: 'u = T(W) x - W x',
  },
  inputs: { x: { kind: 'tensor', doc: 'input [..., in]' }, transform: { kind: 'transform', doc: 'the module' } },
  outputs: { y: { kind: 'tensor', doc: 'added term [..., out]' } },
  params: { outFeatures: int(0, 'Width of the output.', { min: 1 }) },
  bypass: { kind: 'absent' },
  inline: true,
  build: ({ scope, inputs, params }) => {
    const wire = inputs.transforms('transform')[0];
    if (!wire?.transform.delta) throw new Unsupported('this module is not additive: it has no added term');
    return { y: tensor(wire.transform.delta(scope, inputs.tensor('x'), params.outFeatures)) };
  },
});

export const scaleNode = defineNode({
  type: 'compose.scale',
  version: 1,
  docs: {
    title: 'Scale',
    family: 'composition',
    help: 'Multiplies by a constant, e.g. the factors of a reversible coupling.',
    equation: 'y = s\\,x',
  },
  inputs: { x: { kind: 'tensor', doc: 'tensor' } },
  outputs: { y: { kind: 'tensor', doc: 'scaled tensor' } },
  params: { factor: number(1, 'The constant s.') },
  bypass: { kind: 'pass', from: { y: 'x' } },
  inline: true,
  build: ({ inputs, params }) => ({
    y: tensor(params.factor === 1 ? inputs.tensor('x') : mul(inputs.tensor('x'), params.factor)),
  }),
});
