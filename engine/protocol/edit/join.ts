/**
 * Joining two neighbouring parts of a stack, the inverse of a split. What differs by layer (parameters, selections, mutes)
 * becomes overrides and selections; anything else that differs is a reason to refuse, named in words.
 */
import { fail, ok, type Result } from '../../base/result.ts';
import { inOrder, stackName } from '../document.ts';
import type { Document, Edge, Graph, Node, Params, ParamValue, StackSettings } from '../document.ts';
import { sameJson } from '../equal.ts';
import { entriesOf, recordOf, withEntry, withoutEntry, type NodeId } from '../ids.ts';
import { diagnose } from '../messages.ts';
import { isLayered, layered, overridesOf, stackValue } from '../params.ts';
import { formatLayers, layersOf, layersWithin, type LayerRange } from '../selection.ts';
import {
  editableNode,
  formatNodeAddress,
  graphAt,
  placeOfNode,
  refuse,
  replaceGraph,
  type EditResult,
  type ModelAddress,
} from './address.ts';

interface Part {
  readonly id: NodeId;
  readonly node: Node;
  readonly stack: StackSettings;
  readonly body: Graph;
}

/** Joins two parts of one stack into the one with the smaller layer numbers. */
export function joinStacks(document: Document, at: ModelAddress, one: NodeId, other: NodeId): EditResult {
  const parts: Part[] = [];
  for (const id of [one, other]) {
    const address = { graph: at, node: id };
    const found = editableNode(document, address);
    if (!found.ok) return found;
    const { stack, body } = found.value;
    if (stack === undefined || body === undefined) {
      return refuse(diagnose('edit-not-stack', placeOfNode(address), { node: formatNodeAddress(address) }));
    }
    parts.push({ id, node: found.value, stack, body });
  }
  parts.sort((a, b) => a.stack.first - b.stack.first);
  const [first, second] = parts;
  const graph = graphAt(document, at);
  if (first === undefined || second === undefined || graph === undefined) return refuse();
  const joined = joinParts(graph, first, second);
  if (joined.ok) return ok(replaceGraph(document, at, joined.value));
  return refuse(diagnose('edit-join', placeOfNode({ graph: at, node: second.id }), { reason: joined.error }));
}

function joinParts(graph: Graph, first: Part, second: Part): Result<Graph> {
  const settings = settingsReason(first, second);
  if (settings !== undefined) return fail(settings);
  const body = joinBodies(first, second);
  if (!body.ok) return body;
  const edges = joinWires(graph, first, second);
  if (!edges.ok) return edges;
  const { name, ...settingsLeft } = first.stack;
  const stack: StackSettings = {
    ...(name === undefined || name === first.id ? {} : { name }),
    ...settingsLeft,
    repeat: first.stack.repeat + second.stack.repeat,
  };
  const nodes = withEntry(withoutEntry(graph.nodes, second.id), first.id, { ...first.node, stack, body: body.value });
  return ok({ ...graph, nodes, edges: edges.value });
}

/** Why two stacks are not neighbouring parts of one, or `undefined`. */
function settingsReason(first: Part, second: Part): string | undefined {
  if (first.id === second.id) return 'they are the same stack';
  if (stackName(first.id, first.stack) !== stackName(second.id, second.stack)) {
    return `their names differ ("${stackName(first.id, first.stack)}" and "${stackName(second.id, second.stack)}")`;
  }
  const end = first.stack.first + first.stack.repeat;
  if (second.stack.first !== end)
    return `one ends with layer ${end - 1} and the other begins with ${second.stack.first}`;
  const keys = ['weights', 'carry', 'broadcast', 'collect'] as const;
  const key = keys.find((k) => !sameJson(first.stack[k], second.stack[k]));
  return key === undefined ? undefined : `their "${key}" settings differ`;
}

function joinBodies(first: Part, second: Part): Result<Graph> {
  const { nodes: left, edges: leftEdges, promoted: leftPromoted } = first.body;
  const { nodes: right, edges: rightEdges, promoted: rightPromoted } = second.body;
  const alone = [
    ...Object.keys(left).filter((id) => !(id in right)),
    ...Object.keys(right).filter((id) => !(id in left)),
  ];
  if (alone.length > 0) return fail(`only one body has node "${alone[0]}"`);
  if (!sameEdges(leftEdges, rightEdges)) return fail('the wires inside differ');
  if (!sameJson(leftPromoted, rightPromoted)) return fail('the promoted ports inside differ');
  const nodes: (readonly [NodeId, Node])[] = [];
  for (const [id, node] of entriesOf(left)) {
    const joined = joinNodes(id, node, right[id] ?? node, first.stack, second.stack);
    if (!joined.ok) return joined;
    nodes.push([id, joined.value]);
  }
  return ok({ ...first.body, nodes: recordOf(nodes) });
}

const sameEdges = (a: readonly Edge[], b: readonly Edge[]): boolean =>
  a.length === b.length && a.every((edge) => b.some((other) => sameJson(edge, other)));

function joinNodes(id: NodeId, one: Node, two: Node, first: LayerRange, second: LayerRange): Result<Node> {
  const { params: oneParams, layers: oneLayers, mute: oneMute, ...restOne } = one;
  const { params: twoParams, layers: twoLayers, mute: twoMute, ...restTwo } = two;
  if (!sameJson(restOne, restTwo)) return fail(`node "${id}" differs in more than parameters and layers`);
  const params = joinParams(id, oneParams, twoParams, first, second);
  if (!params.ok) return params;
  const whole = { first: first.first, repeat: first.repeat + second.repeat };
  const join = (a: string, b: string): string => {
    if (a === b && (a === 'all' || a === 'none')) return a;
    return formatLayers([...selected(a, first), ...selected(b, second)], whole.first, whole.repeat);
  };
  const layers =
    oneLayers === undefined && twoLayers === undefined ? undefined : join(oneLayers ?? 'all', twoLayers ?? 'all');
  const mute =
    oneMute === twoMute && typeof oneMute !== 'string' ? oneMute : join(muteText(oneMute), muteText(twoMute));
  return ok({
    ...restOne,
    params: params.value,
    ...(layers === undefined ? {} : { layers }),
    ...(mute === undefined ? {} : { mute }),
  });
}

const muteText = (mute: Node['mute']): string => (typeof mute === 'string' ? mute : mute === true ? 'all' : 'none');

function selected(selection: string, range: LayerRange): readonly number[] {
  const layers = layersWithin(selection, range.first, range.repeat);
  return layers.ok ? layers.value : [];
}

function joinParams(id: NodeId, one: Params, two: Params, first: LayerRange, second: LayerRange): Result<Params> {
  const joined: [string, ParamValue][] = [];
  for (const name of new Set([...Object.keys(one), ...Object.keys(two)])) {
    const a = one[name];
    const b = two[name];
    if (a === undefined || b === undefined) return fail(`parameter "${name}" of node "${id}" is set in one part only`);
    const value = joinValue(a, b, first, second);
    if (value === undefined) return fail(`the lists in parameter "${name}" of node "${id}" differ`);
    joined.push([name, value]);
  }
  return ok(recordOf(joined));
}

/** The first part's stack value holds for all; what the second part has otherwise becomes overrides. */
function joinValue(a: ParamValue, b: ParamValue, first: LayerRange, second: LayerRange): ParamValue | undefined {
  const base = stackValue(a);
  const otherBase = stackValue(b);
  if (typeof base === 'object' || typeof otherBase === 'object') return sameJson(a, b) ? a : undefined;
  const overrides = new Map(isLayered(a) ? overridesOf(a, first) : []);
  const others = isLayered(b) ? overridesOf(b, second) : undefined;
  for (const layer of layersOf(second)) {
    const value = others?.get(layer) ?? (otherBase === base ? undefined : otherBase);
    if (value !== undefined) overrides.set(layer, value);
  }
  return layered(base, overrides);
}

/** The wires of the joined stack, or why those of the two parts do not fit together. */
function joinWires(graph: Graph, first: Part, second: Part): Result<readonly Edge[]> {
  const promoted = graph.promoted?.find((p) => p.node === first.id || p.node === second.id);
  if (promoted !== undefined) return fail(`the port "${promoted.port}" is promoted`);
  const { carry, broadcast, collect } = first.stack;
  const into = (id: NodeId, port: string): readonly Edge[] =>
    graph.edges.filter((e) => e.to.node === id && e.to.port === port);
  const from = (id: NodeId, port: string): readonly Edge[] =>
    graph.edges.filter((e) => e.from.node === id && e.from.port === port);

  const dropped = new Set<Edge>();
  for (const port of carry) {
    const between = into(second.id, port);
    const isOnly = between.length === 1 && between[0]?.from.node === first.id && between[0]?.from.port === port;
    if (!isOnly) return fail(`port "${port}" of the second part is not fed by the first part alone`);
    if (from(first.id, port).length !== 1) return fail(`port "${port}" of the first part is used elsewhere too`);
    between.forEach((e) => dropped.add(e));
  }
  for (const port of broadcast) {
    const sources = (edges: readonly Edge[]): readonly Edge['from'][] => inOrder(edges).map((e) => e.from);
    const again = into(second.id, port);
    if (!sameJson(sources(into(first.id, port)), sources(again))) return fail(`port "${port}" is fed differently`);
    again.forEach((e) => dropped.add(e));
  }
  for (const port of collect) {
    const again = from(second.id, port);
    if (!from(first.id, port).every((e) => follows(graph, e, again)) || from(first.id, port).length !== again.length) {
      return fail(`the wires of port "${port}" do not run side by side to the same places`);
    }
    again.forEach((e) => dropped.add(e));
  }
  return ok(
    graph.edges
      .filter((e) => !dropped.has(e))
      .map((e) => (e.from.node === second.id ? { ...e, from: { ...e.from, node: first.id } } : e)),
  );
}

/** Whether one of `others` comes right behind `edge` at the same many-input port. */
function follows(graph: Graph, edge: Edge, others: readonly Edge[]): boolean {
  const port = inOrder(graph.edges.filter((e) => e.to.node === edge.to.node && e.to.port === edge.to.port));
  const next = port[port.indexOf(edge) + 1];
  return next !== undefined && others.includes(next);
}
