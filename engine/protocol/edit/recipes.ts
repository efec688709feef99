/** Recipes: attachments made together share one, and a node can be cut loose from it. */
import { ok } from '../../base/result.ts';
import { effectiveParams, type Document } from '../document.ts';
import { diagnose } from '../messages.ts';
import {
  editableNode,
  formatNodeAddress,
  placeOfNode,
  refuse,
  replaceNode,
  type EditResult,
  type ModelNodeAddress,
} from './address.ts';

/** Gives a node its own copy of its recipe's parameters. The recipe stays for its other users. */
export function makeIndependent(document: Document, at: ModelNodeAddress): EditResult {
  const found = editableNode(document, at);
  if (!found.ok) return found;
  const { recipe: id, ...node } = found.value;
  const recipe = id === undefined ? undefined : document.recipes[id];
  if (recipe === undefined) {
    return refuse(diagnose('edit-no-recipe', placeOfNode(at), { node: formatNodeAddress(at) }));
  }
  if (recipe.raw !== undefined) return refuse(diagnose('edit-node-kept', placeOfNode(at), { type: recipe.type }));
  return ok(replaceNode(document, at, { ...node, params: effectiveParams(document, found.value) }));
}
