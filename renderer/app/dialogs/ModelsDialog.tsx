/** The models of the store: licence, card, size, and fetching those that are not here yet. */
import { Download, FolderPlus } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useLoaded } from '../../runs/hooks.ts';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { Badge, Button, Callout, Dialog, formatBytes, Spinner, TextField } from '../../ui/index.ts';
import { addModelFolder } from '../files.ts';
import { Jobs } from '../start/Jobs.tsx';
import type { OverlayProps } from './Dialogs.tsx';
import styles from './forms.module.css';

export function ModelsDialog({ onClose }: OverlayProps) {
  const editor = useEditor();
  const { value, problem, again } = useLoaded('models', () => editor.client.call('models.list', {}));
  const [id, setId] = useState('');
  const jobs = useEditorState((s) => s.jobs.length);
  const before = useRef(jobs);
  useEffect(() => {
    if (jobs < before.current) again();
    before.current = jobs;
  }, [jobs, again]);
  const get = (name: string): void => void editor.client.call('models.get', { id: name }).catch(editor.report);
  return (
    <Dialog
      title="Models"
      open
      onClose={onClose}
      width={640}
      footer={
        <Button icon={<FolderPlus />} onClick={() => void addModelFolder(editor)}>
          Open a model folder
        </Button>
      }
    >
      <p className={styles['text']}>
        Backbones stay frozen and are opened read-only. Their licence is that of their authors.
      </p>
      {problem !== undefined && <Callout tone="error">{problem}</Callout>}
      {!value && problem === undefined && <Spinner />}
      <ul className={styles['list']}>
        {value?.map((model) => (
          <li key={model.name} className={styles['line']}>
            <span className={styles['lineText']}>
              <span className={styles['lineName']}>{model.name}</span>
              <span className={styles['lineNote']}>
                {[model.architecture, `licence: ${model.licence === '' ? 'not stated' : model.licence}`, model.card]
                  .filter((part) => part !== '')
                  .join(' · ')}
              </span>
            </span>
            <span className={styles['lineFigure']}>{model.bytes > 0 ? formatBytes(model.bytes) : ''}</span>
            {model.present ? (
              <Badge tone="trainable">here</Badge>
            ) : (
              <Button small icon={<Download />} onClick={() => get(model.name)}>
                Download
              </Button>
            )}
          </li>
        ))}
      </ul>
      <Jobs />
      <div className={styles['row']} style={{ marginTop: 16, alignItems: 'flex-end' }}>
        <div style={{ flex: 1, marginRight: 8 }}>
          <TextField
            label="Another model of the hub"
            placeholder="sentence-transformers/all-MiniLM-L6-v2"
            value={id}
            onChange={setId}
            onCommit={setId}
          />
        </div>
        <Button
          icon={<Download />}
          reason={id.trim() === '' ? 'Write the name of a model.' : undefined}
          onClick={() => get(id.trim())}
        >
          Download
        </Button>
      </div>
    </Dialog>
  );
}
