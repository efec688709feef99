/**
 * The points of a run as columns of numbers, which charts draw without walking objects. A workflow may train several times
 * (sources, then the target), so there is one set of columns per step that trains.
 */
import type { EvaluationPoint, LogLine, RunPoint, StepPoint } from '../../engine/protocol/api/runs.ts';

/** Columns of one training step; a figure that was not finite is null. */
export interface StepColumns {
  readonly step: number[];
  readonly epoch: number[];
  readonly seconds: number[];
  readonly examples: number[];
  readonly loss: (number | null)[];
  readonly rate: number[];
  readonly gradientNorm: (number | null)[];
  readonly examplesPerSecond: number[];
  readonly rssBytes: number[];
  /** Taps by name; a point before the tap's first has null. */
  readonly taps: Map<string, (number | null)[]>;
}

export interface CurvePart {
  readonly steps: StepColumns;
  readonly evaluations: EvaluationPoint[];
  /** The latest norms of single parameters, by `gradient/PATH` and `update/PATH`: told now and then, and many. */
  norms: ReadonlyMap<string, number>;
}

export interface Curve {
  /** By the workflow step that trains, in the order in which they began. */
  readonly parts: Map<string, CurvePart>;
  readonly log: LogLine[];
  /** Counts changes, so that a reader knows whether it has seen everything. */
  version: number;
}

export const newCurve = (): Curve => ({ parts: new Map(), log: [], version: 0 });

const newPart = (): CurvePart => ({
  steps: {
    step: [],
    epoch: [],
    seconds: [],
    examples: [],
    loss: [],
    rate: [],
    gradientNorm: [],
    examplesPerSecond: [],
    rssBytes: [],
    taps: new Map(),
  },
  evaluations: [],
  norms: new Map(),
});

const isNorm = (tap: string): boolean => tap.startsWith('gradient/') || tap.startsWith('update/');

/** Adds points at the end. A run that was resumed goes back to its checkpoint: points after it are replaced. */
export function addPoints(curve: Curve, points: readonly RunPoint[]): void {
  for (const point of points) {
    if (point.kind === 'log') {
      curve.log.push(point);
      continue;
    }
    let part = curve.parts.get(point.at);
    if (!part) curve.parts.set(point.at, (part = newPart()));
    if (point.kind === 'step') addStep(part, point);
    else addEvaluation(part.evaluations, point);
  }
  if (points.length > 0) curve.version++;
}

function addStep(part: CurvePart, point: StepPoint): void {
  const { steps, evaluations } = part;
  const last = steps.step.at(-1);
  if (last !== undefined && last >= point.step) {
    cutSteps(steps, lowerBound(steps.step, point.step));
    while ((evaluations.at(-1)?.step ?? -1) >= point.step) evaluations.pop();
  }
  const at = steps.step.length;
  steps.step.push(point.step);
  steps.epoch.push(point.epoch);
  steps.seconds.push(point.seconds);
  steps.examples.push(point.examples);
  steps.loss.push(point.loss);
  steps.rate.push(point.rate);
  steps.gradientNorm.push(point.gradientNorm);
  steps.examplesPerSecond.push(point.examplesPerSecond);
  steps.rssBytes.push(point.rssBytes);
  const norms = new Map<string, number>();
  for (const [name, value] of Object.entries(point.taps)) {
    if (isNorm(name)) {
      if (value !== null) norms.set(name, value);
      continue;
    }
    let column = steps.taps.get(name);
    if (!column) steps.taps.set(name, (column = Array.from({ length: at }, () => null)));
    column.push(value);
  }
  for (const column of steps.taps.values()) if (column.length === at) column.push(null);
  if (norms.size > 0) part.norms = norms;
}

function addEvaluation(evaluations: EvaluationPoint[], point: EvaluationPoint): void {
  while ((evaluations.at(-1)?.step ?? -1) >= point.step) evaluations.pop();
  evaluations.push(point);
}

function cutSteps(steps: StepColumns, length: number): void {
  const { taps, ...columns } = steps;
  for (const column of [...Object.values(columns), ...taps.values()]) column.length = length;
}

/** The first index whose value is at least `x`, of numbers that never fall. */
export function lowerBound(values: readonly number[], x: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] as number) < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

const NO_NORMS: ReadonlyMap<string, number> = new Map();

/** The latest norms of the part that trains now, or that trained last. */
export const latestNorms = (curve: Curve | undefined): ReadonlyMap<string, number> =>
  [...(curve?.parts.values() ?? [])].at(-1)?.norms ?? NO_NORMS;

export const lastStep = (part: CurvePart): number => part.steps.step.at(-1) ?? 0;
