/** Concrete arrays of the reference backend and the index arithmetic that reference rules share. Slow and plain on purpose. */
import type { DType } from '../ir/types.ts';
import type { NDArray } from './rule.ts';

export const countOf = (shape: readonly number[]): number => shape.reduce((p, n) => p * n, 1);

export const zeros = (dtype: DType, shape: readonly number[]): NDArray => ({
  dtype,
  shape,
  data: new Float64Array(countOf(shape)),
});

export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = (strides[i + 1] as number) * (shape[i + 1] as number);
  return strides;
}

/** Calls `visit(index, flat)` for every element in row-major order; `index` is reused. */
export function forEachIndex(shape: readonly number[], visit: (index: readonly number[], flat: number) => void): void {
  const index = shape.map(() => 0);
  const total = countOf(shape);
  for (let flat = 0; flat < total; flat++) {
    visit(index, flat);
    for (let a = shape.length - 1; a >= 0; a--) {
      index[a] = (index[a] as number) + 1;
      if ((index[a] as number) < (shape[a] as number)) break;
      index[a] = 0;
    }
  }
}

export function broadcastShapes(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    return x === 1 ? y : x;
  });
}

/** Flat position in an array of `shape` for an `index` of a shape that it broadcasts to. */
export function broadcastFlat(shape: readonly number[], strides: readonly number[], index: readonly number[]): number {
  let flat = 0;
  const shift = index.length - shape.length;
  for (let a = 0; a < shape.length; a++)
    if (shape[a] !== 1) flat += (strides[a] as number) * (index[a + shift] as number);
  return flat;
}

export function mapArrays(dtype: DType, inputs: readonly NDArray[], f: (...values: number[]) => number): NDArray {
  const shape = inputs.map((x) => x.shape).reduce((a, b) => broadcastShapes(a, b));
  const out = zeros(dtype, shape);
  const strides = inputs.map((x) => stridesOf(x.shape));
  forEachIndex(shape, (index, flat) => {
    out.data[flat] = f(
      ...inputs.map((x, i) => x.data[broadcastFlat(x.shape, strides[i] as number[], index)] as number),
    );
  });
  return out;
}
