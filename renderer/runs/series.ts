/**
 * What charts draw: curves of one figure over steps, examples or seconds; smoothed, thinned to what a screen can show, and
 * joined to one table of columns as the chart library takes it.
 */
import { lowerBound, type Curve, type CurvePart, type StepColumns } from './curve.ts';
import { isMetric, nameInWords } from './words.ts';
import type { XAxis } from './runsView.ts';

export interface Line {
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
}

/** A chart of the panel: `loss`, `metric:accuracy`, `tap:layers/3/query`. */
export type FigureId = string;

export interface Figure {
  readonly id: FigureId;
  readonly title: string;
  readonly unit: 'plain' | 'bytes' | 'rate';
  /** Curves of many points are drawn raw and smoothed. */
  readonly smooth: boolean;
}

const STEP_FIGURES = [
  { id: 'rate', title: 'Learning rate', unit: 'plain', smooth: false, of: (s: StepColumns) => s.rate },
  { id: 'gradient', title: 'Gradient norm', unit: 'plain', smooth: true, of: (s: StepColumns) => s.gradientNorm },
  {
    id: 'speed',
    title: 'Examples per second',
    unit: 'rate',
    smooth: true,
    of: (s: StepColumns) => s.examplesPerSecond,
  },
  { id: 'memory', title: 'Memory', unit: 'bytes', smooth: false, of: (s: StepColumns) => s.rssBytes },
] as const;

/** The figures that any of the curves has, in the order in which they are shown. */
export function figuresOf(curves: readonly Curve[]): readonly Figure[] {
  const metrics = new Set<string>();
  const taps = new Set<string>();
  let evaluated = false;
  for (const curve of curves) {
    for (const part of curve.parts.values()) {
      for (const point of part.evaluations) {
        for (const name of Object.keys(point.metrics)) if (isMetric(name)) metrics.add(name);
        evaluated ||= point.loss !== null;
      }
      for (const name of part.steps.taps.keys()) taps.add(name);
    }
  }
  return [
    { id: 'loss', title: 'Training loss', unit: 'plain', smooth: true },
    ...(evaluated ? [{ id: 'evalLoss', title: 'Evaluation loss', unit: 'plain', smooth: false } as const] : []),
    ...[...metrics].map((name) => ({
      id: `metric:${name}`,
      title: `Evaluation ${nameInWords(name)}`,
      unit: 'plain' as const,
      smooth: false,
    })),
    ...STEP_FIGURES.map(({ id, title, unit, smooth }) => ({ id, title, unit, smooth })),
    ...[...taps].sort().map((name) => ({ id: `tap:${name}`, title: name, unit: 'plain' as const, smooth: true })),
  ];
}

/** The curve of one figure of one training step. */
export function lineOf(part: CurvePart, figure: FigureId, axis: XAxis): Line {
  if (figure === 'evalLoss' || figure.startsWith('metric:')) {
    const name = figure.slice('metric:'.length);
    return {
      x: part.evaluations.map((p) =>
        axis === 'seconds' ? p.seconds : axis === 'steps' ? p.step : examplesAt(part, p.step),
      ),
      y: part.evaluations.map((p) => (figure === 'evalLoss' ? p.loss : (p.metrics[name] ?? null))),
    };
  }
  return { x: xColumn(part.steps, axis), y: yColumn(part.steps, figure) };
}

const xColumn = (steps: StepColumns, axis: XAxis): readonly number[] =>
  axis === 'steps' ? steps.step : axis === 'seconds' ? steps.seconds : steps.examples;

function yColumn(steps: StepColumns, figure: FigureId): readonly (number | null)[] {
  if (figure === 'loss') return steps.loss;
  if (figure.startsWith('tap:')) return steps.taps.get(figure.slice('tap:'.length)) ?? [];
  return STEP_FIGURES.find((f) => f.id === figure)?.of(steps) ?? [];
}

/** Examples that were seen by a step. */
function examplesAt({ steps }: CurvePart, step: number): number {
  const at = Math.min(lowerBound(steps.step, step), steps.step.length - 1);
  return steps.examples[at] ?? 0;
}

/**
 * Exponential moving mean with the weight of the missing past taken out, so that the first values are not drawn towards
 * zero. Missing values stay missing and are passed over.
 */
export function smooth(values: readonly (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return [...values];
  let mean = 0;
  let known = 1;
  return values.map((value) => {
    if (value === null) return null;
    mean = mean * weight + value * (1 - weight);
    known *= weight;
    return mean / (1 - known);
  });
}

/**
 * The points of a line between two places, thinned: of each of `buckets` parts the lowest and the highest stay, in their
 * order, so that spikes remain. One point beyond each edge stays too, so that the curve leaves the picture.
 */
export function thin(line: Line, from: number, to: number, buckets: number): Line {
  const first = Math.max(0, lowerBound(line.x, from) - 1);
  const last = Math.min(line.x.length - 1, lowerBound(line.x, to) + 1);
  const count = last - first + 1;
  if (count <= buckets * 2) return { x: line.x.slice(first, last + 1), y: line.y.slice(first, last + 1) };
  const x: number[] = [];
  const y: (number | null)[] = [];
  for (let b = 0; b < buckets; b++) {
    const begin = first + Math.floor((b * count) / buckets);
    const end = first + Math.floor(((b + 1) * count) / buckets);
    for (const i of extremes(line.y, begin, end)) {
      x.push(line.x[i] as number);
      y.push(line.y[i] ?? null);
    }
  }
  return { x, y };
}

/** Places of the lowest and the highest value, in their order; the first place when all are missing. */
function extremes(y: readonly (number | null)[], begin: number, end: number): readonly number[] {
  let low = -1;
  let high = -1;
  for (let i = begin; i < end; i++) {
    const value = y[i];
    if (value === null || value === undefined) continue;
    if (low < 0 || value < (y[low] as number)) low = i;
    if (high < 0 || value > (y[high] as number)) high = i;
  }
  if (low < 0) return begin < end ? [begin] : [];
  return low === high ? [low] : low < high ? [low, high] : [high, low];
}

/** Lines as columns over one common x; a line without a value at an x has `undefined` there, which is no gap. */
export function joinLines(lines: readonly Line[]): { x: number[]; columns: (number | null | undefined)[][] } {
  const places = new Map<number, number>();
  const x = [...new Set(lines.flatMap((l) => l.x))].sort((a, b) => a - b);
  x.forEach((value, i) => places.set(value, i));
  const columns = lines.map((line) => {
    const column = new Array<number | null | undefined>(x.length).fill(undefined);
    line.x.forEach((value, i) => {
      column[places.get(value) as number] = line.y[i] ?? null;
    });
    return column;
  });
  return { x, columns };
}

export interface Band {
  readonly x: readonly number[];
  readonly mean: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
  /** How many lines reach each x. */
  readonly count: readonly number[];
}

/** Mean and sample deviation of several lines; between its points a line is straight, beyond its ends it does not count. */
export function bandOf(lines: readonly Line[]): Band {
  const solid = lines.map(({ x, y }) => {
    const kept = x.flatMap((value, i) => (y[i] === null || y[i] === undefined ? [] : [[value, y[i]] as const]));
    return { x: kept.map(([a]) => a), y: kept.map(([, b]) => b) };
  });
  const x = [...new Set(solid.flatMap((l) => l.x))].sort((a, b) => a - b);
  const band = { x, mean: [] as number[], low: [] as number[], high: [] as number[], count: [] as number[] };
  for (const place of x) {
    const values = solid.flatMap((line) => valueOn(line, place) ?? []);
    const mean = values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
    const square = values.reduce((a, b) => a + (b - mean) ** 2, 0);
    const deviation = values.length < 2 ? 0 : Math.sqrt(square / (values.length - 1));
    band.mean.push(mean);
    band.low.push(mean - deviation);
    band.high.push(mean + deviation);
    band.count.push(values.length);
  }
  return band;
}

function valueOn(
  line: { readonly x: readonly number[]; readonly y: readonly number[] },
  place: number,
): number | undefined {
  const at = lowerBound(line.x, place);
  const right = line.x[at];
  if (right === undefined) return undefined;
  if (right === place) return line.y[at];
  const left = line.x[at - 1];
  if (left === undefined) return undefined;
  const share = (place - left) / (right - left);
  return (line.y[at - 1] as number) * (1 - share) + (line.y[at] as number) * share;
}

/** The value of a line at or before a place, for the crosshair. */
export function valueBefore(line: Line, place: number): number | null {
  let at = lowerBound(line.x, place);
  if (line.x[at] !== place) at -= 1;
  while (at >= 0 && (line.y[at] === null || line.y[at] === undefined)) at -= 1;
  return at < 0 ? null : (line.y[at] ?? null);
}
