/** The result of a run that has ended: figures beside their baselines, what it took, and the ways to files and examples. */
import type { RunSummary } from '../../engine/protocol/api/runs.ts';
import { showResults, showTry } from '../runs/actions.ts';
import { belongs, shownRun } from '../runs/live.ts';
import { ResultCard } from '../runs/results/ResultCard.tsx';
import { useEditor, useEditorState } from '../state/editor.ts';
import { Badge, Button } from '../ui/index.ts';
import styles from './inspector.module.css';
import { Section } from './Section.tsx';

/** Of the run that the drawer shows too; nothing while it has not ended well. */
export function ResultSection() {
  const run = useEditorState(shownRun);
  const isOfDraft = useEditorState((s) => (run === undefined ? false : belongs(s, run)));
  if (run === undefined || run.state !== 'done') return null;
  return (
    <Section
      title="Result"
      note={isOfDraft ? `run ${run.number}` : <Badge tone="warning">{`run ${run.number}, earlier graph`}</Badge>}
    >
      <Result run={run} />
    </Section>
  );
}

export function Result({ run }: { readonly run: RunSummary }) {
  const editor = useEditor();
  return (
    <>
      <ResultCard run={run} results={undefined} narrow />
      <div className={styles['buttons']}>
        <Button small onClick={() => showResults(editor, run.run)}>
          Results
        </Button>
        <Button small onClick={() => showResults(editor, run.run, 'files')}>
          Files
        </Button>
        <Button small onClick={() => showTry(editor, run.run)}>
          Try it
        </Button>
      </div>
    </>
  );
}
