/** Source banks as tables: every source with its origin, metric and layers; problems stand in their rows. */
import { Plus } from 'lucide-react';
import { useState } from 'react';
import type { BankId } from '../../engine/protocol/ids.ts';
import { useApply, useSubject } from '../inspector/hooks.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { Badge, Button, Dialog, Empty, formatPlural, Select, Switch, TextField } from '../ui/index.ts';
import { AddSourceMenu } from './AddSourceMenu.tsx';
import { RowActions } from './RowActions.tsx';
import {
  addBank,
  artifactWords,
  bankUsers,
  freshBankId,
  moveSource,
  muteSource,
  originsOf,
  removeBank,
  removeSource,
  renameSource,
  setBankTitle,
  setSourceArtifact,
  setSourceLayers,
  sourceName,
  sourceRows,
  type SourceRow,
} from './model/banks.ts';
import styles from './sources.module.css';

export function SourcesDialog({ onClose }: { readonly onClose: () => void }) {
  const editor = useEditor();
  const apply = useApply();
  const document = useEditorState((s) => s.document);
  const subject = useSubject()?.subject;
  const selected = subject?.kind === 'node' ? subject.node.bank : undefined;
  const [chosen, setChosen] = useState<BankId | undefined>(selected);
  const banks = Object.keys(document?.banks ?? {}) as BankId[];
  const bank = chosen !== undefined && banks.includes(chosen) ? chosen : banks[0];
  const make = (): void => {
    if (document === undefined) return;
    const id = freshBankId(document);
    void apply('Add source bank', addBank(id));
    setChosen(id);
  };
  return (
    <Dialog
      title="Source banks"
      open
      onClose={onClose}
      width={960}
      footer={
        <>
          <Button variant="quiet" icon={<Plus size={14} />} onClick={make}>
            New bank
          </Button>
          <Button
            onClick={() => editor.set({ overlay: 'attach-sources' })}
            reason={banks.length === 0 ? 'there is no bank yet' : undefined}
          >
            Attach to a model…
          </Button>
        </>
      }
    >
      {bank === undefined || document === undefined ? (
        <Empty
          title="No source bank yet"
          text="A bank holds trained, frozen modules side by side. Fusion and ScaLearn learn how much of each to take."
          action={<Button onClick={make}>Make a bank</Button>}
        />
      ) : (
        <BankTable key={bank} bank={bank} banks={banks} onChoose={setChosen} />
      )}
    </Dialog>
  );
}

interface BankTableProps {
  readonly bank: BankId;
  readonly banks: readonly BankId[];
  readonly onChoose: (bank: BankId) => void;
}

function BankTable({ bank, banks, onChoose }: BankTableProps) {
  const apply = useApply();
  const document = useEditorState((s) => s.document);
  const runs = useEditorState((s) => s.runs);
  const check = useEditorState((s) => s.check);
  const [problem, setProblem] = useState<string>();
  if (document === undefined) return null;
  const rows = sourceRows(document, bank, runs, check?.diagnostics ?? []);
  const users = bankUsers(document, bank);
  return (
    <>
      <div className={styles['toolbar']}>
        {banks.length > 1 && <Select label="Bank" value={bank} options={banks} onChange={onChoose} />}
        <div className={styles['grow']}>
          <TextField
            label="Title"
            value={document.banks[bank]?.title ?? ''}
            placeholder={bank}
            onCommit={(title) => void apply('Rename source bank', setBankTitle(bank, title))}
          />
        </div>
        <AddSourceMenu bank={bank} />
        <Button
          variant="danger"
          small
          reason={users.length > 0 ? `${formatPlural(users.length, 'node')} use it` : undefined}
          onClick={() => setProblem(apply('Remove source bank', removeBank(bank)))}
        >
          Remove bank
        </Button>
      </div>
      {problem !== undefined && <p className={styles['rowProblem']}>{problem}</p>}
      {rows.length === 0 ? (
        <Empty
          title="The bank is empty"
          text="Add an adapter file, a finished run, or what a step of the workflow trains."
        />
      ) : (
        <div className={styles['scroller']}>
          <table className={styles['table']} aria-label={`Sources of ${bank}`}>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">From</th>
                <th scope="col">Metric</th>
                <th scope="col">Layers</th>
                <th scope="col">State</th>
                <th scope="col">Used</th>
                <th scope="col">
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row, i) => (
                <SourceTableRow
                  key={row.source.name}
                  bank={bank}
                  row={row}
                  isFirst={i === 0}
                  isLast={i === rows.length - 1}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p className={styles['quiet']} style={{ marginTop: 12 }}>
        {users.length === 0
          ? 'No node uses this bank yet.'
          : `Used by ${users.map((u) => `${[...u.path, u.node].join('/')} of model ${u.model}`).join(', ')}.`}
      </p>
    </>
  );
}

interface SourceRowProps {
  readonly bank: BankId;
  readonly row: SourceRow;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

function SourceTableRow({ bank, row, isFirst, isLast }: SourceRowProps) {
  const apply = useApply();
  const document = useEditorState((s) => s.document);
  const [nameProblem, setNameProblem] = useState<string>();
  const [layersProblem, setLayersProblem] = useState<string>();
  if (document === undefined) return null;
  const { source, problems, metric } = row;
  const origins = originsOf(document);
  const options = origins.map((o) => ({ value: artifactWords(o.artifact), title: o.title }));
  const current = artifactWords(source.artifact);
  const rename = (name: string): void => {
    const read = sourceName(document, bank, name, source.name);
    setNameProblem(read.ok ? apply('Rename source', renameSource(bank, source.name, name)) : read.error);
  };
  const setOrigin = (words: string): void => {
    const origin = origins.find((o) => artifactWords(o.artifact) === words);
    if (origin !== undefined) void apply('Set origin of source', setSourceArtifact(bank, source.name, origin.artifact));
  };
  return (
    <tr>
      <td>
        <TextField
          label={`Name of ${source.name}`}
          hideLabel
          value={source.name}
          problem={nameProblem}
          onCommit={rename}
        />
      </td>
      <td style={{ minWidth: 200 }}>
        <Select
          label={`Origin of ${source.name}`}
          hideLabel
          value={current}
          options={
            options.some((o) => o.value === current) ? options : [{ value: current, title: row.from }, ...options]
          }
          problem={problems.map((d) => `${d.message} ${d.fix}`).join(' ') || undefined}
          onChange={setOrigin}
        />
      </td>
      <td>
        <span className={styles['cellText']}>{metric ?? '-'}</span>
      </td>
      <td style={{ width: 110 }}>
        <TextField
          label={`Layers of ${source.name}`}
          hideLabel
          mono
          value={source.layers ?? 'all'}
          problem={layersProblem}
          onCommit={(layers) =>
            setLayersProblem(apply('Set layers of source', setSourceLayers(bank, source.name, layers)))
          }
        />
      </td>
      <td>
        <span className={styles['cellText']}>
          <Badge tone="frozen">frozen</Badge>
        </span>
      </td>
      <td>
        <Switch
          label={`Use ${source.name}`}
          hideLabel
          checked={source.mute !== true}
          onChange={(on) => void apply(on ? 'Unmute source' : 'Mute source', muteSource(bank, source.name, !on))}
        />
      </td>
      <td>
        <RowActions
          name={source.name}
          isFirst={isFirst}
          isLast={isLast}
          move={(by) => void apply('Reorder sources', moveSource(bank, source.name, by))}
          remove={() => void apply('Remove source', removeSource(bank, source.name))}
        />
      </td>
    </tr>
  );
}
