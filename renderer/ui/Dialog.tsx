/** A dialog in the middle of the page, and a popover beside a control. */
import { X } from 'lucide-react';
import { Dialog as Base, Popover as PopBase } from 'radix-ui';
import type { ReactElement, ReactNode } from 'react';
import { IconButton } from './Button.tsx';
import overlay from './overlay.module.css';

const CONTROLS = 'button, input, select, textarea, a[href], [tabindex="0"]';

/** The focus goes to the first control of the body, not to the button that closes. */
function focusFirst(event: Event): void {
  const content = event.currentTarget;
  if (!(content instanceof HTMLElement)) return;
  event.preventDefault();
  const body = content.querySelector<HTMLElement>('[data-dialog-body]');
  const controls = [...(body?.querySelectorAll<HTMLElement>(CONTROLS) ?? [])];
  const shown = controls.filter((c) => c.getClientRects().length > 0);
  // A button would open its tooltip at once, which then takes the first Escape.
  const wanted = shown.find((c) => c.autofocus) ?? shown.find((c) => c.matches('input, textarea, [role="combobox"]'));
  (wanted ?? content).focus();
}

export interface DialogProps {
  readonly title: string;
  readonly open: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly footer?: ReactNode;
  /** Pixels; the window is never wider than the page. */
  readonly width?: number;
}

export const Dialog = ({ title, open, onClose, children, footer, width = 520 }: DialogProps) => (
  <Base.Root open={open} onOpenChange={(next) => (next ? undefined : onClose())}>
    <Base.Portal>
      <Base.Overlay className={overlay['veil']} />
      <div className={overlay['dialogPlace']}>
        <Base.Content
          className={overlay['dialog']}
          style={{ maxWidth: width }}
          aria-describedby={undefined}
          onOpenAutoFocus={focusFirst}
          data-focus-inside
        >
          <div className={overlay['dialogHead']}>
            <Base.Title className={overlay['dialogTitle']}>{title}</Base.Title>
            <IconButton label="Close" icon={<X />} keys="Escape" small onClick={onClose} />
          </div>
          <div className={overlay['dialogBody']} data-dialog-body>
            {children}
          </div>
          {footer !== undefined && <div className={overlay['dialogFooter']}>{footer}</div>}
        </Base.Content>
      </div>
    </Base.Portal>
  </Base.Root>
);

export interface PopoverProps {
  readonly trigger: ReactElement;
  readonly children: ReactNode;
  /** What a screen reader calls it. */
  readonly label?: string;
  readonly open?: boolean;
  readonly onOpenChange?: (open: boolean) => void;
  readonly align?: 'start' | 'center' | 'end';
  readonly side?: 'top' | 'right' | 'bottom' | 'left';
}

export function Popover({
  trigger,
  children,
  label,
  open,
  onOpenChange,
  align = 'start',
  side = 'bottom',
}: PopoverProps) {
  return (
    <PopBase.Root {...(open === undefined ? {} : { open })} {...(onOpenChange ? { onOpenChange } : {})}>
      <PopBase.Trigger asChild>{trigger}</PopBase.Trigger>
      <PopBase.Portal>
        <PopBase.Content
          className={overlay['popover']}
          align={align}
          side={side}
          sideOffset={6}
          collisionPadding={8}
          aria-label={label}
          data-focus-inside
        >
          {children}
        </PopBase.Content>
      </PopBase.Portal>
    </PopBase.Root>
  );
}
