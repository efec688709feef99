/** What commands act on: the selected nodes of a model, with their addresses. */
import type { Document, Node } from '../../../engine/protocol/document.ts';
import { graphAt, type ModelNodeAddress } from '../../../engine/protocol/edit.ts';
import type { Place, Selection } from '../../state/place.ts';
import { parseGraphAddress, subjectOf, type Subject } from './subject.ts';

interface Where {
  readonly document: Document | undefined;
  readonly place: Place;
  readonly selection: Selection;
}

export const subjectIn = ({ document, place, selection }: Where): Subject | undefined =>
  document === undefined ? undefined : subjectOf(document, place, selection);

/** The selected nodes of a model; none when steps are selected. */
export function placesOf({
  document,
  selection,
}: Where): readonly { readonly at: ModelNodeAddress; readonly node: Node }[] {
  const graph = parseGraphAddress(selection.graph);
  if (document === undefined || graph?.level !== 'model') return [];
  const nodes = graphAt(document, graph)?.nodes;
  return selection.nodes.flatMap((id) => {
    const node = nodes?.[id];
    return node === undefined ? [] : [{ at: { graph, node: id }, node }];
  });
}
