/** Choosing a file in a browser: the folders of the workspace, or an upload. */
import { ArrowUp, File as FileIcon, Folder, Upload } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import type { FileEntry } from '../../../engine/protocol/api/app.ts';
import type { OpenKind } from '../../../engine/protocol/api/shell.ts';
import { useLoaded } from '../../runs/hooks.ts';
import type { Picking } from '../../state/choose.ts';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { Button, Callout, cx, Dialog, Empty, formatBytes, Spinner } from '../../ui/index.ts';
import { uploadFolder } from '../../state/dropped.ts';
import styles from './FileDialog.module.css';

interface Words {
  readonly title: string;
  readonly accept: string;
  readonly folder: boolean;
  readonly fits: (entry: FileEntry) => boolean;
}

const isData = (name: string): boolean =>
  /\.(csv|tsv|jsonl|ndjson|json|conll|txt)$/i.test(name) && !/\.espalier\.json$/i.test(name);

const WORDS: Readonly<Record<OpenKind, Words>> = {
  document: {
    title: 'Open a project',
    accept: '.json',
    folder: false,
    fits: (e) => /\.espalier\.json$/i.test(e.name),
  },
  data: {
    title: 'Choose data',
    accept: '.csv,.tsv,.jsonl,.ndjson,.json,.conll,.txt',
    folder: false,
    fits: (e) => isData(e.name),
  },
  'model-folder': { title: 'Open a model folder', accept: '', folder: true, fits: (e) => e.folder },
  'adapter-folder': { title: 'Choose an adapter', accept: '', folder: true, fits: (e) => e.folder },
  'any-file': { title: 'Choose a file', accept: '', folder: false, fits: (e) => !e.folder },
};

export function FileDialog() {
  const picking = useEditorState((s) => s.picking);
  return picking ? <Chooser key={picking.kind} picking={picking} /> : null;
}

function Chooser({ picking }: { readonly picking: Picking }) {
  const editor = useEditor();
  const words = WORDS[picking.kind];
  const [path, setPath] = useState('');
  const [chosen, setChosen] = useState<FileEntry>();
  const [busy, setBusy] = useState(false);
  const upload = useRef<HTMLInputElement>(null);
  const { value, problem, loading } = useLoaded(`files ${path}`, () => editor.client.call('files.list', { path }));
  useEffect(() => setChosen(undefined), [path]);

  const take = (entry: FileEntry): void => {
    picking.answer({ path: entry.path, name: entry.name });
  };
  const open = (entry: FileEntry): void => {
    if (entry.folder) setPath(entry.path);
    else if (words.fits(entry)) take(entry);
  };
  const send = async (files: readonly File[]): Promise<void> => {
    const [first] = files;
    if (!first) return;
    setBusy(true);
    try {
      const grant = words.folder ? await uploadFolder(editor, files) : await editor.client.upload(first);
      const name = words.folder ? (first.webkitRelativePath.split('/')[0] ?? first.name) : first.name;
      if (grant !== undefined) picking.answer({ grant, name });
    } catch (error) {
      editor.report(error);
      setBusy(false);
    }
  };
  const here = { name: path.split('/').at(-1) ?? '', path, folder: true, bytes: 0 };
  const ready =
    chosen && (words.folder ? chosen.folder : words.fits(chosen))
      ? chosen
      : words.folder && path !== ''
        ? here
        : undefined;
  return (
    <Dialog
      title={words.title}
      open
      onClose={() => picking.answer(undefined)}
      width={640}
      footer={
        <>
          <span className={styles['upload']}>
            <Button icon={<Upload />} onClick={() => upload.current?.click()}>
              {busy ? 'Uploading' : 'Upload from this computer'}
            </Button>
            <input
              ref={upload}
              type="file"
              hidden
              accept={words.accept}
              {...(words.folder ? { webkitdirectory: '' } : {})}
              aria-label="Upload"
              onChange={(event) => void send([...(event.target.files ?? [])])}
            />
          </span>
          <Button onClick={() => picking.answer(undefined)}>Cancel</Button>
          <Button
            variant="primary"
            reason={ready ? undefined : words.folder ? 'Choose a folder.' : 'Choose a file.'}
            onClick={() => ready && take(ready)}
          >
            {words.folder ? 'Choose this folder' : 'Open'}
          </Button>
        </>
      }
    >
      <div className={styles['path']}>
        <Button
          small
          variant="quiet"
          icon={<ArrowUp />}
          reason={path === '' ? 'These are all folders that Espalier may read.' : undefined}
          onClick={() => setPath(path.split('/').slice(0, -1).join('/'))}
        >
          Up
        </Button>
        <span className={styles['pathText']}>{path === '' ? 'Workspace' : path}</span>
        {loading && <Spinner />}
      </div>
      {problem !== undefined && <Callout tone="error">{problem}</Callout>}
      {value?.length === 0 && (
        <Empty title="This folder is empty" text="Upload from this computer, or go up to another folder." />
      )}
      <ul className={styles['list']} aria-label="Files">
        {value?.map((entry) => {
          const fits = entry.folder || words.fits(entry);
          return (
            <li key={entry.path}>
              <button
                type="button"
                className={cx(styles['entry'], !fits && styles['other'])}
                aria-pressed={chosen?.path === entry.path}
                aria-disabled={!fits || undefined}
                onClick={() => (entry.folder && !words.folder ? open(entry) : fits ? setChosen(entry) : undefined)}
                onDoubleClick={() => open(entry)}
                onKeyDown={(event) => {
                  if (event.key !== 'Enter') return;
                  event.preventDefault();
                  open(entry);
                }}
              >
                {entry.folder ? <Folder size={16} /> : <FileIcon size={16} />}
                <span className={styles['name']}>{entry.name}</span>
                <span className={styles['size']}>{entry.folder ? '' : formatBytes(entry.bytes)}</span>
              </button>
            </li>
          );
        })}
      </ul>
    </Dialog>
  );
}
