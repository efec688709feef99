/** The first rows of a file with the columns that were recognised; both can be changed. */
import type { DataPreview } from '../../../engine/protocol/api/data.ts';
import { Badge, Callout, cx, formatCount, Select } from '../../ui/index.ts';
import styles from './NewDialog.module.css';

export interface DataLookProps {
  readonly preview: DataPreview;
  readonly columns: { readonly text?: readonly string[]; readonly label?: readonly string[] };
  readonly onColumns: (columns: DataLookProps['columns']) => void;
}

const SHOWN_ROWS = 4;

export function DataLook({ preview, columns, onColumns }: DataLookProps) {
  const text = columns.text ?? preview.text;
  const label = columns.label ?? preview.label;
  const role = (column: string): 'text' | 'label' | undefined =>
    text.includes(column) ? 'text' : label.includes(column) ? 'label' : undefined;
  return (
    <div className={styles['look']}>
      <div className={styles['grid']}>
        <Select
          label="Text column"
          value={text[0]}
          options={preview.columns}
          onChange={(column) => onColumns({ ...columns, text: [column] })}
        />
        <Select
          label="Label column"
          value={label[0]}
          options={preview.columns}
          onChange={(column) => onColumns({ ...columns, label: [column] })}
        />
      </div>
      <div className={styles['tableBox']} tabIndex={0} aria-label="First rows" role="region">
        <table className={styles['table']}>
          <thead>
            <tr>
              {preview.columns.map((column) => (
                <th key={column} className={styles['head']} scope="col">
                  {column}
                  {role(column) !== undefined && <Badge tone="data">{role(column)}</Badge>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {preview.rows.slice(0, SHOWN_ROWS).map((row, i) => (
              <tr key={i}>
                {preview.columns.map((column, c) => (
                  <td
                    key={column}
                    className={cx(styles['cell'], role(column) === undefined && styles['unused'])}
                    title={row[c]}
                  >
                    {row[c]}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className={styles['reasons']}>
        {[`${formatCount(preview.total)} rows, ${preview.task}.`, ...preview.reasons].join(' ')}
      </p>
      {preview.diagnostics.slice(0, 3).map((d, i) => (
        <Callout key={`${d.code}.${i}`} tone={d.severity}>{`${d.message} ${d.fix}`}</Callout>
      ))}
    </div>
  );
}
