/** The figures of the whole: share that trains, memory, time, check, queue. Old ones are dimmed until fresh ones are there. */
import { CircleAlert, CircleCheck, Copy, LoaderCircle, TriangleAlert } from 'lucide-react';
import { useCommands } from '../../commands/runner.ts';
import { useDerived, useLoaded } from '../../runs/hooks.ts';
import { activeRun } from '../../runs/live.ts';
import { isFresh, useEditor, useEditorState, type EditorState } from '../../state/editor.ts';
import { shareOf, shareWords, shortShareWords } from '../../state/share.ts';
import { cx, formatBytes, formatPlural, formatSeconds, Tooltip } from '../../ui/index.ts';
import { copyText } from '../clipboard.ts';
import { useZoom } from '../theme.ts';
import styles from './StatusBar.module.css';

const figures = (s: EditorState) => {
  const shown = s.place.level === 'model' ? s.place.model : undefined;
  return s.check?.models.find((m) => m.model === shown) ?? s.check?.models[0];
};

export function StatusBar() {
  const fresh = useEditorState(isFresh);
  return (
    <footer className={styles['bar']} data-region="status" data-focus-inside tabIndex={-1} aria-label="Status">
      <Problems />
      <div className={cx(styles['figures'], !fresh && styles['stale'])} data-fresh={fresh}>
        <Share />
        <Memory />
        <Time />
      </div>
      <Check />
      <Queue />
      <Zoom />
    </footer>
  );
}

function Problems() {
  const commands = useCommands();
  const counts = useDerived((s) => {
    const list = s.check?.diagnostics ?? [];
    return {
      errors: list.filter((d) => d.severity === 'error').length,
      all: list.length,
      checked: s.check !== undefined,
    };
  });
  const text = counts.all === 0 ? 'No problems' : formatPlural(counts.all, 'problem');
  const Icon = counts.errors > 0 ? CircleAlert : counts.all > 0 ? TriangleAlert : CircleCheck;
  return (
    <Tooltip text="List of problems" keys={commands.keys('drawer.problems')} side="top">
      <button
        type="button"
        className={cx(
          styles['button'],
          counts.errors > 0 ? styles['error'] : counts.all > 0 ? styles['warning'] : undefined,
        )}
        onClick={() => commands.run('drawer.problems')}
      >
        <Icon size={14} />
        <span>{counts.checked ? text : 'Not checked yet'}</span>
      </button>
    </Tooltip>
  );
}

function Share() {
  const editor = useEditor();
  const share = useDerived((s) => {
    const model = figures(s);
    return model ? shareOf(model) : undefined;
  });
  if (!share) return null;
  return (
    <Tooltip text={`${shareWords(share)}. Click to copy.`} side="top">
      <button
        type="button"
        className={cx(styles['button'], styles['share'])}
        data-share
        onClick={() => void copyText(editor, shareWords(share), 'The trainable share')}
      >
        <span>{shortShareWords(share)}</span>
        <Copy size={12} className={styles['copy']} />
      </button>
    </Tooltip>
  );
}

function Memory() {
  const bytes = useEditorState((s) => figures(s)?.costs?.predictedBytes);
  const all = useEditorState((s) => s.info?.memoryBytes);
  if (bytes === undefined || all === undefined) return null;
  const much = bytes > all * 0.85;
  return (
    <Tooltip
      text="Predicted for a run: weights, training, values that are kept, runtime; of the machine's memory."
      side="top"
    >
      <span className={cx(styles['item'], much && styles['warning'])} tabIndex={0}>
        {`memory ${formatBytes(bytes)} of ${formatBytes(all)}`}
      </span>
    </Tooltip>
  );
}

/** The estimate is asked for when a check came out without errors, once for each revision that stood for a moment. */
function Time() {
  const editor = useEditor();
  const commands = useCommands();
  const key = useEditorState((s) =>
    s.project && isFresh(s) && s.check?.phase === 'costs' && trains(s) && !activeRun(s) && !hasErrors(s)
      ? `${s.project.id} ${s.revision}`
      : undefined,
  );
  const { value } = useLoaded(key, async () => {
    await new Promise((done) => setTimeout(done, SETTLE_MILLISECONDS));
    const { project, revision } = editor.store.getState();
    if (!project || `${project.id} ${revision}` !== key) return undefined;
    return editor.client.call('run.estimate', { project: project.id, revision }).catch(() => undefined);
  });
  const threads = useEditorState((s) => s.settings?.threads || s.info?.cores || 1);
  if (!value) return null;
  return (
    <Tooltip text="Measured by one step of this graph. Click for the share of each node." side="top">
      <button type="button" className={styles['button']} onClick={() => commands.run('run.estimate')}>
        <span>{`~${formatSeconds(value.seconds)} on CPU, ${formatPlural(threads, 'thread')}`}</span>
      </button>
    </Tooltip>
  );
}

const SETTLE_MILLISECONDS = 1500;
const trains = (s: EditorState): boolean =>
  Object.values(s.document?.workflow.nodes ?? {}).some((step) => step.type === 'train');
const hasErrors = (s: EditorState): boolean => (s.check?.diagnostics ?? []).some((d) => d.severity === 'error');

function Check() {
  const fresh = useEditorState(isFresh);
  const milliseconds = useEditorState((s) => s.check?.milliseconds);
  const connected = useEditorState((s) => s.connected);
  const text = !connected
    ? 'engine away'
    : fresh && milliseconds !== undefined
      ? `check ok ${Math.round(milliseconds)} ms`
      : 'checking';
  return (
    <span className={styles['item']} role="status" aria-label={`Check: ${text}`}>
      {!fresh && connected && <LoaderCircle size={12} className={styles['turning']} />}
      {text.replace('check ok', 'checked in')}
    </span>
  );
}

function Queue() {
  const commands = useCommands();
  const queued = useEditorState((s) => s.runs.filter((r) => r.state === 'queued').length);
  return (
    <Tooltip text="Runs that wait" keys={commands.keys('drawer.runs')} side="top">
      <button type="button" className={styles['button']} onClick={() => commands.run('drawer.runs')}>
        <span>{`queue ${queued}`}</span>
      </button>
    </Tooltip>
  );
}

function Zoom() {
  const commands = useCommands();
  const zoom = useZoom();
  if (zoom === 1) return null;
  return (
    <Tooltip text="Interface in actual size" keys={commands.keys('view.zoomReset')} side="top">
      <button type="button" className={styles['button']} onClick={() => commands.run('view.zoomReset')}>
        <span>{`${Math.round(zoom * 100)} %`}</span>
      </button>
    </Tooltip>
  );
}
