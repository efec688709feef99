/** What letters and signs stand for. */
import { useMemo } from 'react';
import type { Catalog } from '../../engine/protocol/api/catalog.ts';
import styles from './matrix.module.css';

export function Legend({
  letters,
  catalog,
}: {
  readonly letters: ReadonlyMap<string, string>;
  readonly catalog: Catalog;
}) {
  const entries = useMemo(
    () =>
      catalog.nodes.flatMap((n) => {
        const letter = letters.get(n.type);
        return letter === undefined || n.family === 'head' ? [] : [{ letter, title: n.title, type: n.type }];
      }),
    [letters, catalog],
  );
  return (
    <div className={styles['legend']} aria-label="Legend">
      {entries.map((e) => (
        <span key={e.type}>
          <span className={styles['key']}>{e.letter}</span>
          {e.title}
        </span>
      ))}
      <span>
        <span className={styles['key']}>·</span>frozen
      </span>
      <span>
        <span className={styles['key']}>*</span>own value in this layer
      </span>
      <span>
        <span className={styles['key']}>~</span>muted
      </span>
      <span>
        <span className={styles['key']}>!</span>problem
      </span>
      <span>
        <span className={styles['sample']} />
        trainable
      </span>
      <span>
        <span className={`${styles['sample']} ${styles['sampleSource']}`} />
        frozen source
      </span>
      <span>
        <span className={`${styles['sample']} ${styles['sampleMuted']}`} />
        muted
      </span>
    </div>
  );
}
