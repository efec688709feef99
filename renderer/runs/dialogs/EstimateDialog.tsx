/** How long a run would take, and where the time goes. */
import type { Estimate } from '../../../engine/protocol/api/runs.ts';
import { Button, Callout, Dialog, formatShare, Progress } from '../../ui/index.ts';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { startRun, whenReady } from '../actions.ts';
import { useLoaded } from '../hooks.ts';
import { formatAbout } from '../words.ts';
import styles from './dialogs.module.css';

/** Reads the estimate of the draft as soon as it is checked; one probe step is made for it. */
export function useEstimate() {
  const editor = useEditor();
  const project = useEditorState((s) => s.project?.id);
  const revision = useEditorState((s) => s.revision);
  return useLoaded(project === undefined ? undefined : `${project}@${revision}`, async () => {
    await whenReady(editor);
    const s = editor.store.getState();
    if (!s.project) throw new Error('a project is open');
    return editor.client.call('run.estimate', { project: s.project.id, revision: s.revision });
  });
}

export function EstimateDialog({ onClose }: { readonly onClose: () => void }) {
  const editor = useEditor();
  const { value, problem, loading, again } = useEstimate();
  return (
    <Dialog
      title="How long training takes"
      open
      onClose={onClose}
      footer={
        <>
          <Button onClick={again}>Measure again</Button>
          <Button
            variant="primary"
            onClick={() => {
              onClose();
              void startRun(editor);
            }}
          >
            Train
          </Button>
        </>
      }
    >
      {problem !== undefined && <Callout tone="error">{problem}</Callout>}
      {loading && <Progress value={undefined} label="One step is being measured" />}
      {value && !loading && <EstimateBody estimate={value} />}
    </Dialog>
  );
}

export function EstimateBody({ estimate }: { readonly estimate: Estimate }) {
  const largest = estimate.shares[0]?.share ?? 1;
  return (
    <>
      <p className={styles['lead']}>
        About <strong>{formatAbout(estimate.seconds)}</strong>
        <span className={styles['note']}>
          {estimate.steps.toLocaleString('en-US')} steps of {formatStep(estimate.stepSeconds)}, evaluations not counted
        </span>
      </p>
      {estimate.shares.length > 0 && (
        <>
          <h3 className={styles['heading']}>Where the time of a step goes</h3>
          <ul className={styles['bars']}>
            {estimate.shares.slice(0, 12).map(({ node, share }) => (
              <li key={node} className={styles['bar']}>
                <span className={styles['barName']} title={node}>
                  {node}
                </span>
                <span className={styles['barTrack']}>
                  <span className={styles['barFill']} style={{ width: `${(share / largest) * 100}%` }} />
                </span>
                <span className={styles['barValue']}>{formatShare(share)}</span>
              </li>
            ))}
          </ul>
          <p className={styles['note']}>{adviceOf(estimate)}</p>
        </>
      )}
    </>
  );
}

const formatStep = (seconds: number): string =>
  seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;

/** What makes it quicker, said of the node that takes most. */
const adviceOf = ({ shares }: Estimate): string => {
  const [first] = shares;
  if (!first) return '';
  const name = first.node;
  return `"${name}" takes ${formatShare(first.share)} of a step. A shorter maximum length, modules in upper layers only, or reusing values of frozen layers makes a step quicker.`;
};
