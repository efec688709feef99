/** The confusion matrix as a grid that is walked with arrows; Enter and click choose a cell. */
import { useRef, useState, type KeyboardEvent } from 'react';
import { formatCount } from '../../ui/index.ts';
import styles from './results.module.css';

interface Props {
  readonly labels: readonly string[];
  readonly confusion: readonly (readonly number[])[];
  readonly shares: boolean;
  readonly onCell: (cell: { readonly gold: string; readonly predicted: string }) => void;
}

export function ConfusionGrid({ labels, confusion, shares, onCell }: Props) {
  const grid = useRef<HTMLTableElement>(null);
  const [at, setAt] = useState({ row: 0, column: 0 });
  const totals = confusion.map((row) => row.reduce((a, b) => a + b, 0));
  const largest = Math.max(1, ...confusion.flat());
  const move = (row: number, column: number): void => {
    const next = {
      row: Math.min(labels.length - 1, Math.max(0, row)),
      column: Math.min(labels.length - 1, Math.max(0, column)),
    };
    setAt(next);
    grid.current?.querySelector<HTMLElement>(`[data-cell='${next.row}.${next.column}']`)?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const to: Readonly<Record<string, readonly [number, number]>> = {
      ArrowUp: [at.row - 1, at.column],
      ArrowDown: [at.row + 1, at.column],
      ArrowLeft: [at.row, at.column - 1],
      ArrowRight: [at.row, at.column + 1],
      Home: [at.row, 0],
      End: [at.row, labels.length - 1],
    };
    const next = to[event.key];
    if (!next) return;
    event.preventDefault();
    move(next[0], next[1]);
  };
  return (
    <div className={styles['gridScroll']}>
      <table ref={grid} className={styles['confusion']} role="grid" aria-label="Confusion matrix" onKeyDown={onKeyDown}>
        <thead>
          <tr>
            <th scope="col" className={styles['corner']}>
              true / answer
            </th>
            {labels.map((label) => (
              <th key={label} scope="col" className={styles['columnLabel']} title={label}>
                <span>{label}</span>
              </th>
            ))}
            <th scope="col" className={styles['total']}>
              all
            </th>
          </tr>
        </thead>
        <tbody>
          {confusion.map((row, r) => (
            <tr key={labels[r]}>
              <th scope="row" className={styles['rowLabel']} title={labels[r]}>
                {labels[r]}
              </th>
              {row.map((count, c) => {
                const share = count / Math.max(1, totals[r] ?? 1);
                const strength = shares ? share : count / largest;
                const gold = labels[r] ?? '';
                const predicted = labels[c] ?? '';
                return (
                  <td key={labels[c]} className={styles['confusionCell']}>
                    <button
                      type="button"
                      data-cell={`${r}.${c}`}
                      tabIndex={at.row === r && at.column === c ? 0 : -1}
                      className={r === c ? styles['right'] : styles['wrong']}
                      aria-label={`${gold} answered as ${predicted}: ${count} of ${totals[r] ?? 0}`}
                      title={`${gold} answered as ${predicted}: ${formatCount(count)} of ${formatCount(totals[r] ?? 0)}`}
                      onFocus={() => setAt({ row: r, column: c })}
                      onClick={() => onCell({ gold, predicted })}
                    >
                      <span
                        className={styles['cellFill']}
                        style={{ opacity: count === 0 ? 0 : 0.1 + 0.38 * strength }}
                      />
                      <span className={count === 0 ? styles['none'] : styles['cellText']}>
                        {shares ? `${Math.round(share * 100)} %` : formatCount(count)}
                      </span>
                    </button>
                  </td>
                );
              })}
              <td className={styles['total']}>{formatCount(totals[r] ?? 0)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
