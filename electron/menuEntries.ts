/**
 * What the menus hold: commands of the page by their id, with the keys that the page gives them. A test holds both against
 * the page's list of commands.
 */

export interface Entry {
  readonly title: string;
  readonly command: string;
  readonly keys?: string;
}

export type Line = Entry | 'separator' | 'recent' | 'roles';

export const MENUS: readonly { readonly title: string; readonly lines: readonly Line[] }[] = [
  {
    title: '&File',
    lines: [
      { title: 'New project…', command: 'file.new', keys: 'CmdOrCtrl+N' },
      { title: 'Open…', command: 'file.open', keys: 'CmdOrCtrl+O' },
      { title: 'Open model folder…', command: 'file.openModel' },
      'recent',
      'separator',
      { title: 'Save', command: 'file.save', keys: 'CmdOrCtrl+S' },
      { title: 'Save as…', command: 'file.saveAs', keys: 'CmdOrCtrl+Shift+S' },
      { title: 'Close project', command: 'file.close' },
      'separator',
      { title: 'Settings…', command: 'app.settings', keys: 'CmdOrCtrl+,' },
    ],
  },
  {
    title: '&Edit',
    lines: [
      { title: 'Undo', command: 'edit.undo', keys: 'CmdOrCtrl+Z' },
      { title: 'Redo', command: 'edit.redo', keys: 'CmdOrCtrl+Shift+Z' },
      'separator',
      'roles',
      'separator',
      { title: 'Find…', command: 'canvas.find', keys: 'CmdOrCtrl+F' },
      { title: 'All commands…', command: 'app.palette', keys: 'CmdOrCtrl+K' },
    ],
  },
  {
    title: '&View',
    lines: [
      { title: 'Graph', command: 'view.graph' },
      { title: 'Matrix', command: 'view.matrix' },
      { title: 'Code', command: 'view.code' },
      { title: 'Workflow', command: 'view.workflow' },
      'separator',
      { title: 'What trains?', command: 'view.whatTrains' },
      { title: 'Inspector', command: 'view.inspector', keys: 'CmdOrCtrl+I' },
      { title: 'Hide panels', command: 'view.panels', keys: 'CmdOrCtrl+\\' },
      { title: 'Light or dark', command: 'view.theme' },
      'separator',
      { title: 'Zoom in', command: 'view.zoomIn', keys: 'CmdOrCtrl+=' },
      { title: 'Zoom out', command: 'view.zoomOut', keys: 'CmdOrCtrl+-' },
      { title: 'Actual size', command: 'view.zoomReset', keys: 'CmdOrCtrl+0' },
    ],
  },
  {
    title: '&Run',
    lines: [
      { title: 'Train', command: 'run.train', keys: 'CmdOrCtrl+Enter' },
      { title: 'Train with options…', command: 'run.options', keys: 'CmdOrCtrl+Shift+Enter' },
      'separator',
      { title: 'Pause', command: 'run.pause' },
      { title: 'Resume', command: 'run.resume' },
      { title: 'Stop', command: 'run.stop' },
      'separator',
      { title: 'Dry run: one batch', command: 'run.dryBatch' },
      { title: 'Runs', command: 'runs.show' },
    ],
  },
  {
    title: '&Help',
    lines: [
      { title: 'Keyboard shortcuts', command: 'help.keys' },
      { title: 'Guided first run', command: 'help.guide' },
      { title: 'Problem report…', command: 'help.report' },
    ],
  },
];
