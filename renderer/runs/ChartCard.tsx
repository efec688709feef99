/** One figure of the runs as a chart, with its values under the crosshair. */
import { Maximize2, Minimize2 } from 'lucide-react';
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import 'uplot/dist/uPlot.min.css';
import { cx, IconButton } from '../ui/index.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { setRunsView } from './actions.ts';
import { lineTitle, linesOf, type DrawnLine, type DrawnRun } from './chartModel.ts';
import styles from './charts.module.css';
import { createPlot, formatY, type Plot } from './plot.ts';
import type { Figure } from './series.ts';

interface Props {
  readonly figure: Figure;
  readonly drawn: readonly DrawnRun[];
  /** Changes with the colours of the page. */
  readonly theme: string;
  readonly large: boolean;
  readonly onLarge: (id: string | undefined) => void;
}

export function ChartCard({ figure, drawn, theme, large, onLarge }: Props) {
  const editor = useEditor();
  const host = useRef<HTMLDivElement>(null);
  const values = useRef<HTMLElement[]>([]);
  const heard = useRef<HTMLSpanElement>(null);
  const plot = useRef<Plot>(undefined);
  const [lines, setLines] = useState<readonly DrawnLine[]>([]);
  const axis = useEditorState((s) => s.runsView.x);
  const smoothing = useEditorState((s) => s.runsView.smoothing);
  const logScale = useEditorState((s) => s.runsView.logScale);

  useEffect(() => {
    if (!host.current) return undefined;
    const made = createPlot({
      host: host.current,
      figure,
      axis,
      smoothing,
      logScale,
      lines: () => linesOf(drawn, (run) => editor.runData.curve(run), figure.id, axis),
      zoom: () => editor.store.getState().runsView.zoom,
      onZoom: (zoom) => setRunsView(editor, { zoom }),
      onLines: setLines,
      onValues: (_x, shown) => {
        shown.forEach((value, i) => {
          const element = values.current[i];
          if (element) element.textContent = formatY(figure, value);
        });
      },
    });
    plot.current = made;
    made.refresh();
    const stops = drawn.flatMap((d) => d.runs.map((r) => editor.runData.listen(r.run, made.refresh)));
    stops.push(
      editor.store.subscribe((s, before) => {
        if (s.runsView.zoom !== before.runsView.zoom) made.refresh();
      }),
    );
    return () => {
      for (const stop of stops) stop();
      made.destroy();
      plot.current = undefined;
    };
  }, [editor, figure, drawn, axis, smoothing, logScale, theme]);
  // The plot tells values before the legend of new lines is there.
  useEffect(() => plot.current?.refresh(), [lines]);

  const onKeyDown = (event: KeyboardEvent): void => {
    const made = plot.current;
    if (!made || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = (by: number): void => {
      const words = made.step(by);
      if (heard.current) heard.current.textContent = words;
    };
    const acts: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => (event.shiftKey ? made.panBy(-0.2) : step(-1)),
      ArrowRight: () => (event.shiftKey ? made.panBy(0.2) : step(1)),
      PageUp: () => step(-20),
      PageDown: () => step(20),
      Home: () => step(-1e9),
      End: () => step(1e9),
      '+': () => made.zoomBy(0.7),
      '=': () => made.zoomBy(0.7),
      '-': () => made.zoomBy(1.43),
      '0': () => setRunsView(editor, { zoom: undefined }),
      Escape: () => made.hideCrosshair(),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
  const single = lines.length === 1;
  const keep =
    (i: number) =>
    (element: HTMLElement | null): void => {
      if (element) values.current[i] = element;
    };
  return (
    <section className={cx(styles['card'], large && styles['large'])} data-chart={figure.title}>
      <header className={styles['cardHead']}>
        <h3 className={styles['cardTitle']} title={figure.title}>
          {figure.title}
        </h3>
        {single && <span className={styles['value']} ref={keep(0)} />}
        <IconButton
          small
          label={large ? 'Make the chart small' : 'Make the chart large'}
          icon={large ? <Minimize2 /> : <Maximize2 />}
          onClick={() => onLarge(large ? undefined : figure.id)}
        />
      </header>
      <div
        ref={host}
        className={styles['host']}
        tabIndex={0}
        role="group"
        aria-roledescription="chart"
        aria-label={`${figure.title}. Arrows move the crosshair, Shift with arrows moves along, plus and minus zoom, 0 shows everything.`}
        onKeyDown={onKeyDown}
        data-focus-inside
      />
      {lines.length === 0 && <p className={styles['noPoints']}>No points yet</p>}
      {lines.length > 1 && (
        <ul className={styles['legend']} aria-label={`Values of ${figure.title}`}>
          {lines.map((line, i) => (
            <li key={lineTitle(line)} className={styles['legendItem']}>
              <Swatch colour={line.drawn.colour} dash={line.drawn.dash} />
              <span className={styles['legendName']} title={lineTitle(line)}>
                {lineTitle(line)}
              </span>
              <span className={styles['legendValue']} ref={keep(i)} />
            </li>
          ))}
        </ul>
      )}
      <span ref={heard} className="visually-hidden" role="status" />
    </section>
  );
}

export const Swatch = ({ colour, dash }: { readonly colour: string; readonly dash: readonly number[] }) => (
  <svg className={styles['swatch']} viewBox="0 0 20 8" width={20} height={8} aria-hidden="true">
    <line
      x1={0}
      y1={4}
      x2={20}
      y2={4}
      style={{ stroke: `var(${colour})` }}
      strokeWidth={2.5}
      strokeDasharray={dash.join(' ')}
    />
  </svg>
);
