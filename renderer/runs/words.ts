/** How runs are told of in words and numbers: figures, times, names of metrics and of settings. */
import type { RunState, RunSummary } from '../../engine/protocol/api/runs.ts';
import { percentWords, type Share } from '../state/share.ts';

/** Names that a person would not guess from the letters. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['lr', 'learning rate'],
  ['batch', 'batch size'],
  ['maxSteps', 'maximum steps'],
  ['maxLength', 'maximum length'],
  ['f1', 'F1'],
  ['macro_f1', 'macro F1'],
  ['micro_f1', 'micro F1'],
  ['weighted_f1', 'weighted F1'],
  ['entity_f1', 'entity F1'],
  ['matthews', 'Matthews correlation'],
  ['pearson', 'Pearson correlation'],
  ['spearman', 'Spearman correlation'],
  ['pearson_spearman', 'mean of Pearson and Spearman'],
  ['subset_accuracy', 'subset accuracy'],
  ['loss', 'loss'],
]);

/** `weightDecay` as `weight decay`, `macro_f1` as `macro F1`. */
export const nameInWords = (name: string): string =>
  NAMES.get(name) ??
  name
    .replace(/([a-z0-9])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`)
    .replaceAll('_', ' ')
    .trim();

/** What an evaluation counts beside its figures. */
const COUNTS = new Set(['rows', 'ignored_rows', 'majority_baseline', 'loss']);

/** Whether a figure of an evaluation says how good a model is. */
export const isMetric = (name: string): boolean => !COUNTS.has(name);

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export const STATE_WORDS: Readonly<Record<RunState, string>> = {
  queued: 'Queued',
  preparing: 'Preparing',
  training: 'Training',
  paused: 'Paused',
  done: 'Finished',
  failed: 'Failed',
  stopped: 'Stopped',
  lost: 'Lost',
};

/** Whether a process works on the run or is about to. */
export const isActive = (state: RunState): boolean =>
  state === 'preparing' || state === 'training' || state === 'paused';
export const isResumable = (state: RunState): boolean =>
  state === 'paused' || state === 'stopped' || state === 'lost' || state === 'failed';

/** `0.866`; four digits that count for figures that are not between -10 and 10. */
export const formatFigure = (value: number | null | undefined): string => {
  if (value === undefined || value === null || Number.isNaN(value)) return '-';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞';
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e6)) return value.toExponential(2).replace('e+', 'e');
  return size < 10 ? value.toFixed(3) : Number(value.toPrecision(4)).toString();
};

/** Points between two figures that are shares: `+36`; figures beyond shares keep their decimals. */
export function formatDelta(figure: number, against: number): string {
  const delta = figure - against;
  if (Math.abs(figure) > 1 || Math.abs(against) > 1) return `${delta < 0 ? '-' : '+'}${formatFigure(Math.abs(delta))}`;
  const points = Math.round(Math.abs(delta) * 1000) / 10;
  const text = points >= 10 ? String(Math.round(points)) : String(points);
  return `${delta < 0 && points > 0 ? '-' : '+'}${text}`;
}

/** `0.866 accuracy (+36 over majority)`. */
export function resultWords(run: RunSummary): string {
  if (run.metric === undefined || run.figure === undefined) return 'Finished';
  const over =
    run.majority !== undefined
      ? ` (${formatDelta(run.figure, run.majority)} over majority)`
      : run.untrained !== undefined
        ? ` (${formatDelta(run.figure, run.untrained)} over untrained)`
        : '';
  return `${formatFigure(run.figure)} ${nameInWords(run.metric)}${over}`;
}

/** `1:12`, `2:03:10`. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((n, i) => (i === 0 ? String(n) : String(n).padStart(2, '0'))).join(':');
}

/** `3 s`, `4 min`, `1 h 20 min`: a time that is only guessed. */
export function formatAbout(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`;
}

/** `12:04` of today, else `20 Nov 12:04`, in local time. */
export function formatWhen(iso: string, now: Date): string {
  const when = new Date(iso);
  if (Number.isNaN(when.getTime())) return '-';
  const clock = `${String(when.getHours()).padStart(2, '0')}:${String(when.getMinutes()).padStart(2, '0')}`;
  if (when.toDateString() === now.toDateString()) return clock;
  return `${when.getDate()} ${when.toLocaleString('en', { month: 'short' })} ${clock}`;
}

/** What every list calls a run: its number, and what its name says beyond the recipe, which stands beside it. */
export function runTitle({ number, name, recipe }: Pick<RunSummary, 'number' | 'name' | 'recipe'>): string {
  const own = name.startsWith(recipe) ? name.slice(recipe.length).replace(/^[\s·]+/, '') : name;
  return own === '' || own === `Run ${number}` ? `Run ${number}` : `Run ${number} · ${own}`;
}

/** Share of the steps that are done, 0 to 1. */
export const doneShare = (run: Pick<RunSummary, 'step' | 'steps' | 'state'>): number =>
  run.state === 'done' ? 1 : run.steps <= 0 ? 0 : Math.min(1, run.step / run.steps);

type Trained = Pick<RunSummary, 'trainable' | 'backboneParameters' | 'head'>;

/** The one definition of the trainable share, of a run. */
export const shareOfRun = (run: Trained): Share => ({
  trainable: run.trainable - (run.head ?? 0),
  head: run.head ?? 0,
  backbone: run.backboneParameters,
});

/** `73,728 (0.32 %)`: without the head, as everywhere. */
export function trainableWords(run: Trained): string {
  const { trainable, backbone } = shareOfRun(run);
  const count = trainable.toLocaleString('en-US');
  return backbone > 0 ? `${count} (${percentWords(trainable / backbone)})` : count;
}

/** What went wrong with a run, as one line: the first error, its message alone. */
export const causeOf = (run: RunSummary): string =>
  run.diagnostics.find((d) => d.severity === 'error')?.message ??
  (run.state === 'lost' ? 'Its process ended without a word.' : 'The run failed.');
