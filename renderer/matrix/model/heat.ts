/**
 * Figures for the matrix's cells. They come from the check (parameters, memory), from what a run changed (update norms,
 * learnt weights of sources), from its curve (gradient norms), and from the graph that a run trained (differences).
 */
import type { ModelFigures } from '../../../engine/protocol/api/check.ts';
import type { WeightsView } from '../../../engine/protocol/api/runs.ts';
import { layerOfName, withoutLayers } from '../../inspector/model/figures.ts';
import { cellsOfRow, cellText, OUTSIDE, type Cell, type CellContext } from './cells.ts';
import type { Row } from './grid.ts';

export const SHOW_MODES = [
  'module',
  'parameters',
  'memory',
  'grad norm',
  'update norm',
  'omega',
  'diff to run',
] as const;
export type ShowMode = (typeof SHOW_MODES)[number];

/** Modes that need a run. */
export const NEEDS_RUN: ReadonlySet<ShowMode> = new Set(['grad norm', 'update norm', 'omega', 'diff to run']);

/** A number per module and layer; what all layers share stands under `OUTSIDE`. */
export type Figures = ReadonlyMap<string, number>;
const key = (node: string, layer: number | undefined): string => `${node} ${layer ?? OUTSIDE}`;

/** Adds up numbers of parameters by the module that a parameter's path names. */
function byModule(
  rows: readonly { readonly name: string; readonly value: number }[],
  join: (a: number, b: number) => number,
  stacks: ReadonlySet<string>,
): Figures {
  const figures = new Map<string, number>();
  for (const { name, value } of rows) {
    const layer = layerOfName(name);
    const all = withoutLayers(name);
    const parts = all[0] !== undefined && stacks.has(all[0]) ? all.slice(1) : all;
    // The module of a docked path stands second, behind its target; names of parameters come last.
    for (const id of new Set(parts.slice(0, -1).slice(0, 2))) {
      const at = key(id, layer);
      figures.set(at, join(figures.get(at) ?? 0, value));
    }
  }
  return figures;
}

export const parameterFigures = (figures: ModelFigures | undefined, stacks: ReadonlySet<string>): Figures =>
  byModule(
    (figures?.trainable ?? []).map((r) => ({ name: r.name, value: r.count })),
    (a, b) => a + b,
    stacks,
  );

/** Bytes that the backward pass reads of a node's values, the mean over its layers. */
export function memoryFigures(figures: ModelFigures | undefined): Figures {
  const bytes = new Map<string, number>();
  for (const row of figures?.nodes ?? []) {
    const id = withoutLayers(row.node).at(-1);
    if (id !== undefined) bytes.set(key(id, undefined), (row.keptBytes ?? 0) / Math.max(1, row.copies));
  }
  return bytes;
}

export const updateFigures = (weights: WeightsView | undefined, stacks: ReadonlySet<string>): Figures =>
  byModule(
    (weights?.parameters ?? []).map((p) => ({ name: p.name, value: p.updateNorm })),
    Math.hypot,
    stacks,
  );

/** Norms that a run tells of single parameters, by `gradient/PATH` and `update/PATH`. */
export const normFigures = (
  norms: ReadonlyMap<string, number>,
  prefix: 'gradient/' | 'update/',
  stacks: ReadonlySet<string>,
): Figures =>
  byModule(
    [...norms].flatMap(([name, value]) =>
      name.startsWith(prefix) ? [{ name: name.slice(prefix.length), value }] : [],
    ),
    Math.hypot,
    stacks,
  );

/** The figure of a cell: that of its modules in its layer, or what they have for all layers. */
export function cellFigure(
  figures: Figures,
  cell: Cell,
  layer: number,
  join: 'sum' | 'norm' = 'sum',
): number | undefined {
  const found = cell.flatMap((m) => figures.get(key(m.node, layer)) ?? []);
  if (found.length === 0) return undefined;
  return join === 'sum' ? found.reduce((a, b) => a + b, 0) : Math.hypot(...found);
}

/** Memory of a cell: kept values of the place's node and of its modules. */
export function cellMemory(figures: Figures, row: Row, cell: Cell): number | undefined {
  const targets =
    row.kind === 'series' || row.kind === 'parallel' ? [] : [...row.anchors.values()].map((a) => a.node as string);
  const ids = new Set([...targets, ...cell.map((m) => m.node as string)]);
  const found = [...ids].flatMap((id) => figures.get(key(id, undefined)) ?? []);
  return found.length === 0 ? undefined : found.reduce((a, b) => a + b, 0);
}

/** Parameters of a row: of its modules in all layers and of what they share. */
export function rowParameters(figures: Figures, cells: ReadonlyMap<number, Cell>): number {
  const nodes = new Set<string>();
  let sum = 0;
  for (const [layer, cell] of cells) {
    sum += cellFigure(figures, cell, layer) ?? 0;
    if (layer !== OUTSIDE) for (const m of cell) nodes.add(m.node);
  }
  for (const node of nodes) sum += figures.get(key(node, undefined)) ?? 0;
  return sum;
}

/** Bytes of a row in all layers: kept values, and gradients and moments of what trains. */
export function rowMemory(
  memory: Figures,
  row: Row,
  cells: ReadonlyMap<number, Cell>,
  layers: number,
  parameters: number,
): number {
  let sum = 16 * parameters;
  const columns = row.inStack ? layers : 1;
  const ids = new Set([...cells.values()].flatMap((cell) => cell.map((m) => m.node as string)));
  for (const id of ids) {
    const copies = [...cells.values()].filter((cell) => cell.some((m) => m.node === id)).length;
    sum += (memory.get(key(id, undefined)) ?? 0) * copies;
  }
  if (row.kind === 'series' || row.kind === 'parallel' || row.kind === 'head') return sum;
  for (const node of new Set([...row.anchors.values()].map((a) => a.node)))
    sum += (memory.get(key(node, undefined)) ?? 0) * columns;
  return sum;
}

/** Learnt weights of sources in a cell. */
export interface SourceWeights {
  readonly names: readonly string[];
  readonly values: readonly number[];
}

/** Weights of the sources that a mixture learnt, by node and row of the table; `layers` are the stack's, in order. */
export function omegaOf(
  weights: WeightsView | undefined,
  cell: Cell,
  layer: number,
  layers: readonly number[],
): SourceWeights | undefined {
  for (const module of cell) {
    const found = weights?.sources.find((s) => withoutLayers(s.node).at(-1) === module.node);
    if (found === undefined) continue;
    const values = found.values.length === 1 ? found.values[0] : found.values[layers.indexOf(layer)];
    if (values !== undefined) return { names: found.names, values };
  }
  return undefined;
}

export type CellChange = 'same' | 'added' | 'removed' | 'changed';

export function changeOf(before: Cell | undefined, after: Cell | undefined): CellChange {
  const a = cellText(before ?? []).replaceAll('!', '');
  const b = cellText(after ?? []).replaceAll('!', '');
  if (a === b) return 'same';
  if (a === '') return 'added';
  return b === '' ? 'removed' : 'changed';
}

/** Where a figure stands between nothing and the largest, for the colour of a cell: square root, so that small ones show. */
export const heatOf = (value: number | undefined, largest: number): number =>
  value === undefined || largest <= 0 ? 0 : Math.sqrt(Math.max(0, value) / largest);

/** The largest figure of all cells, which the strongest colour stands for. */
export function largestFigure(context: CellContext, figures: Figures, mode: ShowMode): number {
  if (figures.size === 0) return 0;
  let largest = 0;
  for (const row of context.grid.rows) {
    const cells = cellsOfRow(context, row);
    if (mode === 'memory') {
      for (const cell of cells.values()) largest = Math.max(largest, cellMemory(figures, row, cell) ?? 0);
      largest = Math.max(largest, cellMemory(figures, row, []) ?? 0);
    } else
      for (const [layer, cell] of cells)
        largest = Math.max(largest, cellFigure(figures, cell, layer, mode === 'parameters' ? 'sum' : 'norm') ?? 0);
  }
  return largest;
}
