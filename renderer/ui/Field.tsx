/** What all labelled controls share: label, unit, help and the line that says what is wrong. */
import type { ReactNode } from 'react';
import { cx } from './cx.ts';
import styles from './fields.module.css';
import { Tooltip } from './Tooltip.tsx';

export interface FieldProps {
  readonly label: string;
  /** The label is only for screen readers: the place says what it is. */
  readonly hideLabel?: boolean | undefined;
  /** Label beside the control, as in a form of parameters. */
  readonly inline?: boolean | undefined;
  readonly unit?: string | undefined;
  /** One line on what it does; a tooltip of the label. */
  readonly help?: string | undefined;
  readonly problem?: string | undefined;
  readonly note?: ReactNode;
}

export const noteId = (id: string): string => `${id}-note`;

export function Field(props: FieldProps & { readonly id: string; readonly children: ReactNode }) {
  const { id, label, hideLabel, inline, unit, help, problem, note, children } = props;
  const text = (
    <label htmlFor={id} id={`${id}-label`} className={styles['label']}>
      {label}
      {unit !== undefined && unit !== '' && <span className={styles['unit']}>{unit}</span>}
    </label>
  );
  return (
    <div className={cx(styles['field'], inline === true && styles['inline'])}>
      {hideLabel === true ? (
        <label htmlFor={id} id={`${id}-label`} className="visually-hidden">
          {label}
        </label>
      ) : help === undefined || help === '' ? (
        text
      ) : (
        <Tooltip text={help} side="left">
          {text}
        </Tooltip>
      )}
      {children}
      {(problem !== undefined || note !== undefined) && (
        <p
          id={noteId(id)}
          className={cx(styles['note'], problem !== undefined && styles['problem'])}
          role={problem === undefined ? undefined : 'alert'}
        >
          {problem ?? note}
        </p>
      )}
    </div>
  );
}
