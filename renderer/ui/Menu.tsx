/** Menus: under a button, and at the pointer. Items are commands by their id, or functions. */
import { Check, ChevronRight } from 'lucide-react';
import { ContextMenu as ContextBase, DropdownMenu as DropBase } from 'radix-ui';
import type { ReactElement, ReactNode } from 'react';
import { useCommands, type CommandRunner } from '../commands/runner.ts';
import { cx } from './cx.ts';
import { Keys } from './Keys.tsx';
import overlay from './overlay.module.css';

export interface MenuItem {
  /** Missing: the command's own title. */
  readonly title?: string;
  readonly command?: string;
  readonly run?: () => void;
  readonly keys?: string | undefined;
  readonly icon?: ReactNode;
  readonly disabled?: boolean;
  /** Why it is greyed; shown under the title. */
  readonly reason?: string | undefined;
  readonly separator?: boolean;
  /** Given for items that are chosen or not. */
  readonly checked?: boolean;
  readonly danger?: boolean;
  readonly items?: readonly MenuItem[];
}

interface Shown {
  readonly title: string;
  readonly keys: string | undefined;
  readonly reason: string | undefined;
  readonly off: boolean;
  readonly run: () => void;
}

function shown(item: MenuItem, commands: CommandRunner): Shown {
  const { command } = item;
  const reason = item.reason ?? (command === undefined ? undefined : commands.why(command));
  return {
    title: item.title ?? (command === undefined ? '' : (commands.find(command)?.title ?? command)),
    keys: item.keys ?? (command === undefined ? undefined : commands.keys(command)),
    reason,
    off: item.disabled === true || reason !== undefined,
    run: () => {
      item.run?.();
      if (command !== undefined) commands.run(command);
    },
  };
}

type Parts = typeof DropBase | typeof ContextBase;

const Content = ({ item, view }: { readonly item: MenuItem; readonly view: Shown }) => (
  <>
    {(item.icon !== undefined || item.checked !== undefined) && (
      <span className={overlay['itemIcon']}>{item.checked === true ? <Check /> : item.icon}</span>
    )}
    <span className={overlay['itemText']}>
      {view.title}
      {view.reason !== undefined && <span className={overlay['itemReason']}>{view.reason}</span>}
    </span>
    {view.keys !== undefined && <Keys keys={view.keys} />}
  </>
);

function Items({ items, parts }: { readonly items: readonly MenuItem[]; readonly parts: Parts }) {
  const commands = useCommands();
  const P = parts as typeof DropBase;
  return items.map((item, i) => {
    const key = `${i}.${item.title ?? item.command ?? ''}`;
    if (item.separator === true) return <P.Separator key={key} className={overlay['separator']} />;
    const view = shown(item, commands);
    if (item.items !== undefined)
      return (
        <P.Sub key={key}>
          <P.SubTrigger className={overlay['item']}>
            <Content item={item} view={view} />
            <ChevronRight className={overlay['itemMore']} size={14} />
          </P.SubTrigger>
          <P.Portal>
            <P.SubContent className={overlay['menu']} sideOffset={4} collisionPadding={8}>
              <Items items={item.items} parts={parts} />
            </P.SubContent>
          </P.Portal>
        </P.Sub>
      );
    const className = cx(overlay['item'], item.danger === true && overlay['itemDanger']);
    // A greyed item stays reachable, so that its reason can be read.
    const onSelect = (event: Event): void => (view.off ? event.preventDefault() : view.run());
    const off = view.off || undefined;
    return item.checked === undefined ? (
      <P.Item key={key} className={className} aria-disabled={off} onSelect={onSelect}>
        <Content item={item} view={view} />
      </P.Item>
    ) : (
      <P.CheckboxItem key={key} className={className} aria-disabled={off} checked={item.checked} onSelect={onSelect}>
        <Content item={item} view={view} />
      </P.CheckboxItem>
    );
  });
}

export interface MenuProps {
  /** One button that takes a ref. */
  readonly trigger: ReactElement;
  readonly items: readonly MenuItem[];
  readonly align?: 'start' | 'center' | 'end';
  readonly side?: 'top' | 'right' | 'bottom' | 'left';
  readonly label?: string;
}

export const Menu = ({ trigger, items, align = 'start', side = 'bottom', label }: MenuProps) => (
  <DropBase.Root modal={false}>
    <DropBase.Trigger asChild>{trigger}</DropBase.Trigger>
    <DropBase.Portal>
      <DropBase.Content
        className={overlay['menu']}
        align={align}
        side={side}
        sideOffset={6}
        collisionPadding={8}
        {...(label === undefined ? {} : { 'aria-label': label, 'aria-labelledby': undefined })}
      >
        <Items items={items} parts={DropBase} />
      </DropBase.Content>
    </DropBase.Portal>
  </DropBase.Root>
);

export interface ContextMenuProps {
  /** One element that takes a ref; a right click or the menu key on it opens the menu. */
  readonly children: ReactElement;
  readonly items: readonly MenuItem[];
  readonly onOpenChange?: (open: boolean) => void;
}

export const ContextMenu = ({ children, items, onOpenChange }: ContextMenuProps) => (
  <ContextBase.Root modal={false} {...(onOpenChange ? { onOpenChange } : {})}>
    <ContextBase.Trigger asChild>{children}</ContextBase.Trigger>
    <ContextBase.Portal>
      <ContextBase.Content className={overlay['menu']} collisionPadding={8}>
        <Items items={items} parts={ContextBase} />
      </ContextBase.Content>
    </ContextBase.Portal>
  </ContextBase.Root>
);
