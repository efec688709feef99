/**
 * Seeded corruptions of good files: each is found at its exact row, line and byte, the rows are always conserved, and the
 * good rows are exactly the others (reliability.md, R6).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTable } from '../../../engine/data/readTable.ts';
import { seeded, temporaryFolder, textsOf, type Folder } from './helpers.ts';

let folder: Folder;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder.remove());

const ROUNDS = 150;
const ROWS = 30;

interface Corruption {
  readonly code: string;
  /** Changes the text of one line; it must stay one line. */
  readonly apply: (line: string) => string;
}

const FORMATS: readonly {
  readonly extension: string;
  readonly header: string;
  readonly line: (i: number) => string;
  readonly corruptions: readonly Corruption[];
}[] = [
  {
    extension: 'csv',
    header: 'text,label\n',
    line: (i) => (i % 3 === 0 ? `"row ${i}, é\nsecond ""line""",${i}\n` : `row ${i} 語,${i}\n`),
    corruptions: [
      { code: 'row-ragged', apply: (line) => line.replace(/\n$/, ',extra\n') },
      { code: 'row-ragged', apply: (line) => line.replace(/,\d+\n$/, '\n') },
      { code: 'row-nul', apply: (line) => line.replace('row', 'r\0w') },
    ],
  },
  {
    extension: 'tsv',
    header: 'text\tlabel\r\n',
    line: (i) => `row ${i} "é\t${i}\n`,
    corruptions: [
      { code: 'row-ragged', apply: (line) => line.replace('\n', '\textra\n') },
      { code: 'row-ragged', apply: (line) => line.replace('\t', ' ') },
      { code: 'row-nul', apply: (line) => line.replace('row', 'r\0w') },
      { code: 'row-carriage-return', apply: (line) => line.replace('row', 'r\rw') },
    ],
  },
  {
    extension: 'jsonl',
    header: '',
    line: (i) => `${JSON.stringify({ text: `row ${i} é`, label: String(i) })}\n`,
    corruptions: [
      { code: 'row-two-values', apply: (line) => line.replace('\n', ' {"text":"x"}\n') },
      { code: 'row-not-json', apply: (line) => line.replace('"text"', 'text') },
      { code: 'row-not-json', apply: (line) => line.replace(/.\n$/, '\n') },
      { code: 'row-not-object', apply: () => '"row"\n' },
      { code: 'row-lone-surrogate', apply: (line) => line.replace('row', '\\udc00') },
    ],
  },
];

describe.each(FORMATS)('seeded corruptions of $extension', ({ extension, header, line, corruptions }) => {
  it(`are all found at their place (${ROUNDS} files)`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const next = seeded(round * 7919 + 1);
      const expected: { row: number; line: number; byte: number; code: string }[] = [];
      const goodTexts: string[] = [];
      const mark = next(2) === 0 ? '\ufeff' : '';
      let content = mark + header;
      for (let i = 0; i < ROWS; i++) {
        if (next(8) === 0) content += '\n';
        const good = line(i);
        if (next(6) === 0) {
          const corruption = corruptions[next(corruptions.length)]!;
          const before = content.slice(mark.length);
          expected.push({
            row: i + 1,
            line: before.split(/\r\n|\r|\n/).length - extraLines(before, extension),
            byte: Buffer.byteLength(content),
            code: corruption.code,
          });
          content += corruption.apply(good);
        } else {
          content += good;
          goodTexts.push(String(i));
        }
      }
      const file = folder.write(`round.${extension}`, content);
      const table = await readTable(file, { badRows: 'setAside' });
      const found = table.setAside.faults.map((f) => ({
        row: f.row,
        line: f.line,
        byte: f.byte,
        code: f.problem.code,
      }));
      expect(found).toEqual(expected);
      expect(table.rowsIn).toBe(ROWS);
      expect(table.rows + table.setAside.count).toBe(table.rowsIn);
      expect(textsOf(table, 'label')).toEqual(goodTexts);
    }
  });
});

/** A lone carriage return ends a line only for csv; the other readers cut at line feeds. */
function extraLines(before: string, extension: string): number {
  return extension === 'csv' ? 0 : before.split(/\r(?!\n)/).length - 1;
}
