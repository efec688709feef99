/**
 * The layout of a model: bodies of stacks first, so that the size of a container is known when the graph around it is laid
 * out. Each row of a graph is one layered layout; where the engine that computes it runs is the caller's business.
 */
import type { Point } from '../../../engine/protocol/view.ts';
import { BODY_ORIGIN, grown, snapped, widened } from './card.ts';
import { rowsOf } from './rows.ts';
import type { PlacedPort, Scene, SceneEdge, SceneNode } from './sceneTypes.ts';

/** The part of ELK's graph format that is used. */
export interface ElkGraph {
  readonly id: string;
  readonly layoutOptions: Readonly<Record<string, string>>;
  readonly children: readonly {
    readonly id: string;
    readonly width: number;
    readonly height: number;
    readonly layoutOptions: Readonly<Record<string, string>>;
    readonly ports: readonly {
      readonly id: string;
      readonly x: number;
      readonly y: number;
      readonly width: number;
      readonly height: number;
      readonly layoutOptions: Readonly<Record<string, string>>;
    }[];
  }[];
  readonly edges: readonly { readonly id: string; readonly sources: string[]; readonly targets: string[] }[];
}
export interface ElkResult {
  readonly children?: readonly { readonly id: string; readonly x?: number; readonly y?: number }[];
}
export type RunElk = (graph: ElkGraph) => Promise<ElkResult>;

export type Positions = ReadonlyMap<string, Point>;
export interface Laid {
  /** By graph, then by node of that graph. */
  readonly positions: Readonly<Record<string, Readonly<Record<string, Point>>>>;
}

const OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.direction': 'RIGHT',
  'elk.spacing.nodeNode': '40',
  'elk.layered.spacing.nodeNodeBetweenLayers': '72',
  'elk.spacing.edgeNode': '24',
  'elk.layered.spacing.edgeNodeBetweenLayers': '24',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  'elk.separateConnectedComponents': 'false',
  'elk.padding': '[top=0,left=0,bottom=0,right=0]',
};
const ROW_GAP = 64;
const LIMIT = 1760;

const SIDES: Readonly<Record<PlacedPort['at'], string>> = {
  left: 'WEST',
  right: 'EAST',
  top: 'NORTH',
  bottom: 'SOUTH',
};

export interface LayoutProgress {
  readonly done: number;
  readonly of: number;
}

/** Lays out all graphs of a scene, or those asked for; the others keep the places that are given. */
export async function layoutScene(
  scene: Scene,
  run: RunElk,
  options: {
    readonly only?: (graph: string) => boolean;
    readonly kept?: (node: SceneNode) => Point | undefined;
    readonly progress?: (p: LayoutProgress) => void;
  } = {},
): Promise<Laid> {
  const byGraph = groupedByGraph(scene.nodes);
  const edges = groupedByGraph(scene.edges);
  const order = [...scene.graphs.keys()].reverse().filter((g) => byGraph.has(g));
  const sizes = new Map<string, { width: number; height: number }>();
  const positions: Record<string, Record<string, Point>> = {};
  let done = 0;
  for (const graph of order) {
    const nodes = byGraph.get(graph) ?? [];
    const sized = nodes.map((n) => ({ ...n, ...(sizes.get(n.id) ?? {}) }));
    const wanted = options.only?.(graph) ?? true;
    const isBody = nodes[0]?.parent !== undefined;
    const places = wanted
      ? await layoutRows(sized, edges.get(graph) ?? [], run, isBody)
      : new Map(nodes.flatMap((n) => [[n.id, options.kept?.(n) ?? { x: 0, y: 0 }]] as const));
    positions[graph] = Object.fromEntries(nodes.map((n) => [n.node, places.get(n.id) ?? { x: 0, y: 0 }]));
    const parent = nodes[0]?.parent;
    const container = parent === undefined ? undefined : scene.byId.get(parent);
    if (container && parent !== undefined) sizes.set(parent, grown(container, extent(sized, places)));
    options.progress?.({ done: ++done, of: order.length });
  }
  return { positions };
}

/** Nodes or edges of a scene, by the graph that they belong to. */
export function groupedByGraph<T extends { readonly graph: string }>(items: readonly T[]): ReadonlyMap<string, T[]> {
  const found = new Map<string, T[]>();
  for (const item of items) {
    const list = found.get(item.graph);
    if (list) list.push(item);
    else found.set(item.graph, [item]);
  }
  return found;
}

/** The right and lower end of placed nodes. */
export function extent(
  nodes: readonly { readonly id: string; readonly width: number; readonly height: number }[],
  places: Positions,
): { readonly right: number; readonly bottom: number } {
  let right = 0;
  let bottom = 0;
  for (const n of nodes) {
    const at = places.get(n.id);
    if (!at) continue;
    right = Math.max(right, at.x + n.width);
    bottom = Math.max(bottom, at.y + n.height);
  }
  return { right, bottom };
}

async function layoutRows(
  nodes: readonly SceneNode[],
  edges: readonly SceneEdge[],
  run: RunElk,
  isBody: boolean,
): Promise<Map<string, Point>> {
  const limit = Math.max(LIMIT, ...nodes.map((n) => n.width));
  const rows = rowsOf(nodes, edges, limit);
  const places = new Map<string, Point>();
  const origin = isBody ? BODY_ORIGIN : { x: 0, y: 0 };
  let y: number = origin.y;
  for (const row of rows) {
    const ids = new Set(row);
    const inRow = nodes.filter((n) => ids.has(n.id));
    const inside = edges.filter((e) => ids.has(e.from) && ids.has(e.to));
    const laid = await run(elkGraph(inRow, inside));
    let bottom = y;
    for (const child of laid.children ?? []) {
      const at = { x: snapped(origin.x + (child.x ?? 0)), y: snapped(y + (child.y ?? 0)) };
      places.set(child.id, at);
      bottom = Math.max(bottom, at.y + (inRow.find((n) => n.id === child.id)?.height ?? 0));
    }
    y = bottom + ROW_GAP;
  }
  return places;
}

function elkGraph(nodes: readonly SceneNode[], edges: readonly SceneEdge[]): ElkGraph {
  const port = (node: string, type: 'source' | 'target', name: string): string => `${node}#${type}#${name}`;
  return {
    id: 'root',
    layoutOptions: OPTIONS,
    children: nodes.map((n) => ({
      id: n.id,
      width: n.width,
      height: n.height,
      layoutOptions: { 'elk.portConstraints': 'FIXED_POS' },
      ports: widened(
        n.ports.filter((p) => !p.id.startsWith('$')),
        Math.max(...n.ports.map((p) => p.x), 0),
        n.kind === 'stack' ? n.width : Math.max(...n.ports.map((p) => p.x), 0),
      ).map((p) => ({
        id: port(n.id, p.type, p.id),
        x: p.x,
        y: p.y,
        width: 0,
        height: 0,
        layoutOptions: { 'elk.port.side': SIDES[p.at] },
      })),
    })),
    edges: edges.map((e) => ({
      id: e.id,
      sources: [port(e.from, 'source', e.fromPort)],
      targets: [port(e.to, 'target', e.toPort)],
    })),
  };
}

/** Places for nodes that have none, beside what they are wired to and on nothing else. */
export function placeMissing(
  nodes: readonly SceneNode[],
  edges: readonly SceneEdge[],
  known: Positions,
): Map<string, Point> {
  const places = new Map(known);
  const byId = new Map(nodes.map((n) => [n.id, n]));
  for (const n of nodes) {
    if (places.has(n.id)) continue;
    places.set(n.id, free(n, wish(n, edges, places, byId), nodes, places));
  }
  return places;
}

function wish(
  n: SceneNode,
  edges: readonly SceneEdge[],
  places: Positions,
  byId: ReadonlyMap<string, SceneNode>,
): Point {
  for (const e of edges) {
    const from = e.to === n.id ? places.get(e.from) : undefined;
    if (from) return { x: from.x + (byId.get(e.from)?.width ?? 0) + 72, y: from.y };
  }
  for (const e of edges) {
    const to = e.from === n.id ? places.get(e.to) : undefined;
    if (to) return { x: to.x - n.width - 72, y: to.y };
  }
  const origin = n.parent === undefined ? { x: 0, y: 0 } : BODY_ORIGIN;
  return { x: origin.x, y: Math.max(origin.y, ...[...places.values()].map((p) => p.y + 96)) };
}

/** The place itself, or the next one below or above that overlaps nothing. */
export function free(n: SceneNode, at: Point, nodes: readonly SceneNode[], places: Positions): Point {
  const minimum = n.parent === undefined ? { x: Number.NEGATIVE_INFINITY, y: Number.NEGATIVE_INFINITY } : BODY_ORIGIN;
  const hits = (p: Point): boolean =>
    nodes.some((other) => {
      const o = places.get(other.id);
      if (other.id === n.id || !o) return false;
      return (
        p.x < o.x + other.width + 16 &&
        o.x < p.x + n.width + 16 &&
        p.y < o.y + other.height + 16 &&
        o.y < p.y + n.height + 16
      );
    });
  const start = { x: snapped(Math.max(minimum.x, at.x)), y: snapped(Math.max(minimum.y, at.y)) };
  for (let i = 0; i < 400; i++) {
    const below = { x: start.x, y: start.y + i * 24 };
    if (!hits(below)) return below;
  }
  return start;
}
