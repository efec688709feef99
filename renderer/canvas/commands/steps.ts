/** Adding and removing steps of the workflow. */
import {
  addStep,
  freeNodeId,
  graphAt,
  removeNode,
  disconnect,
  type EditResult,
} from '../../../engine/protocol/edit.ts';
import { ok } from '../../../engine/base/result.ts';
import type { WorkflowNode } from '../../../engine/protocol/document.ts';
import type { ModelId, NodeId } from '../../../engine/protocol/ids.ts';
import { withGraphView, type Point } from '../../../engine/protocol/view.ts';
import type { Editor } from '../../state/editor.ts';
import { workflowAddressOf } from '../model/address.ts';
import { snapped } from '../model/card.ts';
import { because } from '../model/refuse.ts';
import { edgeId } from '../model/scene.ts';

export function addStepAt(editor: Editor, type: string, place: { readonly graph: string; readonly at: Point }): void {
  const { catalog } = editor.store.getState();
  const info = catalog?.steps.find((s) => s.type === type);
  const at = workflowAddressOf(place.graph);
  if (!info || !at) return;
  const drawn = editor.canvas.current?.positions(place.graph) ?? {};
  let made: NodeId | undefined;
  const done = editor.edit(`Add ${info.title}`, (document): EditResult => {
    const graph = graphAt(document, at);
    const model = Object.keys(document.models)[0] as ModelId | undefined;
    if (!graph) return because('The container is not there any more.', 'Try again.');
    if (info.model && model === undefined) return because('The document has no model yet.', 'Open a backbone first.');
    const id = freeNodeId(graph, type.split('.').at(0) ?? 'step');
    made = id;
    const step: WorkflowNode = {
      type,
      version: info.version,
      params: {},
      ...(info.model && model !== undefined ? { model } : {}),
    };
    const added = addStep(document, at, id, step);
    return added.ok
      ? ok(
          withGraphView(added.value, place.graph, (v) => ({
            ...v,
            positions: { ...drawn, ...v.positions, [id]: { x: snapped(place.at.x), y: snapped(place.at.y) } },
          })),
        )
      : added;
  });
  if (done && made !== undefined) editor.select({ graph: place.graph, nodes: [made], edges: [] });
}

/** Removes the selected steps and wires of the workflow. */
export function removeSteps(editor: Editor, label: string): void {
  const { selection } = editor.store.getState();
  const at = workflowAddressOf(selection.graph);
  if (!at) return;
  editor.edit(
    label,
    (document): EditResult => {
      let next: EditResult = ok(document);
      for (const e of graphAt(document, at)?.edges ?? []) {
        if (next.ok && selection.edges.includes(edgeId(e))) next = disconnect(next.value, at, e);
      }
      for (const node of selection.nodes) {
        if (next.ok && node in (graphAt(next.value, at)?.nodes ?? {}))
          next = removeNode(next.value, { graph: at, node });
      }
      return next;
    },
    { select: { graph: selection.graph, nodes: [], edges: [] } },
  );
}
