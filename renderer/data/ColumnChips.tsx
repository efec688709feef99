/** The columns that are used, each with what it is taken for and why. */
import { Tag, Type } from 'lucide-react';
import type { DataPreview } from '../../engine/protocol/api/data.ts';
import type { NodeId } from '../../engine/protocol/ids.ts';
import { Menu, Popover } from '../ui/index.ts';
import { useEditor } from '../state/editor.ts';
import { ROLE_WORDS, setRole } from './actions.ts';
import styles from './data.module.css';
import { roleOf, type ColumnRole } from './steps.ts';

interface Props {
  readonly preview: DataPreview;
  readonly table: NodeId | undefined;
}

export const ROLES: readonly ColumnRole[] = ['text', 'second', 'label', 'none'];

/** Two columns are shown; a file with many labels would fill the bar. */
const MOST_LABELS = 2;

export function ColumnChips({ preview, table }: Props) {
  const { text, label, reasons } = preview;
  const more = label.length - MOST_LABELS;
  return (
    <div className={styles['chips']}>
      {text.map((column) => (
        <Chip key={column} column={column} preview={preview} table={table} />
      ))}
      {label.slice(0, MOST_LABELS).map((column) => (
        <Chip key={column} column={column} preview={preview} table={table} />
      ))}
      {more > 0 && <span className={styles['more']}>and {more} more labels</span>}
      {reasons.length > 0 && (
        <Popover
          label="Why these columns"
          trigger={
            <button type="button" className={styles['why']}>
              Why these?
            </button>
          }
        >
          <ul className={styles['reasons']}>
            {reasons.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        </Popover>
      )}
    </div>
  );
}

function Chip({ column, preview, table }: Props & { readonly column: string }) {
  const editor = useEditor();
  const role = roleOf(column, preview.text, preview.label);
  const body = (
    <>
      {role === 'label' ? <Tag size={13} /> : <Type size={13} />}
      <span className={styles['chipRole']}>{ROLE_WORDS[role]}</span>
      <span className={styles['chipName']}>{column}</span>
    </>
  );
  if (table === undefined)
    return (
      <span className={styles['chip']} title={`${column}: ${ROLE_WORDS[role]}`}>
        {body}
      </span>
    );
  return (
    <Menu
      label={`What ${column} is`}
      trigger={
        <button type="button" className={styles['chip']} title={`${column}: ${ROLE_WORDS[role]}`}>
          {body}
        </button>
      }
      items={[
        ...ROLES.map((r) => ({
          title: `Use as ${ROLE_WORDS[r]}`.replace('Use as not used', 'Do not use'),
          checked: r === role,
          run: () => setRole(editor, table, preview, column, r),
        })),
        { separator: true },
        {
          title: 'Another column instead',
          items: preview.columns
            .filter((c) => c !== column)
            .slice(0, 40)
            .map((c) => ({ title: c, run: () => setRole(editor, table, preview, c, role) })),
        },
      ]}
    />
  );
}
