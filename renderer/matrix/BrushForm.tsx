/** What the brush paints: a type of module with its values, or one of the document's recipes. */
import { useMemo } from 'react';
import { entriesOf } from '../../engine/protocol/ids.ts';
import { isLayered } from '../../engine/protocol/params.ts';
import type { Document } from '../../engine/protocol/document.ts';
import { ParamField } from '../inspector/ParamField.tsx';
import { letterAt } from '../sources/model/recipes.ts';
import { useEditorState } from '../state/editor.ts';
import { Select } from '../ui/index.ts';
import styles from './matrix.module.css';
import { brushDefaults, brushTypes, plainParams } from './model/fit.ts';
import type { Brush } from './model/paint.ts';

interface BrushFormProps {
  readonly brush: Brush;
  readonly onBrush: (brush: Brush) => void;
}

interface Choice {
  readonly value: string;
  readonly title: string;
  readonly help: string;
  readonly brush: Brush;
}

/** The recipes that a brush can take: those without overrides, of a type that is painted. */
function recipeChoices(document: Document | undefined, types: ReturnType<typeof brushTypes>): readonly Choice[] {
  return entriesOf(document?.recipes ?? ({} as Document['recipes'])).flatMap(([id, recipe], i) => {
    const info = types.find((t) => t.type === recipe.type);
    if (info === undefined || Object.values(recipe.params).some(isLayered)) return [];
    return [
      {
        value: `recipe ${id}`,
        title: `${letterAt(i)}  ${recipe.title ?? id}`,
        help: `recipe, ${info.title}`,
        brush: { type: recipe.type, params: { ...brushDefaults(info), ...plainParams(recipe.params) } },
      },
    ];
  });
}

export function BrushForm({ brush, onBrush }: BrushFormProps) {
  const catalog = useEditorState((s) => s.catalog);
  const document = useEditorState((s) => s.document);
  const types = useMemo(() => (catalog === undefined ? [] : brushTypes(catalog)), [catalog]);
  const recipes = useMemo(() => recipeChoices(document, types), [document, types]);
  const info = types.find((t) => t.type === brush.type);
  const choose = (value: string): void => {
    const recipe = recipes.find((r) => r.value === value);
    const type = types.find((t) => t.type === value);
    if (recipe) onBrush(recipe.brush);
    else if (type) onBrush({ type: type.type, params: brushDefaults(type) });
  };
  const names = Object.keys(info?.params ?? {}).filter((n) => n in brush.params);
  return (
    <div className={styles['brushForm']}>
      <Select
        label="Module"
        value={brush.type}
        options={[...types.map((t) => ({ value: t.type, title: t.title, help: t.help })), ...recipes]}
        onChange={choose}
      />
      {names.map((name) => {
        const spec = info?.params[name];
        const value = brush.params[name];
        if (spec === undefined || value === undefined) return null;
        return (
          <ParamField
            key={`${brush.type}.${name}`}
            name={name}
            info={spec}
            value={value}
            onChange={(next) => {
              if (typeof next !== 'object') onBrush({ ...brush, params: { ...brush.params, [name]: next } });
              return undefined;
            }}
          />
        );
      })}
      <p className={styles['caption']}>
        Cells that are painted alike share a recipe. Another value in some layers of one place becomes an override,
        marked *.
      </p>
    </div>
  );
}
