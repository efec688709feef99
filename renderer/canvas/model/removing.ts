/** Deleting nodes: wires heal over the gap where the kinds allow; a recipe that nobody uses any more goes too. */
import type { Document, Graph, Node } from '../../../engine/protocol/document.ts';
import {
  connect,
  disconnect,
  graphAt,
  removeNode,
  replaceNode,
  type EditResult,
  type ModelAddress,
} from '../../../engine/protocol/edit.ts';
import { ok } from '../../../engine/base/result.ts';
import { entriesOf, recordOf, type NodeId, type RecipeId } from '../../../engine/protocol/ids.ts';
import { withGraphView } from '../../../engine/protocol/view.ts';
import { racksOf } from './attachments.ts';
import type { WireContext } from './compatible.ts';
import { kindFits } from './kinds.ts';
import { portsOf, wiresOf } from './ports.ts';
import { edgeId } from './scene.ts';

/** Removes nodes with what is docked on them, and wires by their ids. */
export function removeAll(
  context: WireContext,
  at: ModelAddress,
  nodes: readonly NodeId[],
  edges: readonly string[],
): EditResult {
  const graph = graphAt(context.document, at);
  if (!graph) return ok(context.document);
  const racks = racksOf(graph, context.types);
  const going = new Set<NodeId>();
  for (const id of nodes) {
    if (!(id in graph.nodes)) continue;
    going.add(id);
    for (const a of racks.get(id) ?? []) going.add(a.id);
  }
  let next: EditResult = ok(context.document);
  for (const e of graph.edges) {
    if (next.ok && edges.includes(edgeId(e))) next = disconnect(next.value, at, e);
  }
  for (const id of going) if (next.ok) next = removeHealed({ ...context, document: next.value }, at, id, going);
  if (!next.ok) return next;
  return ok(withoutView(withoutIdleRecipes(next.value, context.document), at, going));
}

/** Removes a node; what it read goes to those that it fed, when the kinds agree and nothing else stands there. */
function removeHealed(context: WireContext, at: ModelAddress, id: NodeId, going: ReadonlySet<NodeId>): EditResult {
  const graph = graphAt(context.document, at);
  const node = graph?.nodes[id];
  if (!graph || !node) return ok(context.document);
  const ports = portsOf(id, node, graph, context.types);
  const wires = wiresOf(graph);
  const input = ports.inputs.find((p) => !p.optional && wires.intoPort(id, p.name).length === 1);
  const source = input && wires.intoPort(id, input.name)[0]?.from;
  const out = ports.outputs[0];
  const removed = removeNode(context.document, { graph: at, node: id });
  if (!removed.ok || !source || !out || !input || !kindFits(input.kind, out.kind) || out.name === 'delta')
    return removed;
  let document = removed.value;
  for (const e of wires.from(id)) {
    if (e.from.port !== out.name || going.has(e.to.node)) continue;
    const healed = connect(document, at, {
      from: source,
      to: e.to,
      ...(e.order === undefined ? {} : { order: e.order }),
    });
    if (healed.ok) document = healed.value;
  }
  return ok(document);
}

function usedRecipes(document: Document): ReadonlySet<string> {
  const used = new Set<string>();
  const walk = (graph: Graph): void => {
    for (const node of Object.values<Node>(graph.nodes)) {
      if (node.recipe !== undefined) used.add(node.recipe);
      if (node.body) walk(node.body);
    }
  };
  for (const graph of Object.values<Graph>(document.models)) walk(graph);
  return used;
}

/** Recipes that lost their last user; those that had none before are somebody's intention and stay. */
function withoutIdleRecipes(document: Document, before: Document): Document {
  const used = usedRecipes(document);
  const usedBefore = usedRecipes(before);
  const kept = entriesOf<RecipeId, Document['recipes'][RecipeId]>(document.recipes).filter(
    ([id]) => used.has(id) || !usedBefore.has(id),
  );
  return kept.length === Object.keys(document.recipes).length ? document : { ...document, recipes: recordOf(kept) };
}

function withoutView(document: Document, at: ModelAddress, gone: ReadonlySet<NodeId>): Document {
  const graph = `${at.model}:${at.path.join('/')}`;
  return withGraphView(document, graph, (v) => ({
    ...v,
    positions: Object.fromEntries(Object.entries(v.positions).filter(([id]) => !gone.has(id as NodeId))),
    groups: Object.fromEntries(
      Object.entries(v.groups).flatMap(([key, g]) => {
        const nodes = g.nodes.filter((n) => !gone.has(n as NodeId));
        return nodes.length === 0 ? [] : [[key, nodes.length === g.nodes.length ? g : { ...g, nodes }] as const];
      }),
    ),
  }));
}

/** Takes nodes out of the flow but keeps them: their wires heal, they stand aside unwired. */
export function bypass(context: WireContext, at: ModelAddress, nodes: readonly NodeId[]): EditResult {
  let document = context.document;
  for (const id of nodes) {
    const node = graphAt(document, at)?.nodes[id];
    if (!node) continue;
    const removed = removeHealed({ ...context, document }, at, id, new Set([id]));
    if (!removed.ok) return removed;
    const graph = graphAt(removed.value, at);
    if (!graph) return removed;
    document = replaceNode(removed.value, { graph: at, node: id }, node);
  }
  return ok(document);
}
