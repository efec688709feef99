/** Notes of the whole document: plain text that travels with the file. */
import { useState } from 'react';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { Button, Dialog, TextField } from '../../ui/index.ts';
import type { OverlayProps } from './Dialogs.tsx';

export function NotesDialog({ onClose }: OverlayProps) {
  const editor = useEditor();
  const notes = useEditorState((s) => s.document?.notes ?? '');
  const [draft, setDraft] = useState(notes);
  const keep = (): void => {
    if (draft !== notes) {
      editor.edit('Change the notes', (document) => {
        const { notes: _, ...rest } = document;
        return draft.trim() === '' ? rest : { ...rest, notes: draft.slice(0, 100_000) };
      });
    }
    onClose();
  };
  return (
    <Dialog
      title="Notes of the document"
      open
      onClose={onClose}
      width={640}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" onClick={keep}>
            Keep
          </Button>
        </>
      }
    >
      <TextField
        label="Notes"
        hideLabel
        lines={14}
        placeholder="What this project is about, what was tried, what to do next."
        value={draft}
        onChange={setDraft}
        autoFocus
      />
    </Dialog>
  );
}
