/** Crossing the levels: a promoted port has the same name on the step and on the node inside of its model. */
import type { NodeId } from '../../../engine/protocol/ids.ts';
import { entriesOf } from '../../../engine/protocol/ids.ts';
import type { WorkflowNode } from '../../../engine/protocol/document.ts';
import { formatGraphAddress, inModel } from '../../../engine/protocol/edit.ts';
import type { Editor } from '../../state/editor.ts';

export function jumpAcross(editor: Editor, id: string, port: string): void {
  const { document, place } = editor.store.getState();
  if (!document) return;
  if (place.level === 'workflow') {
    const model = stepAt(document.workflow.nodes, id.split('/'))?.model;
    const promoted = model && document.models[model]?.promoted?.find((p) => p.name === port);
    if (model !== undefined && promoted) {
      editor.reveal(
        { level: 'model', model, view: 'graph' },
        { graph: `${model}:`, nodes: [promoted.node], edges: [] },
      );
    }
    return;
  }
  const outer = id.split('/').slice(0, -1);
  const container = outer.pop();
  // Inside of a stack the other end is on the stack, one level up.
  if (container !== undefined && place.model !== undefined) {
    const graph = formatGraphAddress(inModel(place.model, ...(outer as NodeId[])));
    editor.reveal({ level: 'model' }, { graph, nodes: [container as NodeId], edges: [] });
    return;
  }
  const user = entriesOf<NodeId, WorkflowNode>(document.workflow.nodes).find(([, s]) => s.model === place.model);
  if (user) editor.reveal({ level: 'workflow' }, { graph: 'workflow:', nodes: [user[0]], edges: [] });
}

/** Opens the model that a step uses. */
export function openModelOf(editor: Editor, id: string): boolean {
  const { document } = editor.store.getState();
  const step = document && stepAt(document.workflow.nodes, id.split('/'));
  if (step?.model === undefined) return false;
  editor.goTo({ level: 'model', model: step.model, view: 'graph' });
  return true;
}

function stepAt(nodes: Readonly<Record<string, WorkflowNode>>, path: readonly string[]): WorkflowNode | undefined {
  const [first, ...rest] = path;
  const step = first === undefined ? undefined : nodes[first];
  return rest.length === 0 ? step : step?.body && stepAt(step.body.nodes, rest);
}
