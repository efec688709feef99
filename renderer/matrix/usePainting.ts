/** Painting by hand: a stroke from press to release is one edit; keys and buttons act on the chosen cells. */
import { useCallback, useRef, useState, type PointerEvent } from 'react';
import type { Document } from '../../engine/protocol/document.ts';
import type { EditResult } from '../../engine/protocol/edit.ts';
import { useEditor } from '../state/editor.ts';
import type { Tool } from './handle.ts';
import { erase } from './model/erase.ts';
import type { Grid, TypeOf } from './model/grid.ts';
import { paint, type Brush, type Target } from './model/paint.ts';
import { between, rangeAt, targetsOfCells, type Range, type Spot } from './model/select.ts';

export interface Stroke {
  readonly kind: 'paint' | 'erase';
  /** Columns by row. */
  readonly cells: ReadonlyMap<number, ReadonlySet<number>>;
}

interface PaintingOptions {
  readonly grid: Grid;
  readonly typeOf: TypeOf;
  readonly brush: Brush;
  readonly brushTitle: string;
  readonly tool: Tool;
  readonly replace: boolean;
  readonly onRange: (change: (before: Range | undefined) => Range) => void;
  /** Whether a cell has a module of the brush's type; a click on it selects instead of painting over its values. */
  readonly holds: (spot: Spot) => boolean;
  /** The cell that was clicked or where a stroke ended. */
  readonly onSpot: (spot: Spot) => void;
}

export interface Painting {
  readonly stroke: Stroke | undefined;
  readonly apply: (kind: 'paint' | 'erase', targets: readonly Target[]) => boolean;
  readonly handlers: {
    readonly onPointerDown: (event: PointerEvent<HTMLElement>) => void;
    readonly onPointerMove: (event: PointerEvent<HTMLElement>) => void;
    readonly onPointerUp: (event: PointerEvent<HTMLElement>) => void;
    readonly onPointerCancel: () => void;
  };
}

/** The cell under a point of the window. */
function spotAt(x: number, y: number): Spot | undefined {
  const cell = window.document.elementFromPoint(x, y)?.closest<HTMLElement>('[data-row][data-column]');
  const row = Number(cell?.dataset['row']);
  const column = Number(cell?.dataset['column']);
  return cell && Number.isInteger(row) && Number.isInteger(column) ? { row, column } : undefined;
}

const withSpots = (cells: Stroke['cells'], spots: readonly Spot[]): Stroke['cells'] => {
  const next = new Map(cells);
  for (const { row, column } of spots) next.set(row, new Set([...(next.get(row) ?? []), column]));
  return next;
};

const spotsOf = (cells: Stroke['cells']): readonly Spot[] =>
  [...cells].flatMap(([row, columns]) => [...columns].map((column) => ({ row, column })));

export function usePainting(options: PaintingOptions): Painting {
  const { grid, typeOf, brush, brushTitle, tool, replace, onRange, holds, onSpot } = options;
  const editor = useEditor();
  const [stroke, setStroke] = useState<Stroke>();
  const drag = useRef<{ readonly kind: 'paint' | 'erase' | 'select'; last: Spot; cells: Stroke['cells'] } | undefined>(
    undefined,
  );

  const apply = useCallback(
    (kind: 'paint' | 'erase', targets: readonly Target[]): boolean => {
      const count = targets.reduce((n, t) => n + (t.row.inStack ? t.layers.length : 1), 0);
      const change = (document: Document): EditResult =>
        kind === 'paint'
          ? paint(document, { grid, typeOf }, targets, brush, replace)
          : erase(document, { grid, typeOf }, targets);
      const cells = count === 1 ? 'a cell' : `${count} cells`;
      return editor.edit(kind === 'paint' ? `Paint ${brushTitle} on ${cells}` : `Erase ${cells}`, change);
    },
    [editor, grid, typeOf, brush, brushTitle, replace],
  );

  const onPointerDown = useCallback(
    (event: PointerEvent<HTMLElement>) => {
      const spot = event.button === 0 ? spotAt(event.clientX, event.clientY) : undefined;
      if (spot === undefined) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      const kind =
        tool === 'select' || event.shiftKey ? 'select' : tool === 'erase' || event.altKey ? 'erase' : 'paint';
      const cells = withSpots(new Map(), [spot]);
      drag.current = { kind, last: spot, cells };
      if (kind === 'select')
        onRange((before) => (event.shiftKey && before ? { ...before, head: spot } : rangeAt(spot)));
      else {
        onRange(() => rangeAt(spot));
        setStroke({ kind, cells });
      }
      event.preventDefault();
    },
    [tool, onRange],
  );

  const onPointerMove = useCallback(
    (event: PointerEvent<HTMLElement>) => {
      const now = drag.current;
      if (now === undefined) return;
      const spot = spotAt(event.clientX, event.clientY);
      if (spot === undefined || (spot.row === now.last.row && spot.column === now.last.column)) return;
      const path = between(now.last, spot);
      now.last = spot;
      if (now.kind === 'select') return onRange((before) => ({ anchor: before?.anchor ?? spot, head: spot }));
      now.cells = withSpots(now.cells, path);
      setStroke({ kind: now.kind, cells: now.cells });
    },
    [onRange],
  );

  const onPointerUp = useCallback(
    (event: PointerEvent<HTMLElement>) => {
      const now = drag.current;
      drag.current = undefined;
      setStroke(undefined);
      if (now === undefined) return;
      if (event.currentTarget.hasPointerCapture(event.pointerId))
        event.currentTarget.releasePointerCapture(event.pointerId);
      const spots = spotsOf(now.cells);
      const [only] = spots;
      const isClick = spots.length === 1 && only !== undefined;
      if (now.kind === 'erase' || (now.kind === 'paint' && !(isClick && holds(only))))
        apply(now.kind, targetsOfCells(grid, spots));
      onSpot(now.last);
    },
    [apply, grid, holds, onSpot],
  );

  const onPointerCancel = useCallback(() => {
    drag.current = undefined;
    setStroke(undefined);
  }, []);

  return { stroke, apply, handlers: { onPointerDown, onPointerMove, onPointerUp, onPointerCancel } };
}
