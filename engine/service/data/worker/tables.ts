/** Reading data files for looking at them: the last ones stay in memory while they do not change, so that paging is quick. */
import { statSync } from 'node:fs';
import { UserError, type Diagnostic } from '../../../base/errors.ts';
import { readTable, type ReadOptions } from '../../../data/readTable.ts';
import { faultDiagnostic, type Column, type Table } from '../../../data/table.ts';

const KEPT = 2;
/** Files above this size are not kept in memory. */
const LARGEST_KEPT = 100 * 2 ** 20;
const LISTED_FAULTS = 20;

export class Tables {
  readonly #known = new Map<string, Promise<Table>>();

  read(file: string, options: ReadOptions): Promise<Table> {
    const facts = statSync(file, { throwIfNoEntry: false });
    const key = JSON.stringify([file, facts?.size, facts?.mtimeMs, facts?.ino, options]);
    const known = this.#known.get(key);
    if (known) return known;
    const reading = readTable(file, options);
    if ((facts?.size ?? 0) <= LARGEST_KEPT) {
      this.#known.set(key, reading);
      reading.catch(() => this.#known.delete(key));
    }
    for (const old of [...this.#known.keys()].slice(0, -KEPT)) this.#known.delete(old);
    return reading;
  }
}

/** Rows that were left out, with their places. */
export const faultsOf = (table: Table): readonly Diagnostic[] =>
  table.setAside.faults
    .slice(0, LISTED_FAULTS)
    .map((fault) => ({ ...faultDiagnostic(table.file, fault), severity: 'warning' as const }));

/** A cell for people; what is very long is cut. */
const LONGEST_CELL = 2000;

export function cellsOf(column: Column, row: number): string {
  const text = textOf(column, row);
  return text.length > LONGEST_CELL ? `${text.slice(0, LONGEST_CELL)}…` : text;
}

function textOf(column: Column, row: number): string {
  switch (column.kind) {
    case 'text':
      return column.values[row] ?? '';
    case 'number':
      return String(column.values[row] ?? '');
    case 'list':
      return (column.values[row] ?? []).join(' ');
    case 'mixed':
      // Cells of several kinds are not kept when the file is read.
      return '…';
  }
}

/** What a function found wrong, instead of its exception. */
export function caught<T>(make: () => T): { readonly value?: T; readonly diagnostics: readonly Diagnostic[] } {
  try {
    return { value: make(), diagnostics: [] };
  } catch (error) {
    if (error instanceof UserError) return { diagnostics: error.diagnostics };
    throw error;
  }
}

/** Messages name files as the page knows them, never by their place on this machine. */
export const named =
  (file: string, shown: string) =>
  (d: Diagnostic): Diagnostic =>
    d.where.file === file ? { ...d, where: { ...d.where, file: shown } } : d;
