/**
 * Values that are rows of a table in another order: heads of attention, packed and unpacked tokens. Chains of such moves
 * (unpack, split in heads, transpose) become one Gather by an index that the host makes, instead of one pass each:
 * measured at 512 x 384, Gather 32 us; Transpose [B,T,H,dh] to [B,H,T,dh] 58 us; ScatterND into zeros 75 us.
 */
import * as ort from 'onnxruntime-node';
import { must } from '../../base/errors.ts';
import { divExact, evaluateDim, productOf, type Dim, type SymbolBindings } from '../../ir/dim.ts';
import type { ValueId } from '../../ir/program.ts';
import { concreteShape, sameShape, type Shape } from '../../ir/types.ts';
import { countOf, stridesOf } from '../../ops/ndarray.ts';
import { int } from './graph.ts';
import { symbolic, type HostContext } from './hostInputs.ts';
import { reshapeNode, type LowerContext } from './lowering.ts';
import { plain, type Lowered } from './values.ts';

/** Row numbers of a table, computed by the host. */
export interface RowIndex {
  /** Says what it holds; equal keys are one input. */
  readonly key: string;
  readonly shape: Shape;
  /** Depends on sizes alone, so that it is made again only when they change. */
  readonly fixed: boolean;
  make(context: HostContext): Int32Array;
}

/** The value's elements in row-major order are `table[index]`, rows of `width` elements. */
export interface RowView {
  /** A tensor with the rows of the table one after the other, in whatever shape. */
  readonly table: string;
  /** Set when the tensor's shape is `[rows, tableWidth]`. */
  readonly tableWidth?: number;
  readonly width: number;
  readonly index: RowIndex;
}

/** Narrower rows are left to Transpose. */
const LEAST_WIDTH = 8;

const inOrder = (shape: Shape): RowIndex => ({
  key: `rows[${shape.join(',')}]`,
  shape,
  fixed: true,
  make: ({ bindings }) => Int32Array.from({ length: evaluateDim(productOf(shape), bindings) }, (_, i) => i),
});

/** Every row as `parts` narrower ones. */
const split = (base: RowIndex, parts: number): RowIndex => ({
  key: `${base.key}/${parts}`,
  shape: [...base.shape, parts],
  fixed: base.fixed,
  make: (context) => {
    const rows = base.make(context);
    const out = new Int32Array(rows.length * parts);
    for (let i = 0, at = 0; i < rows.length; i++) {
      const first = (rows[i] as number) * parts;
      for (let p = 0; p < parts; p++) out[at++] = first + p;
    }
    return out;
  },
});

const permuted = (base: RowIndex, perm: readonly number[]): RowIndex => ({
  key: `${base.key}(${perm.join(',')})`,
  shape: perm.map((p) => base.shape[p] as Dim),
  fixed: base.fixed,
  make: (context) => {
    const from = concreteShape(base.shape, context.bindings);
    const strides = stridesOf(from);
    return walk(
      base.make(context),
      perm.map((p) => from[p] as number),
      perm.map((p) => strides[p] as number),
    );
  },
});

/** Reads `rows` at the offsets of a strided box. */
function walk(rows: Int32Array, shape: readonly number[], strides: readonly number[]): Int32Array {
  const out = new Int32Array(countOf(shape));
  const last = shape.length - 1;
  const run = shape[last] as number;
  const step = strides[last] as number;
  const index = shape.slice(0, -1).map(() => 0);
  for (let at = 0; at < out.length; at += run) {
    let offset = 0;
    for (let a = 0; a < last; a++) offset += (index[a] as number) * (strides[a] as number);
    for (let j = 0; j < run; j++) out[at + j] = rows[offset + j * step] as number;
    for (let a = last - 1; a >= 0; a--) {
      index[a] = (index[a] as number) + 1;
      if ((index[a] as number) < (shape[a] as number)) break;
      index[a] = 0;
    }
  }
  return out;
}

/** Packed row `i` at flat position `index[i]` of `[batch, length]`; elsewhere the table's last row, which is zero. */
const placed = (id: ValueId, rows: Dim, padded: Shape): RowIndex => ({
  key: `placed %${id} in [${padded.join(',')}]`,
  shape: padded,
  fixed: false,
  make: (context) => {
    const out = new Int32Array(size(padded, context.bindings)).fill(evaluateDim(rows, context.bindings));
    context.value(id).data.forEach((at, i) => (out[at] = i));
    return out;
  },
});

/** The rows of two leading axes that `id` lists by flat position. */
const selected = (base: RowIndex, id: ValueId, rows: Dim): RowIndex => ({
  key: `${base.key} at %${id}`,
  shape: [rows, ...base.shape.slice(2)],
  fixed: false,
  make: (context) => {
    const from = base.make(context);
    const each = size(base.shape.slice(2), context.bindings);
    const at = context.value(id).data;
    const out = new Int32Array(at.length * each);
    at.forEach((row, i) => out.set(from.subarray(row * each, (row + 1) * each), i * each));
    return out;
  },
});

const size = (shape: Shape, bindings: SymbolBindings): number => countOf(concreteShape(shape, bindings));

/** The view with rows as wide as the last axis of `shape` and an index of its other axes; undefined if there is none. */
function fitted(view: RowView, shape: Shape): RowView | undefined {
  const width = shape[shape.length - 1];
  const leading = shape.slice(0, -1);
  if (width === view.width) return sameShape(leading, view.index.shape) ? view : undefined;
  const parts = typeof width === 'number' ? divExact(view.width, width) : undefined;
  if (typeof width !== 'number' || typeof parts !== 'number') return undefined;
  if (!sameShape(leading, [...view.index.shape, parts])) return undefined;
  return { ...view, width, index: split(view.index, parts) };
}

/** The view of a value, or one over its own rows in order. */
function viewOf(v: Lowered): RowView | undefined {
  const known = v.view && fitted(v.view, v.shape);
  if (known) return known;
  const width = v.shape[v.shape.length - 1];
  if (typeof width !== 'number' || v.shape.length < 2) return undefined;
  const leading = v.shape.slice(0, -1);
  return { table: v.origin?.name ?? v.name, width, index: inOrder(leading) };
}

/** The rows of a view as a tensor of `shape`. */
function taken(c: LowerContext, view: RowView, v: Lowered, shape: Shape): Lowered {
  const { index, width } = view;
  const input = c.host.add(`host/${index.key}`, 'i32', symbolic(index.shape), indexMaker(index));
  const rows = c.graph.node('Gather', [tableOf(c, view), input], { attributes: { axis: int(0) } });
  const name = sameShape([...index.shape, width], shape) ? rows : reshapeNode(c, rows, shape);
  return { ...plain(name, { dtype: v.type.dtype, shape }), factor: v.factor, view };
}

/** The table in the shape that Gather takes rows from; a split index reads the same table as narrower rows. */
const tableOf = (c: LowerContext, view: RowView): string =>
  view.tableWidth === view.width ? view.table : reshapeNode(c, view.table, [-1, view.width]);

function indexMaker(index: RowIndex): (context: HostContext) => ort.Tensor {
  let last: { readonly shape: readonly number[]; readonly tensor: ort.Tensor } | undefined;
  return (context) => {
    const shape = concreteShape(index.shape, context.bindings);
    if (index.fixed && last && sameShape(last.shape, shape)) return last.tensor;
    last = { shape, tensor: new ort.Tensor('int32', index.make(context), shape) };
    return last.tensor;
  };
}

/** A transposition that leaves the last axis where it is, by rows. */
export function transposedRows(
  c: LowerContext,
  v: Lowered,
  perm: readonly number[],
  shape: Shape,
): Lowered | undefined {
  const last = perm.length - 1;
  if (v.offset !== 0 || last < 2 || perm[last] !== last) return undefined;
  const view = viewOf(v);
  if (!view || view.width < LEAST_WIDTH) return undefined;
  return taken(c, { ...view, index: permuted(view.index, perm.slice(0, -1)) }, v, shape);
}

/** Rows of a padded value that is a view itself; `undefined` when taking them from the tensor is as good. */
export function packedRows(c: LowerContext, v: Lowered, index: ValueId, shape: Shape): Lowered | undefined {
  if (!v.view || v.offset !== 0 || !c.host.knows(index)) return undefined;
  const { view } = v;
  if (view.index.shape.length < 2 || !sameShape(view.index.shape.slice(0, 2), v.shape.slice(0, 2))) return undefined;
  return taken(c, { ...view, index: selected(view.index, index, must(shape[0], 'packed rows')) }, v, shape);
}

/** Packed rows at their places of a padded `shape`, zeros elsewhere. */
export function placedRows(c: LowerContext, v: Lowered, index: ValueId, shape: Shape): Lowered | undefined {
  const width = productOf(v.shape.slice(1));
  const rows = must(v.shape[0], 'packed rows');
  const { dtype } = v.type;
  if (typeof width !== 'number' || v.offset !== 0 || (dtype !== 'f32' && dtype !== 'i32')) return undefined;
  if (!c.host.knows(index)) return undefined;
  const zero = c.graph.constant(
    dtype,
    [1, width],
    Array.from({ length: width }, () => 0),
  );
  const table = c.graph.node('Concat', [reshapeNode(c, v.name, [rows, width]), zero], { attributes: { axis: int(0) } });
  return taken(c, { table, tableWidth: width, width, index: placed(index, rows, shape.slice(0, 2)) }, v, shape);
}
