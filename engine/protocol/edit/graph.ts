/** Adding and removing nodes and wires. A wire that the document itself can see to be wrong is refused with the reason. */
import { ok } from '../../base/result.ts';
import type { AnyGraph, AnyNode, Document, Edge, Node, WorkflowNode } from '../document.ts';
import { isIdentifier, withEntry, withoutEntry, type NodeId } from '../ids.ts';
import { diagnose } from '../messages.ts';
import { checkEdge, successorsOf } from '../structure/wiring.ts';
import { edgeWords } from '../walk.ts';
import {
  formatGraphAddress,
  formatNodeAddress,
  graphAt,
  placeOfNode,
  refuse,
  replaceGraph,
  stackAt,
  type EditResult,
  type GraphAddress,
  type ModelAddress,
  type NodeAddress,
  type WorkflowAddress,
} from './address.ts';

/** Adds a node to a model or to the body of a stack. */
export const addNode = (document: Document, at: ModelAddress, id: string, node: Node): EditResult =>
  add(document, at, id, node);

/** Adds a step to the workflow or to the body of a for-each step. */
export const addStep = (document: Document, at: WorkflowAddress, id: string, step: WorkflowNode): EditResult =>
  add(document, at, id, step);

function add(document: Document, at: GraphAddress, id: string, node: AnyNode): EditResult {
  const graph = graphAt(document, at);
  if (graph === undefined) return refuse(diagnose('edit-graph-missing', {}, { graph: formatGraphAddress(at) }));
  if (!isIdentifier(id)) return refuse(diagnose('edit-name', {}, { name: id }));
  const address = { graph: at, node: id as NodeId };
  if (id in graph.nodes) {
    return refuse(diagnose('edit-node-exists', placeOfNode(address), { node: formatNodeAddress(address) }));
  }
  const nodes = withEntry<NodeId, AnyNode>(graph.nodes, address.node, node);
  return ok(replaceGraph(document, at, { ...graph, nodes }));
}

/** Removes a node with its wires and its promoted ports. A node of unknown type may be removed too. */
export function removeNode(document: Document, at: NodeAddress): EditResult {
  const graph = graphAt(document, at.graph);
  if (graph === undefined) return refuse(diagnose('edit-graph-missing', {}, { graph: formatGraphAddress(at.graph) }));
  if (!(at.node in graph.nodes)) {
    const facts = { node: formatNodeAddress(at), near: Object.keys(graph.nodes) };
    return refuse(diagnose('edit-node-missing', {}, facts));
  }
  const left = {
    ...graph,
    nodes: withoutEntry<NodeId, AnyNode>(graph.nodes, at.node),
    edges: graph.edges.filter((e) => e.from.node !== at.node && e.to.node !== at.node),
    ...('promoted' in graph && graph.promoted !== undefined
      ? { promoted: graph.promoted.filter((p) => p.node !== at.node) }
      : {}),
  };
  return ok(replaceGraph(document, at.graph, left as AnyGraph));
}

/** Adds a wire. Refused: ends that do not exist, wires and order numbers twice, wrong wall and stack ports, and cycles. */
export function connect(document: Document, at: GraphAddress, edge: Edge): EditResult {
  const graph = graphAt(document, at);
  if (graph === undefined) return refuse(diagnose('edit-graph-missing', {}, { graph: formatGraphAddress(at) }));
  const place = (id?: NodeId) =>
    id === undefined ? (at.level === 'model' ? { model: at.model } : {}) : placeOfNode({ graph: at, node: id });
  const stack = stackAt(document, at);
  const context = { place, isBody: at.path.length > 0, ...(stack === undefined ? {} : { stack }) };
  const wrong = checkEdge(edge, graph, context);
  if (wrong.length > 0) return refuse(...wrong);
  const where = { ...place(edge.to.node), port: edge.to.port };
  const words = edgeWords(edge);
  const cycle = pathBetween(graph, edge.to.node, edge.from.node);
  if (cycle !== undefined) return refuse(diagnose('edit-edge-cycle', where, { edge: words, cycle }));
  return ok(replaceGraph(document, at, { ...graph, edges: [...graph.edges, edge] }));
}

/** Removes the wire with these two ends. */
export function disconnect(document: Document, at: GraphAddress, edge: Pick<Edge, 'from' | 'to'>): EditResult {
  const graph = graphAt(document, at);
  if (graph === undefined) return refuse(diagnose('edit-graph-missing', {}, { graph: formatGraphAddress(at) }));
  const edges = graph.edges.filter((e) => !sameEnds(e, edge));
  if (edges.length === graph.edges.length) {
    return refuse(diagnose('edit-edge-missing', {}, { edge: edgeWords(edge) }));
  }
  return ok(replaceGraph(document, at, { ...graph, edges }));
}

export const sameEnds = (a: Pick<Edge, 'from' | 'to'>, b: Pick<Edge, 'from' | 'to'>): boolean =>
  a.from.node === b.from.node && a.from.port === b.from.port && a.to.node === b.to.node && a.to.port === b.to.port;

/** A shortest path along the wires, or `undefined`; breadth-first, so that depth does not matter. */
function pathBetween(graph: AnyGraph, from: NodeId, to: NodeId): readonly NodeId[] | undefined {
  const next = successorsOf(graph);
  const cameFrom = new Map<NodeId, NodeId | undefined>([[from, undefined]]);
  const queue = [from];
  for (let i = 0; i < queue.length && !cameFrom.has(to); i++) {
    const node = queue[i] as NodeId;
    for (const id of next(node)) {
      if (cameFrom.has(id)) continue;
      cameFrom.set(id, node);
      queue.push(id);
    }
  }
  if (!cameFrom.has(to)) return undefined;
  const path: NodeId[] = [];
  for (let id: NodeId | undefined = to; id !== undefined; id = cameFrom.get(id)) path.unshift(id);
  return path;
}
