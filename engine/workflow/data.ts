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
import { makeDataset, type Dataset, type TaskColumns } from '../data/task.ts';
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
  const rows = data.splits.reduce<Int32Array | undefined>((r, split) => sideOf(split, r, dataset.rows), undefined);
  return { dataset, rows };
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
