/** The workflow as pills: one per step with its state. A pill opens the form of its step; the last button the whole canvas. */
import {
  ChevronRight,
  CircleAlert,
  CircleCheck,
  CircleDashed,
  LoaderCircle,
  TriangleAlert,
  Workflow,
} from 'lucide-react';
import { useEffect, useLayoutEffect, useRef, type RefObject, type WheelEvent } from 'react';
import { TypeIcon } from '../../canvas/parts/icons.tsx';
import { useCommands } from '../../commands/runner.ts';
import { useDerived } from '../../runs/hooks.ts';
import { isFresh, useEditor, useEditorState, type EditorState } from '../../state/editor.ts';
import { cx, IconButton, Tooltip } from '../../ui/index.ts';
import { pillsOf, type Pill, type PillState } from '../pills.ts';
import styles from './Strip.module.css';

const NONE: readonly Pill[] = [];

const derive = (s: EditorState): readonly Pill[] =>
  s.document
    ? pillsOf({
        document: s.document,
        diagnostics: s.check?.diagnostics ?? [],
        fresh: isFresh(s),
        runs: s.runs,
      })
    : NONE;

const ICONS: Readonly<Record<PillState, typeof CircleCheck>> = {
  ok: CircleCheck,
  done: CircleCheck,
  stale: CircleDashed,
  running: LoaderCircle,
  warning: TriangleAlert,
  error: CircleAlert,
};

export function Strip() {
  const pills = useDerived(derive);
  const commands = useCommands();
  const selected = useEditorState((s) => (s.selection.graph === 'workflow:' ? s.selection.nodes[0] : undefined));
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    list.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [selected]);
  useFolding(list, pills);
  // A wheel turns up and down; the strip goes left and right.
  const scroll = (e: WheelEvent<HTMLElement>): void => {
    e.currentTarget.scrollLeft += e.deltaY;
  };
  return (
    <nav className={styles['strip']} aria-label="Workflow">
      <ol className={styles['list']} ref={list} onWheel={scroll}>
        {pills.map((pill, i) => (
          <li key={pill.id} className={styles['step']}>
            {i > 0 && <ChevronRight size={14} className={styles['arrow']} aria-hidden="true" />}
            <StepPill pill={pill} current={pill.id === selected} />
          </li>
        ))}
      </ol>
      <IconButton
        label="Workflow as a canvas"
        icon={<Workflow />}
        keys={commands.keys('view.workflow')}
        onClick={() => commands.run('view.workflow')}
      />
    </nav>
  );
}

/** What pills leave to their tooltips, one after the other, until all fit: words, titles of quiet steps, all titles. */
const FOLDS = ['none', 'words', 'quiet', 'titles'] as const;

function useFolding(list: RefObject<HTMLElement | null>, pills: readonly Pill[]): void {
  useLayoutEffect(() => {
    const element = list.current;
    const strip = element?.parentElement;
    if (!element || !strip) return undefined;
    const fold = (): void => {
      for (const level of FOLDS) {
        strip.dataset['fold'] = level;
        if (element.scrollWidth <= element.clientWidth) return;
      }
    };
    // The observer tells of its first look too, before the frame is painted and when the page has been laid out anyway.
    const observer = new ResizeObserver(fold);
    observer.observe(strip);
    return () => observer.disconnect();
  }, [list, pills]);
}

function StepPill({ pill, current }: { readonly pill: Pill; readonly current: boolean }) {
  const editor = useEditor();
  const Icon = ICONS[pill.state];
  const open = (): void => {
    const { place } = editor.store.getState();
    editor.set({ place: { ...place, level: 'workflow', view: 'graph' }, inspector: true });
    editor.select({ graph: 'workflow:', nodes: [pill.id], edges: [] });
  };
  const quiet = pill.state === 'ok' || pill.state === 'stale';
  return (
    <Tooltip text={`${pill.title}: ${pill.words}`}>
      <button
        type="button"
        className={cx(styles['pill'], styles[pill.state])}
        aria-current={current ? 'step' : undefined}
        aria-label={`${pill.title} ${pill.words}`}
        data-step={pill.id}
        onClick={open}
      >
        <Icon size={14} />
        <span className={styles['kind']}>
          <TypeIcon type={pill.type} family="step" size={14} />
        </span>
        <span className={styles['title']}>{pill.title}</span>{' '}
        {!quiet && <span className={styles['words']}>{pill.words}</span>}
      </button>
    </Tooltip>
  );
}
