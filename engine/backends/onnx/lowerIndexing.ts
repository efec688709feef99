/** Lowerings of ops that select or place rows by integer indices. i32 indices are used as they are where a kernel takes them. */
import { mulDims, productOf, type Dim } from '../../ir/dim.ts';
import type { ValueId } from '../../ir/program.ts';
import type { Shape, ValueType } from '../../ir/types.ts';
import { int } from './graph.ts';
import { full, reshaped, reshapeNode, typeOf, upToFactor, withFactor, type Lowering } from './lowering.ts';
import { ELEMENT_TYPE } from './proto.ts';
import { coordinates, summedRows, zeros } from './scatter.ts';
import { packedRows, placedRows } from './rowViews.ts';
import { isWhole, plain, type Lowered } from './values.ts';

export const lowerGather: Lowering<'gather'> = (c, site, inputs) => {
  const [table, index] = inputs as [Lowered, Lowered];
  const { name, factor } = upToFactor(c, table);
  return [
    withFactor(c.graph.node('Gather', [name, full(c, index)], { attributes: { axis: int(0) } }), typeOf(site), factor),
  ];
};

export const lowerScatterAdd: Lowering<'scatterAdd'> = (c, site, inputs) => {
  const [updates, index] = inputs as [Lowered, Lowered];
  const type = typeOf(site);
  const { name, factor } = upToFactor(c, updates);
  const width = productOf(type.shape.slice(1));
  const table: ValueType = { ...type, shape: [type.shape[0] as Dim, width] };
  const flat = reshapeNode(c, name, [productOf(index.type.shape), width]);
  const sums = summedRows(c, flat, index, site.inputIds[1] as ValueId, table);
  return [reshaped(c, withFactor(sums, table, factor), type.shape)];
};

/** `[B, T, ...]` as rows `[B*T, ...]`. */
const rowsOf = (shape: Shape): Shape => [mulDims(shape[0] as Dim, shape[1] as Dim), ...shape.slice(2)];

export const lowerPack: Lowering<'pack'> = (c, site, inputs) => {
  const [x, index] = inputs as [Lowered, Lowered];
  const rows = isWhole(x) ? packedRows(c, x, site.inputIds[1] as ValueId, typeOf(site).shape) : undefined;
  if (rows) return [rows];
  const { name, factor } = upToFactor(c, reshaped(c, x, rowsOf(x.type.shape)));
  return [
    withFactor(c.graph.node('Gather', [name, full(c, index)], { attributes: { axis: int(0) } }), typeOf(site), factor),
  ];
};

export const lowerUnpack: Lowering<'unpack'> = (c, site, inputs) => {
  const [x, index] = inputs as [Lowered, Lowered];
  const type = typeOf(site);
  const moved = isWhole(x) ? placedRows(c, x, site.inputIds[1] as ValueId, type.shape) : undefined;
  if (moved) return [moved];
  const rows: ValueType = { ...type, shape: rowsOf(type.shape) };
  const { name, factor } = upToFactor(c, x);
  const placed = c.graph.node('ScatterND', [zeros(c, rows), coordinates(c, index), name]);
  return [reshaped(c, withFactor(placed, rows, factor), type.shape)];
};

export const lowerTokenMask: Lowering<'tokenMask'> = (c, site, inputs) => {
  const lengths = inputs[0] as Lowered;
  const column = full(c, reshaped(c, lengths, [...lengths.type.shape, 1]));
  const real = c.graph.node('Less', [c.host.iota(site.attrs.length), column]);
  return [plain(c.graph.node('Cast', [real], { attributes: { to: int(ELEMENT_TYPE.f32) } }), typeOf(site))];
};
