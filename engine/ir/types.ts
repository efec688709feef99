/** The type of a value: element type and shape. Two types are equal when both are, dtype included. */
import { evaluateDim, parseDim, productOf, type Dim, type SymbolBindings } from './dim.ts';
import { BugError } from '../base/errors.ts';

export const DTYPES = ['f32', 'f16', 'bf16', 'i32', 'u32', 'bool'] as const;
export type DType = (typeof DTYPES)[number];
export type Shape = readonly Dim[];

export interface ValueType {
  readonly dtype: DType;
  readonly shape: Shape;
}

export const BYTES_PER_ELEMENT: { readonly [K in DType]: number } = {
  f32: 4,
  f16: 2,
  bf16: 2,
  i32: 4,
  u32: 4,
  bool: 1,
};

export const isFloat = (dtype: DType): boolean => dtype === 'f32' || dtype === 'f16' || dtype === 'bf16';

export const tensorType = (dtype: DType, shape: Shape): ValueType => ({ dtype, shape });

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i]);

export const sameType = (a: ValueType, b: ValueType): boolean => a.dtype === b.dtype && sameShape(a.shape, b.shape);

export const printShape = (shape: Shape): string => `[${shape.join(',')}]`;

/** `f32[B,T,384]` */
export const printType = (t: ValueType): string => `${t.dtype}${printShape(t.shape)}`;

export function parseType(text: string): ValueType {
  const match = /^(\w+)\[(.*)\]$/.exec(text);
  const dtype = DTYPES.find((d) => d === match?.[1]);
  if (!match || !dtype) throw new BugError(`"${text}" is not a type`);
  const inside = match[2] ?? '';
  return { dtype, shape: inside === '' ? [] : inside.split(',').map(parseDim) };
}

/** Number of elements, as a dimension. */
export const elementsOf = (t: ValueType): Dim => productOf(t.shape);

export const concreteShape = (shape: Shape, bindings: SymbolBindings): number[] =>
  shape.map((d) => evaluateDim(d, bindings));

/** Size in bytes once the symbols are bound. */
export const byteSize = (t: ValueType, bindings: SymbolBindings): number =>
  concreteShape(t.shape, bindings).reduce((p, n) => p * n, 1) * BYTES_PER_ELEMENT[t.dtype];
