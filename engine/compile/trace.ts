/**
 * Traces a resolved graph into functions. Nodes are built in place or as functions of their own; the body of a stack is
 * traced once per distinct layer. Mistakes of shape surface as diagnostics at the node that was being built.
 */
import { canonicalJson } from '../base/canonical.ts';
import { must, type Place } from '../base/errors.ts';
import type { AnyNode } from '../nodekit/node.ts';
import { Unsupported, type Transform } from '../nodekit/operator.ts';
import type { ParamSpecs, ParamValues } from '../nodekit/params.ts';
import { NodeRefused } from '../nodekit/refused.ts';
import { Scope, type Placement } from '../nodekit/scope.ts';
import { tensorsOf, wireSignature, withTensors, type DataWire, type Wire } from '../nodekit/wires.ts';
import { ShapeError } from '../ops/rule.ts';
import type { Graph, Node } from '../protocol/document.ts';
import { WALL_IN, WALL_OUT, type NodeId } from '../protocol/ids.ts';
import { readInputs } from './buildInputs.ts';
import * as messages from './messages.ts';
import { resolveNode, topological, wiresInto, type LayerContext, type ResolvedNode } from './resolve.ts';
import {
  bankKey,
  countTensors,
  namedTensors,
  rebuildAll,
  Stopped,
  type TraceContext,
  type Wires,
} from './traceContext.ts';
import { traceStack, type TraceBody } from './traceStack.ts';

/** Traces a graph in `scope`. `entering` are the wires of the wall. Returns those that leave by the wall, and by name the outputs of all nodes. */
export function traceGraph(
  context: TraceContext,
  graph: Graph,
  scope: Scope,
  entering: ReadonlyMap<string, Wire>,
  at: LayerContext | undefined,
  path: string,
): { readonly leaving: ReadonlyMap<string, Wire>; readonly nodes: Wires } | undefined {
  const nodes: Wires = new Map();
  const place = (id: NodeId): Place => ({
    model: context.model,
    node: path === '' ? id : `${path}/${id}`,
    ...(at ? { layer: at.layer } : {}),
  });
  const incoming = (id: NodeId, port: string): Wire[] =>
    wiresInto(graph, id, port).flatMap((e) => {
      if (e.from.node === WALL_IN) {
        const wire = entering.get(e.from.port);
        return wire ? [wire] : [];
      }
      return nodes.get(e.from.node)?.get(e.from.port) ?? [];
    });
  try {
    for (const id of topological(graph)) {
      const node = must(graph.nodes[id], `node ${id}`);
      if (node.stack) {
        nodes.set(
          id,
          traceStack(context, node, id, scope, (port) => incoming(id, port)[0], place(id), traceBody),
        );
        continue;
      }
      const resolved = resolveNode(context.document, context.registry, id, node, at, place(id), (d) =>
        context.report(d),
      );
      if (!resolved) throw new Stopped();
      nodes.set(
        id,
        traceNode(context, resolved, scope, (port) => incoming(id, port), place(id)),
      );
    }
  } catch (error) {
    if (error instanceof Stopped) return undefined;
    throw error;
  }
  const leaving = new Map<string, Wire>();
  for (const e of graph.edges) {
    if (e.to.node !== WALL_OUT) continue;
    const wire = incoming(WALL_OUT, e.to.port)[0];
    if (wire) leaving.set(e.to.port, wire);
  }
  return { leaving, nodes };
}

function traceNode(
  context: TraceContext,
  resolved: ResolvedNode,
  scope: Scope,
  incoming: (port: string) => Wire[],
  where: Place,
): Map<string, readonly Wire[]> {
  const { definition, node } = resolved;
  const active = resolved.active && !(context.bypassAll && definition.peft !== undefined);
  if (!active) return bypassed(definition, incoming);
  const inputs = new Map(Object.keys(definition.inputs).map((port) => [port, incoming(port)]));
  for (const [port, spec] of Object.entries(definition.inputs)) {
    if (inputs.get(port)?.length === 0 && !spec.optional) {
      context.report(messages.missingInput({ ...where, port }, spec.doc));
      throw new Stopped();
    }
  }
  try {
    const carriesTransform = Object.values(definition.outputs).some((p) => p.kind === 'transform');
    const outputs =
      definition.inline === true || carriesTransform
        ? builtInPlace(context, resolved, scope, inputs)
        : callNode(context, resolved, node, scope, inputs as ReadonlyMap<string, readonly DataWire[]>);
    return new Map(Object.entries(outputs).map(([port, wire]) => [port, [wire]]));
  } catch (error) {
    if (error instanceof ShapeError) context.report(messages.shapeRefused(where, error.message, error.fix));
    else if (error instanceof Unsupported)
      context.report(messages.shapeRefused(where, error.message, 'Use a module that allows it.'));
    else if (error instanceof NodeRefused) context.report(messages.nodeRefused(where, error));
    else throw error;
    throw new Stopped();
  }
}

/** Built in the function of the graph. The parameters of a transform are made where it is applied, placed as its node says. */
function builtInPlace(
  context: TraceContext,
  resolved: ResolvedNode,
  scope: Scope,
  inputs: ReadonlyMap<string, readonly Wire[]>,
): Readonly<Record<string, Wire>> {
  const placement = placementOf(resolved);
  const inner = scope.placing(placement).inside(resolved.id);
  // Values carry the id of their node as path, so that costs and profiles name it.
  scope.builder.setPath(resolved.id);
  const outputs = resolved.definition.build(buildContext(context, resolved, inner, inputs));
  scope.builder.setPath(undefined);
  return Object.fromEntries(
    Object.entries(outputs).map(([port, wire]): [string, Wire] => {
      if (wire.kind !== 'transform' || placement === undefined) return [port, wire];
      const { transform } = wire;
      const { delta } = transform;
      const placed = {
        ...transform,
        wrap: (own: Scope, base: Parameters<typeof transform.wrap>[1]) => transform.wrap(own.placing(placement), base),
        ...(delta
          ? { delta: (own: Scope, ...rest: TransformArguments) => delta(own.placing(placement), ...rest) }
          : {}),
      };
      return [port, { kind: 'transform', transform: placed }];
    }),
  );
}

type TransformArguments = Parameters<NonNullable<Transform['delta']>> extends [Scope, ...infer Rest] ? Rest : never;

/** Whether the node's parameters are shared with other nodes or over layers. */
function placementOf({ node, id }: ResolvedNode): Placement | undefined {
  if (node.shared === undefined && node.scope === undefined) return undefined;
  return {
    node: id,
    ...(node.shared === undefined ? {} : { shared: node.shared }),
    ...(node.scope === undefined ? {} : { scope: node.scope }),
  };
}

function bypassed(definition: AnyNode, incoming: (port: string) => Wire[]): Map<string, readonly Wire[]> {
  if (definition.bypass.kind !== 'pass') return new Map();
  return new Map(Object.entries(definition.bypass.from).map(([out, port]) => [out, incoming(port)]));
}

function buildContext(
  context: TraceContext,
  resolved: ResolvedNode,
  scope: Scope,
  inputs: ReadonlyMap<string, readonly Wire[]>,
) {
  const bank = resolved.node.bank === undefined ? [] : (context.banks.get(resolved.node.bank) ?? []);
  return {
    scope,
    inputs: readInputs(inputs),
    params: resolved.params as ParamValues<ParamSpecs>,
    id: resolved.id,
    bank,
    definition: (type: string): AnyNode | undefined => context.registry.get(type),
  };
}

/** Builds the node as a function of its own, once per signature, and calls it. */
function callNode(
  context: TraceContext,
  resolved: ResolvedNode,
  node: Node,
  scope: Scope,
  inputs: ReadonlyMap<string, readonly DataWire[]>,
): Readonly<Record<string, DataWire>> {
  const wires = [...inputs.values()].flat();
  const key = canonicalJson([
    'node',
    node.type,
    resolved.definition.fingerprint ?? '',
    resolved.params,
    node.scope ?? '',
    node.bank === undefined ? '' : bankKey(context, node.bank),
    [...inputs].map(([port, ws]) => [port, ws.map(wireSignature)]),
    context.scope.training,
    context.scope.merging ?? false,
  ]);
  let known = context.memo.get(key);
  if (!known) {
    const inner = new Scope(context.scope);
    const rebuilt = new Map<string, readonly DataWire[]>();
    for (const [port, ws] of inputs) {
      rebuilt.set(
        port,
        ws.map((wire, i) => {
          const prefix = ws.length > 1 ? `${port}${i}` : port;
          return withTensors(
            wire,
            tensorsOf(wire).map(([name, t]) =>
              inner.builder.param(name === '' ? prefix : `${prefix}.${name}`, 'input', t.type),
            ),
          );
        }),
      );
    }
    const outputs = Object.entries(resolved.definition.build(buildContext(context, resolved, inner, rebuilt))) as [
      string,
      DataWire,
    ][];
    const origin = { nodeType: node.type, doc: docOf(resolved.definition), args: resolved.params };
    known = {
      traced: inner.finish(
        origin,
        outputs.flatMap(([port, wire]) => namedTensors(port, wire)),
        countTensors(wires),
      ),
      outputs,
    };
    context.memo.set(key, known);
  }
  const tensors = wires.flatMap((w) => tensorsOf(w).map(([, t]) => t));
  const results = scope.placing(placementOf(resolved)).call(known.traced, resolved.id, tensors);
  return Object.fromEntries(rebuildAll(known.outputs, results));
}

const traceBody: TraceBody = (...request) => traceGraph(...request)?.leaving;

const docOf = (definition: AnyNode): string =>
  [
    definition.docs.help,
    ...(definition.docs.equation ? [definition.docs.equation] : []),
    ...(definition.docs.paper ? [definition.docs.paper] : []),
  ].join('\n');
