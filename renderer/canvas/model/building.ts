/**
 * Building with modules: a new node with the settings that its surroundings ask for, set into a wire, docked on a layer, in
 * series with a sublayer or parallel to it. Each is one pure edit.
 */
import { freeName } from '../../../engine/base/freeName.ts';
import type { Document, Edge, Graph, Node, Params } from '../../../engine/protocol/document.ts';
import {
  addNode,
  connect,
  disconnect,
  freeNodeId,
  graphAt,
  type EditResult,
  type ModelAddress,
} from '../../../engine/protocol/edit.ts';
import {
  isWall,
  recordOf,
  type BankId,
  type NodeId,
  type PortId,
  type RecipeId,
} from '../../../engine/protocol/ids.ts';
import { ok } from '../../../engine/base/result.ts';
import { attachingPort, rackPort } from './attachments.ts';
import { givenWidth, whyNot, type WireContext } from './compatible.ts';
import { kindFits } from './kinds.ts';
import { portsOf, wiresOf, type Port } from './ports.ts';
import { addBank, freshBankId } from '../../sources/model/banks.ts';
import { because } from './refuse.ts';
import { titleOf } from './words.ts';

/** A context whose document is the one under edit. */
const over = (context: WireContext, document: Document): WireContext => ({ ...context, document });

export function freeId(graph: Graph, type: string): NodeId {
  const stem =
    type
      .split('.')
      .at(-1)
      ?.replaceAll(/[^A-Za-z0-9_-]/g, '') ?? 'node';
  const base = /^[A-Za-z_]/.test(stem) ? stem : `n${stem}`;
  return freeNodeId(graph, base);
}

/** Settings that follow from where a node stands: widths, and the weights of a norm that it tunes. */
export function fittedParams(context: WireContext, at: ModelAddress, type: string, beside: NodeId | undefined): Params {
  const info = context.types.node(type);
  const graph = graphAt(context.document, at);
  if (!info || !graph) return {};
  const near = beside === undefined || isWall(beside) ? undefined : graph.nodes[beside];
  const width =
    (near && beside !== undefined ? givenWidth(context, at, graph, beside) : undefined) ?? streamWidth(graph);
  const found: [string, Params[string]][] = [];
  if (near && type === 'peft.lnTuning') {
    for (const p of ['width', 'epsilon', 'weight', 'bias']) {
      const value = near.params[p];
      if (value !== undefined) found.push([p, value]);
    }
    return recordOf(found);
  }
  if (width === undefined) return {};
  if ('width' in info.params && info.params['width']?.kind === 'int') found.push(['width', width]);
  if (type === 'layer.linear') found.push(['inFeatures', width], ['outFeatures', width]);
  if (type === 'compose.delta') {
    const out = near?.params['outFeatures'];
    found.push(['outFeatures', typeof out === 'number' ? out : width]);
  }
  return recordOf(found);
}

/** The width of the stream through a graph: that of its norms. */
function streamWidth(graph: Graph): number | undefined {
  for (const node of Object.values<Node>(graph.nodes)) {
    const inner = node.body ? streamWidth(node.body) : undefined;
    const width = inner ?? (node.type === 'layer.norm' ? node.params['width'] : undefined);
    if (typeof width === 'number') return width;
  }
  return undefined;
}

export interface Built {
  readonly document: Document;
  readonly node: NodeId;
}
export type BuildResult = { readonly ok: true; readonly value: Built } | Extract<EditResult, { readonly ok: false }>;

export function newNode(
  context: WireContext,
  at: ModelAddress,
  type: string,
  beside?: NodeId,
  recipe?: RecipeId,
): BuildResult {
  const info = context.types.node(type);
  const graph = graphAt(context.document, at);
  if (!info || !graph) return because(`There is no node type "${type}".`, 'Choose one of the palette.');
  const id = freeId(graph, type);
  const banked = info.bank ? withBank(context.document) : { document: context.document, bank: undefined };
  const node: Node = {
    type,
    version: info.version,
    params: fittedParams(context, at, type, beside),
    ...(recipe === undefined ? {} : { recipe }),
    ...(banked.bank === undefined ? {} : { bank: banked.bank }),
  };
  const added = addNode(banked.document, at, id, node);
  return added.ok ? { ok: true, value: { document: added.value, node: id } } : added;
}

/** The bank of a new card: the only one there is, or a new one. Among several a person chooses in the inspector. */
function withBank(document: Document): { readonly document: Document; readonly bank: BankId | undefined } {
  const banks = Object.keys(document.banks) as BankId[];
  if (banks.length > 0) return { document, bank: banks.length === 1 ? banks[0] : undefined };
  const bank = freshBankId(document);
  const made = addBank(bank)(document);
  return made.ok ? { document: made.value, bank } : { document, bank: undefined };
}

/** The ports through which a node could stand in a wire of a kind. */
export function through(
  inputs: readonly Port[],
  outputs: readonly Port[],
  kind: string,
): { in: Port; out: Port } | undefined {
  const into = inputs.find((p) => kindFits(kind, p.kind) && !p.many) ?? inputs.find((p) => kindFits(kind, p.kind));
  const out = outputs.find((p) => kindFits(p.kind, kind));
  return into && out ? { in: into, out } : undefined;
}

/** Whether the output of a node is a term to be added to what it reads, rather than to take its place. */
const isTerm = (port: Port): boolean => port.name === 'delta';

/** Sets a node that has no wires on these ports into a wire. What a node adds is added to what it read. */
export function splice(
  context: WireContext,
  at: ModelAddress,
  edge: Pick<Edge, 'from' | 'to'>,
  id: NodeId,
): EditResult {
  const graph = graphAt(context.document, at);
  const node = graph?.nodes[id];
  if (!graph || !node) return because('The node is not there any more.', 'Try again.');
  const ports = portsOf(id, node, graph, context.types);
  const kind = edgeKind(context, graph, edge);
  const way = through(ports.inputs, ports.outputs, kind);
  if (!way)
    return because(`"${titleOf(id, node, context.types)}" has no ports for this wire.`, 'Drop it beside the wire.');
  const into: Edge = { from: edge.from, to: { node: id, port: way.in.name } };
  if (isTerm(way.out)) return addTerm(context, at, edge, { node: id, port: way.out.name }, into);
  const order = graph.edges.find((e) => e.from === edge.from && e.to === edge.to)?.order;
  const cut = disconnect(context.document, at, edge);
  const first = cut.ok ? connect(cut.value, at, into) : cut;
  return first.ok
    ? connect(first.value, at, {
        from: { node: id, port: way.out.name },
        to: edge.to,
        ...(order === undefined ? {} : { order }),
      })
    : first;
}

export function edgeKind(context: WireContext, graph: Graph, edge: Pick<Edge, 'from' | 'to'>): string {
  const giver = isWall(edge.from.node) ? undefined : graph.nodes[edge.from.node];
  if (giver) {
    const kind = portsOf(edge.from.node, giver, graph, context.types).outputs.find(
      (p) => p.name === edge.from.port,
    )?.kind;
    if (kind !== undefined) return kind;
  }
  const taker = isWall(edge.to.node) ? undefined : graph.nodes[edge.to.node];
  if (!taker) return 'tensor';
  return (
    portsOf(edge.to.node, taker, graph, context.types).inputs.find((p) => p.name === edge.to.port)?.kind ?? 'tensor'
  );
}

/** Adds a term to what flows in a wire: into the sum that it leads to, else by a new sum. */
function addTerm(
  context: WireContext,
  at: ModelAddress,
  edge: Pick<Edge, 'from' | 'to'>,
  term: Edge['from'],
  into: Edge,
): EditResult {
  const graph = graphAt(context.document, at);
  const fed = connect(context.document, at, into);
  if (!graph || !fed.ok) return fed;
  const taker = isWall(edge.to.node) ? undefined : graph.nodes[edge.to.node];
  if (taker?.type === 'layer.add') return connect(fed.value, at, { from: term, to: edge.to });
  return sumInto(context, fed.value, at, [edge], edge.from, term);
}

/** Sums two values by a new node and leads the wires of the first through it. */
function sumInto(
  context: WireContext,
  document: Document,
  at: ModelAddress,
  wires: readonly Pick<Edge, 'from' | 'to'>[],
  one: Edge['from'],
  other: Edge['from'],
): EditResult {
  const made = newNode(over(context, document), at, 'layer.add');
  if (!made.ok) return made;
  const sum = made.value.node;
  let next: EditResult = ok(made.value.document);
  for (const e of wires) if (next.ok) next = disconnect(next.value, at, e);
  for (const from of [one, other]) {
    if (next.ok) next = connect(next.value, at, { from, to: { node: sum, port: 'x' as PortId } });
  }
  for (const e of wires) {
    if (next.ok) next = connect(next.value, at, { from: { node: sum, port: 'y' as PortId }, to: e.to });
  }
  return next;
}

/** Puts a node after another: all that the other gave goes through it. */
export function inSeries(context: WireContext, at: ModelAddress, target: NodeId, id: NodeId): EditResult {
  const graph = graphAt(context.document, at);
  const host = graph?.nodes[target];
  if (!graph || !host) return because('The node is not there any more.', 'Try again.');
  const out = portsOf(target, host, graph, context.types).outputs[0];
  const wires = out
    ? wiresOf(graph)
        .from(target)
        .filter((e) => e.from.port === out.name)
    : [];
  const [first] = wires;
  if (!out || !first)
    return because(`"${titleOf(target, host, context.types)}" gives to nobody yet.`, 'Wire it first.');
  if (wires.length === 1) return splice(context, at, first, id);
  const node = graph.nodes[id];
  const ports = node && portsOf(id, node, graph, context.types);
  const way = ports && through(ports.inputs, ports.outputs, out.kind);
  if (!way) return because('The module has no ports for this wire.', 'Drop it beside.');
  const one: Edge['from'] = { node: target, port: out.name };
  const term: Edge['from'] = { node: id, port: way.out.name };
  const fed = connect(context.document, at, { from: one, to: { node: id, port: way.in.name } });
  if (!fed.ok) return fed;
  if (isTerm(way.out)) return sumInto(context, fed.value, at, wires, one, term);
  let next: EditResult = fed;
  for (const e of wires) if (next.ok) next = disconnect(next.value, at, e);
  for (const e of wires) if (next.ok) next = connect(next.value, at, { from: term, to: e.to });
  return next;
}

/** Puts a node beside another: it reads the same and is added to what the other gives. */
export function inParallel(context: WireContext, at: ModelAddress, target: NodeId, id: NodeId): EditResult {
  const graph = graphAt(context.document, at);
  const host = graph?.nodes[target];
  const node = graph?.nodes[id];
  if (!graph || !host || !node) return because('The node is not there any more.', 'Try again.');
  const title = titleOf(target, host, context.types);
  const out = portsOf(target, host, graph, context.types).outputs.find((p) => p.kind === 'tensor');
  const read = wiresOf(graph)
    .into(target)
    .find((e) => edgeKind(context, graph, e) === 'tensor');
  const ports = portsOf(id, node, graph, context.types);
  const way = through(ports.inputs, ports.outputs, 'tensor');
  if (!out || !read || !way)
    return because(`Nothing can stand parallel to "${title}".`, 'Choose a node with one tensor in and out.');
  const fed = connect(context.document, at, { from: read.from, to: { node: id, port: way.in.name } });
  if (!fed.ok) return fed;
  const wires = wiresOf(graph)
    .from(target)
    .filter((e) => e.from.port === out.name);
  const [only] = wires;
  const sum = only && wires.length === 1 && !isWall(only.to.node) ? graph.nodes[only.to.node] : undefined;
  const term: Edge['from'] = { node: id, port: way.out.name };
  if (only && sum?.type === 'layer.add') return connect(fed.value, at, { from: term, to: only.to });
  return sumInto(context, fed.value, at, wires, { node: target, port: out.name }, term);
}

/** Docks a node on another: a transform on a linear layer, scale and shift on a norm, a prefix on an attention. */
export function dock(context: WireContext, at: ModelAddress, target: NodeId, id: NodeId): EditResult {
  const graph = graphAt(context.document, at);
  const host = graph?.nodes[target];
  const node = graph?.nodes[id];
  if (!graph || !host || !node) return because('The node is not there any more.', 'Try again.');
  const gives = portsOf(id, node, graph, context.types).outputs;
  for (const out of gives) {
    for (const input of portsOf(target, host, graph, context.types).inputs) {
      if (out.kind !== input.kind || (out.kind === 'tensor' && gives.length > 0)) continue;
      const end = { at, node: id, port: out.name };
      if (whyNot(context, end, { at, node: target, port: input.name }) !== undefined) continue;
      return connect(context.document, at, {
        from: { node: id, port: out.name },
        to: { node: target, port: input.name },
      });
    }
  }
  return because(
    `"${titleOf(target, host, context.types)}" has no free place for "${titleOf(id, node, context.types)}".`,
    'Choose another layer, or take off what is there.',
  );
}

/** How a type attaches to a node: docked, or in series behind it; nothing when it cannot. */
export function attachWay(
  context: WireContext,
  at: ModelAddress,
  type: string,
  target: NodeId,
): 'dock' | 'series' | undefined {
  const graph = graphAt(context.document, at);
  const host = graph?.nodes[target];
  const info = context.types.node(type);
  if (!graph || !host || !info) return undefined;
  const attaching = attachingPort(type, context.types);
  if (attaching) {
    const port = rackPort(target, host, graph, attaching.kind, context.types);
    return port && (port.many || wiresOf(graph).intoPort(target, port.name).length === 0) ? 'dock' : undefined;
  }
  const ports = portsOf(target, host, graph, context.types);
  const kinds = Object.values(info.outputs).map((p) => p.kind);
  const optional = ports.inputs.find((p) => p.optional && p.kind !== 'tensor' && kinds.includes(p.kind));
  if (optional && wiresOf(graph).intoPort(target, optional.name).length === 0) return 'dock';
  const takesTensor = Object.values(info.inputs).some((p) => p.kind === 'tensor');
  const out = ports.outputs[0];
  const gives =
    out?.kind === 'tensor' &&
    wiresOf(graph)
      .from(target)
      .some((e) => e.from.port === out.name);
  return takesTensor && kinds.includes('tensor') && gives ? 'series' : undefined;
}

/** Attaches a type to many nodes; modules that are attached together share one recipe. */
export function attach(
  context: WireContext,
  at: ModelAddress,
  type: string,
  targets: readonly NodeId[],
):
  | { readonly ok: true; readonly value: Document; readonly nodes: readonly NodeId[] }
  | Extract<EditResult, { readonly ok: false }> {
  const fitting = targets.filter((t) => attachWay(context, at, type, t) !== undefined);
  const title = context.types.node(type)?.title ?? type;
  if (fitting.length === 0) {
    return because(
      `${title} attaches to none of the ${targets.length} selected nodes.`,
      'Select layers that it can change, such as linear layers.',
    );
  }
  const recipe = fitting.length > 1 ? freeRecipe(context.document, type) : undefined;
  let document =
    recipe === undefined
      ? context.document
      : {
          ...context.document,
          recipes: recordOf<RecipeId, Document['recipes'][RecipeId]>([
            ...(Object.entries(context.document.recipes) as [RecipeId, Document['recipes'][RecipeId]][]),
            [recipe, { type, version: context.types.node(type)?.version ?? 1, params: {} }],
          ]),
        };
  const nodes: NodeId[] = [];
  for (const target of fitting) {
    const made = newNode(over(context, document), at, type, target, recipe);
    if (!made.ok) return made;
    const { node } = made.value;
    const inside = over(context, made.value.document);
    const way = attachWay(inside, at, type, target);
    const docked = way === 'series' ? inSeries(inside, at, target, node) : dock(inside, at, target, node);
    if (!docked.ok) return docked;
    const fed = feed(over(context, docked.value), at, node);
    document = fed;
    nodes.push(node);
  }
  return { ok: true, value: document, nodes };
}

function freeRecipe(document: Document, type: string): RecipeId {
  return freeName(type.split('.').at(-1) ?? 'recipe', (id) => id in document.recipes) as RecipeId;
}

/** Wires inputs that have one possible giver, such as the batch of a prefix. */
export function feed(context: WireContext, at: ModelAddress, id: NodeId): Document {
  let { document } = context;
  const graph = graphAt(document, at);
  const node = graph?.nodes[id];
  if (!graph || !node) return document;
  for (const input of portsOf(id, node, graph, context.types).inputs) {
    if (input.kind !== 'tokens' || input.optional || wiresOf(graph).intoPort(id, input.name).length > 0) continue;
    const giver = graph.edges.find((e) => edgeKind(context, graph, e) === 'tokens')?.from;
    if (!giver) continue;
    const next = connect(document, at, { from: giver, to: { node: id, port: input.name } });
    if (next.ok) document = next.value;
  }
  return document;
}
