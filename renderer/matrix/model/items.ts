/** The lines of the matrix as they are drawn: rows with headings of their groups between them. */
import type { Grid, Row, RowGroup } from './grid.ts';

export type Item =
  | { readonly kind: 'group'; readonly group: RowGroup; readonly count: number }
  | { readonly kind: 'row'; readonly row: Row; readonly index: number };

export function itemsOf(grid: Grid): readonly Item[] {
  const items: Item[] = [];
  grid.rows.forEach((row, index) => {
    if (row.group !== grid.rows[index - 1]?.group)
      items.push({ kind: 'group', group: row.group, count: grid.rows.filter((r) => r.group === row.group).length });
    items.push({ kind: 'row', row, index });
  });
  return items;
}

export const ROW_HEIGHT = 32;
export const GROUP_HEIGHT = 28;
export const HEAD_WIDTH = 208;
export const TAIL_WIDTH = 176;

const WIDEST = 88;

/** Columns are as wide as what they show needs, and use the room that is there when layers are few. */
export function columnWidth(mode: string, room: number, count: number): number {
  const needed = mode === 'module' ? 48 : mode === 'omega' ? 72 : 64;
  return Math.max(needed, Math.min(WIDEST, Math.floor(room / Math.max(1, count))));
}
