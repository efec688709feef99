/** Lowerings of noise, barriers and cut gradients. */
import type { ValueId } from '../../ir/program.ts';
import { held, typeOf, type Lowering } from './lowering.ts';
import { isConstant, plain, type Lowered } from './values.ts';

/**
 * Made by the host as f32 factors: multiplying by them is then the only pass. Bytes would need a pass of their own in the
 * graph (Cast or DequantizeLinear, 59 and 107 us at 512 x 1536), forward and backward.
 */
export const lowerNoise: Lowering<'noise'> = (c, site) => {
  const [key, rows] = site.inputIds as [ValueId, ValueId];
  return [plain(c.host.noise(site.attrs, key, rows), typeOf(site))];
};

export const lowerBarrier: Lowering<'barrier'> = (c, _site, inputs) => {
  const [x, after] = inputs as [Lowered, Lowered];
  if (isConstant(x) || isConstant(after)) return [x];
  const name = held(c, x.name, x.shape, after.name);
  return [
    {
      ...plain(name, x.type),
      shape: x.shape,
      factor: x.factor,
      offset: x.offset,
      ...(x.bounded ? { bounded: true } : {}),
    },
  ];
};

export const lowerStopGradient: Lowering<'stopGradient'> = (_c, _site, inputs) => [inputs[0] as Lowered];
