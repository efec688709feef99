/** The head of the matrix: layer numbers that choose their column, and a menu for the layer as a whole. */
import { useCallback } from 'react';
import { useEditor } from '../state/editor.ts';
import { ContextMenu } from '../ui/index.ts';
import styles from './matrix.module.css';
import type { VisibleColumns } from './MatrixRow.tsx';
import type { CellContext } from './model/cells.ts';
import { copyLayer } from './model/copy.ts';
import { HEAD_WIDTH, TAIL_WIDTH } from './model/items.ts';
import { columnsOf, type Range } from './model/select.ts';

interface GridHeadProps {
  readonly context: CellContext;
  readonly columns: VisibleColumns;
  readonly width: number;
  readonly range: Range;
  readonly onAll: () => void;
  readonly onColumn: (column: number) => void;
}

export function GridHead({ context, columns, width, range, onAll, onColumn }: GridHeadProps) {
  const editor = useEditor();
  const all = context.grid.columns;
  const [from, to] = columnsOf(range);
  const copy = useCallback(
    (layer: number, to: readonly number[], words: string) => {
      editor.edit(`Copy layer ${layer} to ${words}`, (document) => copyLayer(document, context, layer, to));
    },
    [editor, context],
  );
  const layers = all.map((c) => c.layer);
  const chosen = all.slice(from, to + 1).map((c) => c.layer);
  return (
    <div role="row" aria-rowindex={1} className={styles['columns']}>
      <div role="columnheader" className={styles['corner']} style={{ width: HEAD_WIDTH }}>
        <button type="button" className={styles['headButton']} title="Select all cells" onClick={onAll}>
          Place
        </button>
      </div>
      {columns.first > 0 && <div className={styles['spacer']} style={{ width: columns.first * width }} />}
      {all.slice(columns.first, columns.last + 1).map((column, k) => {
        const at = columns.first + k;
        const { layer } = column;
        return (
          <ContextMenu
            key={at}
            items={[
              { title: `Select layer ${layer}`, run: () => onColumn(at) },
              { title: `Copy layer ${layer} to all layers`, run: () => copy(layer, layers, 'all layers') },
              {
                title: `Copy layer ${layer} to the chosen layers`,
                run: () => copy(layer, chosen, 'the chosen layers'),
                ...(chosen.some((l) => l !== layer) ? {} : { reason: 'Choose cells of other layers first.' }),
              },
              {
                title: `Copy layer ${layer} to the layers after it`,
                run: () =>
                  copy(
                    layer,
                    layers.filter((l) => l > layer),
                    'later layers',
                  ),
              },
              { title: '', separator: true },
              {
                title: `Show the graph as layer ${layer}`,
                run: () => editor.set({ place: { ...editor.store.getState().place, view: 'graph', layer } }),
              },
            ]}
          >
            <div role="columnheader" aria-colindex={at + 2} style={{ width, flex: 'none', height: '100%' }}>
              <button
                type="button"
                className={`${styles['columnHead']} ${at > 0 && all[at - 1]?.stack !== column.stack ? styles['partStart'] : ''}`}
                style={{ width }}
                data-chosen={(at >= from && at <= to) || undefined}
                title={`Layer ${layer}: select the column; right click copies its modules`}
                aria-label={`Layer ${layer}`}
                onClick={() => onColumn(at)}
              >
                {layer}
              </button>
            </div>
          </ContextMenu>
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
  );
}
