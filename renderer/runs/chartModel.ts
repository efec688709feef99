/** Which curves are drawn: runs with their colours, lines and bands of one figure. Used by pictures, tables and files alike. */
import type { RunId } from '../../engine/protocol/api/fields.ts';
import type { RunSummary } from '../../engine/protocol/api/runs.ts';
import type { EditorState } from '../state/editor.ts';
import type { Curve } from './curve.ts';
import { groupsOf } from './groups.ts';
import { shownRun } from './live.ts';
import { bandOf, lineOf, type Band, type FigureId, type Line } from './series.ts';
import type { XAxis } from './runsView.ts';
import { runTitle } from './words.ts';

/** Tokens of the colours in the order in which runs get them; the dash tells runs apart without colour. */
export const CURVE_COLOURS = ['--focus', '--trainable', '--transform', '--data', '--affine', '--kv'] as const;
export const CURVE_DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 3], [10, 3, 2, 3]];

export interface DrawnRun {
  readonly id: string;
  readonly title: string;
  readonly runs: readonly RunSummary[];
  readonly colour: string;
  readonly dash: readonly number[];
}

/** The runs whose curves are drawn: the shown one and those that are ticked; seeds together when asked. */
export function drawnRuns(s: EditorState): readonly DrawnRun[] {
  const { compared, groupSeeds, baseline } = s.runsView;
  const shown = shownRun(s);
  const wanted = new Set<RunId>([...compared, ...(shown ? [shown.run] : []), ...(baseline ? [baseline] : [])]);
  if (shown?.group !== undefined && groupSeeds)
    for (const run of s.runs) if (run.group === shown.group && run.state !== 'queued') wanted.add(run.run);
  const runs = s.runs.filter((r) => wanted.has(r.run));
  return groupsOf(runs, groupSeeds).map((group, i) => {
    const [first] = group.runs;
    const several = group.runs.length > 1;
    return {
      id: group.runs.map((r) => r.run).join('+'),
      title: several ? seedsTitle(group.runs) : runTitle(first as RunSummary),
      runs: group.runs,
      colour: CURVE_COLOURS[i % CURVE_COLOURS.length] as string,
      dash: CURVE_DASHES[Math.floor(i / CURVE_COLOURS.length) % CURVE_DASHES.length] as readonly number[],
    };
  });
}

/** `lr 0.01 · 2 seeds (runs 1, 2)`: what the runs have in common beyond their recipe. */
function seedsTitle(runs: readonly RunSummary[]): string {
  const [first] = runs;
  const own = first?.name.startsWith(first.recipe) ? first.name.slice(first.recipe.length) : (first?.name ?? '');
  const common = own.replace(/[,·\s]*seed \d+/i, '').replace(/^[\s·]+/, '');
  const numbers = `${runs.length} seeds (runs ${runs.map((r) => r.number).join(', ')})`;
  return common === '' ? numbers : `${common} · ${numbers}`;
}

export interface DrawnLine {
  readonly drawn: DrawnRun;
  /** The step that trains; empty when the run has only one. */
  readonly part: string;
  readonly line: Line;
  readonly band: Band | undefined;
}

/** The curves of one figure; of seeds the mean with its band. */
export function linesOf(
  drawn: readonly DrawnRun[],
  curveOf: (run: RunId) => Curve,
  figure: FigureId,
  axis: XAxis,
): readonly DrawnLine[] {
  return drawn.flatMap((d) => {
    const curves = d.runs.map((r) => curveOf(r.run));
    const parts = new Set(curves.flatMap((c) => [...c.parts.keys()]));
    return [...parts].flatMap((name): readonly DrawnLine[] => {
      const lines = curves.flatMap((c) => {
        const part = c.parts.get(name);
        const line = part && lineOf(part, figure, axis);
        return line && line.x.length > 0 && line.y.length > 0 ? [line] : [];
      });
      const [first] = lines;
      if (!first) return [];
      const part = parts.size > 1 ? name : '';
      if (lines.length === 1) return [{ drawn: d, part, line: first, band: undefined }];
      const band = bandOf(lines);
      return [{ drawn: d, part, line: { x: band.x, y: band.mean }, band }];
    });
  });
}

export const lineTitle = (line: DrawnLine): string =>
  line.part === '' ? line.drawn.title : `${line.drawn.title} · ${line.part}`;
