/** The curves as numbers: for people who do not see the pictures, and for those who want the exact value. */
import { useMemo, useState } from 'react';
import { Select, Table, type Column } from '../ui/index.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { lineTitle, linesOf, type DrawnLine, type DrawnRun } from './chartModel.ts';
import styles from './charts.module.css';
import { useCurve } from './hooks.ts';
import { formatY } from './plot.ts';
import { joinLines, type Figure } from './series.ts';
import { capital, formatClock } from './words.ts';

interface Props {
  readonly drawn: readonly DrawnRun[];
  readonly figures: readonly Figure[];
}

interface Row {
  readonly x: number;
  readonly values: readonly (number | null)[];
}

export function ChartTable({ drawn, figures }: Props) {
  const editor = useEditor();
  const axis = useEditorState((s) => s.runsView.x);
  const [chosen, setChosen] = useState(figures[0]?.id ?? 'loss');
  const figure = figures.find((f) => f.id === chosen) ?? figures[0];
  // Follows the newest run; the others do not grow any more.
  const version = useCurve(drawn.at(-1)?.runs.at(-1)?.run, 1000)?.version;
  const lines: readonly DrawnLine[] = useMemo(
    () => (figure ? linesOf(drawn, (run) => editor.runData.curve(run), figure.id, axis) : []),
    [drawn, editor, figure, axis, version],
  );
  const rows: readonly Row[] = useMemo(() => {
    const { x, columns } = joinLines(lines.map((l) => l.line));
    return x.map((value, i) => ({ x: value, values: columns.map((c) => c[i] ?? null) }));
  }, [lines]);
  if (!figure) return null;
  const columns: readonly Column<Row>[] = [
    {
      id: 'x',
      title: capital(axis),
      align: 'right',
      width: 120,
      sort: (row) => row.x,
      cell: (row) => (axis === 'seconds' ? formatClock(row.x) : row.x.toLocaleString('en-US')),
    },
    ...lines.map((line, i): Column<Row> => ({
      id: `${i}`,
      title: lineTitle(line),
      align: 'right',
      sort: (row) => row.values[i] ?? undefined,
      cell: (row) => formatY(figure, row.values[i] ?? null),
    })),
  ];
  return (
    <div className={styles['tableView']}>
      <div className={styles['tableBar']}>
        <Select
          label="Figure"
          inline
          value={figure.id}
          options={figures.map((f) => ({ value: f.id, title: f.title }))}
          onChange={setChosen}
        />
      </div>
      <Table
        className={styles['table'] ?? ''}
        label={`${figure.title} of the runs`}
        columns={columns}
        rows={rows}
        rowKey={(row) => String(row.x)}
        rowHeight={28}
        sortBy={{ column: 'x', descending: true }}
        empty={<p className={styles['noPoints']}>No points yet</p>}
      />
    </div>
  );
}
