/** `espalier new`: a document made from a backbone, data and a method. Nothing is written unless the document is sound. */
import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { readBertConfig, type BertConfig, type Task } from '../../nodes/index.ts';
import { writeFileDurable } from '../base/durable.ts';
import { UserError, type Diagnostic } from '../base/errors.ts';
import { tensorNameAliases } from '../checkpoints/checkpoint.ts';
import { resolveModel } from '../checkpoints/store.ts';
import { guessColumns, type KnownColumns } from '../data/guessColumns.ts';
import { readTable } from '../data/readTable.ts';
import { makeDataset, type Dataset, type TaskKind } from '../data/task.ts';
import { isIdentifier, recordOf } from '../protocol/ids.ts';
import { printDocument } from '../protocol/print.ts';
import type { Params } from '../protocol/document.ts';
import { backboneReference, modelGiven, relativePath } from '../workflow/backbone.ts';
import { checkModels } from '../workflow/check.ts';
import { CONTAINER_FILE, openContainer } from '../workflow/container.ts';
import { checkDocument } from '../workflow/loadDocument.ts';
import { countText, jsonLine, line, requireNoErrors, type CommandContext } from './context.ts';
import { defaultRate, makeDocument, methodNames, type DataChoice, type SourceChoice } from './newDocument.ts';

interface NewOptions {
  readonly backbone: string;
  readonly task?: TaskKind;
  readonly data: string;
  readonly eval?: string;
  readonly textColumn?: string;
  readonly textPairColumn?: string;
  readonly labelColumn?: readonly string[];
  readonly method: string;
  readonly param: readonly string[];
  readonly source: readonly string[];
  readonly epochs?: number;
  readonly batch?: number;
  readonly lr?: number;
  readonly seed?: number;
  readonly maxLength?: number;
  readonly output: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const problem = (code: string, where: Diagnostic['where'], message: string, fix: string, found?: string): UserError =>
  new UserError({ code, severity: 'error', where, message, fix, ...(found === undefined ? {} : { found }) });

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** Numbers of the command line; ranges are checked with the document. */
const numeric =
  (name: string) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value))
      throw problem('option-number', {}, `${name} takes a number.`, 'Give a number.', text);
    return value;
  };

export function newCommand(program: Command, context: CommandContext): void {
  program
    .command('new')
    .description('make a document: a backbone as layers, a method, data, training')
    .requiredOption('--backbone <dir|id>', 'a model folder, or a model of the store ("starter")')
    .addOption(
      new Option('--task <task>', 'what is learned; default: told by the labels').choices([
        'classification',
        'multilabel',
        'regression',
        'tokens',
      ]),
    )
    .requiredOption('--data <file>', 'training data: csv, tsv, json lines, or a token file')
    .option('--eval <file>', 'evaluation data; default: a tenth of the training data')
    .option('--text-column <name>', 'column of the text')
    .option('--text-pair-column <name>', 'column of the second text of a pair')
    .option('--label-column <name>', 'column of the label; several for many 0/1 columns', collect, [])
    .requiredOption('--method <name>', `one of ${methodNames().join(', ')}`)
    .option('--param <name=value>', 'a parameter of the method, such as r=8', collect, [])
    .option('--source <name=file>', 'for mixtures: data of a source task, or an adapter.safetensors', collect, [])
    .option('--epochs <n>', 'passes over the data', numeric('--epochs'))
    .option('--batch <n>', 'examples of one batch', numeric('--batch'))
    .option('--lr <x>', 'learning rate; default: that of the method', numeric('--lr'))
    .option('--seed <n>', 'seed of everything that is drawn', numeric('--seed'))
    .option('--max-length <n>', 'tokens of a text beyond which it is cut', numeric('--max-length'))
    .requiredOption('-o, --output <file>', 'the document to write')
    .option('--force', 'write over a document that is there')
    .option('--json', 'say what was made as one JSON object')
    .action((options: NewOptions) => makeNew(options, context));
}

async function makeNew(options: NewOptions, context: CommandContext): Promise<void> {
  const output = resolve(context.cwd, options.output);
  if (existsSync(output) && options.force !== true) {
    throw problem(
      'output-exists',
      { file: options.output },
      'The file is there already.',
      'Give another name, or --force.',
    );
  }
  const folder = dirname(output);
  const backbone = readBackbone(options.backbone, folder, context.cwd);
  const reasons: string[] = [];
  const data = await readData(options.data, folder, knownColumns(options), context, reasons);
  const evaluation = options.eval === undefined ? undefined : await readEvaluation(options.eval, folder, data, context);
  const sources: SourceChoice[] = [];
  for (const text of options.source) sources.push(await readSource(text, folder, context, reasons));
  const made = makeDocument({
    title: `${options.method} on ${basename(options.data)}`,
    backbone,
    task: taskOf(data.dataset),
    data: data.choice,
    evaluation: evaluation?.choice,
    method: options.method,
    methodParams: options.param.map(splitParam),
    sources,
    training: training(options, options.lr ?? defaultRate(options.method)),
    sourceTraining: training(options, defaultRate('pfeiffer')),
  });
  if (!made.ok)
    throw problem('method', {}, `${made.error}.`, 'See "espalier nodes" for the methods and their parameters.');
  const document = made.value;
  const checked = checkModels({ file: options.output, folder, document }, context.toolkit);
  const diagnostics = [
    ...data.diagnostics,
    ...(evaluation?.diagnostics ?? []),
    ...checkDocument(document, options.output),
    ...checked.diagnostics,
  ];
  requireNoErrors(context, diagnostics, options.json === true);
  writeFileDurable(output, printDocument(document));
  if (!options.eval)
    reasons.push('A tenth of the rows is set aside for evaluation, because no evaluation file was given.');
  const report = checked.models.find((m) => m.model === 'main')?.report;
  const trainable = report?.totals.trainable ?? 0;
  if (options.json) {
    line(context.out, jsonLine({ document: options.output, reasons, trainable_parameters: trainable, diagnostics }));
    return;
  }
  for (const reason of reasons) line(context.out, reason);
  line(
    context.out,
    `Wrote ${options.output}: ${countText(trainable)} of ${countText(report?.totals.parameters ?? 0)} parameters train.`,
  );
  line(context.out, `Train it with: espalier run ${options.output}`);
}

function knownColumns(options: NewOptions): KnownColumns {
  const { textColumn, textPairColumn, labelColumn = [] } = options;
  if (textColumn === undefined && textPairColumn !== undefined) {
    throw problem(
      'option-pair',
      {},
      '--text-pair-column names a second text, but the first one is not named.',
      'Give --text-column too.',
    );
  }
  return {
    ...(options.task === undefined ? {} : { task: options.task }),
    ...(textColumn === undefined
      ? {}
      : { text: [textColumn, ...(textPairColumn === undefined ? [] : [textPairColumn])] }),
    ...(labelColumn.length === 0 ? {} : { label: labelColumn }),
  };
}

function splitParam(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw problem('option-param', {}, '--param takes NAME=VALUE.', 'Write for example --param r=8.', text);
  return [text.slice(0, at), text.slice(at + 1)];
}

function training(options: NewOptions, rate: number): Params {
  const given: readonly (readonly [string, number | undefined])[] = [
    ['epochs', options.epochs],
    ['batch', options.batch],
    ['lr', rate],
    ['seed', options.seed],
    ['maxLength', options.maxLength],
  ];
  return recordOf(given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
}

/** A backbone as a person names it in `cwd`, for a document in `folder`. Throws a `UserError` when it is none that fits. */
export function readBackbone(given: string, folder: string, cwd: string): { reference: string; config: BertConfig } {
  const found = modelGiven(given, cwd);
  const { checkpoint } = resolveModel(found);
  const tensorNames = new Set(tensorNameAliases(checkpoint).keys());
  const read = readBertConfig({ config: checkpoint.config, tensorNames });
  if (!read.ok)
    throw new UserError(
      read.error.map((d) => ({ ...d, where: { file: resolve(checkpoint.folder, d.where.file ?? '') } })),
    );
  return { reference: backboneReference(found, folder), config: read.value };
}

export interface ReadData {
  readonly choice: DataChoice;
  readonly dataset: Dataset;
  readonly diagnostics: readonly Diagnostic[];
}

const readData = (
  file: string,
  folder: string,
  known: KnownColumns,
  context: CommandContext,
  reasons: string[],
): Promise<ReadData> => readChosenData(resolve(context.cwd, file), folder, known, reasons);

/** A data file with its columns chosen; `reasons` gets why. */
export async function readChosenData(
  path: string,
  folder: string,
  known: KnownColumns,
  reasons: string[],
): Promise<ReadData> {
  const table = await readTable(path);
  const guess = guessColumns(table, known);
  reasons.push(...guess.reasons.map((r) => `${basename(path)}: ${r}`));
  const { dataset, diagnostics } = makeDataset(table, guess.columns);
  return { choice: { file: relativePath(path, folder), columns: guess.columns }, dataset, diagnostics };
}

/** Evaluation data has the columns and the labels of the training data. */
async function readEvaluation(
  file: string,
  folder: string,
  training: ReadData,
  context: CommandContext,
): Promise<ReadData> {
  const path = resolve(context.cwd, file);
  const { columns } = training.choice;
  const { targets } = training.dataset;
  const { dataset, diagnostics } = makeDataset(
    await readTable(path),
    columns,
    'labels' in targets ? targets.labels : undefined,
  );
  return { choice: { file: relativePath(path, folder), columns }, dataset, diagnostics };
}

async function readSource(
  text: string,
  folder: string,
  context: CommandContext,
  reasons: string[],
): Promise<SourceChoice> {
  const [name, file] = splitParam(text);
  if (!isIdentifier(name))
    throw problem('source-name', {}, 'This is no name for a source.', 'Use letters, digits, "_" and "-".', name);
  const path = resolve(context.cwd, file);
  if (path.endsWith('.safetensors') || existsSync(resolve(path, CONTAINER_FILE))) {
    const adapter = path.endsWith('.safetensors') ? path : resolve(path, CONTAINER_FILE);
    openContainer(adapter, context.toolkit.registry);
    return { name, kind: 'adapter', file: relativePath(adapter, folder) };
  }
  const data = await readData(file, folder, {}, context, reasons);
  return { name, kind: 'data', data: data.choice };
}

export function taskOf({ targets }: Dataset): Task {
  switch (targets.kind) {
    case 'classification':
    case 'multilabel':
    case 'tokens':
      return { kind: targets.kind, classes: targets.labels.length };
    case 'regression':
      return { kind: 'regression' };
    case 'none':
      throw problem('labels-missing', {}, 'The data has no label column.', 'Name it with --label-column.');
  }
}
