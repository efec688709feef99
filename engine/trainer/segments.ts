/**
 * How trainable parameters grow and shrink during a run (design 1.3), as plain data. An axis that may grow is a symbol of
 * the Program (`r@layers/3/...`); all parameters with that symbol grow together. It consists of segments, each with its own
 * count of optimizer steps, start of schedule and freeze flag. What this changes in memory is in `parameterStore.ts`.
 */
import { BugError } from '../base/errors.ts';

export interface Segment {
  /** Runs on over the whole life of the axis and is never used again: it names the stream of the initial values. */
  readonly id: number;
  readonly size: number;
  /** Optimizer steps that it took part in: the t of its bias correction. */
  readonly steps: number;
  /** The optimizer step at which its schedule begins. */
  readonly scheduleStart: number;
  readonly frozen: boolean;
}

/** Segments of each growing axis, by the name of its symbol. */
export type Growth = ReadonlyMap<string, readonly Segment[]>;

/** A change between two optimizer steps. It is logged, and part of every checkpoint after it. */
export type SegmentEdit =
  | { readonly kind: 'append'; readonly axis: string; readonly size: number }
  | { readonly kind: 'drop'; readonly axis: string; readonly segment: number }
  /** A frozen segment keeps its values, moments and count of steps. */
  | { readonly kind: 'freeze' | 'thaw'; readonly axis: string; readonly segment: number }
  /** Values and moments become 0; the segment goes on training. */
  | { readonly kind: 'zero'; readonly axis: string; readonly segment: number };

export const firstSegment = (size: number): Segment => ({ id: 0, size, steps: 0, scheduleStart: 0, frozen: false });

export const axisSize = (segments: readonly Segment[]): number => segments.reduce((n, s) => n + s.size, 0);

/** The sizes of all growing axes, as symbols are bound. */
export const growthSizes = (growth: Growth): ReadonlyMap<string, number> =>
  new Map([...growth].map(([axis, segments]) => [axis, axisSize(segments)]));

/** The axis after an edit made before optimizer step `step`. Edits come from nodes, so one that cannot be done is a bug. */
export function editSegments(segments: readonly Segment[], edit: SegmentEdit, step: number): readonly Segment[] {
  if (edit.kind === 'append') {
    if (!Number.isInteger(edit.size) || edit.size < 1)
      throw new BugError(`"${edit.axis}" grows by a whole number of 1 or more, got ${edit.size}`);
    const id = 1 + segments.reduce((most, s) => Math.max(most, s.id), -1);
    return [...segments, { id, size: edit.size, steps: 0, scheduleStart: step, frozen: false }];
  }
  if (!segments.some((s) => s.id === edit.segment))
    throw new BugError(`"${edit.axis}" has no segment ${edit.segment} to ${edit.kind}`);
  switch (edit.kind) {
    case 'drop':
      return segments.filter((s) => s.id !== edit.segment);
    case 'freeze':
    case 'thaw':
      return segments.map((s) => (s.id === edit.segment ? { ...s, frozen: edit.kind === 'freeze' } : s));
    case 'zero':
      return segments;
  }
}

/** All edits of one moment, in order. */
export function editGrowth(growth: Growth, edits: readonly SegmentEdit[], step: number): Growth {
  const edited = new Map(growth);
  for (const edit of edits) {
    const segments = edited.get(edit.axis);
    if (!segments) throw new BugError(`no parameter has an axis "${edit.axis}" that grows`);
    edited.set(edit.axis, editSegments(segments, edit, step));
  }
  for (const [axis, segments] of edited)
    if (segments.length === 0) throw new BugError(`the last segment of "${axis}" was dropped`);
  return edited;
}

/** After an optimizer step: one more step for everything that is not frozen. */
export const afterStep = (growth: Growth): Growth =>
  new Map(
    [...growth].map(([axis, segments]) => [axis, segments.map((s) => (s.frozen ? s : { ...s, steps: s.steps + 1 }))]),
  );
