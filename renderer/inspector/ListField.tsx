/** A list of texts as chips: Enter or a comma adds one, Backspace takes the last away, suggestions complete. */
import { X } from 'lucide-react';
import { useId, useState, type KeyboardEvent } from 'react';
import type { FieldProps } from '../ui/index.ts';
import styles from './inspector.module.css';

interface ListFieldProps extends FieldProps {
  readonly value: readonly string[];
  readonly suggestions: readonly string[];
  readonly disabled: boolean;
  readonly onTake: (value: readonly string[]) => void;
}

export function ListField({ label, help, value, suggestions, disabled, problem, onTake }: ListFieldProps) {
  const id = useId();
  const [draft, setDraft] = useState('');
  const add = (text: string): void => {
    const item = text.trim();
    setDraft('');
    if (item !== '' && !value.includes(item)) onTake([...value, item]);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' || event.key === ',') {
      event.preventDefault();
      add(draft);
    } else if (event.key === 'Backspace' && draft === '' && value.length > 0) onTake(value.slice(0, -1));
  };
  const left = suggestions.filter((s) => !value.includes(s));
  return (
    <div className={styles['inlineField']}>
      <label htmlFor={id} className={styles['inlineLabel']} title={help}>
        {label}
      </label>
      <div className={styles['chips']}>
        {value.map((item) => (
          <span key={item} className={styles['chip']}>
            <span title={item}>{item}</span>
            <button
              type="button"
              className={styles['chipRemove']}
              aria-label={`Remove ${item} from ${label}`}
              disabled={disabled}
              onClick={() => onTake(value.filter((v) => v !== item))}
            >
              <X size={12} />
            </button>
          </span>
        ))}
        <input
          id={id}
          className={styles['chipInput']}
          value={draft}
          disabled={disabled}
          list={left.length > 0 ? `${id}-list` : undefined}
          placeholder={value.length === 0 ? 'none' : ''}
          autoComplete="off"
          onChange={(event) =>
            left.includes(event.target.value) ? add(event.target.value) : setDraft(event.target.value)
          }
          onBlur={() => add(draft)}
          onKeyDown={onKeyDown}
        />
        {left.length > 0 && (
          <datalist id={`${id}-list`}>
            {left.map((s) => (
              <option key={s} value={s} />
            ))}
          </datalist>
        )}
      </div>
      {problem !== undefined && (
        <p className={styles['quiet']} role="alert" style={{ gridColumn: 2, color: 'var(--error)' }}>
          {problem}
        </p>
      )}
    </div>
  );
}
