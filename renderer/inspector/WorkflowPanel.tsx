/** Nothing selected on the workflow: what the project is made of. */
import { Workflow } from 'lucide-react';
import type { Document, WorkflowNode } from '../../engine/protocol/document.ts';
import { entriesOf, type NodeId } from '../../engine/protocol/ids.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { formatPlural, TextField } from '../ui/index.ts';
import { ok } from '../../engine/base/result.ts';
import { Head } from './Head.tsx';
import { useApply } from './hooks.ts';
import styles from './inspector.module.css';
import { Problems } from './Problems.tsx';
import { ResultSection } from './ResultSection.tsx';
import { Section } from './Section.tsx';

export function WorkflowPanel({ document }: { readonly document: Document }) {
  const editor = useEditor();
  const apply = useApply();
  const steps = useEditorState((s) => s.catalog?.steps);
  const check = useEditorState((s) => s.check);
  const general = (check?.diagnostics ?? []).filter((d) => d.where.node === undefined);
  const all = entriesOf<NodeId, WorkflowNode>(document.workflow.nodes);
  const titleOfType = (type: string): string =>
    steps?.find((s) => s.type === type)?.title ?? (type === 'for-each' ? 'For each source' : type);
  return (
    <>
      <Head
        title={document.title}
        formal="workflow"
        icon={<Workflow size={16} aria-hidden />}
        onRename={(title) => void apply('Rename project', (d) => ok({ ...d, title }))}
      />
      <Problems diagnostics={general} />
      <ResultSection />
      <Section title="Steps" note={formatPlural(all.length, 'step')}>
        <ul className={styles['list']}>
          {all.map(([id, step]) => (
            <li key={id}>
              <button
                type="button"
                className={styles['link']}
                onClick={() => editor.select({ graph: 'workflow:', nodes: [id], edges: [] })}
              >
                {step.title ?? titleOfType(step.type)}
              </button>
              <span className={styles['sectionNote']}>{id}</span>
            </li>
          ))}
        </ul>
      </Section>
      <Section title="Notes">
        <TextField
          label="Notes"
          hideLabel
          lines={5}
          placeholder="What is this project for?"
          value={document.notes ?? ''}
          onCommit={(notes) =>
            void apply('Edit notes', (d) => {
              const { notes: _before, ...rest } = d;
              return ok(notes.trim() === '' ? rest : { ...rest, notes });
            })
          }
        />
      </Section>
    </>
  );
}
