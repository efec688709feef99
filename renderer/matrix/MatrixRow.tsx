/** One row of the matrix: a place, its cells in the layers that are in view, and its totals. */
import { memo, useMemo } from 'react';
import { formatBytes, formatCompact, formatCount, formatFigure } from '../ui/index.ts';
import styles from './matrix.module.css';
import type { CellView } from './MatrixCell.tsx';
import { MatrixCell } from './MatrixCell.tsx';
import { cellsOfRow, cellText, cellWords, OUTSIDE, type Cell, type CellContext } from './model/cells.ts';
import type { Row } from './model/grid.ts';
import {
  cellFigure,
  cellMemory,
  changeOf,
  heatOf,
  omegaOf,
  rowMemory,
  rowParameters,
  type ShowMode,
} from './model/heat.ts';
import { HEAD_WIDTH, ROW_HEIGHT, TAIL_WIDTH } from './model/items.ts';
import type { MatrixFigures } from './useFiguresOf.ts';

export interface VisibleColumns {
  readonly first: number;
  readonly last: number;
}

export interface MatrixRowProps {
  readonly id: string;
  readonly row: Row;
  readonly index: number;
  readonly top: number;
  readonly context: CellContext;
  /** The graph of the run that is compared with. */
  readonly before: CellContext | undefined;
  readonly figures: MatrixFigures;
  readonly mode: ShowMode;
  /** The largest figure of the whole matrix. */
  readonly largest: number;
  readonly columns: VisibleColumns;
  readonly width: number;
  readonly titleOfType: (type: string) => string;
  /** Columns of this row that are chosen, from and to. */
  readonly chosenFrom: number | undefined;
  readonly chosenTo: number | undefined;
  readonly focus: number | undefined;
  readonly stroke: ReadonlySet<number> | undefined;
  readonly strokeKind: 'paint' | 'erase';
  readonly stale: boolean;
  readonly onSelect: (row: number) => void;
}

export const MatrixRow = memo(function MatrixRow(props: MatrixRowProps) {
  const { row, index, context, figures, columns, width } = props;
  const cells = useMemo(() => cellsOfRow(context, row), [context, row]);
  const before = useMemo(() => beforeOf(props.before, row), [props.before, row]);
  const all = context.grid.columns;
  const layers = useMemo(() => all.map((c) => c.layer), [all]);
  const parameters = useMemo(() => rowParameters(figures.parameters, cells), [figures.parameters, cells]);
  const memory = useMemo(
    () => rowMemory(figures.memory, row, cells, all.length, parameters),
    [figures.memory, row, cells, all.length, parameters],
  );
  const viewOf = useViews(props, cells, before, layers);
  const shown = row.inStack ? all.slice(columns.first, columns.last + 1) : [];
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={styles['row']}
      style={{ height: ROW_HEIGHT, transform: `translateY(${props.top}px)` }}
    >
      <div role="rowheader" className={styles['rowHead']} style={{ width: HEAD_WIDTH }}>
        <button
          type="button"
          tabIndex={-1}
          className={styles['headButton']}
          data-chosen={props.chosenFrom !== undefined || undefined}
          title={`${row.title} (${row.id}): select the row`}
          onClick={() => props.onSelect(index)}
        >
          {row.title}
        </button>
      </div>
      {row.inStack && columns.first > 0 && (
        <div className={styles['spacer']} style={{ width: columns.first * width }} />
      )}
      {shown.map((column, k) => {
        const at = columns.first + k;
        return (
          <MatrixCell
            key={at}
            id={`${props.id}-${index}-${at}`}
            row={index}
            column={at}
            width={width}
            view={viewOf(column.layer)}
            chosen={at >= (props.chosenFrom ?? Infinity) && at <= (props.chosenTo ?? -1)}
            focused={props.focus === at}
            stroke={props.stroke?.has(at) === true ? props.strokeKind : undefined}
            partStart={at > 0 && all[at - 1]?.stack !== column.stack}
            wide={false}
            span={1}
          />
        );
      })}
      {row.inStack && columns.last < all.length - 1 && (
        <div className={styles['spacer']} style={{ width: (all.length - 1 - columns.last) * width }} />
      )}
      {!row.inStack && (
        <MatrixCell
          id={`${props.id}-${index}-0`}
          row={index}
          column={0}
          width={Math.max(width, Math.min(all.length * width, 240))}
          view={viewOf(OUTSIDE)}
          chosen={props.chosenFrom !== undefined}
          focused={props.focus !== undefined}
          stroke={props.stroke === undefined ? undefined : props.strokeKind}
          partStart={false}
          wide
          span={all.length}
        />
      )}
      <div
        className={props.stale ? `${styles['tail']} ${styles['stale']}` : styles['tail']}
        style={{ width: TAIL_WIDTH }}
      >
        <div
          role="gridcell"
          aria-colindex={all.length + 2}
          className={styles['tailCell']}
          title={`${formatCount(parameters)} trainable`}
        >
          {parameters === 0 ? '0' : formatCount(parameters)}
        </div>
        <div role="gridcell" aria-colindex={all.length + 3} className={styles['tailCell']}>
          {memory === 0 ? '0' : formatBytes(Math.round(memory))}
        </div>
      </div>
    </div>
  );
});

/** The same place in the run's graph. */
function beforeOf(before: CellContext | undefined, row: Row): ReadonlyMap<number, Cell> | undefined {
  const same = before?.grid.rows.find((r) => r.id === row.id && r.kind === row.kind && r.inStack === row.inStack);
  return before === undefined || same === undefined ? undefined : cellsOfRow(before, same);
}

/** Views of cells, made when a cell first comes into view and kept, so that scrolling draws only what is new. */
function useViews(
  { row, figures, mode, largest, titleOfType, before: hasBefore }: MatrixRowProps,
  cells: ReadonlyMap<number, Cell>,
  before: ReadonlyMap<number, Cell> | undefined,
  layers: readonly number[],
): (layer: number) => CellView {
  const compared = hasBefore !== undefined;
  return useMemo(() => {
    const views = new Map<number, CellView>();
    const source = { row, figures, mode, largest, titleOfType, compared };
    return (layer) => {
      const known = views.get(layer);
      if (known) return known;
      const made = makeView(source, cells.get(layer) ?? [], before?.get(layer) ?? [], layer, layers);
      views.set(layer, made);
      return made;
    };
  }, [row, figures, mode, largest, titleOfType, compared, cells, before, layers]);
}

interface ViewSource extends Pick<MatrixRowProps, 'row' | 'figures' | 'mode' | 'largest' | 'titleOfType'> {
  readonly compared: boolean;
}

function makeView(source: ViewSource, cell: Cell, before: Cell, layer: number, layers: readonly number[]): CellView {
  const { row, figures, mode, largest, titleOfType } = source;
  const figure =
    mode === 'memory'
      ? cellMemory(figures.memory, row, cell)
      : mode === 'parameters'
        ? cellFigure(figures.shown, cell, layer)
        : mode === 'grad norm' || mode === 'update norm'
          ? cellFigure(figures.shown, cell, layer, 'norm')
          : undefined;
  const sources = mode === 'omega' ? omegaOf(figures.weights, cell, layer, layers) : undefined;
  const change = mode === 'diff to run' && source.compared ? changeOf(before, cell) : undefined;
  const where = layer === OUTSIDE ? row.title : `${row.title}, layer ${layer}`;
  const words = [cellWords(cell, titleOfType)];
  if (figure !== undefined && figure > 0) words.push(figureWords(mode, figure));
  if (sources !== undefined)
    words.push(sources.names.map((n, i) => `${n} ${formatFigure(sources.values[i] ?? 0)}`).join(', '));
  if (change !== undefined && change !== 'same')
    words.push(`${change}, was ${before.length === 0 ? 'frozen' : cellText(before)}`);
  return {
    cell,
    words: `${where}: ${words.join('; ')}`,
    mode,
    figure,
    heat: heatOf(figure, largest),
    change,
    before: cellText(before),
    sources,
  };
}

function figureWords(mode: ShowMode, figure: number): string {
  if (mode === 'parameters') return `${formatCompact(figure)} parameters`;
  return mode === 'memory' ? formatBytes(Math.round(figure)) : `${mode} ${formatFigure(figure)}`;
}
