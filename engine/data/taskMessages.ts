/** What turning columns into examples says to people. */
import { counted, listed, rowList, shown, type Problem } from './messages.ts';

const rowsOf = (rows: readonly number[]): string => `${counted(rows.length, 'row')}: ${rowList(rows)}`;

export const taskMessages = {
  mixedColumn: (expected: string, found: string): Problem => ({
    code: 'column-mixed',
    message: `The column begins with ${expected}, but a later row has something else or nothing.`,
    found,
    fix: 'Give every row a value of one kind, or choose another column.',
  }),
  columnKind: (needed: string, kind: string): Problem => ({
    code: 'column-kind',
    message: `The column must hold ${needed}.`,
    found: `a column of ${kind === 'list' ? 'lists' : `${kind}s`}`,
    fix: 'Choose another column, or another task.',
  }),
  noGuess: (what: string, columns: readonly string[]): Problem => ({
    code: 'column-guess',
    message: `Which column holds ${what} cannot be told.`,
    found: listed(columns),
    fix: `Name the column (--text-column, --label-column).`,
  }),
  textCount: (count: number): Problem => ({
    code: 'column-text-count',
    message: 'An example has one text or a pair of texts.',
    found: counted(count, 'column'),
    fix: 'Name one or two text columns.',
  }),
  emptyLabels: (rows: readonly number[]): Problem => ({
    code: 'label-empty',
    message: 'Some rows have no label.',
    found: rowsOf(rows),
    fix: 'Fill in the labels, or remove these rows.',
  }),
  singleClass: (label: string): Problem => ({
    code: 'label-single-class',
    message: 'All rows have the same label, so there is nothing to learn.',
    found: shown(label),
    fix: 'Give examples of at least two labels, or choose another label column.',
  }),
  notClasses: (classes: number, rows: number): Problem => ({
    code: 'label-not-classes',
    message: 'Nearly every row has a label of its own, so the column is not a label.',
    found: `${classes} different values in ${rows} rows`,
    fix: 'Choose the label column; for numbers choose the task regression.',
  }),
  fractionalLabel: (value: number): Problem => ({
    code: 'label-fraction',
    message: 'The label column holds fractions, which are not classes.',
    found: String(value),
    fix: 'Choose the task regression, or a column with classes.',
  }),
  unseen: (labels: readonly string[], rows: readonly number[]): Problem => ({
    code: 'label-unseen',
    message: 'Some labels of the evaluation data do not occur in the training data; their rows count for no metric.',
    found: `${listed(labels)} in ${rowsOf(rows)}`,
    fix: 'Add training examples with these labels, or remove the rows.',
  }),
  emptyClasses: (labels: readonly string[]): Problem => ({
    code: 'label-empty-class',
    message: 'Some labels have no example.',
    found: listed(labels),
    fix: 'Add examples, or leave the labels out.',
  }),
  duplicateLabels: (labels: readonly string[]): Problem => ({
    code: 'label-duplicate',
    message: 'The list of labels names a label twice.',
    found: listed(labels),
    fix: 'Name each label once.',
  }),
  notNumbers: (values: readonly string[], rows: readonly number[]): Problem => ({
    code: 'label-not-number',
    message: 'Some labels are not finite numbers.',
    found: `${listed(values, 5)} in ${rowsOf(rows)}`,
    fix: values.some((value) => /^-?\d+,\d+$/.test(value))
      ? 'Write numbers with a point (3.5), not with a comma.'
      : 'Write plain numbers such as 3.5, or choose the task classification.',
  }),
  notBinary: (rows: readonly number[], value: string): Problem => ({
    code: 'label-not-binary',
    message: 'A column for one label of many must hold 0 or 1.',
    found: `${shown(value)}; ${rowsOf(rows)}`,
    fix: 'Write 1 where the label applies and 0 where it does not.',
  }),
  tagCount: (row: number, words: number, tags: number): Problem => ({
    code: 'tags-count',
    message: 'A sentence has another number of tags than of tokens.',
    found: `${words} tokens and ${tags} tags in row ${row}`,
    fix: 'Give each token one tag.',
  }),
  openEntities: (count: number, rows: readonly number[]): Problem => ({
    code: 'tags-inside-first',
    message: `${counted(count, 'tag')} begin an entity with I- instead of B-; they are read as the begin of one.`,
    found: rowsOf(rows),
    fix: 'Nothing has to be done; correct the tags if the entities matter.',
  }),
  emptyTexts: (rows: readonly number[]): Problem => ({
    code: 'text-empty',
    message: 'Some texts are empty.',
    found: rowsOf(rows),
    fix: 'Remove the rows if they teach nothing.',
  }),
  replacementCharacters: (rows: readonly number[]): Problem => ({
    code: 'text-replacement-character',
    message: 'Some texts hold the character U+FFFD, which stands for bytes that an earlier program could not read.',
    found: rowsOf(rows),
    fix: 'Get these rows from their source again if they matter.',
  }),
};

export const checkMessages = {
  duplicates: (extra: number): Problem => ({
    code: 'data-duplicates',
    message: `${counted(extra, 'row')} repeat the text of an earlier row.`,
    fix: 'Remove repetitions if they are not meant.',
  }),
  conflicts: (rows: readonly number[]): Problem => ({
    code: 'data-conflicts',
    message: 'The same text has different labels.',
    found: rowsOf(rows),
    fix: 'Decide on one label for each text.',
  }),
  leak: (count: number, total: number, rows: readonly number[]): Problem => ({
    code: 'data-leak',
    message: `${count} of ${counted(total, 'evaluation row')} also stand in the training data, so the metrics will look better than they are.`,
    found: `rows ${rowList(rows)}`,
    fix: 'Remove them from one of the two files.',
  }),
  truncated: (count: number, total: number, maxLength: number): Problem => ({
    code: 'data-truncated',
    message: `${count} of ${counted(total, 'text')} are longer than ${maxLength} tokens and are cut.`,
    fix: 'Raise the length limit if the ends matter.',
  }),
  imbalance: (label: string, share: number): Problem => ({
    code: 'data-imbalance',
    message: `The label ${shown(label)} has only ${(100 * share).toFixed(1)} % of the rows.`,
    fix: 'Judge by macro F1 or Matthews rather than by accuracy.',
  }),
};
