/**
 * Splitting a stack: `Stack 0-11` becomes `Stack 0-4` and `Stack 5-11`. Layer numbers are absolute and both parts keep the
 * stack's name, so no parameter changes its path and shared weights stay shared. Selections and overrides are cut to each
 * part. A stack unrolls into one stack per layer, for the same reason.
 */
import type { Diagnostic } from '../../base/errors.ts';
import { ok, type Result } from '../../base/result.ts';
import { inOrder, stackName, type Document, type Edge, type Graph, type Node, type Params } from '../document.ts';
import type { StackSettings } from '../document.ts';
import { entriesOf, recordOf, withEntry, type NodeId, type PortId } from '../ids.ts';
import { diagnose } from '../messages.ts';
import { isLayered, layered, overridesOf } from '../params.ts';
import { countsFromEnd, formatLayers, layersWithin, rangeWords, type LayerRange } from '../selection.ts';
import { checkLayers } from '../structure/layers.ts';
import { isKept, modelGraphs } from '../walk.ts';
import {
  editableNode,
  formatNodeAddress,
  freeNodeId,
  graphAt,
  placeOfNode,
  refuse,
  replaceGraph,
  type EditResult,
  type ModelNodeAddress,
} from './address.ts';

/** The node to put where a wired collect port comes in two pieces: it joins the values of its many-input port in order. */
export interface Collector {
  readonly type: string;
  readonly version: number;
  readonly input: PortId;
  readonly output: PortId;
}

/** Splits a stack before the layer with absolute number `layer`. The second part is named `<stack>_<layer>`. */
export function splitStack(document: Document, at: ModelNodeAddress, layer: number, collector?: Collector): EditResult {
  const found = splittable(document, at, collector);
  if (!found.ok) return found;
  const { graph, node, stack } = found.value;
  if (!Number.isInteger(layer) || layer <= stack.first || layer >= stack.first + stack.repeat) {
    return refuse(diagnose('edit-split-layer', placeOfNode(at), { layer, range: rangeWords(stack) }));
  }
  const split = splitGraph(graph, at.node, { ...node, stack }, layer, collector);
  return ok(replaceGraph(withAbsoluteLayers(document, node, stack), at.graph, split.graph));
}

/** Splits a stack into one stack per layer. */
export function unrollStack(document: Document, at: ModelNodeAddress, collector?: Collector): EditResult {
  const found = splittable(document, at, collector);
  if (!found.ok) return found;
  let { graph } = found.value;
  const { node, stack } = found.value;
  let last = { id: at.node, node: { ...node, stack } };
  for (let layer = stack.first + 1; layer < stack.first + stack.repeat; layer++) {
    const split = splitGraph(graph, last.id, last.node, layer, collector);
    graph = split.graph;
    last = split.second;
  }
  return ok(replaceGraph(withAbsoluteLayers(document, node, stack), at.graph, graph));
}

type StackNode = Node & { readonly stack: StackSettings };

interface Splittable {
  readonly graph: Graph;
  readonly node: Node;
  readonly stack: StackSettings;
}

/** The stack and its graph, or every reason why it cannot be split anywhere. */
function splittable(
  document: Document,
  at: ModelNodeAddress,
  collector: Collector | undefined,
): Result<Splittable, readonly Diagnostic[]> {
  const found = editableNode(document, at);
  if (!found.ok) return found;
  const node = found.value;
  const graph = graphAt(document, at.graph);
  const { stack, body } = node;
  const place = placeOfNode(at);
  if (stack === undefined || body === undefined || graph === undefined) {
    return refuse(diagnose('edit-not-stack', place, { node: formatNodeAddress(at) }));
  }
  const path = [...at.graph.path, at.node];
  const reasons: Diagnostic[] = [...checkLayers({ model: at.graph.model, path, graph: body, stack })];
  for (const [id, inner] of entriesOf(body.nodes)) {
    if (!isKept(inner)) continue;
    const where = placeOfNode({ graph: { ...at.graph, path }, node: id });
    reasons.push(diagnose('edit-node-kept', where, { type: inner.type }));
  }
  for (const promoted of graph.promoted ?? []) {
    if (promoted.node === at.node) reasons.push(diagnose('edit-split-promoted', place, { port: promoted.port }));
  }
  for (const promoted of body.promoted ?? []) {
    reasons.push(diagnose('edit-split-promoted', place, { port: promoted.name }));
  }
  const wired = stack.collect.filter((port) =>
    graph.edges.some((e) => e.from.node === at.node && e.from.port === port),
  );
  if (collector === undefined) {
    for (const port of wired) reasons.push(diagnose('edit-split-collect', { ...place, port }, { port }));
  }
  reasons.push(...relativeOutside(document, at));
  return reasons.length === 0 ? ok({ graph, node, stack }) : refuse(...reasons);
}

/** Splits one stack of a graph; everything has been checked. */
function splitGraph(
  graph: Graph,
  id: NodeId,
  node: StackNode,
  layer: number,
  collector: Collector | undefined,
): { readonly graph: Graph; readonly second: { readonly id: NodeId; readonly node: StackNode } } {
  const { stack } = node;
  const name = stackName(id, stack);
  const secondId = freeNodeId(graph, `${name}_${layer}`);
  const firstNode = partOf(id, node, { first: stack.first, repeat: layer - stack.first });
  const secondNode = partOf(id, node, { first: layer, repeat: stack.first + stack.repeat - layer });

  // The second part stands right behind the first, so that the file reads in the order of the layers.
  let nodes = recordOf<NodeId, Node>(
    entriesOf(graph.nodes).flatMap(([key, value]) =>
      key === id ? [[id, firstNode] as const, [secondId, secondNode] as const] : [[key, value] as const],
    ),
  );
  let edges: readonly Edge[] = graph.edges.flatMap((edge) => {
    if (edge.to.node === id && stack.broadcast.includes(edge.to.port)) {
      return [edge, { ...edge, to: { ...edge.to, node: secondId } }];
    }
    if (edge.from.node === id && stack.carry.includes(edge.from.port)) {
      return [{ ...edge, from: { ...edge.from, node: secondId } }];
    }
    return [edge];
  });
  edges = [...edges, ...stack.carry.map((port) => ({ from: { node: id, port }, to: { node: secondId, port } }))];
  for (const port of stack.collect) {
    const consumers = edges.filter((e) => e.from.node === id && e.from.port === port);
    const [first] = consumers;
    if (first === undefined || collector === undefined) continue;
    const target = nodes[first.to.node];
    if (consumers.length === 1 && target?.type === collector.type && first.to.port === collector.input) {
      edges = insertAfter(edges, first, { ...first, from: { node: secondId, port } });
      continue;
    }
    const joinId = freeNodeId({ nodes }, `${name}_${port}`);
    nodes = withEntry(nodes, joinId, { type: collector.type, version: collector.version, params: recordOf([]) });
    edges = [
      ...edges.map((e) => (consumers.includes(e) ? { ...e, from: { node: joinId, port: collector.output } } : e)),
      { from: { node: id, port }, to: { node: joinId, port: collector.input }, order: 0 },
      { from: { node: secondId, port }, to: { node: joinId, port: collector.input }, order: 1 },
    ];
  }
  return { graph: { ...graph, nodes, edges }, second: { id: secondId, node: secondNode } };
}

/** Adds a wire to a many-input port right behind another one, and numbers the port's wires anew. */
function insertAfter(edges: readonly Edge[], after: Edge, added: Edge): readonly Edge[] {
  const isSamePort = (e: Edge): boolean => e.to.node === after.to.node && e.to.port === after.to.port;
  const ordered = inOrder(edges.filter(isSamePort)).flatMap((e) => (e === after ? [e, added] : [e]));
  return [...edges.filter((e) => !isSamePort(e)), ...ordered.map((e, order) => ({ ...e, order }))];
}

/** The stack with the layers of `part` only. */
function partOf(id: NodeId, node: StackNode, part: LayerRange): StackNode {
  const whole = node.stack;
  const body = node.body ?? { nodes: recordOf<NodeId, Node>([]), edges: [] };
  const nodes = recordOf(entriesOf(body.nodes).map(([key, inner]) => [key, cutNode(inner, whole, part)] as const));
  return { ...node, stack: { ...whole, ...part, name: stackName(id, whole) }, body: { ...body, nodes } };
}

function cutNode(node: Node, whole: LayerRange, part: LayerRange): Node {
  const cut = (selection: string): string => {
    if (selection === 'all' || selection === 'none') return selection;
    const layers = layersWithin(selection, whole.first, whole.repeat);
    const inPart = (layers.ok ? layers.value : []).filter((n) => n >= part.first && n < part.first + part.repeat);
    return formatLayers(inPart, part.first, part.repeat);
  };
  return {
    ...node,
    ...(node.layers === undefined ? {} : { layers: cut(node.layers) }),
    ...(typeof node.mute === 'string' ? { mute: cut(node.mute) } : {}),
    params: cutParams(node.params, whole, part),
  };
}

function cutParams(params: Params, whole: LayerRange, part: LayerRange): Params {
  return recordOf(
    entriesOf(params).map(([name, value]) => {
      if (!isLayered(value)) return [name, value] as const;
      const inPart = [...overridesOf(value, whole)].filter(([n]) => n >= part.first && n < part.first + part.repeat);
      return [name, layered(value.all, new Map(inPart))] as const;
    }),
  );
}

/**
 * Recipes and banks of the stack's nodes that count layers from the end would mean other layers in each part. Used only
 * here, they are rewritten to numbers; used elsewhere too, splitting is refused.
 */
function relativeOutside(document: Document, at: ModelNodeAddress): readonly Diagnostic[] {
  const path = [...at.graph.path, at.node].join('/');
  const isHere = (g: { readonly model: string; readonly path: readonly NodeId[] }): boolean =>
    g.model === at.graph.model && g.path.join('/') === path;
  const graphs = modelGraphs(document);
  const users = (uses: (node: Node) => boolean) => graphs.filter((g) => Object.values(g.graph.nodes).some(uses));
  const isMixed = (uses: (node: Node) => boolean): boolean => {
    const found = users(uses);
    return found.some(isHere) && !found.every(isHere);
  };
  const reasons: Diagnostic[] = [];
  const refuseFor = (owner: string, selections: readonly string[]): void => {
    const [selection] = selections.filter(countsFromEnd);
    if (selection === undefined) return;
    reasons.push(diagnose('edit-split-relative', placeOfNode(at), { owner, selection }));
  };
  for (const [id, recipe] of entriesOf(document.recipes)) {
    const selections = Object.values(recipe.params).flatMap((v) => (isLayered(v) ? Object.keys(v.at) : []));
    if (isMixed((node) => node.recipe === id)) refuseFor(`Recipe "${id}"`, selections);
  }
  for (const [id, bank] of entriesOf(document.banks)) {
    const selections = bank.sources.flatMap((s) => (s.layers === undefined ? [] : [s.layers]));
    if (isMixed((node) => node.bank === id)) refuseFor(`Bank "${id}"`, selections);
  }
  return reasons;
}

/** Recipes and banks of the stack's nodes with layers as numbers where they were counted from the end. */
function withAbsoluteLayers(document: Document, node: Node, range: LayerRange): Document {
  const inner = Object.values(node.body?.nodes ?? {});
  let { recipes, banks } = document;
  for (const id of new Set(inner.flatMap((n) => n.recipe ?? []))) {
    const recipe = recipes[id];
    const isRelative = Object.values(recipe?.params ?? {}).some(
      (v) => isLayered(v) && Object.keys(v.at).some(countsFromEnd),
    );
    if (recipe === undefined || !isRelative) continue;
    recipes = withEntry(recipes, id, { ...recipe, params: cutParams(recipe.params, range, range) });
  }
  for (const id of new Set(inner.flatMap((n) => n.bank ?? []))) {
    const bank = banks[id];
    if (bank === undefined || !bank.sources.some((s) => s.layers !== undefined && countsFromEnd(s.layers))) continue;
    const sources = bank.sources.map((s) => {
      const layers = s.layers === undefined ? undefined : layersWithin(s.layers, range.first, range.repeat);
      return layers?.ok === true ? { ...s, layers: formatLayers(layers.value, range.first, range.repeat) } : s;
    });
    banks = withEntry(banks, id, { ...bank, sources });
  }
  return { ...document, recipes, banks };
}
