/** The dialogs of runs. Each opens by the window's `overlay`, so that commands and buttons open the same one. */
import { useEditor, useEditorState } from '../state/editor.ts';
import { DryRunDialog } from './dialogs/DryRunDialog.tsx';
import { EstimateDialog } from './dialogs/EstimateDialog.tsx';
import { OptionsDialog } from './dialogs/OptionsDialog.tsx';
import { PredictFileDialog } from './dialogs/PredictFileDialog.tsx';
import { DeleteDialog, RenameDialog } from './dialogs/RunNameDialogs.tsx';

export function RunDialogs() {
  const editor = useEditor();
  const overlay = useEditorState((s) => s.overlay);
  const close = (): void => editor.set({ overlay: undefined });
  switch (overlay ?? '') {
    case 'runs.options':
      return <OptionsDialog onClose={close} />;
    case 'runs.estimate':
      return <EstimateDialog onClose={close} />;
    case 'runs.dry.batch':
      return <DryRunDialog kind="batch" onClose={close} />;
    case 'runs.dry.overfit':
      return <DryRunDialog kind="overfit" onClose={close} />;
    case 'runs.rename':
      return <RenameDialog onClose={close} />;
    case 'runs.delete':
      return <DeleteDialog onClose={close} />;
    case 'runs.predictFile':
      return <PredictFileDialog onClose={close} />;
    default:
      return null;
  }
}
