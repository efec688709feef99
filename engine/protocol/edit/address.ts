/**
 * Addresses of graphs and nodes, and their text: `main:stack/q` is node `q` in the stack of model `main`,
 * `workflow:train` a step. Reading and replacing a graph by its address is the one primitive of all edits.
 */
import { freeName } from '../../base/freeName.ts';
import { must, type Diagnostic } from '../../base/errors.ts';
import { fail, ok, type Result } from '../../base/result.ts';
import type { AnyGraph, AnyNode, Document, Graph, Node } from '../document.ts';
import { entriesOf, nodeId, withEntry, type ModelId, type NodeId } from '../ids.ts';
import { diagnose } from '../messages.ts';
import { isKept, modelGraphs, nodePath, workflowGraphs } from '../walk.ts';

export interface ModelAddress {
  readonly level: 'model';
  readonly model: ModelId;
  /** The containers from the outside in. */
  readonly path: readonly NodeId[];
}
export interface WorkflowAddress {
  readonly level: 'workflow';
  readonly path: readonly NodeId[];
}
export type GraphAddress = ModelAddress | WorkflowAddress;
export interface NodeAddress {
  readonly graph: GraphAddress;
  readonly node: NodeId;
}
/** Address of a node of a model. */
export interface ModelNodeAddress extends NodeAddress {
  readonly graph: ModelAddress;
}

/** A new document, or why there is none. The document that was given is never changed. */
export type EditResult = Result<Document, readonly Diagnostic[]>;

export const refuse = (...diagnostics: readonly Diagnostic[]): Result<never, readonly Diagnostic[]> =>
  fail(diagnostics);

export const inModel = (model: ModelId, ...path: readonly NodeId[]): ModelAddress => ({ level: 'model', model, path });
export const inWorkflow = (...path: readonly NodeId[]): WorkflowAddress => ({ level: 'workflow', path });

export const formatGraphAddress = (at: GraphAddress): string =>
  `${at.level === 'workflow' ? 'workflow' : at.model}:${at.path.join('/')}`;
export const formatNodeAddress = ({ graph, node }: NodeAddress): string =>
  `${graph.level === 'workflow' ? 'workflow' : graph.model}:${nodePath(graph.path, node)}`;

export const placeOfNode = ({ graph, node }: NodeAddress) =>
  graph.level === 'workflow'
    ? { node: nodePath(graph.path, node) }
    : { model: graph.model, node: nodePath(graph.path, node) };

export function graphAt(document: Document, at: ModelAddress): Graph | undefined;
export function graphAt(document: Document, at: GraphAddress): AnyGraph | undefined;
export function graphAt(document: Document, at: GraphAddress): AnyGraph | undefined {
  let graph: AnyGraph | undefined = at.level === 'workflow' ? document.workflow : document.models[at.model];
  for (const id of at.path) graph = graph?.nodes[id]?.body;
  return graph;
}

export function nodeAt(document: Document, at: ModelNodeAddress): Node | undefined;
export function nodeAt(document: Document, at: NodeAddress): AnyNode | undefined;
export function nodeAt(document: Document, at: NodeAddress): AnyNode | undefined {
  return graphAt(document, at.graph)?.nodes[at.node];
}

/** The settings of the stack whose body the address names. */
export const stackAt = (document: Document, at: GraphAddress): Node['stack'] => {
  const container = at.path.at(-1);
  if (at.level === 'workflow' || container === undefined) return undefined;
  return nodeAt(document, { graph: { ...at, path: at.path.slice(0, -1) }, node: container })?.stack;
};

/** The document with the graph at an address replaced; the address must exist, and the kind of graph must be its own. */
export function replaceGraph(document: Document, at: GraphAddress, graph: AnyGraph): Document {
  if (at.level === 'workflow') return { ...document, workflow: replaceBody(document.workflow, at.path, graph) };
  const top = must(document.models[at.model], `model "${at.model}" exists`);
  return { ...document, models: withEntry(document.models, at.model, replaceBody(top, at.path, graph)) };
}

/** Both levels have the same shape, so one function serves both; the replacement is of the same kind as the graph. */
function replaceBody<G extends AnyGraph>(graph: G, path: readonly NodeId[], replacement: AnyGraph): G {
  const [id, ...rest] = path;
  if (id === undefined) return replacement as G;
  const node: AnyNode = must(graph.nodes[id], `container "${id}" exists`);
  const body = replaceBody(must(node.body, `container "${id}" has a body`), rest, replacement);
  return { ...graph, nodes: withEntry<NodeId, AnyNode>(graph.nodes, id, { ...node, body }) };
}

/** The document with one node replaced. */
export function replaceNode(document: Document, at: NodeAddress, node: AnyNode): Document {
  const graph = must(graphAt(document, at.graph), `graph ${formatGraphAddress(at.graph)} exists`);
  const nodes = withEntry<NodeId, AnyNode>(graph.nodes, at.node, node);
  return replaceGraph(document, at.graph, { ...graph, nodes });
}

/** A node that may be edited: it exists, and its type is known to the reader. */
export function editableNode(document: Document, at: ModelNodeAddress): Result<Node, readonly Diagnostic[]>;
export function editableNode(document: Document, at: NodeAddress): Result<AnyNode, readonly Diagnostic[]>;
export function editableNode(document: Document, at: NodeAddress): Result<AnyNode, readonly Diagnostic[]> {
  const graph = graphAt(document, at.graph);
  if (graph === undefined) return refuse(diagnose('edit-graph-missing', {}, { graph: formatGraphAddress(at.graph) }));
  const node: AnyNode | undefined = graph.nodes[at.node];
  if (node === undefined) {
    const facts = { node: formatNodeAddress(at), near: Object.keys(graph.nodes) };
    return refuse(diagnose('edit-node-missing', {}, facts));
  }
  return isKept(node) ? refuse(diagnose('edit-node-kept', placeOfNode(at), { type: node.type })) : ok(node);
}

/**
 * The node that a text names: a whole address (`main:stack/q`), or any ending of a path (`q`, `stack/q`) that fits one
 * node only.
 */
export function findNode(document: Document, text: string): Result<NodeAddress, readonly Diagnostic[]> {
  const all = allNodes(document);
  const exact = all.filter((a) => formatNodeAddress(a) === text);
  const matches = exact.length > 0 ? exact : all.filter((a) => endsWithPath(a, text));
  const [match] = matches;
  if (match === undefined) {
    return refuse(diagnose('edit-node-missing', {}, { node: text, near: all.map((a) => a.node) }));
  }
  if (matches.length > 1) {
    const facts = { node: text, matches: matches.map(formatNodeAddress) };
    return refuse(diagnose('edit-node-ambiguous', {}, facts));
  }
  return ok(match);
}

const endsWithPath = ({ graph, node }: NodeAddress, text: string): boolean =>
  `/${nodePath(graph.path, node)}`.endsWith(`/${text}`);

function allNodes(document: Document): readonly NodeAddress[] {
  const steps = workflowGraphs(document).flatMap(({ path, graph }) =>
    entriesOf(graph.nodes).map(([node]) => ({ graph: inWorkflow(...path), node })),
  );
  const nodes = modelGraphs(document).flatMap(({ model, path, graph }) =>
    entriesOf(graph.nodes).map(([node]) => ({ graph: inModel(model, ...path), node })),
  );
  return [...steps, ...nodes];
}

/** The wanted id, shortened, or with the first number that no node of the graph has: `lora`, then `lora_2`. */
export function freeNodeId(graph: { readonly nodes: object }, wanted: string): NodeId {
  return nodeId(freeName(wanted.slice(0, 120), (id) => id in graph.nodes));
}
