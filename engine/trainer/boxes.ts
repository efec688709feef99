/** Copying boxes between row-major arrays of any rank. */
import { must } from '../base/errors.ts';
import type { HostData } from '../backends/executable.ts';

export const countOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/**
 * Copies the box of `size` that begins at `fromStart` in one array to `toStart` in another. The innermost axes that both
 * arrays have whole are copied at once.
 */
export function copyBox(
  from: HostData,
  fromShape: readonly number[],
  fromStart: readonly number[],
  to: HostData,
  toShape: readonly number[],
  toStart: readonly number[],
  size: readonly number[],
): void {
  let inner = size.length;
  let run = 1;
  // The run grows over axes that are whole in both arrays, and over one more, of which a part is contiguous too.
  while (inner > 0) {
    inner -= 1;
    run *= size[inner] as number;
    if (size[inner] !== fromShape[inner] || size[inner] !== toShape[inner]) break;
  }
  const [fromStrides, toStrides] = [stridesOf(fromShape), stridesOf(toShape)];
  const base = (start: readonly number[], strides: readonly number[]): number =>
    start.reduce((n, at, axis) => n + at * (strides[axis] as number), 0);
  const copyFrom = (axis: number, source: number, target: number): void => {
    if (axis === inner) {
      to.set(from.subarray(source, source + run), target);
      return;
    }
    for (let i = 0; i < (size[axis] as number); i++)
      copyFrom(axis + 1, source + i * must(fromStrides[axis], 'axis'), target + i * must(toStrides[axis], 'axis'));
  };
  copyFrom(0, base(fromStart, fromStrides), base(toStart, toStrides));
}

function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = (strides[i + 1] as number) * (shape[i + 1] as number);
  return strides;
}
