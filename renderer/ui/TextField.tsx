/** A line or box of text. `onChange` hears every sign, `onCommit` only Enter and leaving the field. */
import { useEffect, useId, useState, type KeyboardEvent, type Ref } from 'react';
import { Field, noteId, type FieldProps } from './Field.tsx';
import styles from './fields.module.css';

export interface TextFieldProps extends FieldProps {
  readonly value: string;
  readonly onChange?: (value: string) => void;
  readonly onCommit?: (value: string) => void;
  readonly placeholder?: string | undefined;
  readonly lines?: number;
  readonly disabled?: boolean | undefined;
  readonly type?: 'text' | 'search' | 'url';
  readonly autoFocus?: boolean;
  readonly mono?: boolean;
  readonly onKeyDown?: (event: KeyboardEvent) => void;
  readonly ref?: Ref<HTMLInputElement> | undefined;
}

export function TextField(props: TextFieldProps) {
  const {
    value,
    onChange,
    onCommit,
    placeholder,
    lines,
    disabled,
    type = 'text',
    autoFocus,
    mono,
    onKeyDown,
    ref,
  } = props;
  const id = useId();
  const [draft, setDraft] = useState(value);
  useEffect(() => setDraft(value), [value]);
  const commit = (): void => {
    if (draft !== value || onChange) onCommit?.(draft);
  };
  const common = {
    id,
    value: draft,
    placeholder,
    disabled,
    autoFocus,
    spellCheck: false,
    autoComplete: 'off',
    className: styles['input'],
    style: mono === true ? { fontFamily: 'var(--mono)' } : undefined,
    'aria-invalid': props.problem !== undefined || undefined,
    'aria-describedby': props.problem !== undefined || props.note !== undefined ? noteId(id) : undefined,
    onBlur: commit,
    onChange: (event: { target: { value: string } }) => {
      setDraft(event.target.value);
      onChange?.(event.target.value);
    },
    onKeyDown: (event: KeyboardEvent) => {
      onKeyDown?.(event);
      if (event.defaultPrevented) return;
      if (event.key === 'Enter' && (lines === undefined || event.ctrlKey || event.metaKey)) commit();
      if (event.key === 'Escape' && draft !== value) {
        setDraft(value);
        onChange?.(value);
        event.stopPropagation();
      }
    },
  };
  return (
    <Field {...props} id={id}>
      {lines === undefined ? <input {...common} ref={ref} type={type} /> : <textarea {...common} rows={lines} />}
    </Field>
  );
}
