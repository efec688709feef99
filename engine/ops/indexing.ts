/** Ops that select or place rows by integer indices, packing of padded batches among them. */
import { BugError } from '../base/errors.ts';
import { gather, pack, scatterAdd, unpack } from '../ir/build.ts';
import { evaluateDim, type Dim } from '../ir/dim.ts';
import type { OpName } from '../ir/opAttrs.ts';
import type { Tensor } from '../ir/tensor.ts';
import { elementsOf, printType, type ValueType } from '../ir/types.ts';
import { needNumbers } from './broadcasting.ts';
import { countOf, zeros } from './ndarray.ts';
import { ShapeError, type AxisLink, type NDArray, type OpRule } from './rule.ts';

function needIndex(op: OpName, index: ValueType, rank?: number): void {
  if (index.dtype !== 'i32' || (rank !== undefined && index.shape.length !== rank)) {
    throw new ShapeError(
      op,
      `the index must be i32${rank === undefined ? '' : ` of rank ${rank}`}, got ${printType(index)}`,
      'Give integer indices.',
    );
  }
}

/** The oracle refuses what backends leave undefined: an index outside of the table. */
function needRows(op: OpName, index: NDArray, rows: number): void {
  const bad = index.data.find((row) => row < 0 || row >= rows);
  if (bad !== undefined) throw new BugError(`${op}: index ${bad} is outside of a table of ${rows} rows`);
}

const rowSize = (x: NDArray, leading: number): number => countOf(x.shape.slice(leading));

export const gatherRule: OpRule<'gather'> = {
  doc: 'Rows of a table: `out[i..., :] = table[index[i...], :]`.',
  arity: [2, 2],
  infer: (_attrs, inputs) => {
    const [table, index] = inputs as [ValueType, ValueType];
    needIndex('gather', index);
    if (table.shape.length === 0) throw new ShapeError('gather', 'the table is a scalar', 'Give a table with rows.');
    return [{ dtype: table.dtype, shape: [...index.shape, ...table.shape.slice(1)] }];
  },
  reference: (_attrs, inputs) => {
    const [table, index] = inputs as [NDArray, NDArray];
    const size = rowSize(table, 1);
    const out = zeros(table.dtype, [...index.shape, ...table.shape.slice(1)]);
    needRows('gather', index, table.shape[0] as number);
    index.data.forEach((row, i) => out.data.set(table.data.subarray(row * size, (row + 1) * size), i * size));
    return [out];
  },
  vjp: ({ inputs, cotangents }) => {
    const [table, index] = inputs as [Tensor, Tensor];
    return [scatterAdd(cotangents[0] as Tensor, index, table.type.shape[0] as Dim), undefined];
  },
  flops: () => 0,
  axes: (_attrs, inputs, outputs) => {
    const indexRank = (inputs[1] as ValueType).shape.length;
    return [
      (outputs[0] as ValueType).shape.map((_, i): AxisLink[] =>
        i < indexRank ? [null, i] : [i - indexRank + 1, null],
      ),
    ];
  },
  cases: [
    { attrs: {}, inputs: [{ shape: [5, 3] }, { shape: [2, 2], dtype: 'i32', range: [0, 5] }] },
    { attrs: {}, inputs: [{ shape: [4] }, { shape: [3], dtype: 'i32', range: [0, 4] }] },
    { attrs: {}, inputs: [{ shape: [2, 2] }, { shape: [], dtype: 'i32', range: [0, 2] }] },
    { attrs: {}, inputs: [{ shape: [3, 3] }, { shape: [3], dtype: 'i32', range: [0, 3] }] },
  ],
};

export const scatterAddRule: OpRule<'scatterAdd'> = {
  doc: 'Adds update rows into a table of zeros: `out[index[i...], :] += updates[i..., :]`.',
  arity: [2, 2],
  infer: (attrs, inputs) => {
    const [updates, index] = inputs as [ValueType, ValueType];
    needIndex('scatterAdd', index);
    needNumbers('scatterAdd', updates);
    if (index.shape.some((d, i) => d !== updates.shape[i])) {
      throw new ShapeError(
        'scatterAdd',
        `${printType(updates)} does not begin with the shape of ${printType(index)}`,
        'Give one update row per index.',
      );
    }
    return [{ dtype: updates.dtype, shape: [attrs.rows, ...updates.shape.slice(index.shape.length)] }];
  },
  reference: (attrs, inputs, bindings) => {
    const [updates, index] = inputs as [NDArray, NDArray];
    const size = rowSize(updates, index.shape.length);
    const out = zeros(updates.dtype, [evaluateDim(attrs.rows, bindings), ...updates.shape.slice(index.shape.length)]);
    needRows('scatterAdd', index, out.shape[0] as number);
    index.data.forEach((row, i) => {
      for (let k = 0; k < size; k++)
        out.data[row * size + k] = (out.data[row * size + k] as number) + (updates.data[i * size + k] as number);
    });
    return [out];
  },
  vjp: ({ inputs, cotangents }) => [gather(cotangents[0] as Tensor, inputs[1] as Tensor), undefined],
  flops: (_attrs, inputs) => elementsOf(inputs[0] as ValueType),
  axes: (_attrs, inputs, outputs) => {
    const indexRank = (inputs[1] as ValueType).shape.length;
    return [
      (outputs[0] as ValueType).shape.map((_, i): AxisLink[] => (i === 0 ? [null, null] : [i - 1 + indexRank, null])),
    ];
  },
  cases: [
    { attrs: { rows: 4 }, inputs: [{ shape: [2, 3, 2] }, { shape: [2, 3], dtype: 'i32', range: [0, 4] }] },
    { attrs: { rows: 3 }, inputs: [{ shape: [3] }, { shape: [3], dtype: 'i32', range: [0, 3] }] },
  ],
};

export const packRule: OpRule<'pack'> = {
  doc: 'The real tokens `[N, ...]` of a padded `[B, T, ...]`, at flat positions `index` (increasing, without repeats).',
  arity: [2, 2],
  infer: (attrs, inputs) => {
    const [x, index] = inputs as [ValueType, ValueType];
    needIndex('pack', index, 1);
    if (x.shape.length < 2 || index.shape[0] !== attrs.rows) {
      throw new ShapeError(
        'pack',
        `${printType(x)} with ${printType(index)} into ${String(attrs.rows)} rows`,
        'Give [B, T, ...] and one index per row.',
      );
    }
    return [{ dtype: x.dtype, shape: [attrs.rows, ...x.shape.slice(2)] }];
  },
  reference: (_attrs, inputs) => {
    const [x, index] = inputs as [NDArray, NDArray];
    const size = rowSize(x, 2);
    const out = zeros(x.dtype, [index.data.length, ...x.shape.slice(2)]);
    needRows('pack', index, (x.shape[0] as number) * (x.shape[1] as number));
    index.data.forEach((at, i) => out.data.set(x.data.subarray(at * size, (at + 1) * size), i * size));
    return [out];
  },
  vjp: ({ inputs, cotangents }) => {
    const [x, index] = inputs as [Tensor, Tensor];
    return [unpack(cotangents[0] as Tensor, index, x.type.shape[0] as Dim, x.type.shape[1] as Dim), undefined];
  },
  flops: () => 0,
  axes: (_attrs, _inputs, outputs) => [
    (outputs[0] as ValueType).shape.map((_, i): AxisLink[] => (i === 0 ? [null, 0] : [i + 1, null])),
  ],
  cases: [
    {
      attrs: { rows: 4 },
      inputs: [{ shape: [2, 3, 2] }, { shape: [4], dtype: 'i32', range: [0, 6], increasing: true }],
    },
    { attrs: { rows: 2 }, inputs: [{ shape: [2, 2] }, { shape: [2], dtype: 'i32', range: [0, 4], increasing: true }] },
  ],
};

export const unpackRule: OpRule<'unpack'> = {
  doc: 'Packed rows `[N, ...]` at their flat positions of `[batch, length, ...]`, zeros elsewhere.',
  arity: [2, 2],
  infer: (attrs, inputs) => {
    const [x, index] = inputs as [ValueType, ValueType];
    needIndex('unpack', index, 1);
    if (x.shape[0] !== index.shape[0]) {
      throw new ShapeError(
        'unpack',
        `rows of ${printType(x)} and of index ${printType(index)} belong to different packings`,
        'Use the index of the packing that made the rows.',
      );
    }
    return [{ dtype: x.dtype, shape: [attrs.batch, attrs.length, ...x.shape.slice(1)] }];
  },
  reference: (attrs, inputs, bindings) => {
    const [x, index] = inputs as [NDArray, NDArray];
    const size = rowSize(x, 1);
    const out = zeros(x.dtype, [
      evaluateDim(attrs.batch, bindings),
      evaluateDim(attrs.length, bindings),
      ...x.shape.slice(1),
    ]);
    index.data.forEach((at, i) => out.data.set(x.data.subarray(i * size, (i + 1) * size), at * size));
    return [out];
  },
  vjp: ({ inputs, cotangents }) => {
    const [x, index] = inputs as [Tensor, Tensor];
    return [pack(cotangents[0] as Tensor, index, x.type.shape[0] as Dim), undefined];
  },
  flops: () => 0,
  axes: (_attrs, _inputs, outputs) => [
    (outputs[0] as ValueType).shape.map((_, i): AxisLink[] => (i < 2 ? [null, null] : [i - 1, null])),
  ],
  cases: [
    {
      attrs: { batch: 2, length: 3 },
      inputs: [{ shape: [4, 2] }, { shape: [4], dtype: 'i32', range: [0, 6], increasing: true }],
    },
    {
      attrs: { batch: 2, length: 2 },
      inputs: [{ shape: [2] }, { shape: [2], dtype: 'i32', range: [0, 4], increasing: true }],
    },
  ],
};

export const tokenMaskRule: OpRule<'tokenMask'> = {
  doc: '1 at the real tokens and 0 at the padding: `out[b, t] = t < lengths[b]`.',
  arity: [1, 1],
  infer: (attrs, inputs) => {
    const lengths = inputs[0] as ValueType;
    needIndex('tokenMask', lengths, 1);
    return [{ dtype: 'f32', shape: [lengths.shape[0] as Dim, attrs.length] }];
  },
  reference: (attrs, inputs, bindings) => {
    const lengths = inputs[0] as NDArray;
    const length = evaluateDim(attrs.length, bindings);
    const out = zeros('f32', [lengths.data.length, length]);
    lengths.data.forEach((n, b) => out.data.fill(1, b * length, b * length + Math.min(n, length)));
    return [out];
  },
  vjp: () => [undefined],
  flops: () => 0,
  axes: () => [[[0], [null]]],
  cases: [{ attrs: { length: 4 }, inputs: [{ shape: [3], dtype: 'i32', range: [1, 5] }] }],
};
