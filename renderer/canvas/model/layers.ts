/** What a node is for the layer that is shown: whether it is there, muted, and which of its values differ by layer. */
import {
  effectiveParams,
  type Document,
  type Node,
  type ParamValue,
  type Scalar,
} from '../../../engine/protocol/document.ts';
import { isLayered, overridesOf, stackValue, valueAt } from '../../../engine/protocol/params.ts';
import { layersOf, layersWithin, type LayerRange } from '../../../engine/protocol/selection.ts';

export type ShownLayer = 'all' | number;

/** The layer that a stack shows: a number outside of it shows all. */
export const layerIn = (layer: ShownLayer, range: LayerRange | undefined): ShownLayer =>
  layer === 'all' || range === undefined || layer < range.first || layer >= range.first + range.repeat ? 'all' : layer;

/** The layers in which a node is built; all of them without a selection. */
export function activeLayers(node: Node, range: LayerRange): readonly number[] {
  if (node.layers === undefined) return layersOf(range);
  const found = layersWithin(node.layers, range.first, range.repeat);
  return found.ok ? found.value : [];
}

export function mutedLayers(node: Node, range: LayerRange): readonly number[] {
  if (node.mute === undefined || node.mute === false) return [];
  if (node.mute === true) return layersOf(range);
  const found = layersWithin(node.mute, range.first, range.repeat);
  return found.ok ? found.value : [];
}

export interface Presence {
  /** The node is not built in the layer that is shown. */
  readonly ghost: boolean;
  readonly muted: boolean;
  /** The node has a selection of layers: how many, of how many. */
  readonly some?: { readonly count: number; readonly text: string };
  /** Something holds for some layers only. */
  readonly override: boolean;
}

export function presenceOf(node: Node, range: LayerRange | undefined, layer: ShownLayer): Presence {
  if (range === undefined)
    return { ghost: false, muted: node.mute !== undefined && node.mute !== false, override: false };
  const active = activeLayers(node, range);
  const muted = mutedLayers(node, range);
  const some =
    node.layers === undefined || node.layers === 'all' ? {} : { some: { count: active.length, text: node.layers } };
  if (layer === 'all') {
    return {
      ghost: false,
      muted: muted.length > 0 && active.every((l) => muted.includes(l)),
      ...some,
      override: hasOverride(node, range, layer) || (muted.length > 0 && muted.length < range.repeat),
    };
  }
  return {
    ghost: !active.includes(layer),
    muted: muted.includes(layer),
    ...some,
    override: hasOverride(node, range, layer),
  };
}

function hasOverride(node: Node, range: LayerRange, layer: ShownLayer): boolean {
  return Object.values(node.params).some((value) => {
    if (!isLayered(value)) return false;
    const overrides = overridesOf(value, range);
    return layer === 'all' ? overrides.size > 0 : overrides.has(layer);
  });
}

/** A parameter's value as a word: of one layer, or `mixed` where layers differ. */
export function shownValue(value: ParamValue, range: LayerRange | undefined, layer: ShownLayer): string {
  if (range === undefined || !isLayered(value)) return plain(stackValue(value));
  if (layer !== 'all') return plain(valueAt(value, layer, range));
  const all = value.all;
  return [...overridesOf(value, range).values()].every((v) => v === all) ? plain(all) : 'mixed';
}

const plain = (value: Scalar | readonly Scalar[]): string =>
  Array.isArray(value) ? value.join(', ') : typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);

/** A number that holds for the shown layer; `undefined` when layers differ or it is no number. */
export function shownNumber(
  document: Document,
  node: Node,
  param: string,
  fallback: number | undefined,
  range: LayerRange | undefined,
  layer: ShownLayer,
): number | undefined {
  const value = effectiveParams(document, node)[param];
  if (value === undefined) return fallback;
  const text = shownValue(value, range, layer);
  const number = Number(text);
  return text === 'mixed' || Number.isNaN(number) ? undefined : number;
}
