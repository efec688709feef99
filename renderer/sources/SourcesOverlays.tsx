/** The dialogs of this area, by the id of the overlay that is open. */
import { useEditor, useEditorState } from '../state/editor.ts';
import { AttachDialog } from './AttachDialog.tsx';
import { ForEachDialog } from './ForEachDialog.tsx';
import { RecipesDialog } from './RecipesDialog.tsx';
import { SourcesDialog } from './SourcesDialog.tsx';

export function SourcesOverlays() {
  const editor = useEditor();
  const overlay = useEditorState((s) => s.overlay);
  const hasDocument = useEditorState((s) => s.document !== undefined);
  const close = (): void => editor.set({ overlay: undefined });
  if (!hasDocument) return null;
  switch (overlay) {
    case 'recipes':
      return <RecipesDialog onClose={close} />;
    case 'sources':
      return <SourcesDialog onClose={close} />;
    case 'attach-sources':
      return <AttachDialog onClose={close} />;
    case 'for-each':
      return <ForEachDialog onClose={close} />;
    case undefined:
    default:
      return null;
  }
}
