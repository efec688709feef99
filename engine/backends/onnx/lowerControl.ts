/** Lowerings of noise, barriers and cut gradients. */
import type { ValueId } from '../../ir/program.ts';
import type { Shape } from '../../ir/types.ts';
import { shapeVector, typeOf, type LowerContext, type Lowering } from './lowering.ts';
import { isConstant, plain, type Lowered } from './values.ts';

/**
 * Made by the host as f32 factors: multiplying by them is then the only pass. Bytes would need a pass of their own in the
 * graph (Cast or DequantizeLinear, 59 and 107 us at 512 x 1536), forward and backward.
 */
export const lowerNoise: Lowering<'noise'> = (c, site) => {
  const [key, rows] = site.inputIds as [ValueId, ValueId];
  return [plain(c.host.noise(site.attrs, key, rows), typeOf(site))];
};

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
