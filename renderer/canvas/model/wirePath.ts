/** The path of a wire between two ports as SVG, and its middle. */
import type { Point } from '../../../engine/protocol/view.ts';

const R = 12;

/** `via`: the height of the channel that the wire takes, when its own curve would run over something. */
export function wirePath(from: Point, to: Point, via?: number): [path: string, x: number, y: number] {
  const dx = to.x - from.x;
  const middle: Point = { x: (from.x + to.x) / 2, y: via ?? (from.y + to.y) / 2 };
  if (dx < 24) return [backPath(from, to, via), middle.x, middle.y];
  if (via !== undefined && dx > 160) return [channelPath(from, to, via), middle.x, middle.y];
  const pull = Math.max(16, Math.min(dx * 0.5, 160));
  return [
    `M${from.x},${from.y} C${from.x + pull},${from.y} ${to.x - pull},${to.y} ${to.x},${to.y}`,
    middle.x,
    middle.y,
  ];
}

/** Up or down into the channel, along it, and out of it. */
function channelPath(from: Point, to: Point, y: number): string {
  const a = from.x + 48;
  const b = to.x - 48;
  return [
    `M${from.x},${from.y}`,
    `C${from.x + 28},${from.y} ${from.x + 16},${y} ${a},${y}`,
    `L${b},${y}`,
    `C${to.x - 16},${y} ${to.x - 28},${to.y} ${to.x},${to.y}`,
  ].join(' ');
}

/** Out to the right, along between the two, in from the left; corners are round. */
function backPath(from: Point, to: Point, via: number | undefined): string {
  const out = from.x + 28;
  const into = to.x - 28;
  const gap = Math.abs(to.y - from.y);
  const y = via ?? (gap > 80 ? (from.y + to.y) / 2 : Math.max(from.y, to.y) + 72);
  const toward = (a: number, b: number): number => {
    const r = Math.min(R, Math.abs(b - a) / 2);
    return b > a ? r : -r;
  };
  const corner = (at: Point, next: Point): string => `Q${at.x},${at.y} ${next.x},${next.y}`;
  const down = toward(from.y, y);
  const left = toward(out, into);
  const up = toward(y, to.y);
  return [
    `M${from.x},${from.y} L${out - R},${from.y}`,
    corner({ x: out, y: from.y }, { x: out, y: from.y + down }),
    `L${out},${y - down}`,
    corner({ x: out, y }, { x: out + left, y }),
    `L${into - left},${y}`,
    corner({ x: into, y }, { x: into, y: y + up }),
    `L${into},${to.y - up}`,
    corner({ x: into, y: to.y }, { x: into + R, y: to.y }),
    `L${to.x},${to.y}`,
  ].join(' ');
}
