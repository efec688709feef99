/** One of few, all in view: tabs with their bodies, and a row of segments. */
import { RadioGroup as RadioBase, Tabs as TabsBase } from 'radix-ui';
import type { ReactNode } from 'react';
import styles from './choices.module.css';
import { cx } from './cx.ts';
import { Tooltip } from './Tooltip.tsx';

export interface Tab<T extends string = string> {
  readonly value: T;
  readonly title: string;
  readonly badge?: ReactNode;
  readonly body?: ReactNode;
}

export interface TabsProps<T extends string = string> {
  readonly label: string;
  readonly value: T;
  readonly tabs: readonly Tab<T>[];
  readonly onChange: (value: T) => void;
  readonly className?: string | undefined;
  /** Beside the tabs, at the end of their row. */
  readonly extra?: ReactNode;
}

export const Tabs = <T extends string>({ label, value, tabs, onChange, className, extra }: TabsProps<T>) => (
  <TabsBase.Root className={cx(styles['tabs'], className)} value={value} onValueChange={(next) => onChange(next as T)}>
    <div className={styles['tabRow']}>
      <TabsBase.List className={styles['tabList']} aria-label={label}>
        {tabs.map((tab) => (
          <TabsBase.Trigger key={tab.value} value={tab.value} className={styles['tab']}>
            <span>{tab.title}</span>
            {tab.badge !== undefined && <span>{tab.badge}</span>}
          </TabsBase.Trigger>
        ))}
      </TabsBase.List>
      {extra}
    </div>
    {tabs.map(
      (tab) =>
        tab.body !== undefined && (
          <TabsBase.Content key={tab.value} value={tab.value} className={styles['tabBody']} data-focus-inside>
            {tab.body}
          </TabsBase.Content>
        ),
    )}
  </TabsBase.Root>
);

export interface Segment<T extends string = string> {
  readonly value: T;
  readonly title: string;
  readonly icon?: ReactNode;
  readonly keys?: string | undefined;
  readonly help?: string;
}

export interface SegmentedProps<T extends string = string> {
  readonly label: string;
  readonly value: T;
  readonly options: readonly (Segment<T> | T)[];
  readonly onChange: (value: T) => void;
}

export const Segmented = <T extends string>({ label, value, options, onChange }: SegmentedProps<T>) => (
  <RadioBase.Root
    className={styles['segmented']}
    aria-label={label}
    orientation="horizontal"
    value={value}
    onValueChange={(next) => onChange(next as T)}
  >
    {options.map((o) => {
      const option: Segment<T> = typeof o === 'string' ? { value: o, title: o } : o;
      return (
        <Tooltip key={option.value} text={option.help ?? option.title} keys={option.keys}>
          <RadioBase.Item value={option.value} className={styles['segment']} aria-label={option.title}>
            {option.icon}
            {option.title}
            {option.keys !== undefined && <span className={styles['key']}>{option.keys}</span>}
          </RadioBase.Item>
        </Tooltip>
      );
    })}
  </RadioBase.Root>
);
