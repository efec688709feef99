/** Commands about files and the app. */
import type { UiCommand } from '../../commands/command.ts';
import type { EditorState } from '../../state/editor.ts';
import {
  addModelFolder,
  closeProject,
  copyCommandLine,
  downloadDocument,
  openDocument,
  saveAs,
  saveNow,
} from '../files.ts';

export const whenProject = (s: EditorState): string | undefined =>
  s.project ? undefined : 'Open or make a project first.';

export const fileCommands: readonly UiCommand[] = [
  {
    id: 'file.new',
    title: 'New project',
    group: 'File',
    keys: 'Ctrl+N',
    words: ['tune', 'template', 'create', 'text classifier'],
    run: (editor) => editor.set({ overlay: 'app.new' }),
  },
  {
    id: 'file.open',
    title: 'Open a project',
    group: 'File',
    keys: 'Ctrl+O',
    words: ['file', 'document', 'load'],
    run: openDocument,
  },
  {
    id: 'file.openModel',
    title: 'Open a model folder',
    group: 'File',
    words: ['backbone', 'hugging face', 'safetensors', 'checkpoint'],
    run: addModelFolder,
  },
  {
    id: 'file.recent',
    title: 'Open a recent project',
    group: 'File',
    keys: 'Ctrl+Shift+O',
    words: ['history', 'last'],
    run: (editor) => editor.set({ overlay: 'app.recent' }),
  },
  {
    id: 'file.save',
    title: 'Save now',
    group: 'File',
    keys: 'Ctrl+S',
    words: ['write'],
    unavailable: whenProject,
    run: saveNow,
  },
  {
    id: 'file.saveAs',
    title: 'Save under another name',
    group: 'File',
    keys: 'Ctrl+Shift+S',
    words: ['copy', 'rename', 'duplicate'],
    unavailable: whenProject,
    run: saveAs,
  },
  {
    id: 'file.download',
    title: 'Download the document',
    group: 'File',
    words: ['export', 'json', 'save a copy'],
    unavailable: whenProject,
    run: downloadDocument,
  },
  {
    id: 'file.copyCommand',
    title: 'Copy the command line of this project',
    group: 'File',
    words: ['terminal', 'cli', 'shell', 'run'],
    unavailable: whenProject,
    run: copyCommandLine,
  },
  {
    id: 'file.notes',
    title: 'Notes of the document',
    group: 'File',
    words: ['readme', 'description', 'comment'],
    unavailable: whenProject,
    run: (editor) => editor.set({ overlay: 'app.notes' }),
  },
  {
    id: 'file.close',
    title: 'Close the project',
    group: 'File',
    words: ['start', 'home'],
    unavailable: whenProject,
    run: closeProject,
  },
  {
    id: 'app.settings',
    title: 'Settings',
    group: 'File',
    keys: 'Ctrl+,',
    words: ['preferences', 'options', 'threads', 'theme', 'hub'],
    run: (editor) => editor.set({ overlay: 'app.settings' }),
  },
  {
    id: 'app.disk',
    title: 'Disk use and clean-up',
    group: 'File',
    words: ['space', 'storage', 'free', 'delete', 'models'],
    run: (editor) => editor.set({ overlay: 'app.disk' }),
  },
  {
    id: 'app.models',
    title: 'Models: licences, cards, downloads',
    group: 'File',
    words: ['backbone', 'hub', 'download', 'card'],
    run: (editor) => editor.set({ overlay: 'app.models' }),
  },
];

export const helpCommands: readonly UiCommand[] = [
  {
    id: 'app.palette',
    title: 'All commands',
    group: 'Help',
    keys: 'Ctrl+K',
    words: ['palette', 'search', 'find'],
    run: (editor) => editor.set({ overlay: 'app.palette' }),
  },
  {
    id: 'help.keys',
    title: 'Keyboard shortcuts',
    group: 'Help',
    keys: '?',
    words: ['keys', 'cheat sheet'],
    run: (editor) => editor.set({ overlay: 'app.keys' }),
  },
  {
    id: 'help.bindings',
    title: 'Change keyboard shortcuts',
    group: 'Help',
    words: ['keys', 'bind', 'rebind', 'customise'],
    run: (editor) => editor.set({ overlay: 'app.bindings' }),
  },
  {
    id: 'help.guide',
    title: 'Guided first run',
    group: 'Help',
    words: ['tutorial', 'tour', 'start', 'learn'],
    run: (editor) => editor.set({ guide: 'backbone', overlay: undefined }),
  },
  {
    id: 'help.report',
    title: 'Report a problem',
    group: 'Help',
    words: ['bug', 'issue', 'log', 'support'],
    run: (editor) => editor.set({ overlay: 'app.report' }),
  },
];
