/** Collapsing cards, stacks and groups; kept in the document's view. */
import { withGraphView } from '../../../engine/protocol/view.ts';
import type { Editor } from '../../state/editor.ts';

export function runToggleCollapse(editor: Editor, graph: string, ids: readonly string[]): void {
  editor.edit('Collapse', (document) =>
    withGraphView(document, graph, (v) => {
      const folded = new Set(v.collapsed);
      const all = ids.every((id) => folded.has(id));
      for (const id of ids) {
        if (all) folded.delete(id);
        else folded.add(id);
      }
      return { ...v, collapsed: [...folded] };
    }),
  );
}
