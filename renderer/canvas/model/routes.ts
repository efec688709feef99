/**
 * Ways of wires around cards. A wire whose own curve would run over a card, or that leads back, takes a channel: a height at
 * which nothing stands between its ends. Computed when places change, never while something is dragged.
 */
import type { Point } from '../../../engine/protocol/view.ts';
import type { PlacedPort, SceneEdge } from './sceneTypes.ts';

export interface RouteBox {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Everything of one graph, in its own coordinates. */
export interface RouteInput {
  readonly boxes: readonly RouteBox[];
  readonly edges: readonly SceneEdge[];
  /** The middle of a port. */
  readonly port: (node: string, port: string, type: PlacedPort['type']) => Point | undefined;
}

const MARGIN = 14;
const LANE = 10;

/** Heights of channels by wire; a wire that needs none is missing. */
export function routesOf({ boxes, edges, port }: RouteInput): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const lanes: { readonly y: number; readonly from: number; readonly to: number }[] = [];
  for (const e of edges) {
    const a = port(e.from, e.fromPort, 'source');
    const b = port(e.to, e.toPort, 'target');
    if (!a || !b) continue;
    const back = b.x - a.x < 24;
    const left = back ? b.x - 28 : a.x + 40;
    const right = back ? a.x + 28 : b.x - 40;
    const inWay = boxes.filter(
      (o) => o.x < right && o.x + o.width > left && !(back ? false : o.id === e.from || o.id === e.to),
    );
    if (!back && (b.x - a.x < 200 || !inWay.some((o) => hits(a, b, o)))) continue;
    const y = channel(
      a,
      b,
      inWay,
      lanes.filter((l) => l.from < right && l.to > left).map((l) => l.y),
    );
    lanes.push({ y, from: left, to: right });
    found.set(e.id, y);
  }
  return found;
}

/** Whether the curve of a wire runs over a box; the curve is sampled. */
function hits(a: Point, b: Point, o: RouteBox): boolean {
  const pull = Math.max(24, Math.min((b.x - a.x) * 0.5, 160));
  for (let i = 1; i < 24; i++) {
    const t = i / 24;
    const u = 1 - t;
    const x = u * u * u * a.x + 3 * u * u * t * (a.x + pull) + 3 * u * t * t * (b.x - pull) + t * t * t * b.x;
    const y = u * u * u * a.y + 3 * u * u * t * a.y + 3 * u * t * t * b.y + t * t * t * b.y;
    if (x > o.x - 4 && x < o.x + o.width + 4 && y > o.y - 4 && y < o.y + o.height + 4) return true;
  }
  return false;
}

/** The free height that makes the shortest way; lanes that others took are left to them. */
function channel(a: Point, b: Point, boxes: readonly RouteBox[], taken: readonly number[]): number {
  const candidates = [(a.y + b.y) / 2, ...boxes.flatMap((o) => [o.y - MARGIN - 6, o.y + o.height + MARGIN])];
  const isFree = (y: number): boolean => boxes.every((o) => y < o.y - MARGIN + 8 || y > o.y + o.height + MARGIN - 8);
  const cost = (y: number): number => Math.abs(y - a.y) + Math.abs(y - b.y);
  const best = candidates.filter(isFree).sort((p, q) => cost(p) - cost(q))[0] ?? Math.max(a.y, b.y) + 72;
  let y = best;
  for (let i = 1; taken.some((t) => Math.abs(t - y) < LANE - 2) && i < 12; i++) {
    const shifted = best + (i % 2 === 1 ? 1 : -1) * Math.ceil(i / 2) * LANE;
    if (isFree(shifted)) y = shifted;
  }
  return Math.round(y);
}
