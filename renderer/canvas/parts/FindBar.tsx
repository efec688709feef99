/** Finding in the graph, and replacing the value of a parameter in all that was found. */
import { ChevronDown, ChevronUp, X } from 'lucide-react';
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { Button, IconButton } from '../../ui/index.ts';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { replaceParam } from '../commands/replacing.ts';
import { selectFound } from '../commands/selecting.ts';
import { indexCatalog, NO_TYPES } from '../model/catalog.ts';
import { findNodes, type Found } from '../model/query.ts';
import { useCanvas, useCanvasState } from '../state/canvasState.ts';
import styles from './find.module.css';

export function FindBar() {
  const open = useCanvasState((s) => s.find);
  return open ? <Bar /> : null;
}

function Bar() {
  const editor = useEditor();
  const canvas = useCanvas();
  const document = useEditorState((s) => s.document);
  const model = useEditorState((s) => s.place.model);
  const catalog = useEditorState((s) => s.catalog);
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const [param, setParam] = useState('');
  const [value, setValue] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const types = catalog ? indexCatalog(catalog) : NO_TYPES;
  const found = useMemo(
    () => (document && model !== undefined ? findNodes(document, model, text, types) : []),
    [document, model, text, types],
  );
  const params = useMemo(() => paramsOf(found, types), [found, types]);

  useEffect(() => {
    canvas.setState({ found: found.map((f) => f.id) });
    return () => canvas.setState({ found: [] });
  }, [canvas, found]);
  const go = (to: number): void => {
    if (found.length === 0) return;
    const index = (to + found.length) % found.length;
    setAt(index);
    const f = found[index];
    if (!f) return;
    editor.select({ graph: f.graph, nodes: [f.node], edges: [] });
    editor.canvas.current?.focusNode(f.graph, f.node);
  };
  const close = (): void => {
    const root = field.current?.closest<HTMLElement>('[data-canvas]');
    canvas.setState({ find: false });
    root?.focus({ preventScroll: true });
  };
  const onKeyDown = (e: KeyboardEvent): void => {
    e.stopPropagation();
    if (e.key === 'Escape') close();
    else if (e.key === 'Enter' && e.target === field.current) go(at + (e.shiftKey ? -1 : 1));
    else return;
    e.preventDefault();
  };
  return (
    <div
      className={`${styles['bar'] ?? ''} nowheel nodrag nopan`}
      role="search"
      aria-label="Find in the graph"
      onKeyDown={onKeyDown}
    >
      <div className={styles['row']}>
        <input
          ref={field}
          className={styles['field']}
          aria-label="Find"
          placeholder="query, type:lora, site:attn.q, is:trainable, rank>=8"
          value={text}
          autoFocus
          spellCheck={false}
          onChange={(e) => {
            setText(e.currentTarget.value);
            setAt(-1);
          }}
        />
        <span className={styles['count']} role="status">
          {text === ''
            ? ''
            : found.length === 0
              ? 'none'
              : at >= 0
                ? `${Math.min(at, found.length - 1) + 1} of ${found.length}`
                : found.length}
        </span>
        <IconButton small label="Previous" icon={<ChevronUp />} onClick={() => go(at - 1)} />
        <IconButton small label="Next" icon={<ChevronDown />} onClick={() => go(at + 1)} />
        <Button small variant="quiet" disabled={found.length === 0} onClick={() => selectFound(editor, found)}>
          Select
        </Button>
        <IconButton small label="Close" icon={<X />} onClick={close} />
      </div>
      {params.length > 0 && (
        <div className={styles['row']}>
          <select
            className={styles['select']}
            aria-label="Parameter"
            value={param}
            onChange={(e) => setParam(e.currentTarget.value)}
          >
            <option value="">Parameter ...</option>
            {params.map((p) => (
              <option key={p} value={p}>
                {p}
              </option>
            ))}
          </select>
          <input
            className={styles['field']}
            aria-label="New value"
            placeholder="new value"
            value={value}
            onChange={(e) => setValue(e.currentTarget.value)}
          />
          <Button
            small
            disabled={param === '' || value === ''}
            onClick={() => replaceParam(editor, found, param, value)}
          >
            Replace in all
          </Button>
        </div>
      )}
    </div>
  );
}

function paramsOf(found: readonly Found[], types: ReturnType<typeof indexCatalog>): readonly string[] {
  const names = new Set<string>();
  for (const f of found) for (const p of Object.keys(types.node(f.value.type)?.params ?? {})) names.add(p);
  return [...names].sort();
}
