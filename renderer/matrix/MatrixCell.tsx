/** One cell: its modules as letters, or the figure of the mode. Colour, letter and sign say the same thing. */
import { memo, type ReactNode } from 'react';
import { cx, formatBytes, formatCompact, formatFigure } from '../ui/index.ts';
import styles from './matrix.module.css';
import { cellText, type Cell, type CellModule } from './model/cells.ts';
import type { CellChange, ShowMode, SourceWeights } from './model/heat.ts';

export interface CellView {
  readonly cell: Cell;
  readonly words: string;
  readonly mode: ShowMode;
  readonly figure: number | undefined;
  /** 0 to 1. */
  readonly heat: number;
  readonly change: CellChange | undefined;
  readonly before: string;
  readonly sources: SourceWeights | undefined;
}

export interface MatrixCellProps {
  readonly id: string;
  readonly row: number;
  readonly column: number;
  readonly width: number;
  readonly view: CellView;
  readonly chosen: boolean;
  readonly focused: boolean;
  readonly stroke: 'paint' | 'erase' | undefined;
  readonly partStart: boolean;
  readonly wide: boolean;
  /** Columns of the whole matrix, for a row outside of stacks. */
  readonly span: number;
}

export const MatrixCell = memo(function MatrixCell(props: MatrixCellProps) {
  const { view, wide } = props;
  const { cell, mode } = view;
  const isOutside = wide && cell.length === 0 && mode === 'module';
  return (
    <div
      id={props.id}
      role="gridcell"
      tabIndex={props.focused ? 0 : -1}
      aria-colindex={props.column + 2}
      aria-colspan={wide && props.span > 1 ? props.span : undefined}
      aria-selected={props.chosen}
      title={view.words}
      data-row={props.row}
      data-column={props.column}
      className={cx(
        styles['cell'],
        fillOf(view),
        props.partStart && styles['partStart'],
        wide && styles['wide'],
        props.chosen && styles['chosen'],
        props.stroke !== undefined && styles['stroke'],
        props.stroke === 'erase' && styles['strokeErase'],
      )}
      style={{ width: props.width }}
    >
      <span className="visually-hidden">{view.words}</span>
      <span className={styles['content']} data-drawn aria-hidden>
        {mode !== 'module' && mode !== 'diff to run' && view.heat > 0 && (
          <span className={styles['heatFill']} style={{ opacity: 0.06 + 0.36 * view.heat }} />
        )}
        {isOutside ? <span>outside the layers</span> : <Content view={view} />}
      </span>
    </div>
  );
});

function fillOf({ mode, change }: CellView): string | undefined {
  if (mode !== 'diff to run' || change === undefined || change === 'same') return undefined;
  return cx(styles['filled'], styles[change]);
}

/** One module of a cell; frozen sources are hatched. */
const Chip = ({ module }: { readonly module: CellModule }) => (
  <span
    className={cx(
      styles['chip'],
      module.source && styles['chipSource'],
      module.muted && styles['chipMuted'],
      module.problem && styles['chipProblem'],
    )}
  >
    {cellText([module])}
  </span>
);

function Content({ view }: { readonly view: CellView }): ReactNode {
  const { cell, mode, figure, sources, change, before } = view;
  switch (mode) {
    case 'module':
      return cell.length === 0 ? <span>·</span> : cell.map((m) => <Chip key={m.node} module={m} />);
    case 'diff to run':
      return <Change cell={cell} change={change ?? 'same'} before={before} />;
    case 'omega':
      return sources === undefined ? <span>·</span> : <Bars sources={sources} />;
    case 'parameters':
    case 'memory':
    case 'grad norm':
    case 'update norm':
      if (figure === undefined || figure === 0) return <span>·</span>;
      return (
        <span className={styles['figure']}>
          {mode === 'parameters'
            ? formatCompact(figure)
            : mode === 'memory'
              ? formatBytes(Math.round(figure))
              : formatFigure(figure)}
        </span>
      );
  }
}

const SIGNS: Readonly<Record<CellChange, string>> = { same: '', added: '+', removed: '−', changed: 'Δ' };

function Change({
  cell,
  change,
  before,
}: {
  readonly cell: Cell;
  readonly change: CellChange;
  readonly before: string;
}) {
  const text = change === 'removed' ? before : cellText(cell);
  if (text === '') return <span>·</span>;
  return (
    <>
      {SIGNS[change] !== '' && <span>{SIGNS[change]}</span>}
      <span className={styles['module']}>{text}</span>
    </>
  );
}

/** Weights of the sources side by side; the largest stands out. */
function Bars({ sources }: { readonly sources: SourceWeights }) {
  const largest = Math.max(1e-9, ...sources.values.map(Math.abs));
  return (
    <span className={styles['bars']}>
      {sources.values.map((value, i) => (
        <span
          key={i}
          className={styles['bar']}
          data-largest={Math.abs(value) === largest || undefined}
          style={{ height: `${Math.max(6, (100 * Math.abs(value)) / largest)}%` }}
        />
      ))}
    </span>
  );
}
