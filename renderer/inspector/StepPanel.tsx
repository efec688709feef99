/** A step of the workflow: its form, its run state, and the way to its results. */
import { Brain, Database, FileOutput, Gauge, Package, Play, Sparkles, Split } from 'lucide-react';
import { useEffect, useMemo, useState, type ReactNode } from 'react';
import type { Document } from '../../engine/protocol/document.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { Badge, Button, TextField } from '../ui/index.ts';
import { BackboneCard } from './BackboneField.tsx';
import { About } from './About.tsx';
import { Head } from './Head.tsx';
import { useApply } from './hooks.ts';
import styles from './inspector.module.css';
import { setTitle } from './model/edits.ts';
import { strangers } from './model/fields.ts';
import { problemsOf } from './model/figures.ts';
import { groupsOf, matches } from './model/groups.ts';
import type { StepSubject } from './model/subject.ts';
import { Notes } from './Notes.tsx';
import { ParamForm } from './ParamForm.tsx';
import { Problems } from './Problems.tsx';
import { RunState } from './RunState.tsx';
import { Section } from './Section.tsx';
import type { StepTypeInfo } from '../../engine/protocol/api/catalog.ts';

const ICONS: Readonly<Record<string, ReactNode>> = {
  'data.table': <Database size={16} color="var(--data)" aria-hidden />,
  'data.split': <Split size={16} color="var(--data)" aria-hidden />,
  model: <Brain size={16} color="var(--frozen)" aria-hidden />,
  train: <Play size={16} color="var(--trainable)" aria-hidden />,
  evaluate: <Gauge size={16} aria-hidden />,
  predict: <Sparkles size={16} aria-hidden />,
  'adapter.file': <Package size={16} aria-hidden />,
  export: <FileOutput size={16} aria-hidden />,
};

export function StepPanel({ document, subject }: { readonly document: Document; readonly subject: StepSubject }) {
  const { at, step } = subject;
  const apply = useApply();
  const editor = useEditor();
  const info = useEditorState((s) => s.catalog?.steps)?.find((t) => t.type === step.type);
  const check = useEditorState((s) => s.check);
  const problems = useMemo(() => problemsOf(check, { path: at.graph.path, node: at.node }), [check, at]);
  const infos = info?.params ?? {};
  const backbone = step.params['backbone'];
  const unknown = strangers(document, step, infos);
  return (
    <>
      <Head
        title={step.title ?? info?.title ?? at.node}
        formal={at.graph.path.length > 0 ? [...at.graph.path, at.node].join('/') : at.node}
        icon={ICONS[step.type]}
        badges={step.model === undefined ? undefined : <Badge>model {step.model}</Badge>}
        onRename={(title) => void apply('Rename step', setTitle(at, title))}
      />
      <Problems diagnostics={problems.all.filter((d) => d.where.param === undefined || !(d.where.param in infos))} />
      <About info={info} />
      {info === undefined && !step.body && (
        <Section title="What it does">
          <p className={styles['help']}>
            This Espalier does not know the step <span className={styles['mono']}>{step.type}</span>. Its text is kept
            as it is.
          </p>
        </Section>
      )}
      {step.model !== undefined && (
        <Section title="Graph">
          <Button
            small
            onClick={() => editor.goTo({ level: 'model', ...(step.model === undefined ? {} : { model: step.model }) })}
          >
            Open model {step.model}
          </Button>
        </Section>
      )}
      {info !== undefined && <StepForm document={document} subject={subject} info={info} />}
      {unknown.length > 0 && <p className={styles['quiet']}>Not known to this type: {unknown.join(', ')}.</p>}
      {typeof backbone === 'string' && (
        <Section title="Backbone" note={backbone}>
          <BackboneCard name={backbone} />
        </Section>
      )}
      <RunState step={at.node} type={step.type} />
      <Notes at={at} notes={step.notes} />
    </>
  );
}

/** The form in its groups; the search goes over all settings and shows what it finds in one list. */
function StepForm({
  document,
  subject,
  info,
}: {
  readonly document: Document;
  readonly subject: StepSubject;
  readonly info: StepTypeInfo;
}) {
  const { at, step } = subject;
  const check = useEditorState((s) => s.check);
  const problems = useMemo(() => problemsOf(check, { path: at.graph.path, node: at.node }), [check, at]);
  const [query, setQuery] = useState('');
  const hasFile = typeof step.params['file'] === 'string' && step.params['file'] !== '';
  const columns = useColumns(step.type === 'data.table' && hasFile && at.graph.path.length === 0, at.node);
  const names = Object.keys(info.params);
  if (names.length === 0) return null;
  const groups = groupsOf(info.type, names);
  const found = query.trim() === '' ? undefined : names.filter((n) => matches(query, n, info.params[n]?.help ?? ''));
  const form = (fields: readonly string[]) => (
    <ParamForm
      document={document}
      at={at}
      node={step}
      infos={info.params}
      problems={problems}
      names={fields}
      suggestions={{ text: columns, label: columns }}
    />
  );
  return (
    <>
      {names.length > 8 && (
        <div className={styles['search']}>
          <TextField
            label="All settings"
            hideLabel
            type="search"
            placeholder={`Search ${names.length} settings`}
            value={query}
            onChange={setQuery}
          />
        </div>
      )}
      {found !== undefined ? (
        <Section title="Found" note={`${found.length} of ${names.length}`}>
          {found.length === 0 ? <p className={styles['quiet']}>No setting has these words.</p> : form(found)}
        </Section>
      ) : (
        groups.map((group) => (
          <Section key={group.title} title={group.title}>
            {form(group.names)}
          </Section>
        ))
      )}
    </>
  );
}

/** The columns of a data step's file, for the fields that name columns. */
function useColumns(wanted: boolean, step: string): readonly string[] {
  const editor = useEditor();
  const project = useEditorState((s) => s.project);
  const revision = useEditorState((s) => s.revision);
  const [columns, setColumns] = useState<readonly string[]>([]);
  useEffect(() => {
    if (!wanted || project === undefined) return;
    let alive = true;
    editor.client
      .call('data.preview', { project: project.id, revision, step, offset: 0, limit: 1 })
      .then((preview) => (alive ? setColumns(preview.columns) : undefined))
      // Without a file there are no columns to offer; the check says what is wrong with it.
      .catch(() => (alive ? setColumns([]) : undefined));
    return () => {
      alive = false;
    };
  }, [editor, project, revision, step, wanted]);
  return columns;
}
