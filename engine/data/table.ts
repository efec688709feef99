/**
 * A table as it was read: typed columns, where each row came from, and which rows were set aside. Reading is in
 * `readTable.ts`; what the columns mean for a task is in `task.ts`.
 */
import type { Diagnostic } from '../base/errors.ts';
import { diagnostic, fileMessages, refuseData, type Problem } from './messages.ts';

export type TableFormat = 'csv' | 'tsv' | 'jsonl' | 'conll';

export type Column =
  | { readonly kind: 'text'; readonly values: readonly string[] }
  | { readonly kind: 'number'; readonly values: Float64Array }
  | { readonly kind: 'list'; readonly values: readonly (readonly string[])[] }
  /** Cells of several kinds (json lines). It can be carried but not used; `row` is the first row that breaks the rule. */
  | { readonly kind: 'mixed'; readonly expected: string; readonly found: string; readonly row: number };

/** A row that cannot be used and why. `line` and `byte` (from 0) say where it begins in the file. */
export interface RowFault {
  readonly row: number;
  readonly line: number;
  readonly byte: number;
  readonly column?: string;
  readonly problem: Problem;
}

export interface Table {
  readonly file: string;
  readonly format: TableFormat;
  /** SHA-256 of the file's bytes. */
  readonly hash: string;
  readonly bytes: number;
  readonly columns: readonly string[];
  /** Rows that can be used; rowsIn = rows + setAside.count always holds. */
  readonly rows: number;
  readonly rowsIn: number;
  readonly setAside: { readonly count: number; readonly faults: readonly RowFault[] };
  /** The number of each usable row in the file, counted from 1 without the header. */
  readonly rowNumbers: Int32Array;
  readonly warnings: readonly Diagnostic[];
  /** The column of this name; throws a `UserError` that lists the columns there are. */
  readonly column: (name: string) => Column;
}

/** What a format's reader hands over. `faults` are in file order; a fatal one means that rows after it cannot be told. */
export interface RawTable {
  readonly columns: ReadonlyMap<string, Column>;
  readonly rowNumbers: readonly number[];
  readonly rowsIn: number;
  readonly faults: FaultList;
}

/** How many faults are kept with their places; the rest is only counted. */
const KEPT_FAULTS = 10_000;

/** Collects faults; it has identity, one per file being read. */
export class FaultList {
  count = 0;
  fatal = false;
  readonly kept: RowFault[] = [];

  add(fault: RowFault): void {
    this.count += 1;
    if (this.kept.length < KEPT_FAULTS) this.kept.push(fault);
  }

  addFatal(fault: RowFault): void {
    this.add(fault);
    this.fatal = true;
  }
}

export function faultDiagnostic(file: string, fault: RowFault): Diagnostic {
  const where = { file, row: fault.row, ...(fault.column === undefined ? {} : { column: fault.column }) };
  const message = `${fault.problem.message} (line ${fault.line}, byte ${fault.byte})`;
  return diagnostic('error', where, { ...fault.problem, message });
}

/** The names of a header, each once. An unnamed column (a saved index) is called by its place. */
export function checkHeader(file: string, names: readonly string[]): readonly string[] {
  const named = names.map((name, i) => (name === '' ? `column ${i + 1}` : name));
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const name of named) (seen.has(name) ? twice : seen).add(name);
  if (twice.size > 0) refuseData({ file }, fileMessages.duplicateColumns([...twice]));
  return named;
}

export function makeTable(
  origin: { readonly file: string; readonly format: TableFormat; readonly hash: string; readonly bytes: number },
  raw: RawTable,
  warnings: readonly Diagnostic[],
): Table {
  const columns = [...raw.columns.keys()];
  return {
    ...origin,
    columns,
    rows: raw.rowNumbers.length,
    rowsIn: raw.rowsIn,
    setAside: { count: raw.faults.count, faults: raw.faults.kept },
    rowNumbers: Int32Array.from(raw.rowNumbers),
    warnings,
    column: (name) => raw.columns.get(name) ?? refuseData({ file: origin.file }, fileMessages.noColumn(name, columns)),
  };
}
