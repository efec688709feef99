/** Philox known answers, distributions, and the properties that a resume relies on. */
import { describe, expect, it } from 'vitest';
import {
  createRandom,
  fillNormal,
  fillTruncatedNormal,
  fillUniform,
  permutation,
  philox4x32,
  randomKey,
} from '../../../engine/base/random.ts';

const hex = (words: Uint32Array): string => [...words].map((w) => w.toString(16).padStart(8, '0')).join(' ');

describe('philox4x32-10', () => {
  // The known-answer vectors of Random123 (tests/kat_vectors).
  it.each([
    [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ])('answers %j under %j', (counter, key, expected) => {
    const out = new Uint32Array(4);
    philox4x32(out, counter, key);
    expect(hex(out)).toBe(expected);
  });
});

describe('streams', () => {
  it('differ by seed and by label and repeat exactly', () => {
    const draw = (seed: number, ...labels: (string | number)[]): string => {
      const random = createRandom(randomKey(seed, ...labels));
      return hex(Uint32Array.from({ length: 8 }, random.uint32));
    };
    expect(draw(1, 'a')).toBe(draw(1, 'a'));
    const all = [draw(1, 'a'), draw(2, 'a'), draw(1, 'b'), draw(1, 'a', 0), draw(1, 'a', 1), draw(1 + 2 ** 32, 'a')];
    expect(new Set(all).size).toBe(all.length);
  });

  it('refuses seeds that do not fit', () => {
    for (const seed of [-1, 0.5, 2 ** 53, Number.NaN]) expect(() => randomKey(seed)).toThrow(/seed/);
  });
});

describe('distributions', () => {
  const random = createRandom(randomKey(7, 'distribution'));

  it('uniform stays in [0, 1) with the mean and variance of a uniform', () => {
    const n = 200_000;
    let sum = 0;
    let squares = 0;
    let outside = 0;
    for (let i = 0; i < n; i++) {
      const u = random.uniform();
      outside += u >= 0 && u < 1 ? 0 : 1;
      sum += u;
      squares += u * u;
    }
    expect(outside).toBe(0);
    expect(sum / n).toBeCloseTo(0.5, 2);
    expect(squares / n - (sum / n) ** 2).toBeCloseTo(1 / 12, 2);
  });

  it('below(n) hits each value equally often (chi-square at 6 degrees of freedom under 22.5, p = 0.001)', () => {
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 70_000; i++) counts[random.below(7)]! += 1;
    const chi = counts.reduce((sum, c) => sum + (c - 10_000) ** 2 / 10_000, 0);
    expect(chi).toBeLessThan(22.5);
    expect(random.below(1)).toBe(0);
    expect(random.below(2 ** 32)).toBeLessThan(2 ** 32);
    expect(() => random.below(0)).toThrow(/below/);
  });

  it('permutations hold every index once and reach all orders', () => {
    expect([...permutation(randomKey(3, 'p'), 1000)].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 1000 }, (_, i) => i),
    );
    const seen = new Set<string>();
    for (let seed = 0; seed < 200; seed++) seen.add(permutation(randomKey(seed), 3).join());
    expect(seen.size).toBe(6);
  });
});

describe('fills', () => {
  const n = 100_000;
  const moments = (x: Float32Array): { mean: number; std: number } => {
    const mean = x.reduce((a, b) => a + b, 0) / x.length;
    return { mean, std: Math.sqrt(x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length) };
  };

  it('have the asked moments and bounds', () => {
    const x = new Float32Array(n);
    fillUniform(x, randomKey(1, 'u'), -2, 4);
    expect(moments(x).mean).toBeCloseTo(1, 1);
    expect(moments(x).std).toBeCloseTo(6 / Math.sqrt(12), 1);
    expect(x.every((v) => v >= -2 && v <= 4)).toBe(true);
    fillNormal(x, randomKey(1, 'n'), 0.5, 0.02);
    expect(moments(x).mean).toBeCloseTo(0.5, 3);
    expect(moments(x).std).toBeCloseTo(0.02, 3);
    fillTruncatedNormal(x, randomKey(1, 't'), 0, 1, -2, 2);
    expect(x.every((v) => v >= -2 && v <= 2)).toBe(true);
    // The standard deviation of a normal cut at two standard deviations is 0.8796.
    expect(moments(x).std).toBeCloseTo(0.8796, 2);
  });

  it('give element i the same value whatever the length', () => {
    for (const fill of [
      (x: Float64Array) => fillUniform(x, randomKey(5, 'u'), 0, 1),
      (x: Float64Array) => fillNormal(x, randomKey(5, 'n'), 0, 1),
      (x: Float64Array) => fillTruncatedNormal(x, randomKey(5, 't'), 0, 1, -0.5, 0.5),
    ]) {
      const long = new Float64Array(103);
      const short = new Float64Array(38);
      fill(long);
      fill(short);
      expect([...short]).toEqual([...long.subarray(0, 38)]);
    }
  });
});
