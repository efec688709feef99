/** Reading csv, tsv, JSON lines and token files: what is read, and what is refused with which words and place. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatDiagnostic } from '../../../engine/base/errors.ts';
import { formatOf, readTable } from '../../../engine/data/readTable.ts';
import { refusal, temporaryFolder, textsOf, type Folder } from './helpers.ts';

let folder: Folder;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder.remove());

/** The code, row, line and byte of a refusal's first finding. */
async function place(file: string): Promise<string> {
  const [first] = await refusal(file);
  const at = /line (\d+), byte (\d+)/.exec(first!.message);
  return `${first!.code} row ${first!.where.row ?? '-'} line ${at?.[1] ?? '-'} byte ${at?.[2] ?? '-'}`;
}

describe('csv', () => {
  it('reads quotes, line ends inside of cells, empty lines, mixed line ends and a byte order mark', async () => {
    const file = folder.write('ok.csv', '\ufefftext,label\r\n"a ""b"", c",x\n\n"two\nlines",y\rplain é,z');
    const table = await readTable(file);
    expect(table).toMatchObject({ format: 'csv', columns: ['text', 'label'], rows: 3, rowsIn: 3, warnings: [] });
    expect(textsOf(table, 'text')).toEqual(['a "b", c', 'two\nlines', 'plain é']);
    expect(textsOf(table, 'label')).toEqual(['x', 'y', 'z']);
    expect(table.hash).toBe(createHash('sha256').update(readFileSync(file)).digest('hex'));
    expect(table.bytes).toBe(readFileSync(file).length);
  });

  it('lists every ragged row with its place and both counts, and refuses the file', async () => {
    const file = folder.write('ragged.csv', 'a,b\n1,2\n3\n\n"x\ny",4\n5,6,7\n8,9\n');
    const found = await refusal(file);
    expect(found.map((d) => `${d.code} ${d.where.row ?? ''}`)).toEqual(['row-ragged 2', 'row-ragged 4', 'rows-bad ']);
    expect(found[0]!.message).toContain('expected 2. (line 3, byte 8)');
    expect(found[0]!.found).toBe('1');
    expect(found[1]!.message).toContain('(line 7, byte 19)');
    expect(found[2]!.message).toContain('2 of 5 rows');
    expect(formatDiagnostic(found[0]!)).toContain(`${file}, row 2`);
  });

  it('sets bad rows aside when asked, and every row is accounted for', async () => {
    const file = folder.write('aside.csv', 'a,b\n1,2\n3\n5,6\n7,8,9\n');
    const table = await readTable(file, { badRows: 'setAside' });
    expect(table.rows + table.setAside.count).toBe(table.rowsIn);
    expect([table.rows, table.setAside.count]).toEqual([2, 2]);
    expect([...table.rowNumbers]).toEqual([1, 3]);
    expect(table.setAside.faults.map((f) => f.line)).toEqual([3, 5]);
    expect(table.warnings.map((d) => d.code)).toEqual(['rows-set-aside']);
  });

  it('lists twenty rows and then the total', async () => {
    const file = folder.write('many.csv', `a,b\n${'1\n'.repeat(30)}`);
    const found = await refusal(file);
    expect(found).toHaveLength(21);
    expect(found[20]!.message).toContain('30 of 30 rows');
  });

  it.each([
    ['unclosed.csv', 'a,b\n1,2\n3,"x\n4,y\n5,z\n', 'row-quote-unclosed row 2 line 3 byte 8'],
    ['junk.csv', 'a,b\n1,"x"y\n3,z\n', 'row-quote-misplaced row 1 line 2 byte 4'],
    ['inside.csv', 'a,b\n1,2\n3,x"y"\n', 'row-quote-misplaced row 2 line 3 byte 8'],
    ['nul.csv', 'a,b\n1,x\0y\n', 'row-nul row 1 line 2 byte 4'],
  ])('names the place of a quote or NUL in %s', async (name, content, expected) => {
    expect(await place(folder.write(name, content))).toBe(expected);
  });

  it('never sets rows aside behind an open quote, because their borders are lost', async () => {
    const file = folder.write('open.csv', 'a,b\n1,"x\n2,y\n');
    const found = await refusal(file, { badRows: 'setAside' });
    expect(found[0]!.code).toBe('row-quote-unclosed');
  });

  it('shows the fatal row even when twenty others come before it', async () => {
    const file = folder.write('fatal.csv', `a,b\n${'1\n'.repeat(40)}2,"x\n`);
    const found = await refusal(file);
    expect(found[20]!.code).toBe('row-quote-unclosed');
    expect(found[20]!.where.row).toBe(41);
  });

  it('caps cells', async () => {
    const options = { largestCell: 1000 };
    const file = folder.write('long.csv', `a,b\n1,${'x'.repeat(1001)}\n2,y\n`);
    const [first] = await refusal(file, options);
    expect(first).toMatchObject({ code: 'row-cell-too-large', where: { row: 1, column: 'b' } });
    const open = folder.write('huge.csv', `a,b\n1,"${'x,y\n'.repeat(5000)}`);
    expect((await refusal(open, options))[0]).toMatchObject({ code: 'row-cell-too-large', where: { row: 1 } });
    expect((await readTable(folder.write('fits.csv', `a,b\n1,${'é'.repeat(500)}\n`), options)).rows).toBe(1);
  });

  it.each([
    ['empty.csv', '', 'file-empty'],
    ['header.csv', 'a,b\n', 'file-without-rows'],
    ['blank.csv', '\n\n', 'file-without-rows'],
    ['twice.csv', 'a,b,a\n1,2,3\n', 'column-duplicate'],
    ['semicolons.csv', 'text;label\nx;y\n', 'file-separator'],
    ['tabs.csv', 'text\tlabel\nx\ty\n', 'file-separator'],
  ])('refuses %s', async (name, content, code) => {
    expect((await refusal(folder.write(name, content)))[0]!.code).toBe(code);
  });

  it('calls a saved index by its place', async () => {
    expect((await readTable(folder.write('index.csv', ',text\n0,x\n'))).columns).toEqual(['column 1', 'text']);
  });

  it('keeps dangerous names as plain names', async () => {
    const table = await readTable(folder.write('names.csv', '__proto__,constructor\n1,2\n'));
    expect(textsOf(table, '__proto__')).toEqual(['1']);
    expect(() => table.column('toString')).toThrow(/no column "toString"/);
  });
});

describe('tsv', () => {
  it('takes quotes as they are', async () => {
    const table = await readTable(folder.write('quotes.tsv', 'text\tlabel\n"open quote\tx\r\n5" disk\ty\n'));
    expect(textsOf(table, 'text')).toEqual(['"open quote', '5" disk']);
    expect(textsOf(table, 'label')).toEqual(['x', 'y']);
  });

  it.each([
    ['r.tsv', 'a\tb\n1\t2\n3\n', 'row-ragged row 2 line 3 byte 8'],
    ['n.tsv', 'a\tb\n\n1\tx\0\n', 'row-nul row 1 line 3 byte 5'],
    ['c.tsv', 'a\tb\n1\tx\ry\n', 'row-carriage-return row 1 line 2 byte 4'],
    ['b.tsv', '\ufeffa\tb\n1\n', 'row-ragged row 1 line 2 byte 7'],
  ])('names the place in %s', async (name, content, expected) => {
    expect(await place(folder.write(name, content))).toBe(expected);
  });

  it('meets a line of any length in bounded memory', async () => {
    const options = { largestCell: 1000, badRows: 'setAside' } as const;
    const table = await readTable(folder.write('huge.tsv', `a\tb\n1\t${'x'.repeat(3_000_000)}\n2\ty\n`), options);
    expect([table.rows, table.setAside.count]).toEqual([1, 1]);
    expect(table.setAside.faults[0]).toMatchObject({ row: 1, line: 2, byte: 4 });
  });

  it.each([
    ['mac.tsv', 'a\tb\r1\t2\r', 'row-carriage-return'],
    ['commas.tsv', 'text,label\nx,y\n', 'file-separator'],
    ['head.tsv', 'a\tb', 'file-without-rows'],
    ['twins.tsv', 'a\ta\n1\t2\n', 'column-duplicate'],
  ])('refuses %s', async (name, content, code) => {
    expect((await refusal(folder.write(name, content)))[0]!.code).toBe(code);
  });
});

describe('json lines', () => {
  it('types its columns and keeps those of several kinds apart', async () => {
    const rows = [
      { text: 'a', n: 1, list: ['x', 2], flag: true, odd: 1 },
      { text: 'b\ud83d\ude00', n: 2.5, list: [], flag: false, odd: 'x', late: 'y' },
    ];
    const table = await readTable(folder.write('ok.jsonl', rows.map((r) => JSON.stringify(r)).join('\n\n')));
    expect(table.columns).toEqual(['text', 'n', 'list', 'flag', 'odd', 'late']);
    expect(textsOf(table, 'text')).toEqual(['a', 'b😀']);
    expect(table.column('n')).toEqual({ kind: 'number', values: Float64Array.from([1, 2.5]) });
    expect(table.column('list')).toEqual({ kind: 'list', values: [['x', '2'], []] });
    expect(textsOf(table, 'flag')).toEqual(['true', 'false']);
    expect(table.column('odd')).toEqual({ kind: 'mixed', expected: 'a number', found: 'a string "x"', row: 2 });
    expect(table.column('late')).toMatchObject({ kind: 'mixed', found: 'nothing', row: 1 });
  });

  it.each([
    ['two.jsonl', '{"a":1}\n{"a":1} {"a":2}\n', 'row-two-values row 2 line 2 byte 8'],
    ['cut.jsonl', '{"a":1}\n{"a":"x', 'last-line-truncated row 2 line 2 byte 8'],
    ['middle.jsonl', '{"a":1}\n{"a":\n{"a":2}\n', 'row-not-json row 2 line 2 byte 8'],
    ['number.jsonl', '{"a":1}\n7\n', 'row-not-object row 2 line 2 byte 8'],
    ['list.jsonl', '{"a":1}\n[1]\n', 'row-not-object row 2 line 2 byte 8'],
    ['half.jsonl', '{"a":"\\ud83d"}\n', 'row-lone-surrogate row 1 line 1 byte 0'],
    ['deep.jsonl', `{"a":${'['.repeat(100)}${']'.repeat(100)}}\n`, 'row-too-deep row 1 line 1 byte 0'],
    ['array.jsonl', '[{"a":1},\n{"a":2}]\n', 'file-json-array row - line - byte -'],
    ['one.json', '[{"a":1},{"a":2}]', 'file-json-array row - line - byte -'],
    ['pretty.json', '{\n  "a": 1\n}\n', 'file-json-pretty row - line - byte -'],
  ])('names the place in %s', async (name, content, expected) => {
    expect(await place(folder.write(name, content))).toBe(expected);
  });

  it('keeps prototype keys as plain names', async () => {
    const table = await readTable(folder.write('proto.jsonl', '{"__proto__":"x","text":"y"}\n'));
    expect(textsOf(table, '__proto__')).toEqual(['x']);
    expect(({} as { text?: unknown }).text).toBeUndefined();
  });

  it('caps cells', async () => {
    const file = folder.write('long.jsonl', `{"a":"${'x'.repeat(1001)}","b":1}\n`);
    expect((await refusal(file, { largestCell: 1000 }))[0]).toMatchObject({
      code: 'row-cell-too-large',
      where: { row: 1, column: 'a' },
    });
  });
});

describe('token files', () => {
  it('reads tokens and tags by tab or blank, with more fields in between', async () => {
    const blanks = await readTable(folder.write('a.conll', '-DOCSTART- O\n\nWole B-PER\nSoyinka I-PER\n\n\nEko B-LOC'));
    expect(blanks.column('tokens')).toEqual({ kind: 'list', values: [['Wole', 'Soyinka'], ['Eko']] });
    expect(blanks.column('tags')).toEqual({ kind: 'list', values: [['B-PER', 'I-PER'], ['B-LOC']] });
    const fields = await readTable(folder.write('b.txt', 'New\tNNP\tB-LOC\r\nYork\tNNP\tI-LOC\r\n'));
    expect(fields.columns).toEqual(['tokens', 'field 2', 'tags']);
  });

  it.each([
    ['a.bio', 'x O\ny O\n\nz\nw O\n', 'row-no-tag row 2 line 5 byte 9'],
    ['b.bio', 'x O\n\ny A O\n', 'row-ragged row 2 line 3 byte 5'],
    ['c.bio', 'x O\n\ny \0 \n', 'row-nul row 2 line 3 byte 5'],
  ])('sets the whole sentence aside in %s', async (name, content, expected) => {
    const file = folder.write(name, content);
    const [first] = await refusal(file);
    expect(`${first!.code} row ${first!.where.row}`).toBe(expected.slice(0, expected.indexOf(' line')));
    const table = await readTable(file, { badRows: 'setAside' });
    expect([table.rows, table.rowsIn]).toEqual([1, 2]);
  });

  it('refuses a plain text', async () => {
    expect((await refusal(folder.write('novel.txt', 'Once\nupon\n')))[0]!.code).toBe('row-no-tag');
    expect((await refusal(folder.write('void.txt', '\n\n')))[0]!.code).toBe('file-without-rows');
  });
});

describe('the file itself', () => {
  it('is told by its extension', () => {
    expect(['a.CSV', 'b.tsv', 'c.jsonl', 'd.iob2', 'e.parquet'].map(formatOf)).toEqual([
      'csv',
      'tsv',
      'jsonl',
      'conll',
      undefined,
    ]);
  });

  it('is refused in words when it is missing, a folder or of an unknown kind', async () => {
    mkdirSync(join(folder.path, 'folder.csv'));
    expect((await refusal(join(folder.path, 'none.csv')))[0]).toMatchObject({
      code: 'file-unreadable',
      found: 'no such file',
    });
    expect((await refusal(join(folder.path, 'folder.csv')))[0]!.code).toBe('file-not-a-file');
    expect((await refusal(folder.write('x.parquet', 'PAR1')))[0]!.code).toBe('file-format-unknown');
    expect((await readTable(folder.write('x.data', 'a\tb\n1\t2\n'), { format: 'tsv' })).rows).toBe(1);
  });
});
