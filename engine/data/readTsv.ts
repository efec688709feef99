/**
 * Tab-separated files with a header and without quoting (`csv.QUOTE_NONE`): a quote is an ordinary character, and no cell
 * can hold a tab or a line end. Empty lines are passed over.
 */
import { readLines, type Line } from './lines.ts';
import { fileMessages, refuseData, rowMessages, type Problem } from './messages.ts';
import type { Source } from './source.ts';
import { checkHeader, FaultList, type Column, type RawTable } from './table.ts';

export interface ReadLimits {
  /** Largest cell in bytes. */
  readonly cell: number;
  /** Largest line or record in bytes. */
  readonly record: number;
}

export async function readTsv(source: Source, limits: ReadLimits): Promise<RawTable> {
  const { file } = source;
  const faults = new FaultList();
  const rowNumbers: number[] = [];
  let names: readonly string[] | undefined;
  let cells: string[][] = [];
  let row = 0;
  for await (const lines of readLines(source, limits.record)) {
    for (const line of lines) {
      if (line.bytes === 0) continue;
      if (names === undefined) {
        names = readHeader(file, line);
        cells = names.map(() => []);
        continue;
      }
      row += 1;
      const values = line.text.split('\t');
      const fault = faultOf(line, values, names, limits);
      if (fault !== undefined) {
        faults.add({ row, line: line.line, byte: line.byte, ...fault });
        continue;
      }
      rowNumbers.push(row);
      for (let c = 0; c < values.length; c++) (cells[c] as string[]).push(values[c] as string);
    }
  }
  if (names === undefined) return refuseData({ file }, fileMessages.noRows('header'));
  const columns = new Map<string, Column>(names.map((name, c) => [name, { kind: 'text', values: cells[c] ?? [] }]));
  return { columns, rowNumbers, rowsIn: row, faults };
}

function readHeader(file: string, line: Line): readonly string[] {
  const problem = line.tooLong ? rowMessages.cellTooLarge(line.bytes, line.bytes) : textProblem(line.text);
  if (problem !== undefined) refuseData({ file }, problem);
  if (!line.text.includes('\t') && /[,;]/.test(line.text)) {
    refuseData(
      { file },
      fileMessages.otherSeparator('tsv', line.text.includes(',') ? 'commas' : 'semicolons', line.text),
    );
  }
  return checkHeader(file, line.text.split('\t'));
}

function faultOf(
  line: Line,
  values: readonly string[],
  names: readonly string[],
  limits: ReadLimits,
): { readonly problem: Problem; readonly column?: string } | undefined {
  if (line.tooLong) return { problem: rowMessages.cellTooLarge(line.bytes, limits.cell) };
  if (values.length !== names.length) return { problem: rowMessages.ragged(names.length, values.length) };
  const problem = textProblem(line.text);
  if (problem !== undefined) {
    const at = values.findIndex((value) => textProblem(value) !== undefined);
    return { problem, column: names[at] as string };
  }
  if (line.bytes <= limits.cell) return undefined;
  return cellFault(values, names, limits.cell);
}

/** The first cell over the limit; used by csv too. */
export function cellFault(
  values: readonly string[],
  names: readonly string[],
  limit: number,
): { readonly problem: Problem; readonly column?: string } | undefined {
  for (const [c, value] of values.entries()) {
    // A character has three bytes at most for each of its UTF-16 units.
    if (value.length * 3 <= limit) continue;
    const bytes = Buffer.byteLength(value);
    if (bytes > limit) return { problem: rowMessages.cellTooLarge(bytes, limit), column: names[c] as string };
  }
  return undefined;
}

function textProblem(text: string): Problem | undefined {
  if (text.includes('\0')) return rowMessages.nul();
  if (text.includes('\r')) return rowMessages.carriageReturn();
  return undefined;
}
