/** The steps that use a trained model: evaluation, prediction, export. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileDurable } from '../../base/durable.ts';
import { must, UserError, type Diagnostic } from '../../base/errors.ts';
import { evaluateModel, predict, type Prediction } from '../../trainer/evaluate.ts';
import type { MetricName } from '../../metrics/metrics.ts';
import { CONTAINER_FILE } from '../container.ts';
import { encodedFolder, encodeRows, readData, taskOfData, type DataArtifact } from '../data.ts';
import * as messages from '../messages.ts';
import { evaluationProgram, predictionProgram } from '../programs.ts';
import type { TrainedModel } from '../trained.ts';

export type Figures = Readonly<Record<string, number | null>>;

interface UseRequest {
  readonly model: TrainedModel;
  readonly data: DataArtifact;
  readonly batch: number;
  readonly home?: string;
  readonly signal: AbortSignal;
  readonly report: (d: Diagnostic) => void;
}

const figure = (x: number): number | null => (Number.isFinite(x) ? x : null);

/** Figures of a trained model on labelled data. */
export async function evaluateStep(request: UseRequest): Promise<Figures> {
  const { model, batch, signal, home } = request;
  const { labels, task, maxLength } = model.data;
  const rows = await readData(request.data, labels, request.report);
  const found = taskOfData(rows.dataset).kind;
  if (found !== task) throw new UserError(messages.taskDiffers({ file: request.data.file }, task, found));
  const set = encodeRows(rows, model.tokenizer, maxLength, encodedFolder(home));
  const context = { ...(await model.context(evaluationProgram(model.compiled))), set, batchSize: batch, signal };
  const primary = model.primary === '' ? undefined : (model.primary as MetricName);
  const { metrics, loss } = await evaluateModel(context, model.parameters, model.compiled.losses, primary);
  const figures = [...metrics.figures].map(([name, value]) => [name, figure(value)] as const);
  return Object.fromEntries(loss === undefined ? figures : [...figures, ['loss', figure(loss)] as const]);
}

/** An answer as people and files get it: names instead of numbers. */
export type NamedPrediction = Readonly<Record<string, unknown>>;

export function namedPrediction(prediction: Prediction, labels: readonly string[]): NamedPrediction {
  const name = (i: number): string => must(labels[i], `label ${i}`);
  const byLabel = (p: Float32Array): Record<string, number> =>
    Object.fromEntries(labels.map((label, i) => [label, p[i] ?? 0]));
  switch (prediction.kind) {
    case 'classification':
      return { label: name(prediction.label), probabilities: byLabel(prediction.probabilities) };
    case 'multilabel':
      return { labels: prediction.labels.map(name), probabilities: byLabel(prediction.probabilities) };
    case 'regression':
      return { value: prediction.value };
    case 'tokens':
      return { tags: prediction.tags.map((t) => (t === undefined ? null : name(t))) };
  }
}

/** The data without its labels: predictions need none. */
export const unlabelled = (data: DataArtifact): DataArtifact => ({ ...data, columns: { ...data.columns, label: [] } });

/** The answers for data, in its order. Labels are not read. */
export async function predictStep(
  request: UseRequest,
): Promise<readonly (NamedPrediction & { readonly row: number })[]> {
  const { model, batch, signal, home } = request;
  const { labels, task, maxLength } = model.data;
  const rows = await readData(unlabelled(request.data), labels, request.report);
  const set = encodeRows(rows, model.tokenizer, maxLength, encodedFolder(home));
  const context = { ...(await model.context(predictionProgram(model.compiled))), set, batchSize: batch, signal };
  const predictions = await predict(context, model.parameters, task);
  return predictions.map((p, i) => {
    const example = rows.rows?.[i] ?? i;
    return { row: rows.dataset.rowNumbers[example] as number, ...namedPrediction(p, labels) };
  });
}

/** One prediction on a line. */
export function writePredictions(path: string, predictions: readonly NamedPrediction[]): void {
  writeFileDurable(path, predictions.map((p) => `${JSON.stringify(p)}\n`).join(''));
}

/** Copies of a trained model for other programs. */
export function exportStep(container: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  copyFileSync(container, join(folder, CONTAINER_FILE));
}
