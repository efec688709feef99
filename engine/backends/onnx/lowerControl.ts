/** Lowerings of noise, barriers and cut gradients. */
import * as ort from 'onnxruntime-node';
import { fillReal, siteHash } from '../../base/counterHash.ts';
import type { NDArray } from '../../ops/rule.ts';
import { countOf } from '../../ops/ndarray.ts';
import { concreteShape, type Shape } from '../../ir/types.ts';
import type { OpAttrs } from '../../ir/opAttrs.ts';
import type { ValueId } from '../../ir/program.ts';
import { fillKeepFactors } from './keepFactors.ts';
import { symbolic, type HostContext } from './hostInputs.ts';
import { shapeVector, typeOf, type LowerContext, type Lowering } from './lowering.ts';
import { isConstant, type Lowered, plain } from './values.ts';

/**
 * Made by the host as f32 factors: multiplying by them is then the only pass. Bytes would need a pass of their own in the
 * graph (Cast or DequantizeLinear, 59 and 107 us at 512 x 1536), forward and backward.
 */
export const lowerNoise: Lowering<'noise'> = (c, site) => {
  const [keyId, rowsId] = site.inputIds as [ValueId, ValueId];
  const { attrs } = site;
  const name = `host/noise ${JSON.stringify([attrs.site, attrs.distribution, attrs.shape, keyId, rowsId])}`;
  const buffer = new NoiseBuffer();
  const make = (context: HostContext): ort.Tensor => {
    const shape = concreteShape(attrs.shape, context.bindings);
    return new ort.Tensor(buffer.fill(attrs, context.value(keyId).data, context.value(rowsId), shape), shape);
  };
  return [plain(c.host.add(name, 'f32', symbolic(attrs.shape), make), typeOf(site))];
};

/** The array of one noise input, used again by every run of one size. */
class NoiseBuffer {
  #data = new Float32Array(0);

  fill(attrs: OpAttrs['noise'], key: ArrayLike<number>, rows: NDArray, shape: readonly number[]): Float32Array {
    const size = countOf(shape);
    if (this.#data.length !== size) this.#data = new Float32Array(size);
    const { distribution } = attrs;
    const site = siteHash(attrs.site);
    const merged = [rows.data.length, ...shape.slice(rows.shape.length)];
    if (distribution.kind === 'keep') fillKeepFactors(this.#data, key, site, rows.data, merged, distribution.p);
    else fillReal(this.#data, key, site, rows.data, merged, distribution.kind);
    return this.#data;
  }
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
