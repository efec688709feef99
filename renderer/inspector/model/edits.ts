/** Edits that the inspector makes, each a pure function from a document to a new one or to the reasons why not. */
import { diagnose } from '../../../engine/protocol/messages.ts';
import { ok } from '../../../engine/base/result.ts';
import type { Document, Node, WorkflowNode } from '../../../engine/protocol/document.ts';
import {
  graphAt,
  nodeAt,
  replaceNode,
  resetParamForLayers,
  setParam,
  setParamForLayers,
  unsetParam,
  type EditResult,
  type ModelNodeAddress,
  type NodeAddress,
} from '../../../engine/protocol/edit.ts';
import { sharedSetId, withEntry, withoutEntry, entriesOf, type SharedSetId } from '../../../engine/protocol/ids.ts';
import { isLayered, type PlainValue } from '../../../engine/protocol/params.ts';
import { formatLayers, layersOf, layersWithin, type LayerRange } from '../../../engine/protocol/selection.ts';
import { modelGraphs } from '../../../engine/protocol/walk.ts';
import { contains, heldValue, type Layer } from './fields.ts';
import { rangeAt } from './subject.ts';

export type Edit = (document: Document) => EditResult;

/** Edits one after the other; the first that is refused ends all of them. */
export const inTurn =
  (edits: readonly Edit[]): Edit =>
  (document) =>
    edits.reduce<EditResult>((result, edit) => (result.ok ? edit(result.value) : result), ok(document));

/** The type's own value of a parameter, where the document says none. */
export type DefaultOf = (type: string, param: string) => PlainValue | undefined;

/** Sets a parameter for all layers, or as an override for the one that is shown. */
export const setValue =
  (at: NodeAddress, name: string, value: PlainValue, layer: Layer, defaultOf: DefaultOf): Edit =>
  (document) => {
    const range = rangeAt(document, at.graph);
    if (layer === 'all' || range === undefined || !contains(range, layer) || typeof value === 'object')
      return setParam(document, at, name, value);
    return setParamForLayers(document, at, name, String(layer), value, (node, param) => defaultOf(node.type, param));
  };

/** Takes the override of some layers away. */
export const resetLayers =
  (at: NodeAddress, name: string, layers: string): Edit =>
  (document) =>
    resetParamForLayers(document, at, name, layers);

/** Takes a parameter out of the document: the recipe's value holds then, or the type's default. */
export const resetValue =
  (at: NodeAddress, name: string): Edit =>
  (document) =>
    unsetParam(document, at, name);

/** Gives one node a value of its own although its recipe holds one: this place departs from the recipe. */
export const departValue =
  (at: ModelNodeAddress, name: string, value: PlainValue): Edit =>
  (document) => {
    const node = nodeAt(document, at);
    if (node === undefined) return setParam(document, at, name, value);
    return ok(replaceNode(document, at, { ...node, params: withEntry(node.params, name, value) }));
  };

/** Changes fields of a node or step; a field that becomes undefined is taken out. */
const withFields =
  <N extends Node | WorkflowNode>(at: NodeAddress, fields: { readonly [K in keyof N]?: N[K] | undefined }): Edit =>
  (document) => {
    const node = nodeAt(document, at);
    if (node === undefined) {
      const facts = { node: at.node, near: Object.keys(graphAt(document, at.graph)?.nodes ?? {}) };
      return { ok: false, error: [diagnose('edit-node-missing', {}, facts)] };
    }
    const entries = Object.entries({ ...node, ...fields }).filter(([, value]) => value !== undefined);
    return ok(replaceNode(document, at, Object.fromEntries(entries) as unknown as Node));
  };

export const setTitle = (at: NodeAddress, title: string): Edit =>
  withFields(at, { title: title.trim() === '' ? undefined : title.trim() });

export const setNotes = (at: NodeAddress, notes: string): Edit =>
  withFields(at, { notes: notes.trim() === '' ? undefined : notes });

export const setScope = (at: ModelNodeAddress, scope: Node['scope']): Edit =>
  withFields<Node>(at, { scope: scope === 'layer' ? undefined : scope });

/** The layers in which a node is; `all` is not written. */
export const setLayers = (at: ModelNodeAddress, selection: string): Edit =>
  withFields<Node>(at, { layers: selection.trim() === 'all' ? undefined : selection.trim() });

export const setMute = (at: ModelNodeAddress, mute: boolean | string): Edit =>
  withFields<Node>(at, { mute: mute === false || mute === 'none' ? undefined : mute === 'all' ? true : mute });

/** The layers that a node's selection names; all of them without one. */
export function layersOfNode(node: Node, range: LayerRange): ReadonlySet<number> {
  if (node.layers === undefined) return new Set(layersOf(range));
  const layers = layersWithin(node.layers, range.first, range.repeat);
  return new Set(layers.ok ? layers.value : []);
}

/** The layers in which a node is muted. */
export function mutedLayers(node: Node, range: LayerRange): ReadonlySet<number> {
  if (node.mute === true) return new Set(layersOf(range));
  if (typeof node.mute !== 'string') return new Set();
  const layers = layersWithin(node.mute, range.first, range.repeat);
  return new Set(layers.ok ? layers.value : []);
}

const toggled = (layers: ReadonlySet<number>, layer: number): readonly number[] =>
  layers.has(layer) ? [...layers].filter((l) => l !== layer) : [...layers, layer];

/** Puts a node into a layer, or takes it out. */
export const toggleLayer =
  (at: ModelNodeAddress, layer: number): Edit =>
  (document) => {
    const node = nodeAt(document, at);
    const range = rangeAt(document, at.graph);
    if (node === undefined || range === undefined) return setLayers(at, 'all')(document);
    return setLayers(at, formatLayers(toggled(layersOfNode(node, range), layer), range.first, range.repeat))(document);
  };

/** Mutes a node where the person is: everywhere, or in the layer that is shown. */
export const toggleMute =
  (at: ModelNodeAddress, layer: Layer): Edit =>
  (document) => {
    const node = nodeAt(document, at);
    const range = rangeAt(document, at.graph);
    if (node === undefined) return setMute(at, true)(document);
    if (layer === 'all' || range === undefined || !contains(range, layer))
      return setMute(at, node.mute === undefined || node.mute === false)(document);
    return setMute(at, formatLayers(toggled(mutedLayers(node, range), layer), range.first, range.repeat))(document);
  };

/** Nodes of one shared set use the same parameters; `undefined` gives the node its own. */
export const setShared = (at: ModelNodeAddress, shared: SharedSetId | undefined): Edit =>
  withFields<Node>(at, { shared });

/** A new shared set with these nodes in it. */
export const shareAmong =
  (nodes: readonly ModelNodeAddress[], title: string): Edit =>
  (document) => {
    let id = 'shared_1';
    for (let i = 2; id in document.sharedSets; i++) id = `shared_${i}`;
    const set = sharedSetId(id);
    const withSet = { ...document, sharedSets: withEntry(document.sharedSets, set, title === '' ? {} : { title }) };
    return inTurn(nodes.map((at) => setShared(at, set)))(withSet);
  };

/** Shared sets that no node names any more. */
export function dropUnusedSets(document: Document): EditResult {
  const used = new Set(modelGraphs(document).flatMap((g) => Object.values(g.graph.nodes).map((n) => n.shared)));
  const sharedSets = entriesOf<SharedSetId, unknown>(document.sharedSets).reduce(
    (sets, [id]) => (used.has(id) ? sets : withoutEntry(sets, id)),
    document.sharedSets,
  );
  return ok({ ...document, sharedSets });
}

/** How many sets of parameters a module has: one per layer and place, or one that is shared. */
export function parameterSets(
  document: Document,
  at: ModelNodeAddress,
): { readonly sets: number; readonly sharedBy: number; readonly why: string } {
  const node = nodeAt(document, at);
  const range = rangeAt(document, at.graph);
  if (node === undefined) return { sets: 0, sharedBy: 0, why: '' };
  if (node.shared !== undefined) {
    const users = modelGraphs(document).flatMap((g) =>
      Object.values(g.graph.nodes).filter((n) => n.shared === node.shared),
    );
    return { sets: 1, sharedBy: users.length, why: 'shared set' };
  }
  const layers = range === undefined ? 1 : layersOfNode(node, range).size;
  if (range === undefined || node.scope === undefined || node.scope === 'layer')
    return { sets: layers, sharedBy: 1, why: range === undefined ? 'one place' : 'one per layer' };
  return { sets: 1, sharedBy: layers, why: node.scope === 'stack' ? 'one for the stack' : 'one for the model' };
}

/** Whether a parameter of a node differs by layer anywhere in the document's text. */
export const isLayeredHere = (document: Document, node: Node, name: string): boolean => {
  const held = heldValue(document, node, name);
  return held !== undefined && isLayered(held.value);
};
