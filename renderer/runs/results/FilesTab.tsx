/** Files of a run, each to be downloaded, and what other programs read. */
import { Download, Merge } from 'lucide-react';
import { useState } from 'react';
import type { RunResults, RunSummary } from '../../../engine/protocol/api/runs.ts';
import { Button, Callout, formatBytes, IconButton, Table, type Column } from '../../ui/index.ts';
import { useEditor } from '../../state/editor.ts';
import { CommandError } from '../../state/client.ts';
import { downloadOf } from '../actions.ts';
import { formatFigure } from '../words.ts';
import styles from './results.module.css';

type File = RunResults['files'][number];

export function FilesTab({ run, results }: { readonly run: RunSummary; readonly results: RunResults }) {
  const editor = useEditor();
  const [merge, setMerge] = useState<string>();
  const columns: readonly Column<File>[] = [
    { id: 'name', title: 'File', sort: (f) => f.name, cell: (f) => <span className={styles['file']}>{f.name}</span> },
    { id: 'bytes', title: 'Size', align: 'right', sort: (f) => f.bytes, cell: (f) => formatBytes(f.bytes) },
    {
      id: 'get',
      title: '',
      width: 48,
      cell: (f) => (
        <IconButton
          small
          label={`Download ${f.name}`}
          icon={<Download />}
          onClick={() => void downloadOf(editor, { kind: 'run-file', run: run.run, file: f.name })}
        />
      ),
    },
  ];
  const tellMerge = async (): Promise<void> => {
    try {
      const { words, difference } = await editor.client.call('run.mergeSources', { run: run.run });
      setMerge(difference === undefined ? words : `${words} Largest difference: ${formatFigure(difference)}.`);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      setMerge(error.message);
    }
  };
  return (
    <div className={styles['files']}>
      <div className={styles['tools']}>
        <Button
          icon={<Download />}
          onClick={() => void downloadOf(editor, { kind: 'run-export', run: run.run, as: 'adapter' })}
        >
          Adapter
        </Button>
        <Button
          icon={<Download />}
          onClick={() => void downloadOf(editor, { kind: 'run-export', run: run.run, as: 'peft' })}
        >
          Hugging Face PEFT folder
        </Button>
        <Button variant="quiet" icon={<Merge />} onClick={() => void tellMerge()}>
          Can sources be merged?
        </Button>
      </div>
      {merge !== undefined && (
        <div className={styles['padded']}>
          <Callout tone="info">{merge}</Callout>
        </div>
      )}
      <Table
        className={styles['fill'] ?? ''}
        label="Files of the run"
        columns={columns}
        rows={results.files}
        rowKey={(f) => f.name}
        empty={<p className={styles['hint']}>The run has left no files.</p>}
      />
    </div>
  );
}
