/** Predicts a file of the person's: it goes up, its answers come back as csv. */
import { FileUp } from 'lucide-react';
import { useState } from 'react';
import { Button, Callout, Dialog, formatCount, Progress } from '../../ui/index.ts';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { CommandError } from '../../state/client.ts';
import { findShell } from '../../state/shell.ts';
import { shownRun } from '../live.ts';
import { chooseFile } from '../save.ts';
import { runTitle } from '../words.ts';
import styles from './dialogs.module.css';

type Stage =
  | { readonly kind: 'idle' }
  | { readonly kind: 'busy'; readonly file: string }
  | { readonly kind: 'done'; readonly file: string; readonly rows: number }
  | { readonly kind: 'failed'; readonly file: string; readonly words: string };

export function PredictFileDialog({ onClose }: { readonly onClose: () => void }) {
  const editor = useEditor();
  const run = useEditorState(shownRun);
  const [stage, setStage] = useState<Stage>({ kind: 'idle' });
  if (!run) return null;
  const choose = async (): Promise<void> => {
    const shell = findShell();
    const chosen = shell ? await shell.openDialog('data') : await chooseFile('.csv,.tsv,.jsonl,.json,.txt');
    if (!chosen) return;
    const file = { name: chosen.name };
    setStage({ kind: 'busy', file: file.name });
    try {
      const grant = chosen instanceof File ? await editor.client.upload(chosen) : chosen.grant;
      const { ticket, name, rows } = await editor.client.call('run.predictFile', { run: run.run, grant });
      editor.client.download(ticket, name);
      setStage({ kind: 'done', file: file.name, rows });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      setStage({ kind: 'failed', file: file.name, words: error.message });
    }
  };
  return (
    <Dialog
      title="Predict a file"
      open
      onClose={onClose}
      width={460}
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button variant="primary" icon={<FileUp />} disabled={stage.kind === 'busy'} onClick={() => void choose()}>
            Choose file
          </Button>
        </>
      }
    >
      <div className={styles['form']}>
        <p>
          {runTitle(run)} answers each row of a csv, tsv or json lines file. The columns must have the names of the
          training data. The answers come back as a csv file.
        </p>
        {stage.kind === 'busy' && <Progress value={undefined} label={`${stage.file} is being predicted`} />}
        {stage.kind === 'done' && (
          <Callout tone="info" title={`${formatCount(stage.rows)} rows predicted`}>
            The csv of {stage.file} is among your downloads.
          </Callout>
        )}
        {stage.kind === 'failed' && (
          <Callout tone="error" title={`${stage.file} could not be predicted`}>
            {stage.words}
          </Callout>
        )}
      </div>
    </Dialog>
  );
}
