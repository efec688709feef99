/**
 * Data as it travels through a workflow: a file with the columns that are used, or one side of a split of it. Nothing is
 * read until a step needs the rows.
 */
import { join } from 'node:path';
import { permutation, randomKey } from '../base/random.ts';
import { UserError, type Diagnostic } from '../base/errors.ts';
import { espalierHome } from '../checkpoints/home.ts';
import { encodeDataset } from '../data/encode.ts';
import { readTable } from '../data/readTable.ts';
import { makeDataset, type Dataset, type Targets, type TaskColumns } from '../data/task.ts';
import type { Table, TableFormat } from '../data/table.ts';
import type { Tokenizer } from '../tokenizers/loadTokenizer.ts';
import { exampleSet, type ExampleSet } from '../trainer/examples.ts';
import * as messages from './messages.ts';
import type { HeadTask } from './toolkit.ts';

export interface Split {
  readonly side: 'train' | 'eval';
  readonly share: number;
  readonly seed: number;
}

export interface DataArtifact {
  readonly kind: 'data';
  readonly file: string;
  readonly format: TableFormat | undefined;
  readonly badRows: 'stop' | 'setAside';
  readonly columns: TaskColumns;
  readonly splits: readonly Split[];
  /** The table; read once. */
  readonly table: () => Promise<Table>;
}

export function dataArtifact(choice: Omit<DataArtifact, 'kind' | 'splits' | 'table'>): DataArtifact {
  let reading: Promise<Table> | undefined;
  const { file, format, badRows } = choice;
  const table = (): Promise<Table> => (reading ??= readTable(file, { badRows, ...(format ? { format } : {}) }));
  return { kind: 'data', ...choice, splits: [], table };
}

export const splitData = (data: DataArtifact, split: Split): DataArtifact => ({
  ...data,
  splits: [...data.splits, split],
});

/** The rows of a data set that are meant, ascending; undefined: all. */
export interface Rows {
  readonly dataset: Dataset;
  readonly rows: Int32Array | undefined;
}

/** Labels of a data set; none for numbers. */
export const labelsOf = ({ targets }: Dataset): readonly string[] => ('labels' in targets ? targets.labels : []);

/** Reads the data. `labels` are those of the training data, where there is some. */
export async function readData(
  data: DataArtifact,
  labels: readonly string[] | undefined,
  report: (d: Diagnostic) => void,
): Promise<Rows> {
  const { dataset, diagnostics } = makeDataset(await data.table(), data.columns, labels);
  diagnostics.forEach(report);
  return { dataset, rows: splitRows(data.splits, dataset.rows) };
}

/** The rows that splits leave of so many, ascending; undefined: all. */
export const splitRows = (splits: readonly Split[], all: number): Int32Array | undefined =>
  splits.reduce<Int32Array | undefined>((rows, split) => sideOf(split, rows, all), undefined);

/** Only these rows of a data set, as a data set of its own. */
export function rowsOfDataset(dataset: Dataset, rows: Int32Array | undefined): Dataset {
  if (rows === undefined) return dataset;
  const { inputs, targets } = dataset;
  const pick = <T>(list: readonly T[]): T[] => Array.from(rows, (row) => list[row] as T);
  return {
    ...dataset,
    rows: rows.length,
    rowNumbers: rows.map((row) => dataset.rowNumbers[row] as number),
    inputs:
      inputs.kind === 'words'
        ? { kind: 'words', words: pick(inputs.words) }
        : { kind: 'texts', first: pick(inputs.first), ...(inputs.second ? { second: pick(inputs.second) } : {}) },
    targets: pickTargets(targets, rows),
  };
}

function pickTargets(targets: Targets, rows: Int32Array): Targets {
  switch (targets.kind) {
    case 'classification':
      return { ...targets, classes: rows.map((row) => targets.classes[row] as number) };
    case 'regression':
      return { ...targets, values: Float64Array.from(rows, (row) => targets.values[row] as number) };
    case 'tokens':
      return { ...targets, tags: Array.from(rows, (row) => targets.tags[row] as Int32Array) };
    case 'multilabel': {
      const width = targets.labels.length;
      const values = new Uint8Array(rows.length * width);
      rows.forEach((row, i) => values.set(targets.values.subarray(row * width, (row + 1) * width), i * width));
      return { ...targets, values };
    }
    case 'none':
      return targets;
  }
}

/** One side of a split, by chance: at least one row on each when there are two. */
function sideOf({ side, share, seed }: Split, before: Int32Array | undefined, all: number): Int32Array {
  const rows = before ?? Int32Array.from({ length: all }, (_, i) => i);
  const shuffled = permutation(randomKey(seed, 'split'), rows.length).map((i) => rows[i] as number);
  const aside = Math.min(Math.max(1, Math.round(share * rows.length)), Math.max(1, rows.length - 1));
  return (side === 'eval' ? shuffled.subarray(0, aside) : shuffled.subarray(aside)).slice().sort();
}

/** What a head must give for the data. Throws a `UserError` for data without labels. */
export function taskOfData({ targets, file }: Dataset): HeadTask {
  switch (targets.kind) {
    case 'classification':
    case 'multilabel':
    case 'tokens':
      return { kind: targets.kind, outputs: targets.labels.length };
    case 'regression':
      return { kind: 'regression', outputs: 1 };
    case 'none':
      throw new UserError(messages.noLabels({ file }));
  }
}

/** Where encoded data is kept between runs; `home` is Espalier's own folder. */
export const encodedFolder = (home: string = espalierHome()): string => join(home, 'cache', 'encoded');

/** The rows as token ids; kept in `cacheFolder`, when there is one, so that a second run reads them. */
export const encodeRows = (
  { dataset, rows }: Rows,
  tokenizer: Tokenizer,
  maxLength: number,
  cacheFolder?: string,
): ExampleSet => exampleSet(dataset, encodeDataset(tokenizer, dataset, maxLength, cacheFolder), rows);
