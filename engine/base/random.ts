/**
 * Random numbers of the host: initial values, shuffles, splits. The generator is Philox4x32-10, a counter-based one, so
 * the n-th number of a stream is computed directly and nothing has to be stored for a resume.
 *
 * Reference: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. The known answers of
 * Random123 are in the tests.
 *
 *   key     = the 64 bits of the seed (low word first)
 *   counter = (block, attempt, stream0, stream1); stream = the first 8 bytes of SHA-256 over the canonical JSON of the labels
 *
 * Not here: the noise of a Program (dropout), which has its own hash because every backend must be able to run it.
 */
import { contentHash } from './canonical.ts';
import { BugError } from './errors.ts';

/** Where a stream of numbers comes from: the seed's two words and the stream's two words. */
export interface RandomKey {
  readonly seed: readonly [number, number];
  readonly stream: readonly [number, number];
}

/** The key of the stream named by `labels`; different labels give independent streams under one seed. */
export function randomKey(seed: number, ...labels: readonly (string | number)[]): RandomKey {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new BugError(`a seed is a whole number from 0 to 2^53 - 1, got ${seed}`);
  }
  const hash = contentHash(labels);
  return {
    seed: [seed >>> 0, Math.floor(seed / 2 ** 32)],
    stream: [Number.parseInt(hash.slice(0, 8), 16), Number.parseInt(hash.slice(8, 16), 16)],
  };
}

/** High 32 bits of the 64-bit product of two unsigned 32-bit words, from four 16-bit products; no partial sum reaches 2^32. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const other = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (other >>> 16)) >>> 0;
}

/** One block: writes the four output words of Philox4x32-10 for `counter` under `key` to `out`. */
export function philox4x32(out: Uint32Array, counter: ArrayLike<number>, key: ArrayLike<number>): void {
  let c0 = (counter[0] as number) >>> 0;
  let c1 = (counter[1] as number) >>> 0;
  let c2 = (counter[2] as number) >>> 0;
  let c3 = (counter[3] as number) >>> 0;
  let k0 = (key[0] as number) >>> 0;
  let k1 = (key[1] as number) >>> 0;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0) >>> 0;
    const high1 = multiplyHigh(0xcd9e8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** A sequence of numbers from one stream. It has identity (a position), so it is handed on, not shared. */
export interface Random {
  /** 32 random bits. */
  readonly uint32: () => number;
  /** A number of [0, 1) with 53 random bits. */
  readonly uniform: () => number;
  /** A whole number of [0, n) without bias; 1 <= n <= 2^32. */
  readonly below: (n: number) => number;
  /** A standard normal number (Box-Muller). */
  readonly normal: () => number;
  /** Shuffles in place (Fisher-Yates from the end). */
  readonly shuffle: (values: { length: number; [index: number]: number }) => void;
}

export function createRandom(key: RandomKey): Random {
  const words = new Uint32Array(4);
  let block = 0;
  let used = 4;

  const uint32 = (): number => {
    if (used === 4) {
      philox4x32(words, [block, 0, key.stream[0], key.stream[1]], key.seed);
      block += 1;
      used = 0;
    }
    return words[used++] as number;
  };
  const uniform = (): number => ((uint32() >>> 5) * 67108864 + (uint32() >>> 6)) / 9007199254740992;
  // Lemire, "Fast random integer generation in an interval", 2019: the product's low word below 2^32 mod n would be biased.
  const below = (n: number): number => {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) throw new BugError(`below(n) takes 1 <= n <= 2^32, got ${n}`);
    if (n === 2 ** 32) return uint32();
    const biased = (2 ** 32 - n) % n;
    for (;;) {
      const word = uint32();
      if (Math.imul(word, n) >>> 0 >= biased) return multiplyHigh(word, n);
    }
  };
  const normal = (): number => boxMuller(uint32(), uint32())[0];
  const shuffle = (values: { length: number; [index: number]: number }): void => {
    for (let i = values.length - 1; i > 0; i--) {
      const j = below(i + 1);
      const kept = values[i] as number;
      values[i] = values[j] as number;
      values[j] = kept;
    }
  };
  return { uint32, uniform, below, normal, shuffle };
}

/** A random order of 0 .. n-1. */
export function permutation(key: RandomKey, n: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  createRandom(key).shuffle(order);
  return order;
}

/** Two independent standard normal numbers from two words; the first word is moved to (0, 1] so that its logarithm is finite. */
function boxMuller(a: number, b: number): readonly [number, number] {
  const radius = Math.sqrt(-2 * Math.log((a + 1) / 4294967296));
  const angle = (2 * Math.PI * b) / 4294967296;
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/** Fills with uniform numbers of [low, high): element i is word i mod 4 of block floor(i / 4), whatever the length. */
export function fillUniform(out: Float32Array | Float64Array, key: RandomKey, low: number, high: number): void {
  const width = high - low;
  forEachBlock(key, 0, out.length, (words, start, count) => {
    for (let k = 0; k < count; k++) out[start + k] = low + ((words[k] as number) / 4294967296) * width;
  });
}

/** Fills with normal numbers: elements 4b and 4b+1 come from words 0 and 1 of block b, 4b+2 and 4b+3 from words 2 and 3. */
export function fillNormal(out: Float32Array | Float64Array, key: RandomKey, mean: number, std: number): void {
  forEachBlock(key, 0, out.length, (words, start, count) => {
    const [a, b] = boxMuller(words[0] as number, words[1] as number);
    const [c, d] = boxMuller(words[2] as number, words[3] as number);
    const four = [a, b, c, d];
    for (let k = 0; k < count; k++) out[start + k] = mean + std * (four[k] as number);
  });
}

/**
 * Fills with normal numbers of [low, high]. An element outside is drawn again from the next attempt's block at its own
 * place, so that no element depends on how often another one was refused.
 */
export function fillTruncatedNormal(
  out: Float32Array | Float64Array,
  key: RandomKey,
  mean: number,
  std: number,
  low: number,
  high: number,
): void {
  if (!(low < high)) throw new BugError(`a truncated normal needs low < high, got ${low} and ${high}`);
  fillNormal(out, key, mean, std);
  const words = new Uint32Array(4);
  for (let i = 0; i < out.length; i++) {
    for (let attempt = 1; (out[i] as number) < low || (out[i] as number) > high; attempt++) {
      if (attempt > 10_000) throw new BugError(`[${low}, ${high}] holds too little of normal(${mean}, ${std})`);
      philox4x32(words, [i >>> 2, attempt, key.stream[0], key.stream[1]], key.seed);
      const pair = boxMuller(words[i & 2] as number, words[(i & 2) + 1] as number);
      out[i] = mean + std * pair[i & 1 ? 1 : 0];
    }
  }
}

function forEachBlock(
  key: RandomKey,
  attempt: number,
  length: number,
  use: (words: Uint32Array, start: number, count: number) => void,
): void {
  const words = new Uint32Array(4);
  const counter = [0, attempt, key.stream[0], key.stream[1]];
  for (let start = 0; start < length; start += 4) {
    counter[0] = start / 4;
    philox4x32(words, counter, key.seed);
    use(words, start, Math.min(4, length - start));
  }
}
