/** Curves of runs: loss, metrics, rate, gradient, speed, memory and taps, over steps, examples or seconds. */
import { ChartLine, Download, Settings2, Table2, ZoomOut } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import type { RunId } from '../../engine/protocol/api/fields.ts';
import { Button, Empty, IconButton, Menu, NumberField, Popover, Segmented, Switch } from '../ui/index.ts';
import { useCommands } from '../commands/runner.ts';
import { useEditor, useEditorState, type Editor } from '../state/editor.ts';
import { setRunsView } from './actions.ts';
import { ChartCard, Swatch } from './ChartCard.tsx';
import { drawnRuns, type DrawnRun } from './chartModel.ts';
import { ChartTable } from './ChartTable.tsx';
import styles from './charts.module.css';
import { useDerived } from './hooks.ts';
import { RunPicker } from './RunPicker.tsx';
import { X_AXES } from './runsView.ts';
import { figuresOf, type Figure } from './series.ts';

/** What is drawn, without the figures of runs that change all the time. */
interface Drawn {
  readonly id: string;
  readonly title: string;
  readonly colour: string;
  readonly dash: readonly number[];
  readonly runs: readonly RunId[];
}

export function ChartsPanel() {
  const editor = useEditor();
  const slim = useDerived((s) =>
    drawnRuns(s).map(({ id, title, colour, dash, runs }): Drawn => ({
      id,
      title,
      colour,
      dash,
      runs: runs.map((r) => r.run),
    })),
  );
  const drawn = useMemo(() => withRuns(editor, slim), [editor, slim]);
  const figures = useFigures(drawn);
  const theme = useTheme();
  const [large, setLarge] = useState<string>();
  const asTable = useEditorState((s) => s.runsView.asTable);
  if (drawn.length === 0)
    return (
      <Empty
        icon={<ChartLine />}
        title="No curves yet"
        text="Train, and loss, metrics, learning rate, gradient norm, speed and memory are drawn here while it runs."
      />
    );
  const shown = large === undefined ? figures : figures.filter((f) => f.id === large);
  return (
    <section className={styles['panel']} aria-label="Charts">
      <Toolbar drawn={drawn} />
      {asTable ? (
        <ChartTable drawn={drawn} figures={figures} />
      ) : (
        <div className={styles['grid']} data-large={large !== undefined || undefined}>
          {(shown.length > 0 ? shown : figures).map((figure) => (
            <ChartCard
              key={figure.id}
              figure={figure}
              drawn={drawn}
              theme={theme}
              large={large === figure.id}
              onLarge={setLarge}
            />
          ))}
        </div>
      )}
    </section>
  );
}

/** The runs as they are now; charts read nothing of them that changes while they train. */
const withRuns = (editor: Editor, slim: readonly Drawn[]): readonly DrawnRun[] => {
  const { runs } = editor.store.getState();
  return slim.map((d) => ({ ...d, runs: runs.filter((r) => d.runs.includes(r.run)) }));
};

function Toolbar({ drawn }: { readonly drawn: readonly DrawnRun[] }) {
  const editor = useEditor();
  const commands = useCommands();
  const view = useEditorState((s) => s.runsView);
  return (
    <div className={styles['bar']}>
      {drawn.length === 1 ? (
        <RunPicker />
      ) : (
        <ul className={styles['runs']} aria-label="Runs">
          {drawn.map((d) => (
            <li key={d.id} className={styles['run']}>
              <Swatch colour={d.colour} dash={d.dash} />
              <span className={styles['runName']} title={d.title}>
                {d.title}
                {d.runs.some((r) => r.run === view.baseline) && ' (baseline)'}
              </span>
            </li>
          ))}
        </ul>
      )}
      <span className={styles['space']} />
      {view.zoom && (
        <Button small variant="quiet" icon={<ZoomOut />} onClick={() => setRunsView(editor, { zoom: undefined })}>
          Show all
        </Button>
      )}
      <Segmented
        label="Horizontal axis"
        value={view.x}
        options={X_AXES.map((x) => ({ value: x, title: x.charAt(0).toUpperCase() + x.slice(1) }))}
        onChange={(x) => setRunsView(editor, { x, zoom: undefined })}
      />
      <Popover
        label="Settings of the charts"
        align="end"
        trigger={<IconButton label="Settings of the charts" icon={<Settings2 />} />}
      >
        <div className={styles['settings']}>
          <NumberField
            label="Smoothing"
            help="Weight of the past in the smoothed curve; the raw one stays behind it."
            value={view.smoothing}
            min={0}
            max={0.99}
            step={0.1}
            onCommit={(smoothing) => setRunsView(editor, { smoothing })}
          />
          <Switch
            label="Logarithmic losses"
            checked={view.logScale}
            onChange={(logScale) => setRunsView(editor, { logScale })}
          />
          <Switch
            label="Seeds as mean and deviation"
            checked={view.groupSeeds}
            onChange={(groupSeeds) => setRunsView(editor, { groupSeeds })}
          />
        </div>
      </Popover>
      <IconButton
        label="Numbers instead of pictures"
        icon={<Table2 />}
        pressed={view.asTable}
        onClick={() => commands.run('charts.table')}
      />
      <Menu
        label="Save"
        align="end"
        trigger={<IconButton label="Save the curves" icon={<Download />} />}
        items={[{ command: 'charts.csv' }, { command: 'charts.picture' }]}
      />
    </div>
  );
}

/** The figures that the drawn runs have; the list is drawn again only when a figure appears. */
function useFigures(drawn: readonly DrawnRun[]): readonly Figure[] {
  const { runData } = useEditor();
  const read = (): readonly Figure[] => figuresOf(drawn.flatMap((d) => d.runs.map((r) => runData.curve(r.run))));
  const [figures, setFigures] = useState(read);
  useEffect(() => {
    const look = (): void => {
      const next = read();
      setFigures((before) => (before.map((f) => f.id).join('\n') === next.map((f) => f.id).join('\n') ? before : next));
    };
    look();
    const stops = drawn.flatMap((d) => d.runs.map((r) => runData.listen(r.run, look)));
    return () => {
      for (const stop of stops) stop();
    };
  }, [drawn, runData]);
  return figures;
}

/** The theme of the page; canvases must be drawn again when it changes. */
function useTheme(): string {
  const [theme, setTheme] = useState(() => document.documentElement.dataset['theme'] ?? '');
  useEffect(() => {
    const look = new MutationObserver(() => setTheme(document.documentElement.dataset['theme'] ?? ''));
    look.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    return () => look.disconnect();
  }, []);
  return theme;
}
