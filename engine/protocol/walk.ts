/** Walks over all graphs of a document without recursion, with the place of each for messages. */
import type { Place } from '../base/errors.ts';
import type { Document, Edge, Graph, Node, StackSettings, Workflow, WorkflowNode } from './document.ts';
import { entriesOf, type ModelId, type NodeId } from './ids.ts';

/** A graph of a model: its top, or the body of the stack at the end of `path`. */
export interface ModelGraph {
  readonly model: ModelId;
  /** The containers from the outside in. */
  readonly path: readonly NodeId[];
  readonly graph: Graph;
  /** The settings of the innermost stack around the graph. */
  readonly stack?: StackSettings;
}

/** The workflow, or the body of the for-each step at the end of `path`. */
export interface WorkflowGraph {
  readonly path: readonly NodeId[];
  readonly graph: Workflow;
  /** The for-each step whose body this is. */
  readonly container?: WorkflowNode;
}

/** All graphs of all models, outer ones before their bodies. A body of a node that is no stack counts as outside stacks. */
export function modelGraphs(document: Document): readonly ModelGraph[] {
  const found: ModelGraph[] = entriesOf(document.models).map(([model, graph]) => ({ model, path: [], graph }));
  for (let i = 0; i < found.length; i++) {
    const { model, path, graph } = found[i] as ModelGraph;
    for (const [id, node] of entriesOf(graph.nodes)) {
      if (node.body === undefined) continue;
      const inner = { model, path: [...path, id], graph: node.body };
      found.push(node.stack === undefined ? inner : { ...inner, stack: node.stack });
    }
  }
  return found;
}

/** The workflow and the bodies of its for-each steps, outer ones first. */
export function workflowGraphs(document: Document): readonly WorkflowGraph[] {
  const found: WorkflowGraph[] = [{ path: [], graph: document.workflow }];
  for (let i = 0; i < found.length; i++) {
    const { path, graph } = found[i] as WorkflowGraph;
    for (const [id, node] of entriesOf(graph.nodes)) {
      if (node.body !== undefined) found.push({ path: [...path, id], graph: node.body, container: node });
    }
  }
  return found;
}

/** `stack/q`: a node with its containers. */
export const nodePath = (path: readonly NodeId[], id: NodeId): string => [...path, id].join('/');

/** `a.out -> b.in` */
export const edgeWords = (edge: Pick<Edge, 'from' | 'to'>): string =>
  `${edge.from.node}.${edge.from.port} -> ${edge.to.node}.${edge.to.port}`;

export const modelPlace = (at: { readonly model: ModelId; readonly path: readonly NodeId[] }, id?: NodeId): Place =>
  id === undefined && at.path.length === 0
    ? { model: at.model }
    : { model: at.model, node: id === undefined ? at.path.join('/') : nodePath(at.path, id) };

export const stepPlace = (at: { readonly path: readonly NodeId[] }, id?: NodeId): Place =>
  id === undefined && at.path.length === 0
    ? {}
    : { node: id === undefined ? at.path.join('/') : nodePath(at.path, id) };

/** Whether the node's type is unknown and only its text is kept. */
export const isKept = (node: Node | WorkflowNode): boolean => node.raw !== undefined;
