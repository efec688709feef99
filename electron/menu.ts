/** The menu of the app, from its entries. The page has the keys, so the menu shows them and does not take them. */
import { app, Menu, type MenuItemConstructorOptions } from 'electron';
import { MENUS, type Line } from './menuEntries.ts';

export interface RecentEntry {
  readonly title: string;
  readonly missing: boolean;
}

export interface MenuPorts {
  readonly run: (command: string) => void;
  readonly openRecent: (index: number) => void;
  readonly quit: () => void;
}

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
