/** Cells that are chosen in the matrix: a rectangle between two corners, whole rows and columns, and how keys move. */
import type { Target } from './paint.ts';
import type { Grid } from './grid.ts';

/** A cell by the indices of its row and column; a row outside of stacks has one cell, which spans all columns. */
export interface Spot {
  readonly row: number;
  readonly column: number;
}

export interface Range {
  readonly anchor: Spot;
  readonly head: Spot;
}

export const rangeAt = (spot: Spot): Range => ({ anchor: spot, head: spot });

const order = (a: number, b: number): readonly [number, number] => (a < b ? [a, b] : [b, a]);

export function contains(range: Range, row: number, column: number): boolean {
  const [top, bottom] = order(range.anchor.row, range.head.row);
  const [left, right] = order(range.anchor.column, range.head.column);
  return row >= top && row <= bottom && column >= left && column <= right;
}

/** The targets of a rectangle, for painting. */
export function targetsOf(grid: Grid, range: Range): readonly Target[] {
  const [top, bottom] = order(range.anchor.row, range.head.row);
  const [left, right] = order(range.anchor.column, range.head.column);
  const layers = grid.columns.slice(left, right + 1).map((c) => c.layer);
  return grid.rows.slice(top, bottom + 1).map((row) => ({ row, layers }));
}

/** Targets of single cells that a stroke went over. */
export function targetsOfCells(grid: Grid, spots: Iterable<Spot>): readonly Target[] {
  const byRow = new Map<number, Set<number>>();
  for (const { row, column } of spots) byRow.set(row, (byRow.get(row) ?? new Set()).add(column));
  return [...byRow].flatMap(([index, columns]) => {
    const row = grid.rows[index];
    const layers = [...columns].sort((a, b) => a - b).flatMap((c) => grid.columns[c]?.layer ?? []);
    return row === undefined ? [] : [{ row, layers }];
  });
}

/** The cells between two points of a stroke, so that a quick hand leaves no holes. */
export function between(from: Spot, to: Spot): readonly Spot[] {
  const steps = Math.max(Math.abs(to.row - from.row), Math.abs(to.column - from.column), 1);
  return Array.from({ length: steps + 1 }, (_, i) => ({
    row: Math.round(from.row + ((to.row - from.row) * i) / steps),
    column: Math.round(from.column + ((to.column - from.column) * i) / steps),
  }));
}

/** Where a key leads; undefined for keys that do not move. */
export function moved(spot: Spot, key: string, ctrl: boolean, grid: Grid, page: number): Spot | undefined {
  const last = { row: Math.max(0, grid.rows.length - 1), column: Math.max(0, grid.columns.length - 1) };
  const clamp = (row: number, column: number): Spot => ({
    row: Math.min(last.row, Math.max(0, row)),
    column: Math.min(last.column, Math.max(0, column)),
  });
  switch (key) {
    case 'ArrowUp':
      return clamp(ctrl ? 0 : spot.row - 1, spot.column);
    case 'ArrowDown':
      return clamp(ctrl ? last.row : spot.row + 1, spot.column);
    case 'ArrowLeft':
      return clamp(spot.row, ctrl ? 0 : spot.column - 1);
    case 'ArrowRight':
      return clamp(spot.row, ctrl ? last.column : spot.column + 1);
    case 'Home':
      return clamp(ctrl ? 0 : spot.row, 0);
    case 'End':
      return clamp(ctrl ? last.row : spot.row, last.column);
    case 'PageUp':
      return clamp(spot.row - page, spot.column);
    case 'PageDown':
      return clamp(spot.row + page, spot.column);
    default:
      return undefined;
  }
}

/** The first and last chosen column of a row; undefined when none is. */
export const chosenIn = (range: Range, row: number): readonly [number, number] | undefined =>
  contains(range, row, range.head.column) ? columnsOf(range) : undefined;

export const columnsOf = (range: Range): readonly [number, number] => order(range.anchor.column, range.head.column);

/** How many cells are chosen. */
export const sizeOf = ({ anchor, head }: Range): number =>
  (Math.abs(anchor.row - head.row) + 1) * (Math.abs(anchor.column - head.column) + 1);
