/** What training changed as a picture: layers side by side, modules below each other. */
import type { WeightsView } from '../../engine/protocol/api/runs.ts';

export interface HeatCell {
  /** Norm of the change, over all parameters of the module in this layer. */
  readonly update: number;
  readonly norm: number;
  readonly count: number;
}

export interface HeatGrid {
  /** Absolute numbers of layers, in order; empty when nothing lies in layers. */
  readonly layers: readonly number[];
  /** Modules; the cell of a module and layer is missing where there is none. */
  readonly rows: readonly { readonly module: string; readonly cells: readonly (HeatCell | undefined)[] }[];
  /** Modules outside the layers: heads, embeddings, what a stack shares. */
  readonly outside: readonly { readonly module: string; readonly cell: HeatCell }[];
  readonly largest: number;
}

const LAYER = /^(.*?)(?:^|\/)([^/]+)\/(\d+)\/(.*)$/;

/** `layers/3/query/lora/A` as module `query/lora` of layer 3; the parameter's own name at the end goes. */
export function placeOf(name: string): { readonly module: string; readonly layer: number | undefined } {
  const match = LAYER.exec(name);
  const path = (match ? `${match[1] === '' ? '' : `${match[1]}/`}${match[4]}` : name).split('/');
  const module = path.length > 1 ? path.slice(0, -1).join('/') : (path[0] ?? name);
  return { module, layer: match ? Number(match[3]) : undefined };
}

interface Sum {
  update: number;
  norm: number;
  count: number;
}

export function heatOf(parameters: WeightsView['parameters']): HeatGrid {
  const inside = new Map<string, Map<number, Sum>>();
  const outside = new Map<string, Sum>();
  const layers = new Set<number>();
  for (const p of parameters) {
    const { module, layer } = placeOf(p.name);
    if (layer === undefined) add(outside, module, p);
    else {
      layers.add(layer);
      const row = inside.get(module) ?? new Map<number, Sum>();
      inside.set(module, row);
      add(row, layer, p);
    }
  }
  const order = [...layers].sort((a, b) => a - b);
  const rows = [...inside].map(([module, row]) => ({ module, cells: order.map((l) => cellOf(row.get(l))) }));
  const rest = [...outside].flatMap(([module, sum]) => {
    const cell = cellOf(sum);
    return cell ? [{ module, cell }] : [];
  });
  const all = [...rows.flatMap((r) => r.cells), ...rest.map((r) => r.cell)];
  return { layers: order, rows, outside: rest, largest: Math.max(0, ...all.map((c) => c?.update ?? 0)) };
}

function add<K>(sums: Map<K, Sum>, key: K, p: WeightsView['parameters'][number]): void {
  const sum = sums.get(key) ?? { update: 0, norm: 0, count: 0 };
  sum.update += p.updateNorm ** 2;
  sum.norm += p.norm ** 2;
  sum.count += p.shape.reduce((a, b) => a * b, 1);
  sums.set(key, sum);
}

const cellOf = (sum: Sum | undefined): HeatCell | undefined =>
  sum && { update: Math.sqrt(sum.update), norm: Math.sqrt(sum.norm), count: sum.count };

/** Strength of a colour, 0 to 1, so that small values can still be told apart. */
export const heatShare = (value: number, largest: number): number =>
  largest <= 0 || !Number.isFinite(value) ? 0 : Math.sqrt(Math.min(1, Math.max(0, value / largest)));
