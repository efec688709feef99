/** How the last run of a step went, and the way to its results. */
import { useEditor, useEditorState } from '../state/editor.ts';
import { Badge, Button, formatFigure, formatSeconds, Progress, type Tone } from '../ui/index.ts';
import styles from './inspector.module.css';
import { Result } from './ResultSection.tsx';
import { Facts, Section } from './Section.tsx';
import type { RunState as State } from '../../engine/protocol/api/runs.ts';

const TONES: Readonly<Record<State, Tone>> = {
  queued: 'neutral',
  preparing: 'info',
  training: 'info',
  paused: 'warning',
  done: 'trainable',
  failed: 'error',
  stopped: 'warning',
  lost: 'error',
};

/** Steps that a run of the whole workflow computes. */
const COMPUTED: ReadonlySet<string> = new Set(['train', 'evaluate', 'predict', 'export', 'for-each']);

/** Steps whose result is the figures of the run. */
const MEASURED: ReadonlySet<string> = new Set(['train', 'evaluate']);

export function RunState({ step, type }: { readonly step: string; readonly type: string }) {
  const editor = useEditor();
  const runs = useEditorState((s) => s.runs);
  if (!COMPUTED.has(type)) return null;
  const run = runs.filter((r) => r.target === undefined || r.target === step).at(-1);
  if (run === undefined)
    return (
      <Section title="Last run">
        <p className={styles['quiet']}>Not run yet.</p>
      </Section>
    );
  if (run.state === 'done' && MEASURED.has(type))
    return (
      <Section title="Last run" note={<Badge tone="trainable">{`run ${run.number}, done`}</Badge>}>
        <Result run={run} />
      </Section>
    );
  const active = run.state === 'training' || run.state === 'preparing';
  return (
    <Section title="Last run" note={<Badge tone={TONES[run.state]}>{run.state}</Badge>}>
      {active && (
        <Progress
          value={run.steps === 0 ? undefined : run.step / run.steps}
          label={`Run ${run.number}, step ${run.step} of ${run.steps}`}
        />
      )}
      <Facts
        facts={[
          { name: 'Run', value: `${run.number}  ${run.name}` },
          ...(run.figure === undefined ? [] : [{ name: run.metric ?? 'Metric', value: formatFigure(run.figure) }]),
          { name: 'Time', value: formatSeconds(run.seconds) },
        ]}
      />
      <div className={styles['buttons']}>
        <Button
          small
          onClick={() =>
            editor.set({
              run: run.run,
              drawer: 'runs',
              runsView: { ...editor.store.getState().runsView, page: 'results', tab: 'summary' },
            })
          }
        >
          Results
        </Button>
        <Button small variant="quiet" onClick={() => editor.set({ run: run.run, drawer: 'charts' })}>
          Charts
        </Button>
      </div>
    </Section>
  );
}
