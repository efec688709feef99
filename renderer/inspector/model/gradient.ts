/**
 * Where gradients go: whether the backward pass comes through a node at all, in which layers, and what trains upstream of
 * it that makes it come. Values of a node that no gradient passes need not be kept.
 */
import type { ModelFigures } from '../../../engine/protocol/api/check.ts';
import { stackName, type Document, type Edge, type Graph } from '../../../engine/protocol/document.ts';
import { graphAt, stackAt, type ModelAddress, type ModelNodeAddress } from '../../../engine/protocol/edit.ts';
import { WALL_IN, type NodeId } from '../../../engine/protocol/ids.ts';
import { formatLayers, layersOf, type LayerRange } from '../../../engine/protocol/selection.ts';
import { layerOfName, withoutLayers } from './figures.ts';

export interface Trainer {
  readonly graph: ModelAddress;
  readonly node: NodeId;
  /** Empty outside of stacks. */
  readonly layers: readonly number[];
}

export interface GradientPath {
  /** The node has trainable parameters of its own (or docked on it). */
  readonly trains: boolean;
  /** A gradient passes: everywhere outside of stacks, else in these layers. */
  readonly reached: boolean;
  readonly layers: readonly number[];
  /** What trains upstream, nearest graph first. */
  readonly upstream: readonly Trainer[];
}

/** The trainable nodes of a model by their place, read from the parameter table. */
export function trainersOf(
  document: Document,
  model: ModelAddress['model'],
  figures: ModelFigures | undefined,
): readonly Trainer[] {
  const found = new Map<string, { graph: ModelAddress; node: NodeId; layers: Set<number> }>();
  for (const { name } of figures?.trainable ?? []) {
    const layer = layerOfName(name);
    for (const place of placesOf(document, model, withoutLayers(name), layer)) {
      const key = `${place.graph.path.join('/')} ${place.node}`;
      const known = found.get(key) ?? { ...place, layers: new Set<number>() };
      if (layer === undefined) for (const l of allLayers(document, place.graph)) known.layers.add(l);
      else known.layers.add(layer);
      found.set(key, known);
    }
  }
  return [...found.values()].map((t) => ({ ...t, layers: [...t.layers].sort((a, b) => a - b) }));
}

const allLayers = (document: Document, at: ModelAddress): readonly number[] => {
  const range = stackAt(document, at);
  return range === undefined ? [] : layersOf(range);
};

type Found = { readonly graph: ModelAddress; readonly node: NodeId };

/** The nodes that a parameter's path names: containers by the names of their stacks, then the module nearest to it. */
function placesOf(
  document: Document,
  model: ModelAddress['model'],
  parts: readonly string[],
  layer: number | undefined,
): readonly Found[] {
  if (parts[0] === 'shared') return sharedPlaces(document, model, parts[1]);
  let at: ModelAddress = { level: 'model', model, path: [] };
  let graph = graphAt(document, at);
  let rest = parts;
  for (;;) {
    const inner = graph && innerStack(graph, rest[0], layer);
    if (inner === undefined) break;
    at = { ...at, path: [...at.path, inner] };
    graph = graphAt(document, at);
    rest = rest.slice(1);
  }
  const [first, second] = rest;
  if (graph === undefined || first === undefined) return [];
  if (second !== undefined && second in graph.nodes) return [{ graph: at, node: second as NodeId }];
  return first in graph.nodes ? [{ graph: at, node: first as NodeId }] : [];
}

/** The part of a split stack that holds a layer. */
function innerStack(graph: Graph, name: string | undefined, layer: number | undefined): NodeId | undefined {
  const parts = Object.entries(graph.nodes).filter(
    ([id, n]) => n.stack !== undefined && stackName(id as NodeId, n.stack) === name,
  );
  const holds = ({ first, repeat }: LayerRange): boolean =>
    layer === undefined || (layer >= first && layer < first + repeat);
  return parts.find(([, n]) => n.stack !== undefined && holds(n.stack))?.[0] as NodeId | undefined;
}

function sharedPlaces(document: Document, model: ModelAddress['model'], set: string | undefined): readonly Found[] {
  const found: Found[] = [];
  const graphs: ModelAddress[] = [{ level: 'model', model, path: [] }];
  for (let at = graphs.pop(); at !== undefined; at = graphs.pop()) {
    for (const [id, node] of Object.entries(graphAt(document, at)?.nodes ?? {})) {
      if (node.shared === set) found.push({ graph: at, node: id as NodeId });
      if (node.body !== undefined) graphs.push({ ...at, path: [...at.path, id as NodeId] });
    }
  }
  return found;
}

/** Nodes that lead to `node` along wires, itself left out; `$in` when the wall does. */
export function upstreamOf(edges: readonly Edge[], node: NodeId): ReadonlySet<NodeId> {
  const into = new Map<NodeId, NodeId[]>();
  for (const e of edges) into.set(e.to.node, [...(into.get(e.to.node) ?? []), e.from.node]);
  const seen = new Set<NodeId>();
  const queue = [...(into.get(node) ?? [])];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    queue.push(...(into.get(id) ?? []));
  }
  return seen;
}

const sameGraph = (a: ModelAddress, b: ModelAddress): boolean =>
  a.model === b.model && a.path.length === b.path.length && a.path.every((id, i) => b.path[i] === id);

export function gradientPath(
  document: Document,
  figures: ModelFigures | undefined,
  at: ModelNodeAddress,
): GradientPath {
  const trainers = trainersOf(document, at.graph.model, figures);
  const graph = graphAt(document, at.graph);
  const range = stackAt(document, at.graph);
  const edges = graph?.edges ?? [];
  const before = upstreamOf(edges, at.node);
  const here = trainersBefore(trainers, at.graph, before);
  const own = trainers.filter(
    (t) => sameGraph(t.graph, at.graph) && (t.node === at.node || docks(edges, t.node, at.node)),
  );
  const inside = trainers.filter((t) =>
    sameGraph(
      { ...t.graph, path: t.graph.path.slice(0, at.graph.path.length + 1) },
      { ...at.graph, path: [...at.graph.path, at.node] },
    ),
  );
  const throughWall = before.has(WALL_IN);
  const outer = throughWall ? outerTrainers(document, trainers, at.graph) : [];
  const elsewhere = throughWall && range !== undefined ? bodyTrainers(trainers, at.graph) : [];
  const upstream = unique([...here, ...elsewhere, ...outer]);
  const trains = own.length > 0 || inside.length > 0;
  if (range === undefined)
    return { trains, reached: here.length > 0 || trains, layers: [], upstream: unique([...here, ...outer]) };
  const layers = layersOf(range).filter(
    (layer) =>
      outer.length > 0 ||
      [...here, ...own].some((t) => t.layers.includes(layer)) ||
      elsewhere.some((t) => t.layers.some((l) => l < layer)),
  );
  return { trains, reached: layers.length > 0, layers, upstream };
}

const docks = (edges: readonly Edge[], from: NodeId, to: NodeId): boolean =>
  edges.some((e) => e.from.node === from && e.to.node === to && e.from.port === 'transform');

/** Everything trainable in the body: layers before this one come in through its wall. */
const bodyTrainers = (trainers: readonly Trainer[], at: ModelAddress): readonly Trainer[] =>
  trainers.filter((t) => sameGraph(t.graph, at));

/** What trains among the nodes `before` of a graph, inside of containers too. */
const trainersBefore = (
  trainers: readonly Trainer[],
  at: ModelAddress,
  before: ReadonlySet<NodeId>,
): readonly Trainer[] =>
  trainers.filter((t) => {
    if (sameGraph(t.graph, at)) return before.has(t.node);
    const holder = t.graph.path[at.path.length];
    return (
      holder !== undefined &&
      before.has(holder) &&
      sameGraph({ ...t.graph, path: t.graph.path.slice(0, at.path.length) }, at)
    );
  });

/** What trains before the containers of a graph. */
function outerTrainers(document: Document, trainers: readonly Trainer[], at: ModelAddress): readonly Trainer[] {
  const container = at.path.at(-1);
  if (container === undefined) return [];
  const around: ModelAddress = { ...at, path: at.path.slice(0, -1) };
  const before = upstreamOf(graphAt(document, around)?.edges ?? [], container);
  return [
    ...trainersBefore(trainers, around, before),
    ...(before.has(WALL_IN) ? outerTrainers(document, trainers, around) : []),
  ];
}

const unique = (trainers: readonly Trainer[]): readonly Trainer[] => [...new Set(trainers)];

/** `layers 2 to 5`, for the sentence in the inspector. */
export function layerWords(layers: readonly number[], range: LayerRange): string {
  const text = formatLayers(layers, range.first, range.repeat);
  if (text === 'all') return 'every layer';
  if (text === 'none') return 'no layer';
  return layers.length === 1 ? `layer ${text}` : `layers ${text.replaceAll(',', ', ')}`;
}
