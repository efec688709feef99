/** What a trained model says of texts that somebody typed, and of the rows of a file. The last model stays open. */
import { statSync } from 'node:fs';
import { writeFileDurable } from '../../../base/durable.ts';
import { UserError } from '../../../base/errors.ts';
import { guessColumns } from '../../../data/guessColumns.ts';
import { readTable } from '../../../data/readTable.ts';
import { makeDataset, type Dataset, type TaskColumns } from '../../../data/task.ts';
import type { Table } from '../../../data/table.ts';
import type { TryResult } from '../../../protocol/api/runs.ts';
import { predict, type Prediction } from '../../../trainer/evaluate.ts';
import { problem } from '../../problems.ts';
import type { ContainerData } from '../../../workflow/container.ts';
import { encodeRows } from '../../../workflow/data.ts';
import type { ImportToolkit } from '../../../workflow/peftImport.ts';
import { predictionProgram } from '../../../workflow/programs.ts';
import { textsDataset, wordsOf } from '../../../workflow/texts.ts';
import { openTrained, type TrainedModel } from '../../../workflow/trained.ts';
import type { PredictFileQuestion, TryQuestion } from '../questions.ts';
import type { DoneSteps } from './steps.ts';

type Use = Awaited<ReturnType<TrainedModel['context']>>;

const BATCH = 32;

export class Predictor {
  readonly #toolkit: ImportToolkit;
  readonly #home: string;
  #open: { readonly key: string; readonly model: TrainedModel; readonly use: Use } | undefined;

  constructor(toolkit: ImportToolkit, home: string) {
    this.#toolkit = toolkit;
    this.#home = home;
  }

  async try(steps: DoneSteps, { texts, pairs }: TryQuestion): Promise<readonly TryResult[]> {
    const { model, use } = await this.#opened(steps);
    const dataset = textsDataset({ first: texts, second: pairs, file: 'the texts' }, model.data);
    const from = performance.now();
    const found = await this.#predict(model, use, dataset);
    const milliseconds = (performance.now() - from) / texts.length;
    return found.map((p, i) => ({ text: texts[i] ?? '', ...resultOf(p, model.data, texts[i] ?? ''), milliseconds }));
  }

  /** Writes the rows of a file with the answers beside them; gives their number. */
  async file(steps: DoneSteps, question: PredictFileQuestion): Promise<{ readonly rows: number }> {
    const { model, use } = await this.#opened(steps);
    const table = await readTable(question.data, { badRows: 'setAside' });
    const columns = columnsFor(table, model.data, question.shown);
    const { dataset } = makeDataset(table, columns);
    const found = await this.#predict(model, use, dataset);
    writeFileDurable(question.output, csvLines(table, model.data, found));
    return { rows: found.length };
  }

  async close(): Promise<void> {
    await this.#open?.model.close();
    this.#open = undefined;
  }

  #predict(model: TrainedModel, use: Use, dataset: Dataset): Promise<readonly Prediction[]> {
    const set = encodeRows({ dataset, rows: undefined }, model.tokenizer, model.data.maxLength);
    return predict({ ...use, set, batchSize: BATCH }, model.parameters, model.data.task);
  }

  async #opened(steps: DoneSteps): Promise<{ readonly model: TrainedModel; readonly use: Use }> {
    const { container } = steps.lastTrained();
    const key = `${container} ${statSync(container).mtimeMs}`;
    if (this.#open?.key === key) return this.#open;
    await this.close();
    const { folder } = steps.loaded;
    const model = openTrained({ file: container, toolkit: this.#toolkit, folder, home: this.#home, threads: 0 });
    const use = await model.context(predictionProgram(model.compiled));
    this.#open = { key, model, use };
    return this.#open;
  }
}

function resultOf(p: Prediction, data: ContainerData, text: string): Omit<TryResult, 'text' | 'milliseconds'> {
  const byLabel = (values: Float32Array): Record<string, number> =>
    Object.fromEntries(data.labels.map((label, i) => [label, values[i] ?? 0]));
  const name = (i: number | undefined): string => (i === undefined ? '' : (data.labels[i] ?? ''));
  switch (p.kind) {
    case 'classification':
      return { label: name(p.label), scores: byLabel(p.probabilities) };
    case 'multilabel':
      return { label: p.labels.map(name).join(', '), scores: byLabel(p.probabilities) };
    case 'regression':
      return { scores: {}, value: p.value };
    case 'tokens':
      return { scores: {}, tags: wordsOf(text).map((word, i) => ({ word, tag: name(p.tags[i]) })) };
  }
}

/** The columns that the model was trained on when the file has them, else those that look like texts. */
function columnsFor(table: Table, data: ContainerData, shown: string): TaskColumns {
  const has = data.text.every((column) => table.columns.includes(column));
  if (has) return { task: data.task, text: data.text, label: [] };
  const guessed = guessColumns(table, { task: data.task, label: [] }).columns.text;
  if (guessed.length === data.text.length) return { task: data.task, text: guessed, label: [] };
  throw new UserError(
    problem(
      'predict-columns',
      `The model reads ${data.text.map((c) => `"${c}"`).join(' and ')}, and the file has no such columns.`,
      'Rename the columns of the file.',
      { where: { file: shown }, found: table.columns.join(', ') },
    ),
  );
}

function* csvLines(table: Table, data: ContainerData, found: readonly Prediction[]): Generator<Uint8Array> {
  const line = (cells: readonly string[]): Uint8Array => Buffer.from(`${cells.map(csvCell).join(',')}\n`, 'utf8');
  const answers = answerColumns(data);
  const own = table.columns.map((name) => table.column(name));
  yield line([...table.columns, ...answers.map((name) => freeName(name, table.columns))]);
  for (const [i, prediction] of found.entries()) {
    const cells = own.map((column) => {
      if (column.kind === 'mixed') return '';
      const value = column.values[i];
      return Array.isArray(value) ? value.join(' ') : String(value ?? '');
    });
    yield line([...cells, ...answerCells(prediction, data)]);
  }
}

const freeName = (name: string, taken: readonly string[]): string =>
  taken.includes(name) ? freeName(`${name}_`, taken) : name;

const answerColumns = ({ task, labels }: ContainerData): readonly string[] =>
  task === 'regression' || task === 'tokens' ? ['prediction'] : ['prediction', ...labels.map((l) => `p(${l})`)];

function answerCells(p: Prediction, data: ContainerData): readonly string[] {
  const shares = (values: Float32Array): string[] => Array.from(values, (x) => x.toFixed(6));
  switch (p.kind) {
    case 'classification':
      return [data.labels[p.label] ?? '', ...shares(p.probabilities)];
    case 'multilabel':
      return [p.labels.map((i) => data.labels[i] ?? '').join('; '), ...shares(p.probabilities)];
    case 'regression':
      return [String(p.value)];
    case 'tokens':
      return [p.tags.map((tag) => (tag === undefined ? '' : (data.labels[tag] ?? ''))).join(' ')];
  }
}

const csvCell = (text: string): string => (/[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
