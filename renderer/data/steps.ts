/** Data steps of a workflow: which there are, which table each reads, and edits of what the table means. */
import type { DataPreview } from '../../engine/protocol/api/data.ts';
import type { Document, WorkflowNode } from '../../engine/protocol/document.ts';
import { addStep, connect, inWorkflow, setParam, type EditResult } from '../../engine/protocol/edit.ts';
import { entriesOf, type NodeId, type PortId } from '../../engine/protocol/ids.ts';

export interface DataStep {
  /** `data`, or `sources[mnli]/data` for the copy of an item. */
  readonly id: string;
  readonly title: string;
  readonly type: 'data.table' | 'data.split';
  /** The step in the document; missing for a copy inside a for-each step, which its table of items sets. */
  readonly node: NodeId | undefined;
}

const isData = (step: WorkflowNode): step is WorkflowNode & { type: DataStep['type'] } =>
  step.type === 'data.table' || step.type === 'data.split';

/** All data steps; those of a for-each container once for each of its items. */
export function dataSteps(document: Document): readonly DataStep[] {
  return entriesOf<NodeId, WorkflowNode>(document.workflow.nodes).flatMap(([id, step]): readonly DataStep[] => {
    if (isData(step)) return [{ id, title: step.title ?? id, type: step.type, node: id }];
    const { body } = step;
    if (!body) return [];
    return (step.items ?? [])
      .filter((item) => item.mute !== true)
      .flatMap((item) =>
        entriesOf<NodeId, WorkflowNode>(body.nodes).flatMap(([inner, innerStep]): readonly DataStep[] =>
          isData(innerStep)
            ? [
                {
                  id: `${id}[${item.name}]/${inner}`,
                  title: `${item.name}: ${innerStep.title ?? inner}`,
                  type: innerStep.type,
                  node: undefined,
                },
              ]
            : [],
        ),
      );
  });
}

/** The table whose rows a step gives: itself, or what a split takes. */
export function tableOf(document: Document, step: NodeId | undefined): NodeId | undefined {
  const seen = new Set<NodeId>();
  let at = step;
  while (at !== undefined && !seen.has(at)) {
    seen.add(at);
    const node: WorkflowNode | undefined = document.workflow.nodes[at];
    if (node?.type === 'data.table') return at;
    const current: NodeId = at;
    at = document.workflow.edges.find((e) => e.to.node === current && e.to.port === 'data')?.from.node;
  }
  return undefined;
}

/** The training step whose length limit cuts the texts of the data. */
export function trainingOf(document: Document): NodeId | undefined {
  return entriesOf<NodeId, WorkflowNode>(document.workflow.nodes).findLast(([, step]) => step.type === 'train')?.[0];
}

/** Changes when anything changes that rows or checks depend on, and with nothing else. */
export function dataKey(document: Document, project: string): string {
  const parts = entriesOf<NodeId, WorkflowNode>(document.workflow.nodes).map(([id, step]) => [
    id,
    step.type,
    isData(step) || step.body ? step.params : undefined,
    step.type === 'train' ? step.params['maxLength' as never] : undefined,
    step.type === 'model' ? step.params['backbone' as never] : undefined,
    step.items,
    step.body,
  ]);
  return JSON.stringify([project, parts, document.workflow.edges]);
}

export type ColumnRole = 'text' | 'second' | 'label' | 'none';

/** The role of a column, of the columns that are used now. */
export function roleOf(column: string, text: readonly string[], label: readonly string[]): ColumnRole {
  if (label.includes(column)) return 'label';
  const at = text.indexOf(column);
  return at < 0 ? 'none' : at === 0 ? 'text' : 'second';
}

/** The columns after one got another role. There are at most two texts, and a column has one role. */
export function withRole(
  column: string,
  role: ColumnRole,
  text: readonly string[],
  label: readonly string[],
  manyLabels: boolean,
): { readonly text: readonly string[]; readonly label: readonly string[] } {
  const texts = text.filter((c) => c !== column);
  const labels = label.filter((c) => c !== column);
  switch (role) {
    case 'text':
      return { text: [column, ...texts.slice(1, 2)], label: labels };
    case 'second':
      return { text: [...texts.slice(0, 1), column], label: labels };
    case 'label':
      return { text: texts, label: manyLabels ? [...labels, column] : [column] };
    case 'none':
      return { text: texts, label: labels };
  }
}

interface TableSetting {
  readonly file?: string;
  readonly task?: string;
  readonly text?: readonly string[];
  readonly label?: readonly string[];
}

/** The document with settings of a data table changed, as one edit. */
export function setTable(document: Document, step: NodeId, setting: TableSetting): Document | EditResult {
  let result = document;
  for (const [param, value] of Object.entries(setting) as [string, string | readonly string[]][]) {
    const next = setParam(result, { graph: inWorkflow(), node: step }, param, value);
    if (!next.ok) return next;
    result = next.value;
  }
  return result;
}

/** A new data table with what was guessed of its file; it feeds a training step that has no data yet. */
export function addTable(document: Document, file: string, guess: DataPreview | undefined): Document | EditResult {
  let id = 'data';
  for (let n = 2; document.workflow.nodes[id as NodeId] !== undefined; n++) id = `data${n}`;
  const added = addStep(document, inWorkflow(), id, {
    type: 'data.table',
    version: 1,
    params: {
      file,
      ...(guess ? { task: guess.task, text: [...guess.text], label: [...guess.label] } : {}),
    },
  });
  if (!added.ok) return added;
  const train = entriesOf<NodeId, WorkflowNode>(document.workflow.nodes).find(
    ([node, step]) =>
      step.type === 'train' && !document.workflow.edges.some((e) => e.to.node === node && e.to.port === 'data'),
  )?.[0];
  if (train === undefined) return added;
  const port = 'data' as PortId;
  return connect(added.value, inWorkflow(), { from: { node: id as NodeId, port }, to: { node: train, port } });
}
