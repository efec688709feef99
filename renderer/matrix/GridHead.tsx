/** The head of the matrix: layer numbers that choose their column, and a menu for the layer as a whole. */
import { memo, useCallback, useState, type MouseEvent } from 'react';
import { useEditor } from '../state/editor.ts';
import { ContextMenu, cx, type MenuItem } from '../ui/index.ts';
import styles from './matrix.module.css';
import type { VisibleColumns } from './MatrixRow.tsx';
import type { CellContext } from './model/cells.ts';
import { copyLayer } from './model/copy.ts';
import { HEAD_WIDTH, TAIL_WIDTH } from './model/items.ts';

interface GridHeadProps {
  readonly context: CellContext;
  readonly columns: VisibleColumns;
  readonly width: number;
  /** The chosen columns. */
  readonly from: number;
  readonly to: number;
  readonly onAll: () => void;
  readonly onColumn: (column: number) => void;
}

export const GridHead = memo(function GridHead({ context, columns, width, from, to, onAll, onColumn }: GridHeadProps) {
  const [menu, setMenu] = useState(0);
  const all = context.grid.columns;
  const items = useItems(context, menu, from, to, onColumn);
  const onContextMenu = useCallback((event: MouseEvent<HTMLElement>) => {
    const at = Number((event.target as HTMLElement).closest<HTMLElement>('[data-head]')?.dataset['head']);
    if (Number.isInteger(at)) setMenu(at);
  }, []);
  return (
    <ContextMenu items={items}>
      <div role="row" aria-rowindex={1} className={styles['columns']} onContextMenuCapture={onContextMenu}>
        <div role="columnheader" className={styles['corner']} style={{ width: HEAD_WIDTH }}>
          <button type="button" className={styles['headButton']} title="Select all cells" onClick={onAll}>
            Place
          </button>
        </div>
        {columns.first > 0 && <div className={styles['spacer']} style={{ width: columns.first * width }} />}
        {all.slice(columns.first, columns.last + 1).map(({ layer, stack }, k) => {
          const at = columns.first + k;
          return (
            <div
              key={at}
              role="columnheader"
              aria-colindex={at + 2}
              className={styles['columnPlace']}
              style={{ width }}
            >
              <button
                type="button"
                className={cx(styles['columnHead'], at > 0 && all[at - 1]?.stack !== stack && styles['partStart'])}
                data-head={at}
                data-chosen={(at >= from && at <= to) || undefined}
                title={`Layer ${layer}: select the column; right click copies its modules`}
                aria-label={`Layer ${layer}`}
                onClick={() => onColumn(at)}
              >
                {layer}
              </button>
            </div>
          );
        })}
        {columns.last < all.length - 1 && (
          <div className={styles['spacer']} style={{ width: (all.length - 1 - columns.last) * width }} />
        )}
        <div className={styles['tail']} style={{ width: TAIL_WIDTH }}>
          <div role="columnheader" className={styles['tailCell']}>
            parameters
          </div>
          <div
            role="columnheader"
            className={styles['tailCell']}
            title="Values kept for the backward pass, gradients and moments"
          >
            memory
          </div>
        </div>
      </div>
    </ContextMenu>
  );
});

/** What can be done with the layer that was clicked. */
function useItems(
  context: CellContext,
  column: number,
  from: number,
  to: number,
  onColumn: (column: number) => void,
): readonly MenuItem[] {
  const editor = useEditor();
  const all = context.grid.columns;
  const layer = all[column]?.layer;
  if (layer === undefined) return [];
  const copy = (targets: readonly number[], words: string) => (): void => {
    editor.edit(`Copy layer ${layer} to ${words}`, (document) => copyLayer(document, context, layer, targets));
  };
  const layers = all.map((c) => c.layer);
  const chosen = all.slice(from, to + 1).map((c) => c.layer);
  return [
    { title: `Select layer ${layer}`, run: () => onColumn(column) },
    { title: `Copy layer ${layer} to all layers`, run: copy(layers, 'all layers') },
    {
      title: `Copy layer ${layer} to the chosen layers`,
      run: copy(chosen, 'the chosen layers'),
      ...(chosen.some((l) => l !== layer) ? {} : { reason: 'Choose cells of other layers first.' }),
    },
    {
      title: `Copy layer ${layer} to the layers after it`,
      run: copy(
        layers.filter((l) => l > layer),
        'later layers',
      ),
    },
    { separator: true },
    {
      title: `Show the graph as layer ${layer}`,
      run: () => editor.set({ place: { ...editor.store.getState().place, view: 'graph', layer } }),
    },
  ];
}
