/** Tables as comma-separated text, and what a run is on the command line. */
import type { Change } from './changes.ts';

/**
 * One field of a csv. A text that a spreadsheet would take for a formula gets an apostrophe, since labels and names come
 * from files that others wrote.
 */
export function csvField(value: string | number | null | undefined): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const csvText = (
  head: readonly string[],
  rows: readonly (readonly (string | number | null | undefined)[])[],
): string => [head, ...rows].map((row) => row.map(csvField).join(',')).join('\r\n') + '\r\n';

/** A name that every operating system takes for a file. */
export const fileName = (text: string, ending: string): string =>
  `${
    text
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[-.]+|-+$/g, '')
      .slice(0, 80) || 'run'
  }.${ending}`;

/** An argument of a shell, quoted where it must be. */
export const shellWord = (text: string): string =>
  /^[A-Za-z0-9_./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/**
 * The command line of a run: that of the project, its target, and the settings in which the run differs from the draft.
 * Nothing when the graphs differ, because no command line says a graph.
 */
export function runCommandLine(
  project: string,
  target: string | undefined,
  fromDraft: readonly Change[],
): string | undefined {
  if (fromDraft.some((c) => c.setting === undefined || c.after === undefined)) return undefined;
  const to = target === undefined || /(^| )--to( |=)/.test(project) ? '' : ` --to ${shellWord(target)}`;
  const sets = fromDraft
    .filter((c) => c.after !== 'default')
    .map((c) => ` --set ${shellWord(`${c.setting ?? ''}=${rawValue(c.after ?? '')}`)}`);
  return `${project.trim()}${to}${sets.join('')}`;
}

const rawValue = (words: string): string => (words === 'on' ? 'true' : words === 'off' ? 'false' : words);
