/** Says that a run trains an earlier graph than the one that is shown, or that a run's graph is shown, with ways to both. */
import { ArrowLeft, Eye, History } from 'lucide-react';
import { useEffect } from 'react';
import { Button, Popover } from '../ui/index.ts';
import { useEditor, useEditorState, type EditorState } from '../state/editor.ts';
import { restoreGraph, viewGraph } from './actions.ts';
import { changeInWords, relationOf, type Change } from './changes.ts';
import { activeRun, changesSince, findRun, shownRun } from './live.ts';
import styles from './SnapshotBar.module.css';
import { runTitle } from './words.ts';

/** The run that the bar speaks of: the viewed one, the one at work, or an earlier one that was chosen on purpose. */
const subject = (s: EditorState) =>
  s.viewing ? findRun(s, s.viewing.run) : (activeRun(s) ?? (s.run === undefined ? undefined : shownRun(s)));

const NONE: readonly Change[] = [];

export function SnapshotBar() {
  const editor = useEditor();
  const run = useEditorState(subject);
  const viewing = useEditorState((s) => s.viewing !== undefined);
  const changes = useEditorState((s) => (run ? (changesSince(s, run) ?? NONE) : NONE));
  useEffect(() => {
    if (run) editor.runData.document(run.run).catch(() => undefined);
  }, [editor, run?.run]);
  if (!run) return null;
  const relation = relationOf(changes);
  if (!viewing && relation !== 'other') return null;
  const count = changes.length === 1 ? '1 change' : `${changes.length} changes`;
  const isActive = run.state === 'training' || run.state === 'preparing' || run.state === 'paused';
  const verb = isActive ? 'trains' : 'trained';
  const list = (
    <Popover
      label="Changes"
      trigger={
        <button type="button" className={styles['changes']} disabled={changes.length === 0}>
          {changes.length === 0 ? 'no changes' : count}
        </button>
      }
    >
      <h3 className={styles['heading']}>From {runTitle(run)} to the draft</h3>
      <ul className={styles['list']}>
        {changes.slice(0, 50).map((change) => (
          <li key={changeInWords(change)}>{changeInWords(change)}</li>
        ))}
        {changes.length > 50 && <li>and {changes.length - 50} more</li>}
      </ul>
    </Popover>
  );
  return (
    <div className={styles['bar']} role="region" aria-label="Which graph is shown">
      {viewing ? <Eye size={16} /> : <History size={16} />}
      <p className={styles['text']}>
        {viewing ? (
          <>
            This is the graph of <strong>{runTitle(run)}</strong>, read-only. The draft differs by {list}.
          </>
        ) : (
          <>
            <strong>{runTitle(run)}</strong> {verb} an earlier graph ({list}). Its figures are not drawn on this one.
          </>
        )}
      </p>
      {viewing ? (
        <>
          <Button small onClick={() => void restoreGraph(editor, run)}>
            Restore as draft
          </Button>
          <Button small variant="primary" icon={<ArrowLeft />} onClick={() => void viewGraph(editor, undefined)}>
            Back to draft
          </Button>
        </>
      ) : (
        <Button small onClick={() => void viewGraph(editor, run.run)}>
          View run&apos;s graph
        </Button>
      )}
    </div>
  );
}
