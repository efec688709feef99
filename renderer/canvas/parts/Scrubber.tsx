/** `[All] 0 1 2 3 ...`: which layer the body of a stack shows. Deep stacks show a window of layers around the chosen one. */
import { ChevronLeft, ChevronRight } from 'lucide-react';
import type { KeyboardEvent } from 'react';
import { useEditor } from '../../state/editor.ts';
import type { StackFace } from '../model/sceneTypes.ts';
import styles from './stack.module.css';

const MOST = 12;

export function Scrubber({ face }: { readonly face: StackFace }) {
  const editor = useEditor();
  const { first, repeat, layer } = face;
  const last = first + repeat - 1;
  const show = (to: 'all' | number): void => editor.set({ place: { ...editor.store.getState().place, layer: to } });
  const middle = layer === 'all' ? first : layer;
  const from = repeat <= MOST ? first : Math.min(Math.max(first, middle - MOST / 2), last - MOST + 1);
  const shown = Array.from({ length: Math.min(repeat, MOST) }, (_, i) => from + i);
  const step = (by: number): void => {
    if (layer === 'all') show(by > 0 ? first : last);
    else if (layer + by < first || layer + by > last) show('all');
    else show(layer + by);
  };
  const key = (e: KeyboardEvent): void => {
    const by = e.key === 'ArrowRight' ? 1 : e.key === 'ArrowLeft' ? -1 : 0;
    if (by === 0) return;
    e.preventDefault();
    e.stopPropagation();
    step(by);
    const group = e.currentTarget;
    requestAnimationFrame(() => group.querySelector<HTMLElement>('[aria-checked="true"]')?.focus());
  };
  return (
    <div className={`${styles['scrubber'] ?? ''} nodrag nopan`} role="radiogroup" aria-label="Layer" onKeyDown={key}>
      <Segment text="All" words="All layers" chosen={layer === 'all'} onClick={() => show('all')} />
      {repeat > MOST && (
        <button
          type="button"
          className={styles['step']}
          aria-label="Layer before"
          tabIndex={-1}
          onClick={() => step(-1)}
        >
          <ChevronLeft size={14} aria-hidden />
        </button>
      )}
      {shown.map((n) => (
        <Segment key={n} text={`${n}`} words={`Layer ${n}`} chosen={layer === n} onClick={() => show(n)} />
      ))}
      {repeat > MOST && (
        <button type="button" className={styles['step']} aria-label="Next layer" tabIndex={-1} onClick={() => step(1)}>
          <ChevronRight size={14} aria-hidden />
        </button>
      )}
    </div>
  );
}

function Segment(p: {
  readonly text: string;
  readonly words: string;
  readonly chosen: boolean;
  readonly onClick: () => void;
}) {
  return (
    <button
      type="button"
      role="radio"
      aria-checked={p.chosen}
      aria-label={p.words}
      tabIndex={p.chosen ? 0 : -1}
      className={styles['segment']}
      onClick={p.onClick}
    >
      {p.text}
    </button>
  );
}
