/** Commands on stacks: splitting, joining, unrolling, and which layer is shown. */
import { diagnose } from '../../../engine/protocol/messages.ts';
import type { Node } from '../../../engine/protocol/document.ts';
import { stackName } from '../../../engine/protocol/document.ts';
import { graphAt, joinStacks, splitStack, unrollStack, type Collector } from '../../../engine/protocol/edit.ts';
import { entriesOf, type NodeId, type PortId } from '../../../engine/protocol/ids.ts';
import type { Editor, EditorState } from '../../state/editor.ts';
import { addressOf } from '../model/address.ts';
import { chosenOf } from '../state/hands.ts';

/** What joins the values that a split stack collects in two parts. */
const COLLECTOR: Collector = { type: 'compose.concat', version: 1, input: 'x' as PortId, output: 'y' as PortId };
const collectorOf = (editor: Editor): [] | [Collector] =>
  editor.store.getState().catalog?.nodes.some((n) => n.type === COLLECTOR.type) === true ? [COLLECTOR] : [];

export function splitAt(editor: Editor, graph: string, node: NodeId, layer: number): void {
  const at = addressOf(graph);
  if (at)
    editor.edit(`Split stack before layer ${layer}`, (d) =>
      splitStack(d, { graph: at, node }, layer, ...collectorOf(editor)),
    );
}

/** The selected stack, else the one around the selection, else the only one of the model. */
export function stackOf(
  state: EditorState,
): { readonly graph: string; readonly node: NodeId; readonly value: Node } | undefined {
  const chosen = chosenOf(state);
  const { document, place } = state;
  if (!chosen || !document || place.model === undefined) return undefined;
  for (const id of chosen.nodes) {
    const value = chosen.graph.nodes[id];
    if (value?.stack) return { graph: chosen.text, node: id, value };
  }
  const container = chosen.at.path.at(-1);
  if (container !== undefined) {
    const outer = { ...chosen.at, path: chosen.at.path.slice(0, -1) };
    const value = graphAt(document, outer)?.nodes[container];
    if (value?.stack) return { graph: `${place.model}:${outer.path.join('/')}`, node: container, value };
  }
  const top = document.models[place.model];
  const stacks = top ? entriesOf<NodeId, Node>(top.nodes).filter(([, n]) => n.stack) : [];
  const [only] = stacks;
  return only && stacks.length === 1 ? { graph: `${place.model}:`, node: only[0], value: only[1] } : undefined;
}

export function joinSelected(editor: Editor): void {
  const state = editor.store.getState();
  const found = stackOf(state);
  const at = found && addressOf(found.graph);
  const graph = at && state.document && graphAt(state.document, at);
  if (!found?.value.stack || !at || !graph) return;
  const { stack } = found.value;
  const name = stackName(found.node, stack);
  const parts = entriesOf<NodeId, Node>(graph.nodes).filter(
    ([id, n]) => id !== found.node && n.stack && stackName(id, n.stack) === name,
  );
  const next = parts.find(([, n]) => n.stack?.first === stack.first + stack.repeat) ?? parts[0];
  editor.edit('Join stacks', (d) =>
    next
      ? joinStacks(d, at, found.node, next[0])
      : { ok: false, error: [diagnose('edit-join', {}, { reason: 'it has no other part' })] },
  );
}

export function unrollSelected(editor: Editor): void {
  const found = stackOf(editor.store.getState());
  const at = found && addressOf(found.graph);
  if (found && at)
    editor.edit('Unroll stack', (d) => unrollStack(d, { graph: at, node: found.node }, ...collectorOf(editor)));
}

/** Shows the next or the previous layer; before the first and after the last come all. */
export function stepLayer(editor: Editor, by: 1 | -1): void {
  const state = editor.store.getState();
  const stack = stackOf(state)?.value.stack;
  if (!stack) return;
  const { layer } = state.place;
  const last = stack.first + stack.repeat - 1;
  const next = layer === 'all' ? (by > 0 ? stack.first : last) : layer + by;
  editor.set({ place: { ...state.place, layer: next < stack.first || next > last ? 'all' : next } });
}
