/** What the workflow is given from outside: the node types and what only nodes know. Nothing here is imported from nodes. */
import type { Result } from '../base/result.ts';
import type { NodeRegistry } from '../compile/registry.ts';
import type { TaskKind } from '../data/task.ts';
import type { Document, Graph } from '../protocol/document.ts';
import type { ModelId } from '../protocol/ids.ts';

/** What the head of a model is made for. `outputs` is the number of classes or labels, 1 for a number. */
export interface HeadTask {
  readonly kind: TaskKind;
  readonly outputs: number;
}

export interface Toolkit {
  readonly registry: NodeRegistry;
  /** The graph with its head, labels and loss made for a task; fails in words when the head cannot serve it. */
  readonly fitHead: (graph: Graph, task: HeadTask) => Result<Graph>;
  /** What the head of a graph is made for; undefined when the graph has no labels or no head that says so. */
  readonly headTask: (graph: Graph) => HeadTask | undefined;
  /** The row of the first position, and how many tokens a text may have. */
  readonly textLimits: (
    document: Document,
    model: ModelId,
  ) => { readonly firstPosition: number; readonly longest: number };
}
