/**
 * Layers by sites: which module is where, with figures. The same document, selection and undo as the graph: a stroke is an
 * ordinary edit, and a chosen cell selects its modules. Only what is in view is drawn.
 */
import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useId, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import type { Catalog } from '../../engine/protocol/api/catalog.ts';
import type { Document } from '../../engine/protocol/document.ts';
import { formatGraphAddress } from '../../engine/protocol/edit.ts';
import type { ModelId } from '../../engine/protocol/ids.ts';
import { isFresh, useEditor, useEditorState } from '../state/editor.ts';
import { Callout, cx, Empty } from '../ui/index.ts';
import { GridHead } from './GridHead.tsx';
import { Legend } from './Legend.tsx';
import styles from './matrix.module.css';
import { MatrixRow } from './MatrixRow.tsx';
import { Toolbar } from './Toolbar.tsx';
import { useBrush } from './useBrush.ts';
import { useFiguresOf } from './useFiguresOf.ts';
import { usePainting } from './usePainting.ts';
import { useWidth } from './useWidth.ts';
import { useMatrixHandle } from './useMatrixHandle.ts';
import type { Tool } from './handle.ts';
import { cellsOfRow, OUTSIDE, type CellContext } from './model/cells.ts';
import { gridOf, typesOf, type Grid } from './model/grid.ts';
import { largestFigure, type ShowMode } from './model/heat.ts';
import { columnWidth, GROUP_HEIGHT, HEAD_WIDTH, itemsOf, ROW_HEIGHT, TAIL_WIDTH } from './model/items.ts';
import { lettersOf } from './model/letters.ts';
import { chosenIn, columnsOf, moved, rangeAt, sizeOf, targetsOf, type Range, type Spot } from './model/select.ts';

export function MatrixView() {
  const document = useEditorState((s) => s.document);
  const catalog = useEditorState((s) => s.catalog);
  const model = useEditorState((s) => s.place.model);
  if (document === undefined || catalog === undefined) return null;
  if (model === undefined || !(model in document.models))
    return <Empty title="No model here" text="Open a model, then its layers and places show as a matrix." />;
  return <Matrix key={model} document={document} catalog={catalog} model={model} />;
}

interface MatrixProps {
  readonly document: Document;
  readonly catalog: Catalog;
  readonly model: ModelId;
}

function Matrix({ document, catalog, model }: MatrixProps) {
  const typeOf = typesOf(catalog);
  const letters = useMemo(() => lettersOf(catalog), [catalog]);
  const grid = useMemo(() => gridOf(document, model, typeOf), [document, model, typeOf]);
  const diagnostics = useEditorState((s) => s.check?.diagnostics);
  const context = useMemo(
    (): CellContext => ({ document, grid, typeOf, letters, problems: diagnostics ?? [] }),
    [document, grid, typeOf, letters, diagnostics],
  );
  if (grid.rows.length === 0)
    return <Empty title="Nothing to attach to" text="This model has no layers or places that take modules." />;
  return <Board context={context} catalog={catalog} />;
}

function Board({ context, catalog }: { readonly context: CellContext; readonly catalog: Catalog }) {
  const { document, grid, typeOf, letters } = context;
  const editor = useEditor();
  const id = useId();
  const fresh = useEditorState(isFresh);
  const [tool, setTool] = useState<Tool>('paint');
  const [mode, setMode] = useState<ShowMode>('module');
  const [replace, setReplace] = useState(false);
  const [range, setRange] = useState<Range>(() => rangeAt({ row: firstInStack(grid), column: 0 }));
  const { brush, setBrush, label, title } = useBrush(catalog, letters, document);
  const figures = useFiguresOf(document, grid, mode);
  const before = useMemo(
    (): CellContext | undefined =>
      figures.before === undefined || mode !== 'diff to run'
        ? undefined
        : { ...context, document: figures.before, grid: gridOf(figures.before, grid.model, typeOf), problems: [] },
    [figures.before, mode, context, grid.model, typeOf],
  );
  const largest = useMemo(() => largestFigure(context, figures.shown, mode), [context, figures.shown, mode]);
  const titleOfType = useCallback((type: string) => typeOf(type)?.title ?? type, [typeOf]);

  const items = useMemo(() => itemsOf(grid), [grid]);
  const scroller = useRef<HTMLDivElement>(null);
  const room = useWidth(scroller) - HEAD_WIDTH - TAIL_WIDTH - 1;
  const width = columnWidth(mode, room, grid.columns.length);
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: (i) => (items[i]?.kind === 'group' ? GROUP_HEIGHT : ROW_HEIGHT),
    overscan: 3,
    paddingStart: 32,
  });
  const columns = useVirtualizer({
    horizontal: true,
    count: grid.columns.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => width,
    overscan: 2,
    paddingStart: HEAD_WIDTH,
    paddingEnd: TAIL_WIDTH,
  });
  useEffect(() => columns.measure(), [columns, width]);
  useEffect(() => rows.measure(), [rows, items]);
  const shownColumns = columns.getVirtualItems();
  const firstColumn = shownColumns[0]?.index ?? 0;
  const lastColumn = shownColumns.at(-1)?.index ?? -1;
  const visible = useMemo(() => ({ first: firstColumn, last: lastColumn }), [firstColumn, lastColumn]);

  /** Selects the modules of a cell, so that the inspector shows them. */
  const selectCell = useCallback(
    (spot: Spot) => {
      const row = grid.rows[spot.row];
      const { document: now } = editor.store.getState();
      if (row === undefined || now === undefined) return;
      const layer = row.inStack ? (grid.columns[spot.column]?.layer ?? OUTSIDE) : OUTSIDE;
      const cell = cellsOfRow({ ...context, document: now }, row).get(layer) ?? [];
      const [first] = cell;
      const column = grid.columns[spot.column];
      const anchor = first?.anchor ?? row.anchors.get(row.inStack && column !== undefined ? column.stack : '');
      if (anchor === undefined) return;
      const nodes = first === undefined ? [anchor.node] : cell.map((m) => m.node);
      editor.select({ graph: formatGraphAddress(anchor.graph), nodes, edges: [] });
    },
    [editor, grid, context],
  );
  const onRange = useCallback((change: (before: Range | undefined) => Range) => setRange((r) => change(r)), []);
  const onSpot = useCallback(
    (spot: Spot) => {
      selectCell(spot);
      focusCell(id, spot);
    },
    [selectCell, id],
  );
  const holds = useCallback(
    ({ row, column }: Spot) => {
      const place = grid.rows[row];
      const layer = place?.inStack === true ? (grid.columns[column]?.layer ?? OUTSIDE) : OUTSIDE;
      return place !== undefined && (cellsOfRow(context, place).get(layer) ?? []).some((m) => m.type === brush.type);
    },
    [grid, context, brush.type],
  );
  const painting = usePainting({ grid, typeOf, brush, brushTitle: title, tool, replace, onRange, holds, onSpot });
  const { apply, stroke } = painting;
  const chosenTargets = useCallback(() => targetsOf(grid, range), [grid, range]);
  const paintChosen = useCallback(() => void apply('paint', chosenTargets()), [apply, chosenTargets]);
  const eraseChosen = useCallback(() => void apply('erase', chosenTargets()), [apply, chosenTargets]);
  const selectAll = useCallback(
    () =>
      setRange({ anchor: { row: 0, column: 0 }, head: { row: grid.rows.length - 1, column: grid.columns.length - 1 } }),
    [grid],
  );
  const selectRow = useCallback(
    (row: number) => setRange({ anchor: { row, column: 0 }, head: { row, column: grid.columns.length - 1 } }),
    [grid],
  );
  const selectColumn = useCallback(
    (column: number) => setRange({ anchor: { row: 0, column }, head: { row: grid.rows.length - 1, column } }),
    [grid],
  );
  useMatrixHandle({ context, range, paint: paintChosen, erase: eraseChosen, selectAll, setTool, setMode, setBrush });

  const onKeyDown = (event: KeyboardEvent): void => {
    const target = event.target as HTMLElement;
    if (target.dataset['row'] === undefined) return;
    const next = moved(range.head, event.key, event.ctrlKey || event.metaKey, grid, 10);
    if (next !== undefined) {
      setRange((r) => (event.shiftKey ? { ...r, head: next } : rangeAt(next)));
      rows.scrollToIndex(items.findIndex((i) => i.kind === 'row' && i.index === next.row));
      if (grid.rows[next.row]?.inStack === true) columns.scrollToIndex(next.column);
      focusCell(id, next);
    } else if (event.key === ' ') (event.altKey || tool === 'erase' ? eraseChosen : paintChosen)();
    else if (event.key === 'Delete' || event.key === 'Backspace') eraseChosen();
    else if (event.key === 'Enter') selectCell(range.head);
    else if (event.key === 'Escape' && sizeOf(range) > 1) setRange(rangeAt(range.head));
    else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'a') selectAll();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const wide = HEAD_WIDTH + grid.columns.length * width + TAIL_WIDTH;
  return (
    <div className={styles['root']} data-testid="matrix">
      <Toolbar
        tool={tool}
        brush={brush}
        label={label}
        title={title}
        replace={replace}
        mode={mode}
        chosen={sizeOf(range)}
        onTool={setTool}
        onBrush={setBrush}
        onReplace={setReplace}
        onMode={setMode}
        onPaint={paintChosen}
        onErase={eraseChosen}
      />
      {figures.missing !== undefined && (
        <div className={styles['notice']}>
          <Callout tone="info">{figures.missing}</Callout>
        </div>
      )}
      <div
        ref={scroller}
        role="grid"
        aria-label="Modules by place and layer"
        aria-multiselectable="true"
        aria-rowcount={grid.rows.length + 1}
        aria-colcount={grid.columns.length + 3}
        className={cx(
          styles['scroller'],
          tool === 'paint' && styles['painting'],
          tool === 'erase' && styles['erasing'],
        )}
        onKeyDown={onKeyDown}
        {...painting.handlers}
      >
        <div
          role="presentation"
          className={styles['body']}
          style={{ height: rows.getTotalSize(), width: wide, minWidth: '100%' }}
        >
          <GridHead
            context={context}
            columns={visible}
            width={width}
            from={columnsOf(range)[0]}
            to={columnsOf(range)[1]}
            onAll={selectAll}
            onColumn={selectColumn}
          />
          {rows.getVirtualItems().map(({ index, start }) => {
            const item = items[index];
            if (item === undefined) return null;
            if (item.kind === 'group')
              return (
                <div
                  key={item.group}
                  role="presentation"
                  className={styles['group']}
                  style={{ height: GROUP_HEIGHT, transform: `translateY(${start}px)` }}
                >
                  <span className={styles['groupTitle']}>{item.group}</span>
                </div>
              );
            return (
              <MatrixRow
                key={`${item.row.id} ${item.row.kind} ${String(item.row.inStack)}`}
                id={id}
                row={item.row}
                index={item.index}
                top={start}
                context={context}
                before={before}
                figures={figures}
                mode={mode}
                largest={largest}
                columns={visible}
                width={width}
                titleOfType={titleOfType}
                chosenFrom={chosenIn(range, item.index)?.[0]}
                chosenTo={chosenIn(range, item.index)?.[1]}
                focus={range.head.row === item.index ? range.head.column : undefined}
                stroke={stroke?.cells.get(item.index)}
                strokeKind={stroke?.kind ?? 'paint'}
                stale={!fresh}
                onSelect={selectRow}
              />
            );
          })}
        </div>
      </div>
      <Legend context={context} catalog={catalog} brush={brush.type} />
    </div>
  );
}

const firstInStack = (grid: Grid): number =>
  Math.max(
    0,
    grid.rows.findIndex((r) => r.inStack),
  );

/** The cell is drawn in the next frame when it was out of view. */
function focusCell(id: string, { row, column }: Spot): void {
  const focus = (): boolean => {
    const cell =
      window.document.getElementById(`${id}-${row}-${column}`) ?? window.document.getElementById(`${id}-${row}-0`);
    cell?.focus({ preventScroll: true });
    return cell !== null;
  };
  if (!focus()) requestAnimationFrame(() => requestAnimationFrame(() => void focus()));
  else requestAnimationFrame(() => void focus());
}
