/** Commands of recipes, source banks and for-each containers. */
import { makeIndependent } from '../../engine/protocol/edit.ts';
import type { UiCommand } from '../commands/command.ts';
import { inTurn } from '../inspector/model/edits.ts';
import { placesOf, subjectIn } from '../inspector/model/chosen.ts';
import type { Editor, EditorState } from '../state/editor.ts';
import { addBank, freshBankId } from './model/banks.ts';
import { addItem } from './model/forEach.ts';
import { deleteRecipes, makeRecipe, unusedRecipes } from './model/recipes.ts';

const noProject = (s: EditorState): string | undefined =>
  s.document === undefined ? 'No project is open.' : undefined;

const noModules = (s: EditorState): string | undefined =>
  placesOf(s).length === 0 ? 'Select modules of a model first.' : undefined;

const noRecipe = (s: EditorState): string | undefined => {
  const { document } = s;
  if (document === undefined) return 'No project is open.';
  return placesOf(s).some(({ node }) => node.recipe !== undefined) ? undefined : 'Select modules that use a recipe.';
};

const forEachOf = (s: EditorState) => {
  const subject = subjectIn(s);
  return subject?.kind === 'for-each' ? subject.at : undefined;
};

const noForEach = (s: EditorState): string | undefined =>
  forEachOf(s) === undefined ? 'Select a for-each step on the workflow first.' : undefined;

export const sourcesCommands: readonly UiCommand[] = [
  {
    id: 'recipes.list',
    title: 'Show all recipes',
    group: 'Graph',
    words: ['shared settings', 'users'],
    unavailable: noProject,
    run: (editor) => editor.set({ overlay: 'recipes' }),
  },
  {
    id: 'recipes.make',
    title: 'Make a recipe of the selected modules',
    group: 'Graph',
    words: ['share settings'],
    unavailable: noModules,
    run: (editor) => void editor.edit('Make a recipe', makeRecipe(placesOf(editor.store.getState()).map((p) => p.at))),
  },
  {
    id: 'recipes.independent',
    title: 'Make selected modules independent of their recipe',
    group: 'Graph',
    words: ['cut', 'detach', 'copy of its own'],
    unavailable: noRecipe,
    run: (editor) => {
      const users = placesOf(editor.store.getState()).filter((p) => p.node.recipe !== undefined);
      editor.edit(
        'Make independent',
        inTurn(
          users.map(
            ({ at }) =>
              (document) =>
                makeIndependent(document, at),
          ),
        ),
      );
    },
  },
  {
    id: 'recipes.deleteUnused',
    title: 'Delete unused recipes',
    group: 'Graph',
    unavailable: (s) =>
      s.document === undefined
        ? 'No project is open.'
        : unusedRecipes(s.document).length === 0
          ? 'Every recipe is in use.'
          : undefined,
    run: (editor) => void editor.edit('Delete unused recipes', (d) => deleteRecipes(unusedRecipes(d))(d)),
  },
  {
    id: 'sources.list',
    title: 'Show source banks',
    group: 'Graph',
    words: ['adapters', 'fusion', 'scalearn'],
    unavailable: noProject,
    run: (editor) => editor.set({ overlay: 'sources' }),
  },
  {
    id: 'sources.newBank',
    title: 'New source bank',
    group: 'Add',
    unavailable: noProject,
    run: (editor: Editor) => {
      editor.edit('Add source bank', (d) => addBank(freshBankId(d))(d));
      editor.set({ overlay: 'sources' });
    },
  },
  {
    id: 'sources.attach',
    title: 'Attach sources to a model',
    group: 'Add',
    words: ['fusion', 'scalearn', 'average', 'wizard', 'mixture'],
    unavailable: noProject,
    run: (editor) => editor.set({ overlay: 'attach-sources' }),
  },
  {
    id: 'sources.items',
    title: 'Edit the items of the for-each step',
    group: 'Data',
    words: ['table of sources'],
    unavailable: noForEach,
    run: (editor) => editor.set({ overlay: 'for-each' }),
  },
  {
    id: 'sources.addItem',
    title: 'Add an item to the for-each step',
    group: 'Data',
    unavailable: noForEach,
    run: (editor) => {
      const at = forEachOf(editor.store.getState());
      if (at !== undefined) editor.edit('Add item', addItem(at));
    },
  },
];
