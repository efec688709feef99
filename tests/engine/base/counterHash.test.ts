/** The counter hash: published vectors, vectors of an independent Python transcription, distributions, and its coordinates. */
import { describe, expect, it } from 'vitest';
import {
  bitsAt,
  dropThreshold,
  fillKeep,
  fillReal,
  forEachRun,
  mix,
  rowKey,
  runState,
  siteHash,
  stepKey,
} from '../../../engine/base/counterHash.ts';

const SITE = 'layers/0/attention/dropout';
const KEY = stepKey(42, 7, 1);

function keepBits(shape: readonly number[], rows: readonly number[], p: number, key = KEY, site = SITE): Uint8Array {
  const out = new Uint8Array(shape.reduce((a, b) => a * b, 1));
  fillKeep(out, key, siteHash(site), rows, shape, p);
  return out;
}

function reals(shape: readonly number[], rows: readonly number[], kind: 'uniform' | 'normal'): Float64Array {
  const out = new Float64Array(shape.reduce((a, b) => a * b, 1));
  fillReal(out, KEY, siteHash(SITE), rows, shape, kind);
  return out;
}

const mean = (xs: Iterable<number>): number => {
  const all = [...xs];
  return all.reduce((a, b) => a + b, 0) / all.length;
};

describe('known answers', () => {
  it('the finaliser is that of MurmurHash3', () => {
    expect([0, 1, 2, 0xffffffff].map(mix)).toEqual([0, 0x514e28b7, 0x30f4c306, 0x81f16f39]);
  });

  it('sites are hashed by FNV-1a', () => {
    expect(['', 'a', 'foobar'].map(siteHash)).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968]);
  });

  it('keys, rows and states', () => {
    expect(KEY).toEqual([2032801247, 4175139194]);
    expect(stepKey(2 ** 40 + 5, 0, 0)).toEqual([3694655953, 1285257267]);
    expect([rowKey(0, 0), rowKey(3, 17), rowKey(67348, 511)]).toEqual([-2060938975, 2061922765, 494639885]);
    const state = runState(KEY, siteHash(SITE), rowKey(3, 17), [2]);
    expect(state).toBe(534664350);
    expect([0, 1, 2, 3].map((j) => bitsAt(state, j))).toEqual([3257312445, 525402604, 3722124987, 2664846209]);
  });

  it('decisions of two rows with a middle axis and an odd last axis', () => {
    const bits = keepBits([2, 2, 5], [rowKey(3, 17), rowKey(4, 0)], 0.5);
    expect([...bits].join('')).toBe('10111' + '01010' + '01001' + '11111');
  });

  it('real numbers', () => {
    const rows = [rowKey(3, 17)];
    expect([...reals([1, 3], rows, 'uniform')]).toEqual([0.7070804371032864, 0.18091760738752782, 0.8436303315684199]);
    const normal = reals([1, 3], rows, 'normal');
    [0.3501542117044507, 0.558684677779096, 0.5072764212899739].forEach((v, i) => expect(normal[i]).toBeCloseTo(v, 14));
  });
});

describe('coordinates', () => {
  const rows = Array.from({ length: 12 }, (_, i) => rowKey(Math.floor(i / 4), i % 4));

  it('packed rows see the bits of the padded ones', () => {
    const padded = keepBits([12, 6], rows, 0.3);
    const index = [0, 1, 4, 5, 6, 9];
    const packed = keepBits(
      [6, 6],
      index.map((i) => rows[i]!),
      0.3,
    );
    index.forEach((from, to) => expect(packed.slice(to * 6, to * 6 + 6)).toEqual(padded.slice(from * 6, from * 6 + 6)));
  });

  it('a batch in another order sees the same bits per row', () => {
    const there = keepBits([12, 3, 7], rows, 0.3);
    const back = keepBits([12, 3, 7], [...rows].reverse(), 0.3);
    rows.forEach((_, r) => expect(back.slice((11 - r) * 21, (12 - r) * 21)).toEqual(there.slice(r * 21, r * 21 + 21)));
  });

  it('a longer middle or last axis begins with the shorter one', () => {
    const short = keepBits([2, 2, 4], rows, 0.3);
    const long = keepBits([2, 3, 9], rows, 0.3);
    for (let r = 0; r < 2; r++)
      for (let m = 0; m < 2; m++)
        for (let j = 0; j < 4; j++) expect(long[(r * 3 + m) * 9 + j]).toBe(short[(r * 2 + m) * 4 + j]);
  });

  it('states differ in key, site, row and middle coordinate, and a vector has one run per row', () => {
    const states = new Set<number>();
    let runs = 0;
    for (const key of [KEY, stepKey(42, 8, 1), stepKey(43, 7, 1), stepKey(42, 7, 0)])
      for (const site of ['a', 'b'])
        forEachRun(key, siteHash(site), rows, [12, 4, 2, 3], (state) => {
          states.add(state);
          runs++;
        });
    expect(runs).toBe(4 * 2 * 12 * 4 * 2);
    expect(states.size).toBe(runs);
    const offsets: number[] = [];
    forEachRun(KEY, 1, rows, [12], (_state, offset) => offsets.push(offset));
    expect(offsets).toEqual(rows.map((_, i) => i));
  });

  it('p is rounded to 1/65536, and 0 keeps everything', () => {
    expect(dropThreshold(0.1)).toBe(6554);
    expect(mean(keepBits([4, 1000], rows, 0))).toBe(1);
  });
});

/** Pearson correlation of two equally long lists. */
function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = a.length;
  const [ma, mb] = [mean(Array.from(a)), mean(Array.from(b))];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [x, y] = [a[i]! - ma, b[i]! - mb];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / Math.sqrt(aa * bb);
}

describe('distribution', () => {
  const N = 65536;
  const rows = Array.from({ length: 64 }, (_, i) => rowKey(i, 0));
  const wide = N / 64;
  /** Five standard errors of a mean of N numbers of standard deviation one. */
  const FIVE_SIGMA = 5 / Math.sqrt(N);

  it.each([0.1, 0.5, 0.9])('drops a share of %f', (p) => {
    const kept = mean(keepBits([64, wide], rows, p));
    expect(Math.abs(kept - (1 - p)) / Math.sqrt(p * (1 - p))).toBeLessThan(FIVE_SIGMA);
  });

  it('neighbours, rows, steps, micro-batches, seeds and sites are uncorrelated', () => {
    const base = keepBits([64, wide], rows, 0.5);
    const other: Record<string, Uint8Array> = {
      next: base.subarray(1),
      row: base.subarray(wide),
      step: keepBits([64, wide], rows, 0.5, stepKey(42, 8, 1)),
      microBatch: keepBits([64, wide], rows, 0.5, stepKey(42, 7, 2)),
      seed: keepBits([64, wide], rows, 0.5, stepKey(43, 7, 1)),
      site: keepBits([64, wide], rows, 0.5, KEY, 'layers/1/attention/dropout'),
      position: keepBits(
        [64, wide],
        rows.map((_, i) => rowKey(i, 1)),
        0.5,
      ),
    };
    for (const [what, bits] of Object.entries(other)) {
      expect(Math.abs(correlation(base.subarray(0, bits.length), bits)), what).toBeLessThan(FIVE_SIGMA);
    }
  });

  it('uniform numbers fill 64 bins evenly', () => {
    const counts = new Float64Array(64);
    for (const u of reals([64, wide], rows, 'uniform')) {
      expect(u >= 0 && u < 1).toBe(true);
      counts[Math.floor(u * 64)]! += 1;
    }
    const expected = N / 64;
    const chiSquare = counts.reduce((a, c) => a + (c - expected) ** 2 / expected, 0);
    // 63 degrees of freedom: mean 63, standard deviation 11.2.
    expect(chiSquare).toBeGreaterThan(25);
    expect(chiSquare).toBeLessThan(120);
  });

  it('normal numbers have mean 0, variance 1, and no skew', () => {
    const xs = reals([64, wide], rows, 'normal');
    expect(Math.abs(mean(xs))).toBeLessThan(FIVE_SIGMA);
    expect(Math.abs(mean(xs.map((x) => x * x)) - 1)).toBeLessThan(FIVE_SIGMA * Math.SQRT2);
    expect(Math.abs(mean(xs.map((x) => x ** 3)))).toBeLessThan(FIVE_SIGMA * Math.sqrt(15));
  });
});
