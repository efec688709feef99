/** Batch plans: complete, repeatable, tight and still random; and the arrays of a batch. */
import { describe, expect, it } from 'vitest';
import { batchCount, collate, planEpoch, splitRows, unpackClasses } from '../../../engine/data/batches.ts';
import { tokenLabels, wordsWithoutToken, type EncodedDataset } from '../../../engine/data/encode.ts';
import { seeded } from './helpers.ts';

/** Lengths like those of short sentences: many short ones, a long tail. */
function lengthsLikeText(n: number): Int32Array {
  const next = seeded(11);
  return Int32Array.from({ length: n }, () => 4 + next(12) + next(12) + (next(10) === 0 ? next(50) : 0));
}

const paddedTokens = (plan: readonly Int32Array[], lengths: Int32Array): number =>
  plan.reduce((sum, batch) => sum + batch.length * Math.max(...Array.from(batch, (e) => lengths[e]!)), 0);

describe('plans', () => {
  const lengths = lengthsLikeText(1003);
  const base = { lengths, batchSize: 16, seed: 5, epoch: 0 } as const;

  it.each(['grouped', 'random', 'sequential'] as const)('hold every example once (%s)', (order) => {
    const plan = planEpoch({ ...base, order });
    expect(plan).toHaveLength(batchCount(1003, 16));
    const all = plan.flatMap((batch) => [...batch]);
    expect([...all].sort((a, b) => a - b)).toEqual(Array.from({ length: 1003 }, (_, i) => i));
    expect(planEpoch({ ...base, order })).toEqual(plan);
    const full = planEpoch({ ...base, order, dropLast: true });
    expect(full).toHaveLength(batchCount(1003, 16, true));
    expect(full.every((batch) => batch.length === 16)).toBe(true);
  });

  it.each(['grouped', 'random'] as const)('differ by epoch and by seed (%s)', (order) => {
    const first = planEpoch({ ...base, order });
    expect(planEpoch({ ...base, order, epoch: 1 })).not.toEqual(first);
    expect(planEpoch({ ...base, order, seed: 6 })).not.toEqual(first);
  });

  it('by length pad far less than random ones', () => {
    const real = lengths.reduce((a, b) => a + b, 0);
    const random = paddedTokens(planEpoch({ ...base, order: 'random' }), lengths);
    const grouped = paddedTokens(planEpoch({ ...base, order: 'grouped' }), lengths);
    expect(random / real).toBeGreaterThan(1.6);
    expect(grouped / real).toBeLessThan(1.15);
  });

  it('by length are still random: neighbours of an example change, and so does when long batches come', () => {
    const partners = (epoch: number): Set<number> =>
      new Set(planEpoch({ ...base, order: 'grouped', epoch }).find((batch) => batch.includes(0)));
    const first = partners(0);
    let shared = 0;
    for (let epoch = 1; epoch <= 10; epoch++) for (const e of partners(epoch)) if (e !== 0 && first.has(e)) shared += 1;
    // Fifteen partners in each of ten epochs; two thirds of them are new ones.
    expect(shared).toBeLessThan(50);
    const longest = lengths.indexOf(Math.max(...lengths));
    const places = Array.from({ length: 20 }, (_, epoch) =>
      planEpoch({ ...base, order: 'grouped', epoch }).findIndex((batch) => batch.includes(longest)),
    );
    expect(new Set(places).size).toBeGreaterThan(10);
  });

  it('work for fewer examples than a batch, and for none', () => {
    const few = planEpoch({ ...base, lengths: Int32Array.from([3, 4]), order: 'grouped' });
    expect(few.map((batch) => [...batch].sort())).toEqual([[0, 1]]);
    expect(planEpoch({ ...base, lengths: new Int32Array(0), order: 'grouped' })).toEqual([]);
    expect(() => planEpoch({ ...base, batchSize: 0, order: 'random' })).toThrow(/batch size/);
  });
});

/** Three examples of 3, 5 and 2 tokens; the second one has words of one, two and no token. */
const ENCODED: EncodedDataset = {
  key: 'k',
  rows: 3,
  maxLength: 8,
  padId: 9,
  offsets: Int32Array.from([0, 3, 8, 10]),
  ids: Int32Array.from([1, 50, 2, 1, 51, 52, 53, 2, 1, 2]),
  typeIds: Uint8Array.from([0, 0, 0, 0, 0, 0, 1, 1, 0, 0]),
  wordIds: Int32Array.from([-1, 0, -1, -1, 0, 1, 1, -1, -1, -1]),
  cut: Int32Array.from([0, 0, 0]),
};

describe('the arrays of a batch', () => {
  it('are padded, packed and placed', () => {
    const targets = { kind: 'classification', labels: ['a', 'b'], classes: Int32Array.from([1, 0, -100]) } as const;
    const batch = collate(ENCODED, Int32Array.from([1, 0]), targets);
    expect(batch).toMatchObject({ B: 2, T: 5, N: 8 });
    expect([...batch.ids]).toEqual([1, 51, 52, 53, 2, 1, 50, 2, 9, 9]);
    expect([...batch.typeIds]).toEqual([0, 0, 0, 1, 1, 0, 0, 0, 0, 0]);
    expect([...batch.lengths]).toEqual([5, 3]);
    expect([...batch.packIndex]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect([...batch.firstRow]).toEqual([0, 5]);
    expect(batch.labels).toEqual({ kind: 'classification', classes: Int32Array.from([0, 1]) });
    const other = collate(ENCODED, Int32Array.from([2, 1]), targets);
    expect([...other.packIndex]).toEqual([0, 1, 5, 6, 7, 8, 9]);
    expect([...other.firstRow]).toEqual([0, 2]);
  });

  it('carry labels of every kind', () => {
    const two = Int32Array.from([2, 0]);
    const many = { kind: 'multilabel', labels: ['a', 'b'], values: Uint8Array.from([1, 0, 0, 1, 1, 1]) } as const;
    expect(collate(ENCODED, two, many).labels).toEqual({ kind: 'multilabel', values: Float32Array.from([1, 1, 1, 0]) });
    const numbers = { kind: 'regression', values: Float64Array.from([0.5, 2, 4]) } as const;
    expect(collate(ENCODED, two, numbers).labels).toEqual({ kind: 'regression', values: Float32Array.from([4, 0.5]) });
    expect(collate(ENCODED, two, { kind: 'none' }).labels).toEqual({ kind: 'none' });
  });

  it('give a word its tag on its first token only', () => {
    const tags = [Int32Array.from([3]), Int32Array.from([1, 2, 0]), Int32Array.from([])];
    const classes = tokenLabels(ENCODED, tags);
    expect([...classes]).toEqual([-100, 3, -100, -100, 1, 2, -100, -100, -100, -100]);
    expect(wordsWithoutToken(ENCODED, [['a'], ['b', 'c', 'd'], []])).toBe(1);
    const targets = { kind: 'tokens', labels: ['O', 'B', 'I', 'X'], scheme: 'plain', tags } as const;
    const batch = collate(ENCODED, Int32Array.from([1, 0]), targets, classes);
    expect(batch.labels).toEqual({ kind: 'tokens', classes: Int32Array.from([-100, 1, 2, -100, -100, -100, 3, -100]) });
    if (batch.labels.kind !== 'tokens') throw new Error('not tokens');
    expect([...unpackClasses(batch, batch.labels.classes)]).toEqual([
      -100, 1, 2, -100, -100, -100, 3, -100, -100, -100,
    ]);
    expect(() => collate(ENCODED, Int32Array.from([1]), targets)).toThrow(/class of each token/);
  });
});

describe('a split for evaluation', () => {
  it('takes a share, keeps the rest, and repeats', () => {
    const { train, eval: part } = splitRows(100, 0.2, 3);
    expect(part).toHaveLength(20);
    expect([...train, ...part].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(splitRows(100, 0.2, 3).eval).toEqual(part);
    expect(splitRows(100, 0.2, 4).eval).not.toEqual(part);
    expect(splitRows(2, 0.01, 0).eval).toHaveLength(1);
    expect(() => splitRows(1, 0.5, 0)).toThrow(/split/);
  });
});
