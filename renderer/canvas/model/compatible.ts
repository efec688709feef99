/** Whether a wire may be drawn between two ports, and if not, why, in words for the person who holds it. */
import { sameEnds } from '../../../engine/protocol/edit/graph.ts';
import type { Document, Graph, Node } from '../../../engine/protocol/document.ts';
import { connect, graphAt, stackAt, type ModelAddress } from '../../../engine/protocol/edit.ts';
import { isWall, WALL_IN, WALL_OUT, type NodeId, type PortId } from '../../../engine/protocol/ids.ts';
import type { TypeIndex } from './catalog.ts';
import { lastAxis, type Figures } from './figures.ts';
import { kindFits, kindWords } from './kinds.ts';
import { portEnds, portsOf, wallPorts, wiresOf, type Port, type PortEnd } from './ports.ts';
import { titleOf } from './words.ts';

export interface WireContext {
  readonly document: Document;
  readonly types: TypeIndex;
  readonly figures: Figures;
}
export interface End {
  readonly at: ModelAddress;
  readonly node: NodeId;
  readonly port: PortId;
}

const wallWords = (id: NodeId): string => (id === WALL_IN ? 'the left wall' : 'the right wall');
const nodeWords = (graph: Graph, id: NodeId, types: TypeIndex): string => {
  const node = isWall(id) ? undefined : graph.nodes[id];
  return node ? `"${titleOf(id, node, types)}"` : wallWords(id);
};

function portAt(context: WireContext, end: End, side: 'inputs' | 'outputs'): Port | undefined {
  const graph = graphAt(context.document, end.at);
  if (!graph) return undefined;
  if (isWall(end.node)) {
    const stack = stackAt(context.document, end.at);
    if (!stack || (end.node === WALL_IN) !== (side === 'outputs')) return undefined;
    return wallPorts(graph, stack, context.types)[side].find((p) => p.name === end.port);
  }
  const node = graph.nodes[end.node];
  return node ? portsOf(end.node, node, graph, context.types)[side].find((p) => p.name === end.port) : undefined;
}

/** Why a wire from one port to another is refused; `undefined` when it fits. `instead` is the wire that it replaces. */
export function whyNot(
  context: WireContext,
  from: End,
  to: End,
  instead?: { readonly from: { node: NodeId; port: PortId }; readonly to: { node: NodeId; port: PortId } },
): string | undefined {
  if (from.at.path.join('/') !== to.at.path.join('/')) {
    return 'A wire cannot pass through the wall of a stack. Use one of the ports on its rails, or add one to the stack.';
  }
  const graph = graphAt(context.document, from.at);
  const giving = portAt(context, from, 'outputs');
  const taking = portAt(context, to, 'inputs');
  if (!graph || !giving || !taking) return 'A wire goes from an output to an input.';
  if (from.node === to.node) return 'A node cannot feed itself.';
  if (!kindFits(giving.kind, taking.kind)) {
    return `"${taking.name}" of ${nodeWords(graph, to.node, context.types)} takes ${kindWords(taking.kind)}, this wire carries ${kindWords(giving.kind)}.`;
  }
  const others = graph.edges.filter((e) => instead === undefined || !sameEnds(e, instead));
  const there = others.filter((e) => e.to.node === to.node && e.to.port === to.port);
  if (there.some((e) => e.from.node === from.node && e.from.port === from.port)) return 'This wire exists already.';
  const [first] = there;
  if (!taking.many && first) {
    return `"${taking.name}" takes one wire and has one from ${nodeWords(graph, first.from.node, context.types)}. Drag the end of that wire to swap it.`;
  }
  const width = widthProblem(
    context,
    graph,
    from,
    to,
    there.map((e) => e.from.node),
  );
  if (width !== undefined) return width;
  const tried = connect(withoutWire(context.document, from.at, instead), from.at, {
    from: { node: from.node, port: from.port },
    to: { node: to.node, port: to.port },
  });
  return tried.ok ? undefined : tried.error.map((d) => `${d.message} ${d.fix}`).join(' ');
}

function withoutWire(document: Document, at: ModelAddress, wire: Parameters<typeof whyNot>[3]): Document {
  if (wire === undefined) return document;
  const change = (graph: Graph, path: readonly NodeId[]): Graph => {
    const [id, ...rest] = path;
    if (id === undefined) return { ...graph, edges: graph.edges.filter((e) => !sameEnds(e, wire)) };
    const node = graph.nodes[id];
    return node?.body === undefined
      ? graph
      : { ...graph, nodes: { ...graph.nodes, [id]: { ...node, body: change(node.body, rest) } } };
  };
  const top = document.models[at.model];
  return top === undefined
    ? document
    : { ...document, models: { ...document.models, [at.model]: change(top, at.path) } };
}

/** The width of the last axis that a port wants, where its node says so. */
function wantedWidth(node: Node, port: PortId): number | undefined {
  const value =
    node.type === 'layer.linear' && port === 'x'
      ? node.params['inFeatures']
      : node.type === 'layer.norm' && port === 'x'
        ? node.params['width']
        : undefined;
  return typeof value === 'number' ? value : undefined;
}

/** The width of the last axis of what a node gives, from the check or from its own settings. */
export function givenWidth(context: WireContext, at: ModelAddress, graph: Graph, id: NodeId): number | undefined {
  const node = isWall(id) ? undefined : graph.nodes[id];
  if (node === undefined) return undefined;
  const figures = context.figures.of(at.path, id);
  const shown = figures === undefined ? undefined : lastAxis(figures.output);
  if (shown !== undefined) return shown;
  const own = node.type === 'layer.linear' ? node.params['outFeatures'] : node.params['width'];
  return typeof own === 'number' ? own : undefined;
}

function widthProblem(
  context: WireContext,
  graph: Graph,
  from: End,
  to: End,
  beside: readonly NodeId[],
): string | undefined {
  const given = givenWidth(context, from.at, graph, from.node);
  const node = isWall(to.node) ? undefined : graph.nodes[to.node];
  if (given === undefined || node === undefined) return undefined;
  const wanted = wantedWidth(node, to.port);
  const words = nodeWords(graph, to.node, context.types);
  if (wanted !== undefined && wanted !== given) {
    return `${words} takes tensors of width ${wanted}, this one has ${given}.`;
  }
  if (node.type !== 'layer.add' && node.type !== 'compose.average') return undefined;
  for (const id of beside) {
    const other = givenWidth(context, from.at, graph, id);
    if (other !== undefined && other !== given && other !== 1 && given !== 1) {
      return `${words} takes tensors of one width: ${other} is there, this one has ${given}.`;
    }
  }
  return undefined;
}

export interface Fit {
  readonly end: PortEnd;
  readonly why: string | undefined;
}

/** All ports of the graph that the loose end of a wire could go to, each with the reason why not. */
export function fitsOf(
  context: WireContext,
  held: End,
  side: 'in' | 'out',
  instead?: Parameters<typeof whyNot>[3],
): readonly Fit[] {
  const graph = graphAt(context.document, held.at);
  if (!graph) return [];
  const ends = portEnds(graph, stackAt(context.document, held.at), context.types);
  return (side === 'out' ? ends.to : ends.from).map((end) => {
    const other: End = { at: held.at, node: end.node, port: end.port.name };
    return { end, why: side === 'out' ? whyNot(context, held, other, instead) : whyNot(context, other, held, instead) };
  });
}

/** The ports of a type that would take a wire of a kind, or give one. */
export function typePorts(type: string, types: TypeIndex, kind: string, side: 'in' | 'out'): readonly PortId[] {
  const info = types.node(type);
  if (!info) return [];
  return side === 'out'
    ? Object.entries(info.inputs).flatMap(([n, p]) => (kindFits(kind, p.kind) ? [n as PortId] : []))
    : Object.entries(info.outputs).flatMap(([n, p]) => (kindFits(p.kind, kind) ? [n as PortId] : []));
}

/** Both ends of every pair of selected nodes that plainly fit: the first free input for each output, left to right. */
export function autoConnections(
  context: WireContext,
  at: ModelAddress,
  nodes: readonly NodeId[],
): readonly { readonly from: End; readonly to: End }[] {
  const graph = graphAt(context.document, at);
  if (!graph) return [];
  const wired = wiresOf(graph);
  const found: { from: End; to: End }[] = [];
  for (let i = 0; i + 1 < nodes.length; i++) {
    const [a, b] = [nodes[i], nodes[i + 1]] as [NodeId, NodeId];
    const giver = graph.nodes[a];
    const taker = graph.nodes[b];
    if (!giver || !taker || wired.into(b).some((e) => e.from.node === a)) continue;
    const pair = portsOf(a, giver, graph, context.types).outputs.flatMap((out) =>
      portsOf(b, taker, graph, context.types).inputs.flatMap((input) => {
        const from: End = { at, node: a, port: out.name };
        const to: End = { at, node: b, port: input.name };
        return whyNot(context, from, to) === undefined ? [{ from, to }] : [];
      }),
    );
    if (pair[0]) found.push(pair[0]);
  }
  return found;
}

export const isOut = (id: NodeId): boolean => id === WALL_OUT;
