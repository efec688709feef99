/**
 * One chart on a canvas, outside React: it draws again when points arrive, at most a few times a second, and only what the
 * screen can show of them. Zoom, pan and crosshair by mouse and by keys; all charts share the part of the x axis.
 */
import uPlot from 'uplot';
import { formatBytes } from '../ui/format.ts';
import { lineTitle, type DrawnLine } from './chartModel.ts';
import type { RunsView, XAxis } from './runsView.ts';
import { smooth, thin, valueBefore, joinLines, type Figure, type Line } from './series.ts';
import { formatClock, formatFigure } from './words.ts';

export type Zoom = RunsView['zoom'];

export interface PlotOptions {
  readonly host: HTMLElement;
  readonly figure: Figure;
  readonly axis: XAxis;
  readonly smoothing: number;
  readonly logScale: boolean;
  readonly lines: () => readonly DrawnLine[];
  readonly zoom: () => Zoom;
  readonly onZoom: (zoom: Zoom) => void;
  /** The lines that are drawn now; called when their number or names change. */
  readonly onLines: (lines: readonly DrawnLine[]) => void;
  /** Values under the crosshair, or the last ones when `x` is missing. */
  readonly onValues: (x: number | undefined, values: readonly (number | null)[]) => void;
}

export interface Plot {
  /** Draws soon, since points arrived or the zoom changed. */
  readonly refresh: () => void;
  /** Moves the crosshair by so many points; gives what stands there in words. */
  step(by: number): string;
  hideCrosshair(): void;
  zoomBy(factor: number, around?: number): void;
  panBy(share: number): void;
  destroy(): void;
}

/** Steps, examples and seconds are told in whole numbers. */
const WHOLE = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7].flatMap((n) => [n, 2 * n, 5 * n]);
const WAIT = 150;
const SYNC = 'runs';

const formatX = (axis: XAxis, value: number): string =>
  axis === 'seconds' ? formatClock(value) : Math.round(value).toLocaleString('en-US');

export const formatY = (figure: Figure, value: number | null): string =>
  value === null ? '-' : figure.unit === 'bytes' ? formatBytes(value) : formatFigure(value);

const X_WORDS: Readonly<Record<XAxis, string>> = { steps: 'step', examples: 'example', seconds: 'time' };

export function createPlot(options: PlotOptions): Plot {
  const { host, figure, axis } = options;
  let plot: uPlot | undefined;
  let signature = '';
  let lines: readonly DrawnLine[] = [];
  let extent = { from: 0, to: 1 };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let frame = 0;
  let lastDraw = 0;
  let cursorAt: number | undefined;
  const isLog = options.logScale && (figure.id === 'loss' || figure.id === 'evalLoss' || figure.id === 'gradient');
  const isSmoothed = figure.smooth && options.smoothing > 0;

  const view = (): { readonly from: number; readonly to: number } => options.zoom() ?? extent;

  const draw = (): void => {
    timer = undefined;
    lastDraw = performance.now();
    lines = options.lines();
    const width = host.clientWidth;
    const height = host.clientHeight;
    if (width < 40 || height < 40) return;
    extent = extentOf(lines.map((l) => l.line));
    const data = columnsOf(lines, {
      ...view(),
      buckets: Math.max(100, width),
      smoothing: isSmoothed ? options.smoothing : 0,
      isLog,
    });
    const now = lines.map((l) => `${lineTitle(l)}|${l.drawn.colour}|${l.band ? 'band' : ''}`).join('\n');
    if (!plot || now !== signature) {
      plot?.destroy();
      signature = now;
      plot = new uPlot(optionsOf(width, height), data, host);
      options.onLines(lines);
    } else {
      if (plot.width !== width || plot.height !== height) plot.setSize({ width, height });
      plot.setData(data);
    }
    tellValues();
  };

  const refresh = (): void => {
    if (timer !== undefined) return;
    timer = setTimeout(() => (frame = requestAnimationFrame(draw)), Math.max(0, lastDraw + WAIT - performance.now()));
  };

  const tellValues = (): void => {
    const at = cursorAt;
    options.onValues(
      at,
      lines.map(({ line }) => (at === undefined ? lastOf(line) : valueBefore(line, at))),
    );
  };

  const limit = (from: number, to: number): Zoom => {
    const whole = extent.to - extent.from;
    const size = Math.min(to - from, whole);
    if (size >= whole * 0.999) return undefined;
    const start = Math.min(Math.max(from, extent.from), extent.to - size);
    return { from: start, to: start + size };
  };

  const optionsOf = (width: number, height: number): uPlot.Options => {
    const style = getComputedStyle(document.documentElement);
    const token = (name: string): string => style.getPropertyValue(name).trim();
    const font = `12px ${token('--font') || 'sans-serif'}`;
    const axisStyle = {
      stroke: token('--text2'),
      font,
      grid: { stroke: withAlpha(token('--hairline'), 0.55), width: 1 },
      ticks: { show: false },
    };
    return {
      width,
      height,
      padding: [8, 12, 0, 0],
      legend: { show: false },
      cursor: {
        sync: {
          key: SYNC,
          setSeries: false,
          filters: { pub: (type) => type === 'mousemove' || type === 'mouseleave' },
        },
        drag: { x: true, y: false, setScale: false },
        points: { size: 7 },
        bind: {
          dblclick: () => () => {
            options.onZoom(undefined);
            return null;
          },
          mousedown: (u, _target, handler) => (event) => {
            if (!event.shiftKey && event.button !== 1) return handler(event);
            startPan(u, event);
            return null;
          },
        },
      },
      scales: {
        x: { time: false, range: () => [view().from, view().to] },
        y: isLog ? { distr: 3 } : {},
      },
      axes: [
        {
          ...axisStyle,
          grid: { show: false },
          incrs: WHOLE,
          size: 26,
          space: 60,
          values: (_u, splits) => splits.map((v) => formatX(axis, v)),
        },
        {
          ...axisStyle,
          size: (_u, values) => 14 + 7 * Math.max(3, ...(values ?? []).map((v) => v.length)),
          space: 28,
          gap: 4,
          values: (_u, splits) => splits.map((v) => tickText(figure, v)),
        },
      ],
      series: [
        {},
        ...lines.flatMap((l, i) => seriesOf(l, token, isSmoothed, () => hasRoom(lines[i]?.line, extent, width))),
      ],
      bands: bandsOf(lines, token, isSmoothed),
      hooks: {
        setSelect: [
          (u) => {
            if (u.select.width < 4) return;
            const from = u.posToVal(u.select.left, 'x');
            const to = u.posToVal(u.select.left + u.select.width, 'x');
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            options.onZoom(limit(from, to));
          },
        ],
        setCursor: [
          (u) => {
            const { left, idx } = u.cursor;
            cursorAt =
              left === undefined || left === null || left < 0 || idx === null || idx === undefined
                ? undefined
                : u.data[0][idx];
            tellValues();
          },
        ],
      },
    };
  };

  const startPan = (u: uPlot, event: MouseEvent): void => {
    const begin = view();
    const perPixel = (begin.to - begin.from) / u.over.clientWidth;
    const move = (e: MouseEvent): void => {
      const by = (event.clientX - e.clientX) * perPixel;
      options.onZoom(limit(begin.from + by, begin.to + by));
    };
    const end = (): void => {
      removeEventListener('mousemove', move);
      removeEventListener('mouseup', end);
    };
    addEventListener('mousemove', move);
    addEventListener('mouseup', end);
  };

  const zoomBy = (factor: number, around?: number): void => {
    const { from, to } = view();
    const centre = around ?? cursorAt ?? (from + to) / 2;
    const size = (to - from) * factor;
    const share = (centre - from) / (to - from || 1);
    options.onZoom(limit(centre - size * share, centre + size * (1 - share)));
  };

  // A plain wheel scrolls the panel; with Ctrl it zooms at the pointer.
  const onWheel = (event: WheelEvent): void => {
    if (!plot || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    zoomBy(event.deltaY < 0 ? 0.8 : 1.25, plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, 'x'));
  };
  host.addEventListener('wheel', onWheel, { passive: false });
  const sized = new ResizeObserver(refresh);
  sized.observe(host);

  return {
    refresh,
    step: (by) => {
      if (!plot) return '';
      const x = plot.data[0];
      const { from, to } = view();
      const inView = [...x.keys()].filter((i) => (x[i] as number) >= from && (x[i] as number) <= to);
      const now = cursorAt === undefined ? -1 : inView.findIndex((i) => (x[i] as number) >= (cursorAt ?? 0));
      const next = now < 0 ? (by > 0 ? 0 : inView.length - 1) : Math.min(inView.length - 1, Math.max(0, now + by));
      const index = inView[next];
      if (index === undefined) return '';
      const value = x[index] as number;
      plot.setCursor({ left: plot.valToPos(value, 'x'), top: plot.over.clientHeight / 2 });
      cursorAt = value;
      tellValues();
      const told = lines.map((l) => `${lineTitle(l)} ${formatY(figure, valueBefore(l.line, value))}`);
      return `${X_WORDS[axis]} ${formatX(axis, value)}: ${told.join(', ')}`;
    },
    hideCrosshair: () => {
      cursorAt = undefined;
      plot?.setCursor({ left: -10, top: -10 });
      tellValues();
    },
    zoomBy,
    panBy: (share) => {
      const { from, to } = view();
      const by = (to - from) * share;
      options.onZoom(limit(from + by, to + by));
    },
    destroy: () => {
      clearTimeout(timer);
      // A picture that is due would be drawn over that of the plot which comes after this one.
      cancelAnimationFrame(frame);
      sized.disconnect();
      host.removeEventListener('wheel', onWheel);
      plot?.destroy();
      plot = undefined;
    },
  };
}

const lastOf = (line: Line): number | null => line.y.findLast((v) => v !== null) ?? null;

/** On a logarithmic axis the chart leaves out some marks by giving no value for them. */
const tickText = (figure: Figure, value: number | null): string => {
  if (value === null) return '';
  if (figure.unit === 'bytes') return formatBytes(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(0).replace('e+', 'e');
  return String(Number(value.toPrecision(4)));
};

function extentOf(lines: readonly Line[]): { readonly from: number; readonly to: number } {
  let from = Infinity;
  let to = -Infinity;
  for (const { x } of lines) {
    from = Math.min(from, x[0] ?? Infinity);
    to = Math.max(to, x.at(-1) ?? -Infinity);
  }
  if (!Number.isFinite(from)) return { from: 0, to: 1 };
  return from === to ? { from: from - 0.5, to: to + 0.5 } : { from, to };
}

interface Shape {
  readonly from: number;
  readonly to: number;
  readonly buckets: number;
  readonly smoothing: number;
  readonly isLog: boolean;
}

/** The columns of all lines: of each the upper and lower edge of its band, the raw points, and the line itself. */
function columnsOf(lines: readonly DrawnLine[], shape: Shape): uPlot.AlignedData {
  const { from, to, buckets, smoothing, isLog } = shape;
  const positive = (line: Line): Line =>
    isLog ? { x: line.x, y: line.y.map((v) => (v !== null && v > 0 ? v : null)) } : line;
  const cut = (line: Line): Line => thin(positive(line), from, to, buckets);
  const drawn = lines.flatMap(({ line, band }) => {
    const soft = smoothing > 0 ? { x: line.x, y: smooth(line.y, smoothing) } : line;
    if (band) {
      const edge = (y: readonly number[]): Line => ({ x: band.x, y: smoothing > 0 ? smooth(y, smoothing) : y });
      return [cut(edge(band.high)), cut(edge(band.low)), cut(soft)];
    }
    return smoothing > 0 ? [cut(line), cut(soft)] : [cut(line)];
  });
  const { x, columns } = joinLines(drawn);
  return [x, ...columns];
}

/** Whether the points of a line stand so far from each other that they can be drawn; a single one must be. */
function hasRoom(
  line: Line | undefined,
  extent: { readonly from: number; readonly to: number },
  width: number,
): boolean {
  if (!line || line.x.length < 2) return true;
  const share = ((line.x.at(-1) ?? 0) - (line.x[0] ?? 0)) / (extent.to - extent.from);
  return (share * width) / (line.x.length - 1) > 12;
}

function seriesOf(
  line: DrawnLine,
  token: (name: string) => string,
  smoothed: boolean,
  points: () => boolean,
): readonly uPlot.Series[] {
  const stroke = token(line.drawn.colour);
  const dash = [...line.drawn.dash];
  const main: uPlot.Series = {
    stroke,
    width: 1.75,
    dash,
    points: { show: points, size: 5, fill: stroke },
  };
  const edge: uPlot.Series = { stroke: 'transparent', width: 0, points: { show: false } };
  if (line.band) return [edge, edge, main];
  return smoothed ? [{ stroke: withAlpha(stroke, 0.28), width: 1, points: { show: false } }, main] : [main];
}

function bandsOf(lines: readonly DrawnLine[], token: (name: string) => string, smoothed: boolean): uPlot.Band[] {
  const bands: uPlot.Band[] = [];
  let at = 1;
  for (const line of lines) {
    if (line.band) bands.push({ series: [at, at + 1], fill: withAlpha(token(line.drawn.colour), 0.18) });
    at += line.band ? 3 : smoothed ? 2 : 1;
  }
  return bands;
}

/** `#rrggbb` with an alpha; other notations stay as they are. */
function withAlpha(colour: string, alpha: number): string {
  if (!/^#[0-9a-f]{6}$/i.test(colour)) return colour;
  return `${colour}${Math.round(alpha * 255)
    .toString(16)
    .padStart(2, '0')}`;
}
