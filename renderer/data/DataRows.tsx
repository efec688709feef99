/** Rows of a data step as a table that reads only what is in view. The head says what each column is, and changes it. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { ChevronDown, Tag, Type } from 'lucide-react';
import { useCallback, useEffect, useRef, useState, type KeyboardEvent } from 'react';
import type { DataPreview } from '../../engine/protocol/api/data.ts';
import type { NodeId } from '../../engine/protocol/ids.ts';
import { Callout, cx, Menu } from '../ui/index.ts';
import { useEditor } from '../state/editor.ts';
import { CommandError } from '../state/client.ts';
import { diagnosticText } from '../runs/logLines.ts';
import { ROLE_WORDS, setRole } from './actions.ts';
import { ROLES } from './ColumnChips.tsx';
import styles from './data.module.css';
import { roleOf, type ColumnRole } from './steps.ts';

interface Props {
  readonly step: string;
  /** The first page, which also says how many rows there are. */
  readonly first: DataPreview;
  readonly table: NodeId | undefined;
}

const PAGE = 100;
const ROW = 28;
/** A file may have thousands of columns; nobody reads so many side by side. */
const MOST_COLUMNS = 60;

const WIDTHS: Readonly<Record<ColumnRole, string>> = {
  text: 'minmax(280px, 6fr)',
  second: 'minmax(240px, 5fr)',
  label: 'minmax(120px, 1fr)',
  none: 'minmax(120px, 2fr)',
};

export function DataRows({ step, first, table }: Props) {
  const pages = usePages(step, first);
  const scroller = useRef<HTMLDivElement>(null);
  const columns = first.columns.slice(0, MOST_COLUMNS);
  const roles = columns.map((c) => roleOf(c, first.text, first.label));
  const virtualizer = useVirtualizer({
    count: first.total,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 10,
  });
  const items = virtualizer.getVirtualItems();
  const [from, to] = [items[0]?.index ?? 0, items.at(-1)?.index ?? 0];
  const { need } = pages;
  useEffect(() => need(from, to), [need, from, to]);
  const grid = { gridTemplateColumns: `64px ${roles.map((r) => WIDTHS[r]).join(' ')}` };
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>): void => {
    const by: Readonly<Record<string, number>> = {
      ArrowDown: ROW,
      ArrowUp: -ROW,
      PageDown: event.currentTarget.clientHeight - ROW,
      PageUp: ROW - event.currentTarget.clientHeight,
    };
    const step = by[event.key];
    if (step === undefined || event.target !== event.currentTarget) return;
    event.preventDefault();
    event.currentTarget.scrollTop += step;
  };
  return (
    <>
      {first.diagnostics.length > 0 && (
        <div className={styles['findings']}>
          {first.diagnostics.map((d) => (
            <Callout key={`${d.code} ${d.where.row ?? ''} ${d.message}`} tone={d.severity}>
              {diagnosticText(d)}
            </Callout>
          ))}
        </div>
      )}
      {pages.problem !== undefined && (
        <div className={styles['findings']}>
          <Callout tone="error">{pages.problem}</Callout>
        </div>
      )}
      <div
        ref={scroller}
        className={styles['scroller']}
        role="table"
        aria-label={`Rows of ${step}`}
        aria-rowcount={first.total + 1}
        tabIndex={0}
        data-focus-inside
        onKeyDown={onKeyDown}
      >
        <div role="rowgroup" className={styles['head']}>
          <div role="row" className={styles['row']} style={grid}>
            <div role="columnheader" className={styles['number']}>
              Row
            </div>
            {columns.map((column, i) => (
              <div key={column} role="columnheader" className={styles['headCell']}>
                <HeadCell column={column} role={roles[i] ?? 'none'} preview={first} table={table} />
              </div>
            ))}
          </div>
        </div>
        <div role="rowgroup" style={{ height: virtualizer.getTotalSize(), position: 'relative' }}>
          {items.map((item) => {
            const row = pages.row(item.index);
            return (
              <div
                key={item.key}
                role="row"
                aria-rowindex={item.index + 2}
                className={cx(styles['row'], styles['bodyRow'])}
                style={{ ...grid, transform: `translateY(${item.start}px)` }}
              >
                <div role="rowheader" className={styles['number']}>
                  {item.index + 1}
                </div>
                {columns.map((column, i) => (
                  <div
                    key={column}
                    role="cell"
                    className={cx(
                      styles['cell'],
                      roles[i] === 'none' && styles['unused'],
                      roles[i] === 'label' && styles['label'],
                    )}
                    title={row?.[i]}
                  >
                    {row === undefined ? '…' : row[i]}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      </div>
    </>
  );
}

interface HeadProps {
  readonly column: string;
  readonly role: ColumnRole;
  readonly preview: DataPreview;
  readonly table: NodeId | undefined;
}

function HeadCell({ column, role, preview, table }: HeadProps) {
  const editor = useEditor();
  const body = (
    <>
      {role === 'label' ? <Tag size={13} /> : role === 'none' ? null : <Type size={13} />}
      <span className={styles['headName']}>{column}</span>
      {role !== 'none' && <span className={styles['headRole']}>{ROLE_WORDS[role]}</span>}
    </>
  );
  if (table === undefined)
    return (
      <span className={styles['headButton']} title={column}>
        {body}
      </span>
    );
  return (
    <Menu
      label={`What ${column} is`}
      trigger={
        <button type="button" className={styles['headButton']} title={`${column}: ${ROLE_WORDS[role]}`}>
          {body}
          <ChevronDown size={13} className={styles['headArrow']} />
        </button>
      }
      items={ROLES.map((r) => ({
        title: r === 'none' ? 'Do not use' : `Use as ${ROLE_WORDS[r]}`,
        checked: r === role,
        run: () => setRole(editor, table, preview, column, r),
      }))}
    />
  );
}

interface Pages {
  readonly row: (index: number) => readonly string[] | undefined;
  readonly need: (from: number, to: number) => void;
  readonly problem: string | undefined;
}

/** Pages of rows, read once each when they come into view. */
function usePages(step: string, first: DataPreview): Pages {
  const editor = useEditor();
  const [pages, setPages] = useState<ReadonlyMap<number, DataPreview['rows']>>(() => new Map([[0, first.rows]]));
  const [problem, setProblem] = useState<string>();
  const asked = useRef(new Set([0]));
  const need = useCallback(
    (from: number, to: number): void => {
      for (let page = Math.floor(from / PAGE); page <= Math.floor(to / PAGE); page++) {
        if (asked.current.has(page)) continue;
        asked.current.add(page);
        const { project, revision } = editor.store.getState();
        if (!project) return;
        editor.client
          .call('data.preview', { project: project.id, revision, step, offset: page * PAGE, limit: PAGE })
          .then(
            ({ rows }) => setPages((before) => new Map(before).set(page, rows)),
            (error: unknown) => {
              asked.current.delete(page);
              if (error instanceof CommandError) setProblem(error.message);
              else editor.report(error);
            },
          );
      }
    },
    [editor, step],
  );
  return { row: (index) => pages.get(Math.floor(index / PAGE))?.[index % PAGE], need, problem };
}
