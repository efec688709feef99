/** Lowerings of noise, barriers and cut gradients. */
import * as ort from 'onnxruntime-node';
import { fillReal, siteHash } from '../../base/counterHash.ts';
import { concreteShape, type Shape } from '../../ir/types.ts';
import type { OpAttrs } from '../../ir/opAttrs.ts';
import { fillKeepFactors } from './keepFactors.ts';
import { symbolic, type HostContext } from './hostInputs.ts';
import { shapeVector, typeOf, type LowerContext, type Lowering } from './lowering.ts';
import { isConstant, type Lowered, plain } from './values.ts';

/**
 * Made by the host as f32 factors: multiplying by them is then the only pass. Bytes would need a pass of their own in the
 * graph (Cast or DequantizeLinear, 59 and 107 us at 512 x 1536), forward and backward.
 */
export const lowerNoise: Lowering<'noise'> = (c, site) => {
  const [keyId, rowsId] = site.inputIds as [number, number] as unknown as [(typeof site.inputIds)[number], (typeof site.inputIds)[number]];
  const { attrs } = site;
  const name = `host/noise ${JSON.stringify([attrs.site, attrs.distribution, attrs.shape, keyId, rowsId])}`;
  const make = (context: HostContext): ort.Tensor =>
    noiseTensor(attrs, context.value(keyId).data, context.value(rowsId).data, concreteShape(attrs.shape, context.bindings));
  return [plain(c.host.add(name, 'f32', symbolic(attrs.shape), make), typeOf(site))];
};

function noiseTensor(attrs: OpAttrs['noise'], key: ArrayLike<number>, rows: ArrayLike<number>, shape: readonly number[]): ort.Tensor {
  const data = new Float32Array(shape.reduce((p, n) => p * n, 1));
  const { distribution } = attrs;
  const site = siteHash(attrs.site);
  if (distribution.kind === 'keep') fillKeepFactors(data, key, site, rows, shape, distribution.p);
  else fillReal(data, key, site, rows, shape, distribution.kind);
  return new ort.Tensor(data, shape);
}

/**
 * A reshape to the shape that the value has already, where the shape is computed from the size of `after` times an input
 * that is zero: no copy, no order in which it could come before `after`, and nothing that the runtime could see through.
 */
export const lowerBarrier: Lowering<'barrier'> = (c, _site, inputs) => {
  const [x, after] = inputs as [Lowered, Lowered];
  if (isConstant(x) || isConstant(after)) return [x];
  const { product: _product, origin: _origin, ...rest } = x;
  return [{ ...rest, name: held(c, x.name, x.shape, after.name) }];
};

export function held(c: LowerContext, name: string, shape: Shape, after: string): string {
  const nothing = c.graph.node('Mul', [c.graph.node('Size', [after]), c.host.zero()]);
  return c.graph.node('Reshape', [name, c.graph.node('Add', [shapeVector(c, shape), nothing])]);
}

export const lowerStopGradient: Lowering<'stopGradient'> = (_c, _site, inputs) => [inputs[0] as Lowered];
