/** The model whose code is shown: the one that is looked at, else the first. */
import type { ModelId } from '../../engine/protocol/ids.ts';
import type { EditorState } from '../state/editor.ts';

export function firstModelOf({ document, place }: EditorState): ModelId | undefined {
  if (!document) return undefined;
  if (place.model !== undefined && place.model in document.models) return place.model;
  return Object.keys(document.models)[0] as ModelId | undefined;
}
