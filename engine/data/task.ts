/**
 * From columns to examples: which columns hold the texts and the labels, and what the labels are. Nothing here knows about
 * tokens; that is `encode.ts`. Guessing columns is `guessColumns.ts`, findings about whole data sets are `checks.ts`.
 */
import { assertNever, UserError, type Diagnostic } from '../base/errors.ts';
import { diagnostic, refuseData, type Problem } from './messages.ts';
import { bioScheme, openEntityRows, sortLabels, sortTags, type TagScheme } from './labels.ts';
import type { Column, Table } from './table.ts';
import { taskMessages } from './taskMessages.ts';

export type TaskKind = 'classification' | 'multilabel' | 'regression' | 'tokens';

export interface TaskColumns {
  readonly task: TaskKind;
  /** One text column, two for pairs, or one list column of tokens. */
  readonly text: readonly string[];
  /** One label column; for `multilabel` one list column or one 0/1 column for each label. Empty for data to predict. */
  readonly label: readonly string[];
}

export type Inputs =
  | { readonly kind: 'texts'; readonly first: readonly string[]; readonly second?: readonly string[] }
  | { readonly kind: 'words'; readonly words: readonly (readonly string[])[] };

/** The class of a row or token that counts for nothing: an unseen label, a token that is no word's first. */
export const IGNORED_LABEL = -100;

export type Targets =
  | { readonly kind: 'classification'; readonly labels: readonly string[]; readonly classes: Int32Array }
  /** `values` is [rows, labels] of 0 and 1. */
  | { readonly kind: 'multilabel'; readonly labels: readonly string[]; readonly values: Uint8Array }
  | { readonly kind: 'regression'; readonly values: Float64Array }
  | {
      readonly kind: 'tokens';
      readonly labels: readonly string[];
      readonly scheme: TagScheme;
      readonly tags: readonly Int32Array[];
    }
  | { readonly kind: 'none' };

export interface Dataset {
  readonly file: string;
  /** The file's hash and what was taken from it decide every example. */
  readonly hash: string;
  readonly columns: TaskColumns;
  readonly rows: number;
  readonly rowNumbers: Int32Array;
  readonly inputs: Inputs;
  readonly targets: Targets;
}

export interface DatasetResult {
  readonly dataset: Dataset;
  /** Warnings; errors are thrown. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Takes the examples of a task out of a table. `labels` are those of the training data when this is evaluation data; left
 * out, they are collected from the table. Throws a `UserError` for columns or labels that cannot be used.
 */
export function makeDataset(table: Table, columns: TaskColumns, labels?: readonly string[]): DatasetResult {
  const found: Diagnostic[] = [];
  const warn = (column: string, problem: Problem): void => {
    found.push(diagnostic('warning', { file: table.file, column }, problem));
  };
  const inputs = takeInputs(table, columns, warn);
  const targets =
    columns.label.length === 0 ? ({ kind: 'none' } as const) : takeTargets(table, columns, inputs, labels, warn);
  const dataset = {
    file: table.file,
    hash: table.hash,
    columns,
    rows: table.rows,
    rowNumbers: table.rowNumbers,
    inputs,
    targets,
  };
  return { dataset, diagnostics: [...table.warnings, ...found] };
}

type Warn = (column: string, problem: Problem) => void;

/** The row numbers where `test` holds. */
function rowsWhere(table: Table, test: (row: number) => boolean): readonly number[] {
  return Array.from(table.rowNumbers).filter((_, i) => test(i));
}

function takeInputs(table: Table, columns: TaskColumns, warn: Warn): Inputs {
  if (columns.task === 'tokens') {
    const [name] = columns.text;
    if (columns.text.length !== 1 || name === undefined) {
      return refuseData({ file: table.file }, taskMessages.textCount(columns.text.length));
    }
    const words = listColumn(table, name, 'lists of tokens');
    warnAboutTexts(table, name, (i) => (words[i] as readonly string[]).join(' '), warn);
    return { kind: 'words', words };
  }
  const [first, second, ...rest] = columns.text;
  if (first === undefined || rest.length > 0) {
    return refuseData({ file: table.file }, taskMessages.textCount(columns.text.length));
  }
  const texts = columns.text.map((name) => {
    const values = textColumn(table, name);
    warnAboutTexts(table, name, (i) => values[i] as string, warn);
    return values;
  });
  const [a = [], b] = texts;
  return second === undefined || b === undefined ? { kind: 'texts', first: a } : { kind: 'texts', first: a, second: b };
}

function warnAboutTexts(table: Table, column: string, textOf: (row: number) => string, warn: Warn): void {
  const empty = rowsWhere(table, (i) => textOf(i).trim() === '');
  if (empty.length > 0) warn(column, taskMessages.emptyTexts(empty));
  const broken = rowsWhere(table, (i) => textOf(i).includes('\ufffd'));
  if (broken.length > 0) warn(column, taskMessages.replacementCharacters(broken));
}

function takeTargets(
  table: Table,
  columns: TaskColumns,
  inputs: Inputs,
  labels: readonly string[] | undefined,
  warn: Warn,
): Targets {
  const [name] = columns.label;
  if (name === undefined) return { kind: 'none' };
  const { file } = table;
  if (labels !== undefined && new Set(labels).size < labels.length) {
    return refuseData({ file }, taskMessages.duplicateLabels(labels.filter((x, i) => labels.indexOf(x) !== i)));
  }
  switch (columns.task) {
    case 'classification':
      return takeClasses(table, name, labels, warn);
    case 'multilabel':
      return columns.label.length > 1
        ? takeBinaryColumns(table, columns.label, labels, warn)
        : takeLabelLists(table, name, labels, warn);
    case 'regression':
      return takeNumbers(table, name);
    case 'tokens':
      return takeTags(table, name, inputs, labels, warn);
    default:
      return assertNever(columns.task, 'task');
  }
}

function takeClasses(table: Table, name: string, given: readonly string[] | undefined, warn: Warn): Targets {
  const where = { file: table.file, column: name };
  const values = labelTexts(table, name);
  const empty = rowsWhere(table, (i) => (values[i] as string).trim() === '');
  if (empty.length > 0) return refuseData(where, taskMessages.emptyLabels(empty));
  const distinct = new Set(values);
  if (given === undefined) {
    if (distinct.size === 1) return refuseData(where, taskMessages.singleClass(values[0] as string));
    if (distinct.size > 20 && distinct.size > 0.8 * values.length) {
      return refuseData(where, taskMessages.notClasses(distinct.size, values.length));
    }
  }
  const labels = given ?? sortLabels(distinct);
  const classes = classIds(table, name, values, labels, warn);
  const missing = labels.filter((label) => !distinct.has(label));
  if (missing.length > 0) warn(name, taskMessages.emptyClasses(missing));
  return { kind: 'classification', labels, classes };
}

/** Class numbers; labels that are not in the list become `IGNORED_LABEL` and are warned about with their rows. */
function classIds(
  table: Table,
  name: string,
  values: readonly string[],
  labels: readonly string[],
  warn: Warn,
): Int32Array {
  const idOf = new Map(labels.map((label, id) => [label, id]));
  const classes = Int32Array.from(values, (value) => idOf.get(value) ?? IGNORED_LABEL);
  const rows = rowsWhere(table, (i) => classes[i] === IGNORED_LABEL);
  if (rows.length > 0) warn(name, taskMessages.unseen(sortLabels(values.filter((value) => !idOf.has(value))), rows));
  return classes;
}

function takeLabelLists(table: Table, name: string, given: readonly string[] | undefined, warn: Warn): Targets {
  const lists = listColumn(table, name, 'lists of labels');
  const labels = given ?? sortLabels(lists.flat());
  const idOf = new Map(labels.map((label, id) => [label, id]));
  const values = new Uint8Array(lists.length * labels.length);
  lists.forEach((list, row) => {
    for (const label of list) {
      const id = idOf.get(label);
      if (id !== undefined) values[row * labels.length + id] = 1;
    }
  });
  const unseen = rowsWhere(table, (i) => (lists[i] as readonly string[]).some((label) => !idOf.has(label)));
  if (unseen.length > 0) warn(name, taskMessages.unseen(sortLabels(lists.flat().filter((x) => !idOf.has(x))), unseen));
  return finishMultilabel(table, name, labels, values, warn);
}

function takeBinaryColumns(
  table: Table,
  names: readonly string[],
  given: readonly string[] | undefined,
  warn: Warn,
): Targets {
  const labels = given ?? names;
  const missing = labels.filter((label) => !names.includes(label));
  if (missing.length > 0) warn(missing[0] as string, taskMessages.emptyClasses(missing));
  const values = new Uint8Array(table.rows * labels.length);
  labels.forEach((label, id) => {
    if (!names.includes(label)) return;
    const column = labelTexts(table, label);
    const bad = rowsWhere(
      table,
      (i) => column[i] !== '0' && column[i] !== '1' && column[i] !== 'true' && column[i] !== 'false',
    );
    if (bad.length > 0) {
      const value = column.find((cell) => cell !== '0' && cell !== '1') as string;
      refuseData({ file: table.file, column: label }, taskMessages.notBinary(bad, value));
    }
    column.forEach((cell, row) => (values[row * labels.length + id] = cell === '1' || cell === 'true' ? 1 : 0));
  });
  return finishMultilabel(table, names[0] as string, labels, values, warn);
}

function finishMultilabel(
  table: Table,
  name: string,
  labels: readonly string[],
  values: Uint8Array,
  warn: Warn,
): Targets {
  const where = { file: table.file, column: name };
  if (labels.length === 0) return refuseData(where, taskMessages.emptyLabels(Array.from(table.rowNumbers)));
  const empty = labels.filter((_, id) => {
    for (let at = id; at < values.length; at += labels.length) if (values[at] === 1) return false;
    return true;
  });
  if (empty.length > 0) warn(name, taskMessages.emptyClasses(empty));
  return { kind: 'multilabel', labels, values };
}

/** Numbers as people write them; `Number` alone would take empty cells, hexadecimal and surrounding blanks. */
const PLAIN_NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function takeNumbers(table: Table, name: string): Targets {
  const column = table.column(name);
  if (column.kind === 'number') return { kind: 'regression', values: column.values };
  const texts = textColumn(table, name);
  const values = Float64Array.from(texts, (text) => (PLAIN_NUMBER.test(text) ? Number(text) : Number.NaN));
  const bad = rowsWhere(table, (i) => !Number.isFinite(values[i]));
  if (bad.length > 0) {
    const shown = [...new Set(texts.filter((_, i) => !Number.isFinite(values[i])))];
    return refuseData({ file: table.file, column: name }, taskMessages.notNumbers(shown, bad));
  }
  return { kind: 'regression', values };
}

function takeTags(
  table: Table,
  name: string,
  inputs: Inputs,
  given: readonly string[] | undefined,
  warn: Warn,
): Targets {
  const tags = listColumn(table, name, 'lists of tags');
  const words = inputs.kind === 'words' ? inputs.words : [];
  const wrong: Diagnostic[] = [];
  tags.forEach((list, i) => {
    const count = words[i]?.length ?? 0;
    const row = table.rowNumbers[i] as number;
    if (list.length === count) return;
    wrong.push(
      diagnostic('error', { file: table.file, column: name, row }, taskMessages.tagCount(row, count, list.length)),
    );
  });
  if (wrong.length > 0) throw new UserError(wrong.slice(0, 20));
  const flat = tags.flat();
  const labels = given ?? sortTags(flat);
  const scheme = bioScheme(labels);
  if (given === undefined && labels.length < 2) {
    return refuseData({ file: table.file, column: name }, taskMessages.singleClass(labels[0] ?? ''));
  }
  const open = scheme === 'bio' ? openEntityRows(tags) : [];
  if (open.length > 0) {
    const rows = [...new Set(open)].map((i) => table.rowNumbers[i] as number);
    warn(name, taskMessages.openEntities(open.length, rows));
  }
  const idOf = new Map(labels.map((label, id) => [label, id]));
  const unseen = rowsWhere(table, (i) => (tags[i] as readonly string[]).some((tag) => !idOf.has(tag)));
  if (unseen.length > 0) warn(name, taskMessages.unseen(sortTags(flat.filter((tag) => !idOf.has(tag))), unseen));
  return {
    kind: 'tokens',
    labels,
    scheme,
    tags: tags.map((list) => Int32Array.from(list, (tag) => idOf.get(tag) ?? IGNORED_LABEL)),
  };
}

/** A column whose rows hold different kinds is refused with the first row that differs. */
export function refuseMixed(
  where: { readonly file: string; readonly column: string },
  { row, expected, found }: Extract<Column, { kind: 'mixed' }>,
): never {
  return refuseData({ ...where, row }, taskMessages.mixedColumn(expected, found));
}

function textColumn(table: Table, name: string): readonly string[] {
  const column = table.column(name);
  const where = { file: table.file, column: name };
  if (column.kind === 'mixed') return refuseMixed(where, column);
  return column.kind === 'text' ? column.values : refuseData(where, taskMessages.columnKind('texts', column.kind));
}

function listColumn(table: Table, name: string, needed: string): readonly (readonly string[])[] {
  const column = table.column(name);
  const where = { file: table.file, column: name };
  if (column.kind === 'mixed') return refuseMixed(where, column);
  return column.kind === 'list' ? column.values : refuseData(where, taskMessages.columnKind(needed, column.kind));
}

/** Labels as texts; whole numbers of JSON lines are labels too. */
function labelTexts(table: Table, name: string): readonly string[] {
  const column = table.column(name);
  if (column.kind !== 'number') return textColumn(table, name);
  const fraction = column.values.find((value) => !Number.isInteger(value));
  if (fraction !== undefined) {
    return refuseData({ file: table.file, column: name }, taskMessages.fractionalLabel(fraction));
  }
  return Array.from(column.values, String);
}
