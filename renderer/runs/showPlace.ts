/** Leads from a finding of a run to the place in the graph that it speaks of. */
import type { Diagnostic } from '../../engine/base/errors.ts';
import { wayTo } from '../app/problems.ts';
import type { Editor } from '../state/editor.ts';

export const hasPlace = ({ where }: Diagnostic): boolean => where.node !== undefined || where.model !== undefined;

export function showPlace(editor: Editor, diagnostic: Diagnostic): void {
  const { document } = editor.store.getState();
  const way = document && wayTo(document, diagnostic);
  if (way) editor.reveal(way.place, way.selection);
  else editor.toast('info', 'The graph that is shown does not have this place any more. View the graph of the run.');
}
