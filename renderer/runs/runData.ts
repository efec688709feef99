/**
 * Curves, logs and documents of runs, outside the state of the window: points arrive many times a second and are drawn on
 * canvases, so they must not make React draw the page again. A run is read once somebody asks for it and then follows its
 * events; after a gap the missing entries are asked for.
 */
import type { RunId } from '../../engine/protocol/api/fields.ts';
import type { RunResults, WeightsView } from '../../engine/protocol/api/runs.ts';
import type { ServerEvent } from '../../engine/protocol/api/wire.ts';
import type { Document } from '../../engine/protocol/document.ts';
import type { Client } from '../state/client.ts';
import { addPoints, newCurve, type Curve } from './curve.ts';

/** What a run is busy with before its first step: `load weights`, 2 of 4. */
export interface RunProgress {
  readonly what: string;
  readonly done: number;
  readonly of: number;
}

export interface RunData {
  /** The curve as far as it is known; the same object for a run, which grows. Asking begins to read it. */
  curve(run: RunId): Curve;
  /** Called after points or progress of this run arrived, until the returned function is called. */
  listen(run: RunId, listener: () => void): () => void;
  progress(run: RunId): RunProgress | undefined;
  document(run: RunId): Promise<Document>;
  results(run: RunId): Promise<RunResults>;
  weights(run: RunId): Promise<WeightsView>;
  /** Reads results and weights anew when they are next asked for: the run has gone on. */
  forget(run: RunId): void;
}

interface Followed {
  readonly curve: Curve;
  /** Entries of the run's log that are in the curve. */
  next: number;
  reading: boolean;
}

export function createRunData(client: Client, onDocument: (run: RunId, document: Document) => void): RunData {
  const followed = new Map<RunId, Followed>();
  const listeners = new Map<RunId, Set<() => void>>();
  const progress = new Map<RunId, RunProgress>();
  const documents = new Map<RunId, Promise<Document>>();
  const results = new Map<RunId, Promise<RunResults>>();
  const weights = new Map<RunId, Promise<WeightsView>>();

  const tell = (run: RunId): void => {
    for (const listener of listeners.get(run) ?? []) listener();
  };

  const read = async (run: RunId, entry: Followed): Promise<void> => {
    if (entry.reading) return;
    entry.reading = true;
    try {
      for (;;) {
        const { points, next } = await client.call('run.points', { run, after: entry.next });
        if (next <= entry.next) return;
        addPoints(entry.curve, points);
        entry.next = next;
        tell(run);
      }
    } catch {
      // The curve stays as it is; it is asked for again when the connection is back.
    } finally {
      entry.reading = false;
    }
  };

  const onPoints = (event: Extract<ServerEvent, { event: 'points' }>): void => {
    const entry = followed.get(event.run);
    if (!entry) return;
    const skip = entry.next - event.from;
    if (skip < 0 || entry.reading) return void read(event.run, entry);
    if (skip >= event.points.length) return;
    addPoints(entry.curve, event.points.slice(skip));
    entry.next = event.from + event.points.length;
    tell(event.run);
  };

  client.onEvent((event) => {
    if (event.event === 'points') onPoints(event);
    else if (event.event === 'progress') {
      const run = event.job as RunId;
      if (event.ended === true || event.failed !== undefined) progress.delete(run);
      else progress.set(run, { what: event.what, done: event.done, of: event.of });
      tell(run);
    } else if (event.event === 'run-deleted') {
      followed.delete(event.run);
      progress.delete(event.run);
      documents.delete(event.run);
      results.delete(event.run);
      weights.delete(event.run);
    } else if (event.event === 'run' && event.summary.state === 'training') progress.delete(event.summary.run);
  });
  client.onConnection((open) => {
    if (open) for (const [run, entry] of followed) void read(run, entry);
  });

  /** One answer per run; a failure is not kept, so that it can be asked again. */
  const once = <T>(kept: Map<RunId, Promise<T>>, run: RunId, ask: () => Promise<T>): Promise<T> => {
    const known = kept.get(run);
    if (known) return known;
    const asked = ask();
    kept.set(run, asked);
    asked.catch(() => kept.delete(run));
    return asked;
  };

  return {
    curve: (run) => {
      const known = followed.get(run);
      if (known) return known.curve;
      const entry: Followed = { curve: newCurve(), next: 0, reading: false };
      followed.set(run, entry);
      void read(run, entry);
      return entry.curve;
    },
    listen: (run, listener) => {
      const set = listeners.get(run) ?? new Set();
      listeners.set(run, set.add(listener));
      return () => {
        set.delete(listener);
      };
    },
    progress: (run) => progress.get(run),
    document: (run) =>
      once(documents, run, async () => {
        const { document } = await client.call('run.document', { run });
        onDocument(run, document);
        return document;
      }),
    results: (run) => once(results, run, () => client.call('run.results', { run })),
    weights: (run) => once(weights, run, () => client.call('run.weights', { run })),
    forget: (run) => {
      results.delete(run);
      weights.delete(run);
    },
  };
}
