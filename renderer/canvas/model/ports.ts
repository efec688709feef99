/**
 * The ports of a node as they are drawn. Types of the catalog declare theirs; those of a stack come from its settings, and
 * their kinds from what they are wired to; a node of unknown type keeps the ports that its wires name.
 */
import type { PortInfo } from '../../../engine/protocol/api/catalog.ts';
import { indexWires, type Graph, type Node, type WireIndex } from '../../../engine/protocol/document.ts';
import { entriesOf, isWall, WALL_IN, WALL_OUT, type NodeId, type PortId } from '../../../engine/protocol/ids.ts';
import type { TypeIndex } from './catalog.ts';

export type PortGlyph = 'carry' | 'broadcast' | 'collect' | 'promoted';

export interface Port {
  readonly name: PortId;
  readonly kind: string;
  readonly doc: string;
  readonly many: boolean;
  readonly optional: boolean;
  readonly glyph?: PortGlyph;
}
export interface Ports {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

/** The kind of a port about which nothing is known. */
export const ANY_KIND = 'any';

const wireIndexes = new WeakMap<object, WireIndex>();
/** The wires of a graph by their ends; graphs never change, so each is indexed once. */
export function wiresOf(graph: Graph): WireIndex {
  const known = wireIndexes.get(graph);
  if (known) return known;
  const made = indexWires(graph);
  wireIndexes.set(graph, made);
  return made;
}

const declared = (ports: Readonly<Record<string, PortInfo>>): Port[] =>
  Object.entries(ports).map(([name, p]) => ({
    name: name as PortId,
    kind: p.kind,
    doc: p.doc,
    many: p.many === true,
    optional: p.optional === true,
  }));

/** Ports of a node in its graph. `graph` is needed for nodes of unknown type alone. */
export function portsOf(id: NodeId, node: Node, graph: Graph, types: TypeIndex): Ports {
  if (node.stack !== undefined && node.body !== undefined) return stackPorts(node, types);
  const info = node.raw === undefined ? types.node(node.type) : undefined;
  if (info) return { inputs: declared(info.inputs), outputs: declared(info.outputs) };
  const wires = wiresOf(graph);
  const named = (names: readonly PortId[], doc: string): Port[] =>
    [...new Set(names)].map((name) => ({ name, kind: ANY_KIND, doc, many: true, optional: true }));
  return {
    inputs: named(
      wires.into(id).map((e) => e.to.port),
      'port of a node of unknown type',
    ),
    outputs: named(
      wires.from(id).map((e) => e.from.port),
      'port of a node of unknown type',
    ),
  };
}

const stackPortsKnown = new WeakMap<Node, { readonly types: TypeIndex; readonly ports: Ports }>();

function stackPorts(node: Node, types: TypeIndex): Ports {
  const known = stackPortsKnown.get(node);
  if (known?.types === types) return known.ports;
  const ports = makeStackPorts(node, types);
  stackPortsKnown.set(node, { types, ports });
  return ports;
}

function makeStackPorts(node: Node, types: TypeIndex): Ports {
  const { stack, body } = node;
  if (stack === undefined || body === undefined) return { inputs: [], outputs: [] };
  const port = (name: PortId, glyph: PortGlyph, side: 'in' | 'out'): Port => ({
    name,
    kind: wallKind(body, name, side, types),
    doc: STACK_DOCS[glyph],
    many: false,
    optional: false,
    glyph,
  });
  const promoted = (side: 'in' | 'out'): Port[] =>
    (body.promoted ?? []).flatMap((p) => {
      const inner = body.nodes[p.node];
      if (inner === undefined) return [];
      const ports = portsOf(p.node, inner, body, types);
      const found = (side === 'in' ? ports.inputs : ports.outputs).find((q) => q.name === p.port);
      return found ? [{ ...found, name: p.name, glyph: 'promoted' as const }] : [];
    });
  return {
    inputs: [
      ...stack.carry.map((p) => port(p, 'carry', 'in')),
      ...stack.broadcast.map((p) => port(p, 'broadcast', 'in')),
      ...promoted('in'),
    ],
    outputs: [
      ...stack.carry.map((p) => port(p, 'carry', 'out')),
      ...stack.collect.map((p) => port(p, 'collect', 'out')),
      ...promoted('out'),
    ],
  };
}

export const STACK_DOCS: Readonly<Record<PortGlyph, string>> = {
  carry: 'Each layer hands it to the next.',
  broadcast: 'Every layer gets the same value.',
  collect: 'One value per layer, stacked.',
  promoted: 'A port of a node inside.',
};

/** What flows through a port of the wall, seen from inside: what takes it from `$in`, or gives it to `$out`. */
export function wallKind(body: Graph, port: PortId, side: 'in' | 'out', types: TypeIndex): string {
  const wires = wiresOf(body);
  const kindAt = (id: NodeId, name: PortId, end: 'inputs' | 'outputs'): string | undefined => {
    const inner = body.nodes[id];
    if (inner === undefined) return undefined;
    return portsOf(id, inner, body, types)[end].find((p) => p.name === name)?.kind;
  };
  for (const e of wires.from(WALL_IN)) {
    if (e.from.port !== port || isWall(e.to.node)) continue;
    const kind = kindAt(e.to.node, e.to.port, 'inputs');
    if (kind !== undefined) return kind;
  }
  if (side === 'out' || body.edges.length > 0) {
    for (const e of wires.intoPort(WALL_OUT, port)) {
      if (isWall(e.from.node)) continue;
      const kind = kindAt(e.from.node, e.from.port, 'outputs');
      if (kind !== undefined) return kind;
    }
  }
  return 'tensor';
}

/** The ports of the walls of a body, as nodes inside see them: `$in` gives, `$out` takes. */
export function wallPorts(body: Graph, stack: NonNullable<Node['stack']>, types: TypeIndex): Ports {
  const ports = makeStackPorts({ type: 'stack', version: 1, params: {}, stack, body }, types);
  const own = (list: readonly Port[]): readonly Port[] => list.filter((p) => p.glyph !== 'promoted');
  return { inputs: own(ports.outputs), outputs: own(ports.inputs) };
}

/** One end of a possible wire: a port of a node, or of a wall. */
export interface PortEnd {
  readonly node: NodeId;
  readonly port: Port;
}

/** All ports of a graph that give (`from`) or take (`to`) a wire. */
export function portEnds(
  graph: Graph,
  stack: Node['stack'],
  types: TypeIndex,
): { readonly from: readonly PortEnd[]; readonly to: readonly PortEnd[] } {
  const from: PortEnd[] = [];
  const to: PortEnd[] = [];
  for (const [node, value] of entriesOf<NodeId, Node>(graph.nodes)) {
    const ports = portsOf(node, value, graph, types);
    for (const port of ports.outputs) from.push({ node, port });
    for (const port of ports.inputs) to.push({ node, port });
  }
  if (stack !== undefined) {
    const wall = wallPorts(graph, stack, types);
    for (const port of wall.outputs) from.push({ node: WALL_IN, port });
    for (const port of wall.inputs) to.push({ node: WALL_OUT, port });
  }
  return { from, to };
}
