/** Commands about data. */
import type { UiCommand } from '../commands/command.ts';
import type { EditorState } from '../state/editor.ts';
import { chooseDataFile } from './actions.ts';
import { dataSteps } from './steps.ts';

const whenProject = (s: EditorState): string | undefined => (s.project ? undefined : 'Open a project first.');
const whenData = (s: EditorState): string | undefined =>
  s.document && dataSteps(s.document).length > 0 ? undefined : 'The workflow has no data step.';

export const dataCommands: readonly UiCommand[] = [
  {
    id: 'data.show',
    title: 'Show the data',
    group: 'Data',
    words: ['rows', 'preview', 'table', 'columns'],
    unavailable: whenProject,
    run: (editor) => editor.set({ drawer: 'data', dataPage: 'rows' }),
  },
  {
    id: 'data.checks',
    title: 'Check the data: balance, repeats, leaks, lengths',
    group: 'Data',
    words: ['duplicates', 'class balance', 'truncated', 'histogram', 'label distribution'],
    unavailable: whenData,
    run: (editor) => editor.set({ drawer: 'data', dataPage: 'checks' }),
  },
  {
    id: 'data.choose',
    title: 'Choose a data file',
    group: 'Data',
    words: ['upload', 'csv', 'import', 'open', 'look'],
    unavailable: whenProject,
    run: (editor) => chooseDataFile(editor),
  },
  {
    id: 'data.next',
    title: 'Show the next data step',
    group: 'Data',
    words: ['evaluation', 'train', 'split', 'source'],
    unavailable: (s) =>
      s.document && dataSteps(s.document).length > 1 ? undefined : 'The workflow has fewer than two data steps.',
    run: (editor) => {
      const { document, dataStep } = editor.store.getState();
      if (!document) return;
      const steps = dataSteps(document);
      const at = steps.findIndex((step) => step.id === dataStep);
      editor.set({ drawer: 'data', dataStep: steps[(Math.max(0, at) + 1) % steps.length]?.id });
    },
  },
];
