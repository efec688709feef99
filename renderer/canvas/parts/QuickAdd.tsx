/**
 * The search for what to add, where the person is: in the void, at the loose end of a wire (only what fits), or for the
 * selection. A query such as `site:attn.q,attn.v` before a name selects first, so that "site:attn.q,attn.v lora" adds both.
 */
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { addAt, addOnWireEnd, attachToSelection } from '../commands/adding.ts';
import { addStepAt } from '../commands/steps.ts';
import { selectFound } from '../commands/selecting.ts';
import { addressOf } from '../model/address.ts';
import { findNodes } from '../model/query.ts';
import { indexCatalog } from '../model/catalog.ts';
import { graphAt, stackAt } from '../../../engine/protocol/edit.ts';
import { offersForNodes, offersForWire, offersOf, searchOffers, stepOffersOf, type Offer } from '../model/offers.ts';
import { portEnds } from '../model/ports.ts';
import { useCanvas, useCanvasState, type QuickAddState } from '../state/canvasState.ts';
import { chosenOf, contextOf } from '../state/hands.ts';
import { TypeIcon } from './icons.tsx';
import styles from './quickAdd.module.css';

export function QuickAdd() {
  const open = useCanvasState((s) => s.quickAdd);
  return open ? <Search key={`${open.screen.x},${open.screen.y},${open.mode}`} open={open} /> : null;
}

const WIDTH = 360;
const MOST = 60;

/** The kind of the loose wire, from the port that it hangs on. */
function kindOf(state: Parameters<typeof contextOf>[0], open: QuickAddState): string | undefined {
  const context = contextOf(state);
  const at = addressOf(open.graph);
  const graph = at && context && graphAt(context.document, at);
  if (!context || !at || !graph || !open.from) return undefined;
  const { node, port, side } = open.from;
  const ends = portEnds(graph, stackAt(context.document, at), context.types);
  return (side === 'out' ? ends.from : ends.to).find((e) => e.node === node && e.port.name === port)?.port.kind;
}

/** Terms of a query at the beginning, and the words of a name after them. */
function splitText(text: string): { readonly query: string; readonly name: string } {
  const parts = text.trim().split(/\s+/);
  const query = parts.filter((p) => /^[A-Za-z][A-Za-z0-9_]*(?::|>=|<=|=|>|<)/.test(p));
  return { query: query.join(' '), name: parts.filter((p) => !query.includes(p)).join(' ') };
}

function Search({ open }: { readonly open: QuickAddState }) {
  const editor = useEditor();
  const canvas = useCanvas();
  const catalog = useEditorState((s) => s.catalog);
  const [text, setText] = useState(open.text ?? '');
  const [at, setAt] = useState(0);
  const panel = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const { query, name } = splitText(text);
  const fitting = useMemo(() => {
    const state = editor.store.getState();
    const context = contextOf(state);
    if (!catalog || !context) return [];
    if (state.place.level === 'workflow') return stepOffersOf(catalog);
    const all = offersOf(catalog);
    if (open.from) {
      const kind = kindOf(state, open);
      return kind === undefined ? [] : offersForWire(all, context, kind, open.from.side);
    }
    if (open.mode === 'attach') {
      if (query !== '') return all.filter((o) => o.type?.peft !== undefined);
      const chosen = chosenOf(state);
      return chosen ? offersForNodes(all, context, chosen.at, chosen.nodes) : [];
    }
    return all.filter((o) => o.type !== undefined);
  }, [editor, catalog, open, query]);
  const found = useMemo(() => searchOffers(fitting, name).slice(0, MOST), [fitting, name]);
  const matches = useMemo(() => {
    const { document, place } = editor.store.getState();
    if (query === '' || !document || place.model === undefined || !catalog) return undefined;
    return findNodes(document, place.model, query, indexCatalog(catalog));
  }, [editor, catalog, query]);
  const active = Math.min(at, Math.max(0, found.length - 1));

  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [active]);
  useEffect(() => {
    const away = (e: PointerEvent): void => {
      if (!panel.current?.contains(e.target as Element)) canvas.setState({ quickAdd: undefined });
    };
    addEventListener('pointerdown', away, true);
    return () => removeEventListener('pointerdown', away, true);
  }, [canvas]);

  const close = (): void => {
    const root = panel.current?.closest<HTMLElement>('[data-canvas]');
    canvas.setState({ quickAdd: undefined });
    root?.focus({ preventScroll: true });
  };
  const choose = (offer: Offer): void => {
    if (offer.step) {
      close();
      return addStepAt(editor, offer.step.type, open);
    }
    const type = offer.type?.type;
    if (type === undefined) return;
    close();
    if (matches && matches.length > 0) {
      selectFound(editor, matches);
      attachToSelection(editor, type);
    } else if (open.mode === 'attach') attachToSelection(editor, type);
    else if (open.from) {
      const kind = kindOf(editor.store.getState(), open);
      const x = open.from.side === 'out' ? open.at.x : open.at.x - 200;
      addOnWireEnd(
        editor,
        type,
        { graph: open.graph, at: { x, y: open.at.y - 28 } },
        { ...open.from, kind: kind ?? 'any' },
      );
    } else addAt(editor, type, { kind: 'void', graph: open.graph, at: open.at });
  };
  const onKeyDown = (e: KeyboardEvent): void => {
    e.stopPropagation();
    if (e.key === 'ArrowDown') setAt(Math.min(active + 1, found.length - 1));
    else if (e.key === 'ArrowUp') setAt(Math.max(active - 1, 0));
    else if (e.key === 'Escape' || e.key === 'Tab') close();
    else if (e.key === 'Enter') {
      const offer = found[active];
      if (offer) choose(offer);
    } else return;
    e.preventDefault();
  };
  const title = open.from ? 'Add what fits this wire' : open.mode === 'attach' ? 'Add to the selection' : 'Add a node';
  const left = Math.max(8, Math.min(open.screen.x, innerWidth - WIDTH - 8));
  const top = Math.max(8, Math.min(open.screen.y, innerHeight - 380));
  return (
    <div
      ref={panel}
      className={`${styles['panel'] ?? ''} nowheel nodrag nopan`}
      style={{ left, top, width: WIDTH }}
      role="dialog"
      aria-label={title}
      onKeyDown={onKeyDown}
    >
      <input
        className={styles['field']}
        role="combobox"
        aria-expanded
        aria-controls="quick-add-list"
        aria-activedescendant={found[active] ? `quick-add-${active}` : undefined}
        aria-label={title}
        placeholder={open.mode === 'attach' ? 'lora, or site:attn.q,attn.v lora' : `${title} ...`}
        value={text}
        autoFocus
        spellCheck={false}
        onChange={(e) => {
          setText(e.currentTarget.value);
          setAt(0);
        }}
      />
      {matches && (
        <p className={styles['note']} role="status">
          {matches.length === 0
            ? 'No node fits the query.'
            : `${matches.length} ${matches.length === 1 ? 'node fits' : 'nodes fit'} the query.`}
        </p>
      )}
      <ul ref={list} id="quick-add-list" className={styles['list']} role="listbox" aria-label={title}>
        {found.map((o, i) => (
          <li
            key={o.key}
            id={`quick-add-${i}`}
            role="option"
            aria-selected={i === active}
            data-type={o.key}
            className={styles['item']}
            onPointerMove={() => setAt(i)}
            onClick={() => choose(o)}
          >
            <TypeIcon type={o.key} family={o.family} />
            <span className={styles['words']}>
              <span className={styles['title']}>{o.title}</span>
              <span className={styles['help']} title={o.help}>
                {o.help}
              </span>
            </span>
          </li>
        ))}
      </ul>
      {found.length === 0 && (
        <p className={styles['note']}>
          {open.mode === 'attach' && fitting.length === 0
            ? 'Nothing attaches to what is selected. Select linear layers, norms or attention.'
            : 'Nothing of this name fits here.'}
        </p>
      )}
    </div>
  );
}
