/** A for-each step in the inspector: its items at a glance, and its run state. */
import { Repeat } from 'lucide-react';
import { useMemo } from 'react';
import { Head } from '../inspector/Head.tsx';
import { useApply } from '../inspector/hooks.ts';
import { setTitle } from '../inspector/model/edits.ts';
import { problemsOf } from '../inspector/model/figures.ts';
import type { StepSubject } from '../inspector/model/subject.ts';
import { valueText } from '../inspector/model/values.ts';
import { Notes } from '../inspector/Notes.tsx';
import { Problems } from '../inspector/Problems.tsx';
import { RunState } from '../inspector/RunState.tsx';
import { Section } from '../inspector/Section.tsx';
import { useEditor, useEditorState } from '../state/editor.ts';
import { Badge, Button, formatPlural, Switch } from '../ui/index.ts';
import { stackValue } from '../../engine/protocol/params.ts';
import { addItem, columnsOf, itemValue, muteItem } from './model/forEach.ts';
import styles from './sources.module.css';

export function ForEachPanel({ subject }: { readonly subject: StepSubject }) {
  const { at, step } = subject;
  const apply = useApply();
  const editor = useEditor();
  const types = useEditorState((s) => s.catalog?.steps);
  const check = useEditorState((s) => s.check);
  const problems = useMemo(() => problemsOf(check, { path: at.graph.path, node: at.node }), [check, at]);
  const items = step.items ?? [];
  const [first] = columnsOf(step, types ?? []);
  return (
    <>
      <Head
        title={step.title ?? 'For each source'}
        formal={at.node}
        icon={<Repeat size={16} aria-hidden />}
        badges={<Badge>{formatPlural(items.length, 'item')}</Badge>}
        onRename={(title) => void apply('Rename step', setTitle(at, title))}
      />
      <Problems diagnostics={problems.all} />
      <Section title="What it does">
        <p className={styles['quiet']}>
          Its steps run once for each item; an item sets the parameters in which it differs. What leaves the container
          is one artifact per item.
        </p>
      </Section>
      <Section title="Items" note={`${items.filter((i) => i.mute !== true).length} run`}>
        <ul className={styles['rows']} aria-label="Items">
          {items.map((item) => {
            const value = first === undefined ? undefined : itemValue(step, item, first).value;
            return (
              <li
                key={item.name}
                className={item.mute === true ? `${styles['row']} ${styles['muted']}` : styles['row']}
              >
                <div className={styles['rowHead']}>
                  <span className={styles['rowName']} title={item.name}>
                    {item.name}
                  </span>
                  <Switch
                    label={`Run ${item.name}`}
                    hideLabel
                    checked={item.mute !== true}
                    onChange={(on) => void apply(on ? 'Unmute item' : 'Mute item', muteItem(at, item.name, !on))}
                  />
                </div>
                {value !== undefined && <div className={styles['rowFrom']}>{valueText(stackValue(value))}</div>}
              </li>
            );
          })}
        </ul>
        <div className={styles['toolbar']}>
          <Button small onClick={() => void apply('Add item', addItem(at))}>
            Add item
          </Button>
          <Button small variant="quiet" onClick={() => editor.set({ overlay: 'for-each' })}>
            Edit as a table
          </Button>
        </div>
      </Section>
      <RunState step={at.node} type="for-each" />
      <Notes at={at} notes={step.notes} />
    </>
  );
}
