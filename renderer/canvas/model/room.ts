/**
 * Room for cards that have grown since they were laid out: a module that is docked makes its card taller, and what lay
 * below it moves down together with its row. Nothing moves up or sideways, so that the graph stays the one that is known.
 */
import type { Point } from '../../../engine/protocol/view.ts';
import { grown, onGrid } from './card.ts';
import type { GraphPlaces } from './flow.ts';
import { extent, groupedByGraph, placeMissing } from './layoutGraph.ts';
import type { Scene } from './sceneTypes.ts';

/** Between two cards, one below the other. */
const GAP = 24;
/** A card that begins less than this below another one stands beside it, and is no matter of room. */
const BELOW = 24;
/** Comparing all cards of a larger graph at each edit would cost more than an overlap does at that zoom. */
const MOST = 400;

/** The new places of each graph that may be moved and in which something had to. */
export function roomIn(
  scene: Scene,
  places: (graph: string) => GraphPlaces,
  mayMove: (graph: string) => boolean,
): Readonly<Record<string, GraphPlaces>> {
  const byGraph = groupedByGraph(scene.nodes);
  const edges = groupedByGraph(scene.edges);
  const sizes = new Map<string, { readonly width: number; readonly height: number }>();
  const found: Record<string, GraphPlaces> = {};
  // Bodies come first: a container is as large as what it holds.
  for (const graph of [...scene.graphs.keys()].reverse()) {
    const given = places(graph);
    const nodes = (byGraph.get(graph) ?? []).map((n) => ({ ...n, ...(sizes.get(n.id) ?? {}) }));
    const known = new Map(nodes.flatMap((n) => (given[n.node] ? [[n.id, given[n.node] as Point] as const] : [])));
    if (known.size === 0) continue;
    // A card that has just been added stands where it is drawn without a place of its own.
    const before = known.size === nodes.length ? known : placeMissing(nodes, edges.get(graph) ?? [], known);
    const after = mayMove(graph) && nodes.length <= MOST ? withRoom(nodes, before) : before;
    if (after !== before) found[graph] = Object.fromEntries(nodes.map((n) => [n.node, after.get(n.id) as Point]));
    const parent = nodes[0]?.parent;
    const container = parent === undefined ? undefined : scene.byId.get(parent);
    if (container && parent !== undefined) sizes.set(parent, grown(container, extent(nodes, after)));
  }
  return found;
}

/** The places themselves when every card has its room. */
function withRoom(
  nodes: readonly { readonly id: string; readonly width: number; readonly height: number }[],
  places: ReadonlyMap<string, Point>,
): ReadonlyMap<string, Point> {
  const at = (id: string): Point => places.get(id) ?? { x: 0, y: 0 };
  const sorted = [...nodes].sort((a, b) => at(a.id).y - at(b.id).y);
  const moved = new Map<string, number>();
  let shift = 0;
  let start = 0;
  for (const [i, card] of sorted.entries()) {
    const { x, y } = at(card.id);
    // Cards of one height move together: the shift that one of them needs is the shift of its whole row.
    if (i > 0 && y > at(sorted[start]?.id ?? '').y) start = i;
    for (const above of sorted.slice(0, i)) {
      const other = at(above.id);
      if (other.y + BELOW > y || other.x >= x + card.width || x >= other.x + above.width) continue;
      const needed = other.y + (moved.get(above.id) ?? 0) + above.height + GAP - (y + shift);
      if (needed > 0) shift += onGrid(needed);
    }
    for (const same of sorted.slice(start, i + 1)) moved.set(same.id, shift);
  }
  if (shift === 0) return places;
  return new Map(nodes.map((n) => [n.id, { x: at(n.id).x, y: at(n.id).y + (moved.get(n.id) ?? 0) }]));
}
