/** One of a list. A button opens the list; letters jump to an option, arrows move, Enter takes it. */
import { Check, ChevronDown } from 'lucide-react';
import { Popover as Base } from 'radix-ui';
import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';
import { cx } from './cx.ts';
import { Field, noteId, type FieldProps } from './Field.tsx';
import styles from './fields.module.css';

export interface Option<T extends string = string> {
  readonly value: T;
  readonly title: string;
  readonly help?: string | undefined;
  readonly disabled?: boolean;
  readonly reason?: string | undefined;
}

export interface SelectProps<T extends string = string> extends FieldProps {
  readonly value: T | undefined;
  /** Texts stand for options whose title is their value. */
  readonly options: readonly (Option<T> | T)[];
  readonly onChange: (value: T) => void;
  readonly mixed?: boolean | undefined;
  readonly disabled?: boolean | undefined;
  readonly placeholder?: string;
}

export function Select<T extends string>(props: SelectProps<T>) {
  const { value, onChange, mixed = false, disabled, placeholder = 'Choose' } = props;
  const options = props.options.map((o): Option<T> => (typeof o === 'string' ? { value: o, title: o } : o));
  const id = useId();
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const typed = useRef({ text: '', at: 0 });
  const list = useRef<HTMLDivElement>(null);
  const chosen = options.findIndex((o) => o.value === value);

  const show = (next: boolean): void => {
    if (disabled === true) return;
    if (next) setActive(Math.max(0, chosen));
    setOpen(next);
  };
  const take = (index: number): void => {
    const option = options[index];
    if (!option || option.disabled === true || option.reason !== undefined) return;
    setOpen(false);
    if (option.value !== value || mixed) onChange(option.value);
  };
  const jump = (sign: string): void => {
    const now = performance.now();
    typed.current = { text: now - typed.current.at > 700 ? sign : typed.current.text + sign, at: now };
    const found = options.findIndex((o) => o.title.toLowerCase().startsWith(typed.current.text.toLowerCase()));
    if (found >= 0) setActive(found);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const last = options.length - 1;
    if (!open) {
      if (['ArrowDown', 'ArrowUp', 'Enter', ' '].includes(event.key)) {
        event.preventDefault();
        show(true);
      }
      return;
    }
    const to: Readonly<Record<string, number>> = {
      ArrowDown: Math.min(last, active + 1),
      ArrowUp: Math.max(0, active - 1),
      Home: 0,
      End: last,
      PageDown: Math.min(last, active + 8),
      PageUp: Math.max(0, active - 8),
    };
    const next = to[event.key];
    if (next !== undefined) setActive(next);
    else if (event.key === 'Enter' || event.key === ' ') take(active);
    else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) jump(event.key);
    else {
      if (event.key === 'Tab') setOpen(false);
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  useEffect(() => {
    if (open) list.current?.querySelector('[data-active]')?.scrollIntoView({ block: 'nearest' });
  }, [open, active]);

  return (
    <Field {...props} id={id}>
      <Base.Root open={open} onOpenChange={show}>
        <Base.Trigger asChild>
          <button
            id={id}
            type="button"
            role="combobox"
            aria-haspopup="listbox"
            aria-expanded={open}
            aria-controls={open ? `${id}-list` : undefined}
            aria-activedescendant={open ? `${id}-${active}` : undefined}
            aria-labelledby={`${id}-label ${id}`}
            aria-disabled={disabled || undefined}
            aria-invalid={props.problem !== undefined || undefined}
            aria-describedby={props.problem !== undefined || props.note !== undefined ? noteId(id) : undefined}
            className={cx(styles['input'], styles['selectButton'])}
            onKeyDown={onKeyDown}
          >
            <span className={styles['selectText']}>
              {mixed ? 'mixed' : (options[chosen]?.title ?? value ?? placeholder)}
            </span>
            <ChevronDown size={14} />
          </button>
        </Base.Trigger>
        <Base.Portal>
          <Base.Content
            ref={list}
            id={`${id}-list`}
            role="listbox"
            aria-label={props.label}
            className={styles['listbox']}
            align="start"
            sideOffset={4}
            collisionPadding={8}
            // The keys stay with the button, which names the active option.
            onOpenAutoFocus={(event) => event.preventDefault()}
            onCloseAutoFocus={(event) => event.preventDefault()}
          >
            {options.map((option, i) => (
              <div
                key={option.value}
                id={`${id}-${i}`}
                role="option"
                aria-selected={i === chosen && !mixed}
                aria-disabled={option.disabled === true || option.reason !== undefined || undefined}
                data-active={i === active || undefined}
                className={styles['option']}
                onPointerMove={() => setActive(i)}
                onPointerDown={(event) => event.preventDefault()}
                onClick={() => take(i)}
              >
                {i === chosen && !mixed && <Check size={14} className={styles['optionCheck']} />}
                <span className={styles['optionText']}>
                  {option.title}
                  {(option.reason ?? option.help) !== undefined && (
                    <span className={styles['optionHelp']}>{option.reason ?? option.help}</span>
                  )}
                </span>
              </div>
            ))}
          </Base.Content>
        </Base.Portal>
      </Base.Root>
    </Field>
  );
}
