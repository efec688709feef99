/** The words of the workflow's findings, in one place. */
import type { Diagnostic, Place, PlaceOfPort, Severity } from '../base/errors.ts';
import type { ArtifactKind } from './stepTypes.ts';

interface More {
  readonly found?: string;
  readonly severity?: Severity;
}

const say = (
  code: string,
  where: Place,
  message: string,
  fix: string,
  { found, severity = 'error' }: More = {},
): Diagnostic => ({
  code,
  severity,
  message,
  where,
  fix,
  ...(found === undefined ? {} : { found }),
});

const KIND_WORDS: { readonly [K in ArtifactKind]: string } = {
  data: 'data',
  model: 'an untrained model',
  trained: 'a trained model',
  metrics: 'figures',
  file: 'a file',
};
const names = (list: readonly string[]): string => (list.length === 0 ? 'none' : list.join(', '));

export const unreadableDocument = (file: string, reason: string): Diagnostic =>
  say('document-unreadable', { file }, 'The document cannot be read.', 'Give the path of an existing document.', {
    found: reason,
  });
export const unknownStepType = (where: Place, type: string, known: readonly string[]): Diagnostic =>
  say(
    'step-type-unknown',
    where,
    `No step type is named "${type}".`,
    `Use one of ${names(known)}, or remove the step; the file keeps it unchanged.`,
  );
export const newerStep = (where: Place, type: string, has: number, knows: number): Diagnostic =>
  say(
    'step-version-newer',
    where,
    `"${type}" is of version ${has}, this program knows version ${knows}.`,
    'Update Espalier.',
  );
export const unknownStepParam = (where: Place, known: readonly string[]): Diagnostic =>
  say(
    'param-unknown',
    where,
    'The step has no such parameter.',
    known.length === 0 ? 'Remove it: the step has none.' : `Use one of ${names(known)}.`,
  );
export const badStepParam = (where: Place, problem: string, fix: string, found: string): Diagnostic =>
  say('param-invalid', where, `The value ${problem}.`, fix, { found });
export const unknownStepPort = (where: Place, side: 'input' | 'output', known: readonly string[]): Diagnostic =>
  say('port-unknown', where, `The step has no such ${side}.`, `It has ${names(known)}.`);
export const wrongArtifact = (where: Place, carries: ArtifactKind, takes: ArtifactKind): Diagnostic =>
  say(
    'wire-kind',
    where,
    `This port takes ${KIND_WORDS[takes]}, the wire carries ${KIND_WORDS[carries]}.`,
    'Connect a port that gives it.',
  );
export const missingStepInput = (where: PlaceOfPort, doc: string): Diagnostic =>
  say('input-missing', where, `The input "${where.port}" is not connected.`, `Connect it: ${doc}.`);
export const tooManyStepWires = (where: Place, count: number): Diagnostic =>
  say('port-single', where, `This port takes one wire, it has ${count}.`, 'Remove all but one.');
export const noModelNamed = (where: Place): Diagnostic =>
  say('model-unnamed', where, 'The step names no model of the document.', 'Set its field "model".');
export const emptyPath = (where: Place): Diagnostic =>
  say('path-missing', where, 'No file is named.', 'Name a file, relative to the folder of the document.');
export const absolutePath = (where: Place, found: string): Diagnostic =>
  say(
    'path-absolute',
    where,
    'A document holds relative paths only.',
    'Write the path relative to the folder of the document.',
    { found },
  );
export const missingFile = (where: Place, file: string): Diagnostic =>
  say(
    'file-missing',
    where,
    'There is no such file.',
    'Correct the path; it is relative to the folder of the document.',
    { found: file },
  );
export const noTextColumn = (where: Place): Diagnostic =>
  say('column-missing', where, 'No text column is named.', 'Name one or two columns in "text".');
export const nothingToRun = (where: Place): Diagnostic =>
  say('workflow-empty', where, 'The workflow has no step.', 'Add steps: a data table, a model and a training step.');
export const noSuchStep = (name: string, known: readonly string[]): Diagnostic =>
  say('step-missing', {}, 'The workflow has no such step.', `Name one of ${names(known)}.`, { found: name });
export const outputsDiffer = (where: Place, head: number, labels: number): Diagnostic =>
  say(
    'head-size',
    where,
    `The head gives ${head} outputs, the data has ${labels} labels.`,
    'Set "outputs" of the head and "classes" of the labels, or connect the data to the model step.',
  );
export const taskDiffers = (where: Place, model: string, data: string): Diagnostic =>
  say(
    'task-differs',
    where,
    `The model is made for ${model}, the data for ${data}.`,
    'Choose the task of the data table that the model is made for.',
  );
export const noLabels = (where: Place): Diagnostic =>
  say('labels-missing', where, 'The data has no label column.', 'Name the column in "label" of the data table.');
export const badContainer = (file: string, reason: string): Diagnostic =>
  say(
    'adapter-unreadable',
    { file },
    'The file is no adapter that this program wrote.',
    'Choose an adapter.safetensors of a run.',
    { found: reason },
  );
export const newerContainer = (file: string, has: number, knows: number): Diagnostic =>
  say(
    'adapter-newer',
    { file },
    `The adapter has format ${has}, this program knows format ${knows}.`,
    'Update Espalier.',
  );
export const noSourceModule = (where: Place, count: number): Diagnostic =>
  say(
    'source-modules',
    where,
    `A source must have one module that can be a source, this adapter has ${count}.`,
    'Train it with one bottleneck in each layer (preset pfeiffer).',
  );
export const layeredSource = (where: Place, param: string): Diagnostic =>
  say(
    'source-layered',
    where,
    `The source's module has another "${param}" in some layers.`,
    'Train the source with one value for all layers.',
  );
export const otherBackbone = (where: Place): Diagnostic =>
  say(
    'backbone-differs',
    where,
    'The adapter was trained on another backbone.',
    'Use the backbone that it was trained on.',
    {},
  );
export const nothingToStartFrom = (where: Place): Diagnostic =>
  say(
    'start-unfit',
    where,
    'The trained modules at "start" have no parameter of this model: other modules, places or sizes.',
    'Start from modules of the same kind, at the same places and of the same rank, or remove the wire.',
  );
export const startsAnew = (where: Place, taken: number, anew: readonly string[]): Diagnostic =>
  say(
    'start-partly',
    where,
    `${taken} of ${taken + anew.length} parameters begin with trained values, the others anew: ${names(anew.slice(0, 8))}${anew.length > 8 ? ', ...' : ''}.`,
    'Nothing needs to be done when the head is new.',
    { severity: 'info' },
  );
export const unknownDevice = (found: string, known: readonly string[]): Diagnostic =>
  say('device-unknown', {}, 'There is no such device.', `Use one of ${names(known)}.`, { found });
export const sourceUnsupported = (where: Place, what: string): Diagnostic =>
  say(
    'source-artifact',
    where,
    `A source that comes from ${what} cannot be run yet.`,
    'Let the source come from a step or from a file beside the document.',
  );
export const cannotFit = (where: Place, reason: string): Diagnostic =>
  say('head-fit', where, 'The head of the model cannot be fitted to the data.', 'Choose a model for this task.', {
    found: reason,
  });
export const notTrainedYet = (where: Place): Diagnostic =>
  say(
    'source-untrained',
    where,
    'The model of this source is not trained yet.',
    'Run the workflow: it trains the sources first.',
  );
export const backboneMissing = (where: Place, found: string): Diagnostic =>
  say(
    'backbone-unavailable',
    where,
    'The backbone is not at hand, so the tensors that the graph reads were not compared with it.',
    'Get it with "espalier models get", or correct its name.',
    { severity: 'warning', found },
  );
export const wrongMetric = (where: Place, found: string, fitting: readonly string[]): Diagnostic =>
  say('metric-task', where, 'This figure does not fit the task and its labels.', `Use one of ${names(fitting)}.`, {
    found,
  });
export const cacheNeedsOff = (where: Place): Diagnostic =>
  say(
    'cache-dropout',
    where,
    'Values of frozen layers change with their dropout, so few of them can be kept for later epochs.',
    'Set frozenDropout to off.',
    { severity: 'warning' },
  );
export const noPeftFiles = (where: Place, reason: string): Diagnostic =>
  say(
    'peft-not-written',
    where,
    'No PEFT files were written beside the adapter, because the graph does not fit into them.',
    'Use the adapter.safetensors.',
    { severity: 'info', found: reason },
  );
export const noBaseModel = (where: Place): Diagnostic =>
  say('peft-base-model', where, 'The folder does not name its base model.', 'Name it with --backbone.');
