/** Examples of the evaluation, the worst first, with search and the filter of a confusion cell. */
import { X } from 'lucide-react';
import { useMemo } from 'react';
import type { ExampleResult, RunResults } from '../../../engine/protocol/api/runs.ts';
import {
  Badge,
  Button,
  Checkbox,
  Empty,
  formatCount,
  formatShare,
  Table,
  TextField,
  type Column,
} from '../../ui/index.ts';
import { filterExamples, NO_FILTER, type ExampleFilter } from '../examples.ts';
import { formatFigure } from '../words.ts';
import styles from './results.module.css';

interface Props {
  readonly results: RunResults;
  readonly filter: ExampleFilter;
  readonly onFilter: (filter: ExampleFilter) => void;
}

const COLUMNS: readonly Column<ExampleResult>[] = [
  { id: 'loss', title: 'Loss', align: 'right', width: 84, sort: (e) => e.loss, cell: (e) => formatFigure(e.loss) },
  {
    id: 'text',
    title: 'Text',
    cell: (e) => (
      <span className={styles['exampleText']} title={e.text}>
        {e.text}
      </span>
    ),
  },
  {
    id: 'gold',
    title: 'True',
    width: 140,
    sort: (e) => e.gold,
    cell: (e) => (
      <span className={styles['clip']} title={e.gold}>
        {e.gold}
      </span>
    ),
  },
  {
    id: 'predicted',
    title: 'Answer',
    width: 160,
    sort: (e) => e.predicted,
    cell: (e) =>
      e.gold === e.predicted ? (
        <span className={styles['clip']} title={e.predicted}>
          {e.predicted}
        </span>
      ) : (
        <Badge tone="error">
          <span className={styles['clip']} title={`Wrong: ${e.predicted}`}>
            ✗ {e.predicted}
          </span>
        </Badge>
      ),
  },
  {
    id: 'confidence',
    title: 'Confidence',
    align: 'right',
    width: 100,
    sort: (e) => e.confidence,
    cell: (e) => (e.confidence === undefined ? '-' : formatShare(e.confidence)),
  },
  { id: 'row', title: 'Row', align: 'right', width: 72, sort: (e) => e.row, cell: (e) => formatCount(e.row) },
];

export function ExamplesTab({ results, filter, onFilter }: Props) {
  const rows = useMemo(() => filterExamples(results.examples, filter), [results, filter]);
  return (
    <div className={styles['examples']}>
      <div className={styles['tools']}>
        <div className={styles['search']}>
          <TextField
            label="Find in texts"
            hideLabel
            type="search"
            placeholder="Find in texts"
            value={filter.search}
            onChange={(search) => onFilter({ ...filter, search })}
          />
        </div>
        <Checkbox
          label="Wrong answers only"
          checked={filter.wrongOnly}
          onChange={(wrongOnly) => onFilter({ ...filter, wrongOnly })}
        />
        {filter.cell && (
          <Button small icon={<X />} onClick={() => onFilter({ ...filter, cell: undefined })}>
            {filter.cell.gold} answered as {filter.cell.predicted}
          </Button>
        )}
        <span className={styles['count']} role="status">
          {rows.length === results.examples.length
            ? `${formatCount(rows.length)} examples`
            : `${formatCount(rows.length)} of ${formatCount(results.examples.length)} examples`}
        </span>
      </div>
      <Table
        className={styles['fill'] ?? ''}
        label="Examples by loss"
        columns={COLUMNS}
        rows={rows}
        rowKey={(e) => String(e.row)}
        sortBy={{ column: 'loss', descending: true }}
        empty={
          <Empty
            title="No example fits"
            action={<Button onClick={() => onFilter(NO_FILTER)}>Show all examples</Button>}
          />
        }
      />
    </div>
  );
}
