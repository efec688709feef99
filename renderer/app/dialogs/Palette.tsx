/** All commands, found by a few letters; those that were used lately come first, those that cannot run say why. */
import { Command } from 'cmdk';
import { Search } from 'lucide-react';
import { Dialog as Base } from 'radix-ui';
import { memo, useCallback, useDeferredValue, useMemo, useState, type KeyboardEvent } from 'react';
import type { UiCommand } from '../../commands/command.ts';
import { useCommands, type CommandRunner } from '../../commands/runner.ts';
import { Keys } from '../../ui/index.ts';
import { rank } from '../fuzzy.ts';
import { recentCommands } from '../remember.ts';
import type { OverlayProps } from './Dialogs.tsx';
import styles from './Palette.module.css';

/** The commands that fit, the best first. */
function answer(runner: CommandRunner, text: string, recent: readonly string[]): readonly UiCommand[] {
  const all = runner.commands.filter((c) => c.id !== 'app.palette');
  const ranked = rank(all, text, recent);
  // Without a text, what cannot run at the moment comes last; with one, the best answer stays first and says why.
  if (text.trim() !== '') return ranked;
  const can = (c: UiCommand): boolean => runner.why(c.id) === undefined;
  return [...ranked.filter(can), ...ranked.filter((c) => !can(c))];
}

export function Palette({ onClose }: OverlayProps) {
  const runner = useCommands();
  const [text, setText] = useState('');
  // The letter is painted at once, the list when there is time.
  const asked = useDeferredValue(text);
  const recent = useMemo(recentCommands, []);
  const found = useMemo(() => answer(runner, asked, recent), [runner, asked, recent]);
  // The first answer of every list is chosen, until the arrows choose another one of it.
  const [picked, setPicked] = useState<{ readonly of: typeof found; readonly id: string }>();
  const chosen = picked?.of === found ? picked.id : (found[0]?.id ?? '');
  const take = useCallback(
    (id: string): void => {
      if (runner.why(id) !== undefined) return;
      onClose();
      // The dialog gives the focus back before the command moves it.
      setTimeout(() => runner.run(id), 0);
    },
    [runner, onClose],
  );
  // Enter means the answer to what has been typed, also when the list still shows the one before.
  const onKeyDown = (e: KeyboardEvent): void => {
    const [first] = e.key === 'Enter' && asked !== text ? answer(runner, text, recent) : [];
    if (!first) return;
    e.preventDefault();
    take(first.id);
  };
  return (
    <Base.Root open onOpenChange={(open) => (open ? undefined : onClose())}>
      <Base.Portal>
        <Base.Overlay className={styles['veil']} />
        <Base.Content className={styles['palette']} aria-describedby={undefined}>
          <Base.Title className="visually-hidden">All commands</Base.Title>
          <Command
            label="All commands"
            shouldFilter={false}
            loop
            value={chosen}
            onValueChange={(id) => setPicked({ of: found, id })}
            onKeyDown={onKeyDown}
          >
            <div className={styles['search']}>
              <Search size={18} />
              <Command.Input
                className={styles['input']}
                placeholder="What do you want to do?"
                value={text}
                onValueChange={setText}
                autoFocus
              />
            </div>
            <Command.List className={styles['list']} label="Commands">
              <Command.Empty className={styles['empty']}>{`No command fits "${asked}".`}</Command.Empty>
              <Items found={found} onTake={take} />
            </Command.List>
          </Command>
        </Base.Content>
      </Base.Portal>
    </Base.Root>
  );
}

interface ItemsProps {
  readonly found: readonly UiCommand[];
  readonly onTake: (id: string) => void;
}

const Items = memo(function Items({ found, onTake }: ItemsProps) {
  return found.map((command) => <Item key={command.id} command={command} onTake={onTake} />);
});

function Item({ command, onTake }: { readonly command: UiCommand; readonly onTake: (id: string) => void }) {
  const runner = useCommands();
  const why = runner.why(command.id);
  const keys = runner.keys(command.id);
  return (
    <Command.Item
      value={command.id}
      data-command={command.id}
      data-off={why !== undefined || undefined}
      className={styles['item']}
      onSelect={() => onTake(command.id)}
      aria-disabled={why !== undefined}
    >
      <span className={styles['group']}>{command.group}</span>
      <span className={styles['text']}>
        {command.title}
        {why !== undefined && <span className={styles['why']}>{why}</span>}
      </span>
      {keys !== undefined && <Keys keys={keys} />}
    </Command.Item>
  );
}
