/** The source bank of a node, as a short list; the table with everything opens from it. */
import { Snowflake } from 'lucide-react';
import type { BankId } from '../../engine/protocol/ids.ts';
import { useApply } from '../inspector/hooks.ts';
import { Section } from '../inspector/Section.tsx';
import { useEditor, useEditorState } from '../state/editor.ts';
import { Badge, Button, formatPlural, Switch } from '../ui/index.ts';
import { AddSourceMenu } from './AddSourceMenu.tsx';
import { muteSource, sourceRows } from './model/banks.ts';
import styles from './sources.module.css';

export function BankSection({ bank }: { readonly bank: BankId }) {
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
      {rows.length === 0 && (
        <p className={styles['quiet']}>No source yet. Add trained adapters, or items that train them.</p>
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
