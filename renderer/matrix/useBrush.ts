/** The brush, kept while the matrix is shown: LoRA to begin with, else the first module that can be painted. */
import { useCallback, useState } from 'react';
import type { Catalog } from '../../engine/protocol/api/catalog.ts';
import type { Document } from '../../engine/protocol/document.ts';
import { brushDefaults, brushTypes, plainParams } from './model/fit.ts';
import { typesOf } from './model/grid.ts';
import { mainParam } from './model/letters.ts';
import type { Brush } from './model/paint.ts';

export interface BrushState {
  readonly brush: Brush;
  readonly setBrush: (brush: Brush | string) => void;
  /** `L8`, as in a cell. */
  readonly label: string;
  /** `LoRA rank 8` */
  readonly title: string;
}

/** The values of the document's first recipe of the type, so that what is painted next agrees with what is there. */
function firstBrush(catalog: Catalog, document: Document): Brush {
  const types = brushTypes(catalog);
  const info = types.find((t) => t.type === 'peft.lora') ?? types[0];
  if (info === undefined) return { type: '', params: {} };
  const recipe = Object.values(document.recipes).find((r) => r.type === info.type);
  return { type: info.type, params: { ...brushDefaults(info), ...plainParams(recipe?.params ?? {}) } };
}

export function useBrush(catalog: Catalog, letters: ReadonlyMap<string, string>, document: Document): BrushState {
  const [brush, set] = useState<Brush>(() => firstBrush(catalog, document));
  const setBrush = useCallback(
    (next: Brush | string) => {
      if (typeof next !== 'string') return set(next);
      const info = brushTypes(catalog).find((t) => t.type === next);
      if (info) set({ type: info.type, params: brushDefaults(info) });
    },
    [catalog],
  );
  const info = typesOf(catalog)(brush.type);
  const main = mainParam(info);
  const value = main === undefined ? '' : String(brush.params[main] ?? '');
  return {
    brush,
    setBrush,
    label: `${letters.get(brush.type) ?? '?'}${value}`,
    title: `${info?.title ?? brush.type}${main === undefined ? '' : ` ${main} ${value}`}`,
  };
}
