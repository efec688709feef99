/** Commands about runs, results, charts, the log and trying a model out. */
import type { UiCommand } from '../commands/command.ts';
import type { Editor, EditorState } from '../state/editor.ts';
import type { RunSummary } from '../../engine/protocol/api/runs.ts';
import {
  canResume,
  compareRuns,
  copyCommandLine,
  downloadOf,
  isStoppable,
  moveInQueue,
  pinBaseline,
  queuedRuns,
  restoreGraph,
  runOf,
  setRunsView,
  showMatrixDiff,
  showResults,
  showTry,
  startRun,
  tellRun,
  viewGraph,
} from './actions.ts';
import { saveChartsCsv, saveChartsPicture } from './chartFiles.ts';
import { shownRun } from './live.ts';
import { logText, withEnd } from './logLines.ts';
import { X_AXES } from './runsView.ts';
import { missingFor } from './trainState.ts';

type Why = (state: EditorState) => string | undefined;

const whenProject: Why = (s) => (s.project ? undefined : 'Open a project first.');
const whenTrainable: Why = (s) => (s.project ? missingFor(s)[0] : 'Open a project first.');
const whenSome =
  (fits: (run: RunSummary) => boolean, reason: string): Why =>
  (s) =>
    s.runs.some(fits) ? undefined : reason;
const whenRun = whenSome(() => true, 'There is no run yet.');
const whenDone = whenSome((r) => r.state === 'done', 'No run has finished yet.');
const isQueued = (run: RunSummary): boolean => run.state === 'queued';
const isDone = (run: RunSummary): boolean => run.state === 'done';

/** A command on the run that is at work or shown. */
const onRun =
  (fits: (run: RunSummary) => boolean, act: (editor: Editor, run: RunSummary) => void | Promise<void>) =>
  (editor: Editor): void | Promise<void> => {
    const run = runOf(editor, fits);
    return run ? act(editor, run) : undefined;
  };
const any = (): boolean => true;

const trainCommands: readonly UiCommand[] = [
  {
    id: 'run.train',
    title: 'Train',
    group: 'Run',
    keys: 'Ctrl+Enter',
    words: ['start', 'fit', 'run'],
    unavailable: whenTrainable,
    run: (editor) => startRun(editor),
  },
  {
    id: 'run.options',
    title: 'Train with options: target, seeds, sweep',
    group: 'Run',
    keys: 'Ctrl+Shift+Enter',
    words: ['seeds', 'sweep', 'hyperparameters', 'repeat', 'target'],
    unavailable: whenTrainable,
    run: (editor) => editor.set({ overlay: 'runs.options' }),
  },
  {
    id: 'run.estimate',
    title: 'Estimate the training time, and why it is slow',
    group: 'Run',
    words: ['duration', 'speed', 'profile', 'how long'],
    unavailable: whenTrainable,
    run: (editor) => editor.set({ overlay: 'runs.estimate' }),
  },
  {
    id: 'run.dryBatch',
    title: 'Dry run: one batch',
    group: 'Run',
    words: ['test', 'try', 'smoke'],
    unavailable: whenTrainable,
    run: (editor) => editor.set({ overlay: 'runs.dry.batch' }),
  },
  {
    id: 'run.dryOverfit',
    title: 'Dry run: overfit eight examples',
    group: 'Run',
    words: ['test', 'memorise', 'sanity'],
    unavailable: whenTrainable,
    run: (editor) => editor.set({ overlay: 'runs.dry.overfit' }),
  },
  {
    id: 'run.pause',
    title: 'Pause the run',
    group: 'Run',
    unavailable: whenSome((r) => r.state === 'training', 'No run is training.'),
    run: onRun(
      (r) => r.state === 'training',
      (e, r) => tellRun(e, 'run.pause', r.run),
    ),
  },
  {
    id: 'run.resume',
    title: 'Resume the run',
    group: 'Run',
    words: ['continue', 'go on'],
    unavailable: whenSome(canResume, 'No run was paused, stopped or lost.'),
    run: onRun(canResume, (e, r) => tellRun(e, 'run.resume', r.run)),
  },
  {
    id: 'run.stop',
    title: 'Stop the run',
    group: 'Run',
    words: ['abort', 'end', 'kill'],
    unavailable: whenSome(isStoppable, 'No run is at work.'),
    run: onRun(isStoppable, (e, r) => tellRun(e, 'run.stop', r.run)),
  },
  {
    id: 'run.cancel',
    title: 'Take the next run out of the queue',
    group: 'Run',
    words: ['cancel', 'queue'],
    unavailable: whenSome(isQueued, 'The queue is empty.'),
    run: onRun(isQueued, (e, r) => tellRun(e, 'run.cancel', r.run)),
  },
  {
    id: 'run.raise',
    title: 'Move the last queued run to the front',
    group: 'Run',
    words: ['queue', 'order', 'first'],
    unavailable: (s) => (queuedRuns(s.runs).length > 1 ? undefined : 'Fewer than two runs wait.'),
    run: async (editor) => {
      const queue = queuedRuns(editor.store.getState().runs);
      const last = queue.at(-1);
      if (last) for (let i = 1; i < queue.length; i++) await moveInQueue(editor, last.run, -1);
    },
  },
];

const runCommands: readonly UiCommand[] = [
  {
    id: 'runs.show',
    title: 'Show the table of runs',
    group: 'Results',
    unavailable: whenProject,
    run: async (editor) => {
      editor.set({ drawer: 'runs' });
      setRunsView(editor, { page: 'list' });
      const { project } = editor.store.getState();
      if (project) editor.set({ runs: await editor.client.call('run.list', { project: project.id }) });
    },
  },
  {
    id: 'runs.results',
    title: 'Show the results of the run',
    group: 'Results',
    words: ['metrics', 'score', 'accuracy'],
    unavailable: whenDone,
    run: onRun(isDone, (e, r) => showResults(e, r.run)),
  },
  {
    id: 'runs.confusion',
    title: 'Show the confusion matrix',
    group: 'Results',
    words: ['classes', 'errors'],
    unavailable: whenDone,
    run: onRun(isDone, (e, r) => showResults(e, r.run, 'classes')),
  },
  {
    id: 'runs.examples',
    title: 'Show examples by loss',
    group: 'Results',
    words: ['worst', 'errors', 'mistakes'],
    unavailable: whenDone,
    run: onRun(isDone, (e, r) => showResults(e, r.run, 'examples')),
  },
  {
    id: 'runs.updates',
    title: 'Show what training changed',
    group: 'Results',
    words: ['heat map', 'weights', 'updates', 'omega', 'fusion', 'scalearn'],
    unavailable: whenDone,
    run: onRun(isDone, (e, r) => showResults(e, r.run, 'updates')),
  },
  {
    id: 'runs.files',
    title: 'Show the files of the run',
    group: 'Results',
    unavailable: whenDone,
    run: onRun(isDone, (e, r) => showResults(e, r.run, 'files')),
  },
  {
    id: 'runs.exportAdapter',
    title: 'Download the trained adapter',
    group: 'Results',
    words: ['export', 'save', 'safetensors'],
    unavailable: whenDone,
    run: onRun(isDone, (e, r) => downloadOf(e, { kind: 'run-export', run: r.run, as: 'adapter' })),
  },
  {
    id: 'runs.exportPeft',
    title: 'Download as a Hugging Face PEFT folder',
    group: 'Results',
    words: ['export', 'hub', 'huggingface'],
    unavailable: whenDone,
    run: onRun(isDone, (e, r) => downloadOf(e, { kind: 'run-export', run: r.run, as: 'peft' })),
  },
  {
    id: 'runs.compare',
    title: 'Compare runs',
    group: 'Results',
    words: ['difference', 'baseline', 'side by side'],
    unavailable: (s) => (s.runs.length > 1 ? undefined : 'Two runs are needed.'),
    run: (editor) => compareRuns(editor),
  },
  {
    id: 'runs.pinBaseline',
    title: 'Pin the run as baseline',
    group: 'Results',
    unavailable: whenRun,
    run: onRun(any, (e, r) => pinBaseline(e, r.run)),
  },
  {
    id: 'runs.unpinBaseline',
    title: 'Unpin the baseline',
    group: 'Results',
    unavailable: (s) => (s.runsView.baseline === undefined ? 'No baseline is pinned.' : undefined),
    run: (editor) => pinBaseline(editor, undefined),
  },
  {
    id: 'runs.matrixDiff',
    title: 'Show the difference to the run in the matrix',
    group: 'Results',
    words: ['diff', 'matrix', 'compare'],
    unavailable: whenRun,
    run: onRun(any, (e, r) => showMatrixDiff(e, r.run)),
  },
  {
    id: 'runs.viewGraph',
    title: "View the run's graph",
    group: 'Run',
    words: ['snapshot', 'read-only'],
    unavailable: whenRun,
    run: onRun(any, (e, r) => viewGraph(e, r.run)),
  },
  {
    id: 'runs.backToDraft',
    title: 'Back to the draft',
    group: 'Run',
    unavailable: (s) => (s.viewing ? undefined : 'The draft is shown.'),
    run: (editor) => viewGraph(editor, undefined),
  },
  {
    id: 'runs.restoreGraph',
    title: "Restore the run's graph as draft",
    group: 'Run',
    unavailable: whenRun,
    run: onRun(any, restoreGraph),
  },
  {
    id: 'runs.copyCommand',
    title: 'Copy as a command line',
    group: 'Run',
    words: ['cli', 'terminal', 'shell'],
    unavailable: whenProject,
    run: (editor) => copyCommandLine(editor, shownRun(editor.store.getState())),
  },
  {
    id: 'runs.rename',
    title: 'Rename the run',
    group: 'Run',
    unavailable: whenRun,
    run: onRun(any, (e, r) => e.set({ run: r.run, overlay: 'runs.rename' })),
  },
  {
    id: 'runs.delete',
    title: 'Delete the run and its files',
    group: 'Run',
    unavailable: whenRun,
    run: onRun(
      (r) => !isStoppable(r),
      (e, r) => e.set({ run: r.run, overlay: 'runs.delete' }),
    ),
  },
];

const chartCommands: readonly UiCommand[] = [
  ...X_AXES.map((axis): UiCommand => ({
    id: `charts.over.${axis}`,
    title: `Draw curves over ${axis}`,
    group: 'Results',
    unavailable: whenRun,
    run: (editor) => {
      editor.set({ drawer: 'charts' });
      setRunsView(editor, { x: axis, zoom: undefined });
    },
  })),
  {
    id: 'charts.resetZoom',
    title: 'Show whole curves',
    group: 'Results',
    words: ['zoom', 'reset'],
    unavailable: (s) => (s.runsView.zoom ? undefined : 'Curves are shown whole.'),
    run: (editor) => setRunsView(editor, { zoom: undefined }),
  },
  {
    id: 'charts.table',
    title: 'Curves as a table of numbers, or as pictures',
    group: 'Results',
    unavailable: whenRun,
    run: (editor) => {
      editor.set({ drawer: 'charts' });
      setRunsView(editor, { asTable: !editor.store.getState().runsView.asTable });
    },
  },
  {
    id: 'charts.seeds',
    title: 'Seeds as mean and deviation, or one by one',
    group: 'Results',
    unavailable: whenRun,
    run: (editor) => setRunsView(editor, { groupSeeds: !editor.store.getState().runsView.groupSeeds }),
  },
  {
    id: 'charts.log',
    title: 'Logarithmic scale of losses',
    group: 'Results',
    unavailable: whenRun,
    run: (editor) => setRunsView(editor, { logScale: !editor.store.getState().runsView.logScale }),
  },
  {
    id: 'charts.csv',
    title: 'Save the curves as csv',
    group: 'Results',
    words: ['export', 'download', 'points'],
    unavailable: whenRun,
    run: saveChartsCsv,
  },
  {
    id: 'charts.picture',
    title: 'Save the curves as a picture',
    group: 'Results',
    words: ['export', 'png', 'image', 'download'],
    unavailable: whenRun,
    run: (editor) => {
      editor.set({ drawer: 'charts' });
      setRunsView(editor, { asTable: false });
      requestAnimationFrame(() => requestAnimationFrame(() => saveChartsPicture(editor)));
    },
  },
];

const resultCommands: readonly UiCommand[] = [
  {
    id: 'try.show',
    title: 'Try the trained model on a text',
    group: 'Results',
    words: ['predict', 'inference', 'test'],
    unavailable: whenDone,
    run: onRun(isDone, (e, r) => showTry(e, r.run)),
  },
  {
    id: 'try.predictFile',
    title: 'Predict a file to csv',
    group: 'Results',
    words: ['inference', 'batch', 'upload'],
    unavailable: whenDone,
    run: onRun(isDone, (e, r) => e.set({ run: r.run, overlay: 'runs.predictFile' })),
  },
  {
    id: 'log.copy',
    title: 'Copy the log of the run',
    group: 'Results',
    unavailable: whenRun,
    run: async (editor) => {
      const run = shownRun(editor.store.getState());
      if (!run) return;
      try {
        await navigator.clipboard.writeText(logText(withEnd(editor.runData.curve(run.run).log, run)));
        editor.toast('info', 'The log is copied.');
      } catch {
        editor.toast('error', 'The clipboard cannot be written. Allow it and try again.');
      }
    },
  },
];

export const runsCommands: readonly UiCommand[] = [
  ...trainCommands,
  ...runCommands,
  ...chartCommands,
  ...resultCommands,
];
