/** Buttons. One that is disabled stays reachable and tells the reason. */
import type { MouseEvent, ReactNode, Ref } from 'react';
import styles from './Button.module.css';
import { cx } from './cx.ts';
import { ariaKeys } from './keys.ts';
import { Tooltip } from './Tooltip.tsx';

export type ButtonVariant = 'primary' | 'plain' | 'quiet' | 'danger';

interface Common {
  readonly disabled?: boolean | undefined;
  /** Why it is disabled; shown as a tooltip. */
  readonly reason?: string | undefined;
  readonly onClick?: ((event: MouseEvent<HTMLButtonElement>) => void) | undefined;
  readonly className?: string | undefined;
  readonly ref?: Ref<HTMLButtonElement> | undefined;
}

export interface ButtonProps extends Common {
  readonly variant?: ButtonVariant;
  readonly icon?: ReactNode;
  readonly small?: boolean;
  readonly type?: 'button' | 'submit';
  readonly keys?: string | undefined;
  readonly label?: string;
  readonly children: ReactNode;
}

/** Other attributes (those that a menu's trigger sets) reach the element. */
export function Button(props: ButtonProps) {
  const {
    variant = 'plain',
    icon,
    small,
    type = 'button',
    keys,
    label,
    disabled,
    reason,
    onClick,
    className,
    children,
    ref,
    ...rest
  } = props;
  const off = disabled === true || reason !== undefined;
  const button = (
    <button
      {...rest}
      ref={ref}
      type={type}
      className={cx(styles['button'], styles[variant], small && styles['small'], className)}
      aria-disabled={off || undefined}
      aria-label={label}
      aria-keyshortcuts={keys === undefined ? undefined : ariaKeys(keys)}
      onClick={off ? (event) => event.preventDefault() : onClick}
    >
      {icon !== undefined && <span className={styles['icon']}>{icon}</span>}
      <span className={styles['text']}>{children}</span>
    </button>
  );
  if (reason !== undefined) return <Tooltip text={reason}>{button}</Tooltip>;
  return keys === undefined ? (
    button
  ) : (
    <Tooltip text={label ?? ''} keys={keys}>
      {button}
    </Tooltip>
  );
}

export interface IconButtonProps extends Common {
  readonly label: string;
  readonly icon: ReactNode;
  readonly keys?: string | undefined;
  /** Given for a button that switches something on and off. */
  readonly pressed?: boolean | undefined;
  readonly side?: 'top' | 'right' | 'bottom' | 'left';
  readonly small?: boolean;
}

export function IconButton(props: IconButtonProps) {
  const {
    label,
    icon,
    keys,
    pressed,
    side = 'bottom',
    small,
    disabled,
    reason,
    onClick,
    className,
    ref,
    ...rest
  } = props;
  const off = disabled === true || reason !== undefined;
  return (
    <Tooltip text={reason === undefined ? label : `${label}: ${reason}`} keys={keys} side={side}>
      <button
        {...rest}
        ref={ref}
        type="button"
        className={cx(styles['iconButton'], small && styles['iconSmall'], className)}
        aria-label={label}
        aria-pressed={pressed}
        aria-disabled={off || undefined}
        aria-keyshortcuts={keys === undefined ? undefined : ariaKeys(keys)}
        onClick={off ? (event) => event.preventDefault() : onClick}
      >
        {icon}
      </button>
    </Tooltip>
  );
}
