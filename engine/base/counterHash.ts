/**
 * The published counter hash behind every `noise` op. A random number is a pure function of (key, site, row, middle
 * coordinates, position on the last axis), so packed, recomputed, resumed and exported runs see the same bits.
 *
 *   state = fold(key0, key1, fnv1a(site), row, c1, ..., ck)     fold(h, w) = mix(h ^ w) * 5 + 0xe6546b64
 *   bits(j) = mix(state + j * 0x9e3779b9)                       mix = the 32-bit finaliser of MurmurHash3
 *
 * `keep` compares 16 bits per decision: two neighbouring positions share one hash (low half first).
 */

export function mix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export const fold = (h: number, word: number): number => (Math.imul(mix(h ^ word), 5) + 0xe6546b64) >>> 0;

/** FNV-1a over the UTF-16 code units of the site's name. */
export function siteHash(site: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < site.length; i++) h = Math.imul(h ^ site.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

export const bitsAt = (state: number, j: number): number => mix((state + Math.imul(j, 0x9e3779b9)) >>> 0);

/** The logical coordinate of one token: where it stands in the data set, not where it stands in the batch. */
export const rowKey = (example: number, position: number): number => fold(fold(0x243f6a88, example), position) | 0;

/** The key of one step: every (seed, step, micro-batch) has its own. */
export function stepKey(seed: number, step: number, microBatch: number): readonly [number, number] {
  const a = fold(fold(0x13198a2e, seed >>> 0), Math.floor(seed / 2 ** 32) >>> 0);
  return [fold(a, step), fold(fold(a, 0x03707344 ^ step), microBatch)];
}

/** 16-bit threshold under which `keep` drops: p is rounded to a multiple of 1/65536. */
export const dropThreshold = (p: number): number => Math.round(p * 65536);

/** The state of one run along the last axis. */
export function runState(key: ArrayLike<number>, site: number, row: number, middle: readonly number[]): number {
  let h = fold(fold(fold(key[0] as number, key[1] as number), site), row >>> 0);
  for (const c of middle) h = fold(h, c);
  return h;
}

/**
 * Fills `out` with one byte per decision, 1 = keep, for a noise of `shape`: rows times middle axes times the last axis.
 */
export function fillKeep(
  out: Uint8Array,
  key: ArrayLike<number>,
  site: number,
  rows: ArrayLike<number>,
  shape: readonly number[],
  p: number,
): void {
  const threshold = dropThreshold(p);
  const last = shape.length === 1 ? 1 : (shape[shape.length - 1] as number);
  forEachRun(key, site, rows, shape, (state, at) => {
    let counter = state;
    const end = at + last;
    const even = at + (last & ~1);
    let i = at;
    for (; i < even; i += 2) {
      let h = Math.imul(counter ^ (counter >>> 16), 0x85ebca6b);
      h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
      h ^= h >>> 16;
      out[i] = (h & 0xffff) >= threshold ? 1 : 0;
      out[i + 1] = h >>> 16 >= threshold ? 1 : 0;
      counter = (counter + 0x9e3779b9) | 0;
    }
    if (i < end) out[i] = (mix(counter >>> 0) & 0xffff) >= threshold ? 1 : 0;
  });
}

/** Calls `run(state, offset)` for each run along the last axis of a noise of `shape`. A vector has runs of length one. */
export function forEachRun(
  key: ArrayLike<number>,
  site: number,
  rows: ArrayLike<number>,
  shape: readonly number[],
  run: (state: number, offset: number) => void,
): void {
  const last = shape.length === 1 ? 1 : (shape[shape.length - 1] as number);
  const middle = shape.slice(1, -1);
  const perRow = middle.reduce((p, n) => p * n, 1);
  const coordinates = middle.map(() => 0);
  let offset = 0;
  for (let r = 0; r < (shape[0] as number); r++) {
    const rowState = runState(key, site, rows[r] as number, []);
    coordinates.fill(0);
    for (let m = 0; m < perRow; m++) {
      let h = rowState;
      for (const c of coordinates) h = fold(h, c);
      run(h, offset);
      offset += last;
      for (let a = middle.length - 1; a >= 0; a--) {
        coordinates[a] = (coordinates[a] as number) + 1;
        if ((coordinates[a] as number) < (middle[a] as number)) break;
        coordinates[a] = 0;
      }
    }
  }
}

/** Fills uniform [0, 1) or, by Box-Muller on two neighbouring counters, standard normal numbers. */
export function fillReal(
  out: { [index: number]: number },
  key: ArrayLike<number>,
  site: number,
  rows: ArrayLike<number>,
  shape: readonly number[],
  kind: 'uniform' | 'normal',
): void {
  const last = shape.length === 1 ? 1 : (shape[shape.length - 1] as number);
  forEachRun(key, site, rows, shape, (state, at) => {
    for (let j = 0; j < last; j++) {
      if (kind === 'uniform') out[at + j] = bitsAt(state, j) / 4294967296;
      else {
        const u = (bitsAt(state, 2 * j) + 0.5) / 4294967296;
        const v = bitsAt(state, 2 * j + 1) / 4294967296;
        out[at + j] = Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v);
      }
    }
  });
}
