/** Groups and notes. A note is plain text with a little markdown; nothing of it is read as HTML. */
import { NodeResizer, type NodeProps } from '@xyflow/react';
import { ChevronsDownUp, ChevronsUpDown } from 'lucide-react';
import { memo, useState } from 'react';
import { withGraphView } from '../../../engine/protocol/view.ts';
import { useEditor } from '../../state/editor.ts';
import { runToggleCollapse } from '../commands/folding.ts';
import { withText } from '../commands/writing.ts';
import type { GroupNode, NoteNode } from '../model/flow.ts';
import { blocksOf, type Inline } from '../model/markdown.ts';
import { useCanvas, useCanvasState } from '../state/canvasState.ts';
import { Renamer } from './Renamer.tsx';
import styles from './frames.module.css';

export const Group = memo(function Group({ id, data, selected }: NodeProps<GroupNode>) {
  const editor = useEditor();
  const { group, collapsed } = data;
  const Icon = collapsed ? ChevronsUpDown : ChevronsDownUp;
  return (
    <div
      className={styles['group']}
      data-group={data.key}
      data-colour={group.colour ?? 'grey'}
      data-collapsed={collapsed || undefined}
      data-selected={selected || undefined}
    >
      <div className={styles['groupHead']}>
        <Renamer id={id} title={group.title} className={styles['groupTitle']} />
        {collapsed && <span className={styles['members']}>{data.members} nodes</span>}
        <button
          type="button"
          className={`${styles['fold'] ?? ''} nodrag`}
          aria-label={collapsed ? 'Open the group' : 'Collapse the group'}
          title={collapsed ? 'Open the group' : 'Collapse the group'}
          onClick={() => runToggleCollapse(editor, data.graph, [`group:${data.key}`])}
        >
          <Icon size={14} aria-hidden />
        </button>
      </div>
    </div>
  );
});

export const NoteCard = memo(function NoteCard({ id, data, selected }: NodeProps<NoteNode>) {
  const editor = useEditor();
  const canvas = useCanvas();
  const writes = useCanvasState((s) => s.writing === id);
  return (
    <div
      className={styles['note']}
      data-note={data.key}
      data-selected={selected || undefined}
      onDoubleClick={() => canvas.setState({ writing: id })}
    >
      <NodeResizer
        isVisible={selected === true}
        minWidth={120}
        minHeight={64}
        onResizeEnd={(_, size) =>
          editor.edit('Resize note', (d) =>
            withGraphView(d, data.graph, (v) => {
              const note = v.notes[data.key];
              return note ? { ...v, notes: { ...v.notes, [data.key]: { ...note, ...size } } } : v;
            }),
          )
        }
      />
      {writes ? <NoteField id={id} text={data.note.text} /> : <NoteText text={data.note.text} />}
    </div>
  );
});

function NoteField({ id, text: given }: { readonly id: string; readonly text: string }) {
  const editor = useEditor();
  const canvas = useCanvas();
  const [text, setText] = useState(given);
  const end = (): void => {
    if (canvas.getState().writing !== id) return;
    canvas.setState({ writing: undefined });
    if (text !== given) editor.edit('Write note', (d) => withText(d, editor.store.getState().place, id, text));
  };
  return (
    <textarea
      className={`${styles['noteField'] ?? ''} nodrag nopan nowheel nokey`}
      aria-label="Text of the note"
      value={text}
      maxLength={100_000}
      autoFocus
      onChange={(e) => setText(e.currentTarget.value)}
      onBlur={end}
      onKeyDown={(e) => {
        e.stopPropagation();
        if (e.key === 'Escape' || (e.key === 'Enter' && (e.ctrlKey || e.metaKey))) end();
      }}
    />
  );
}

function NoteText({ text }: { readonly text: string }) {
  if (text.trim() === '') return <p className={styles['empty']}>Double click to write</p>;
  return (
    <div className={styles['text']}>
      {blocksOf(text).map((b, i) =>
        b.kind === 'heading' ? (
          <h4 key={i}>{inline(b.parts)}</h4>
        ) : b.kind === 'item' ? (
          <div key={i} className={styles['item']}>
            {inline(b.parts)}
          </div>
        ) : (
          <p key={i}>{inline(b.parts)}</p>
        ),
      )}
    </div>
  );
}

const inline = (parts: readonly Inline[]) =>
  parts.map((p, i) =>
    p.kind === 'bold' ? (
      <b key={i}>{p.text}</b>
    ) : p.kind === 'italic' ? (
      <i key={i}>{p.text}</i>
    ) : p.kind === 'code' ? (
      <code key={i}>{p.text}</code>
    ) : (
      <span key={i}>{p.text}</span>
    ),
  );
