/**
 * Parameter values per layer: reading the value that holds for one layer, and the book-keeping of overrides (set for all,
 * set for some layers, back to the stack's value). Pure; knows no node types, so it cannot say whether a value is sensible.
 */
import { fail, ok, type Result } from '../base/result.ts';
import type { LayeredValue, ParamValue, Scalar } from './document.ts';
import { recordOf } from './ids.ts';
import { formatNumbers, layersOf, layersWithin, resolveLayers, type LayerRange } from './selection.ts';

/** A value that can hold for one layer: a scalar, or a list (which has no overrides). */
export type PlainValue = Exclude<ParamValue, LayeredValue>;

export const isLayered = (value: ParamValue): value is LayeredValue =>
  typeof value === 'object' && !Array.isArray(value);

/** The value for all layers, without overrides. */
export const stackValue = (value: ParamValue): PlainValue => (isLayered(value) ? value.all : value);

/**
 * The value that holds for the layer with absolute number `layer` of a stack. Overrides for layers that the stack does not
 * have are passed over (a recipe may serve stacks of different depth); `checkStructure` reports them where they are wrong.
 */
export function valueAt(value: ParamValue, layer: number, range: LayerRange): PlainValue {
  if (!isLayered(value)) return value;
  return overridesOf(value, range).get(layer) ?? value.all;
}

/** The values of all layers of a stack, by absolute layer number. */
export function valuesByLayer(value: ParamValue, range: LayerRange): ReadonlyMap<number, PlainValue> {
  const overrides = isLayered(value) ? overridesOf(value, range) : new Map<number, Scalar>();
  return new Map(layersOf(range).map((layer) => [layer, overrides.get(layer) ?? stackValue(value)]));
}

/** The overridden layers of a stack and their values; of overlapping overrides the first one counts. */
export function overridesOf(value: LayeredValue, range: LayerRange): ReadonlyMap<number, Scalar> {
  const overrides = new Map<number, Scalar>();
  for (const [selection, override] of Object.entries(value.at)) {
    const layers = layersWithin(selection, range.first, range.repeat);
    if (!layers.ok) continue;
    for (const layer of layers.value) if (!overrides.has(layer)) overrides.set(layer, override);
  }
  return overrides;
}

/** Sets the value everywhere; overrides go. */
export const setForAll = (value: PlainValue): ParamValue => value;

/**
 * Sets `scalar` for the layers of `selection` and leaves the others as they are. An override that equals the stack's value
 * is kept, because it holds when the stack's value changes. Fails in words on a wrong selection and on lists.
 */
export function setForLayers(
  value: ParamValue,
  selection: string,
  scalar: Scalar,
  range: LayerRange,
): Result<ParamValue> {
  const base = stackValue(value);
  if (typeof base === 'object') return fail('a list has no overrides per layer');
  const layers = resolveLayers(selection, range.first, range.repeat);
  if (!layers.ok) return layers;
  const overrides = new Map(isLayered(value) ? overridesOf(value, range) : []);
  for (const layer of layers.value) overrides.set(layer, scalar);
  return ok(layered(base, overrides));
}

/** Takes the layers of `selection` back to the stack's value. Fails in words on a wrong selection. */
export function resetToStack(value: ParamValue, selection: string, range: LayerRange): Result<ParamValue> {
  const layers = resolveLayers(selection, range.first, range.repeat);
  if (!layers.ok) return layers;
  if (!isLayered(value)) return ok(value);
  const overrides = new Map(overridesOf(value, range));
  for (const layer of layers.value) overrides.delete(layer);
  return ok(layered(value.all, overrides));
}

/** The normal form: layers of one value stand in one ascending selection; without overrides it is the plain value. */
export function layered(all: Scalar, overrides: ReadonlyMap<number, Scalar>): ParamValue {
  if (overrides.size === 0) return all;
  const byValue = new Map<Scalar, number[]>();
  for (const layer of [...overrides.keys()].sort((a, b) => a - b)) {
    const override = overrides.get(layer) as Scalar;
    byValue.set(override, [...(byValue.get(override) ?? []), layer]);
  }
  return { all, at: recordOf([...byValue].map(([override, layers]) => [formatNumbers(layers), override])) };
}
