/** Copying, cutting, pasting, duplicating. */
import type { NodeId } from '../../../engine/protocol/ids.ts';
import { withGraphView } from '../../../engine/protocol/view.ts';
import type { Editor } from '../../state/editor.ts';
import { addressOf } from '../model/address.ts';
import { clipText, copyNodes, pasteClip, readClip, type Clip } from '../model/clipboard.ts';
import type { CardNode } from '../model/flow.ts';
import { removeSteps } from './steps.ts';
import { removeAll } from '../model/removing.ts';
import type { Board } from '../state/board.ts';
import { chosenOf, contextOf } from '../state/hands.ts';

function clipOf(editor: Editor): Clip | undefined {
  const state = editor.store.getState();
  const chosen = chosenOf(state);
  const context = contextOf(state);
  if (!chosen || !context || chosen.nodes.length === 0) return undefined;
  return copyNodes(
    context.document,
    chosen.at,
    chosen.nodes,
    context.types,
    editor.canvas.current?.positions(chosen.text) ?? {},
  );
}

export async function copySelection(editor: Editor): Promise<boolean> {
  const clip = clipOf(editor);
  if (!clip) return false;
  try {
    await navigator.clipboard.writeText(clipText(clip));
    return true;
  } catch {
    editor.toast('warning', 'The clipboard is not available to this page. Allow it in the browser, then copy again.');
    return false;
  }
}

export async function cutSelection(editor: Editor): Promise<void> {
  if (await copySelection(editor)) removeSelection(editor, 'Cut');
}

export function removeSelection(editor: Editor, label = 'Delete'): void {
  const state = editor.store.getState();
  if (state.place.level === 'workflow') return removeSteps(editor, label);
  const chosen = chosenOf(state);
  const context = contextOf(state);
  if (!chosen || !context) return;
  const frames = state.selection.nodes.filter((n) => n.startsWith('note:') || n.startsWith('group:'));
  const count = chosen.nodes.length + chosen.edges.length + frames.length;
  editor.edit(
    count === 1 ? label : `${label} ${count} things`,
    (document) => {
      const removed = removeAll({ ...context, document }, chosen.at, chosen.nodes, chosen.edges);
      if (!removed.ok || frames.length === 0) return removed;
      return withGraphView(removed.value, chosen.text, (v) => ({
        ...v,
        notes: Object.fromEntries(Object.entries(v.notes).filter(([k]) => !frames.includes(`note:${k}` as NodeId))),
        groups: Object.fromEntries(Object.entries(v.groups).filter(([k]) => !frames.includes(`group:${k}` as NodeId))),
      }));
    },
    { select: { graph: chosen.text, nodes: [], edges: [] } },
  );
}

export async function pasteInto(editor: Editor, withIncoming: boolean): Promise<void> {
  let text: string;
  try {
    text = await navigator.clipboard.readText();
  } catch {
    editor.toast('warning', 'The clipboard is not available to this page. Allow it in the browser, then paste again.');
    return;
  }
  pasteText(editor, text, withIncoming);
}

export function pasteText(editor: Editor, text: string, withIncoming: boolean): void {
  const state = editor.store.getState();
  const chosen = chosenOf(state);
  const context = contextOf(state);
  if (!chosen || !context) return;
  const clip = readClip(text, context.types);
  if (!clip.ok) {
    editor.toast(
      'warning',
      clip.error
        .map((d) => `${d.message} ${d.fix}`)
        .slice(0, 3)
        .join('\n'),
    );
    return;
  }
  const count = Object.keys(clip.value.nodes).length;
  insert(editor, chosen.text, clip.value, count === 1 ? 'Paste' : `Paste ${count} nodes`, withIncoming);
}

export function duplicate(editor: Editor): void {
  const chosen = chosenOf(editor.store.getState());
  const clip = clipOf(editor);
  if (clip && chosen) insert(editor, chosen.text, clip, 'Duplicate', true);
}

function insert(editor: Editor, graph: string, clip: Clip, label: string, withIncoming: boolean): void {
  const at = addressOf(graph);
  if (!at) return;
  const drawn = editor.canvas.current?.positions(graph) ?? {};
  let nodes: readonly NodeId[] = [];
  const done = editor.edit(label, (document) => {
    const placed = withGraphView(document, graph, (v) => ({ ...v, positions: { ...drawn, ...v.positions } }));
    const pasted = pasteClip(placed, at, clip, { withIncoming });
    nodes = pasted.nodes;
    return pasted.document;
  });
  if (done) editor.select({ graph, nodes, edges: [] });
}

/** Alt-drag: what was held stays where it was, a copy stands where it was let go. */
export function cloneMoved(editor: Editor, board: Board, moved: readonly CardNode[]): void {
  const state = editor.store.getState();
  const context = contextOf(state);
  const graph = moved[0]?.data.scene.graph;
  const at = graph === undefined ? undefined : addressOf(graph);
  if (!context || !at || graph === undefined) return;
  const held = moved.filter((n) => n.data.scene.graph === graph);
  const ids = held.map((n) => n.data.scene.node);
  const places = Object.fromEntries(held.map((n) => [n.data.scene.node, n.position]));
  const clip = copyNodes(context.document, at, ids, context.types, places);
  const before = board.placesBefore(graph);
  const left = Math.min(...held.map((n) => n.position.x));
  const top = Math.min(...held.map((n) => n.position.y));
  let nodes: readonly NodeId[] = [];
  const done = editor.edit(ids.length === 1 ? 'Clone' : `Clone ${ids.length} nodes`, (document) => {
    const placed = withGraphView(document, graph, (v) => ({ ...v, positions: { ...v.positions, ...before } }));
    const pasted = pasteClip(placed, at, clip, { withIncoming: true, to: { x: left, y: top } });
    nodes = pasted.nodes;
    return pasted.document;
  });
  if (done) editor.select({ graph, nodes, edges: [] });
}
