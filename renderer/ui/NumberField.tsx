/**
 * A number with its range and unit. It is taken over on Enter and on leaving the field; arrows step by `step` (Shift: ten
 * times, Alt: a tenth). What is no number of the range is not taken, and the line below says why.
 */
import { ChevronDown, ChevronUp } from 'lucide-react';
import { useEffect, useId, useState, type KeyboardEvent } from 'react';
import { cx } from './cx.ts';
import { Field, noteId, type FieldProps } from './Field.tsx';
import styles from './fields.module.css';
import { readNumber, steppedNumber, writeNumber } from './numbers.ts';

export interface NumberFieldProps extends FieldProps {
  /** Missing: no value yet, or values that differ (`mixed`). */
  readonly value: number | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly step?: number | undefined;
  readonly integer?: boolean | undefined;
  /** The things it stands for have different values; a number that is typed goes to all. */
  readonly mixed?: boolean | undefined;
  readonly disabled?: boolean | undefined;
  readonly onCommit: (value: number) => void;
}

export function NumberField(props: NumberFieldProps) {
  const { value, min = -Infinity, max = Infinity, step, integer = false, mixed = false, disabled, onCommit } = props;
  const id = useId();
  const shown = mixed || value === undefined ? '' : writeNumber(value);
  const [draft, setDraft] = useState(shown);
  const [wrong, setWrong] = useState<string>();
  useEffect(() => {
    setDraft(shown);
    setWrong(undefined);
  }, [shown]);

  const take = (text: string): void => {
    if (text.trim() === shown || (text.trim() === '' && (mixed || value === undefined))) {
      setDraft(shown);
      return setWrong(undefined);
    }
    const read = readNumber(text, { min, max, integer });
    if (!read.ok) return setWrong(read.error);
    setWrong(undefined);
    setDraft(writeNumber(read.value));
    if (read.value !== value || mixed) onCommit(read.value);
  };
  const move = (direction: 1 | -1, scale: number): void => {
    const base = readNumber(draft, { min: -Infinity, max: Infinity, integer: false });
    const next = steppedNumber(base.ok ? base.value : (value ?? 0), direction, { min, max, integer, step, scale });
    take(writeNumber(next));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') take(draft);
    else if (event.key === 'Escape' && (draft !== shown || wrong !== undefined)) {
      setDraft(shown);
      setWrong(undefined);
      event.stopPropagation();
    } else if (event.key === 'ArrowUp' || event.key === 'ArrowDown') {
      event.preventDefault();
      move(event.key === 'ArrowUp' ? 1 : -1, event.shiftKey ? 10 : event.altKey ? 0.1 : 1);
    }
  };
  const problem = wrong ?? props.problem;
  const arrow = (direction: 1 | -1) => (
    <button
      type="button"
      tabIndex={-1}
      aria-hidden="true"
      className={styles['step']}
      onPointerDown={(event) => event.preventDefault()}
      onClick={(event) => move(direction, event.shiftKey ? 10 : 1)}
    >
      {direction === 1 ? <ChevronUp size={12} /> : <ChevronDown size={12} />}
    </button>
  );
  return (
    <Field {...props} problem={problem} id={id}>
      <div className={styles['box']}>
        <input
          id={id}
          role="spinbutton"
          className={cx(styles['input'], styles['number'], mixed && styles['mixed'])}
          inputMode="decimal"
          autoComplete="off"
          spellCheck={false}
          value={draft}
          disabled={disabled}
          placeholder={mixed ? 'mixed' : ''}
          aria-invalid={problem !== undefined || undefined}
          aria-describedby={problem !== undefined || props.note !== undefined ? noteId(id) : undefined}
          aria-valuenow={mixed ? undefined : value}
          aria-valuetext={mixed ? 'mixed' : undefined}
          aria-valuemin={Number.isFinite(min) ? min : undefined}
          aria-valuemax={Number.isFinite(max) ? max : undefined}
          onChange={(event) => setDraft(event.target.value)}
          onFocus={(event) => event.target.select()}
          onBlur={() => take(draft)}
          onKeyDown={onKeyDown}
        />
        {disabled !== true && (
          <span className={styles['steps']}>
            {arrow(1)}
            {arrow(-1)}
          </span>
        )}
      </div>
    </Field>
  );
}
