/** Small things that show: badge, progress, spinner, empty state, callout. */
import { CircleAlert, Info, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { cx } from './cx.ts';
import styles from './display.module.css';

export type Tone = 'neutral' | 'trainable' | 'frozen' | 'data' | 'warning' | 'error' | 'info' | 'transform';

export interface BadgeProps {
  readonly tone?: Tone;
  readonly icon?: ReactNode;
  readonly children?: ReactNode;
}

export const Badge = ({ tone = 'neutral', icon, children }: BadgeProps) => (
  <span className={cx(styles['badge'], styles[tone])}>
    {icon}
    {children}
  </span>
);

export interface ProgressProps {
  /** From 0 to 1; missing while nobody knows. */
  readonly value: number | undefined;
  readonly label: string;
  /** At the end of the line, `43 % 1:12 left`. */
  readonly note?: string | undefined;
  readonly hideLabel?: boolean;
}

export function Progress({ value, label, note, hideLabel = false }: ProgressProps) {
  const percent = value === undefined ? undefined : Math.round(Math.min(1, Math.max(0, value)) * 100);
  return (
    <div className={styles['progress']}>
      {!hideLabel && (
        <div className={styles['progressText']}>
          <span>{label}</span>
          <span>{note ?? (percent === undefined ? '' : `${percent} %`)}</span>
        </div>
      )}
      <div
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
        className={styles['progressTrack']}
      >
        <div
          className={styles['progressBar']}
          data-unknown={percent === undefined || undefined}
          style={percent === undefined ? undefined : { width: `${percent}%` }}
        />
      </div>
    </div>
  );
}

export const Spinner = ({ label = 'Loading' }: { readonly label?: string }) => (
  <span role="status" aria-label={label} className={styles['spinner']} />
);

export interface EmptyProps {
  readonly title: string;
  readonly text?: ReactNode;
  readonly icon?: ReactNode;
  readonly action?: ReactNode;
}

export const Empty = ({ title, text, icon, action }: EmptyProps) => (
  <div className={styles['empty']}>
    {icon !== undefined && <div className={styles['emptyIcon']}>{icon}</div>}
    <p className={styles['emptyTitle']}>{title}</p>
    {text !== undefined && <p className={styles['emptyText']}>{text}</p>}
    {action !== undefined && <div className={styles['emptyAction']}>{action}</div>}
  </div>
);

export interface CalloutProps {
  readonly tone: 'info' | 'warning' | 'error';
  readonly title?: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}

export const Callout = ({ tone, title, children, action }: CalloutProps) => (
  <div
    className={cx(
      styles['callout'],
      styles[tone === 'info' ? 'calloutInfo' : tone === 'warning' ? 'calloutWarning' : 'calloutError'],
    )}
    role={tone === 'error' ? 'alert' : undefined}
  >
    {tone === 'info' ? <Info /> : tone === 'warning' ? <TriangleAlert /> : <CircleAlert />}
    <div className={styles['calloutBody']}>
      {title !== undefined && <p className={styles['calloutTitle']}>{title}</p>}
      {children}
    </div>
    {action !== undefined && <div className={styles['calloutAction']}>{action}</div>}
  </div>
);
