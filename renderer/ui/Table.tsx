/**
 * A table with a head that stays, columns that sort, and rows that can be chosen by pointer and arrows. Long ones draw
 * only what is in view.
 */
import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, ArrowUp } from 'lucide-react';
import { useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { cx } from './cx.ts';
import styles from './table.module.css';

export interface Column<Row> {
  readonly id: string;
  readonly title: string;
  readonly cell: (row: Row) => ReactNode;
  /** Given for columns that can be sorted. */
  readonly sort?: (row: Row) => number | string | undefined;
  readonly align?: 'left' | 'right';
  readonly width?: number;
  readonly help?: string;
}

export interface TableProps<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  readonly onRow?: (row: Row) => void;
  readonly selected?: (row: Row) => boolean;
  readonly sortBy?: { readonly column: string; readonly descending: boolean };
  readonly empty?: ReactNode;
  readonly rowHeight?: number;
  readonly className?: string;
}

const VIRTUAL_FROM = 80;

export function Table<Row>(props: TableProps<Row>) {
  const { label, columns, rows, rowKey, onRow, selected, empty, rowHeight = 32 } = props;
  const [sort, setSort] = useState(props.sortBy);
  const [at, setAt] = useState(0);
  const scroller = useRef<HTMLDivElement>(null);
  const sorted = useMemo(() => {
    const by = columns.find((c) => c.id === sort?.column)?.sort;
    if (!by || !sort) return rows;
    const sign = sort.descending ? -1 : 1;
    return [...rows].sort((a, b) => sign * compare(by(a), by(b)));
  }, [rows, columns, sort]);

  const virtual = rows.length >= VIRTUAL_FROM;
  const virtualizer = useVirtualizer({
    count: virtual ? sorted.length : 0,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  const window = virtual ? virtualizer.getVirtualItems() : [];
  const first = virtual ? (window[0]?.index ?? 0) : 0;
  const last = virtual ? (window.at(-1)?.index ?? -1) : sorted.length - 1;
  const shown = sorted.slice(first, last + 1);

  const onKeyDown = (event: KeyboardEvent): void => {
    const to: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: sorted.length - 1,
      PageDown: at + 10,
      PageUp: at - 10,
    };
    const next = to[event.key];
    const row = sorted[at];
    if (next !== undefined) {
      const index = Math.max(0, Math.min(sorted.length - 1, next));
      setAt(index);
      if (virtual) virtualizer.scrollToIndex(index);
      requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`[data-index='${index}']`)?.focus());
    } else if (
      (event.key === 'Enter' || event.key === ' ') &&
      row !== undefined &&
      event.target instanceof HTMLTableRowElement
    )
      onRow?.(row);
    else return;
    event.preventDefault();
  };
  const head = (column: Column<Row>) => {
    const sorting = sort?.column === column.id;
    return (
      <th
        key={column.id}
        scope="col"
        title={column.help}
        className={cx(styles['head'], column.align === 'right' && styles['right'])}
        style={column.width === undefined ? undefined : { width: column.width }}
        aria-sort={sorting ? (sort.descending ? 'descending' : 'ascending') : undefined}
      >
        {column.sort ? (
          <button
            type="button"
            className={styles['sort']}
            onClick={() => setSort({ column: column.id, descending: sorting && !sort.descending })}
          >
            {column.title}
            {sorting && (sort.descending ? <ArrowDown size={12} /> : <ArrowUp size={12} />)}
          </button>
        ) : (
          column.title
        )}
      </th>
    );
  };

  if (rows.length === 0 && empty !== undefined) return <>{empty}</>;
  return (
    <div ref={scroller} className={cx(styles['scroller'], props.className)}>
      <table className={styles['table']} aria-label={label} aria-rowcount={rows.length + 1}>
        <thead>
          <tr>{columns.map(head)}</tr>
        </thead>
        <tbody onKeyDown={onRow ? onKeyDown : undefined}>
          {first > 0 && <tr aria-hidden="true" style={{ height: first * rowHeight }} />}
          {shown.map((row, i) => {
            const index = first + i;
            return (
              <tr
                key={rowKey(row)}
                data-index={index}
                aria-rowindex={index + 2}
                aria-selected={selected ? selected(row) : undefined}
                className={cx(styles['row'], onRow && styles['rowButton'])}
                style={{ height: rowHeight }}
                tabIndex={onRow ? (index === Math.min(at, sorted.length - 1) ? 0 : -1) : undefined}
                onFocus={() => setAt(index)}
                onClick={onRow ? () => onRow(row) : undefined}
              >
                {columns.map((column) => (
                  <td key={column.id} className={cx(styles['cell'], column.align === 'right' && styles['right'])}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
          {last < sorted.length - 1 && (
            <tr aria-hidden="true" style={{ height: (sorted.length - 1 - last) * rowHeight }} />
          )}
        </tbody>
      </table>
    </div>
  );
}

/** Missing values come last in either direction of words and numbers. */
function compare(a: number | string | undefined, b: number | string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? 1 : -1;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), 'en', { numeric: true });
}
