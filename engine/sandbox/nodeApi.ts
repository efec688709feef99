/** What the editor is given to write custom nodes with: declaration files and a source to begin with. */
import generated from './generated/sandbox.json' with { type: 'json' };

/** The declaration files of the node API by their paths in the package "espalier", whose entry is `index.d.ts`. */
export function nodeApiTypes(): Readonly<Record<string, string>> {
  const files: Record<string, string> = { 'index.d.ts': "export * from './engine/sandbox/vm/api';\n" };
  for (const [path, lines] of Object.entries(generated.types)) files[path] = lines.join('\n');
  return files;
}

/** The source of a new node; `NAME` stands for its name, `TITLE` for its title. */
export const TEMPLATE = `/**
 * A gated bottleneck: a small MLP beside a sub-layer, whose update a learnt gate scales per channel.
 * "build" describes the computation with symbolic tensors; it runs once per shape, never on data.
 */
import {
  add,
  defineNode,
  dropoutSpec,
  gelu,
  int,
  kaimingUniform,
  matmul,
  mul,
  sigmoid,
  tensor,
  widthOf,
  zeros,
} from 'espalier';

export const node = defineNode({
  type: 'custom.NAME',
  version: 1,
  docs: {
    title: 'TITLE',
    family: 'additive',
    help: 'Adds a small MLP with a learnt gate.',
    equation: 'y = \\\\sigma(g) \\\\odot W_{up}\\\\,\\\\mathrm{gelu}(W_{down} x + b)',
  },
  inputs: { x: { kind: 'tensor', doc: 'input [..., d]' } },
  outputs: { delta: { kind: 'tensor', doc: 'what is added [..., d]' } },
  params: {
    size: int(32, 'Width of the bottleneck.', { min: 1, max: 4096 }),
    dropout: dropoutSpec(0.1, 'an element of the bottleneck'),
  },
  // Muted, or not selected in a layer, the node is as if it were not there.
  bypass: { kind: 'absent' },
  // At step 0 the up-projection is 0, so the backbone's outputs stay as they are.
  peft: { startPoint: { kind: 'identity' }, mergeable: false },
  build: ({ scope, inputs, params }) => {
    const x = inputs.tensor('x');
    const d = widthOf(x);
    const down = scope.param('down.weight', [params.size, d], kaimingUniform(Number(d)));
    const bias = scope.param('down.bias', [params.size], zeros);
    const up = scope.param('up.weight', [d, params.size], zeros);
    const gate = scope.param('gate', [d], zeros, { decay: false });
    const inner = gelu(add(matmul(x, down, { transposeB: true }), bias));
    const update = matmul(scope.dropout(inner, params.dropout), up, { transposeB: true });
    return { delta: tensor(mul(update, sigmoid(gate))) };
  },
});
`;
