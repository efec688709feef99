/**
 * Attachments: a node that only changes another (its one output is a transform, or the scale and shift of a norm) is drawn
 * as a chip on what it changes, in the order in which it is applied. The document has an ordinary node and wire.
 */
import type { Edge, Graph, Node } from '../../../engine/protocol/document.ts';
import { entriesOf, isWall, type NodeId, type PortId } from '../../../engine/protocol/ids.ts';
import type { TypeIndex } from './catalog.ts';
import { portsOf, wiresOf, type Port } from './ports.ts';

/** Kinds whose giver changes what takes it, rather than feed it. */
const ATTACHING: ReadonlySet<string> = new Set(['transform', 'affine']);

export interface Attachment {
  readonly id: NodeId;
  readonly node: Node;
  /** The wire that docks it. */
  readonly edge: Edge;
  /** What it reads itself, such as a gate; these wires are drawn to the chip. */
  readonly inputs: readonly Port[];
}

/** The rack of each node that has one: its attachments by the id of what they change. */
export type Racks = ReadonlyMap<NodeId, readonly Attachment[]>;

/** The port by which a type attaches itself, if that is all it does. */
export function attachingPort(type: string, types: TypeIndex): Port | undefined {
  const info = types.node(type);
  if (info?.peft === undefined) return undefined;
  const outputs = Object.entries(info.outputs);
  const [only] = outputs;
  if (outputs.length !== 1 || only === undefined || !ATTACHING.has(only[1].kind)) return undefined;
  return { name: only[0] as PortId, kind: only[1].kind, doc: only[1].doc, many: false, optional: false };
}

/** The port of a node that takes modules of a kind, e.g. the rack of a linear layer. */
export const rackPort = (id: NodeId, node: Node, graph: Graph, kind: string, types: TypeIndex): Port | undefined =>
  ATTACHING.has(kind) ? portsOf(id, node, graph, types).inputs.find((p) => p.kind === kind) : undefined;

export function racksOf(graph: Graph, types: TypeIndex): Racks {
  const racks = new Map<NodeId, Attachment[]>();
  const wires = wiresOf(graph);
  for (const [target] of entriesOf<NodeId, Node>(graph.nodes)) {
    for (const edge of wires.into(target)) {
      const attachment = asAttachment(graph, edge, types);
      if (!attachment) continue;
      const rack = racks.get(target);
      if (rack) rack.push(attachment);
      else racks.set(target, [attachment]);
    }
  }
  return racks;
}

/** Whether the wire docks its giver: that gives nothing else, and to nobody else. */
function asAttachment(graph: Graph, edge: Edge, types: TypeIndex): Attachment | undefined {
  const id = edge.from.node;
  const node = isWall(id) ? undefined : graph.nodes[id];
  const target = graph.nodes[edge.to.node];
  if (node === undefined || target === undefined || attachingPort(node.type, types)?.name !== edge.from.port) {
    return undefined;
  }
  if (wiresOf(graph).from(id).length !== 1) return undefined;
  const takes = portsOf(edge.to.node, target, graph, types).inputs.find((p) => p.name === edge.to.port);
  if (takes === undefined || !ATTACHING.has(takes.kind)) return undefined;
  const wired = new Set(
    wiresOf(graph)
      .into(id)
      .map((e) => e.to.port),
  );
  const inputs = portsOf(id, node, graph, types).inputs.filter((p) => wired.has(p.name));
  return { id, node, edge, inputs };
}

/** The graph with the rack of a node in another order. */
export function reorderRack(graph: Graph, target: NodeId, port: PortId, order: readonly NodeId[]): Graph {
  const rank = new Map(order.map((id, i) => [id, i]));
  const edges = graph.edges.map((e) => {
    if (e.to.node !== target || e.to.port !== port) return e;
    const at = rank.get(e.from.node);
    return at === undefined ? e : { ...e, order: at };
  });
  return { ...graph, edges };
}
