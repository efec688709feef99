/** What a command gets: where it writes, whether as JSON, and how it is asked to stop. Commands never touch `process` else. */
import { formatDiagnostic, UserError, type Diagnostic } from '../base/errors.ts';
import type { CustomNodes } from '../sandbox/customNodes.ts';
import type { ImportToolkit } from '../workflow/peftImport.ts';

export const EXIT = { done: 0, input: 1, internal: 2, stopped: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface CommandContext {
  readonly toolkit: ImportToolkit;
  /** The custom nodes of the workspace, which the toolkit's registry has too. */
  readonly custom: CustomNodes;
  /** The folder that paths of the command line are relative to. */
  readonly cwd: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether a progress bar may be drawn. */
  readonly terminal: boolean;
  /** Aborted when the person asks to stop. */
  readonly stop: AbortSignal;
}

export const line = (write: (text: string) => void, text: string): void => write(`${text}\n`);

/** One JSON value on one line; numbers that JSON cannot hold become null. */
export const jsonLine = (value: unknown): string => JSON.stringify(value);

export const hasErrors = (diagnostics: readonly Diagnostic[]): boolean =>
  diagnostics.some((d) => d.severity === 'error');

/** Prints findings for people; on standard error, so that standard output holds results only. */
export function printDiagnostics(context: CommandContext, diagnostics: readonly Diagnostic[]): void {
  for (const d of diagnostics) line(context.err, formatDiagnostic(d));
}

/** Stops with the findings when one of them is an error; prints the others. */
export function requireNoErrors(context: CommandContext, diagnostics: readonly Diagnostic[], json: boolean): void {
  if (hasErrors(diagnostics)) throw new UserError(diagnostics);
  if (!json) printDiagnostics(context, diagnostics);
}

/** `12.3 MB`, `4 kB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = -1;
  while (value >= 1000 && unit + 1 < units.length) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${units[unit] ?? ''}`;
}

/** `1.2 M`, `345`. */
export function countText(n: number): string {
  const units: readonly (readonly [number, string])[] = [
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ];
  const [size, name] = units.find(([u]) => n >= u) ?? [1, ''];
  return size === 1 ? String(n) : `${(n / size).toFixed(n / size < 10 ? 2 : 1)} ${name}`;
}

/** Columns of text, the first to the left and numbers to the right. */
export function tableText(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  left: readonly number[] = [0],
): string {
  const widths = header.map((h, i) => Math.max(h.length, ...rows.map((r) => r[i]?.length ?? 0)));
  const lineOf = (cells: readonly string[]): string =>
    cells
      .map((c, i) => (left.includes(i) ? c.padEnd(widths[i] ?? 0) : c.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [lineOf(header), ...rows.map(lineOf)].join('\n');
}
