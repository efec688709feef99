/** Starts, stops and shows the current run, in the header. It also carries the dialogs of runs and watches their end. */
import {
  CircleAlert,
  ChevronDown,
  Download,
  FlaskConical,
  ListChecks,
  MessageSquareText,
  Pause,
  Play,
  RotateCcw,
  Settings2,
  Square,
  Timer,
} from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button, cx, IconButton, Menu, Spinner, Tooltip, type MenuItem } from '../ui/index.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { downloadOf, showResults, showTry, startRun, tellRun, whenReady } from './actions.ts';
import { useDerived, useProgress } from './hooks.ts';
import { activeRun } from './live.ts';
import { Ring } from './Ring.tsx';
import { RunDialogs } from './RunDialogs.tsx';
import { useRunWatch } from './runWatch.ts';
import styles from './TrainButton.module.css';
import { defaultTarget, readyView, targetsOf, trainView, type TrainView } from './trainState.ts';

export function TrainButton() {
  const active = useEditorState(activeRun);
  const progress = useProgress(active?.run);
  const view = useDerived((s) => trainView(s, progress));
  useRunWatch();
  const hasProject = useEditorState((s) => s.project !== undefined);
  const { runData } = useEditor();
  const ended = useEditorState((s) => s.runs.at(-1)?.run);
  useEffect(() => {
    // Whether the result still belongs to the draft is seen by comparing documents, so the last run's is read ahead.
    const wanted = active?.run ?? ended;
    if (wanted !== undefined) runData.document(wanted).catch(() => undefined);
  }, [active?.run, ended, runData]);
  return (
    <div className={styles['train']} data-train={view.kind}>
      <span className="visually-hidden" role="status">
        {spoken(view)}
      </span>
      <Current view={view} />
      {view.kind !== 'training' && view.kind !== 'preparing' && view.kind !== 'paused' && (
        <Start quiet={view.kind === 'finished' || view.kind === 'queued' || view.kind === 'missing'} />
      )}
      {hasProject && <RunDialogs />}
    </div>
  );
}

/** What a screen reader is told when the state changes; not each percent. */
const spoken = (view: TrainView): string => {
  switch (view.kind) {
    case 'training':
      return `Run ${view.run.number} trains`;
    case 'preparing':
      return `Run ${view.run.number} is being prepared`;
    case 'paused':
      return `Run ${view.run.number} is paused`;
    case 'queued':
      return `Run ${view.run.number} waits`;
    case 'finished':
      return `Run ${view.run.number} finished: ${view.text}`;
    case 'failed':
      return `Run ${view.run.number} failed. ${view.text}`;
    case 'missing':
    case 'waiting':
    case 'ready':
      return '';
  }
};

function Current({ view }: { readonly view: TrainView }) {
  const editor = useEditor();
  switch (view.kind) {
    case 'queued':
      return (
        <div className={styles['pill']}>
          <Spinner label="Waiting" />
          <span className={styles['text']}>Run {view.run.number} waits</span>
          <IconButton
            small
            label={`Take run ${view.run.number} out of the queue`}
            icon={<Square />}
            onClick={() => void tellRun(editor, 'run.cancel', view.run.run)}
          />
        </div>
      );
    case 'preparing':
      return (
        <div className={styles['pill']}>
          <Spinner label="Preparing" />
          <Clipped text={view.text} />
          <Stop run={view.run} />
        </div>
      );
    case 'training':
      return (
        <div className={styles['pill']}>
          <button
            type="button"
            className={styles['progress']}
            aria-label={`Run ${view.run.number}: ${view.text}. Show charts`}
            onClick={() => editor.set({ drawer: 'charts', run: view.run.run })}
          >
            <Ring share={view.share} />
            <span className={styles['text']}>{view.text}</span>
          </button>
          <IconButton
            small
            label="Pause the run"
            icon={<Pause />}
            onClick={() => void tellRun(editor, 'run.pause', view.run.run)}
          />
          <Stop run={view.run} />
        </div>
      );
    case 'paused':
      return (
        <div className={styles['pill']}>
          <Ring share={view.share} paused />
          <span className={styles['text']}>Paused at {Math.floor(view.share * 100)} %</span>
          <IconButton
            small
            label="Resume the run"
            icon={<Play />}
            onClick={() => void tellRun(editor, 'run.resume', view.run.run)}
          />
          <Stop run={view.run} />
        </div>
      );
    case 'finished':
      return (
        <div className={cx(styles['pill'], styles['done'])}>
          <Tooltip text={`Run ${view.run.number}: ${view.text}. Show results.`}>
            <button
              type="button"
              className={styles['progress']}
              onClick={() => showResults(editor, view.run.run)}
              aria-label={`Results of run ${view.run.number}: ${view.text}`}
            >
              <span className={styles['text']}>{view.text}</span>
            </button>
          </Tooltip>
          <Button
            small
            variant="quiet"
            label="Try it"
            icon={<MessageSquareText />}
            onClick={() => showTry(editor, view.run.run)}
          >
            <span className={styles['wide']}>Try it</span>
          </Button>
          <Menu
            label="Export"
            align="end"
            trigger={
              <Button small variant="quiet" label="Export" icon={<Download />}>
                <span className={styles['wide']}>Export</span>
              </Button>
            }
            items={[
              {
                title: 'Adapter (safetensors)',
                run: () => void downloadOf(editor, { kind: 'run-export', run: view.run.run, as: 'adapter' }),
              },
              {
                title: 'Hugging Face PEFT folder',
                run: () => void downloadOf(editor, { kind: 'run-export', run: view.run.run, as: 'peft' }),
              },
              { title: 'All files of the run', run: () => showResults(editor, view.run.run, 'files') },
            ]}
          />
        </div>
      );
    case 'failed':
      return (
        <div className={cx(styles['pill'], styles['failed'])} role="alert">
          <CircleAlert size={16} className={styles['icon']} />
          <Tooltip text={`Run ${view.run.number}. ${view.text} Show the log.`}>
            <button
              type="button"
              className={styles['progress']}
              onClick={() => editor.set({ drawer: 'log', run: view.run.run })}
            >
              <span className={styles['text']}>{view.text}</span>
            </button>
          </Tooltip>
          <IconButton
            small
            label="Resume from the last checkpoint"
            icon={<RotateCcw />}
            onClick={() => void tellRun(editor, 'run.resume', view.run.run)}
          />
        </div>
      );
    case 'missing':
    case 'waiting':
    case 'ready':
      return null;
  }
}

const Clipped = ({ text }: { readonly text: string }) => (
  <Tooltip text={text}>
    <span className={styles['text']} tabIndex={-1}>
      {text}
    </span>
  </Tooltip>
);

function Stop({ run }: { readonly run: { readonly run: Parameters<typeof tellRun>[2] } }) {
  const editor = useEditor();
  return (
    <IconButton
      small
      label="Stop the run"
      icon={<Square />}
      onClick={() => void tellRun(editor, 'run.stop', run.run)}
    />
  );
}

/** The button with its target and the menu beside it. */
function Start({ quiet }: { readonly quiet: boolean }) {
  const editor = useEditor();
  const view = useDerived(readyView);
  const target = useEditorState((s) => (s.document ? defaultTarget(s.viewing?.draft ?? s.document) : undefined));
  const targets = useDerived((s) => (s.document ? targetsOf(s.viewing?.draft ?? s.document) : []));
  const [armed, setArmed] = useState(false);
  const title = targets.find((t) => t.step === target)?.title;
  const start = async (): Promise<void> => {
    setArmed(true);
    try {
      if (await whenReady(editor)) await startRun(editor);
    } finally {
      setArmed(false);
    }
  };
  const reason =
    view.kind === 'missing' ? view.reasons.map((r) => (view.reasons.length > 1 ? `• ${r}` : r)).join('\n') : undefined;
  const items: readonly MenuItem[] = [
    ...targets.map((t) => ({
      title: `${t.type}: ${t.title}`,
      icon: <Play />,
      reason: view.kind === 'missing' ? view.reasons[0] : undefined,
      run: () => void startRun(editor, { target: t.step }),
    })),
    { separator: true },
    { command: 'run.options', title: 'Seeds, sweep, target...', icon: <Settings2 /> },
    { command: 'run.dryBatch', icon: <FlaskConical /> },
    { command: 'run.dryOverfit', icon: <ListChecks /> },
    { command: 'run.estimate', title: 'Time, and why it is slow', icon: <Timer /> },
  ];
  const label = title === undefined ? 'Train' : `Train: ${title}`;
  return (
    <div className={styles['split']}>
      <Button
        variant={quiet ? 'plain' : 'primary'}
        className={styles['start']}
        icon={armed ? <Spinner label="Waits for the check" /> : <Play />}
        label={armed ? `${label}, starts when the check is done` : label}
        reason={reason}
        onClick={() => void start()}
      >
        {targets.length > 1 ? label : 'Train'}
      </Button>
      <Menu
        label="What to run"
        align="end"
        trigger={
          <IconButton
            className={cx(styles['more'], quiet ? styles['moreQuiet'] : styles['moreFilled'])}
            label="What to run"
            icon={<ChevronDown />}
          />
        }
        items={items}
      />
    </div>
  );
}
