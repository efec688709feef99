/** What letters and signs stand for: the modules of this model and the one of the brush. */
import { memo, useMemo } from 'react';
import type { Catalog } from '../../engine/protocol/api/catalog.ts';
import styles from './matrix.module.css';
import { cellsOfRow, type CellContext } from './model/cells.ts';

interface LegendProps {
  readonly context: CellContext;
  readonly catalog: Catalog;
  readonly brush: string;
}

export const Legend = memo(function Legend({ context, catalog, brush }: LegendProps) {
  const entries = useMemo(() => {
    const used = new Set([brush]);
    for (const row of context.grid.rows)
      for (const cell of cellsOfRow(context, row).values()) for (const m of cell) used.add(m.type);
    return catalog.nodes.flatMap((n) => {
      const letter = context.letters.get(n.type);
      return letter === undefined || !used.has(n.type) ? [] : [{ letter, title: n.title, type: n.type }];
    });
  }, [context, catalog, brush]);
  return (
    <div className={styles['legend']} aria-label="Legend" role="note">
      {entries.map((e) => (
        <span key={e.type}>
          <span className={styles['key']}>{e.letter}</span>
          {e.title}
        </span>
      ))}
      <Sign sign="·" words="frozen" />
      <Sign sign="*" words="own value in this layer" />
      <Sign sign="~" words="muted" />
      <Sign sign="!" words="problem" />
      <span>
        <span className={styles['sample']} />
        trainable
      </span>
      <span>
        <span className={`${styles['sample']} ${styles['sampleSource']}`} />
        frozen source
      </span>
    </div>
  );
});

const Sign = ({ sign, words }: { readonly sign: string; readonly words: string }) => (
  <span>
    <span className={styles['key']}>{sign}</span>
    {words}
  </span>
);
