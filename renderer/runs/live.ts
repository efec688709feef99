/**
 * Whether a run's figures belong to the document that is shown. A run is bound to a snapshot: overlays on the graph are
 * drawn only while the draft is that snapshot, or differs from it in settings of steps alone (seeds and sweeps).
 */
import type { RunSummary } from '../../engine/protocol/api/runs.ts';
import type { Document } from '../../engine/protocol/document.ts';
import type { EditorState } from '../state/editor.ts';
import { changesOf, relationOf, type Change } from './changes.ts';
import { isActive } from './words.ts';

const compared = new WeakMap<Document, WeakMap<Document, readonly Change[]>>();

/** The changes from a run's document to another; both never change, so the answer is kept with them. */
export function changesBetween(before: Document, after: Document): readonly Change[] {
  const known = compared.get(before)?.get(after);
  if (known) return known;
  const changes = changesOf(before, after);
  // Only the latest draft is kept for a run: every keystroke makes a new one.
  compared.set(before, new WeakMap([[after, changes]]));
  return changes;
}

const pick = (runs: readonly RunSummary[], test: (run: RunSummary) => boolean): RunSummary | undefined =>
  runs.findLast(test);

/** The run at work: it trains, prepares or pauses; of several the latest. */
export const activeRun = (s: EditorState): RunSummary | undefined =>
  pick(s.runs, (r) => r.state === 'training' || r.state === 'preparing') ?? pick(s.runs, (r) => isActive(r.state));

/** The run that the drawer shows: the chosen one, else the one at work, else the latest that is not waiting. */
export const shownRun = (s: EditorState): RunSummary | undefined =>
  s.runs.find((r) => r.run === s.run) ?? activeRun(s) ?? pick(s.runs, (r) => r.state !== 'queued') ?? s.runs.at(-1);

export const findRun = (s: EditorState, run: string | undefined): RunSummary | undefined =>
  run === undefined ? undefined : s.runs.find((r) => r.run === run);

/** Changes from a run's graph to the draft; missing while the run's document is not known. */
export function changesSince(s: EditorState, run: RunSummary): readonly Change[] | undefined {
  const trained = s.runDocuments.get(run.run);
  const draft = s.viewing?.draft ?? s.document;
  return trained && draft ? changesBetween(trained, draft) : undefined;
}

/** Whether figures of a run may be drawn on the graph that is shown. */
export function belongs(s: EditorState, run: RunSummary): boolean {
  if (s.viewing) return s.viewing.run === run.run;
  const changes = changesSince(s, run);
  return changes !== undefined && relationOf(changes) !== 'other';
}

/** The run whose live figures belong on the graph that is shown, if there is one. */
export function liveRun(s: EditorState): RunSummary | undefined {
  const run = shownRun(s);
  return run && run.state !== 'queued' && belongs(s, run) ? run : undefined;
}
