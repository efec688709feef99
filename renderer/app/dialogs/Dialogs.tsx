/** The dialogs of the window, each opened by the window's `overlay`, so that buttons, keys and menus open the same one. */
import { useEditor, useEditorState } from '../../state/editor.ts';
import { BindingsDialog } from './BindingsDialog.tsx';
import { ConfirmDialog } from './ConfirmDialog.tsx';
import { DiskDialog } from './DiskDialog.tsx';
import { FileDialog } from './FileDialog.tsx';
import { KeysDialog } from './KeysDialog.tsx';
import { ModelsDialog } from './ModelsDialog.tsx';
import { NewDialog } from './NewDialog.tsx';
import { NotesDialog } from './NotesDialog.tsx';
import { Palette } from './Palette.tsx';
import { RecentDialog } from './RecentDialog.tsx';
import { ReportDialog } from './ReportDialog.tsx';
import { SaveAsDialog } from './SaveAsDialog.tsx';
import { SettingsDialog } from './SettingsDialog.tsx';

export interface OverlayProps {
  readonly onClose: () => void;
}

const OVERLAYS: ReadonlyMap<string, (props: OverlayProps) => React.ReactNode> = new Map([
  ['app.palette', Palette],
  ['app.keys', KeysDialog],
  ['app.bindings', BindingsDialog],
  ['app.settings', SettingsDialog],
  ['app.disk', DiskDialog],
  ['app.models', ModelsDialog],
  ['app.report', ReportDialog],
  ['app.notes', NotesDialog],
  ['app.recent', RecentDialog],
  ['app.saveAs', SaveAsDialog],
  ['app.new', NewDialog],
]);

export function Dialogs() {
  const editor = useEditor();
  const overlay = useEditorState((s) => s.overlay);
  const Overlay = overlay === undefined ? undefined : OVERLAYS.get(overlay);
  const close = (): void => {
    if (editor.store.getState().overlay === overlay) editor.set({ overlay: undefined });
  };
  return (
    <>
      {Overlay && <Overlay key={overlay} onClose={close} />}
      <FileDialog />
      <ConfirmDialog />
    </>
  );
}
