/**
 * What trains: a gradient runs back from each loss to the trainable parameters, so the nodes on the way from a trainable
 * node to a loss carry it, and the rest needs no backward pass. A stack hands on from layer to layer.
 */
import type { Document, Graph, Node } from '../../../engine/protocol/document.ts';
import { entriesOf, WALL_IN, WALL_OUT, type ModelId, type NodeId } from '../../../engine/protocol/ids.ts';
import type { LayerRange } from '../../../engine/protocol/selection.ts';
import { isTrainableType, type TypeIndex } from './catalog.ts';
import { activeLayers, mutedLayers, type ShownLayer } from './layers.ts';
import { sceneId } from './scene.ts';

/** Ids of the canvas that lie on the path, in the layer that is shown; trainable nodes belong to it. */
export function gradientPath(
  document: Document,
  model: ModelId,
  types: TypeIndex,
  layer: ShownLayer,
): ReadonlySet<string> {
  const top = document.models[model];
  const on = new Set<string>();
  if (!top) return on;
  const walk = new Walk(types, layer, on);
  walk.graph(top, [], undefined, new Set());
  return new Set([...on].filter((id) => walk.leads(top, id.replace(/^wire:/, ''))));
}

class Walk {
  readonly #types: TypeIndex;
  readonly #layer: ShownLayer;
  readonly #on: Set<string>;

  constructor(types: TypeIndex, layer: ShownLayer, on: Set<string>) {
    this.#types = types;
    this.#layer = layer;
    this.#on = on;
  }

  /** Marks what is reached from trainable nodes and from the ports of the wall that carry gradients; gives those of `$out`. */
  graph(
    graph: Graph,
    path: readonly NodeId[],
    layer: number | undefined,
    entering: ReadonlySet<string>,
    range?: LayerRange,
  ): ReadonlySet<string> {
    const hot = new Set<string>([...entering].map((p) => `${WALL_IN}.${p}`));
    const leaving = new Set<string>();
    const shown = this.#isShown(layer);
    const done = new Set<NodeId>();
    const order = topological(graph);
    for (const id of order) {
      const node = graph.nodes[id];
      if (!node || done.has(id)) continue;
      done.add(id);
      const inputs = graph.edges.filter((e) => e.to.node === id);
      const warm = inputs.filter((e) => hot.has(`${e.from.node}.${e.from.port}`));
      const isOwn = this.#trains(node, layer, range);
      if (node.stack && node.body) {
        const out = this.#stack(node, id, path, new Set(warm.map((e) => e.to.port)));
        for (const port of out) hot.add(`${id}.${port}`);
        if (out.size > 0) this.#on.add(sceneId(path, id));
        continue;
      }
      if (!isOwn && warm.length === 0) continue;
      if (shown) this.#on.add(sceneId(path, id));
      for (const e of graph.edges) if (e.from.node === id) hot.add(`${id}.${e.from.port}`);
    }
    for (const e of graph.edges) {
      if (e.to.node === WALL_OUT && hot.has(`${e.from.node}.${e.from.port}`)) leaving.add(e.to.port);
    }
    if (shown) for (const end of hot) this.#on.add(`wire:${sceneId(path, end as NodeId)}`);
    return leaving;
  }

  #stack(node: Node, id: NodeId, path: readonly NodeId[], entering: ReadonlySet<string>): ReadonlySet<string> {
    const { stack, body } = node;
    let carried = new Set(entering);
    const collected = new Set<string>();
    if (!stack || !body) return carried;
    for (let n = stack.first; n < stack.first + stack.repeat; n++) {
      const out = this.graph(body, [...path, id], n, carried, stack);
      for (const port of out) if (stack.collect.some((c) => c === port)) collected.add(port);
      carried = new Set([...entering].filter((p) => stack.broadcast.some((b) => b === p)));
      for (const port of out) if (stack.carry.some((c) => c === port)) carried.add(port);
    }
    return new Set([...carried].filter((p) => stack.carry.some((c) => c === p)).concat([...collected]));
  }

  #isShown(layer: number | undefined): boolean {
    return layer === undefined || this.#layer === 'all' || this.#layer === layer;
  }

  #trains(node: Node, layer: number | undefined, range: LayerRange | undefined): boolean {
    if (!isTrainableType(this.#types.node(node.type))) return false;
    if (layer === undefined || range === undefined) return node.mute !== true;
    return activeLayers(node, range).includes(layer) && !mutedLayers(node, range).includes(layer);
  }

  /** Whether a loss is reached at all from where a node stands: nodes behind the last loss carry nothing. */
  leads(top: Graph, id: string): boolean {
    const [head] = id.split('/');
    return head === undefined || reachesLoss(top, head as NodeId, this.#types);
  }
}

const reaching = new WeakMap<Graph, ReadonlySet<NodeId>>();

function reachesLoss(graph: Graph, id: NodeId, types: TypeIndex): boolean {
  let found = reaching.get(graph);
  if (!found) {
    const back = new Set<NodeId>();
    const queue = entriesOf<NodeId, Node>(graph.nodes).flatMap(([n, node]) =>
      types.node(node.type)?.family === 'loss' ||
      Object.values(types.node(node.type)?.outputs ?? {}).some((p) => p.kind === 'loss')
        ? [n]
        : [],
    );
    for (let n = queue.pop(); n !== undefined; n = queue.pop()) {
      if (back.has(n)) continue;
      back.add(n);
      for (const e of graph.edges) if (e.to.node === n && e.from.node in graph.nodes) queue.push(e.from.node);
    }
    found = back;
    reaching.set(graph, found);
  }
  return found.has(id);
}

const orders = new WeakMap<Graph, readonly NodeId[]>();

function topological(graph: Graph): readonly NodeId[] {
  const known = orders.get(graph);
  if (known) return known;
  const ids = Object.keys(graph.nodes) as NodeId[];
  const waiting = new Map<NodeId, number>(ids.map((id) => [id, 0]));
  for (const e of graph.edges)
    if (waiting.has(e.from.node) && waiting.has(e.to.node)) waiting.set(e.to.node, (waiting.get(e.to.node) ?? 0) + 1);
  const order = ids.filter((id) => waiting.get(id) === 0);
  for (let i = 0; i < order.length; i++) {
    for (const e of graph.edges) {
      if (e.from.node !== order[i] || !waiting.has(e.to.node)) continue;
      const left = (waiting.get(e.to.node) ?? 1) - 1;
      waiting.set(e.to.node, left);
      if (left === 0) order.push(e.to.node);
    }
  }
  orders.set(graph, order);
  return order;
}
