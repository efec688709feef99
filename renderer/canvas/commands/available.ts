/** Why a command of the canvas cannot run now, in words. */
import type { EditorState } from '../../state/editor.ts';
import { chosenOf } from '../state/hands.ts';

export const needsCanvas = (s: EditorState): string | undefined =>
  !s.document ? 'Open a project first.' : s.place.view !== 'graph' ? 'Switch to the graph view.' : undefined;

export const needsModel = (s: EditorState): string | undefined =>
  needsCanvas(s) ?? (s.place.level !== 'model' || s.place.model === undefined ? 'Open a model first.' : undefined);

export const needsNodes = (s: EditorState): string | undefined =>
  needsModel(s) ?? ((chosenOf(s)?.nodes.length ?? 0) === 0 ? 'Select a node first.' : undefined);

export const needsTwo = (s: EditorState): string | undefined =>
  needsModel(s) ?? ((chosenOf(s)?.nodes.length ?? 0) < 2 ? 'Select two nodes or more first.' : undefined);

export const needsThree = (s: EditorState): string | undefined =>
  needsModel(s) ?? ((chosenOf(s)?.nodes.length ?? 0) < 3 ? 'Select three nodes or more first.' : undefined);

export const needsSelection = (s: EditorState): string | undefined =>
  needsCanvas(s) ??
  (s.selection.nodes.length + s.selection.edges.length === 0 ? 'Select a node or a wire first.' : undefined);

export const needsGroup = (s: EditorState): string | undefined =>
  needsModel(s) ?? (s.selection.nodes.some((n) => n.startsWith('group:')) ? undefined : 'Select a group first.');

/** Drafts are edited, snapshots of runs are looked at. */
export const editable =
  (reason: (s: EditorState) => string | undefined) =>
  (s: EditorState): string | undefined =>
    reason(s) ?? (s.viewing ? 'This is the graph of a run. Go back to the draft to change it.' : undefined);
