/** What came out of a run: figures, classes, examples, what training changed, files. */
import { ArrowLeft, Ellipsis, MessageSquareText } from 'lucide-react';
import { useState } from 'react';
import type { RunSummary } from '../../../engine/protocol/api/runs.ts';
import { Button, Callout, Empty, IconButton, Menu, Spinner, Tabs } from '../../ui/index.ts';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { setRunsView, showTry } from '../actions.ts';
import { NO_FILTER, type ExampleFilter } from '../examples.ts';
import { useLoaded } from '../hooks.ts';
import { shownRun } from '../live.ts';
import { RunPicker } from '../RunPicker.tsx';
import { RunState } from '../RunState.tsx';
import { runMenu } from '../runMenu.tsx';
import type { ResultTab } from '../runsView.ts';
import { ClassesTab } from './ClassesTab.tsx';
import { ExamplesTab } from './ExamplesTab.tsx';
import { FilesTab } from './FilesTab.tsx';
import { ResultCard } from './ResultCard.tsx';
import styles from './results.module.css';
import { UpdatesTab } from './UpdatesTab.tsx';

export function ResultsPage() {
  const run = useEditorState(shownRun);
  return (
    <section className={styles['page']} aria-label="Results">
      {run ? <Results key={run.run} run={run} /> : <Empty title="No run yet" text="Results of a run are shown here." />}
    </section>
  );
}

/** Which run it is and what can be done with it; in the row of the tabs, since the drawer is not high. */
function Tools({ run }: { readonly run: RunSummary }) {
  const editor = useEditor();
  return (
    <div className={styles['bar']}>
      <Button small variant="quiet" icon={<ArrowLeft />} onClick={() => setRunsView(editor, { page: 'list' })}>
        All runs
      </Button>
      <RunPicker />
      <RunState run={run} />
      <Button
        small
        icon={<MessageSquareText />}
        reason={run.state === 'done' ? undefined : 'The run has not finished.'}
        onClick={() => showTry(editor, run.run)}
      >
        Try it
      </Button>
      <Menu
        label="What to do with the run"
        align="end"
        trigger={<IconButton small label="More" icon={<Ellipsis />} />}
        items={runMenu(editor, run)}
      />
    </div>
  );
}

function Results({ run }: { readonly run: RunSummary }) {
  const editor = useEditor();
  const tab = useEditorState((s) => s.runsView.tab);
  const [filter, setFilter] = useState<ExampleFilter>(NO_FILTER);
  const { value, problem, loading, again } = useLoaded(`${run.run} ${run.state}`, () =>
    editor.runData.results(run.run),
  );
  if (problem !== undefined)
    return (
      <div className={styles['padded']}>
        <Tools run={run} />
        <Callout
          tone={run.state === 'done' ? 'error' : 'info'}
          title={run.state === 'done' ? 'The results cannot be read' : 'No results yet'}
          action={
            <Button small onClick={again}>
              Try again
            </Button>
          }
        >
          {problem}
        </Callout>
      </div>
    );
  if (!value || loading)
    return (
      <>
        <Tools run={run} />
        <div className={styles['wait']}>
          <Spinner label="Results are being read" /> <span>Examples are being evaluated</span>
        </div>
      </>
    );
  const show = (next: ResultTab): void => setRunsView(editor, { tab: next });
  return (
    <Tabs<ResultTab>
      className={styles['tabs']}
      label="Results"
      value={tab}
      onChange={show}
      extra={<Tools run={run} />}
      tabs={[
        { value: 'summary', title: 'Summary', body: <ResultCard run={run} results={value} /> },
        {
          value: 'classes',
          title: value.confusion.length > 0 ? 'Confusion and classes' : 'Classes',
          body: (
            <ClassesTab
              results={value}
              onCell={(cell) => {
                setFilter({ ...NO_FILTER, cell });
                show('examples');
              }}
            />
          ),
        },
        {
          value: 'examples',
          title: 'Examples by loss',
          body: <ExamplesTab results={value} filter={filter} onFilter={setFilter} />,
        },
        { value: 'updates', title: 'What training changed', body: <UpdatesTab run={run.run} /> },
        { value: 'files', title: 'Files', body: <FilesTab run={run} results={value} /> },
      ]}
    />
  );
}
