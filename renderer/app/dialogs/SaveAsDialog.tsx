/** Another name for the document, in a browser; the desktop shell has the system's dialog. */
import { useState } from 'react';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { Button, Dialog, TextField } from '../../ui/index.ts';
import { saveTo } from '../files.ts';
import type { OverlayProps } from './Dialogs.tsx';

export function SaveAsDialog({ onClose }: OverlayProps) {
  const editor = useEditor();
  const file = useEditorState((s) => s.project?.file ?? '');
  const [name, setName] = useState(`${file.replace(/\.espalier\.json$/, '')} copy`);
  const wrong =
    name.trim() === ''
      ? 'Write a name.'
      : /[\\/:*?"<>|]/.test(name)
        ? 'A name has none of \\ / : * ? " < > |.'
        : undefined;
  const save = async (): Promise<void> => {
    if (wrong === undefined && (await saveTo(editor, { name: name.trim() }))) onClose();
  };
  return (
    <Dialog
      title="Save under another name"
      open
      onClose={onClose}
      width={480}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" reason={wrong} onClick={() => void save()}>
            Save
          </Button>
        </>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <TextField
          label="Name"
          value={name}
          onChange={setName}
          autoFocus
          problem={wrong}
          note={`The file is ${name.trim()}.espalier.json in the workspace. You go on with the copy.`}
        />
      </form>
    </Dialog>
  );
}
