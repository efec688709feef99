/** Shortcuts of the person's own: press the new keys, clear them, or take back what the app came with. */
import { RotateCcw, X } from 'lucide-react';
import { useState, type KeyboardEvent } from 'react';
import type { UiCommand } from '../../commands/command.ts';
import { useCommands } from '../../commands/runner.ts';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { Button, Dialog, IconButton, Keys, keysOf, TextField } from '../../ui/index.ts';
import { rank } from '../fuzzy.ts';
import { clashes } from '../keyboard.ts';
import { changeSettings } from '../settings.ts';
import type { OverlayProps } from './Dialogs.tsx';
import styles from './keys.module.css';

const NO_KEYS: Readonly<Record<string, string>> = {};
const NO_RECENT: readonly string[] = [];

export function BindingsDialog({ onClose }: OverlayProps) {
  const editor = useEditor();
  const runner = useCommands();
  const own = useEditorState((s) => s.settings?.keys ?? NO_KEYS);
  const [text, setText] = useState('');
  const [waiting, setWaiting] = useState<string>();
  const bind = (command: UiCommand, keys: string | undefined): void => {
    const { [command.id]: _, ...others } = own;
    const next = keys === undefined || keys === (command.keys ?? '') ? others : { ...others, [command.id]: keys };
    setWaiting(undefined);
    void changeSettings(editor, { keys: next });
  };
  return (
    <Dialog
      title="Change keyboard shortcuts"
      open
      onClose={onClose}
      width={640}
      footer={
        <Button
          icon={<RotateCcw />}
          reason={Object.keys(own).length === 0 ? 'All shortcuts are as they came.' : undefined}
          onClick={() => void changeSettings(editor, { keys: {} })}
        >
          Reset all
        </Button>
      }
    >
      <TextField
        label="Find a command"
        hideLabel
        placeholder="Find a command"
        type="search"
        value={text}
        onChange={setText}
      />
      <div className={styles['table']}>
        {rank(runner.commands, text, NO_RECENT).map((command) => (
          <Row
            key={command.id}
            command={command}
            isOwn={command.id in own}
            waiting={waiting === command.id}
            clash={clashOf(runner.commands, own, command.id, runner.keys(command.id))}
            onWait={() => setWaiting(waiting === command.id ? undefined : command.id)}
            onBind={(keys) => bind(command, keys)}
          />
        ))}
      </div>
    </Dialog>
  );
}

function clashOf(
  commands: readonly UiCommand[],
  own: Readonly<Record<string, string>>,
  id: string,
  keys: string | undefined,
): string | undefined {
  if (keys === undefined) return undefined;
  const others = clashes(commands, own, id, keys).map((other) => commands.find((c) => c.id === other)?.title ?? other);
  return others.length === 0 ? undefined : others.join(', ');
}

interface RowProps {
  readonly command: UiCommand;
  readonly isOwn: boolean;
  readonly waiting: boolean;
  readonly clash: string | undefined;
  readonly onWait: () => void;
  /** Undefined: as it came; an empty text: no keys. */
  readonly onBind: (keys: string | undefined) => void;
}

function Row({ command, isOwn, waiting, clash, onWait, onBind }: RowProps) {
  const runner = useCommands();
  const keys = runner.keys(command.id);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!waiting) return;
    if (event.key === 'Tab') return onWait();
    event.preventDefault();
    event.stopPropagation();
    if (event.key === 'Escape') return onWait();
    const pressed = keysOf(event);
    if (pressed !== '') onBind(pressed);
  };
  return (
    <>
      <div className={styles['binding']} data-binding={command.id}>
        <span className={styles['name']}>{command.title}</span>
        {isOwn && <span className={styles['changed']}>changed</span>}
        <button
          type="button"
          className={styles['capture']}
          aria-pressed={waiting}
          aria-label={`Keys of ${command.title}: ${keys ?? 'none'}`}
          onClick={onWait}
          onKeyDown={onKeyDown}
          onBlur={waiting ? onWait : undefined}
        >
          {waiting ? 'Press the keys' : keys === undefined ? 'none' : <Keys keys={keys} />}
        </button>
        <IconButton
          label={`No keys for ${command.title}`}
          icon={<X />}
          small
          reason={keys === undefined ? 'it has none' : undefined}
          onClick={() => onBind('')}
        />
        <IconButton
          label={`As it came: ${command.keys ?? 'no keys'}`}
          icon={<RotateCcw />}
          small
          reason={isOwn ? undefined : 'not changed'}
          onClick={() => onBind(undefined)}
        />
      </div>
      {clash !== undefined && (
        <p className={styles['clash']}>{`Also: ${clash}. The one that can run at the moment does.`}</p>
      )}
    </>
  );
}
