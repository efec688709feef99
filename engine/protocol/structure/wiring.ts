/**
 * Wiring of one graph, without knowing node types: wires that lead nowhere, wires twice, wires to oneself, order numbers
 * twice, the wall of a body, and cycles. What a port is and takes is the compiler's business, except at walls and stacks,
 * whose ports the document itself declares.
 */
import type { Diagnostic, Place } from '../../base/errors.ts';
import type { AnyGraph, AnyNode, Edge, Graph, StackSettings } from '../document.ts';
import { entriesOf, isWall, WALL_IN, WALL_OUT, type NodeId } from '../ids.ts';
import { diagnose } from '../messages.ts';
import { edgeWords } from '../walk.ts';
import { findCycles } from './cycles.ts';

/** What the checks of a graph need to know of its surroundings. */
export interface WiringContext {
  /** The place of a node of this graph, or of the graph itself. */
  readonly place: (id?: NodeId) => Place;
  /** Whether the graph is the body of a container, so that `$in` and `$out` exist. */
  readonly isBody: boolean;
  /** The stack whose body the graph is. */
  readonly stack?: StackSettings;
}

/** Everything that a new wire would do wrong, except closing a cycle. `graph` does not hold it yet. */
export function checkEdge(edge: Edge, graph: AnyGraph, context: WiringContext): readonly Diagnostic[] {
  const alone: AnyGraph = { nodes: graph.nodes as Graph['nodes'], edges: [edge] };
  const wall = context.stack === undefined ? [] : checkWallPorts(alone, context.stack, context.place());
  const port = [...graph.edges.filter((e) => e.to.node === edge.to.node && e.to.port === edge.to.port), edge];
  const among = [...checkRepeats(port, context), ...checkOrders(port, context)];
  const many = among.length > 0 ? [] : manyInto(outgoing(port), context.place());
  return [...checkEnds(edge, graph, context), ...checkStackWires(alone, context), ...wall, ...among, ...many];
}

export function checkWiring(graph: AnyGraph, context: WiringContext): readonly Diagnostic[] {
  return [
    ...graph.edges.flatMap((edge) => checkEnds(edge, graph, context)),
    ...checkRepeats(graph.edges, context),
    ...checkOrders(graph.edges, context),
    ...checkCycles(graph, context),
  ];
}

/** The place of a wire is the node that takes it, else the node that gives it, else the graph. */
function edgePlace(edge: Edge, context: WiringContext): Place {
  if (!isWall(edge.to.node)) return { ...context.place(edge.to.node), port: edge.to.port };
  if (!isWall(edge.from.node)) return { ...context.place(edge.from.node), port: edge.from.port };
  return context.place();
}

function checkEnds(edge: Edge, graph: AnyGraph, context: WiringContext): readonly Diagnostic[] {
  const { from, to } = edge;
  // Nearly all wires are sound, and words are made only for those that are not.
  if (from.node in graph.nodes && to.node in graph.nodes && from.node !== to.node) return [];
  const where = edgePlace(edge, context);
  const facts = { edge: edgeWords(edge) };
  if (isWall(from.node) || isWall(to.node)) {
    if (!context.isBody) return [diagnose('wall-outside-body', where, facts)];
    if (to.node === WALL_IN || from.node === WALL_OUT) return [diagnose('wall-direction', where, facts)];
  }
  const found: Diagnostic[] = [];
  const exists = (id: NodeId): boolean => isWall(id) || id in graph.nodes;
  if (!exists(from.node)) found.push(diagnose('edge-dangling', where, { ...facts, end: 'comes from' }));
  if (!exists(to.node)) found.push(diagnose('edge-dangling', where, { ...facts, end: 'leads to' }));
  if (from.node === to.node) found.push(diagnose('edge-self', where, facts));
  return found;
}

function checkRepeats(edges: readonly Edge[], context: WiringContext): readonly Diagnostic[] {
  const seen = new Set<string>();
  return edges.flatMap((edge) => {
    const key = edgeWords(edge);
    if (seen.has(key)) return [diagnose('edge-duplicate', edgePlace(edge, context), { edge: key })];
    seen.add(key);
    return [];
  });
}

function checkOrders(edges: readonly Edge[], context: WiringContext): readonly Diagnostic[] {
  const first = new Map<string, Edge>();
  return edges.flatMap((edge) => {
    if (edge.order === undefined) return [];
    const key = `${edge.to.node}.${edge.to.port}.${edge.order}`;
    const other = first.get(key);
    if (other !== undefined) {
      const facts = { order: edge.order, edges: [edgeWords(other), edgeWords(edge)] };
      return [diagnose('edge-order-duplicate', edgePlace(edge, context), facts)];
    }
    first.set(key, edge);
    return [];
  });
}

/** The nodes that each node's outputs lead to, walls left out: a layer's carry is no cycle. */
export function successorsOf(graph: AnyGraph): (id: NodeId) => readonly NodeId[] {
  const next = new Map<NodeId, NodeId[]>();
  for (const { from, to } of graph.edges) {
    if (!(from.node in graph.nodes) || !(to.node in graph.nodes) || from.node === to.node) continue;
    const list = next.get(from.node);
    if (list === undefined) next.set(from.node, [to.node]);
    else list.push(to.node);
  }
  return (id) => next.get(id) ?? [];
}

function checkCycles(graph: AnyGraph, context: WiringContext): readonly Diagnostic[] {
  const ids = Object.keys(graph.nodes) as NodeId[];
  return findCycles(ids, successorsOf(graph)).map((cycle) =>
    diagnose('graph-cycle', context.place(cycle[0]), { cycle }),
  );
}

/**
 * The wall of a stack's body, seen from inside: `$in` gives the carry and broadcast ports, `$out` takes the carry and
 * collect ports, each exactly once.
 */
export function checkStackWall(body: Graph, stack: StackSettings, place: Place): readonly Diagnostic[] {
  const found = [...checkWallPorts(body, stack, place)];
  const leaving = outgoing(body.edges);
  for (const port of [...stack.carry, ...stack.collect]) {
    if (!leaving.has(port)) found.push(diagnose('wall-port-unwired', { ...place, port }, { port }));
  }
  return [...found, ...manyInto(leaving, place)];
}

function checkWallPorts(body: AnyGraph, stack: StackSettings, place: Place): readonly Diagnostic[] {
  const inputs: readonly string[] = [...stack.carry, ...stack.broadcast];
  const outputs: readonly string[] = [...stack.carry, ...stack.collect];
  return body.edges.flatMap((edge) => {
    const words = edgeWords(edge);
    const found: Diagnostic[] = [];
    if (edge.from.node === WALL_IN && !inputs.includes(edge.from.port)) {
      found.push(diagnose('wall-port-unknown', place, { edge: words, wall: WALL_IN, ports: inputs }));
    }
    if (edge.to.node === WALL_OUT && !outputs.includes(edge.to.port)) {
      found.push(diagnose('wall-port-unknown', place, { edge: words, wall: WALL_OUT, ports: outputs }));
    }
    return found;
  });
}

/** The wires to `$out` by port. */
export function outgoing(edges: readonly Edge[]): ReadonlyMap<string, readonly Edge[]> {
  const byPort = new Map<string, Edge[]>();
  for (const edge of edges) {
    if (edge.to.node === WALL_OUT) byPort.set(edge.to.port, [...(byPort.get(edge.to.port) ?? []), edge]);
  }
  return byPort;
}

export const manyInto = (byPort: ReadonlyMap<string, readonly Edge[]>, place: Place): readonly Diagnostic[] =>
  [...byPort]
    .filter(([, edges]) => edges.length > 1)
    .map(([port, edges]) => diagnose('wall-port-many', { ...place, port }, { edges: edges.map(edgeWords) }));

/** Ports that a stack declares twice, and wires of the outer graph to ports that it does not have. */
export function checkStackPorts(graph: Graph, context: WiringContext): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const [id, { stack }] of entriesOf(graph.nodes)) {
    const seen = new Set<string>();
    for (const port of stack === undefined ? [] : [...stack.carry, ...stack.broadcast, ...stack.collect]) {
      if (seen.has(port)) found.push(diagnose('stack-port-duplicate', { ...context.place(id), port }, { port }));
      seen.add(port);
    }
  }
  return [...found, ...checkStackWires(graph, context)];
}

/** A stack has its carry, broadcast and collect ports, and those that its body promotes. */
function checkStackWires(graph: AnyGraph, context: WiringContext): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  const check = (edge: Edge, id: NodeId, port: string, side: 'broadcast' | 'collect'): void => {
    const node: AnyNode | undefined = graph.nodes[id];
    if (node === undefined || !('stack' in node) || node.stack === undefined) return;
    const promoted = node.body?.promoted?.map((p) => p.name) ?? [];
    const ports: readonly string[] = [...node.stack.carry, ...node.stack[side], ...promoted];
    if (ports.includes(port)) return;
    found.push(diagnose('stack-port-unknown', edgePlace(edge, context), { edge: edgeWords(edge), ports }));
  };
  for (const edge of graph.edges) {
    check(edge, edge.to.node, edge.to.port, 'broadcast');
    check(edge, edge.from.node, edge.from.port, 'collect');
  }
  return found;
}
