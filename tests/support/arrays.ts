/** Concrete arrays for tests: seeded random inputs of op cases, and comparisons that say where two arrays differ. */
import { createRandom, randomKey, type Random } from '../../engine/base/random.ts';
import { countOf } from '../../engine/ops/ndarray.ts';
import type { CaseInput, NDArray } from '../../engine/ops/rule.ts';
import type { DType } from '../../engine/ir/types.ts';

export const testRandom = (...labels: readonly (string | number)[]): Random =>
  createRandom(randomKey(20261120, ...labels));

export const array = (dtype: DType, shape: readonly number[], data: readonly number[]): NDArray => ({
  dtype,
  shape,
  data: Float64Array.from(data),
});

export const isFloatArray = (x: { readonly dtype: DType }): boolean => x.dtype === 'f32';

/** Uniform numbers of `range`; integers of [lo, hi); booleans by a fair coin. */
export function randomArray(random: Random, input: CaseInput): NDArray {
  const { dtype = 'f32', shape, range = [-1, 1] } = input;
  const [lo, hi] = range;
  const data = new Float64Array(countOf(shape));
  if (input.increasing === true) return { dtype, shape, data: increasing(random, data.length, lo, hi) };
  for (let i = 0; i < data.length; i++) {
    if (dtype === 'bool') data[i] = random.below(2);
    else if (dtype === 'f32') data[i] = lo + random.uniform() * (hi - lo);
    else data[i] = lo + random.below(hi - lo);
  }
  return { dtype, shape, data };
}

/** `count` different whole numbers of [lo, hi), sorted. */
function increasing(random: Random, count: number, lo: number, hi: number): Float64Array {
  const all = Array.from({ length: hi - lo }, (_, i) => lo + i);
  random.shuffle(all);
  return Float64Array.from(all.slice(0, count).sort((a, b) => a - b));
}

/** Largest |a - b| over max(1, |b|); infinite when shapes or types differ or a number is not finite. */
export function relativeError(a: NDArray, b: NDArray): number {
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join()) return Infinity;
  let worst = 0;
  for (let i = 0; i < a.data.length; i++) {
    const x = a.data[i] as number;
    const y = b.data[i] as number;
    if (x === y) continue;
    const error = Math.abs(x - y) / Math.max(1, Math.abs(y));
    worst = Number.isFinite(error) ? Math.max(worst, error) : Infinity;
  }
  return worst;
}

/** The same array with element `at` moved by `step`. */
export function nudged(x: NDArray, at: number, step: number): NDArray {
  const data = Float64Array.from(x.data);
  data[at] = (data[at] as number) + step;
  return { ...x, data };
}
