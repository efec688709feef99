/**
 * Comma-separated files after RFC 4180, by `csv-parse`: a header, quoted cells with doubled quotes, any kind of line end.
 * Empty lines are passed over. A misplaced or unclosed quote is fatal: no row after it can be told with certainty.
 */
import { finished } from 'node:stream/promises';
import { CsvError, parse, type Info } from 'csv-parse';
import { BugError } from '../base/errors.ts';
import { locate } from './locate.ts';
import { fileMessages, refuseData, rowMessages, type Problem } from './messages.ts';
import { cellFault, type ReadLimits } from './readTsv.ts';
import type { Source } from './source.ts';
import { checkHeader, FaultList, type Column, type RawTable } from './table.ts';

/** A fault before its line is known: `from` is the end of the record before it. */
interface Unplaced {
  readonly row: number;
  readonly from: number;
  readonly column?: string;
  readonly problem: Problem;
}

export async function readCsv(source: Source, limits: ReadLimits): Promise<RawTable> {
  const { file } = source;
  const unplaced: Unplaced[] = [];
  const rowNumbers: number[] = [];
  let names: readonly string[] = [];
  let hasHeader = false;
  let cells: string[][] = [];
  let row = 0;
  let end = 0;

  const take = (record: readonly string[], { bytes }: Info): void => {
    const from = end;
    end = bytes;
    if (!hasHeader) {
      hasHeader = true;
      names = readHeader(file, record);
      cells = names.map(() => []);
      return;
    }
    row += 1;
    const fault = faultOf(record, names, limits);
    if (fault !== undefined) {
      unplaced.push({ row, from, ...fault });
      return;
    }
    rowNumbers.push(row);
    for (let c = 0; c < record.length; c++) (cells[c] as string[]).push(record[c] as string);
  };

  const fatal = await parseRecords(source, limits, take);
  if (fatal !== undefined) {
    row += 1;
    const column = names[Number(errorField(fatal, 'index'))];
    unplaced.push({ row, from: end, problem: csvProblem(fatal, limits), ...(column === undefined ? {} : { column }) });
  }
  if (!hasHeader && fatal === undefined) return refuseData({ file }, fileMessages.noRows('header'));
  const faults = await placeFaults(source, unplaced, fatal !== undefined);
  const columns = new Map<string, Column>(names.map((name, c) => [name, { kind: 'text', values: cells[c] ?? [] }]));
  return { columns, rowNumbers, rowsIn: row, faults };
}

/**
 * Gives every record to `take` in order and returns the fault that ended the parsing, if any. Records are taken in the
 * callback and not from the stream, which throws away what it holds as soon as it meets a fault.
 */
async function parseRecords(
  source: Source,
  limits: ReadLimits,
  take: (record: readonly string[], info: Info) => void,
): Promise<CsvError | undefined> {
  const parser = parse({
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: limits.record,
    on_record: (record: readonly string[], context) => {
      take(record, context);
      return null;
    },
  });
  const done = finished(parser.resume());
  // The outcome is awaited below; until then it must not count as unhandled.
  done.catch(() => undefined);
  try {
    for await (const chunk of source.chunks()) {
      parser.write(chunk);
      if (parser.errored !== null) break;
    }
    if (parser.errored === null) parser.end();
    await done;
    return undefined;
  } catch (error) {
    parser.destroy();
    if (error instanceof CsvError) return error;
    throw error;
  }
}

function readHeader(file: string, record: readonly string[]): readonly string[] {
  const [only] = record;
  if (record.length === 1 && only !== undefined && /[;\t]/.test(only)) {
    refuseData({ file }, fileMessages.otherSeparator('csv', only.includes(';') ? 'semicolons' : 'tabs', only));
  }
  if (record.some((name) => name.includes('\0'))) refuseData({ file }, rowMessages.nul());
  return checkHeader(file, record);
}

function faultOf(
  record: readonly string[],
  names: readonly string[],
  limits: ReadLimits,
): { readonly problem: Problem; readonly column?: string } | undefined {
  if (record.length !== names.length) return { problem: rowMessages.ragged(names.length, record.length) };
  const withNul = record.findIndex((value) => value.includes('\0'));
  if (withNul !== -1) return { problem: rowMessages.nul(), column: names[withNul] as string };
  return cellFault(record, names, limits.cell);
}

/** Faults that a file can cause; any other code would be a wrong option of ours. */
function csvProblem(error: CsvError, limits: ReadLimits): Problem {
  const line = Number(errorField(error, 'lines'));
  const { code } = error;
  if (code === 'CSV_QUOTE_NOT_CLOSED') return rowMessages.quoteOpen(line);
  if (code === 'INVALID_OPENING_QUOTE') return rowMessages.quoteInside(line);
  if (code === 'CSV_INVALID_CLOSING_QUOTE') return rowMessages.quoteThenText(line);
  if (code === 'CSV_MAX_RECORD_SIZE') return rowMessages.cellTooLarge(limits.record, limits.cell);
  throw new BugError(`csv-parse was given wrong options: ${code} ${error.message}`);
}

/** csv-parse puts the context of a fault on the error object without declaring it. */
function errorField(error: CsvError, name: 'lines' | 'index'): unknown {
  return (error as unknown as { readonly [key: string]: unknown })[name];
}

async function placeFaults(source: Source, unplaced: readonly Unplaced[], fatal: boolean): Promise<FaultList> {
  const faults = new FaultList();
  if (unplaced.length === 0) return faults;
  const offsets = unplaced.map((fault) => fault.from + source.markBytes());
  const places = await locate(source.file, offsets, { skipLineEnds: true });
  unplaced.forEach(({ from: _from, ...fault }, i) => {
    const place = places[i] ?? { line: 0, byte: 0 };
    if (fatal && i === unplaced.length - 1) faults.addFatal({ ...fault, ...place });
    else faults.add({ ...fault, ...place });
  });
  return faults;
}
