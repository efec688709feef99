/** The head of the inspector: what is selected, in words first and by its formal name second; its title can be changed. */
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import styles from './inspector.module.css';

export interface HeadProps {
  readonly title: string;
  readonly formal?: string;
  readonly icon?: ReactNode;
  readonly badges?: ReactNode;
  readonly actions?: ReactNode;
  /** Given when the title can be changed. */
  readonly onRename?: (title: string) => void;
}

export function Head({ title, formal, icon, badges, actions, onRename }: HeadProps) {
  const [editing, setEditing] = useState(false);
  useEffect(() => setEditing(false), [title]);
  return (
    <header className={styles['head']}>
      <div className={styles['headRow']}>
        {icon}
        {editing && onRename ? (
          <TitleInput
            title={title}
            onDone={(next) => {
              setEditing(false);
              if (next !== undefined && next !== title) onRename(next);
            }}
          />
        ) : onRename ? (
          <button
            type="button"
            className={styles['titleButton']}
            title={`Rename ${title}`}
            onClick={() => setEditing(true)}
          >
            {title}
          </button>
        ) : (
          <h2 className={styles['titleButton']} style={{ margin: 0 }} title={title}>
            {title}
          </h2>
        )}
        {actions}
      </div>
      {formal !== undefined && (
        <div className={styles['formal']} title={formal}>
          {formal}
        </div>
      )}
      {badges !== undefined && <div className={styles['badges']}>{badges}</div>}
    </header>
  );
}

function TitleInput({
  title,
  onDone,
}: {
  readonly title: string;
  readonly onDone: (title: string | undefined) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  const [draft, setDraft] = useState(title);
  useEffect(() => input.current?.select(), []);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') onDone(draft);
    if (event.key === 'Escape') {
      event.stopPropagation();
      onDone(undefined);
    }
  };
  return (
    <input
      ref={input}
      autoFocus
      className={styles['titleInput']}
      aria-label="Title"
      value={draft}
      onChange={(event) => setDraft(event.target.value)}
      onBlur={() => onDone(draft)}
      onKeyDown={onKeyDown}
    />
  );
}
