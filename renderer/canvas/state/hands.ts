/** What commands and gestures share: the context of edits, the selection as addresses, places on the screen. */
import { figuresOf } from '../model/figures.ts';
import { indexCatalog, NO_TYPES } from '../model/catalog.ts';
import type { WireContext } from '../model/compatible.ts';
import { addressOf } from '../model/address.ts';
import type { Document, Graph, Node } from '../../../engine/protocol/document.ts';
import { graphAt, type ModelAddress } from '../../../engine/protocol/edit.ts';
import type { NodeId } from '../../../engine/protocol/ids.ts';
import type { EditorState } from '../../state/editor.ts';

export function contextOf(state: EditorState, document = state.document): WireContext | undefined {
  if (!document) return undefined;
  return {
    document,
    types: state.catalog ? indexCatalog(state.catalog) : NO_TYPES,
    figures: figuresOf(state.check, state.place.model),
  };
}

export interface Chosen {
  readonly at: ModelAddress;
  readonly graph: Graph;
  /** Selected nodes that exist; notes and groups left out. */
  readonly nodes: readonly NodeId[];
  readonly edges: readonly string[];
  readonly text: string;
}

/** The selection in the model that is shown; with nothing selected, its top graph. */
export function chosenOf(state: EditorState): Chosen | undefined {
  const { document, place, selection } = state;
  if (!document || place.level !== 'model' || place.model === undefined) return undefined;
  const inModel = selection.graph.startsWith(`${place.model}:`);
  const text = inModel ? selection.graph : `${place.model}:`;
  const at = addressOf(text);
  const graph = at && graphAt(document, at);
  if (!at || !graph) return undefined;
  return {
    at,
    graph,
    text,
    nodes: inModel ? selection.nodes.filter((n) => n in graph.nodes) : [],
    edges: inModel ? selection.edges : [],
  };
}

export const nodeOf = (document: Document, at: ModelAddress, id: NodeId): Node | undefined =>
  graphAt(document, at)?.nodes[id];

/** Whether keys belong to a field and not to the canvas. */
export const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
