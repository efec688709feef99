/** `espalier predict`: what a trained model says of some texts. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import { PEFT_CONFIG_FILE } from '../checkpoints/peft/folder.ts';
import { predict } from '../trainer/evaluate.ts';
import { modelGiven } from '../workflow/backbone.ts';
import { CONTAINER_FILE } from '../workflow/container.ts';
import { encodeRows } from '../workflow/data.ts';
import { predictionProgram } from '../workflow/programs.ts';
import { textsDataset } from '../workflow/texts.ts';
import { namedPrediction, type NamedPrediction } from '../workflow/steps/use.ts';
import { openTrained, type OpenRequest, type TrainedModel } from '../workflow/trained.ts';
import { openTrainedPeft } from '../workflow/trainedPeft.ts';
import { jsonLine, line, type CommandContext } from './context.ts';

interface PredictOptions {
  readonly text: readonly string[];
  readonly textPair: readonly string[];
  readonly backbone?: string;
  readonly json?: boolean;
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

export function predictCommand(program: Command, context: CommandContext): void {
  program
    .command('predict')
    .description('what a trained model says of some texts')
    .argument('<run>', 'the folder of a run, an adapter.safetensors, or a PEFT folder')
    .requiredOption('--text <text>', 'a text; may be given several times', collect, [])
    .option('--text-pair <text>', 'the second text of each pair', collect, [])
    .option('--backbone <dir|id>', 'the backbone, when it is not found by its name')
    .option('--json', 'one JSON object for each text')
    .action((run: string, options: PredictOptions) => predictTexts(run, options, context));
}

async function predictTexts(run: string, options: PredictOptions, context: CommandContext): Promise<void> {
  const place = resolve(context.cwd, run);
  const given = options.backbone === undefined ? {} : { backbone: modelGiven(options.backbone, context.cwd) };
  const shared = { toolkit: context.toolkit, threads: 0, ...given };
  const model = existsSync(join(place, PEFT_CONFIG_FILE))
    ? openTrainedPeft({ ...shared, folder: place })
    : openContainerAt(containerOf(place, run), shared);
  try {
    const { data } = model;
    const dataset = textsDataset({ first: options.text, second: options.textPair, file: 'the command line' }, data);
    const set = encodeRows({ dataset, rows: undefined }, model.tokenizer, data.maxLength);
    const use = await model.context(predictionProgram(model.compiled));
    const found = await predict({ ...use, set, batchSize: 32, signal: context.stop }, model.parameters, data.task);
    found.forEach((p, i) => print(options, i, namedPrediction(p, data.labels), context));
  } finally {
    await model.close();
  }
}

const openContainerAt = (file: string, shared: Omit<OpenRequest, 'file' | 'folder'>): TrainedModel =>
  openTrained({ ...shared, file, folder: documentFolder(dirname(file)) });

function containerOf(place: string, shown: string): string {
  const file = existsSync(place) && statSync(place).isDirectory() ? join(place, CONTAINER_FILE) : place;
  if (existsSync(file)) return file;
  throw new UserError({
    code: 'run-missing',
    severity: 'error',
    where: { file: shown },
    message: 'There is no trained model.',
    fix: `Give the folder of a run that has ended, or its ${CONTAINER_FILE}.`,
  });
}

const runSchema = z.looseObject({ document: z.string(), folder: z.string().exactOptional() });

/** The folder of the document that the run was of, which relative backbones are looked for in. */
function documentFolder(folder: string): string {
  const file = join(folder, 'run.json');
  if (!existsSync(file)) return folder;
  try {
    const run = runSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    return run.folder ?? dirname(run.document);
  } catch {
    return folder;
  }
}

function print(options: PredictOptions, i: number, prediction: NamedPrediction, context: CommandContext): void {
  const text = options.text[i] ?? '';
  const pair = options.textPair[i];
  if (options.json) {
    line(context.out, jsonLine({ text, ...(pair === undefined ? {} : { text_pair: pair }), ...prediction }));
    return;
  }
  line(context.out, `${answer(prediction)}\t${text}${pair === undefined ? '' : `\t${pair}`}`);
}

function answer(prediction: NamedPrediction): string {
  const { label, labels, value, tags, probabilities } = prediction as {
    readonly label?: string;
    readonly labels?: readonly string[];
    readonly value?: number;
    readonly tags?: readonly (string | null)[];
    readonly probabilities?: Readonly<Record<string, number>>;
  };
  if (label !== undefined) return `${label} (${(100 * (probabilities?.[label] ?? 0)).toFixed(1)} %)`;
  if (labels !== undefined) return labels.length === 0 ? '(none)' : labels.join(', ');
  if (tags !== undefined) return tags.map((t) => t ?? '?').join(' ');
  return value === undefined ? '' : value.toFixed(4);
}
