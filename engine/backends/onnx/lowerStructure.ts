/** Lowerings of constants and of ops that move elements. Sizes that are symbols come from the host (`hostInputs.ts`). */
import { addDims } from '../../ir/dim.ts';
import { int, ints } from './graph.ts';
import { full, reshaped, typeOf, upToFactor, withFactor, type Lowering } from './lowering.ts';
import { transposedRows } from './rowViews.ts';
import { constantValue, isConstant, isWhole, plain, type Lowered } from './values.ts';

export const lowerConstant: Lowering<'constant'> = (_c, site) => [constantValue(typeOf(site), site.attrs.value)];

export const lowerDimension: Lowering<'dimension'> = (c, site) => {
  const { of } = site.attrs;
  return [typeof of === 'number' ? constantValue(typeOf(site), of) : plain(c.host.dimension(of, 'f32'), typeOf(site))];
};

export const lowerIota: Lowering<'iota'> = (c, site) => [plain(c.host.iota(site.attrs.size), typeOf(site))];

export const lowerReshape: Lowering<'reshape'> = (c, site, inputs) => [
  reshaped(c, inputs[0] as Lowered, site.attrs.shape),
];

export const lowerTranspose: Lowering<'transpose'> = (c, site, inputs) => {
  const v = inputs[0] as Lowered;
  const type = typeOf(site);
  if (isConstant(v)) return [{ ...v, type }];
  if (site.attrs.perm.every((p, i) => p === i)) return [v];
  const rows = isWhole(v) ? transposedRows(c, v, site.attrs.perm, type.shape) : undefined;
  if (rows) return [rows];
  const { name, factor } = upToFactor(c, v);
  return [withFactor(c.graph.node('Transpose', [name], { attributes: { perm: ints(site.attrs.perm) } }), type, factor)];
};

/** Left to the consumer: elementwise ops broadcast by themselves. */
export const lowerBroadcastTo: Lowering<'broadcastTo'> = (_c, site, inputs) => {
  const { name, shape, factor, offset } = inputs[0] as Lowered;
  return [{ type: typeOf(site), name, shape, factor, offset }];
};

export const lowerSlice: Lowering<'slice'> = (c, site, inputs) => {
  const v = inputs[0] as Lowered;
  const { axis, start, size } = site.attrs;
  if (isConstant(v)) return [{ ...v, type: typeOf(site) }];
  const { name, factor } = upToFactor(c, v);
  const bounds = [c.host.vector([start]), c.host.vector([addDims(start, size)]), c.graph.vector([axis])];
  return [withFactor(c.graph.node('Slice', [name, ...bounds]), typeOf(site), factor)];
};

export const lowerPad: Lowering<'pad'> = (c, site, inputs) => {
  const { axis, before, after } = site.attrs;
  const { name, factor } = upToFactor(c, inputs[0] as Lowered);
  if (before === 0 && after === 0) return [withFactor(name, typeOf(site), factor)];
  const node = c.graph.node('Pad', [name, c.host.vector([before, after]), '', c.graph.vector([axis])]);
  return [withFactor(node, typeOf(site), factor)];
};

export const lowerConcat: Lowering<'concat'> = (c, site, inputs) => {
  const parts = inputs.map((v) => upToFactor(c, v));
  const factor = (parts[0] as { factor: number }).factor;
  const same = parts.every((p) => p.factor === factor);
  const names = same ? parts.map((p) => p.name) : inputs.map((v) => full(c, v));
  const node = c.graph.node('Concat', names, { attributes: { axis: int(site.attrs.axis) } });
  return [withFactor(node, typeOf(site), same ? factor : 1)];
};
