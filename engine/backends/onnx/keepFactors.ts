/** Keep factors of inverted dropout, straight as f32: the decisions of `fillKeep`, times 1 / (1 - p). */
import { dropThreshold, forEachRun, mix } from '../../base/counterHash.ts';

export function fillKeepFactors(
  out: Float32Array,
  key: ArrayLike<number>,
  site: number,
  rows: ArrayLike<number>,
  shape: readonly number[],
  p: number,
): void {
  const threshold = dropThreshold(p);
  const last = shape.length === 1 ? 1 : (shape[shape.length - 1] as number);
  const bits = new Int32Array(out.buffer, out.byteOffset, out.length);
  const keep = new Int32Array(Float32Array.of(1 / (1 - p)).buffer)[0] as number;
  forEachRun(key, site, rows, shape, (state, at) => {
    let counter = state;
    const even = at + (last & ~1);
    for (let i = at; i < even; i += 2) {
      let h = Math.imul(counter ^ (counter >>> 16), 0x85ebca6b);
      h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
      h ^= h >>> 16;
      // The sign of (bits - threshold) as a mask: all ones where the element is kept.
      bits[i] = ~(((h & 0xffff) - threshold) >> 31) & keep;
      bits[i + 1] = ~(((h >>> 16) - threshold) >> 31) & keep;
      counter = (counter + 0x9e3779b9) | 0;
    }
    if (even < at + last) out[even] = (mix(counter >>> 0) & 0xffff) >= threshold ? 1 / (1 - p) : 0;
  });
}
