/**
 * A graph of the document with its nodes looked up, parameters read for one layer, and wires checked by kind. Every
 * mistake becomes a diagnostic; nothing throws. What is not checked here: shapes (tracing) and references (protocol).
 */
import type { Diagnostic, Place } from '../base/errors.ts';
import {
  effectiveParams,
  inOrder,
  type Document,
  type Edge,
  type Graph,
  type Node,
  type Params,
  type ParamValue as ParamValueOfDocument,
} from '../protocol/document.ts';
import { stackValue, valueAt } from '../protocol/params.ts';
import { entriesOf, isWall, type NodeId, type PortId } from '../protocol/ids.ts';
import { resolveLayers } from '../protocol/selection.ts';
import type { AnyNode, PortSpec } from '../nodekit/node.ts';
import { readParam, type ParamSpecs, type ParamValue } from '../nodekit/params.ts';
import type { WireKind } from '../nodekit/wires.ts';
import * as messages from './messages.ts';
import type { NodeRegistry } from './registry.ts';

/** Which layer of which stack the graph is read for; undefined outside of stacks. */
export interface LayerContext {
  readonly layer: number;
  readonly first: number;
  readonly repeat: number;
}

export interface ResolvedNode {
  readonly id: NodeId;
  readonly node: Node;
  readonly definition: AnyNode;
  readonly params: Readonly<Record<string, ParamValue>>;
  /** False when muted or not selected in this layer: the bypass stands in. */
  readonly active: boolean;
}

export const STACK_TYPE = 'stack';

/** Parameters of stacks: they are nodes of the compiler itself, not of the registry. */
export const STACK_PARAMS = ['recompute', 'keepEvery'] as const;

/** True where the node takes part in this layer. */
export function isActive(node: Node, at: LayerContext | undefined): boolean {
  if (node.mute === true) return false;
  if (at === undefined) return true;
  const selects = (selection: string): boolean => {
    const layers = resolveLayers(selection, at.first, at.repeat);
    return layers.ok && layers.value.includes(at.layer);
  };
  if (typeof node.mute === 'string' && selects(node.mute)) return false;
  return node.layers === undefined || selects(node.layers);
}

/** The value of a parameter in this layer. */
const valueHere = (value: ParamValueOfDocument, at: LayerContext | undefined): unknown =>
  at ? valueAt(value, at.layer, at) : stackValue(value);

/** Reads the parameters of a node for one layer; unknown and invalid ones are reported and replaced by defaults. */
export function readParams(
  specs: ParamSpecs,
  given: Params,
  at: LayerContext | undefined,
  where: Place,
  report: (d: Diagnostic) => void,
): Record<string, ParamValue> {
  const params: Record<string, ParamValue> = {};
  for (const [name, spec] of Object.entries(specs)) {
    params[name] = spec.default;
    if (!(name in given)) continue;
    const value = valueHere(given[name] as ParamValueOfDocument, at);
    const read = readParam(spec, value);
    if ('value' in read) params[name] = read.value;
    else report(messages.badParam({ ...where, param: name }, read.problem, read.fix, JSON.stringify(value)));
  }
  for (const name of Object.keys(given)) {
    if (!(name in specs)) report(messages.unknownParam({ ...where, param: name }, Object.keys(specs)));
  }
  return params;
}

export function resolveNode(
  document: Document,
  registry: NodeRegistry,
  id: NodeId,
  node: Node,
  at: LayerContext | undefined,
  where: Place,
  report: (d: Diagnostic) => void,
): ResolvedNode | undefined {
  const definition = registry.get(node.type);
  if (!definition) {
    report(messages.unknownType(where, node.type));
    return undefined;
  }
  if (node.version > definition.version) report(messages.newerNode(where, node.type, node.version, definition.version));
  const params = readParams(definition.params, effectiveParams(document, node), at, where, report);
  return { id, node, definition, params, active: isActive(node, at) };
}

/** Port specification on either side of a node; stacks take theirs from their settings. */
export function portOf(
  registry: NodeRegistry,
  node: Node,
  side: 'input' | 'output',
  port: PortId,
): PortSpec | undefined {
  if (node.stack) {
    const names =
      side === 'input' ? [...node.stack.carry, ...node.stack.broadcast] : [...node.stack.carry, ...node.stack.collect];
    return names.includes(port) ? { kind: 'tensor', doc: `The ${port} stream of the stack.` } : undefined;
  }
  const definition = registry.get(node.type);
  return side === 'input' ? definition?.inputs[port] : definition?.outputs[port];
}

/** Kind, count and existence of every wire's ports. Wires on the wall of a stack are checked by what is inside. */
export function checkWires(
  registry: NodeRegistry,
  graph: Graph,
  where: (node: NodeId, port?: PortId) => Place,
  report: (d: Diagnostic) => void,
): void {
  const known = (node: Node, side: 'input' | 'output'): readonly string[] => {
    if (node.stack)
      return side === 'input'
        ? [...node.stack.carry, ...node.stack.broadcast]
        : [...node.stack.carry, ...node.stack.collect];
    const definition = registry.get(node.type);
    return Object.keys((side === 'input' ? definition?.inputs : definition?.outputs) ?? {});
  };
  for (const edge of graph.edges) {
    const source = isWall(edge.from.node) ? undefined : graph.nodes[edge.from.node];
    const target = isWall(edge.to.node) ? undefined : graph.nodes[edge.to.node];
    const from = source && portOf(registry, source, 'output', edge.from.port);
    const to = target && portOf(registry, target, 'input', edge.to.port);
    if (source && registryKnows(registry, source) && !from)
      report(messages.unknownPort(where(edge.from.node, edge.from.port), 'output', known(source, 'output')));
    if (target && registryKnows(registry, target) && !to)
      report(messages.unknownPort(where(edge.to.node, edge.to.port), 'input', known(target, 'input')));
    if (from?.kind === 'transform' && (isWall(edge.to.node) || target?.stack))
      report(messages.transformThroughWall(where(edge.from.node, edge.from.port)));
    else if (from && to && !source.stack && !target.stack && !fits(from.kind, to))
      report(messages.wrongKind(where(edge.to.node, edge.to.port), from.kind, to.kind));
  }
  for (const [id, node] of entriesOf<NodeId, Node>(graph.nodes)) {
    for (const [port, spec] of Object.entries(registry.get(node.type)?.inputs ?? {})) {
      const wires = graph.edges.filter((e) => e.to.node === id && e.to.port === port);
      if (wires.length === 0 && !spec.optional) report(messages.missingInput({ ...where(id), port }, spec.doc));
      if (wires.length > 1 && !spec.many) report(messages.tooManyWires(where(id, port as PortId), wires.length));
    }
  }
}

const registryKnows = (registry: NodeRegistry, node: Node): boolean =>
  node.stack !== undefined || registry.get(node.type) !== undefined;

/** A port for many tensors also takes the thick wire of a bank. */
export const fits = (carries: WireKind, port: PortSpec): boolean =>
  carries === port.kind || (carries === 'sources' && port.kind === 'tensor' && port.many === true);

/** Nodes in an order in which every wire goes forward; nodes on a cycle (reported by the protocol) are left out. */
export function topological(graph: Graph): NodeId[] {
  const ids = entriesOf<NodeId, Node>(graph.nodes).map(([id]) => id);
  const waiting = new Map<NodeId, number>(ids.map((id) => [id, 0]));
  const after = new Map<NodeId, NodeId[]>();
  for (const e of graph.edges) {
    if (!waiting.has(e.to.node) || !waiting.has(e.from.node)) continue;
    waiting.set(e.to.node, (waiting.get(e.to.node) as number) + 1);
    after.set(e.from.node, [...(after.get(e.from.node) ?? []), e.to.node]);
  }
  const ready = ids.filter((id) => waiting.get(id) === 0);
  const order: NodeId[] = [];
  for (let id = ready.shift(); id !== undefined; id = ready.shift()) {
    order.push(id);
    for (const next of after.get(id) ?? []) {
      const left = (waiting.get(next) as number) - 1;
      waiting.set(next, left);
      if (left === 0) ready.push(next);
    }
  }
  return order;
}

/** The wires into a node's port in their order. */
export const wiresInto = (graph: Graph, node: NodeId, port: string): readonly Edge[] =>
  inOrder(graph.edges.filter((e) => e.to.node === node && e.to.port === port));
