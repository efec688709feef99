/** The table of runs with the queue: what each trains, what came out, what it took. */
import { ArrowDown, ArrowUp, Ellipsis, GitCompareArrows, Pin, X } from 'lucide-react';
import { useMemo } from 'react';
import type { RunSummary } from '../../engine/protocol/api/runs.ts';
import {
  Button,
  Checkbox,
  Empty,
  formatBytes,
  formatSeconds,
  IconButton,
  Menu,
  Table,
  Tooltip,
  type Column,
} from '../ui/index.ts';
import { useEditor, useEditorState, type Editor } from '../state/editor.ts';
import { shareWords } from '../state/share.ts';
import { compareRuns, moveInQueue, queuedRuns, setRunsView, showResults, tellRun, toggleCompared } from './actions.ts';
import { shownRun } from './live.ts';
import { RunState } from './RunState.tsx';
import { runMenu } from './runMenu.tsx';
import styles from './runs.module.css';
import {
  formatDelta,
  formatFigure,
  formatWhen,
  isActive,
  nameInWords,
  runTitle,
  shareOfRun,
  trainableWords,
} from './words.ts';

export function RunList() {
  const editor = useEditor();
  const runs = useEditorState((s) => s.runs);
  const view = useEditorState((s) => s.runsView);
  const shown = useEditorState(shownRun)?.run;
  const baseline = runs.find((r) => r.run === view.baseline);
  const columns = useMemo(() => columnsOf(editor, view.compared, baseline), [editor, view.compared, baseline]);
  const queued = queuedRuns(runs);
  const rows = useMemo(() => runs.filter((r) => r.state !== 'queued'), [runs]);
  if (runs.length === 0)
    return (
      <Empty
        title="No runs yet"
        text="Press Train. Each run keeps its own copy of the graph, so that the draft can go on meanwhile."
      />
    );
  return (
    <section className={styles['panel']} aria-label="Runs">
      {view.compared.length > 0 && (
        <div className={styles['bar']}>
          <span className={styles['selected']}>{view.compared.length} selected</span>
          <Button
            small
            icon={<GitCompareArrows />}
            reason={view.compared.length < 2 ? 'Tick a second run.' : undefined}
            onClick={() => compareRuns(editor, view.compared)}
          >
            Compare
          </Button>
          <Button small variant="quiet" onClick={() => setRunsView(editor, { compared: [] })}>
            Clear
          </Button>
        </div>
      )}
      {queued.length > 0 && <Queue runs={queued} />}
      <Table
        className={styles['table'] ?? ''}
        label="Runs"
        columns={columns}
        rows={rows}
        rowKey={(run) => run.run}
        rowHeight={36}
        sortBy={{ column: 'number', descending: true }}
        selected={(run) => run.run === shown}
        onRow={(run) => editor.set({ run: run.run })}
      />
    </section>
  );
}

function Queue({ runs }: { readonly runs: readonly RunSummary[] }) {
  const editor = useEditor();
  return (
    <ol className={styles['queue']} aria-label="Queue">
      {runs.map((run, i) => (
        <li key={run.run} className={styles['queued']}>
          <span className={styles['place']}>{i + 1}</span>
          <RunState run={run} />
          <span className={styles['queuedName']} title={`${runTitle(run)} · ${run.recipe}`}>
            <strong>{runTitle(run)}</strong> {run.recipe}, seed {run.seed}
          </span>
          <IconButton
            small
            label={`Move ${runTitle(run)} up`}
            icon={<ArrowUp />}
            reason={i === 0 ? 'It is the next one.' : undefined}
            onClick={() => void moveInQueue(editor, run.run, -1)}
          />
          <IconButton
            small
            label={`Move ${runTitle(run)} down`}
            icon={<ArrowDown />}
            reason={i === runs.length - 1 ? 'It is the last one.' : undefined}
            onClick={() => void moveInQueue(editor, run.run, 1)}
          />
          <IconButton
            small
            label={`Take ${runTitle(run)} out of the queue`}
            icon={<X />}
            onClick={() => void tellRun(editor, 'run.cancel', run.run)}
          />
        </li>
      ))}
    </ol>
  );
}

function columnsOf(
  editor: Editor,
  compared: readonly string[],
  baseline: RunSummary | undefined,
): readonly Column<RunSummary>[] {
  const now = new Date();
  return [
    {
      id: 'tick',
      title: '',
      width: 40,
      cell: (run) => (
        // A click here ticks and does not choose the row.
        <span onClick={(event) => event.stopPropagation()}>
          <Checkbox
            label={`Compare ${runTitle(run)}`}
            hideLabel
            checked={compared.includes(run.run)}
            onChange={() => toggleCompared(editor, run.run)}
          />
        </span>
      ),
    },
    {
      id: 'number',
      title: 'Run',
      sort: (run) => run.number,
      cell: (run) => (
        <span className={styles['name']}>
          <button
            type="button"
            className={styles['link']}
            title={runTitle(run)}
            onClick={(event) => {
              event.stopPropagation();
              if (run.state === 'done') showResults(editor, run.run);
              else editor.set({ run: run.run, drawer: isActive(run.state) ? 'charts' : 'log' });
            }}
          >
            {runTitle(run)}
          </button>
          {run.run === baseline?.run && <Pin size={14} aria-label="Baseline" className={styles['pin']} />}
          <span
            className={styles['more']}
            onClick={(event) => event.stopPropagation()}
            onKeyDown={(event) => event.stopPropagation()}
          >
            <Menu
              label={`What to do with ${runTitle(run)}`}
              trigger={<IconButton small label={`More about ${runTitle(run)}`} icon={<Ellipsis />} />}
              items={runMenu(editor, run)}
            />
          </span>
        </span>
      ),
    },
    { id: 'state', title: 'Status', sort: (run) => run.state, cell: (run) => <RunState run={run} /> },
    {
      id: 'recipe',
      title: 'Recipe',
      sort: (run) => run.recipe,
      cell: (run) => (
        <span className={styles['recipe']} title={run.recipe}>
          {run.recipe}
        </span>
      ),
    },
    {
      id: 'trainable',
      title: 'Trainable',
      align: 'right',
      help: 'Trainable parameters and their share of the backbone',
      sort: (run) => run.trainable,
      cell: (run) => <span title={shareWords(shareOfRun(run))}>{trainableWords(run)}</span>,
    },
    {
      id: 'figure',
      title: 'Metric',
      align: 'right',
      help: 'The figure by which the best state is chosen',
      sort: (run) => run.figure,
      cell: (run) => <Figure run={run} baseline={baseline} />,
    },
    {
      id: 'baselines',
      title: 'Majority / untrained',
      align: 'right',
      help: 'The same figure when the commonest class is always answered, and before the first step',
      sort: (run) => run.majority,
      cell: (run) => `${formatFigure(run.majority)} / ${formatFigure(run.untrained)}`,
    },
    {
      id: 'time',
      title: 'Time',
      align: 'right',
      sort: (run) => run.seconds,
      cell: (run) => formatSeconds(run.seconds),
    },
    {
      id: 'memory',
      title: 'Peak memory',
      align: 'right',
      sort: (run) => run.peakRssBytes,
      cell: (run) => (run.peakRssBytes > 0 ? formatBytes(run.peakRssBytes) : '-'),
    },
    { id: 'seed', title: 'Seed', align: 'right', sort: (run) => run.seed, cell: (run) => run.seed },
    {
      id: 'created',
      title: 'Started',
      align: 'right',
      sort: (run) => run.created,
      cell: (run) => formatWhen(run.created, now),
    },
  ];
}

function Figure({ run, baseline }: { readonly run: RunSummary; readonly baseline: RunSummary | undefined }) {
  if (run.figure === undefined || run.metric === undefined) return <>-</>;
  const against =
    baseline && baseline.run !== run.run && baseline.metric === run.metric && baseline.figure !== undefined
      ? formatDelta(run.figure, baseline.figure)
      : undefined;
  return (
    <Tooltip text={`${nameInWords(run.metric)}${against === undefined ? '' : `, ${against} against the baseline`}`}>
      <span className={styles['figure']}>
        {against !== undefined && <span className={styles['delta']}>{against}</span>}
        <strong>{formatFigure(run.figure)}</strong> <span className={styles['metric']}>{nameInWords(run.metric)}</span>
      </span>
    </Tooltip>
  );
}
