/** Columns to examples: labels of every kind of task, what is warned about and what is refused, and guessed columns. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guessColumns } from '../../../engine/data/guessColumns.ts';
import { bioScheme, sortLabels, sortTags } from '../../../engine/data/labels.ts';
import { readTable } from '../../../engine/data/readTable.ts';
import { makeDataset, type Dataset, type TaskColumns, type TaskKind } from '../../../engine/data/task.ts';
import { refusalOf, temporaryFolder, type Folder } from './helpers.ts';

let folder: Folder;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder.remove());

const columnsOf = (task: TaskKind, text: string | string[], label: string | string[]): TaskColumns => ({
  task,
  text: [text].flat(),
  label: [label].flat(),
});

async function make(
  name: string,
  content: string,
  columns: TaskColumns,
  labels?: readonly string[],
): Promise<{ dataset: Dataset; codes: readonly string[] }> {
  const { dataset, diagnostics } = makeDataset(await readTable(folder.write(name, content)), columns, labels);
  return { dataset, codes: diagnostics.map((d) => d.code) };
}

async function refusedWith(name: string, content: string, columns: TaskColumns, labels?: readonly string[]) {
  const table = await readTable(folder.write(name, content));
  return refusalOf(() => makeDataset(table, columns, labels));
}

const SINGLE = columnsOf('classification', 'text', 'label');

describe('classification', () => {
  it('collects and sorts the labels', async () => {
    const { dataset, codes } = await make('a.csv', 'text,label\nx,pos\ny,neg\nz,pos\n', SINGLE);
    expect(dataset.targets).toEqual({
      kind: 'classification',
      labels: ['neg', 'pos'],
      classes: Int32Array.from([1, 0, 1]),
    });
    expect(dataset.inputs).toEqual({ kind: 'texts', first: ['x', 'y', 'z'] });
    expect(codes).toEqual([]);
  });

  it('takes pairs, and whole numbers as labels', async () => {
    const content = '{"a":"x","b":"y","label":1}\n{"a":"z","b":"w","label":0}\n';
    const { dataset } = await make('b.jsonl', content, columnsOf('classification', ['a', 'b'], 'label'));
    expect(dataset.inputs).toEqual({ kind: 'texts', first: ['x', 'z'], second: ['y', 'w'] });
    expect(dataset.targets).toMatchObject({ labels: ['0', '1'] });
  });

  it('never maps an unseen label to a class, and says its rows', async () => {
    const table = await readTable(folder.write('c.csv', 'text,label\nx,a\ny,new\nz,b\n'));
    const { dataset, diagnostics } = makeDataset(table, SINGLE, ['a', 'b']);
    expect(dataset.targets).toMatchObject({ classes: Int32Array.from([0, -100, 1]) });
    expect(diagnostics).toMatchObject([{ code: 'label-unseen', severity: 'warning', found: '"new" in 1 row: 2' }]);
  });

  it('warns of empty classes, empty texts and replacement characters', async () => {
    const { codes } = await make('d.csv', 'text,label\n  ,a\nb\ufffd,b\n', SINGLE, ['a', 'b', 'c']);
    expect(codes).toEqual(['text-empty', 'text-replacement-character', 'label-empty-class']);
  });

  it.each([
    ['one.csv', 'text,label\nx,a\ny,a\n', 'label-single-class'],
    ['none.csv', 'text,label\nx,a\ny,\n', 'label-empty'],
    ['free.csv', `text,label\n${Array.from({ length: 30 }, (_, i) => `x,label ${i}\n`).join('')}`, 'label-not-classes'],
    ['fraction.jsonl', '{"text":"x","label":0.5}\n{"text":"y","label":1}\n', 'label-fraction'],
    ['mixed.jsonl', '{"text":"x","label":"a"}\n{"text":"y"}\n', 'column-mixed'],
    ['list.jsonl', '{"text":["x"],"label":"a"}\n{"text":["y"],"label":"b"}\n', 'column-kind'],
    ['other.csv', 'text,class\nx,a\n', 'column-missing'],
  ])('refuses %s', async (name, content, code) => {
    expect((await refusedWith(name, content, SINGLE))[0]!.code).toBe(code);
  });

  it('refuses three texts and labels given twice', async () => {
    const three = columnsOf('classification', ['text', 'text', 'text'], 'label');
    expect((await refusedWith('t.csv', 'text,label\nx,a\ny,b\n', three))[0]!.code).toBe('column-text-count');
    const twice = await refusedWith('u.csv', 'text,label\nx,a\ny,b\n', SINGLE, ['a', 'a']);
    expect(twice[0]!.code).toBe('label-duplicate');
  });

  it('needs no label to predict', async () => {
    const { dataset } = await make('p.csv', 'text\nx\n', columnsOf('classification', 'text', []));
    expect(dataset.targets).toEqual({ kind: 'none' });
  });
});

describe('regression', () => {
  const COLUMNS = columnsOf('regression', 'text', 'score');

  it('takes finite numbers from texts and from numbers', async () => {
    const { dataset } = await make('a.csv', 'text,score\nx,3.5\ny,-2\nz,1e-3\nw,.5\n', COLUMNS);
    expect(dataset.targets).toEqual({ kind: 'regression', values: Float64Array.from([3.5, -2, 0.001, 0.5]) });
    const json = await make('b.jsonl', '{"text":"x","score":4}\n{"text":"y","score":0.5}\n', COLUMNS);
    expect(json.dataset.targets).toEqual({ kind: 'regression', values: Float64Array.from([4, 0.5]) });
  });

  it('refuses everything else with its rows', async () => {
    const [first] = await refusedWith('c.csv', 'text,score\nx,1\ny,NaN\nz,\nv,0x10\nw,Infinity\n', COLUMNS);
    expect(first).toMatchObject({ code: 'label-not-number', where: { column: 'score' } });
    expect(first!.found).toContain('4 rows: 2, 3, 4, 5');
    const [comma] = await refusedWith('d.tsv', 'text\tscore\nx\t3,5\n', COLUMNS);
    expect(comma!.fix).toContain('with a point');
  });
});

describe('many labels', () => {
  it('takes a list column', async () => {
    const content = '{"text":"x","labels":["b","a"]}\n{"text":"y","labels":[]}\n{"text":"z","labels":["a"]}\n';
    const { dataset } = await make('a.jsonl', content, columnsOf('multilabel', 'text', 'labels'));
    expect(dataset.targets).toEqual({
      kind: 'multilabel',
      labels: ['a', 'b'],
      values: Uint8Array.from([1, 1, 0, 0, 1, 0]),
    });
  });

  it('takes one column of 0 and 1 for each label, in their order', async () => {
    const { dataset, codes } = await make(
      'b.tsv',
      'text\tPower: dominance\tFace\nx\t1\t0\ny\t0\t0\n',
      columnsOf('multilabel', 'text', ['Power: dominance', 'Face']),
    );
    expect(dataset.targets).toMatchObject({
      labels: ['Power: dominance', 'Face'],
      values: Uint8Array.from([1, 0, 0, 0]),
    });
    expect(codes).toEqual(['label-empty-class']);
  });

  it('refuses other values and warns of unseen labels', async () => {
    const [first] = await refusedWith(
      'c.csv',
      'text,a,b\nx,1,0\ny,yes,1\n',
      columnsOf('multilabel', 'text', ['a', 'b']),
    );
    expect(first).toMatchObject({ code: 'label-not-binary', where: { column: 'a' }, found: '"yes"; 1 row: 2' });
    const content = '{"text":"x","labels":["a","new"]}\n';
    const { codes } = await make('d.jsonl', content, columnsOf('multilabel', 'text', 'labels'), ['a']);
    expect(codes).toEqual(['label-unseen']);
  });
});

describe('tokens', () => {
  const COLUMNS = columnsOf('tokens', 'tokens', 'tags');

  it('takes words and tags, sorted O first and B before I', async () => {
    const { dataset, codes } = await make('a.conll', 'Wole B-PER\nS I-PER\n\nin O\nEko B-LOC\n', COLUMNS);
    expect(dataset.inputs).toEqual({
      kind: 'words',
      words: [
        ['Wole', 'S'],
        ['in', 'Eko'],
      ],
    });
    expect(dataset.targets).toEqual({
      kind: 'tokens',
      labels: ['O', 'B-LOC', 'B-PER', 'I-PER'],
      scheme: 'bio',
      tags: [Int32Array.from([2, 3]), Int32Array.from([0, 1])],
    });
    expect(codes).toEqual([]);
  });

  it('counts entities that begin inside', async () => {
    const table = await readTable(folder.write('b.conll', 'a I-PER\nb B-LOC\nc I-PER\n\nd O\n'));
    const { diagnostics } = makeDataset(table, COLUMNS);
    expect(diagnostics[0]).toMatchObject({ code: 'tags-inside-first', found: '1 row: 1' });
    expect(diagnostics[0]!.message).toContain('2 tags');
  });

  it('knows plain tags, and refuses lists of another length', async () => {
    const plain = await make('c.conll', 'a NOUN\nb VERB\n', COLUMNS);
    expect(plain.dataset.targets).toMatchObject({ scheme: 'plain', labels: ['NOUN', 'VERB'] });
    const found = await refusedWith('d.jsonl', '{"tokens":["a","b"],"tags":["O"]}\n', COLUMNS);
    expect(found[0]).toMatchObject({ code: 'tags-count', where: { row: 1 }, found: '2 tokens and 1 tags in row 1' });
  });
});

describe('orders of labels', () => {
  it('are numeric for whole numbers and by code point else', () => {
    expect(sortLabels(['10', '9', '-1', '9'])).toEqual(['-1', '9', '10']);
    expect(sortLabels(['b', 'B', 'ä', '10', '9'])).toEqual(['10', '9', 'B', 'b', 'ä']);
    expect(sortTags(['I-B', 'B-B', 'O', 'B-A'])).toEqual(['O', 'B-A', 'B-B', 'I-B']);
    expect(bioScheme(['O'])).toBe('plain');
  });
});

describe('guessed columns', () => {
  it.each<[string, string, TaskColumns]>([
    ['a.csv', 'id,text,label\n1,x y,a\n2,z w,b\n', SINGLE],
    [
      'b.tsv',
      'index\tsentence1\tsentence2\tlabel\n1\tx\ty\ta\n2\tz\tw\tb\n',
      columnsOf('classification', ['sentence1', 'sentence2'], 'label'),
    ],
    [
      'c.tsv',
      'sentence1\tsentence2\tscore\nx\ty\t2.5\nz\tw\t1.0\n',
      columnsOf('regression', ['sentence1', 'sentence2'], 'score'),
    ],
    ['d.conll', 'a B-X\nb O\n', columnsOf('tokens', 'tokens', 'tags')],
    ['e.jsonl', '{"text":"x","labels":["a"]}\n', columnsOf('multilabel', 'text', 'labels')],
    [
      'f.csv',
      'what,kind\na rather long text here,a\nanother rather long one,b\n',
      columnsOf('classification', 'what', 'kind'),
    ],
    [
      'g.jsonl',
      '{"question":"x","passage":"y","idx":1,"label":"a"}\n{"question":"z","passage":"w","idx":2,"label":"b"}\n',
      columnsOf('classification', ['question', 'passage'], 'label'),
    ],
  ])('of %s are right and say why', async (name, content, expected) => {
    const guess = guessColumns(await readTable(folder.write(name, content)));
    expect(guess.columns).toEqual(expected);
    expect(guess.reasons).toHaveLength(3);
    for (const reason of guess.reasons) expect(reason).toMatch(/^The (task|text|label) is .+, because .+\.$/);
  });

  it('keep what was given and refuse when nothing tells', async () => {
    const table = await readTable(folder.write('h.csv', 'foo,bar,baz\nx,y,z\nw,v,u\n'));
    expect(guessColumns(table, { task: 'classification', text: ['foo'], label: ['baz'] })).toEqual({
      columns: columnsOf('classification', 'foo', 'baz'),
      reasons: [],
    });
    expect((await refusalOf(() => guessColumns(table)))[0]!.code).toBe('column-guess');
    expect((await refusalOf(() => guessColumns(table, { text: ['foo'] })))[0]!.code).toBe('column-guess');
  });

  it('name the column of a usual name that cannot be used', async () => {
    const table = await readTable(folder.write('n.jsonl', '{"text":{"a":1},"label":"x"}\n{"text":"b","label":"y"}\n'));
    expect((await refusalOf(() => guessColumns(table)))[0]).toMatchObject({
      code: 'column-mixed',
      where: { column: 'text', row: 1 },
    });
  });
});
