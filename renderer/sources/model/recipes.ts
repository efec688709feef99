/** Recipes: parameters that several modules share. Edit one, edit all; a copy of one's own cuts a module loose. */
import { freeName } from '../../../engine/base/freeName.ts';
import { diagnose } from '../../../engine/protocol/messages.ts';
import { ok } from '../../../engine/base/result.ts';
import { effectiveParams, type Document, type Node, type Recipe } from '../../../engine/protocol/document.ts';
import {
  makeIndependent,
  nodeAt,
  replaceNode,
  type EditResult,
  type ModelNodeAddress,
} from '../../../engine/protocol/edit.ts';
import {
  entriesOf,
  isIdentifier,
  recipeId,
  recordOf,
  withEntry,
  withoutEntry,
  type NodeId,
  type RecipeId,
} from '../../../engine/protocol/ids.ts';
import { isLayered, stackValue } from '../../../engine/protocol/params.ts';
import { modelGraphs } from '../../../engine/protocol/walk.ts';

export interface RecipeRow {
  readonly id: RecipeId;
  readonly recipe: Recipe;
  /** `A`, `B`, ... in the order of the document. */
  readonly letter: string;
  readonly users: readonly ModelNodeAddress[];
}

/** `A` to `Z`, then `AA`. */
export function letterAt(index: number): string {
  const letter = String.fromCharCode(65 + (index % 26));
  return index < 26 ? letter : letterAt(Math.floor(index / 26) - 1) + letter;
}

export const letterOf = (document: Document, id: RecipeId): string =>
  letterAt(Object.keys(document.recipes).indexOf(id));

/** All recipes with the nodes that use them. */
export function recipeRows(document: Document): readonly RecipeRow[] {
  const users = new Map<RecipeId, ModelNodeAddress[]>();
  for (const { model, path, graph } of modelGraphs(document)) {
    for (const [node, { recipe }] of entriesOf<NodeId, Node>(graph.nodes)) {
      if (recipe === undefined) continue;
      const list = users.get(recipe);
      const at: ModelNodeAddress = { graph: { level: 'model', model, path }, node };
      if (list) list.push(at);
      else users.set(recipe, [at]);
    }
  }
  return entriesOf<RecipeId, Recipe>(document.recipes).map(([id, recipe], i) => ({
    id,
    recipe,
    letter: letterAt(i),
    users: users.get(id) ?? [],
  }));
}

export const usersOf = (document: Document, id: RecipeId): readonly ModelNodeAddress[] =>
  recipeRows(document).find((r) => r.id === id)?.users ?? [];

/** `r 8, alpha 16`: what differs from a blank form is not known here, so the first few values stand for it. */
export const recipeSummary = (recipe: Recipe): string =>
  Object.entries(recipe.params)
    .slice(0, 3)
    .map(([name, value]) => `${name} ${String(stackValue(value))}${isLayered(value) ? '*' : ''}`)
    .join(', ');

const freshId = (document: Document, base: string): RecipeId =>
  recipeId(freeName(base, (id) => id in document.recipes));

export const renameRecipe =
  (id: RecipeId, title: string) =>
  (document: Document): EditResult => {
    const recipe = document.recipes[id];
    if (recipe === undefined) return ok(document);
    const { title: _before, ...rest } = recipe;
    const named = title.trim() === '' ? rest : { ...rest, title: title.trim() };
    return ok({ ...document, recipes: withEntry(document.recipes, id, named) });
  };

/** A recipe with the same values and no users yet. */
export const duplicateRecipe =
  (id: RecipeId) =>
  (document: Document): EditResult => {
    const recipe = document.recipes[id];
    if (recipe === undefined) return ok(document);
    const base = id.replace(/_\d+$/, '');
    return ok({ ...document, recipes: withEntry(document.recipes, freshId(document, base), recipe) });
  };

/** Every user gets its own copy of the values; the recipe stays, unused. */
export const freeAllUsers =
  (id: RecipeId) =>
  (document: Document): EditResult =>
    usersOf(document, id).reduce<EditResult>(
      (result, at) => (result.ok ? makeIndependent(result.value, at) : result),
      ok(document),
    );

export const deleteRecipes =
  (ids: readonly RecipeId[]) =>
  (document: Document): EditResult => {
    const used = new Set(recipeRows(document).flatMap((r) => (r.users.length > 0 ? [r.id] : [])));
    const recipes = ids.filter((id) => !used.has(id)).reduce((left, id) => withoutEntry(left, id), document.recipes);
    return ok({ ...document, recipes });
  };

export const unusedRecipes = (document: Document): readonly RecipeId[] =>
  recipeRows(document).flatMap((r) => (r.users.length === 0 ? [r.id] : []));

/** Lets nodes use a recipe of their type; their own values go. */
export const useRecipe =
  (nodes: readonly ModelNodeAddress[], id: RecipeId) =>
  (document: Document): EditResult => {
    const recipe = document.recipes[id];
    if (recipe === undefined) return ok(document);
    let current = document;
    for (const at of nodes) {
      const node = nodeAt(current, at);
      if (node === undefined || node.type !== recipe.type) continue;
      const own = recordOf(Object.entries(node.params).filter(([name]) => !(name in recipe.params)));
      current = replaceNode(current, at, { ...node, recipe: id, params: own });
    }
    return ok(current);
  };

/** Makes a recipe of a node's values and lets nodes of the same type use it. */
export const makeRecipe =
  (nodes: readonly ModelNodeAddress[]) =>
  (document: Document): EditResult => {
    const [first] = nodes;
    const node = first && nodeAt(document, first);
    if (node === undefined || first === undefined)
      return { ok: false, error: [diagnose('edit-node-missing', {}, { node: 'nothing', near: [] })] };
    const name = (node.type.split('.').pop() ?? 'recipe').replace(/[^A-Za-z0-9_-]/g, '_');
    const id = freshId(document, isIdentifier(name) ? name : 'recipe');
    const recipe: Recipe = { type: node.type, version: node.version, params: effectiveParams(document, node) };
    return useRecipe(nodes, id)({ ...document, recipes: withEntry(document.recipes, id, recipe) });
  };
