/** A few words on hover and on focus, with the keys that do the same. */
import { Tooltip as Base } from 'radix-ui';
import type { ReactElement, ReactNode } from 'react';
import { Keys } from './Keys.tsx';
import overlay from './overlay.module.css';

export interface TooltipProps {
  readonly text: ReactNode;
  readonly keys?: string | undefined;
  readonly side?: 'top' | 'right' | 'bottom' | 'left';
  /** One element that takes a ref. */
  readonly children: ReactElement;
}

export function Tooltip({ text, keys, side = 'bottom', children }: TooltipProps) {
  if (text === '' && keys === undefined) return children;
  return (
    <Base.Root>
      <Base.Trigger asChild>{children}</Base.Trigger>
      <Base.Portal>
        <Base.Content className={overlay['tooltip']} side={side} sideOffset={6} collisionPadding={8}>
          {text !== '' && <span className={overlay['tooltipText']}>{text}</span>}
          {keys !== undefined && <Keys keys={keys} />}
        </Base.Content>
      </Base.Portal>
    </Base.Root>
  );
}

/** Around the page once: tooltips follow each other without delay. */
export const UiRoot = ({ children }: { readonly children: ReactNode }) => (
  <Base.Provider delayDuration={450} skipDelayDuration={250}>
    {children}
  </Base.Provider>
);
