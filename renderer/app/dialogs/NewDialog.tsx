/** A new project: backbone, data and method in one form, or a template. */
import { Database, FlaskConical, Upload } from 'lucide-react';
import { useState } from 'react';
import type { ModelEntry } from '../../../engine/protocol/api/app.ts';
import type { CommandInput } from '../../../engine/protocol/api/commands.ts';
import { useLoaded } from '../../runs/hooks.ts';
import { chooseFile, sourceOf } from '../../state/choose.ts';
import { useEditor, useEditorState } from '../../state/editor.ts';
import {
  Button,
  Callout,
  Dialog,
  Field,
  formatBytes,
  NumberField,
  Select,
  Spinner,
  Tabs,
  TextField,
  type Option,
} from '../../ui/index.ts';
import { newFrom, projectName } from '../files.ts';
import { STARTER } from '../start/guide.ts';
import { Jobs } from '../start/Jobs.tsx';
import { TemplateList } from '../start/TemplateList.tsx';
import { DataLook } from './DataLook.tsx';
import type { OverlayProps } from './Dialogs.tsx';
import styles from './NewDialog.module.css';

type Data = CommandInput<'data.look'>;
interface ChosenData {
  readonly source: Data;
  readonly name: string;
}

const SAMPLE: ChosenData = { source: { sample: true }, name: 'sample messages' };

export function NewDialog({ onClose }: OverlayProps) {
  const editor = useEditor();
  const dropped = useEditorState((s) => s.dropped);
  const [tab, setTab] = useState<'tune' | 'template'>('tune');
  const close = (): void => {
    editor.set({ dropped: undefined });
    onClose();
  };
  return (
    <Dialog title="New project" open onClose={close} width={760}>
      <Tabs
        label="Kind of project"
        value={tab}
        onChange={setTab}
        tabs={[
          {
            value: 'tune',
            title: 'Tune a text classifier',
            body: (
              <TuneForm
                first={dropped ? { source: { grant: dropped.grant }, name: dropped.name } : undefined}
                onDone={() => editor.set({ dropped: undefined })}
              />
            ),
          },
          {
            value: 'template',
            title: 'From a template',
            body: (
              <div className={styles['body']}>
                <TemplateList />
              </div>
            ),
          },
        ]}
      />
    </Dialog>
  );
}

function TuneForm({ first, onDone }: { readonly first: ChosenData | undefined; readonly onDone: () => void }) {
  const editor = useEditor();
  const methods = useEditorState((s) => s.catalog?.methods);
  const models = useLoaded('models', () => editor.client.call('models.list', {}));
  const [backbone, setBackbone] = useState(STARTER);
  const [data, setData] = useState(first);
  const [columns, setColumns] = useState<{ readonly text?: readonly string[]; readonly label?: readonly string[] }>({});
  const [method, setMethod] = useState('lora');
  const [epochs, setEpochs] = useState(5);
  const [name, setName] = useState<string>();
  const [busy, setBusy] = useState(false);
  const look = useLoaded(data && JSON.stringify(data.source), () =>
    editor.client.call('data.look', data?.source ?? { sample: true }),
  );

  const choose = async (): Promise<void> => {
    const chosen = await chooseFile(editor, 'data');
    if (!chosen) return;
    setColumns({});
    setData({ source: sourceOf(chosen), name: chosen.name });
  };
  const entry = models.value?.find((m) => m.name === backbone);
  const fileName = name ?? (data ? `${projectName(data.name)} ${method}` : '');
  const errors = (look.value?.diagnostics ?? []).filter((d) => d.severity === 'error');
  const reason = busy
    ? 'The project is being made.'
    : entry?.present === false
      ? 'Download the backbone first.'
      : !data
        ? 'Choose data, or take the sample.'
        : look.problem !== undefined || errors.length > 0
          ? 'The data cannot be used as it is.'
          : undefined;
  const create = async (): Promise<void> => {
    if (!data) return;
    setBusy(true);
    const made = await newFrom(editor, {
      name: fileName.trim() === '' ? 'project' : fileName.trim(),
      from: {
        kind: 'tune',
        backbone,
        data: data.source,
        method,
        params: {},
        epochs,
        ...(columns.text ? { text: [...columns.text] } : {}),
        ...(columns.label ? { label: [...columns.label] } : {}),
      },
    });
    setBusy(false);
    if (made) onDone();
  };
  return (
    <div className={styles['body']}>
      <div className={styles['grid']}>
        <Backbone models={models.value} value={backbone} onChange={setBackbone} />
        <Select
          label="Method"
          value={method}
          options={(methods ?? [])
            .filter((m) => !m.bank)
            .map((m): Option => ({ value: m.name, title: m.title, help: m.help }))}
          onChange={setMethod}
          note={methods?.find((m) => m.name === method)?.help}
        />
      </div>
      <Field id="new-data" label="Data">
        <div className={styles['sources']} id="new-data">
          <Button icon={<Upload />} onClick={() => void choose()}>
            {data && data !== SAMPLE ? data.name : 'Choose a file'}
          </Button>
          <Button
            icon={<FlaskConical />}
            variant={data === SAMPLE ? 'primary' : 'plain'}
            onClick={() => {
              setColumns({});
              setData(SAMPLE);
            }}
          >
            Take the sample
          </Button>
          {look.loading && <Spinner label="Reading the file" />}
        </div>
      </Field>
      {look.problem !== undefined && <Callout tone="error">{look.problem}</Callout>}
      {data && look.value && !look.loading && (
        <DataLook preview={look.value} columns={columns} onColumns={setColumns} />
      )}
      {!data && (
        <p className={styles['hint']}>
          <Database size={16} />
          csv, tsv or jsonl with a column of texts and a column of labels. Columns are recognised; you can change them.
        </p>
      )}
      <div className={styles['grid']}>
        <NumberField label="Epochs" value={epochs} min={1} max={1000} integer onCommit={setEpochs} />
        <TextField label="Name of the file" value={fileName} onChange={setName} placeholder="my project" />
      </div>
      <Jobs />
      <div className={styles['actions']}>
        <Button variant="primary" reason={reason} onClick={() => void create()}>
          {busy ? 'Making the project' : 'Create the project'}
        </Button>
      </div>
    </div>
  );
}

interface BackboneProps {
  readonly models: readonly ModelEntry[] | undefined;
  readonly value: string;
  readonly onChange: (name: string) => void;
}

function Backbone({ models, value, onChange }: BackboneProps) {
  const editor = useEditor();
  const entry = models?.find((m) => m.name === value);
  const options = (models ?? []).map((m): Option => ({
    value: m.name,
    title: m.name === STARTER ? 'MiniLM-L6 (starter)' : m.name,
    help: [m.architecture, m.licence, m.present ? '' : `downloads ${formatBytes(m.bytes)}`]
      .filter((x) => x !== '')
      .join(' · '),
  }));
  const note =
    entry === undefined ? undefined : entry.present ? (
      `Frozen. ${entry.architecture}, ${formatBytes(entry.bytes)}, licence ${entry.licence === '' ? 'not stated' : entry.licence}`
    ) : (
      <Button small onClick={() => void editor.client.call('models.get', { id: entry.name }).catch(editor.report)}>
        {`Download ${formatBytes(entry.bytes)}`}
      </Button>
    );
  return <Select label="Backbone" value={value} options={options} onChange={onChange} note={note} />;
}
