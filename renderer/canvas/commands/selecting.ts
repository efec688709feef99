/** Selecting: all, similar, by site, what a search found. */
import type { Node } from '../../../engine/protocol/document.ts';
import { entriesOf, type NodeId } from '../../../engine/protocol/ids.ts';
import type { Editor } from '../../state/editor.ts';
import type { Found } from '../model/query.ts';
import { chosenOf } from '../state/hands.ts';

/** Selects found nodes; a selection lies in one graph, so the graph with the most of them is taken. */
export function selectFound(editor: Editor, found: readonly Found[]): void {
  const byGraph = new Map<string, NodeId[]>();
  for (const f of found) byGraph.set(f.graph, [...(byGraph.get(f.graph) ?? []), f.node]);
  const [graph, nodes] = [...byGraph].sort(([, a], [, b]) => b.length - a.length)[0] ?? [];
  if (graph === undefined || nodes === undefined) return;
  editor.select({ graph, nodes, edges: [] });
  if (byGraph.size > 1) {
    editor.toast('info', `${nodes.length} of ${found.length} are selected: a selection lies in one graph.`);
  }
}

export function selectAll(editor: Editor): void {
  const chosen = chosenOf(editor.store.getState());
  if (chosen) editor.select({ graph: chosen.text, nodes: Object.keys(chosen.graph.nodes) as NodeId[], edges: [] });
}

export function selectWhere(editor: Editor, fits: (node: Node, chosen: readonly Node[]) => boolean): void {
  const chosen = chosenOf(editor.store.getState());
  if (!chosen) return;
  const like = chosen.nodes.flatMap((id) => chosen.graph.nodes[id] ?? []);
  const nodes = entriesOf<NodeId, Node>(chosen.graph.nodes).filter(([, n]) => fits(n, like));
  editor.select({ graph: chosen.text, nodes: nodes.map(([id]) => id), edges: [] });
}

export const selectSimilar = (editor: Editor): void =>
  selectWhere(editor, (n, like) => like.some((l) => l.type === n.type));

/** Those at the same kind of place: `attn.query` and `attn.value` are both of `attn`. */
export const selectSite = (editor: Editor): void =>
  selectWhere(
    editor,
    (n, like) => n.site !== undefined && like.some((l) => l.site?.split('.')[0] === n.site?.split('.')[0]),
  );

/** Modules that take their settings from the same recipe. */
export const selectRecipe = (editor: Editor): void =>
  selectWhere(editor, (n, like) => n.recipe !== undefined && like.some((l) => l.recipe === n.recipe));
