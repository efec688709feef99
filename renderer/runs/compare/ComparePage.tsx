/** Two and more runs side by side: figures against the baseline, the settings that differ, and where they disagree. */
import { ArrowLeft, ChartLine, Grid3x3, Pin } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { RunSummary } from '../../../engine/protocol/api/runs.ts';
import { Button, Empty, IconButton, Tabs } from '../../ui/index.ts';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { pinBaseline, setRunsView, showMatrixDiff } from '../actions.ts';
import { useDerived } from '../hooks.ts';
import { runTitle } from '../words.ts';
import { CompareFigures } from './CompareFigures.tsx';
import { CompareSettings } from './CompareSettings.tsx';
import { Disagreements } from './Disagreements.tsx';
import styles from './compare.module.css';

type Part = 'figures' | 'settings' | 'examples';

export function ComparePage() {
  const editor = useEditor();
  const [part, setPart] = useState<Part>('figures');
  const runs = useDerived((s) => s.runs.filter((r) => s.runsView.compared.includes(r.run)));
  const baseline = useEditorState((s) => s.runsView.baseline);
  const ids = runs.map((r) => r.run).join(' ');
  useEffect(() => {
    for (const run of runs) editor.runData.document(run.run).catch(() => undefined);
    // The runs themselves change with every step; their ids say when others are compared.
  }, [editor, ids]);
  const base: RunSummary | undefined = runs.find((r) => r.run === baseline) ?? runs[0];
  return (
    <section className={styles['page']} aria-label="Comparison of runs">
      <header className={styles['bar']}>
        <Button small variant="quiet" icon={<ArrowLeft />} onClick={() => setRunsView(editor, { page: 'list' })}>
          All runs
        </Button>
        <ul className={styles['runs']} aria-label="Compared runs">
          {runs.map((run) => (
            <li key={run.run} className={styles['run']}>
              <span className={styles['runName']} title={`${runTitle(run)} · ${run.recipe}`}>
                {runTitle(run)}
              </span>
              <IconButton
                small
                label={`${runTitle(run)} is the baseline`}
                icon={<Pin />}
                pressed={run.run === base?.run}
                onClick={() => pinBaseline(editor, run.run)}
              />
              <IconButton
                small
                label={`Difference to ${runTitle(run)} in the matrix`}
                icon={<Grid3x3 />}
                onClick={() => void showMatrixDiff(editor, run.run)}
              />
            </li>
          ))}
        </ul>
        <span className={styles['space']} />
        <Button small icon={<ChartLine />} onClick={() => editor.set({ drawer: 'charts' })}>
          Curves
        </Button>
      </header>
      {runs.length < 2 || !base ? (
        <Empty
          title="Tick two runs to compare them"
          action={<Button onClick={() => setRunsView(editor, { page: 'list' })}>Choose runs</Button>}
        />
      ) : (
        <Tabs<Part>
          className={styles['tabs']}
          label="What is compared"
          value={part}
          onChange={setPart}
          tabs={[
            { value: 'figures', title: 'Figures', body: <CompareFigures runs={runs} base={base} /> },
            { value: 'settings', title: 'Changed settings', body: <CompareSettings runs={runs} /> },
            { value: 'examples', title: 'Examples they disagree on', body: <Disagreements runs={runs} base={base} /> },
          ]}
        />
      )}
    </section>
  );
}
