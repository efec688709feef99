/** Lines of a run's log: their level, time and text. */
import type { Diagnostic, Severity } from '../../engine/base/errors.ts';
import type { LogLine, RunSummary } from '../../engine/protocol/api/runs.ts';
import { formatClock } from './words.ts';

export type LogLevel = Severity;

/** A line without a finding is information. */
export const levelOf = (line: LogLine): LogLevel => line.diagnostic?.severity ?? 'info';

export interface LogFilter {
  readonly search: string;
  /** Lines of this level and those that matter more. */
  readonly level: LogLevel;
}

const RANK: Readonly<Record<LogLevel, number>> = { info: 0, warning: 1, error: 2 };

export function filterLog(lines: readonly LogLine[], filter: LogFilter): readonly LogLine[] {
  const search = filter.search.trim().toLowerCase();
  if (search === '' && filter.level === 'info') return lines;
  return lines.filter(
    (line) =>
      RANK[levelOf(line)] >= RANK[filter.level] && (search === '' || lineText(line).toLowerCase().includes(search)),
  );
}

/** The lines of a run, and what became of it where it could not say so itself, because its process was gone. */
export function withEnd(
  lines: readonly LogLine[],
  run: Pick<RunSummary, 'diagnostics' | 'seconds'>,
): readonly LogLine[] {
  const untold = run.diagnostics.filter((d) => !lines.some((l) => l.diagnostic?.message === d.message));
  if (untold.length === 0) return lines;
  const last = lines.at(-1);
  const seconds = Math.max(run.seconds, last?.seconds ?? 0);
  return [...lines, ...untold.map((diagnostic) => lineOf(diagnostic, last?.at ?? '', seconds))];
}

const lineOf = (diagnostic: Diagnostic, at: string, seconds: number): LogLine => ({
  kind: 'log',
  at,
  seconds,
  text: diagnostic.message,
  diagnostic,
});

/** A finding as one text: where it is, what is wrong, what was found and what to do. */
export function diagnosticText({ message, found, fix, where }: Diagnostic): string {
  // The name alone: a path of the machine says nothing more and is long.
  const file = where.file?.split(/[\\/]/).at(-1);
  const place = file === undefined ? '' : `${file}${where.row === undefined ? '' : `, row ${where.row}`}: `;
  return `${place}${message}${found === undefined ? '' : ` Found: ${found}.`} ${fix}`;
}

/** The whole line as one text. */
export const lineText = ({ text, diagnostic }: LogLine): string =>
  diagnostic === undefined ? text : diagnosticText(diagnostic);

export const logText = (lines: readonly LogLine[]): string =>
  lines
    .map((l) => `${formatClock(l.seconds).padStart(8)}  ${levelOf(l).padEnd(7)}  ${l.at}  ${lineText(l)}\n`)
    .join('');
