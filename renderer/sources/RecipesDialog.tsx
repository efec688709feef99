/** All recipes of the document: who uses them, their values, and what can be done with them. */
import { Copy, Trash2, Unlink } from 'lucide-react';
import { formatGraphAddress } from '../../engine/protocol/edit.ts';
import { useApply, useTypes } from '../inspector/hooks.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { Button, Dialog, Empty, formatPlural, IconButton, TextField } from '../ui/index.ts';
import {
  deleteRecipes,
  duplicateRecipe,
  freeAllUsers,
  recipeRows,
  recipeSummary,
  renameRecipe,
  unusedRecipes,
} from './model/recipes.ts';
import styles from './sources.module.css';

export function RecipesDialog({ onClose }: { readonly onClose: () => void }) {
  const editor = useEditor();
  const apply = useApply();
  const types = useTypes();
  const document = useEditorState((s) => s.document);
  if (document === undefined) return null;
  const rows = recipeRows(document);
  const unused = unusedRecipes(document);
  return (
    <Dialog
      title="Recipes"
      open
      onClose={onClose}
      width={860}
      footer={
        <Button
          variant="quiet"
          icon={<Trash2 size={14} />}
          reason={unused.length === 0 ? 'every recipe is in use' : undefined}
          onClick={() => void apply('Delete unused recipes', deleteRecipes(unused))}
        >
          {unused.length === 0 ? 'Delete unused' : `Delete ${formatPlural(unused.length, 'unused recipe')}`}
        </Button>
      }
    >
      {rows.length === 0 ? (
        <Empty
          title="No recipes yet"
          text="Modules that are attached together share one: edit it once, and all change."
        />
      ) : (
        <div className={styles['scroller']}>
          <table className={styles['table']} aria-label="Recipes">
            <thead>
              <tr>
                <th scope="col">Recipe</th>
                <th scope="col">Title</th>
                <th scope="col">Module</th>
                <th scope="col">Values</th>
                <th scope="col">Users</th>
                <th scope="col">
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ id, recipe, letter, users }) => (
                <tr key={id}>
                  <td>
                    <span className={styles['letter']}>{letter}</span>
                  </td>
                  <td>
                    <TextField
                      label={`Title of recipe ${letter}`}
                      hideLabel
                      value={recipe.title ?? ''}
                      placeholder={id}
                      onCommit={(title) => void apply('Rename recipe', renameRecipe(id, title))}
                    />
                  </td>
                  <td>
                    <span className={styles['cellText']}>{types(recipe.type)?.title ?? recipe.type}</span>
                  </td>
                  <td>
                    <span className={styles['cellText']} title={recipeSummary(recipe)}>
                      {recipeSummary(recipe) || '-'}
                    </span>
                  </td>
                  <td>
                    <Button
                      small
                      variant="quiet"
                      reason={users.length === 0 ? 'no module uses it' : undefined}
                      onClick={() => {
                        const [first] = users;
                        if (first === undefined) return;
                        const graph = formatGraphAddress(first.graph);
                        const nodes = users.filter((u) => formatGraphAddress(u.graph) === graph).map((u) => u.node);
                        editor.select({ graph, nodes, edges: [] });
                        onClose();
                      }}
                    >
                      {formatPlural(users.length, 'user')}
                    </Button>
                  </td>
                  <td>
                    <div className={styles['actions']}>
                      <IconButton
                        small
                        label={`Duplicate recipe ${letter}`}
                        icon={<Copy size={14} />}
                        onClick={() => void apply('Duplicate recipe', duplicateRecipe(id))}
                      />
                      <IconButton
                        small
                        label={`Make all users of recipe ${letter} independent`}
                        icon={<Unlink size={14} />}
                        reason={users.length === 0 ? 'no module uses it' : undefined}
                        onClick={() => void apply('Make independent', freeAllUsers(id))}
                      />
                      <IconButton
                        small
                        label={`Delete recipe ${letter}`}
                        icon={<Trash2 size={14} />}
                        reason={users.length > 0 ? 'modules use it' : undefined}
                        onClick={() => void apply('Delete recipe', deleteRecipes([id]))}
                      />
                    </div>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Dialog>
  );
}
