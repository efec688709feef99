/** Leads from a finding of a run to the place in the graph that it speaks of. */
import type { Place as Where } from '../../engine/base/errors.ts';
import type { Document } from '../../engine/protocol/document.ts';
import type { ModelId, NodeId } from '../../engine/protocol/ids.ts';
import { formatGraphAddress, inModel, inWorkflow } from '../../engine/protocol/edit.ts';
import type { Editor } from '../state/editor.ts';

/** Steps of a path, without the numbers of layers and the items of for-each steps. */
const stepsOf = (path: string): readonly NodeId[] =>
  path
    .split('/')
    .map((part) => part.replace(/\[.*\]$/, ''))
    .filter((part) => part !== '' && part !== '*' && !/^\d+$/.test(part)) as NodeId[];

/** Whether there is a place to go to. */
export const hasPlace = (where: Where): boolean => where.node !== undefined || where.model !== undefined;

export function showPlace(editor: Editor, where: Where): void {
  const document = editor.store.getState().document;
  if (!document || !hasPlace(where)) return;
  const layer = where.layer ?? layerOf(where.node);
  const model = where.model as ModelId | undefined;
  if (model !== undefined && document.models[model]) {
    editor.goTo({ level: 'model', model, ...(layer === undefined ? {} : { layer }) });
  } else editor.goTo({ level: 'workflow' });
  if (where.node === undefined) return;
  const found = longestPath(document, model, stepsOf(where.node));
  const id = found.at(-1);
  if (id === undefined) return;
  const path = found.slice(0, -1);
  const graph = formatGraphAddress(model === undefined ? inWorkflow(...path) : inModel(model, ...path));
  editor.select({ graph, nodes: [id], edges: [] });
}

const layerOf = (path: string | undefined): number | undefined => {
  const number = path === undefined ? undefined : /(?:^|\/)(\d+)(?:\/|$)/.exec(path)?.[1];
  return number === undefined ? undefined : Number(number);
};

/** The nodes of a path as far as the document has them. */
function longestPath(document: Document, model: ModelId | undefined, path: readonly NodeId[]): readonly NodeId[] {
  let nodes: Readonly<Record<string, { readonly body?: { readonly nodes: object } }>> | undefined =
    model === undefined ? document.workflow.nodes : document.models[model]?.nodes;
  const found: NodeId[] = [];
  for (const id of path) {
    const node: { readonly body?: { readonly nodes: object } } | undefined = nodes?.[id];
    if (!node) break;
    found.push(id);
    nodes = node.body?.nodes as typeof nodes;
  }
  return found;
}
