/** The source bank of a node, as a short list; the table with everything opens from it. */
import { Plus, Snowflake } from 'lucide-react';
import type { ModelNodeAddress } from '../../engine/protocol/edit.ts';
import type { BankId } from '../../engine/protocol/ids.ts';
import { useApply } from '../inspector/hooks.ts';
import { Section } from '../inspector/Section.tsx';
import { useEditor, useEditorState } from '../state/editor.ts';
import { Badge, Button, formatPlural, Select, Switch } from '../ui/index.ts';
import { AddSourceMenu } from './AddSourceMenu.tsx';
import { freshBankId, muteSource, setNodeBank, sourceRows } from './model/banks.ts';
import styles from './sources.module.css';

interface Props {
  readonly at: ModelNodeAddress;
  readonly bank: BankId | undefined;
}

export function BankSection({ at, bank }: Props) {
  const banks = useEditorState((s) => s.document?.banks);
  const titles = Object.entries(banks ?? {}).map(([id, b]) => ({ value: id as BankId, title: b.title ?? id }));
  if (bank === undefined || banks?.[bank] === undefined) return <ChooseBank at={at} banks={titles} />;
  return <Rows at={at} bank={bank} banks={titles} />;
}

type Titles = readonly { readonly value: BankId; readonly title: string }[];

/** A card that has no bank yet, or one that was taken away. */
function ChooseBank({ at, banks }: { readonly at: ModelNodeAddress; readonly banks: Titles }) {
  const apply = useApply();
  const document = useEditorState((s) => s.document);
  if (document === undefined) return null;
  return (
    <Section title="Source bank" note="none">
      <p className={styles['quiet']}>A bank is a list of trained adapters. Choose one, or make a new one.</p>
      <div className={styles['toolbar']}>
        {banks.map(({ value, title }) => (
          <Button key={value} small onClick={() => void apply('Choose source bank', setNodeBank(at, value))}>
            {`Use ${title}`}
          </Button>
        ))}
        <Button
          small
          icon={<Plus size={14} />}
          onClick={() => void apply('Make source bank', setNodeBank(at, freshBankId(document)))}
        >
          New bank
        </Button>
      </div>
    </Section>
  );
}

interface RowsProps {
  readonly at: ModelNodeAddress;
  readonly bank: BankId;
  readonly banks: Titles;
}

function Rows({ at, bank, banks }: RowsProps) {
  const editor = useEditor();
  const apply = useApply();
  const document = useEditorState((s) => s.document);
  const runs = useEditorState((s) => s.runs);
  const check = useEditorState((s) => s.check);
  if (document === undefined) return null;
  const rows = sourceRows(document, bank, runs, check?.diagnostics ?? []);
  const active = rows.filter((r) => r.source.mute !== true).length;
  return (
    <Section title="Source bank" note={`${bank} × ${active}`}>
      {banks.length > 1 && (
        <Select
          label="Bank"
          inline
          value={bank}
          options={[...banks]}
          onChange={(id) => void apply('Choose source bank', setNodeBank(at, id))}
        />
      )}
      {rows.length === 0 && (
        <p className={styles['quiet']}>
          No source yet. A source is a trained adapter: the adapter.safetensors that a run exports, a finished run of
          this project, or what a step trains.
        </p>
      )}
      <ul className={styles['rows']} aria-label={`Sources of ${bank}`}>
        {rows.map(({ source, from, metric, problems }) => (
          <li
            key={source.name}
            className={source.mute === true ? `${styles['row']} ${styles['muted']}` : styles['row']}
          >
            <div className={styles['rowHead']}>
              <Snowflake size={14} color="var(--frozen)" aria-label="frozen" />
              <span className={styles['rowName']} title={source.name}>
                {source.name}
              </span>
              {metric !== undefined && <Badge tone="trainable">{metric}</Badge>}
              <Switch
                label={`Use ${source.name}`}
                hideLabel
                checked={source.mute !== true}
                onChange={(on) => void apply(on ? 'Unmute source' : 'Mute source', muteSource(bank, source.name, !on))}
              />
            </div>
            <div className={styles['rowFrom']} title={from}>
              {from}
              {source.layers === undefined ? '' : `, layers ${source.layers}`}
            </div>
            {problems.map((d, i) => (
              <p key={i} className={styles['rowProblem']}>
                {d.message} {d.fix}
              </p>
            ))}
          </li>
        ))}
      </ul>
      <div className={styles['toolbar']}>
        <AddSourceMenu bank={bank} />
        <Button small variant="quiet" onClick={() => editor.set({ overlay: 'sources' })}>
          {`Edit ${formatPlural(rows.length, 'source')}`}
        </Button>
      </div>
    </Section>
  );
}
