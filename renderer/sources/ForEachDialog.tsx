/** The items of a for-each step as a table: one row per item, one column per parameter that items set. */
import { Plus, RotateCcw } from 'lucide-react';
import { useState } from 'react';
import type { ParamInfo } from '../../engine/protocol/api/catalog.ts';
import type { ForEachItem, WorkflowNode } from '../../engine/protocol/document.ts';
import { nodeAt, type NodeAddress } from '../../engine/protocol/edit.ts';
import { stackValue, type PlainValue } from '../../engine/protocol/params.ts';
import { useApply, useSubject } from '../inspector/hooks.ts';
import { paramTitle } from '../inspector/model/groups.ts';
import { readText, valueText } from '../inspector/model/values.ts';
import { useImportFile } from '../inspector/importFile.ts';
import { useEditorState } from '../state/editor.ts';
import { Button, Dialog, Empty, IconButton, Menu, Switch, TextField } from '../ui/index.ts';
import {
  addItem,
  columnsOf,
  duplicateItem,
  itemName,
  itemValue,
  moveItem,
  muteItem,
  otherColumns,
  removeItem,
  renameItem,
  setItemValue,
  type ItemColumn,
} from './model/forEach.ts';
import { RowActions } from './RowActions.tsx';
import styles from './sources.module.css';

export function ForEachDialog({ onClose }: { readonly onClose: () => void }) {
  const found = useSubject();
  const at = found?.subject.kind === 'for-each' ? found.subject.at : undefined;
  const step =
    at === undefined || found === undefined ? undefined : (nodeAt(found.document, at) as WorkflowNode | undefined);
  return (
    <Dialog title={step?.title ?? 'For each source'} open onClose={onClose} width={1080}>
      {at === undefined || step === undefined ? (
        <Empty title="No for-each step is selected" text="Select one on the workflow, then open its table." />
      ) : (
        <ItemsTable at={at} step={step} />
      )}
    </Dialog>
  );
}

function ItemsTable({ at, step }: { readonly at: NodeAddress; readonly step: WorkflowNode }) {
  const apply = useApply();
  const types = useEditorState((s) => s.catalog?.steps) ?? [];
  const [extra, setExtra] = useState<readonly ItemColumn[]>([]);
  const known = columnsOf(step, types);
  const added = extra.filter((e) => !known.some((k) => k.node === e.node && k.param === e.param));
  const columns = [...known, ...added];
  const items = step.items ?? [];
  const infoOf = ({ node, param }: ItemColumn): ParamInfo | undefined =>
    types.find((t) => t.type === step.body?.nodes[node]?.type)?.params[param];
  return (
    <>
      <div className={styles['toolbar']}>
        <Button icon={<Plus size={14} />} onClick={() => void apply('Add item', addItem(at))}>
          Add item
        </Button>
        <Menu
          label="Add a column"
          trigger={<Button variant="quiet">Add column</Button>}
          items={otherColumns(step, types).map((c) => ({
            title: `${c.node}: ${paramTitle(c.param)}`,
            run: () => setExtra((before) => [...before, c]),
          }))}
        />
      </div>
      {items.length === 0 ? (
        <Empty title="No items" text="Each item runs the steps of the body once." />
      ) : (
        <div className={styles['scroller']}>
          <table className={styles['table']} aria-label="Items">
            <thead>
              <tr>
                <th scope="col">Name</th>
                {columns.map((c) => (
                  <th key={`${c.node}.${c.param}`} scope="col" title={infoOf(c)?.help}>
                    {paramTitle(c.param)} <span className={styles['quiet']}>{c.node}</span>
                  </th>
                ))}
                <th scope="col">Runs</th>
                <th scope="col">
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((item, i) => (
                <ItemRow
                  key={item.name}
                  at={at}
                  step={step}
                  item={item}
                  columns={columns}
                  infoOf={infoOf}
                  isFirst={i === 0}
                  isLast={i === items.length - 1}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

interface RowProps {
  readonly at: NodeAddress;
  readonly step: WorkflowNode;
  readonly item: ForEachItem;
  readonly columns: readonly ItemColumn[];
  readonly infoOf: (column: ItemColumn) => ParamInfo | undefined;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

function ItemRow({ at, step, item, columns, infoOf, isFirst, isLast }: RowProps) {
  const apply = useApply();
  const document = useEditorState((s) => s.document);
  const [problem, setProblem] = useState<string>();
  const rename = (name: string): void => {
    const read = document === undefined ? undefined : itemName(document, at, name, item.name);
    setProblem(read?.ok === false ? read.error : apply('Rename item', renameItem(at, item.name, name)));
  };
  return (
    <tr>
      <td>
        <TextField label={`Name of ${item.name}`} hideLabel value={item.name} problem={problem} onCommit={rename} />
      </td>
      {columns.map((column) => (
        <td key={`${column.node}.${column.param}`}>
          <ItemCell at={at} step={step} item={item} column={column} info={infoOf(column)} />
        </td>
      ))}
      <td>
        <Switch
          label={`Run ${item.name}`}
          hideLabel
          checked={item.mute !== true}
          onChange={(on) => void apply(on ? 'Unmute item' : 'Mute item', muteItem(at, item.name, !on))}
        />
      </td>
      <td>
        <RowActions
          name={item.name}
          isFirst={isFirst}
          isLast={isLast}
          move={(by) => void apply('Reorder items', moveItem(at, item.name, by))}
          duplicate={() => void apply('Duplicate item', duplicateItem(at, item.name))}
          remove={() => void apply('Remove item', removeItem(at, item.name))}
        />
      </td>
    </tr>
  );
}

interface CellProps {
  readonly at: NodeAddress;
  readonly step: WorkflowNode;
  readonly item: ForEachItem;
  readonly column: ItemColumn;
  readonly info: ParamInfo | undefined;
}

/** A value of an item; one that it does not set is the body's own, in italics. */
function ItemCell({ at, step, item, column, info }: CellProps) {
  const apply = useApply();
  const importFile = useImportFile();
  const [problem, setProblem] = useState<string>();
  const { value, own } = itemValue(step, item, column);
  const text = value === undefined ? (info === undefined ? '' : valueText(info.default)) : valueText(stackValue(value));
  const title = paramTitle(column.param);
  const set = (next: PlainValue | undefined): void =>
    setProblem(apply(`Set ${title.toLowerCase()} of ${item.name}`, setItemValue(at, item.name, column, next)));
  const commit = (written: string): void => {
    if (info === undefined) return;
    const asKind = info.kind === 'bool' ? (written === 'on' || written === 'true' ? 'true' : 'false') : written;
    const read = readText(info, asKind);
    if (read.ok) set(read.value);
    else setProblem(read.error);
  };
  return (
    <div className={own ? styles['rowHead'] : `${styles['rowHead']} ${styles['inherited']}`}>
      <TextField label={`${title} of ${item.name}`} hideLabel value={text} problem={problem} onCommit={commit} />
      {info?.kind === 'path' && (
        <Button
          small
          variant="quiet"
          onClick={() => {
            void importFile().then((file) => (file === undefined ? undefined : set(file)));
          }}
        >
          Choose
        </Button>
      )}
      {own && (
        <IconButton
          small
          label={`Take ${title.toLowerCase()} of ${item.name} from the body`}
          icon={<RotateCcw size={12} />}
          onClick={() => set(undefined)}
        />
      )}
    </div>
  );
}
