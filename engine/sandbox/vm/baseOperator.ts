/** The linear layer under a transform as the virtual machine sees it: each use becomes a call that the host carries out. */
import { BASE_CALLS, type BaseText } from '../wireText.ts';
import { parseDim, type Dim } from '../../ir/dim.ts';
import type { Fn, ValueId } from '../../ir/program.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { parseType, printType, tensorType, type ValueType } from '../../ir/types.ts';
import type { LinearOperator } from '../../nodekit/operator.ts';
import type { FnBuilder } from '../../tracing/builder.ts';

export const dimOf = (d: number | string): Dim => (typeof d === 'number' ? d : parseDim(d));

/** A function that exists by name only. */
function outsideFn(name: string, inputs: readonly ValueType[], result: ValueType): Fn {
  const types = [...inputs, result];
  return {
    name,
    params: inputs.map((_t, i) => ({ id: i as ValueId, name: `x${i}`, role: 'input' })),
    body: [],
    results: [{ name: 'y', id: inputs.length as ValueId }],
    values: new Map(types.map((type, i) => [i as ValueId, { type }])),
  };
}

export function outsideOperator(builder: FnBuilder, base: BaseText): LinearOperator {
  const inFeatures = dimOf(base.inFeatures);
  const outFeatures = dimOf(base.outFeatures);
  const call = (name: string, inputs: readonly Tensor[], result: ValueType): Tensor =>
    builder.call(
      outsideFn(
        name,
        inputs.map((x) => x.type),
        result,
      ),
      '',
      inputs,
      { kind: 'plain' },
    )[0] as Tensor;
  const lastOf = (x: Tensor, from: Dim, to: Dim): ValueType => {
    if (x.type.shape.at(-1) !== from)
      throw new Error(`The linear layer takes [..., ${from}], it was given ${printType(x.type)}.`);
    return tensorType(x.type.dtype, [...x.type.shape.slice(0, -1), to]);
  };
  const biasType = base.bias === undefined ? undefined : parseType(base.bias);
  let bias: Tensor | undefined;
  let weight: Tensor | undefined;
  return {
    inFeatures,
    outFeatures,
    apply: (x) => call(BASE_CALLS.apply, [x], lastOf(x, inFeatures, outFeatures)),
    product: (x) => call(BASE_CALLS.product, [x], lastOf(x, inFeatures, outFeatures)),
    applyTransposed: (y) => call(BASE_CALLS.applyTransposed, [y], lastOf(y, outFeatures, inFeatures)),
    materialize: () => call(BASE_CALLS.materialize, [], tensorType('f32', [outFeatures, inFeatures])),
    get bias() {
      return biasType && (bias ??= call(BASE_CALLS.bias, [], biasType));
    },
    ...(base.raw
      ? {
          raw: {
            layout: base.raw.layout,
            get weight() {
              return (weight ??= call(BASE_CALLS.weight, [], parseType(base.raw?.weight ?? '')));
            },
          },
        }
      : {}),
  };
}
