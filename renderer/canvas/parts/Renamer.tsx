/** A title that becomes a field while it is written: double click or F2. */
import { useState } from 'react';
import { withText } from '../commands/writing.ts';
import { useEditor } from '../../state/editor.ts';
import { useCanvas, useCanvasState } from '../state/canvasState.ts';
import styles from './card.module.css';

export function Renamer({
  id,
  title,
  className,
}: {
  readonly id: string;
  readonly title: string;
  readonly className: string | undefined;
}) {
  const writes = useCanvasState((s) => s.writing === id);
  if (writes) return <TitleField id={id} title={title} />;
  return (
    <span className={className} title={title}>
      {title}
    </span>
  );
}

function TitleField({ id, title }: { readonly id: string; readonly title: string }) {
  const editor = useEditor();
  const canvas = useCanvas();
  const [text, setText] = useState(title);
  const end = (keep: boolean): void => {
    if (canvas.getState().writing !== id) return;
    canvas.setState({ writing: undefined });
    if (keep && text.trim() !== title)
      editor.edit('Rename', (d) => withText(d, editor.store.getState().place, id, text.trim()));
  };
  return (
    <input
      className={`${styles['titleField'] ?? ''} nodrag nopan nokey`}
      aria-label="Name"
      value={text}
      autoFocus
      onFocus={(e) => e.currentTarget.select()}
      onChange={(e) => setText(e.currentTarget.value)}
      onBlur={() => end(true)}
      onKeyDown={(e) => {
        e.stopPropagation();
        if (e.key === 'Enter') end(true);
        if (e.key === 'Escape') end(false);
      }}
    />
  );
}
