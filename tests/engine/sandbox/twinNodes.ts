/** Our own bottleneck and LoRA, written once more as custom nodes: what they make must be what ours make. */

export const BOTTLENECK = `
import {
  add, bertNormal, choice, defineNode, dropoutSpec, int, kaimingUniform, matmul, mul, number, ones, relu, gelu, sigmoid,
  tanh, tensor, widthOf, zeros, type Dim, type InitSpec, type Tensor,
} from 'espalier';

const ACTIVATIONS = ['gelu', 'gelu_new', 'relu', 'silu', 'tanh', 'identity'] as const;
type Activation = (typeof ACTIVATIONS)[number];
interface Inits { readonly down: InitSpec; readonly up: InitSpec }
const small: InitSpec = { kind: 'truncatedNormal', std: 1e-3, limit: 2e-3 };
const INITS: Record<string, (fanIn: number) => Inits> = {
  bert: () => ({ down: bertNormal, up: bertNormal }),
  lora: (fanIn) => ({ down: kaimingUniform(fanIn), up: zeros }),
  small: () => ({ down: small, up: small }),
};

function activate(x: Tensor, name: Activation): Tensor {
  switch (name) {
    case 'gelu': return gelu(x);
    case 'gelu_new': return gelu(x, 'tanh');
    case 'relu': return relu(x);
    case 'silu': return mul(x, sigmoid(x));
    case 'tanh': return tanh(x);
    case 'identity': return x;
  }
}

export const node = defineNode({
  type: 'custom.bottleneck',
  version: 1,
  docs: {
    title: 'Bottleneck adapter', family: 'additive',
    help: 'A small trainable MLP. Add it to a sub-layer in series or in parallel.',
    equation: 'A(x) = s\\\\,(W_{up} f(W_{down} x + b_{down}) + b_{up})',
    paper: 'Houlsby et al. 2019; Pfeiffer et al. 2021; He et al. 2022',
  },
  inputs: { x: { kind: 'tensor', doc: 'input [..., d]' } },
  outputs: { delta: { kind: 'tensor', doc: 'what is added [..., d]' } },
  params: {
    size: int(48, 'Size m.', { min: 1 }),
    activation: choice(ACTIVATIONS, 'relu', 'Non-linearity f.'),
    dropout: dropoutSpec(0, 'an element of the bottleneck'),
    scale: number(1, 'Constant factor s.'),
    learnedScale: choice(['none', 'scalar', 'channel'], 'none', 'Learn the factor.'),
    init: choice(['bert', 'lora', 'small'], 'bert', 'Start.'),
  },
  bypass: { kind: 'absent' },
  peft: { startPoint: { kind: 'near-identity', tolerance: 0.2 }, mergeable: false },
  build: ({ scope, inputs, params: p }) => {
    const x = inputs.tensor('x');
    const d = widthOf(x);
    const init = INITS[p.init]!(Number(d));
    const down = scope.param('down.weight', [p.size, d], init.down);
    const downBias = scope.param('down.bias', [p.size], zeros);
    const up = scope.param('up.weight', [d, p.size], init.up);
    const upBias = scope.param('up.bias', [d], zeros);
    const inner = scope.name('down', add(matmul(x, down, { transposeB: true }), downBias));
    const dropped = scope.dropout(activate(inner, p.activation as Activation), p.dropout, 'tokens');
    const out = add(matmul(dropped, up, { transposeB: true }), upBias);
    if (p.learnedScale === 'none') return { delta: tensor(p.scale === 1 ? out : mul(out, p.scale)) };
    const shape: Dim[] = p.learnedScale === 'scalar' ? [1] : [d];
    return { delta: tensor(mul(out, scope.param('scale', shape, ones, { decay: false }))) };
  },
});
`;

export const LORA = `
import {
  additive, bool, choice, defineNode, dropoutSpec, int, kaimingUniform, matmul, mul, normal, number, zeros,
  type Dim, type Scope, type Tensor, type Transform,
} from 'espalier';

interface P { readonly rank: number; readonly alpha: number; readonly dropout: number; readonly rslora: boolean; readonly init: string }
const DOC = "Adds a low-rank update to a frozen linear layer.\\nW' = W + s B A,  s = alpha / r\\nHu et al. 2021";
const scaleOf = (p: P): number => p.alpha / (p.rslora ? Math.sqrt(p.rank) : p.rank);

function factors(scope: Scope, p: P, inFeatures: Dim, outFeatures: Dim): { A: Tensor; B: Tensor } {
  const init = p.init === 'kaiming' ? kaimingUniform(Number(inFeatures)) : normal(1 / p.rank);
  return { A: scope.param('A', [p.rank, inFeatures], init), B: scope.param('B', [outFeatures, p.rank], zeros) };
}

function loraDelta(scope: Scope, p: P, x: Tensor, outFeatures: Dim): Tensor {
  const { A, B } = factors(scope, p, x.type.shape[x.type.shape.length - 1] as Dim, outFeatures);
  const down = scope.name('down', matmul(scope.dropout(x, p.dropout), A, { transposeB: true }));
  return mul(matmul(down, B, { transposeB: true }), scaleOf(p));
}

function transform(id: string, p: P): Transform {
  const delta = (scope: Scope, x: Tensor, outFeatures: Dim): Tensor => {
    const origin = { nodeType: 'custom.lora', doc: DOC, args: { ...p, outFeatures: Number(outFeatures) } };
    return scope.outline(id, origin, [['x', x]], (inner, value) => [
      ['delta', loraDelta(inner, p, value, outFeatures)],
    ])[0] as Tensor;
  };
  return {
    class: 'additive',
    delta,
    wrap: (scope, base) => {
      const inside = () => factors(scope.inside(id), p, base.inFeatures, base.outFeatures);
      return additive(base, {
        delta: (x) => delta(scope, x, base.outFeatures),
        deltaTransposed: (y) => mul(matmul(matmul(y, inside().B), inside().A), scaleOf(p)),
        deltaWeight: () => mul(matmul(inside().B, inside().A), scaleOf(p)),
      });
    },
  };
}

export const node = defineNode({
  type: 'custom.lora',
  version: 1,
  docs: { title: 'LoRA', family: 'reparameterised', help: 'Adds a trainable low-rank update.', paper: 'Hu et al. 2021' },
  inputs: {},
  outputs: { transform: { kind: 'transform', doc: 'docks on a linear layer' } },
  params: {
    rank: int(8, 'Rank r.', { min: 1, max: 4096 }),
    alpha: number(8, 'Scale numerator.', { min: 0 }),
    dropout: dropoutSpec(0, 'an element of the input'),
    rslora: bool(false, 'rsLoRA.'),
    init: choice(['kaiming', 'gaussian'], 'kaiming', 'How A starts.'),
  },
  bypass: { kind: 'absent' },
  peft: { startPoint: { kind: 'identity' }, mergeable: true },
  build: ({ params, id }) => ({ transform: { kind: 'transform', transform: transform(id, params as P) } }),
});
`;
