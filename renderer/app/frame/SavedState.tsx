/** Whether what is shown is in the file. */
import { useEditorState } from '../../state/editor.ts';
import { Tooltip } from '../../ui/index.ts';
import styles from './SavedState.module.css';

export function SavedState() {
  const pending = useEditorState((s) => s.pending > 0);
  const dirty = useEditorState((s) => s.savedRevision < s.revision);
  const connected = useEditorState((s) => s.connected);
  const folder = useEditorState((s) => s.project?.folder ?? '');
  const text = pending ? (connected ? 'saving' : 'waiting') : dirty ? 'saving' : 'saved';
  const help = pending
    ? connected
      ? 'The last edit is on its way to the engine.'
      : 'The engine is restarting. Your edits are kept in this window and sent when it is back.'
    : dirty
      ? 'The engine has the last edit in its journal and writes the file within a second.'
      : `Everything is in the file, in ${folder}`;
  return (
    <Tooltip text={help}>
      <span className={styles['state']} data-state={text} role="status" aria-label={`Document ${text}`} tabIndex={0}>
        <span className={styles['dot']} />
        <span className={styles['text']}>{text}</span>
      </span>
    </Tooltip>
  );
}
