/**
 * Traces a resolved graph into functions. Nodes are built in place or as functions of their own; the body of a stack is
 * traced once per distinct layer. Mistakes of shape surface as diagnostics at the node that was being built.
 */
import { must, type Diagnostic, type Place } from '../base/errors.ts';
import { canonicalJson } from '../base/canonical.ts';
import { fail } from '../base/result.ts';
import { invertFn } from '../autodiff/invert.ts';
import { concat } from '../ir/build.ts';
import type { Region } from '../ir/program.ts';
import type { Tensor } from '../ir/tensor.ts';

import type { AnyNode, BuildInputs, SourceModule } from '../nodekit/node.ts';
import type { ParamSpecs, ParamValues } from '../nodekit/params.ts';
import { Unsupported } from '../nodekit/operator.ts';
import { Scope, type ScopeContext, type Traced } from '../nodekit/scope.ts';
import {
  tensorsOf,
  wireSignature,
  withTensors,
  type DataWire,
  type TransformWire,
  type Wire,
} from '../nodekit/wires.ts';
import { ShapeError } from '../ops/rule.ts';
import { stackName, type Document, type Graph, type Node } from '../protocol/document.ts';
import { WALL_IN, WALL_OUT, type BankId, type NodeId } from '../protocol/ids.ts';
import * as messages from './messages.ts';
import { isActive, resolveNode, topological, wiresInto, type LayerContext, type ResolvedNode } from './resolve.ts';
import type { NodeRegistry } from './registry.ts';

/** A traced function and the shape of its wires, so that a caller can rebuild them. */
export interface TracedWires {
  readonly traced: Traced;
  readonly outputs: readonly (readonly [string, DataWire])[];
}

export interface TraceContext {
  readonly document: Document;
  readonly registry: NodeRegistry;
  readonly scope: ScopeContext;
  readonly model: string;
  /** All modules off: the reference model of distillation and preference learning. */
  readonly bypassAll: boolean;
  readonly banks: ReadonlyMap<BankId, readonly SourceModule[]>;
  /** Traced functions by signature; shared by all compilations of one session, so that an edit traces little. */
  readonly memo: Map<string, TracedWires>;
  report(d: Diagnostic): void;
}

type Wires = Map<NodeId, Map<string, readonly Wire[]>>;

/** Stops the tracing of one graph after a mistake was reported; other layers and models go on. */
class Stopped extends Error {}

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
          traceStack(context, node, id, scope, (port) => incoming(id, port)[0], place(id)),
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
        ? buildInPlace(context, resolved, scope, inputs)
        : callNode(context, resolved, node, scope, inputs as ReadonlyMap<string, readonly DataWire[]>);
    return new Map(Object.entries(outputs).map(([port, wire]) => [port, [wire]]));
  } catch (error) {
    if (error instanceof ShapeError) context.report(messages.shapeRefused(where, error.message, error.fix));
    else if (error instanceof Unsupported)
      context.report(messages.shapeRefused(where, error.message, 'Use a module that allows it.'));
    else throw error;
    throw new Stopped();
  }
}

/** The values of a node that is built in place carry its id as their path, so that costs and profiles name the node. */
function buildInPlace(
  context: TraceContext,
  resolved: ResolvedNode,
  scope: Scope,
  inputs: ReadonlyMap<string, readonly Wire[]>,
): Readonly<Record<string, Wire>> {
  scope.builder.setPath(resolved.id);
  try {
    return resolved.definition.build(buildContext(context, resolved, scope.inside(resolved.id), inputs));
  } finally {
    scope.builder.setPath(undefined);
  }
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
  const shared = node.shared === undefined ? {} : { shared: node.shared };
  const results = scope.call(
    known.traced,
    resolved.id,
    wires.flatMap((w) => tensorsOf(w).map(([, t]) => t)),
    shared,
  );
  return Object.fromEntries(rebuildAll(known.outputs, results));
}

const bankKey = (context: TraceContext, bank: BankId): unknown =>
  (context.banks.get(bank) ?? []).map((s) => [s.name, s.type, s.params, s.tensor('').artifact, s.tensor('').tensor]);

const docOf = (definition: AnyNode): string =>
  [
    definition.docs.help,
    ...(definition.docs.equation ? [definition.docs.equation] : []),
    ...(definition.docs.paper ? [definition.docs.paper] : []),
  ].join('\n');

const namedTensors = (port: string, wire: DataWire): (readonly [string, Tensor])[] =>
  tensorsOf(wire).map(([name, t]) => [name === '' ? port : `${port}.${name}`, t] as const);

const countTensors = (wires: readonly DataWire[]): number => wires.reduce((n, w) => n + tensorsOf(w).length, 0);

/** Wires of the given kinds made of a function's results, in order. */
function rebuildAll(
  outputs: readonly (readonly [string, DataWire])[],
  results: readonly Tensor[],
): [string, DataWire][] {
  let at = 0;
  return outputs.map(([port, wire]) => {
    const n = tensorsOf(wire).length;
    const rebuilt = withTensors(wire, results.slice(at, at + n));
    at += n;
    return [port, rebuilt];
  });
}

function traceStack(
  context: TraceContext,
  node: Node,
  id: NodeId,
  scope: Scope,
  incoming: (port: string) => Wire | undefined,
  where: Place,
): Map<string, readonly Wire[]> {
  const stack = must(node.stack, 'a stack');
  const body = must(node.body, 'a stack has a body');
  const wire = (port: string): DataWire => {
    const w = incoming(port);
    if (!w || w.kind === 'transform') {
      context.report(messages.missingInput({ ...where, port }, 'the stack needs it.'));
      throw new Stopped();
    }
    return w;
  };
  const carry = stack.carry.map((port) => [port, wire(port)] as const);
  const broadcast = stack.broadcast.map((port) => [port, wire(port)] as const);
  const active = isActive(node, undefined);
  const layers = active ? Array.from({ length: stack.repeat }, (_, i) => stack.first + i) : [];
  if (layers.length === 0) return new Map(carry.map(([port, w]) => [port, [w]]));
  const bodyOf = (layer: number, absent: ReadonlyMap<string, number>): TracedWires =>
    traceBody(
      context,
      body,
      [...carry, ...broadcast],
      stack,
      { layer, first: stack.first, repeat: stack.repeat },
      where,
      absent,
    );
  const bodies = evenOut(
    layers.map((layer) => bodyOf(layer, new Map())),
    (i, absent) => bodyOf(must(layers[i], 'a layer'), absent),
  );
  bodies.forEach((b, i) => {
    stack.carry.forEach((port, k) => {
      const before = wireSignature((carry[k] as readonly [string, DataWire])[1]);
      const after = wireSignature((b.outputs[k] as readonly [string, DataWire])[1]);
      if (before !== after) {
        context.report(messages.carryChanged({ ...where, port, layer: stack.first + i }, before, after));
        throw new Stopped();
      }
    });
  });
  const flat = (wires: readonly (readonly [string, DataWire])[]): Tensor[] =>
    wires.flatMap(([, w]) => tensorsOf(w).map(([, t]) => t));
  const streams = flat(carry).length;
  const collected: Tensor[][] = [];
  let values = flat(carry);
  for (const run of runsOf(node, bodies)) {
    const region = stackRegion(context, node, must(run.bodies[0], 'a body').traced, streams, where);
    const results = scope.repeat(
      run.bodies.map((b) => b.traced),
      stackName(id, stack),
      stack.first + run.start,
      values,
      flat(broadcast),
      {
        region,
        sharedWeights: stack.weights === 'shared',
      },
    );
    values = results.slice(0, streams);
    results.slice(streams).forEach((t, k) => (collected[k] ??= []).push(t));
  }
  const gathered = collected.map((parts) =>
    concat(parts as [Tensor, ...Tensor[]], -(parts[0] as Tensor).type.shape.length),
  );
  return new Map(rebuildAll(bodies[0]?.outputs ?? [], [...values, ...gathered]).map(([port, w]) => [port, [w]]));
}

/** Losses that only some layers collect count as nothing in the others; a port that no layer gives is not there at all. */
function evenOut(
  bodies: readonly TracedWires[],
  again: (index: number, absent: ReadonlyMap<string, number>) => TracedWires,
): readonly TracedWires[] {
  const losses = new Map<string, number>();
  for (const b of bodies) for (const [port, w] of b.outputs) if (w.kind === 'loss') losses.set(port, w.coefficient);
  return bodies.map((b, i) => {
    const absent = new Map([...losses].filter(([port]) => !b.outputs.some(([own]) => own === port)));
    return absent.size === 0 ? b : again(i, absent);
  });
}

/** A reversible stack runs in stretches of equal layers, because each has the inverse of its own body. */
function runsOf(
  node: Node,
  bodies: readonly TracedWires[],
): { readonly start: number; readonly bodies: readonly TracedWires[] }[] {
  if (node.params['recompute'] !== 'reversible') return [{ start: 0, bodies }];
  const runs: { start: number; bodies: TracedWires[] }[] = [];
  bodies.forEach((body, i) => {
    const last = runs[runs.length - 1];
    if (last && last.bodies[0]?.traced.fn.name === body.traced.fn.name) last.bodies.push(body);
    else runs.push({ start: i, bodies: [body] });
  });
  return runs;
}

/** The region of a stack's layers, from its parameter `recompute`: none, checkpoint or reversible. */
function stackRegion(context: TraceContext, node: Node, body: Traced, streams: number, where: Place): Region {
  const mode = node.params['recompute'] ?? 'none';
  if (mode === 'none') return { kind: 'plain' };
  if (mode === 'checkpoint') return { kind: 'checkpoint' };
  const name = `${body.fn.name}Inverse`;
  const inverse = mode === 'reversible' ? invertFn(body.fn, streams, name) : fail(`recompute is "${String(mode)}"`);
  if (!inverse.ok) {
    context.report(messages.notReversible({ ...where, param: 'recompute' }, inverse.error));
    throw new Stopped();
  }
  return {
    kind: 'reversible',
    inverse: context.scope.library.add(inverse.value, name, `inverse of ${body.fn.name}`).name,
    streams,
  };
}

function traceBody(
  context: TraceContext,
  body: Graph,
  walls: readonly (readonly [string, DataWire])[],
  stack: NonNullable<Node['stack']>,
  at: LayerContext,
  where: Place,
  absent: ReadonlyMap<string, number>,
): TracedWires {
  const key = canonicalJson([
    'body',
    layerKey(context, body, at),
    walls.map(([port, w]) => [port, wireSignature(w)]),
    context.scope.training,
    context.scope.merging ?? false,
    context.bypassAll,
    [...absent],
  ]);
  const known = context.memo.get(key);
  if (known) return known;
  const inner = new Scope(context.scope);
  const entering = new Map<string, Wire>();
  for (const [port, w] of walls) {
    entering.set(
      port,
      withTensors(
        w,
        tensorsOf(w).map(([name, t]) => inner.builder.param(name === '' ? port : `${port}.${name}`, 'input', t.type)),
      ),
    );
  }
  const traced = traceGraph(context, body, inner, entering, at, where.node ?? '');
  if (!traced) throw new Stopped();
  const collected = stack.collect.filter((port) => absent.has(port) || traced.leaving.has(port));
  const outputs = [...stack.carry, ...collected].map((port): readonly [string, DataWire] => {
    const coefficient = absent.get(port);
    if (coefficient !== undefined) return [port, emptyLoss(inner, coefficient)];
    const w = traced.leaving.get(port);
    if (!w || w.kind === 'transform') {
      context.report(messages.missingInput({ ...where, port, layer: at.layer }, 'the body must give it to the wall.'));
      throw new Stopped();
    }
    return [port, w];
  });
  const origin = { nodeType: 'Layer', doc: 'One layer of the stack.', args: {} };
  const wires = walls.reduce((n, [, w]) => n + tensorsOf(w).length, 0);
  const made = {
    traced: inner.finish(
      origin,
      outputs.flatMap(([port, w]) => namedTensors(port, w)),
      wires,
    ),
    outputs,
  };
  context.memo.set(key, made);
  return made;
}

/** A loss of no terms that weighs as much as one layer's. */
function emptyLoss(scope: Scope, coefficient: number): DataWire {
  const number = (value: number): Tensor =>
    scope.builder.emit('constant', [], { dtype: 'f32', shape: [], value })[0] as Tensor;
  return { kind: 'loss', sum: number(0), weight: number(1), coefficient };
}

/** Everything in a body that may differ between layers, and the body's own content. */
function layerKey(context: TraceContext, body: Graph, at: LayerContext): unknown {
  const nodes = Object.entries(body.nodes).map(([id, node]) => {
    const definition = context.registry.get(node.type);
    const recipe = node.recipe === undefined ? undefined : context.document.recipes[node.recipe];
    const resolved = definition
      ? resolveNode(context.document, context.registry, id as NodeId, node, at, {}, () => undefined)
      : undefined;
    const bank = node.bank === undefined ? '' : bankKey(context, node.bank);
    return [
      id,
      node.type,
      resolved?.params ?? node.params,
      resolved?.active ?? true,
      node.shared ?? '',
      node.scope ?? '',
      bank,
      recipe?.version ?? 0,
      node.body ?? null,
    ];
  });
  return [nodes, body.edges];
}

function readInputs(inputs: ReadonlyMap<string, readonly Wire[]>): BuildInputs {
  const first = <K extends Wire['kind']>(port: string, kind: K): Extract<Wire, { kind: K }> | undefined => {
    const wire = inputs.get(port)?.[0];
    return wire?.kind === kind ? (wire as Extract<Wire, { kind: K }>) : undefined;
  };
  const need = <K extends Wire['kind']>(port: string, kind: K): Extract<Wire, { kind: K }> =>
    must(first(port, kind), `port "${port}" carries ${kind}`);
  return {
    tensor: (port) => need(port, 'tensor').value,
    optionalTensor: (port) => first(port, 'tensor')?.value,
    tensors: (port) =>
      (inputs.get(port) ?? []).flatMap((w) => (w.kind === 'tensor' ? [w.value] : w.kind === 'sources' ? w.values : [])),
    tokens: (port) => need(port, 'tokens'),
    affine: (port) => need(port, 'affine'),
    optionalAffine: (port) => first(port, 'affine'),
    optionalKv: (port) => first(port, 'kv'),
    losses: (port) => (inputs.get(port) ?? []).filter((w) => w.kind === 'loss'),
    transforms: (port) => (inputs.get(port) ?? []).filter((w): w is TransformWire => w.kind === 'transform'),
  };
}
