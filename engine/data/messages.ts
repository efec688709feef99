/** Everything that reading and checking data says to people, in one place. */
import { UserError, type Diagnostic, type Place, type Severity } from '../base/errors.ts';

/** A finding before it has a place: what is wrong, what was found, what to do. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly found?: string;
  readonly fix: string;
}

const LONGEST_SHOWN = 80;

/** A foreign text made safe to print: escaped, quoted, cut. */
export function shown(text: string): string {
  return JSON.stringify(text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}...` : text);
}

export function listed(names: readonly string[], limit = 12): string {
  const some = names.slice(0, limit).map(shown).join(', ');
  return names.length > limit ? `${some} and ${names.length - limit} more` : some;
}

export function counted(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** `3, 8, 21 and 5 more`: row numbers for a message. */
export function rowList(rows: readonly number[], limit = 10): string {
  const some = rows.slice(0, limit).join(', ');
  return rows.length > limit ? `${some} and ${rows.length - limit} more` : some;
}

export function diagnostic(severity: Severity, where: Place, problem: Problem): Diagnostic {
  return { severity, where, ...problem };
}

/** Throws the problem as a `UserError`. */
export function refuseData(where: Place, problem: Problem): never {
  throw new UserError(diagnostic('error', where, problem));
}

export const fileMessages = {
  unreadable: (reason: string): Problem => ({
    code: 'file-unreadable',
    message: 'The data file cannot be read.',
    found: reason,
    fix: 'Give the path of an existing file that you may read.',
  }),
  notAFile: (): Problem => ({
    code: 'file-not-a-file',
    message: 'The path is not a plain file.',
    fix: 'Give the path of a file, not of a folder or a device.',
  }),
  empty: (): Problem => ({
    code: 'file-empty',
    message: 'The file is empty.',
    fix: 'Give a file with a header and at least one row.',
  }),
  noRows: (rowsAre: string): Problem => ({
    code: 'file-without-rows',
    message: `The file holds no ${rowsAre}.`,
    fix: 'Give a file with at least one row.',
  }),
  changed: (): Problem => ({
    code: 'file-changed',
    message: 'The file changed while it was being read.',
    fix: 'Wait until whatever writes the file is done, then try again.',
  }),
  unknownFormat: (extension: string): Problem => ({
    code: 'file-format-unknown',
    message: 'The format of the file cannot be told from its name.',
    found: extension === '' ? 'no extension' : shown(extension),
    fix: 'Name the file .csv, .tsv, .jsonl or .conll, or state the format.',
  }),
  encoding: (line: number, byte: number, guess: string, preview: string): Problem => ({
    code: 'file-encoding',
    message: `The file is not UTF-8 text (line ${line}, byte ${byte}). It looks like ${guess}.`,
    found: shown(preview),
    fix: `Convert it first, e.g. iconv -f ${guess} -t UTF-8 OLD > NEW, or save it as UTF-8.`,
  }),
  surrogate: (line: number, byte: number): Problem => ({
    code: 'file-encoding',
    message: `The file holds half of a surrogate pair, which is not UTF-8 (line ${line}, byte ${byte}).`,
    fix: 'Write the file again with a program that encodes characters above U+FFFF as UTF-8.',
  }),
  brokenUtf8: (line: number, byte: number): Problem => ({
    code: 'file-encoding',
    message: `The file is not UTF-8 text (line ${line}, byte ${byte}), and its encoding cannot be told.`,
    fix: 'Save the file as UTF-8. If it should be UTF-8 already, it is damaged at this place.',
  }),
  duplicateColumns: (names: readonly string[]): Problem => ({
    code: 'column-duplicate',
    message: 'Two columns have the same name.',
    found: listed(names),
    fix: 'Rename one of them in the first line of the file.',
  }),
  otherSeparator: (format: string, separator: string, header: string): Problem => ({
    code: 'file-separator',
    message: `The file is read as ${format}, but its first line looks separated by ${separator}.`,
    found: shown(header),
    fix: `Save it with the separator of ${format}, or state another format.`,
  }),
  badRows: (bad: number, total: number, rowsAre: string): Problem => ({
    code: 'rows-bad',
    message: `${bad} of ${counted(total, rowsAre)} cannot be used, so nothing was taken from the file.`,
    fix: 'Correct them, or ask for bad rows to be set aside.',
  }),
  setAside: (bad: number, total: number, rowsAre: string): Problem => ({
    code: 'rows-set-aside',
    message: `${bad} of ${counted(total, rowsAre)} cannot be used and were set aside.`,
    fix: 'Look at the listed places; the other rows are used.',
  }),
  noColumn: (name: string, names: readonly string[]): Problem => ({
    code: 'column-missing',
    message: `There is no column ${shown(name)}.`,
    found: listed(names),
    fix: 'Name one of the columns that the file has.',
  }),
};

export const rowMessages = {
  ragged: (expected: number, found: number): Problem => ({
    code: 'row-ragged',
    message: `The row has another number of cells than the header: expected ${expected}.`,
    found: String(found),
    fix: 'Add or remove cells; put a cell that holds the separator into quotes (csv).',
  }),
  nul: (): Problem => ({
    code: 'row-nul',
    message: 'The row holds a NUL character, which no text has.',
    fix: 'Remove it; the file may be damaged or not be text.',
  }),
  cellTooLarge: (bytes: number, limit: number): Problem => ({
    code: 'row-cell-too-large',
    message: `A cell may have ${limit} bytes at most.`,
    found: `${bytes} bytes or more`,
    fix: 'Shorten the text; if it should be short, a quote or a line end is missing before it.',
  }),
  carriageReturn: (): Problem => ({
    code: 'row-carriage-return',
    message: 'The line holds a carriage return that does not end it.',
    fix: 'Use one kind of line end, or remove the character.',
  }),
  quoteOpen: (line: number): Problem => ({
    code: 'row-quote-unclosed',
    message: `A quoted cell of this row is not closed before the end of the file (line ${line}); no row after it can be told.`,
    fix: 'Close the quote, and write a quote inside a quoted cell twice.',
  }),
  quoteInside: (line: number): Problem => ({
    code: 'row-quote-misplaced',
    message: `A quote stands inside a cell that does not begin with one (noticed at line ${line}).`,
    fix: 'Put the whole cell into quotes and write each quote inside it twice.',
  }),
  quoteThenText: (line: number): Problem => ({
    code: 'row-quote-misplaced',
    message: `Text follows the closing quote of a cell (noticed at line ${line}); no row after it can be told.`,
    fix: 'Write a quote inside a quoted cell twice; a quote may be missing in the lines before.',
  }),
  notJson: (reason: string): Problem => ({
    code: 'row-not-json',
    message: 'The line is not JSON.',
    found: reason,
    fix: 'Write one JSON object on each line.',
  }),
  truncated: (): Problem => ({
    code: 'last-line-truncated',
    message: 'The last line ends in the middle of a JSON object: the file was probably cut off.',
    fix: 'Get the complete file, or delete its last line.',
  }),
  twoValues: (): Problem => ({
    code: 'row-two-values',
    message: 'The line holds two JSON values.',
    fix: 'Put each object on a line of its own.',
  }),
  notObject: (kind: string): Problem => ({
    code: 'row-not-object',
    message: 'The line is JSON, but not an object.',
    found: kind,
    fix: 'Write each row as {"column": value, ...}.',
  }),
  surrogate: (): Problem => ({
    code: 'row-lone-surrogate',
    message: 'A text holds half of a surrogate pair (an escape like \\ud83d without its other half).',
    fix: 'Write the whole character.',
  }),
  tooDeep: (limit: number): Problem => ({
    code: 'row-too-deep',
    message: `The JSON of the line is nested deeper than ${limit} levels.`,
    fix: 'Write each row as a flat object.',
  }),
  arrayFile: (): Problem => ({
    code: 'file-json-array',
    message: 'The file is one JSON array, not JSON lines.',
    fix: 'Write one object on each line, without the outer brackets and without commas between the lines.',
  }),
  prettyFile: (): Problem => ({
    code: 'file-json-pretty',
    message: 'The file is JSON spread over several lines, not JSON lines.',
    fix: 'Write one whole object on each line.',
  }),
  noTag: (line: number): Problem => ({
    code: 'row-no-tag',
    message: `Line ${line} holds a token without a tag.`,
    fix: 'Write "token tag" on each line and an empty line between sentences.',
  }),
  raggedToken: (line: number, expected: number, found: number): Problem => ({
    code: 'row-ragged',
    message: `Line ${line} has another number of fields than the first line: expected ${expected}.`,
    found: String(found),
    fix: 'Write the same fields on each line; a token holds no blanks.',
  }),
};
