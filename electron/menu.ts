/**
 * The menu of the app. Entries run commands of the page by their id; the page has the keys, so the menu shows them and does
 * not take them. A test holds the ids against the page's list of commands.
 */
import { app, Menu, type MenuItemConstructorOptions } from 'electron';

export interface RecentEntry {
  readonly title: string;
  readonly missing: boolean;
}

export interface MenuPorts {
  readonly run: (command: string) => void;
  readonly openRecent: (index: number) => void;
  readonly quit: () => void;
}

export interface Entry {
  readonly title: string;
  readonly command: string;
  readonly keys?: string;
}

type Line = Entry | 'separator' | 'recent' | 'roles';

export const MENUS: readonly { readonly title: string; readonly lines: readonly Line[] }[] = [
  {
    title: '&File',
    lines: [
      { title: 'New project…', command: 'file.new', keys: 'CmdOrCtrl+N' },
      { title: 'Open…', command: 'file.open', keys: 'CmdOrCtrl+O' },
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
      { title: 'Find…', command: 'graph.find', keys: 'CmdOrCtrl+F' },
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
      { title: 'Train', command: 'run.start', keys: 'CmdOrCtrl+Enter' },
      { title: 'Pause', command: 'run.pause' },
      { title: 'Stop', command: 'run.stop' },
      'separator',
      { title: 'Try one batch', command: 'run.dryBatch' },
      { title: 'Runs', command: 'drawer.runs' },
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

const ROLES: readonly MenuItemConstructorOptions[] = [
  { role: 'cut' },
  { role: 'copy' },
  { role: 'paste' },
  { role: 'selectAll' },
];

export function buildMenu(ports: MenuPorts, recent: readonly RecentEntry[]): Menu {
  const item = (line: Line): readonly MenuItemConstructorOptions[] => {
    if (line === 'separator') return [{ type: 'separator' }];
    if (line === 'roles') return ROLES;
    if (line === 'recent') return [{ label: 'Open recent', id: 'recent', submenu: recentItems(ports, recent) }];
    return [
      {
        id: line.command,
        label: line.title,
        ...(line.keys === undefined ? {} : { accelerator: line.keys, registerAccelerator: false }),
        click: () => ports.run(line.command),
      },
    ];
  };
  const quit: MenuItemConstructorOptions = {
    id: 'quit',
    label: process.platform === 'darwin' ? `Quit ${app.name}` : 'Quit',
    accelerator: 'CmdOrCtrl+Q',
    click: () => ports.quit(),
  };
  const template = MENUS.map(({ title, lines }): MenuItemConstructorOptions => {
    const submenu = lines.flatMap(item);
    const last = process.platform !== 'darwin' && title === '&File' ? [{ type: 'separator' as const }, quit] : [];
    return { label: title, submenu: [...submenu, ...last] };
  });
  const own: MenuItemConstructorOptions = {
    label: app.name,
    submenu: [
      { role: 'about' },
      { type: 'separator' },
      { role: 'hide' },
      { role: 'hideOthers' },
      { type: 'separator' },
      quit,
    ],
  };
  return Menu.buildFromTemplate(process.platform === 'darwin' ? [own, ...template] : template);
}

function recentItems(ports: MenuPorts, recent: readonly RecentEntry[]): MenuItemConstructorOptions[] {
  if (recent.length === 0) return [{ label: 'No recent files', enabled: false }];
  return recent.slice(0, 10).map(({ title, missing }, index) => ({
    id: `recent-${index}`,
    label: title.replace(/&/g, '&&'),
    enabled: !missing,
    click: () => ports.openRecent(index),
  }));
}
