/**
 * Stacks: a body traced once per distinct layer, the layers in turn with their regions, what they collect. A reversible
 * stack gets the inverse of its layers, derived from their instructions.
 */
import { canonicalJson } from '../base/canonical.ts';
import { must, type Diagnostic, type Place } from '../base/errors.ts';
import { fail } from '../base/result.ts';
import { invertFn } from '../autodiff/invert.ts';
import { concat } from '../ir/build.ts';
import type { Region } from '../ir/program.ts';
import type { Tensor } from '../ir/tensor.ts';
import { Scope, type Traced } from '../nodekit/scope.ts';
import { tensorsOf, wireSignature, withTensors, type DataWire, type Wire } from '../nodekit/wires.ts';
import { stackName, type Graph, type Node } from '../protocol/document.ts';
import type { NodeId } from '../protocol/ids.ts';
import * as messages from './messages.ts';
import { isActive, resolveNode, type LayerContext } from './resolve.ts';
import {
  bankKey,
  namedTensors,
  rebuildAll,
  Stopped,
  type Sayings,
  type TraceContext,
  type TracedWires,
} from './traceContext.ts';

/** How a body is traced: handed in, since graphs hold stacks and stacks hold graphs. */
export type TraceBody = (
  context: TraceContext,
  body: Graph,
  scope: Scope,
  entering: ReadonlyMap<string, Wire>,
  at: LayerContext,
  path: string,
) => ReadonlyMap<string, Wire> | undefined;

/** The layers of a stack; its outputs are the carried streams and what was collected. */
export function traceStack(
  context: TraceContext,
  node: Node,
  id: NodeId,
  scope: Scope,
  incoming: (port: string) => Wire | undefined,
  where: Place,
  traceInner: TraceBody,
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
  const places = layers.map((layer): LayerContext => ({ layer, first: stack.first, repeat: stack.repeat }));
  const keys = layerKeys(context, body, places, where);
  const bodyOf = (i: number, absent: ReadonlyMap<string, number>): TracedWires =>
    traceBody(
      context,
      body,
      [...carry, ...broadcast],
      stack,
      must(places[i], 'a layer'),
      must(keys[i], 'the key of a layer'),
      where,
      absent,
      traceInner,
    );
  const bodies = evenOut(
    layers.map((_, i) => bodyOf(i, new Map())),
    bodyOf,
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
  const inverse =
    mode === 'reversible' ? invertFn(body.fn, streams, name) : fail(`recompute is ${JSON.stringify(mode)}`);
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
  content: string,
  where: Place,
  absent: ReadonlyMap<string, number>,
  traceInner: TraceBody,
): TracedWires {
  const key = canonicalJson([
    'body',
    content,
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
  const leaving = traceInner(context, body, inner, entering, at, where.node ?? '');
  if (!leaving) throw new Stopped();
  const collected = stack.collect.filter((port) => absent.has(port) || leaving.has(port));
  const outputs = [...stack.carry, ...collected].map((port): readonly [string, DataWire] => {
    const coefficient = absent.get(port);
    if (coefficient !== undefined) return [port, emptyLoss(inner, coefficient)];
    const w = leaving.get(port);
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

/**
 * For every layer everything in a body that may differ between layers, and the body's own content, as a short text. What a
 * node says in each layer is kept by the node itself: documents are immutable, so after an edit only the changed nodes are
 * read again. Their findings are reported each time, since a layer that is known is not traced again.
 */
function layerKeys(
  context: TraceContext,
  body: Graph,
  layers: readonly LayerContext[],
  where: Place,
): readonly string[] {
  const columns: (readonly number[])[] = [];
  const common: string[] = [cachedText(context, body.edges, () => canonicalJson(body.edges))];
  for (const [id, node] of Object.entries(body.nodes)) {
    const said = sayingsOf(context, node, layers);
    columns.push(said.numbers);
    for (const { layer, found } of said.found) {
      const place = { ...where, node: `${where.node ?? ''}/${id}`, layer };
      for (const d of found) context.report({ ...d, where: { ...d.where, ...place } });
    }
    common.push(node.bank === undefined ? id : `${id} ${canonicalJson(bankKey(context, node.bank))}`);
  }
  const shared = context.numbers.of(common.join('\n'));
  return layers.map((_, i) => `${shared}:${columns.map((numbers) => numbers[i]).join(',')}`);
}

/** What a node says in the layers of a stack, kept for the node and its recipe as long as both live. */
function sayingsOf(context: TraceContext, node: Node, layers: readonly LayerContext[]): Sayings {
  const recipe = node.recipe === undefined ? undefined : context.document.recipes[node.recipe];
  const fingerprint = context.registry.get(node.type)?.fingerprint ?? '';
  const [first] = layers;
  const key = `${first?.first ?? 0} ${layers.length} ${fingerprint}`;
  const kept = mapIn(context.sayings, recipe ?? node, node);
  const known = kept.get(key);
  if (known) return known;
  const found: { layer: number; found: Diagnostic[] }[] = [];
  const numbers = layers.map((at) => {
    const problems: Diagnostic[] = [];
    const text = nodeText(context, node, at, (d) => problems.push(d));
    if (problems.length > 0) found.push({ layer: at.layer, found: problems });
    return context.numbers.of(text);
  });
  const made = { numbers, found };
  kept.set(key, made);
  return made;
}

function nodeText(context: TraceContext, node: Node, at: LayerContext, report: (d: Diagnostic) => void): string {
  const definition = context.registry.get(node.type);
  const { type, shared, scope, bank, body } = node;
  const resolved = definition
    ? resolveNode(context.document, context.registry, '' as NodeId, node, at, {}, report)
    : undefined;
  // What stands in for a node that is off follows from its type alone.
  if (resolved?.active === false) return canonicalJson([type, definition?.fingerprint ?? '', 'off']);
  return canonicalJson([
    type,
    definition?.fingerprint ?? '',
    resolved?.params ?? node.params,
    shared ?? '',
    scope ?? '',
    bank ?? '',
    body ?? null,
  ]);
}

/** The text of an object, kept as long as it lives. */
function cachedText(context: TraceContext, of: object, make: () => string): string {
  let text = context.texts.get(of);
  if (text === undefined) context.texts.set(of, (text = make()));
  return text;
}

/** The map that is kept for two objects (a node and its recipe) as long as both live. */
function mapIn(maps: TraceContext['sayings'], first: object, second: object): Map<string, Sayings> {
  let inner = maps.get(first);
  if (!inner) maps.set(first, (inner = new WeakMap<object, Map<string, Sayings>>()));
  let map = inner.get(second);
  if (!map) inner.set(second, (map = new Map<string, Sayings>()));
  return map;
}
