/** Frozen linear layer with a rack of transforms. Also reads GPT-2's Conv1D layout and slices of fused weights. */
import { slice, transpose } from '../../engine/ir/build.ts';
import type { Tensor } from '../../engine/ir/tensor.ts';
import { defineNode, tensor } from '../../engine/nodekit/node.ts';
import { baseOperator } from '../../engine/nodekit/operator.ts';
import { choice, int, text } from '../../engine/nodekit/params.ts';

export const linear = defineNode({
  type: 'layer.linear',
  version: 1,
  docs: {
    title: 'Linear',
    family: 'layer',
    help: 'A frozen linear layer of the backbone; modules dock on it in order.',
    equation: 'y = x W^\\top + b',
  },
  inputs: {
    x: { kind: 'tensor', doc: 'input [..., in]' },
    transforms: {
      kind: 'transform',
      many: true,
      optional: true,
      doc: 'modules that change the weight, applied in order',
    },
  },
  outputs: { y: { kind: 'tensor', doc: 'output [..., out]' } },
  params: {
    inFeatures: int(0, 'Width of the input.', { min: 1 }),
    outFeatures: int(0, 'Width of the output.', { min: 1 }),
    weight: text('', 'Name of the weight in the checkpoint; {layer} stands for the layer.'),
    bias: text('', 'Name of the bias in the checkpoint; empty for none.'),
    layout: choice(['linear', 'conv1d'], 'linear', 'Whether the checkpoint keeps [out, in] or, as GPT-2, [in, out].'),
    fused: int(0, 'Width of the fused output that this layer is a slice of; 0 when it is whole.'),
    offset: int(0, 'First output of the slice within the fused weight.'),
    artifact: text('backbone', 'The artifact that holds the weight.'),
  },
  bypass: { kind: 'none' },
  inline: true,
  build: ({ scope, inputs, params }) => {
    const { inFeatures, outFeatures, layout, artifact } = params;
    const whole = params.fused > 0 ? params.fused : outFeatures;
    const shape = layout === 'linear' ? [whole, inFeatures] : [inFeatures, whole];
    const view = (t: Tensor, axis: number): Tensor =>
      params.fused > 0 ? slice(t, axis, params.offset, outFeatures) : t;
    const weight = view(
      scope.weight('weight', shape, { artifact, tensor: params.weight }),
      layout === 'linear' ? -2 : -1,
    );
    const bias =
      params.bias === '' ? undefined : view(scope.weight('bias', [whole], { artifact, tensor: params.bias }), -1);
    const base = baseOperator(weight, bias, layout);
    const operator = inputs.transforms('transforms').reduce((op, wire) => wire.transform.wrap(scope, op), base);
    if (scope.context.merging) {
      const merged = operator.materialize();
      scope.tap('merged/weight', layout === 'linear' ? merged : transpose(merged, [1, 0]));
      if (operator.bias) scope.tap('merged/bias', operator.bias);
    }
    return { y: tensor(operator.apply(inputs.tensor('x'))) };
  },
});
