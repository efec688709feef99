/** How values are spread, as bars. */
import type { ProbeView } from '../../engine/protocol/api/check.ts';
import { formatFigure } from '../ui/index.ts';
import styles from './inspector.module.css';

export function Histogram({ histogram }: { readonly histogram: ProbeView['histogram'] }) {
  const { counts, from, to } = histogram;
  const largest = Math.max(1, ...counts);
  const total = counts.reduce((a, b) => a + b, 0);
  const width = 100 / Math.max(1, counts.length);
  return (
    <figure style={{ margin: 0 }}>
      <svg
        className={styles['histogram']}
        viewBox="0 0 100 100"
        preserveAspectRatio="none"
        role="img"
        aria-label={`Histogram of ${total} values from ${formatFigure(from)} to ${formatFigure(to)}`}
      >
        {counts.map((count, i) => {
          const height = (100 * count) / largest;
          return (
            <rect key={i} x={i * width + 0.3} y={100 - height} width={Math.max(0.1, width - 0.6)} height={height}>
              <title>{`${formatFigure(from + ((to - from) * i) / counts.length)}: ${count}`}</title>
            </rect>
          );
        })}
      </svg>
      <figcaption className={styles['axis']}>
        <span>{formatFigure(from)}</span>
        <span>{formatFigure(to)}</span>
      </figcaption>
    </figure>
  );
}
