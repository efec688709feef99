/** What can be done with one run; the same menu wherever a run is shown. */
import {
  Copy,
  Download,
  Eye,
  Grid3x3,
  History,
  MessageSquareText,
  Pencil,
  Pin,
  PinOff,
  Play,
  ScrollText,
  Square,
  Trash2,
  X,
} from 'lucide-react';
import type { RunSummary } from '../../engine/protocol/api/runs.ts';
import type { MenuItem } from '../ui/index.ts';
import type { Editor } from '../state/editor.ts';
import {
  canResume,
  copyCommandLine,
  downloadOf,
  isStoppable,
  pinBaseline,
  restoreGraph,
  showMatrixDiff,
  showResults,
  showTry,
  tellRun,
  viewGraph,
} from './actions.ts';

export function runMenu(editor: Editor, run: RunSummary): readonly MenuItem[] {
  const isDone = run.state === 'done';
  const unfinished = isDone ? undefined : 'The run has not finished.';
  const isBaseline = editor.store.getState().runsView.baseline === run.run;
  const items: (MenuItem | undefined)[] = [
    { title: 'Results', reason: unfinished, run: () => showResults(editor, run.run) },
    { title: 'Try it', icon: <MessageSquareText />, reason: unfinished, run: () => showTry(editor, run.run) },
    { title: 'Log', icon: <ScrollText />, run: () => editor.set({ run: run.run, drawer: 'log' }) },
    { separator: true },
    isStoppable(run)
      ? { title: 'Stop', icon: <Square />, run: () => void tellRun(editor, 'run.stop', run.run) }
      : undefined,
    run.state === 'queued'
      ? { title: 'Take out of the queue', icon: <X />, run: () => void tellRun(editor, 'run.cancel', run.run) }
      : undefined,
    canResume(run)
      ? { title: 'Resume', icon: <Play />, run: () => void tellRun(editor, 'run.resume', run.run) }
      : undefined,
    isBaseline
      ? { title: 'Unpin the baseline', icon: <PinOff />, run: () => pinBaseline(editor, undefined) }
      : { title: 'Pin as baseline', icon: <Pin />, run: () => pinBaseline(editor, run.run) },
    { separator: true },
    { title: "View run's graph", icon: <Eye />, run: () => void viewGraph(editor, run.run) },
    { title: 'Restore this graph as draft', icon: <History />, run: () => void restoreGraph(editor, run) },
    {
      title: 'Difference in the matrix',
      icon: <Grid3x3 />,
      run: () => void showMatrixDiff(editor, run.run),
    },
    { title: 'Copy as a command line', icon: <Copy />, run: () => void copyCommandLine(editor, run) },
    { separator: true },
    {
      title: 'Download the adapter',
      icon: <Download />,
      reason: unfinished,
      run: () => void downloadOf(editor, { kind: 'run-export', run: run.run, as: 'adapter' }),
    },
    {
      title: 'Download as a PEFT folder',
      icon: <Download />,
      reason: unfinished,
      run: () => void downloadOf(editor, { kind: 'run-export', run: run.run, as: 'peft' }),
    },
    { separator: true },
    {
      title: 'Rename...',
      icon: <Pencil />,
      run: () => editor.set({ run: run.run, overlay: 'runs.rename' }),
    },
    {
      title: 'Delete...',
      icon: <Trash2 />,
      danger: true,
      reason: isStoppable(run) ? 'Stop the run first.' : undefined,
      run: () => editor.set({ run: run.run, overlay: 'runs.delete' }),
    },
  ];
  return items.filter((item) => item !== undefined);
}
