/** The list of modules: families, search, and what each one does. Arrows move, Enter adds, a drag carries it to the canvas. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { useEditor, useEditorState, type Editor } from '../../state/editor.ts';
import { Button, cx, Empty, Formula } from '../../ui/index.ts';
import { FAMILIES, offersOf, searchOffers, stepOffersOf, type Offer } from '../model/offers.ts';
import { TypeIcon } from '../parts/icons.tsx';
import { MODULE_DATA } from '../parts/useGestures.ts';
import { MethodForm } from './MethodForm.tsx';
import styles from './palette.module.css';

type Row =
  | { readonly kind: 'family'; readonly title: string; readonly count: number }
  | { readonly kind: 'offer'; readonly offer: Offer };

const NONE: readonly Offer[] = [];
const HEAD = 32;
const ENTRY = 52;

export function ModuleList() {
  const editor = useEditor();
  const catalog = useEditorState((s) => s.catalog);
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const scroll = useRef<HTMLDivElement>(null);
  const level = useEditorState((s) => s.place.level);
  const offers = useMemo(
    () => (!catalog ? NONE : level === 'workflow' ? stepOffersOf(catalog) : offersOf(catalog)),
    [catalog, level],
  );
  const rows = useMemo(() => rowsOf(offers, text), [offers, text]);
  const entries = useMemo(() => rows.flatMap((r) => (r.kind === 'offer' ? [r.offer] : [])), [rows]);
  const active = entries.find((o) => o.key === chosen);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: (i) => (rows[i]?.kind === 'family' ? HEAD : ENTRY),
    overscan: 8,
  });

  const move = (by: number): void => {
    const at = entries.findIndex((o) => o.key === chosen);
    const next = entries[Math.max(0, Math.min(entries.length - 1, at + by))];
    if (!next) return;
    setChosen(next.key);
    virtual.scrollToIndex(rows.findIndex((r) => r.kind === 'offer' && r.offer.key === next.key));
  };
  const onKeyDown = (e: KeyboardEvent): void => {
    if (e.key === 'ArrowDown') move(1);
    else if (e.key === 'ArrowUp') move(-1);
    else if (e.key === 'Enter') {
      const offer = active ?? entries[0];
      if (!offer) return;
      if (!offer.method) add(editor, offer);
      else setChosen(offer.key);
    } else return;
    e.preventDefault();
  };
  return (
    <section className={styles['palette']} aria-label="Modules">
      <div className={styles['head']}>
        <input
          className={styles['search']}
          type="search"
          role="combobox"
          aria-expanded
          aria-controls="module-list"
          aria-activedescendant={active ? `module-${active.key}` : undefined}
          aria-label="Search modules"
          placeholder={`Search ${offers.length} modules`}
          value={text}
          spellCheck={false}
          onChange={(e) => {
            setText(e.currentTarget.value);
            setChosen(undefined);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <div
        ref={scroll}
        className={styles['list']}
        id="module-list"
        role="listbox"
        aria-label="Modules by family"
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }} role="presentation">
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            const style = { top: item.start, height: item.size };
            return row.kind === 'family' ? (
              <div key={item.key} className={styles['family']} style={style} role="presentation">
                {row.title}
                <span>{row.count}</span>
              </div>
            ) : (
              <Entry
                key={item.key}
                offer={row.offer}
                style={style}
                chosen={row.offer.key === chosen}
                onChoose={() => setChosen(row.offer.key === chosen ? undefined : row.offer.key)}
                onAdd={() => (!row.offer.method ? add(editor, row.offer) : setChosen(row.offer.key))}
              />
            );
          })}
        </div>
        {rows.length === 0 && (
          <Empty title="Nothing of this name" text="Search by name, family, paper or what it does." />
        )}
      </div>
      {active && <About key={active.key} offer={active} />}
    </section>
  );
}

const add = (editor: Editor, offer: Offer): void => {
  const type = offer.type?.type ?? offer.step?.type;
  if (type !== undefined) editor.canvas.current?.add(type);
};

function rowsOf(offers: readonly Offer[], text: string): readonly Row[] {
  const found = searchOffers(offers, text);
  if (text.trim() !== '') return found.map((offer) => ({ kind: 'offer', offer }));
  return FAMILIES.flatMap((f): Row[] => {
    const own = found.filter((o) => o.family === f.id);
    if (own.length === 0) return [];
    return [
      { kind: 'family', title: f.title, count: own.length },
      ...own.map((offer): Row => ({ kind: 'offer', offer })),
    ];
  });
}

function Entry(p: {
  readonly offer: Offer;
  readonly style: { readonly top: number; readonly height: number };
  readonly chosen: boolean;
  readonly onChoose: () => void;
  readonly onAdd: () => void;
}) {
  const { offer } = p;
  const type = offer.type?.type ?? offer.step?.type;
  return (
    <div
      id={`module-${offer.key}`}
      role="option"
      aria-selected={p.chosen}
      data-module={offer.key}
      className={cx(styles['entry'], p.chosen && styles['chosen'])}
      style={p.style}
      draggable={type !== undefined}
      title={offer.help}
      onDragStart={(e) => {
        if (type === undefined) return;
        e.dataTransfer.effectAllowed = 'copy';
        e.dataTransfer.setData(`${MODULE_DATA}${type}`, type);
        e.dataTransfer.setData('text/plain', offer.title);
      }}
      onClick={p.onChoose}
      onDoubleClick={p.onAdd}
    >
      <span className={styles['icon']} data-family={offer.family}>
        <TypeIcon type={type ?? 'method'} family={offer.family} size={18} />
      </span>
      <span className={styles['words']}>
        <span className={styles['title']}>{offer.title}</span>
        <span className={styles['help']}>{offer.help}</span>
      </span>
    </div>
  );
}

/** What the chosen module does: equation, paper, and the way to add it. */
function About({ offer }: { readonly offer: Offer }) {
  const editor = useEditor();
  const { type, method } = offer;
  return (
    <div className={styles['about']}>
      <h3 className={styles['aboutTitle']}>{offer.title}</h3>
      <p className={styles['aboutHelp']}>{offer.help}</p>
      {type?.equation !== undefined && (
        <div className={styles['equation']}>
          <Formula tex={type.equation} block />
        </div>
      )}
      {type?.paper !== undefined && <p className={styles['paper']}>{type.paper}</p>}
      {method ? (
        <MethodForm method={method} />
      ) : (
        <Button variant="primary" onClick={() => add(editor, offer)}>
          {type?.peft ? 'Add to the selection' : 'Add to the canvas'}
        </Button>
      )}
    </div>
  );
}
