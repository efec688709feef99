/** Which columns hold the texts and the labels, by their names and contents, each with the reason in words. */
import { must } from '../base/errors.ts';
import { refuseData, shown } from './messages.ts';
import type { Column, Table } from './table.ts';
import { refuseMixed, type TaskColumns, type TaskKind } from './task.ts';
import { taskMessages } from './taskMessages.ts';

export interface ColumnGuess {
  readonly columns: TaskColumns;
  /** One sentence for each choice that was not given. */
  readonly reasons: readonly string[];
}

/** What the person has decided already; everything left out is guessed. */
export interface KnownColumns {
  readonly task?: TaskKind;
  readonly text?: readonly string[];
  readonly label?: readonly string[];
}

const PAIRS: readonly (readonly [string, string])[] = [
  ['sentence1', 'sentence2'],
  ['question1', 'question2'],
  ['premise', 'hypothesis'],
  ['question', 'sentence'],
  ['question', 'passage'],
  ['text1', 'text2'],
  ['text_a', 'text_b'],
];
const TEXTS = [
  'text',
  'sentence',
  'content',
  'review',
  'tweet',
  'comment',
  'message',
  'body',
  'document',
  'description',
];
const MORE_TEXTS = ['question', 'title', 'headline', 'news_title', 'utterance', 'query', 'input'];
const TOKENS = ['tokens', 'words'];
const LABELS = ['label', 'labels', 'class', 'category', 'target', 'score', 'stance', 'sentiment', 'intent', 'topic'];
const TAGS = ['tags', 'ner_tags', 'labels', 'pos_tags'];

export function guessColumns(table: Table, known: KnownColumns = {}): ColumnGuess {
  const reasons: string[] = [];
  const task = known.task ?? guessTask(table, known, reasons);
  const text = known.text ?? guessText(table, task, known.label ?? [], reasons);
  const label = known.label ?? guessLabel(table, task, text, reasons);
  return { columns: { task, text, label }, reasons };
}

/** The column of one of `names`, whatever its case. */
function named(table: Table, names: readonly string[], kinds: readonly Column['kind'][]): string | undefined {
  for (const name of names) {
    const found = table.columns.find((column) => column.toLowerCase() === name);
    if (found !== undefined && kinds.includes(table.column(found).kind)) return found;
  }
  return undefined;
}

function guessTask(table: Table, known: KnownColumns, reasons: string[]): TaskKind {
  const says = (task: TaskKind, reason: string): TaskKind => {
    reasons.push(`The task is ${task}, because ${reason}.`);
    return task;
  };
  if (known.label !== undefined && known.label.length > 1) return says('multilabel', 'several label columns are named');
  const tokens = known.text?.[0] ?? named(table, TOKENS, ['list']);
  if (tokens !== undefined && table.column(tokens).kind === 'list') {
    return says('tokens', `column ${shown(tokens)} holds lists of tokens`);
  }
  const label = known.label?.[0] ?? named(table, LABELS, ['text', 'number', 'list']);
  if (label === undefined) return says('classification', 'no label column tells otherwise');
  const column = table.column(label);
  if (column.kind === 'list') return says('multilabel', `column ${shown(label)} holds lists of labels`);
  const values =
    column.kind === 'number' ? Array.from(column.values, String) : column.kind === 'text' ? column.values : [];
  const fraction = values.find((value) => /^-?\d*\.\d+$/.test(value) && !/\.0+$/.test(value));
  const numeric = values.every((value) => value !== '' && Number.isFinite(Number(value)));
  return numeric && fraction !== undefined
    ? says('regression', `column ${shown(label)} holds numbers such as ${fraction}`)
    : says('classification', `column ${shown(label)} holds ${new Set(values).size} different labels`);
}

function guessText(table: Table, task: TaskKind, label: readonly string[], reasons: string[]): readonly string[] {
  const says = (columns: readonly string[], reason: string): readonly string[] => {
    reasons.push(`The text is ${columns.map(shown).join(' and ')}, because ${reason}.`);
    return columns;
  };
  if (task === 'tokens') {
    const tokens = named(table, TOKENS, ['list']);
    if (tokens !== undefined) return says([tokens], 'that is a usual name for lists of tokens');
    const lists = table.columns.filter((name) => table.column(name).kind === 'list' && !label.includes(name));
    if (lists.length > 0) return says([lists[0] as string], 'it is the first column with lists');
    return cannotTell(table, 'the tokens');
  }
  for (const pair of PAIRS) {
    const [a, b] = pair.map((name) => named(table, [name], ['text']));
    if (a !== undefined && b !== undefined && !label.includes(a) && !label.includes(b)) {
      return says([a, b], 'these are usual names for a pair of texts');
    }
  }
  const usual = named(
    table,
    [...TEXTS, ...MORE_TEXTS].filter((name) => !label.includes(name)),
    ['text'],
  );
  if (usual !== undefined) return says([usual], 'that is a usual name for a text');
  const isLabel = (name: string): boolean => label.includes(name) || LABELS.includes(name.toLowerCase());
  const candidates = table.columns.filter((name) => table.column(name).kind === 'text' && !isLabel(name));
  const longest = candidates
    .map((name) => ({ name, length: meanLength(table.column(name)) }))
    .sort((a, b) => b.length - a.length);
  const [best, next] = longest;
  if (best !== undefined && (next === undefined || best.length > 3 * next.length)) {
    return says([best.name], 'it has by far the longest texts');
  }
  return cannotTell(table, 'the text');
}

function guessLabel(table: Table, task: TaskKind, text: readonly string[], reasons: string[]): readonly string[] {
  const says = (column: string, reason: string): readonly string[] => {
    reasons.push(`The label is ${shown(column)}, because ${reason}.`);
    return [column];
  };
  const kinds = task === 'tokens' || task === 'multilabel' ? (['list'] as const) : (['text', 'number'] as const);
  const usual = named(
    table,
    (task === 'tokens' ? TAGS : LABELS).filter((name) => !text.includes(name)),
    kinds,
  );
  if (usual !== undefined) return says(usual, `that is a usual name for ${task === 'tokens' ? 'tags' : 'a label'}`);
  const rest = table.columns.filter(
    (name) => !text.includes(name) && kinds.some((kind) => kind === table.column(name).kind),
  );
  if (rest.length === 1) return says(must(rest[0], 'one column is left'), 'it is the only other column');
  return cannotTell(table, 'the label');
}

/** A column of a usual name that cannot be used is the likelier reason than its absence. */
function cannotTell(table: Table, what: string): never {
  const usual = [...TEXTS, ...MORE_TEXTS, ...TOKENS, ...LABELS, ...TAGS];
  for (const name of table.columns) {
    const column = table.column(name);
    if (column.kind !== 'mixed' || !usual.includes(name.toLowerCase())) continue;
    return refuseMixed({ file: table.file, column: name }, column);
  }
  return refuseData({ file: table.file }, taskMessages.noGuess(what, table.columns));
}

function meanLength(column: Column): number {
  if (column.kind !== 'text') return 0;
  return column.values.reduce((sum, text) => sum + text.length, 0) / Math.max(1, column.values.length);
}
