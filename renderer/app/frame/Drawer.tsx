/** The panel below with its six tabs. Its upper edge is dragged, or moved by arrows. */
import { X } from 'lucide-react';
import { useState, type KeyboardEvent, type PointerEvent } from 'react';
import { useCommands } from '../../commands/runner.ts';
import { DataPanel } from '../../data/DataPanel.tsx';
import { ChartsPanel } from '../../runs/ChartsPanel.tsx';
import { LogPanel } from '../../runs/LogPanel.tsx';
import { RunsPanel } from '../../runs/RunsPanel.tsx';
import { TryPanel } from '../../runs/TryPanel.tsx';
import { useEditor, useEditorState } from '../../state/editor.ts';
import type { DrawerTab } from '../../state/place.ts';
import { Badge, IconButton, Tabs, type Tab } from '../../ui/index.ts';
import { DRAWER_TABS } from '../commands/view.ts';
import { recall, remember } from '../remember.ts';
import { useZoom } from '../theme.ts';
import styles from './Drawer.module.css';
import { ProblemsPanel } from './ProblemsPanel.tsx';

const LEAST = 160;
const FIRST = 280;

const bodies: Readonly<Record<DrawerTab, () => React.ReactNode>> = {
  problems: () => <ProblemsPanel />,
  data: () => <DataPanel />,
  charts: () => <ChartsPanel />,
  runs: () => <RunsPanel />,
  try: () => <TryPanel />,
  log: () => <LogPanel />,
};

/** Never more than leaves the canvas its room. */
const mostOf = (zoom: number): number => Math.max(LEAST, Math.round((innerHeight / zoom) * 0.62));

export function Drawer() {
  const editor = useEditor();
  const commands = useCommands();
  const tab = useEditorState((s) => s.drawer ?? 'problems');
  const zoom = useZoom();
  const problems = useEditorState((s) => s.check?.diagnostics.length ?? 0);
  const errors = useEditorState((s) => (s.check?.diagnostics ?? []).some((d) => d.severity === 'error'));
  const most = mostOf(zoom);
  const within = (wanted: number): number => Math.round(Math.min(most, Math.max(LEAST, wanted)));
  const [height, setHeight] = useState(() => within(Number(recall('drawer-height') ?? FIRST) || FIRST));
  const take = (next: number): void => {
    const fitting = within(next);
    setHeight(fitting);
    remember('drawer-height', String(fitting));
  };
  const onPointerDown = (event: PointerEvent<HTMLDivElement>): void => {
    const handle = event.currentTarget;
    handle.setPointerCapture(event.pointerId);
    const from = event.clientY;
    const move = (moved: globalThis.PointerEvent): void => take(height + (from - moved.clientY) / zoom);
    const stop = (): void => {
      handle.removeEventListener('pointermove', move);
      handle.removeEventListener('pointerup', stop);
      handle.removeEventListener('pointercancel', stop);
    };
    handle.addEventListener('pointermove', move);
    handle.addEventListener('pointerup', stop);
    handle.addEventListener('pointercancel', stop);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const to: Readonly<Record<string, number>> = {
      ArrowUp: height + 24,
      ArrowDown: height - 24,
      Home: most,
      End: LEAST,
    };
    const next = to[event.key];
    if (next === undefined) return;
    event.preventDefault();
    take(next);
  };
  const tabs = DRAWER_TABS.map(([value, title]): Tab<DrawerTab> => ({
    value,
    title,
    ...(value === 'problems' && problems > 0
      ? { badge: <Badge tone={errors ? 'error' : 'warning'}>{problems}</Badge> }
      : {}),
    ...(value === tab ? { body: bodies[value]() } : {}),
  }));
  return (
    <section
      className={styles['drawer']}
      style={{ height: within(height) }}
      data-region="drawer"
      data-focus-inside
      tabIndex={-1}
      aria-label="Panels"
      onKeyDown={(event) => {
        if (event.key === 'Escape' && !event.defaultPrevented) editor.set({ drawer: undefined });
      }}
    >
      <div
        className={styles['handle']}
        role="separator"
        aria-orientation="horizontal"
        aria-label="Height of the panel"
        aria-valuenow={height}
        aria-valuemin={LEAST}
        aria-valuemax={most}
        tabIndex={0}
        onPointerDown={onPointerDown}
        onKeyDown={onKeyDown}
        onDoubleClick={() => take(FIRST)}
      />
      <Tabs
        label="Panels"
        className={styles['tabs']}
        value={tab}
        tabs={tabs}
        onChange={(next) => editor.set({ drawer: next })}
        extra={
          <span className={styles['close']}>
            <IconButton
              label="Close the panel"
              icon={<X />}
              small
              side="top"
              onClick={() => commands.run('drawer.close')}
            />
          </span>
        }
      />
    </section>
  );
}
