/** Edits of racks: the order of modules, and moving one to another layer. */
import { connect, disconnect, graphAt, replaceGraph, type EditResult } from '../../../engine/protocol/edit.ts';
import { ok } from '../../../engine/base/result.ts';
import type { Document } from '../../../engine/protocol/document.ts';
import type { NodeId, PortId } from '../../../engine/protocol/ids.ts';
import type { Editor } from '../../state/editor.ts';
import { attachingPort, reorderRack, rackPort } from '../model/attachments.ts';
import { indexCatalog } from '../model/catalog.ts';
import type { SceneNode } from '../model/sceneTypes.ts';
import { because } from '../model/refuse.ts';
import { addressOf, type CanvasNodeId } from '../model/address.ts';

export function orderChips(editor: Editor, scene: SceneNode, order: readonly NodeId[]): void {
  const port = scene.face.chips[0]?.port;
  const at = addressOf(scene.graph);
  if (port === undefined || at === undefined) return;
  editor.edit('Reorder modules', (document) => {
    const graph = graphAt(document, at);
    return graph ? replaceGraph(document, at, reorderRack(graph, scene.node, port as PortId, order)) : document;
  });
}

/** Takes a chip from its rack to another card of the same graph. */
export function moveChip(editor: Editor, scene: SceneNode, chip: NodeId, target: CanvasNodeId): void {
  const { catalog } = editor.store.getState();
  const at = addressOf(scene.graph);
  if (!catalog || at === undefined) return;
  const types = indexCatalog(catalog);
  const container = at.path.join('/');
  const inSame = container === '' ? !target.includes('/') : target.startsWith(`${container}/`);
  const id = target.split('/').at(-1) as NodeId;
  if (!inSame || target !== [...at.path, id].join('/')) {
    editor.toast('warning', 'A module stays in its stack: the other card is on the other side of the wall.');
    return;
  }
  editor.edit('Move module', (document): Document | EditResult => {
    const graph = graphAt(document, at);
    const node = graph?.nodes[chip];
    const host = graph?.nodes[id];
    const gives = node === undefined ? undefined : attachingPort(node.type, types);
    const takes = graph && host && gives ? rackPort(id, host, graph, gives.kind, types) : undefined;
    if (!graph || !node || !gives || !takes) {
      return because(`"${id}" has no rack for this module.`, 'Drop it on a linear layer.');
    }
    let next: EditResult = ok(document);
    for (const e of graph.edges.filter((e) => e.from.node === chip)) {
      if (next.ok) next = disconnect(next.value, at, e);
    }
    return next.ok
      ? connect(next.value, at, { from: { node: chip, port: gives.name }, to: { node: id, port: takes.name } })
      : next;
  });
}
