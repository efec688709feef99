/** Confusion matrix and the figures of each class. */
import { useState } from 'react';
import type { ClassResult, RunResults } from '../../../engine/protocol/api/runs.ts';
import { cx, Empty, formatCount, Segmented, Table, type Column } from '../../ui/index.ts';
import type { ExampleFilter } from '../examples.ts';
import { formatFigure } from '../words.ts';
import { ConfusionGrid } from './ConfusionGrid.tsx';
import styles from './results.module.css';

interface Props {
  readonly results: RunResults;
  readonly onCell: (cell: NonNullable<ExampleFilter['cell']>) => void;
}

/** A larger matrix would be cells of few pixels; its classes are in the table. */
const MOST_LABELS = 60;

const COLUMNS: readonly Column<ClassResult>[] = [
  {
    id: 'label',
    title: 'Class',
    sort: (c) => c.label,
    cell: (c) => (
      <span className={styles['clip']} title={c.label}>
        {c.label}
      </span>
    ),
  },
  { id: 'support', title: 'Examples', align: 'right', sort: (c) => c.support, cell: (c) => formatCount(c.support) },
  {
    id: 'precision',
    title: 'Precision',
    align: 'right',
    sort: (c) => c.precision,
    cell: (c) => formatFigure(c.precision),
  },
  { id: 'recall', title: 'Recall', align: 'right', sort: (c) => c.recall, cell: (c) => formatFigure(c.recall) },
  { id: 'f1', title: 'F1', align: 'right', sort: (c) => c.f1, cell: (c) => formatFigure(c.f1) },
];

export function ClassesTab({ results, onCell }: Props) {
  const [shows, setShows] = useState<'counts' | 'shares'>('counts');
  const { confusion, classes, labels } = results;
  if (classes.length === 0 && confusion.length === 0)
    return <Empty title="No classes" text={`A ${results.task} task has no classes to confuse.`} />;
  return (
    <div className={styles['classes']}>
      {confusion.length > 0 && confusion.length <= MOST_LABELS && (
        <div>
          <div className={styles['sectionHead']}>
            <h3 className={styles['heading']}>Confusion</h3>
            <Segmented
              label="What cells show"
              value={shows}
              options={[
                { value: 'counts', title: 'Counts' },
                { value: 'shares', title: 'Share of row' },
              ]}
              onChange={setShows}
            />
          </div>
          <ConfusionGrid labels={labels} confusion={confusion} shares={shows === 'shares'} onCell={onCell} />
          <p className={styles['hint']}>Rows are the true label, columns the answer. A cell leads to its examples.</p>
        </div>
      )}
      <div className={cx(styles['classTable'])}>
        <h3 className={styles['heading']}>Classes</h3>
        <Table
          label="Classes"
          columns={COLUMNS}
          rows={classes}
          rowKey={(c) => c.label}
          rowHeight={28}
          sortBy={{ column: 'f1', descending: false }}
        />
      </div>
    </div>
  );
}
