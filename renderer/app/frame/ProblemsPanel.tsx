/** All findings of the latest check, grouped by node. A click goes to the level, the node and the parameter. */
import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react';
import { useMemo } from 'react';
import type { Diagnostic } from '../../../engine/base/errors.ts';
import { isFresh, useEditor, useEditorState, type Editor } from '../../state/editor.ts';
import { Button, cx, Empty } from '../../ui/index.ts';
import { fixFor } from '../fixes.ts';
import { groupProblems, wayTo, type ProblemGroup } from '../problems.ts';
import styles from './ProblemsPanel.module.css';

const NONE: readonly Diagnostic[] = [];

export function ProblemsPanel() {
  const document = useEditorState((s) => s.document);
  const diagnostics = useEditorState((s) => s.check?.diagnostics ?? NONE);
  const fresh = useEditorState(isFresh);
  const checked = useEditorState((s) => s.check !== undefined);
  const groups = useMemo(() => (document ? groupProblems(diagnostics, document) : []), [diagnostics, document]);
  if (groups.length === 0)
    return (
      <Empty
        icon={<CircleCheck />}
        title={checked ? 'No problems' : 'Not checked yet'}
        text={
          checked
            ? 'The graph, its wires, shapes and data fit together.'
            : 'The check begins when the engine has the document.'
        }
      />
    );
  return (
    <div className={cx(styles['list'], !fresh && styles['stale'])} aria-busy={!fresh}>
      {groups.map((group) => (
        <Group key={group.key} group={group} />
      ))}
    </div>
  );
}

const ICONS = { error: CircleAlert, warning: TriangleAlert, info: Info } as const;

function go(editor: Editor, d: Diagnostic): void {
  const { document } = editor.store.getState();
  const way = document && wayTo(document, d);
  if (!way) return;
  editor.reveal(way.place, way.selection);
  const { param } = d.where;
  editor.set({ inspector: true });
  if (param === undefined) return;
  // The form is drawn after the selection; its field carries the name of the parameter.
  setTimeout(() => {
    const field = globalThis.document.querySelector<HTMLElement>(`[data-param="${CSS.escape(param)}"]`);
    const control =
      field?.matches('input, button') === true ? field : field?.querySelector<HTMLElement>('input, button, [tabindex]');
    control?.focus();
    field?.scrollIntoView({ block: 'nearest' });
  }, 150);
}

function Group({ group }: { readonly group: ProblemGroup }) {
  const editor = useEditor();
  return (
    <section className={styles['group']} aria-label={group.title}>
      <h3 className={styles['head']}>
        <span className={styles['title']}>{group.title}</span>
        {group.path !== '' && <span className={styles['path']}>{group.path}</span>}
      </h3>
      <ul>
        {group.problems.map((d, i) => {
          const Icon = ICONS[d.severity];
          const fix = fixFor(d);
          return (
            <li key={`${d.code}.${i}`} className={styles['row']}>
              <button type="button" className={styles['problem']} onClick={() => go(editor, d)}>
                <Icon size={16} className={styles[d.severity]} aria-label={d.severity} />
                <span className={styles['text']}>
                  <span className={styles['message']}>{d.message}</span>
                  {d.found !== undefined && <span className={styles['found']}>{`Found: ${d.found}`}</span>}
                  <span className={styles['fix']}>{d.fix}</span>
                </span>
                {placeWords(d) !== '' && <span className={styles['where']}>{placeWords(d)}</span>}
              </button>
              {fix && (
                <Button small onClick={() => fix.run(editor, d)}>
                  {fix.title}
                </Button>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function placeWords({ where }: Diagnostic): string {
  const parts = [
    where.layer === undefined ? undefined : `layer ${where.layer}`,
    where.param,
    where.port,
    where.file,
    where.row === undefined ? undefined : `row ${where.row}`,
    where.column,
  ];
  return parts.filter((p) => p !== undefined).join(' · ');
}
