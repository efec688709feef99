/** Encoding data sets: the cache file, its damage, and the findings about whole data sets. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkData } from '../../../engine/data/checks.ts';
import { encodeDataset, lengthsOf, type ExampleEncoder } from '../../../engine/data/encode.ts';
import { encodedPath } from '../../../engine/data/encodedFile.ts';
import { readTable } from '../../../engine/data/readTable.ts';
import { makeDataset, type Dataset, type TaskColumns } from '../../../engine/data/task.ts';
import { temporaryFolder, type Folder } from './helpers.ts';

let folder: Folder;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder.remove());

/** Counts its calls; a token is the length of a blank-separated word, 1 and 2 stand around a text. */
function countingEncoder(hash = 'h'): ExampleEncoder & { readonly calls: () => number } {
  let calls = 0;
  const encode = (text: string, second: string | undefined, maxLength: number) => {
    calls += 1;
    const a = text.split(' ').map((word) => word.length);
    const b = second === undefined ? [] : [...second.split(' ').map((word) => word.length), 2];
    const all = [1, ...a, 2, ...b];
    const kept = all.slice(0, maxLength);
    const typeIds = Uint8Array.from(kept, (_, i) => (i > a.length + 1 ? 1 : 0));
    return { ids: Int32Array.from(kept), typeIds, cut: all.length - kept.length };
  };
  return {
    hash,
    padId: 0,
    specialCount: (pair) => (pair ? 3 : 2),
    encode,
    encodeWords: (words, maxLength) => {
      const example = encode(words.join(' '), undefined, maxLength);
      return { ...example, wordIds: Int32Array.from(example.ids, (_, i) => (i > 0 && i <= words.length ? i - 1 : -1)) };
    },
    calls: () => calls,
  };
}

async function dataset(
  name: string,
  content: string,
  columns: TaskColumns,
  labels?: readonly string[],
): Promise<Dataset> {
  return makeDataset(await readTable(folder.write(name, content)), columns, labels).dataset;
}

const SINGLE: TaskColumns = { task: 'classification', text: ['text'], label: ['label'] };
const PAIR: TaskColumns = { task: 'classification', text: ['text', 'more'], label: ['label'] };

describe('encoding', () => {
  it('puts all examples into flat arrays', async () => {
    const data = await dataset('a.csv', 'text,more,label\na bb,ccc,x\nd,,y\n', PAIR);
    const encoded = encodeDataset(countingEncoder(), data, 16);
    expect([...encoded.ids]).toEqual([1, 1, 2, 2, 3, 2, 1, 1, 2, 0, 2]);
    expect([...encoded.typeIds]).toEqual([0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1]);
    expect([...encoded.offsets]).toEqual([0, 6, 11]);
    expect([...lengthsOf(encoded)]).toEqual([6, 5]);
    expect(() => encodeDataset(countingEncoder(), data, 3)).toThrow(/room/);
  });

  it('is read from the cache the second time, equal in every array', async () => {
    const cache = join(folder.path, 'cache');
    const data = await dataset('b.conll', 'a O\nbb B-X\n\nccc O\n', {
      task: 'tokens',
      text: ['tokens'],
      label: ['tags'],
    });
    const encoder = countingEncoder();
    const first = encodeDataset(encoder, data, 16, cache);
    const second = encodeDataset(encoder, data, 16, cache);
    expect(encoder.calls()).toBe(2);
    expect(second).toEqual(first);
    expect(readdirSync(cache)).toEqual([`${first.key}.tokens`]);
  });

  it('is made anew for another encoder, limit, column, or content', async () => {
    const cache = join(folder.path, 'cache2');
    const data = await dataset('c.csv', 'text,more,label\na,b,x\nc,d,y\n', SINGLE);
    const other = await dataset('c2.csv', 'text,more,label\na,b,x\nc,e,y\n', SINGLE);
    const keys = [
      encodeDataset(countingEncoder(), data, 16, cache),
      encodeDataset(countingEncoder('i'), data, 16, cache),
      encodeDataset(countingEncoder(), data, 15, cache),
      encodeDataset(countingEncoder(), { ...data, columns: { ...SINGLE, text: ['more'] } }, 16, cache),
      encodeDataset(countingEncoder(), other, 16, cache),
    ].map((encoded) => encoded.key);
    expect(new Set(keys).size).toBe(5);
  });

  it('never uses a damaged cache file and replaces it', async () => {
    const cache = join(folder.path, 'cache3');
    const data = await dataset('d.csv', 'text,label\na bb,x\nccc d e,y\n', SINGLE);
    const good = encodeDataset(countingEncoder(), data, 16, cache);
    const file = encodedPath(cache, good.key);
    const bytes = readFileSync(file);
    const damages: Uint8Array[] = [new Uint8Array(0), bytes.subarray(0, 20), bytes.subarray(0, -1)];
    for (let at = 0; at < bytes.length; at += 5) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] as number) ^ 0x10;
      damages.push(damaged);
    }
    for (const damaged of damages) {
      writeFileSync(file, damaged);
      const encoder = countingEncoder();
      expect(encodeDataset(encoder, data, 16, cache)).toEqual(good);
      expect(readFileSync(file).equals(bytes)).toBe(true);
    }
  });
});

describe('checks', () => {
  it('find imbalance, repetitions, contradictions, leaks and cut texts', async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `text number ${i},a\n`).join('');
    const train = await dataset('t.csv', `text,label\n${rows}rare,b\nrare ,a\n`, SINGLE);
    const evaluation = await dataset('e.csv', 'text,label\ntext number 3,a\nfresh,b\n', SINGLE, ['a', 'b']);
    const encoded = encodeDataset(countingEncoder(), train, 4);
    const report = checkData({ dataset: train, encoded }, { dataset: evaluation });
    expect(report.train).toMatchObject({ rows: 32, duplicates: 1, conflicts: 1, truncated: 30 });
    expect(report.train.balance).toEqual({
      kind: 'classes',
      counts: [
        { label: 'a', count: 31 },
        { label: 'b', count: 1 },
      ],
    });
    expect(report.leaks).toBe(1);
    const codes = report.diagnostics.map((d) => d.code);
    expect(codes).toEqual(['data-imbalance', 'data-duplicates', 'data-conflicts', 'data-truncated', 'data-leak']);
    expect(report.diagnostics[4]).toMatchObject({ where: { file: evaluation.file }, found: 'rows 1' });
  });

  it('describe numbers and tags', async () => {
    const numbers = await dataset('n.csv', 'text,score\nx,1\ny,3\n', {
      task: 'regression',
      text: ['text'],
      label: ['score'],
    });
    expect(checkData({ dataset: numbers }).train.balance).toEqual({ kind: 'numbers', min: 1, max: 3, mean: 2, std: 1 });
    const tags = await dataset('t.conll', 'a O\nb B-X\n\nc O\n', { task: 'tokens', text: ['tokens'], label: ['tags'] });
    const report = checkData({ dataset: tags });
    expect(report.train.balance).toMatchObject({
      counts: [
        { label: 'O', count: 2 },
        { label: 'B-X', count: 1 },
      ],
    });
    expect(report.diagnostics).toEqual([]);
  });
});
