/** The rail at the left, and the panel that slides out of it over the canvas. */
import { CirclePlus, Database, MessageSquareText, TrendingUp, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { ModulePalette } from '../../canvas/ModulePalette.tsx';
import { useCommands } from '../../commands/runner.ts';
import { RailRuns } from '../../runs/RailRuns.tsx';
import { useEditor, useEditorState } from '../../state/editor.ts';
import type { RailTab } from '../../state/place.ts';
import { IconButton, Keys } from '../../ui/index.ts';
import styles from './Rail.module.css';

interface Entry {
  readonly tab: RailTab;
  readonly title: string;
  readonly icon: ReactNode;
  /** The command whose keys do the same. */
  readonly command?: string;
}

const ENTRIES: readonly Entry[] = [
  { tab: 'add', title: 'Add modules', icon: <CirclePlus />, command: 'canvas.palette' },
  { tab: 'data', title: 'Data', icon: <Database />, command: 'drawer.data' },
  { tab: 'runs', title: 'Runs', icon: <TrendingUp /> },
  { tab: 'try', title: 'Try it', icon: <MessageSquareText />, command: 'drawer.try' },
];

export function Rail() {
  const editor = useEditor();
  const commands = useCommands();
  const rail = useEditorState((s) => s.rail);
  const drawer = useEditorState((s) => s.drawer);
  const press = (tab: RailTab): void => {
    // Data and try-it need width, so they are panels below; the others slide out over the canvas.
    if (tab === 'data' || tab === 'try') editor.set({ drawer: drawer === tab ? undefined : tab, rail: undefined });
    else editor.set({ rail: rail === tab ? undefined : tab });
  };
  const isOn = (tab: RailTab): boolean => (tab === 'data' || tab === 'try' ? drawer === tab : rail === tab);
  return (
    <nav className={styles['rail']} data-region="rail" data-focus-inside tabIndex={-1} aria-label="Tools">
      {ENTRIES.map(({ tab, title, icon, command }) => {
        const keys = command === undefined ? undefined : commands.keys(command);
        return (
          <button
            key={tab}
            type="button"
            className={styles['entry']}
            aria-label={title}
            aria-pressed={isOn(tab)}
            onClick={() => press(tab)}
          >
            <span className={styles['icon']}>{icon}</span>
            <span className={styles['label']}>
              {title}
              {keys !== undefined && <Keys keys={keys} />}
            </span>
          </button>
        );
      })}
    </nav>
  );
}

/** Lies over the canvas; Escape closes it. */
export function RailPanel() {
  const editor = useEditor();
  const rail = useEditorState((s) => s.rail);
  if (rail !== 'add' && rail !== 'runs') return null;
  const title = rail === 'add' ? 'Add modules' : 'Runs';
  return (
    <section
      className={styles['panel']}
      aria-label={title}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || event.defaultPrevented) return;
        event.stopPropagation();
        editor.set({ rail: undefined });
      }}
    >
      <div className={styles['panelHead']}>
        <h2 className={styles['panelTitle']}>{title}</h2>
        <IconButton label="Close" icon={<X />} small onClick={() => editor.set({ rail: undefined })} />
      </div>
      <div className={styles['panelBody']}>{rail === 'add' ? <ModulePalette /> : <RailRuns />}</div>
    </section>
  );
}
