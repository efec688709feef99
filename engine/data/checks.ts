/** Findings about whole data sets before training: balance, repetitions, leaks between files, texts that are cut. */
import type { Diagnostic } from '../base/errors.ts';
import type { EncodedDataset } from './encode.ts';
import { diagnostic, type Problem } from './messages.ts';
import type { Dataset, Targets } from './task.ts';
import { checkMessages } from './taskMessages.ts';

export type Balance =
  | { readonly kind: 'classes'; readonly counts: readonly { readonly label: string; readonly count: number }[] }
  | {
      readonly kind: 'numbers';
      readonly min: number;
      readonly max: number;
      readonly mean: number;
      readonly std: number;
    }
  | { readonly kind: 'none' };

export interface SplitReport {
  readonly rows: number;
  readonly balance: Balance;
  /** Rows that repeat the text of an earlier row. */
  readonly duplicates: number;
  /** Rows whose text also stands with another label. */
  readonly conflicts: number;
  /** Examples that the length limit cut; absent when nothing was encoded. */
  readonly truncated?: number;
}

export interface DataReport {
  readonly train: SplitReport;
  readonly eval?: SplitReport;
  /** Evaluation rows whose text also stands in the training data. */
  readonly leaks: number;
  readonly diagnostics: readonly Diagnostic[];
}

export interface SplitInput {
  readonly dataset: Dataset;
  readonly encoded?: EncodedDataset;
}

/** A class below this share of an even one is worth a remark. */
const SMALL_CLASS = 0.2;

export function checkData(train: SplitInput, evaluation?: SplitInput): DataReport {
  const diagnostics: Diagnostic[] = [];
  const trainReport = checkSplit(train, diagnostics);
  if (evaluation === undefined) return { train: trainReport, leaks: 0, diagnostics };
  const evalReport = checkSplit(evaluation, diagnostics);
  const known = new Set(texts(train.dataset));
  const leaked = texts(evaluation.dataset).flatMap((text, i) =>
    known.has(text) ? [evaluation.dataset.rowNumbers[i] as number] : [],
  );
  if (leaked.length > 0) {
    const problem = checkMessages.leak(leaked.length, evaluation.dataset.rows, leaked);
    diagnostics.push(diagnostic('warning', { file: evaluation.dataset.file }, problem));
  }
  return { train: trainReport, eval: evalReport, leaks: leaked.length, diagnostics };
}

function checkSplit({ dataset, encoded }: SplitInput, diagnostics: Diagnostic[]): SplitReport {
  const say = (severity: 'warning' | 'info', problem: Problem): void => {
    diagnostics.push(diagnostic(severity, { file: dataset.file }, problem));
  };
  const balance = balanceOf(dataset.targets);
  if (balance.kind === 'classes' && dataset.targets.kind === 'classification') {
    const total = balance.counts.reduce((sum, { count }) => sum + count, 0);
    const least = balance.counts.filter(({ count }) => count > 0).sort((a, b) => a.count - b.count)[0];
    if (least !== undefined && least.count * balance.counts.length < SMALL_CLASS * total) {
      say('info', checkMessages.imbalance(least.label, least.count / total));
    }
  }
  const first = new Map<string, number>();
  let duplicates = 0;
  const conflicting: number[] = [];
  texts(dataset).forEach((text, i) => {
    const earlier = first.get(text);
    if (earlier === undefined) {
      first.set(text, i);
      return;
    }
    duplicates += 1;
    if (targetKey(dataset.targets, earlier) !== targetKey(dataset.targets, i)) {
      conflicting.push(dataset.rowNumbers[i] as number);
    }
  });
  if (duplicates > 0) say('info', checkMessages.duplicates(duplicates));
  if (conflicting.length > 0) say('warning', checkMessages.conflicts(conflicting));
  const report = { rows: dataset.rows, balance, duplicates, conflicts: conflicting.length };
  if (encoded === undefined) return report;
  const truncated = encoded.cut.reduce((sum, cut) => sum + (cut > 0 ? 1 : 0), 0);
  if (truncated > 0) say('warning', checkMessages.truncated(truncated, dataset.rows, encoded.maxLength));
  return { ...report, truncated };
}

/** One string for each example that is equal when the texts are, but for blanks around them. */
function texts({ inputs }: Dataset): readonly string[] {
  if (inputs.kind === 'words') return inputs.words.map((words) => words.join('\0'));
  return inputs.first.map((text, i) => {
    const second = inputs.second?.[i];
    return second === undefined ? text.trim() : `${text.trim()}\0${second.trim()}`;
  });
}

function targetKey(targets: Targets, row: number): string {
  switch (targets.kind) {
    case 'classification':
      return String(targets.classes[row]);
    case 'regression':
      return String(targets.values[row]);
    case 'multilabel':
      return targets.values.subarray(row * targets.labels.length, (row + 1) * targets.labels.length).join();
    case 'tokens':
      return (targets.tags[row] as Int32Array).join();
    case 'none':
      return '';
  }
}

function balanceOf(targets: Targets): Balance {
  switch (targets.kind) {
    case 'none':
      return { kind: 'none' };
    case 'regression': {
      const { values } = targets;
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
      return {
        kind: 'numbers',
        min: values.reduce((a, b) => Math.min(a, b), Infinity),
        max: values.reduce((a, b) => Math.max(a, b), -Infinity),
        mean,
        std: Math.sqrt(variance),
      };
    }
    case 'classification':
      return { kind: 'classes', counts: countClasses(targets.labels, [targets.classes]) };
    case 'tokens':
      return { kind: 'classes', counts: countClasses(targets.labels, targets.tags) };
    case 'multilabel': {
      const counts = targets.labels.map((label, id) => {
        let count = 0;
        for (let at = id; at < targets.values.length; at += targets.labels.length)
          count += targets.values[at] as number;
        return { label, count };
      });
      return { kind: 'classes', counts };
    }
  }
}

function countClasses(
  labels: readonly string[],
  lists: readonly Int32Array[],
): readonly { readonly label: string; readonly count: number }[] {
  const counts = new Int32Array(labels.length);
  for (const list of lists) for (const id of list) if (id >= 0) counts[id] = (counts[id] as number) + 1;
  return labels.map((label, id) => ({ label, count: counts[id] as number }));
}
