/** Undo, redo, and the name of the document. */
import type { UiCommand } from '../../commands/command.ts';
import { whenProject } from './file.ts';

export const editCommands: readonly UiCommand[] = [
  {
    id: 'edit.undo',
    title: 'Undo',
    group: 'Edit',
    keys: 'Ctrl+Z',
    words: ['back', 'revert'],
    unavailable: (s) => (s.history.done.length === 0 ? 'Nothing to undo.' : undefined),
    run: (editor) => editor.undo(),
  },
  {
    id: 'edit.redo',
    title: 'Redo',
    group: 'Edit',
    keys: 'Ctrl+Shift+Z',
    words: ['again'],
    unavailable: (s) => (s.history.undone.length === 0 ? 'Nothing to redo.' : undefined),
    run: (editor) => editor.redo(),
  },
  {
    id: 'edit.title',
    title: 'Name the document',
    group: 'Edit',
    words: ['rename', 'title'],
    unavailable: whenProject,
    run: () => document.querySelector<HTMLInputElement>('[data-title-field]')?.focus(),
  },
];
