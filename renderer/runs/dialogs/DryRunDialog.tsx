/** A run without consequences: one batch, or eight examples that a sound model learns by heart. */
import type { DryRun } from '../../../engine/protocol/api/runs.ts';
import { Button, Callout, Dialog, Progress } from '../../ui/index.ts';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { startRun, whenReady } from '../actions.ts';
import { useLoaded } from '../hooks.ts';
import { formatFigure } from '../words.ts';
import styles from './dialogs.module.css';

const ABOUT: Readonly<Record<DryRun['kind'], { title: string; text: string }>> = {
  batch: { title: 'Dry run: one batch', text: 'One batch goes forward and back. Nothing is kept.' },
  overfit: {
    title: 'Dry run: overfit eight examples',
    text: 'Eight examples are learned by heart. When the loss does not fall, the gradient does not reach what should learn. Nothing is kept.',
  },
};

interface Props {
  readonly kind: DryRun['kind'];
  readonly onClose: () => void;
}

export function DryRunDialog({ kind, onClose }: Props) {
  const editor = useEditor();
  const project = useEditorState((s) => s.project?.id);
  const revision = useEditorState((s) => s.revision);
  const { value, problem, loading, again } = useLoaded(
    project === undefined ? undefined : `${project}@${revision} ${kind}`,
    async () => {
      await whenReady(editor);
      const s = editor.store.getState();
      if (!s.project) throw new Error('a project is open');
      return editor.client.call('run.dry', { project: s.project.id, revision: s.revision, kind });
    },
  );
  return (
    <Dialog
      title={ABOUT[kind].title}
      open
      onClose={onClose}
      footer={
        <>
          <Button disabled={loading} onClick={again}>
            Once more
          </Button>
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
      <div className={styles['form']}>
        <p>{ABOUT[kind].text}</p>
        {problem !== undefined && (
          <Callout tone="error" title="The dry run failed">
            {problem}
          </Callout>
        )}
        {loading && (
          <Progress
            value={undefined}
            label={kind === 'batch' ? 'One batch is computed' : 'Eight examples are learned'}
          />
        )}
        {value && !loading && <Outcome dry={value} />}
      </div>
    </Dialog>
  );
}

function Outcome({ dry }: { readonly dry: DryRun }) {
  const { losses } = dry;
  return (
    <>
      <Callout tone={dry.ok ? 'info' : 'warning'} title={dry.ok ? 'It works' : 'Look at this first'}>
        {dry.words}
      </Callout>
      {losses.length > 1 && (
        <figure>
          <svg
            className={styles['loss']}
            viewBox="0 0 100 100"
            preserveAspectRatio="none"
            role="img"
            aria-label={spoken(losses)}
          >
            <polyline className={styles['lossLine']} points={pointsOf(losses)} />
          </svg>
          <figcaption className={styles['note']}>{spoken(losses)}</figcaption>
        </figure>
      )}
    </>
  );
}

const spoken = (losses: readonly number[]): string =>
  `Loss from ${formatFigure(losses[0])} to ${formatFigure(losses.at(-1))} in ${losses.length} steps`;

function pointsOf(losses: readonly number[]): string {
  const finite = losses.filter(Number.isFinite);
  const high = Math.max(...finite, 0);
  const low = Math.min(...finite, 0);
  const y = (loss: number): number => 96 - (92 * (Math.min(high, loss) - low)) / (high - low || 1);
  return losses
    .map((loss, i) => `${(i / (losses.length - 1)) * 100},${Number.isFinite(loss) ? y(loss).toFixed(2) : 0}`)
    .join(' ');
}
