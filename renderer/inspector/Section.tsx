/** A part of the inspector that folds. What a person folded stays folded while they look at other nodes. */
import { ChevronRight } from 'lucide-react';
import { createContext, useCallback, useContext, useId, useMemo, useState, type ReactNode } from 'react';
import styles from './inspector.module.css';

interface Folding {
  readonly folded: ReadonlySet<string>;
  readonly toggle: (title: string) => void;
}

/** What few people need is folded until they open it. */
const FOLDED_FIRST: ReadonlySet<string> = new Set(['Promoted ports', 'Parameter sets', 'Ports of the wall', 'Notes']);

const FoldingContext = createContext<Folding>({ folded: new Set(), toggle: () => undefined });

export function Sections({ children }: { readonly children: ReactNode }) {
  const [folded, setFolded] = useState<ReadonlySet<string>>(() => FOLDED_FIRST);
  const toggle = useCallback((title: string) => {
    setFolded((before) => {
      const next = new Set(before);
      if (!next.delete(title)) next.add(title);
      return next;
    });
  }, []);
  const value = useMemo(() => ({ folded, toggle }), [folded, toggle]);
  return <FoldingContext.Provider value={value}>{children}</FoldingContext.Provider>;
}

export interface SectionProps {
  readonly title: string;
  /** A word at the end of the line, shown folded too: a count, a state. */
  readonly note?: ReactNode;
  readonly action?: ReactNode;
  readonly children: ReactNode;
}

export function Section({ title, note, action, children }: SectionProps) {
  const { folded, toggle } = useContext(FoldingContext);
  const open = !folded.has(title);
  const id = useId();
  return (
    <section className={styles['section']} aria-labelledby={`${id}-title`}>
      <div className={styles['sectionHead']}>
        <h3 style={{ display: 'contents', margin: 0 }}>
          <button
            type="button"
            className={styles['sectionButton']}
            aria-expanded={open}
            aria-controls={`${id}-body`}
            onClick={() => toggle(title)}
          >
            <ChevronRight size={14} aria-hidden />
            <span id={`${id}-title`}>{title}</span>
            {note !== undefined && <span className={styles['sectionNote']}>{note}</span>}
          </button>
        </h3>
        {open && action}
      </div>
      {open && (
        <div id={`${id}-body`} className={styles['sectionBody']}>
          {children}
        </div>
      )}
    </section>
  );
}

export interface Fact {
  readonly name: string;
  readonly value: ReactNode;
  readonly mono?: boolean;
}

/** Names and values in two columns; dimmed while they belong to an earlier revision. */
export const Facts = ({ facts, stale = false }: { readonly facts: readonly Fact[]; readonly stale?: boolean }) => (
  <dl className={stale ? `${styles['facts']} ${styles['stale']}` : styles['facts']} aria-busy={stale || undefined}>
    {facts.map(({ name, value, mono }) => (
      <Pair key={name} name={name} value={value} mono={mono === true} />
    ))}
  </dl>
);

const Pair = ({ name, value, mono }: { readonly name: string; readonly value: ReactNode; readonly mono: boolean }) => (
  <>
    <dt>{name}</dt>
    <dd className={mono ? styles['mono'] : undefined}>{value}</dd>
  </>
);
