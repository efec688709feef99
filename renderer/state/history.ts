/**
 * Undo and redo as patches. One entry is one deed of the person; edits with the same `merge` key within a second become
 * one (a dragged slider, a node that is moved). Each entry remembers where it happened, so that undo can go there.
 */
import type { Patch } from '../../engine/protocol/api/patch.ts';
import type { Place, Selection } from './place.ts';

export interface Deed {
  readonly label: string;
  readonly forward: Patch;
  readonly backward: Patch;
  readonly place: Place;
  readonly selection: Selection;
  readonly merge?: string;
  readonly at: number;
}

export interface History {
  readonly done: readonly Deed[];
  readonly undone: readonly Deed[];
}

export const NO_HISTORY: History = { done: [], undone: [] };

const MERGE_MILLISECONDS = 1000;
const MOST_DEEDS = 1000;

/** The history with one more deed. Whatever was undone is gone. */
export function withDeed(history: History, deed: Deed): History {
  const last = history.done.at(-1);
  if (last?.merge !== undefined && last.merge === deed.merge && deed.at - last.at < MERGE_MILLISECONDS) {
    const merged = {
      ...deed,
      forward: [...last.forward, ...deed.forward],
      backward: [...deed.backward, ...last.backward],
    };
    return { done: [...history.done.slice(0, -1), merged], undone: [] };
  }
  return { done: [...history.done, deed].slice(-MOST_DEEDS), undone: [] };
}
