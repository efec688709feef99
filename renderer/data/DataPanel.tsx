/** Rows of the data, what its columns are taken for, and what was found about it. */
import { Database, FileUp } from 'lucide-react';
import { useMemo } from 'react';
import { Button, Callout, Empty, formatCount, Segmented, Select, Spinner } from '../ui/index.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { useDerived, useLoaded } from '../runs/hooks.ts';
import { chooseDataFile, locateTable, setTask, TASKS } from './actions.ts';
import { ColumnChips } from './ColumnChips.tsx';
import styles from './data.module.css';
import { DataChecksPage } from './DataChecks.tsx';
import { DataRows } from './DataRows.tsx';
import { dataKey, dataSteps, tableOf } from './steps.ts';

const PAGE = 100;

export function DataPanel() {
  const editor = useEditor();
  const project = useEditorState((s) => s.project?.id);
  const steps = useDerived((s) => (s.document ? dataSteps(s.document) : []));
  const chosen = useEditorState((s) => s.dataStep);
  const page = useEditorState((s) => s.dataPage);
  const document = useEditorState((s) => s.document);
  const content = useMemo(
    () => (document && project !== undefined ? dataKey(document, project) : undefined),
    [document, project],
  );
  const step = steps.find((s) => s.id === chosen) ?? steps[0];
  const key = step && content !== undefined ? `${step.id}\n${content}` : undefined;
  const { value, of, problem, loading, again } = useLoaded(key, async () => {
    await editor.settled();
    const { revision, project: open } = editor.store.getState();
    if (!open || !step) throw new Error('a data step is shown');
    return editor.client.call('data.preview', { project: open.id, revision, step: step.id, offset: 0, limit: PAGE });
  });
  if (!step || !document)
    return (
      <Empty
        icon={<Database />}
        title="No data yet"
        text="Choose a csv, tsv, json lines or token file. It is copied beside the document, and its columns are recognised."
        action={
          <Button variant="primary" icon={<FileUp />} onClick={() => void chooseDataFile(editor)}>
            Choose a file
          </Button>
        }
      />
    );
  const table = tableOf(document, step.node);
  return (
    <section className={styles['panel']} aria-label="Data">
      <div className={styles['bar']}>
        <div className={styles['steps']}>
          <Select
            label="Data step"
            hideLabel
            value={step.id}
            options={steps.map((s) => ({
              value: s.id,
              title: s.title,
              help: s.type === 'data.split' ? 'The rows that stay for training' : undefined,
            }))}
            onChange={(dataStep) => editor.set({ dataStep })}
          />
        </div>
        <Segmented
          label="Rows or checks"
          value={page}
          options={[
            { value: 'rows', title: 'Rows' },
            { value: 'checks', title: 'Checks' },
          ]}
          onChange={(dataPage) => editor.set({ dataPage })}
        />
        {value && table !== undefined && (
          <div className={styles['task']}>
            <Select
              label="What is learned"
              hideLabel
              value={value.task === '' ? undefined : value.task}
              placeholder="Task"
              options={TASKS.map((t) => ({ ...t }))}
              onChange={(task) => setTask(editor, table, task)}
            />
          </div>
        )}
        {value && <ColumnChips preview={value} table={table} />}
        <span className={styles['space']} />
        {value && (
          <span className={styles['count']} role="status">
            {formatCount(value.total)} rows
          </span>
        )}
        {loading && value && <Spinner label="The file is being read" />}
        <Button small icon={<FileUp />} onClick={() => void chooseDataFile(editor, step.node)}>
          {table === undefined ? 'Add a file' : 'Other file'}
        </Button>
      </div>
      {problem !== undefined && (
        <div className={styles['padded']}>
          <Callout
            tone="error"
            title="The data cannot be read"
            action={
              <>
                {table !== undefined && (
                  <Button small onClick={() => void locateTable(editor, table)}>
                    Locate...
                  </Button>
                )}
                <Button small onClick={again}>
                  Try again
                </Button>
              </>
            }
          >
            {problem}
          </Callout>
        </div>
      )}
      {problem === undefined && !value && (
        <p className={styles['wait']}>
          <Spinner label="The file is being read" /> <span>The file is being read</span>
        </p>
      )}
      {problem === undefined && page === 'rows' && value && key !== undefined && (
        <DataRows key={of} step={step.id} first={value} table={table} />
      )}
      {problem === undefined && page === 'checks' && key !== undefined && (
        <DataChecksPage step={step.id} content={key} />
      )}
    </section>
  );
}
