/** Rows of a data file for looking at them, and which columns its texts and labels seem to be in. */
import { UserError, type Diagnostic } from '../../../base/errors.ts';
import { guessColumns } from '../../../data/guessColumns.ts';
import { makeDataset, type TaskColumns } from '../../../data/task.ts';
import type { Table } from '../../../data/table.ts';
import type { DataPreview } from '../../../protocol/api/data.ts';
import { splitRows } from '../../../workflow/data.ts';
import type { DataSpec, LookQuestion, PreviewQuestion } from '../questions.ts';
import { caught, cellsOf, faultsOf, named, type Tables } from './tables.ts';

/** A page of a preview stays small, however long the cells and however many the columns are. */
const LARGEST_PAGE = 4_000_000;
const MOST_COLUMNS = 300;

interface Choice {
  readonly columns: TaskColumns | undefined;
  readonly reasons: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

function page(
  table: Table,
  rows: Int32Array | undefined,
  { offset, limit }: { readonly offset: number; readonly limit: number },
  { columns, reasons, diagnostics }: Choice,
  shown: string,
): DataPreview {
  const total = rows?.length ?? table.rows;
  const names = table.columns.slice(0, MOST_COLUMNS);
  const known = names.map((name) => table.column(name));
  const cells: string[][] = [];
  let size = 0;
  for (let i = offset; i < Math.min(offset + limit, total) && size < LARGEST_PAGE; i++) {
    const row = known.map((column) => cellsOf(column, rows?.[i] ?? i));
    size += row.reduce((n, cell) => n + cell.length, 0);
    cells.push(row);
  }
  return {
    columns: names,
    rows: cells,
    total,
    offset,
    text: columns?.text ?? [],
    label: columns?.label ?? [],
    task: columns?.task ?? '',
    reasons,
    diagnostics: [...moreColumns(table), ...table.warnings, ...faultsOf(table), ...diagnostics].map(
      named(table.file, shown),
    ),
  };
}

function moreColumns({ file, columns }: Table): readonly Diagnostic[] {
  if (columns.length <= MOST_COLUMNS) return [];
  const message = `The file has ${columns.length} columns; the first ${MOST_COLUMNS} are shown.`;
  const fix = 'Check that the columns are separated as the name of the file says.';
  return [{ code: 'data-many-columns', severity: 'warning', where: { file }, message, fix }];
}

/** A file that no document names yet: its first rows, and a guess of its columns with the reasons. */
export async function look(tables: Tables, { file, shown, limit }: LookQuestion): Promise<DataPreview> {
  const table = await inWords(file, shown, () => tables.read(file, { badRows: 'setAside' }));
  const guess = caught(() => guessColumns(table));
  const columns = guess.value?.columns;
  const found = columns === undefined ? guess.diagnostics : findingsOf(table, columns);
  const choice = { columns, reasons: guess.value?.reasons ?? [], diagnostics: found };
  return page(table, undefined, { offset: 0, limit }, choice, shown);
}

/** Rows of a data step, in the order of the file. */
export async function preview(tables: Tables, question: PreviewQuestion): Promise<DataPreview> {
  const { data, offset, limit } = question;
  const { file, shown, columns } = data;
  const table = await inWords(file, shown, () => tables.read(file, readOptions({ ...data, badRows: 'setAside' })));
  const rows = splitRows(data.splits, table.rows);
  const known = columns.text.length > 0;
  // Columns that the step leaves open are guessed, so that the choice can be made from the preview.
  const guess = known ? undefined : caught(() => guessColumns(table));
  const found = known ? findingsOf(table, columns) : (guess?.diagnostics ?? []);
  const choice = {
    columns: known ? columns : guess?.value?.columns,
    reasons: guess?.value?.reasons ?? [],
    diagnostics: found,
  };
  return page(table, rows, { offset, limit }, choice, shown);
}

export const readOptions = ({ format, badRows }: Pick<DataSpec, 'format' | 'badRows'>) => ({
  badRows,
  ...(format === undefined ? {} : { format }),
});

/** What making examples of these columns finds, errors among them; a preview shows both. */
function findingsOf(table: Table, columns: TaskColumns): readonly Diagnostic[] {
  const made = caught(() => makeDataset(table, columns));
  if (!made.value) return made.diagnostics;
  return made.value.diagnostics.slice(table.warnings.length);
}

/** Runs a reader whose messages name the file as the page knows it. */
export async function inWords<T>(file: string, shown: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.diagnostics.map(named(file, shown)));
  }
}
