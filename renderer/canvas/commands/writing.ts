/** Texts that are written on the canvas: titles of nodes and groups, notes. */
import { nodeAt, replaceNode } from '../../../engine/protocol/edit.ts';
import type { Document } from '../../../engine/protocol/document.ts';
import { graphViewOf, withGraphView } from '../../../engine/protocol/view.ts';
import type { Place } from '../../state/place.ts';
import { anyAddressOf, splitId } from '../model/address.ts';

/** The document with the title of what the canvas calls `id`; an empty title gives the node its type's own. */
export function withText(document: Document, place: Place, id: string, text: string): Document {
  const frame = /^(group|note):(.*):([^:]+)$/.exec(id);
  if (frame) {
    const [, kind, graph, key] = frame as unknown as [string, string, string, string];
    return withGraphView(document, graph, (v) => {
      const group = v.groups[key];
      const note = v.notes[key];
      if (kind === 'group' && group) return { ...v, groups: { ...v.groups, [key]: { ...group, title: text } } };
      if (kind === 'note' && note) return { ...v, notes: { ...v.notes, [key]: { ...note, text } } };
      return v;
    });
  }
  const owner = place.level === 'workflow' ? 'workflow' : (place.model ?? '');
  const { graph, node } = splitId(owner, id);
  const at = anyAddressOf(graph);
  const found = at && nodeAt(document, { graph: at, node });
  if (!at || !found || found.raw !== undefined) return document;
  const { title: _, ...rest } = found;
  return replaceNode(document, { graph: at, node }, text === '' ? rest : { ...found, title: text.slice(0, 1000) });
}

/** A key that a group or note of a graph does not have yet. */
export function freeKey(document: Document, graph: string, kind: 'groups' | 'notes'): string {
  const taken = graphViewOf(document, graph)[kind];
  const stem = kind === 'groups' ? 'group' : 'note';
  for (let i = 1; ; i++) if (!(`${stem}${i}` in taken)) return `${stem}${i}`;
}
