/** Renaming and deleting a run. */
import { useState } from 'react';
import { Button, Dialog, TextField } from '../../ui/index.ts';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { renameRun, tellRun } from '../actions.ts';
import { shownRun } from '../live.ts';
import { runTitle } from '../words.ts';
import styles from './dialogs.module.css';

interface Props {
  readonly onClose: () => void;
}

export function RenameDialog({ onClose }: Props) {
  const editor = useEditor();
  const run = useEditorState(shownRun);
  const [name, setName] = useState(run?.name ?? '');
  if (!run) return null;
  const save = (): void => {
    if (name.trim() === '') return;
    onClose();
    void renameRun(editor, run.run, name.trim());
  };
  return (
    <Dialog
      title={`Rename run ${run.number}`}
      open
      onClose={onClose}
      width={400}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" reason={name.trim() === '' ? 'A run needs a name.' : undefined} onClick={save}>
            Rename
          </Button>
        </>
      }
    >
      <TextField
        label="Name"
        value={run.name}
        autoFocus
        onChange={setName}
        onKeyDown={(event) => {
          if (event.key === 'Enter') save();
        }}
      />
    </Dialog>
  );
}

export function DeleteDialog({ onClose }: Props) {
  const editor = useEditor();
  const run = useEditorState(shownRun);
  if (!run) return null;
  return (
    <Dialog
      title={`Delete ${runTitle(run)}?`}
      open
      onClose={onClose}
      width={440}
      footer={
        <>
          <Button onClick={onClose}>Keep it</Button>
          <Button
            variant="danger"
            onClick={() => {
              onClose();
              void tellRun(editor, 'run.delete', run.run);
            }}
          >
            Delete run
          </Button>
        </>
      }
    >
      <p className={styles['form']}>
        Its curves, checkpoints and trained weights go from the disk. This cannot be undone. The document stays as it
        is.
      </p>
    </Dialog>
  );
}
