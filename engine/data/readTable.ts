/**
 * Reads a data file into a table: csv, tsv, JSON lines or token files, told by the name or stated. Every row that comes in
 * is used or set aside with its place and reason (rowsIn = rows + setAside). By default one bad row refuses the file.
 *
 * Not here: parquet, and what the columns mean for a task (task.ts).
 */
import { extname } from 'node:path';
import { assertNever, UserError } from '../base/errors.ts';
import { diagnostic, fileMessages, refuseData } from './messages.ts';
import { readConll } from './readConll.ts';
import { readCsv } from './readCsv.ts';
import { readJsonl } from './readJsonl.ts';
import { readTsv, type ReadLimits } from './readTsv.ts';
import { openSource, type Source } from './source.ts';
import { faultDiagnostic, makeTable, type RawTable, type Table, type TableFormat } from './table.ts';

export interface ReadOptions {
  /** Told by the extension when left out. */
  readonly format?: TableFormat;
  /** `stop` (default): one bad row refuses the whole file. `setAside`: bad rows are left out and listed in the table. */
  readonly badRows?: 'stop' | 'setAside';
  /** Largest cell in bytes; 16 MiB by default. */
  readonly largestCell?: number;
}

const LARGEST_CELL = 16 * 2 ** 20;
/** A record may be longer than its largest cell; beyond this a quote or a line end is missing. */
const RECORD_CELLS = 4;
/** How many bad rows a refusal lists before it gives the total. */
const LISTED_FAULTS = 20;

const FORMATS: ReadonlyMap<string, TableFormat> = new Map([
  ['.csv', 'csv'],
  ['.tsv', 'tsv'],
  ['.tab', 'tsv'],
  ['.jsonl', 'jsonl'],
  ['.ndjson', 'jsonl'],
  ['.json', 'jsonl'],
  ['.conll', 'conll'],
  ['.conll2003', 'conll'],
  ['.bio', 'conll'],
  ['.iob', 'conll'],
  ['.iob2', 'conll'],
  ['.txt', 'conll'],
]);

/** The format that a file name tells, or undefined. */
export function formatOf(file: string): TableFormat | undefined {
  return FORMATS.get(extname(file).toLowerCase());
}

/** Reads the file. Throws a `UserError` with every place when it cannot be used as asked. */
export async function readTable(file: string, options: ReadOptions = {}): Promise<Table> {
  const format = options.format ?? formatOf(file);
  if (format === undefined) return refuseData({ file }, fileMessages.unknownFormat(extname(file)));
  const cell = options.largestCell ?? LARGEST_CELL;
  const limits = { cell, record: cell * RECORD_CELLS };
  const source = await openSource(file);
  try {
    const raw = await readRows(source, format, limits);
    const rowsAre = format === 'conll' ? 'sentence' : 'row';
    refuseFaults(file, raw, options.badRows ?? 'stop', rowsAre);
    if (raw.rowNumbers.length === 0) return refuseData({ file }, fileMessages.noRows(`usable ${rowsAre}s`));
    const warnings =
      raw.faults.count === 0
        ? []
        : [diagnostic('warning', { file }, fileMessages.setAside(raw.faults.count, raw.rowsIn, rowsAre))];
    return makeTable({ file, format, ...source.finish() }, raw, warnings);
  } finally {
    await source.close();
  }
}

function readRows(source: Source, format: TableFormat, limits: ReadLimits): Promise<RawTable> {
  switch (format) {
    case 'csv':
      return readCsv(source, limits);
    case 'tsv':
      return readTsv(source, limits);
    case 'jsonl':
      return readJsonl(source, limits);
    case 'conll':
      return readConll(source, limits);
    default:
      return assertNever(format, 'table format');
  }
}

function refuseFaults(file: string, raw: RawTable, badRows: 'stop' | 'setAside', rowsAre: string): void {
  const { faults, rowsIn } = raw;
  if (faults.count === 0 || (badRows === 'setAside' && !faults.fatal)) return;
  // The fatal fault is the last one and is always shown.
  const listed = faults.kept.slice(0, LISTED_FAULTS);
  const last = faults.kept[faults.kept.length - 1];
  if (faults.fatal && last !== undefined && !listed.includes(last)) listed.push(last);
  throw new UserError([
    ...listed.map((fault) => faultDiagnostic(file, fault)),
    diagnostic('error', { file }, fileMessages.badRows(faults.count, rowsIn, rowsAre)),
  ]);
}
