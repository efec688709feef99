/** Aligning, distributing, and the guides that appear while something is dragged. */
import type { Point } from '../../../engine/protocol/view.ts';
import type { AlignTo, Box } from '../handle.ts';
import type { Guide } from '../state/canvasState.ts';
import { snapped } from './card.ts';

type Boxes = ReadonlyMap<string, Box>;

export function aligned(boxes: Boxes, to: AlignTo): ReadonlyMap<string, Point> {
  const all = [...boxes.values()];
  const left = Math.min(...all.map((b) => b.x));
  const right = Math.max(...all.map((b) => b.x + b.width));
  const top = Math.min(...all.map((b) => b.y));
  const bottom = Math.max(...all.map((b) => b.y + b.height));
  const place = (b: Box): Point => {
    switch (to) {
      case 'left':
        return { x: left, y: b.y };
      case 'right':
        return { x: right - b.width, y: b.y };
      case 'centre':
        return { x: snapped((left + right - b.width) / 2), y: b.y };
      case 'top':
        return { x: b.x, y: top };
      case 'bottom':
        return { x: b.x, y: bottom - b.height };
      case 'middle':
        return { x: b.x, y: snapped((top + bottom - b.height) / 2) };
    }
  };
  return new Map([...boxes].map(([id, b]) => [id, place(b)]));
}

/** Equal gaps along an axis; the first and the last stay. */
export function distributed(boxes: Boxes, axis: 'x' | 'y'): ReadonlyMap<string, Point> {
  const size = axis === 'x' ? 'width' : 'height';
  const sorted = [...boxes].sort(([, a], [, b]) => a[axis] - b[axis]);
  const first = sorted[0]?.[1];
  const last = sorted.at(-1)?.[1];
  if (sorted.length < 3 || !first || !last) return new Map();
  const total = sorted.reduce((sum, [, b]) => sum + b[size], 0);
  const gap = (last[axis] + last[size] - first[axis] - total) / (sorted.length - 1);
  let at = first[axis];
  return new Map(
    sorted.map(([id, b]) => {
      const here = Math.round(at);
      at += b[size] + gap;
      return [id, axis === 'x' ? { x: here, y: b.y } : { x: b.x, y: here }];
    }),
  );
}

const NEAR = 6;

export interface Snap {
  readonly by: Point;
  readonly guides: readonly Guide[];
}

/** The nearest edges or middles of other boxes that a held box lines up with, and how far it is to there. */
export function guidesFor(held: Box, others: readonly Box[]): Snap {
  const x = nearest(held, others, 'x');
  const y = nearest(held, others, 'y');
  return {
    by: { x: x?.by ?? 0, y: y?.by ?? 0 },
    guides: [...(x ? [x.guide] : []), ...(y ? [y.guide] : [])],
  };
}

function nearest(
  held: Box,
  others: readonly Box[],
  axis: 'x' | 'y',
): { readonly by: number; readonly guide: Guide } | undefined {
  const size = axis === 'x' ? 'width' : 'height';
  const across = axis === 'x' ? 'y' : 'x';
  const acrossSize = axis === 'x' ? 'height' : 'width';
  const lines = (b: Box): readonly number[] => [b[axis], b[axis] + b[size] / 2, b[axis] + b[size]];
  let best: { by: number; at: number; other: Box } | undefined;
  for (const other of others) {
    const theirs = lines(other);
    for (const [i, mine] of lines(held).entries()) {
      const at = theirs[i] ?? 0;
      const by = at - mine;
      if (Math.abs(by) <= NEAR && Math.abs(by) < Math.abs(best?.by ?? NEAR + 1)) best = { by, at, other };
    }
  }
  if (!best) return undefined;
  const { other } = best;
  return {
    by: best.by,
    guide: {
      axis,
      at: best.at,
      from: Math.min(held[across], other[across]),
      to: Math.max(held[across] + held[acrossSize], other[across] + other[acrossSize]),
    },
  };
}
