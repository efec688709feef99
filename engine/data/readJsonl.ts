/**
 * JSON lines: one flat object on each line. Columns are the union of the keys in order of appearance; a column whose cells
 * are of one kind is typed, any other is `mixed` and can be carried but not used. Empty lines are passed over.
 */
import { jsonDepth } from '../base/jsonDepth.ts';
import { readLines, type Line } from './lines.ts';
import { fileMessages, refuseData, rowMessages, shown, type Problem } from './messages.ts';
import type { ReadLimits } from './readTsv.ts';
import type { Source } from './source.ts';
import { FaultList, type Column, type RawTable } from './table.ts';

const DEEPEST_NESTING = 64;
const LONE_SURROGATE = /\p{Surrogate}/u;

export async function readJsonl(source: Source, limits: ReadLimits): Promise<RawTable> {
  const { file } = source;
  const faults = new FaultList();
  const rowNumbers: number[] = [];
  const cells = new Map<string, unknown[]>();
  let row = 0;
  for await (const lines of readLines(source, limits.record)) {
    for (const line of lines) {
      if (line.bytes === 0 || (!line.tooLong && line.text.trim() === '')) continue;
      row += 1;
      if (row === 1) refuseOtherJson(file, line);
      const parsed = parseRow(line, limits);
      if (!('entries' in parsed)) {
        faults.add({ row, line: line.line, byte: line.byte, ...parsed });
        continue;
      }
      for (const [key, value] of parsed.entries) {
        const column = cells.get(key);
        if (column === undefined) cells.set(key, [...new Array<undefined>(rowNumbers.length), value]);
        else column.push(value);
      }
      rowNumbers.push(row);
      for (const column of cells.values()) if (column.length < rowNumbers.length) column.push(undefined);
    }
  }
  if (row === 0) return refuseData({ file }, fileMessages.noRows('rows'));
  const columns = new Map<string, Column>();
  for (const [name, values] of cells) columns.set(name, columnOf(values, rowNumbers));
  return { columns, rowNumbers, rowsIn: row, faults };
}

type Parsed =
  | { readonly entries: readonly (readonly [string, unknown])[] }
  | { readonly problem: Problem; readonly column?: string };

function parseRow(line: Line, limits: ReadLimits): Parsed {
  if (line.tooLong) return { problem: rowMessages.cellTooLarge(line.bytes, limits.cell) };
  if (line.text.includes('\0')) return { problem: rowMessages.nul() };
  if (jsonDepth(line.text) > DEEPEST_NESTING) return { problem: rowMessages.tooDeep(DEEPEST_NESTING) };
  let value: unknown;
  try {
    value = JSON.parse(line.text);
  } catch (error) {
    return { problem: jsonProblem(line, error instanceof Error ? error.message : String(error)) };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { problem: rowMessages.notObject(kindOf(value)) };
  const entries = Object.entries(value);
  for (const [key, cell] of entries) {
    const texts =
      typeof cell === 'string' ? [cell] : Array.isArray(cell) ? cell.filter((x) => typeof x === 'string') : [];
    if (texts.some((text) => LONE_SURROGATE.test(text))) return { problem: rowMessages.surrogate(), column: key };
    const bytes = line.bytes > limits.cell ? Buffer.byteLength(JSON.stringify(cell)) : 0;
    if (bytes > limits.cell) return { problem: rowMessages.cellTooLarge(bytes, limits.cell), column: key };
  }
  return { entries };
}

/** Says which of the usual mistakes a line that is not JSON shows. */
function jsonProblem(line: Line, reason: string): Problem {
  const end = firstValueEnd(line.text);
  const rest = end === undefined ? '' : line.text.slice(end).trim();
  if (rest.startsWith('{') || /^,\s*\{/.test(rest)) return rowMessages.twoValues();
  if (!line.ended && end === undefined && line.text.trimStart().startsWith('{')) return rowMessages.truncated();
  return rowMessages.notJson(reason.split('\n')[0]?.slice(0, 120) ?? '');
}

/** Where the first object or array of a text ends; undefined when it does not. */
function firstValueEnd(text: string): number | undefined {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (inString) {
      if (c === 0x5c) i += 1;
      else if (c === 0x22) inString = false;
    } else if (c === 0x22) inString = true;
    else if (c === 0x7b || c === 0x5b) depth += 1;
    else if (c === 0x7d || c === 0x5d) {
      depth -= 1;
      if (depth === 0) return i + 1;
    }
  }
  return undefined;
}

/** Files that are JSON but not JSON lines are told by their first line. */
function refuseOtherJson(file: string, line: Line): void {
  const text = line.text.trim();
  if (text.startsWith('[')) {
    const whole = firstValueEnd(text) === text.length;
    // `[1, 2]` alone on a line is a row that is no object; an array of objects is the whole file.
    if (!whole || /^\[\s*\{/.test(text)) refuseData({ file }, rowMessages.arrayFile());
  }
  if (text === '{') refuseData({ file }, rowMessages.prettyFile());
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));

/** The type of a column: all texts, all numbers, all true or false (as text), or all lists of such. */
function columnOf(values: readonly unknown[], rowNumbers: readonly number[]): Column {
  const [first] = values;
  const mixed = (expected: string, matches: (value: unknown) => boolean): Column => {
    const at = values.findIndex((value) => !matches(value));
    return { kind: 'mixed', expected, found: describe(values[at]), row: rowNumbers[at] as number };
  };
  if (Array.isArray(first)) {
    const isList = (value: unknown): value is (string | number | boolean)[] =>
      Array.isArray(value) && value.every(isScalar);
    return values.every(isList)
      ? { kind: 'list', values: values.map((list) => list.map(String)) }
      : mixed('a list', isList);
  }
  if (typeof first === 'number') {
    const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
    return values.every(isNumber) ? { kind: 'number', values: Float64Array.from(values) } : mixed('a number', isNumber);
  }
  const type = typeof first;
  if (type === 'string' || type === 'boolean') {
    const isSame = (value: unknown): boolean => typeof value === type;
    return values.every(isSame) ? { kind: 'text', values: values.map(String) } : mixed(`a ${type}`, isSame);
  }
  return {
    kind: 'mixed',
    expected: 'a text, a number or a list',
    found: describe(first),
    row: rowNumbers[0] as number,
  };
}

function describe(value: unknown): string {
  if (Array.isArray(value)) {
    const odd: unknown = value.find((item) => !isScalar(item));
    return odd === undefined ? 'a list' : `a list that holds ${kindOf(odd)}`;
  }
  return isScalar(value) ? `${kindOf(value)} ${shown(String(value))}` : kindOf(value);
}
