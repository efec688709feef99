/**
 * Two kinds of sharing that are easily confused, in two sections: a recipe shares settings, a parameter set shares what is
 * trained. Neither is ever inferred from wiring.
 */
import { Link2, Unlink } from 'lucide-react';
import type { Document, Node } from '../../engine/protocol/document.ts';
import { makeIndependent, nodeAt, type ModelNodeAddress } from '../../engine/protocol/edit.ts';
import { entriesOf, type SharedSetId } from '../../engine/protocol/ids.ts';
import { formatGraphAddress } from '../../engine/protocol/edit.ts';
import { letterOf, makeRecipe, recipeRows, useRecipe as withRecipe } from '../sources/model/recipes.ts';
import { useEditor } from '../state/editor.ts';
import { Badge, Button, Select } from '../ui/index.ts';
import { useApply, useTypes } from './hooks.ts';
import styles from './inspector.module.css';
import { dropUnusedSets, inTurn, parameterSets, setShared, shareAmong } from './model/edits.ts';
import { titleOf } from './model/subject.ts';
import { Section } from './Section.tsx';

export interface SharingProps {
  readonly document: Document;
  readonly at: ModelNodeAddress;
  readonly node: Node;
}

/** What a place is called in a list: its own title with where it is wired. */
function placeWords(document: Document, at: ModelNodeAddress, typeTitle: (type: string) => string | undefined): string {
  const node = nodeAt(document, at);
  if (node === undefined) return at.node;
  return at.graph.path.length === 0
    ? titleOf(at.node, node, typeTitle(node.type))
    : `${at.graph.path.join('/')}/${at.node}`;
}

export function RecipeSection({ document, at, node }: SharingProps) {
  const apply = useApply();
  const editor = useEditor();
  const types = useTypes();
  const rows = recipeRows(document).filter((r) => r.recipe.type === node.type);
  const { recipe } = node;
  if (types(node.type)?.peft === undefined && recipe === undefined) return null;
  const users = rows.find((r) => r.id === recipe)?.users ?? [];
  const others = users.filter(
    (u) => u.node !== at.node || formatGraphAddress(u.graph) !== formatGraphAddress(at.graph),
  );
  const options = [
    { value: '', title: 'none: values of its own' },
    ...rows.map((r) => ({
      value: r.id,
      title: `${r.letter}  ${r.recipe.title ?? r.id}`,
      help: `${r.users.length} ${r.users.length === 1 ? 'user' : 'users'}`,
    })),
  ];
  const choose = (id: string): void => {
    if (id === '') void apply('Make independent', (d) => makeIndependent(d, at));
    else void apply('Use a recipe', withRecipe([at], id as never));
  };
  return (
    <Section
      title="Recipe"
      note={
        recipe === undefined ? (
          'none'
        ) : (
          <Badge tone="transform">{`${letterOf(document, recipe)} ${users.length}`}</Badge>
        )
      }
    >
      {rows.length > 0 && <Select label="Recipe" inline value={recipe ?? ''} options={options} onChange={choose} />}
      {recipe !== undefined && (
        <p className={styles['quiet']}>
          {others.length === 0
            ? 'No other module uses this recipe.'
            : `Edits here change ${others.length} other ${others.length === 1 ? 'module' : 'modules'} too.`}
        </p>
      )}
      {others.length > 0 && (
        <ul className={styles['list']} aria-label="Other users of the recipe">
          {others.slice(0, 6).map((user) => (
            <li key={`${formatGraphAddress(user.graph)}/${user.node}`}>
              <button
                type="button"
                className={styles['link']}
                onClick={() => editor.select({ graph: formatGraphAddress(user.graph), nodes: [user.node], edges: [] })}
              >
                {placeWords(document, user, (type) => types(type)?.title)}
              </button>
            </li>
          ))}
        </ul>
      )}
      <div className={styles['buttons']}>
        {recipe === undefined ? (
          <Button small icon={<Link2 size={14} />} onClick={() => void apply('Make a recipe', makeRecipe([at]))}>
            Make a recipe
          </Button>
        ) : (
          <Button
            small
            icon={<Unlink size={14} />}
            onClick={() => void apply('Make independent', (d) => makeIndependent(d, at))}
          >
            Make independent
          </Button>
        )}
        <Button small variant="quiet" onClick={() => editor.set({ overlay: 'recipes' })}>
          All recipes
        </Button>
      </div>
    </Section>
  );
}

export function SharedSection({ document, at, node }: SharingProps) {
  const apply = useApply();
  const types = useTypes();
  if (types(node.type)?.peft === undefined && node.shared === undefined) return null;
  const { sets, sharedBy, why } = parameterSets(document, at);
  const options = [
    { value: '', title: 'none: parameters of its own' },
    ...entriesOf<SharedSetId, { readonly title?: string }>(document.sharedSets).map(([id, set]) => ({
      value: id,
      title: set.title ?? id,
    })),
    { value: '+', title: 'New shared set' },
  ];
  const choose = (id: string): void => {
    const edit = id === '+' ? shareAmong([at], '') : setShared(at, id === '' ? undefined : (id as SharedSetId));
    void apply('Change the shared set', inTurn([edit, dropUnusedSets]));
  };
  return (
    <Section
      title="Parameter sets"
      note={<Badge>{sets === 1 && sharedBy > 1 ? '1 shared set' : `${sets} ${sets === 1 ? 'set' : 'sets'}`}</Badge>}
    >
      <Select
        label="Shared set"
        inline
        help="Modules that name one shared set train the same parameters. Their shapes must agree."
        value={node.shared ?? ''}
        options={options}
        onChange={choose}
      />
      <p className={styles['quiet']}>
        {node.shared === undefined
          ? `${sets} ${sets === 1 ? 'set' : 'sets'} of parameters: ${why}${sharedBy > 1 ? `, used in ${sharedBy} layers` : ''}.`
          : `One set of parameters for ${sharedBy} ${sharedBy === 1 ? 'module' : 'modules'} and all their layers.`}
      </p>
    </Section>
  );
}
