/** Every shortcut, by group; a text filters them. */
import { useState } from 'react';
import { COMMAND_GROUPS } from '../../commands/command.ts';
import { useCommands } from '../../commands/runner.ts';
import { Button, Dialog, Empty, Keys, TextField } from '../../ui/index.ts';
import { scoreText } from '../fuzzy.ts';
import type { OverlayProps } from './Dialogs.tsx';
import styles from './keys.module.css';

export function KeysDialog({ onClose }: OverlayProps) {
  const runner = useCommands();
  const [text, setText] = useState('');
  const bound = runner.commands.filter(
    (c) =>
      runner.keys(c.id) !== undefined &&
      (text === '' || scoreText(text, `${c.title} ${runner.keys(c.id) ?? ''}`) !== undefined),
  );
  return (
    <Dialog
      title="Keyboard shortcuts"
      open
      onClose={onClose}
      width={860}
      footer={
        <Button
          onClick={() => {
            onClose();
            setTimeout(() => runner.run('help.bindings'), 0);
          }}
        >
          Change shortcuts
        </Button>
      }
    >
      <TextField
        label="Find a shortcut"
        hideLabel
        placeholder="Find a shortcut"
        type="search"
        value={text}
        onChange={setText}
      />
      <p className={styles['note']}>
        Plain letters and digits work while the canvas has the focus. F6 goes round the parts of the window.
      </p>
      {bound.length === 0 ? (
        <Empty title="No shortcut fits" text={`Nothing matches "${text}".`} />
      ) : (
        <div className={styles['columns']}>
          {COMMAND_GROUPS.map((group) => {
            const commands = bound.filter((c) => c.group === group);
            if (commands.length === 0) return null;
            return (
              <section key={group} className={styles['group']} aria-label={group}>
                <h3 className={styles['groupTitle']}>{group}</h3>
                <ul>
                  {commands.map((c) => (
                    <li key={c.id} className={styles['row']}>
                      <span className={styles['name']}>{c.title}</span>
                      <Keys keys={runner.keys(c.id) ?? ''} />
                    </li>
                  ))}
                </ul>
              </section>
            );
          })}
        </div>
      )}
    </Dialog>
  );
}
