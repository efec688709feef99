/** The order of wires at a port that takes many. */
import { ok } from '../../../engine/base/result.ts';
import { inOrder, type Document, type Edge } from '../../../engine/protocol/document.ts';
import { graphAt, replaceGraph, type EditResult, type GraphAddress } from '../../../engine/protocol/edit.ts';
import { edgeId } from './subject.ts';

/** Moves a wire among those of its port; all of them get numbers, so that the order is written down. */
export const moveWire =
  (at: GraphAddress, edge: Edge, by: number) =>
  (document: Document): EditResult => {
    const graph = graphAt(document, at);
    if (graph === undefined) return ok(document);
    const all = inOrder(graph.edges.filter((e) => e.to.node === edge.to.node && e.to.port === edge.to.port)).map(
      edgeId,
    );
    const from = all.indexOf(edgeId(edge));
    const to = Math.min(all.length - 1, Math.max(0, from + by));
    if (from < 0 || from === to) return ok(document);
    const rest = all.filter((id) => id !== edgeId(edge));
    const order = [...rest.slice(0, to), edgeId(edge), ...rest.slice(to)];
    const edges = graph.edges.map((e) => (all.includes(edgeId(e)) ? { ...e, order: order.indexOf(edgeId(e)) } : e));
    return ok(replaceGraph(document, at, { ...graph, edges }));
  };
