/** The runs of the project in the rail: the newest first, with what came out. */
import { Table2 } from 'lucide-react';
import { Button, ContextMenu, Empty, Progress } from '../ui/index.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { setRunsView, showResults } from './actions.ts';
import { shownRun } from './live.ts';
import { RunState } from './RunState.tsx';
import { runMenu } from './runMenu.tsx';
import styles from './runs.module.css';
import { causeOf, doneShare, formatClock, resultWords, runTitle } from './words.ts';

export function RailRuns() {
  const editor = useEditor();
  const runs = useEditorState((s) => s.runs);
  const shown = useEditorState(shownRun)?.run;
  if (runs.length === 0) return <Empty title="No runs yet" text="Press Train, and each run is kept here." />;
  return (
    <nav className={styles['rail']} aria-label="Runs">
      {[...runs].reverse().map((run) => (
        <ContextMenu key={run.run} items={runMenu(editor, run)}>
          <button
            type="button"
            className={styles['railRun']}
            aria-current={run.run === shown}
            onClick={() => (run.state === 'done' ? showResults(editor, run.run) : editor.set({ run: run.run }))}
          >
            <span className={styles['railHead']}>
              <strong title={runTitle(run)}>{runTitle(run)}</strong>
              <RunState run={run} />
            </span>
            <span className={styles['railText']} style={{ display: 'block' }} title={run.recipe}>
              {run.recipe}
            </span>
            {run.state === 'done' && (
              <span className={styles['railFigure']} style={{ display: 'block' }}>
                {resultWords(run)}
              </span>
            )}
            {(run.state === 'failed' || run.state === 'lost') && (
              <span className={styles['railText']} style={{ display: 'block' }} title={causeOf(run)}>
                Step {run.step}: {causeOf(run)}
              </span>
            )}
            {(run.state === 'training' || run.state === 'paused') && (
              <Progress
                value={doneShare(run)}
                label={`Step ${run.step} of ${run.steps}`}
                note={run.secondsLeft === undefined ? undefined : `${formatClock(run.secondsLeft)} left`}
              />
            )}
          </button>
        </ContextMenu>
      ))}
      <div className={styles['railMore']}>
        <Button
          icon={<Table2 />}
          onClick={() => {
            editor.set({ drawer: 'runs' });
            setRunsView(editor, { page: 'list' });
          }}
        >
          All runs as a table
        </Button>
      </div>
    </nav>
  );
}
