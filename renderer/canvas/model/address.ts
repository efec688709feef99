/** Addresses as the canvas writes them: the text of a graph's address, and paths of nodes within their model. */
import {
  inModel,
  inWorkflow,
  type GraphAddress,
  type ModelAddress,
  type WorkflowAddress,
} from '../../../engine/protocol/edit.ts';
import type { ModelId, NodeId } from '../../../engine/protocol/ids.ts';

/** `layers/query`: the path of a node in its model. */
export type CanvasNodeId = string;

/** The address of a model's graph from its text; nothing for the workflow. */
export function addressOf(graph: string): ModelAddress | undefined {
  const at = anyAddressOf(graph);
  return at?.level === 'model' ? at : undefined;
}

export function workflowAddressOf(graph: string): WorkflowAddress | undefined {
  const at = anyAddressOf(graph);
  return at?.level === 'workflow' ? at : undefined;
}

export function anyAddressOf(graph: string): GraphAddress | undefined {
  const colon = graph.indexOf(':');
  if (colon < 0) return undefined;
  const path = graph.slice(colon + 1);
  const parts = path === '' ? [] : (path.split('/') as NodeId[]);
  const name = graph.slice(0, colon);
  return name === 'workflow' ? inWorkflow(...parts) : inModel(name as ModelId, ...parts);
}

/** The graph and node that a path of the canvas names. */
export function splitId(model: string, id: CanvasNodeId): { readonly graph: string; readonly node: NodeId } {
  const parts = id.split('/');
  return { graph: `${model}:${parts.slice(0, -1).join('/')}`, node: parts.at(-1) as NodeId };
}
