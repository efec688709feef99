/** Short messages at the lower edge. Those that only inform go by themselves; pointing at one keeps it. */
import { CircleAlert, Info, TriangleAlert, X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useCommands } from '../commands/runner.ts';
import { useEditor, useEditorState, type Toast } from '../state/editor.ts';
import { Button, cx, IconButton } from '../ui/index.ts';
import styles from './Toasts.module.css';

const STAY: Readonly<Record<Toast['level'], number | undefined>> = { info: 6000, warning: 12_000, error: undefined };

export function Toasts() {
  const toasts = useEditorState((s) => s.toasts);
  return (
    <div className={styles['list']} role="region" aria-label="Messages" aria-live="polite">
      {toasts.map((toast) => (
        <Message key={toast.id} toast={toast} />
      ))}
    </div>
  );
}

function Message({ toast }: { readonly toast: Toast }) {
  const { dismiss } = useEditor();
  const commands = useCommands();
  const [held, setHeld] = useState(false);
  const { id, level, text, action } = toast;
  useEffect(() => {
    const stay = STAY[level];
    if (stay === undefined || held) return undefined;
    const timer = setTimeout(() => dismiss(id), stay);
    return () => clearTimeout(timer);
  }, [id, level, held, dismiss]);
  return (
    <div
      className={cx(styles['toast'], styles[level])}
      role={level === 'error' ? 'alert' : undefined}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      {level === 'info' ? (
        <Info size={16} />
      ) : level === 'warning' ? (
        <TriangleAlert size={16} />
      ) : (
        <CircleAlert size={16} />
      )}
      <p className={styles['text']}>{text}</p>
      {action && (
        <Button
          small
          onClick={() => {
            dismiss(id);
            commands.run(action.command);
          }}
        >
          {action.title}
        </Button>
      )}
      <IconButton label="Dismiss" icon={<X />} small side="top" onClick={() => dismiss(id)} />
    </div>
  );
}
