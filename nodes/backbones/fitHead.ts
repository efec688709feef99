/** What the head of a model is made for, and fitting it to the labels of other data. */
import { fail, ok, type Result } from '../../engine/base/result.ts';
import type { Graph, Node } from '../../engine/protocol/document.ts';
import { entriesOf, recordOf, type NodeId } from '../../engine/protocol/ids.ts';

export type TaskKind = 'classification' | 'multilabel' | 'regression' | 'tokens';

/** `outputs` is the number of classes or labels, 1 for a number. */
export interface HeadTask {
  readonly kind: TaskKind;
  readonly outputs: number;
}

const LOSS_OF: { readonly [K in TaskKind]: string } = {
  classification: 'loss.crossEntropy',
  tokens: 'loss.crossEntropy',
  multilabel: 'loss.bce',
  regression: 'loss.mse',
};
const LABELS = 'input.labels';
const HEADS: ReadonlySet<string> = new Set(['head.linear', 'head.roberta']);
const LOSSES: ReadonlySet<string> = new Set(Object.values(LOSS_OF));

const nodesOf = (graph: Graph): (readonly [NodeId, Node])[] => entriesOf<NodeId, Node>(graph.nodes);

const isTask = (value: unknown): value is TaskKind => typeof value === 'string' && Object.hasOwn(LOSS_OF, value);

/** The task of a graph's labels and the outputs of its head; undefined when it has not exactly one of each. */
export function headTask(graph: Graph): HeadTask | undefined {
  const labels = nodesOf(graph).filter(([, n]) => n.type === LABELS);
  const heads = nodesOf(graph).filter(([, n]) => HEADS.has(n.type));
  const kind = labels[0]?.[1].params['task'] ?? 'classification';
  if (labels.length !== 1 || heads.length !== 1 || !isTask(kind)) return undefined;
  return { kind, outputs: Number(heads[0]?.[1].params['outputs'] ?? 2) };
}

/** The same graph for other labels. A head for sequences cannot become one for tokens, because it reads other states. */
export function fitHead(graph: Graph, task: HeadTask): Result<Graph> {
  const present = headTask(graph);
  if (!present) return fail('the model must have exactly one head and one node for labels');
  if ((present.kind === 'tokens') !== (task.kind === 'tokens')) {
    return fail(`a model for ${present.kind} cannot be fitted to data for ${task.kind}`);
  }
  const fitted = (node: Node): Node => {
    if (HEADS.has(node.type)) return { ...node, params: { ...node.params, outputs: task.outputs } };
    if (node.type === LABELS) return { ...node, params: { ...node.params, task: task.kind, classes: task.outputs } };
    return LOSSES.has(node.type) ? { ...node, type: LOSS_OF[task.kind] } : node;
  };
  return ok({ ...graph, nodes: recordOf(nodesOf(graph).map(([id, node]) => [id, fitted(node)] as const)) });
}
