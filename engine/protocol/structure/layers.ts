/**
 * Layers of one model graph: selections and overrides that do not fit the stack around them, overrides that overlap, and
 * stacks of one name that hold the same layer numbers.
 */
import type { Diagnostic, Place } from '../../base/errors.ts';
import { stackName, type Document, type Graph, type Node, type LayeredValue, type StackSettings } from '../document.ts';
import { entriesOf, type NodeId } from '../ids.ts';
import { diagnose } from '../messages.ts';
import { isLayered } from '../params.ts';
import { formatNumbers, layersWithin, resolveLayers, type LayerRange } from '../selection.ts';
import { modelGraphs, modelPlace, nodePath, type ModelGraph } from '../walk.ts';

/** Selections and overrides of every node of `at`. */
export function checkLayers(at: ModelGraph): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const [id, node] of entriesOf(at.graph.nodes)) {
    if (node.layers !== undefined) found.push(...checkSelection('layers', node.layers, modelPlace(at, id), at.stack));
    if (typeof node.mute === 'string') found.push(...checkSelection('mute', node.mute, modelPlace(at, id), at.stack));
    for (const [param, value] of Object.entries(node.params)) {
      if (!isLayered(value)) continue;
      found.push(...checkOverrides(param, value, { ...modelPlace(at, id), param }, at.stack));
    }
  }
  return found;
}

function checkSelection(
  field: string,
  selection: string,
  place: Place,
  stack: LayerRange | undefined,
): readonly Diagnostic[] {
  if (stack === undefined) {
    return selection === 'all' ? [] : [diagnose('layers-outside-stack', place, { field })];
  }
  const layers = resolveLayers(selection, stack.first, stack.repeat);
  return layers.ok ? [] : [diagnose('layers-out-of-range', place, { field, reason: layers.error })];
}

function checkOverrides(
  param: string,
  value: LayeredValue,
  place: Place,
  stack: LayerRange | undefined,
): readonly Diagnostic[] {
  const selections = Object.keys(value.at);
  const wrong = selections.flatMap((s) => checkSelection(`${param} at ${s}`, s, place, stack));
  return wrong.length > 0 || stack === undefined ? wrong : checkOverlap(selections, place, stack);
}

/** Each layer may stand in one override only; the first meeting of each pair of overrides is reported once. */
function checkOverlap(selections: readonly string[], place: Place, range: LayerRange): readonly Diagnostic[] {
  const owner = new Map<number, string>();
  const pairs = new Map<string, { readonly first: string; readonly second: string; readonly layers: number[] }>();
  for (const second of selections) {
    const layers = layersWithin(second, range.first, range.repeat);
    for (const layer of layers.ok ? layers.value : []) {
      const first = owner.get(layer);
      if (first === undefined) {
        owner.set(layer, second);
        continue;
      }
      const pair = pairs.get(`${first}\n${second}`) ?? { first, second, layers: [] };
      pair.layers.push(layer);
      pairs.set(`${first}\n${second}`, pair);
    }
  }
  return [...pairs.values()].map(({ first, second, layers }) =>
    diagnose('override-overlap', place, { first, second, layers: formatNumbers(layers) }),
  );
}

/**
 * Recipes and banks may serve stacks of different depth, so a layer that one of them lacks is no fault. It is one when a
 * selection fits none of them, or when two overrides of a recipe meet in one.
 */
export function checkSharedLayers(document: Document): readonly Diagnostic[] {
  const graphs = modelGraphs(document);
  const stacksWith = (uses: (node: Node) => boolean): readonly (StackSettings | undefined)[] =>
    graphs.filter((g) => Object.values(g.graph.nodes).some(uses)).map((g) => g.stack);
  const found: Diagnostic[] = [];
  for (const [id, recipe] of entriesOf(document.recipes)) {
    const layered = entriesOf(recipe.params).filter(([, value]) => isLayered(value));
    const stacks = layered.length === 0 ? [] : stacksWith((n) => n.recipe === id);
    for (const [param, value] of layered) {
      const selections = isLayered(value) ? Object.keys(value.at) : [];
      const field = `recipes.${id}.${param}`;
      found.push(...selections.flatMap((s) => checkSharedSelection(`${field} at ${s}`, s, { param }, stacks)));
      const overlaps = stacks.flatMap((s) => (s === undefined ? [] : checkOverlap(selections, { param }, s)));
      found.push(...overlaps.slice(0, 1));
    }
  }
  for (const [id, bank] of entriesOf(document.banks)) {
    const layered = bank.sources.filter((s) => s.layers !== undefined);
    const stacks = layered.length === 0 ? [] : stacksWith((n) => n.bank === id);
    for (const { name, layers = 'all' } of layered) {
      found.push(...checkSharedSelection(`banks.${id}.${name}.layers`, layers, {}, stacks));
    }
  }
  return found;
}

/** A selection is wrong when its users are in no stack, or when it names no layer of any stack around them. */
function checkSharedSelection(
  field: string,
  selection: string,
  place: Place,
  stacks: readonly (StackSettings | undefined)[],
): readonly Diagnostic[] {
  if (stacks.length === 0 || selection === 'all' || selection === 'none') return [];
  const ranges = stacks.filter((s) => s !== undefined);
  if (ranges.length === 0) return [diagnose('layers-outside-stack', place, { field })];
  const fits = ranges.some((r) => {
    const layers = layersWithin(selection, r.first, r.repeat);
    return layers.ok && layers.value.length > 0;
  });
  if (fits) return [];
  const reason = `no stack that uses it has the layers "${selection}"`;
  return [diagnose('layers-out-of-range', place, { field, reason })];
}

/** Parts of a split stack have one name; their layers must not meet, or two parameters would have one path. */
export function checkStackParts(graph: Graph, at: ModelGraph): readonly Diagnostic[] {
  const byName = new Map<string, { readonly id: NodeId; readonly range: LayerRange }[]>();
  for (const [id, node] of entriesOf(graph.nodes)) {
    if (node.stack === undefined) continue;
    const name = stackName(id, node.stack);
    byName.set(name, [...(byName.get(name) ?? []), { id, range: node.stack }]);
  }
  const found: Diagnostic[] = [];
  for (const [name, parts] of byName) {
    parts.sort((a, b) => a.range.first - b.range.first);
    for (let i = 1; i < parts.length; i++) {
      const [before, after] = [parts[i - 1], parts[i]];
      if (before === undefined || after === undefined) continue;
      if (before.range.first + before.range.repeat <= after.range.first) continue;
      const facts = { name, parts: [before, after].map((p) => `${nodePath(at.path, p.id)} (${rangeText(p.range)})`) };
      found.push(diagnose('stack-parts-overlap', modelPlace(at, after.id), facts));
    }
  }
  return found;
}

const rangeText = (range: LayerRange): string => `${range.first}-${range.first + range.repeat - 1}`;
