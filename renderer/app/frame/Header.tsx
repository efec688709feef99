/** The top of the window: menu, title, saved state, undo, the workflow as pills, search, Train. */
import { Redo2, Search, Undo2 } from 'lucide-react';
import { useCommands } from '../../commands/runner.ts';
import { TrainButton } from '../../runs/TrainButton.tsx';
import { useEditorState } from '../../state/editor.ts';
import { IconButton, Menu, Tooltip, type MenuItem } from '../../ui/index.ts';
import styles from './Header.module.css';
import { Logo } from './Logo.tsx';
import { SavedState } from './SavedState.tsx';
import { Strip } from './Strip.tsx';
import { TitleField } from './TitleField.tsx';

const separator: MenuItem = { separator: true };
const command = (id: string): MenuItem => ({ command: id });

const MENU: readonly MenuItem[] = [
  command('file.new'),
  command('file.open'),
  command('file.recent'),
  command('file.openModel'),
  separator,
  command('file.save'),
  command('file.saveAs'),
  command('file.download'),
  command('file.copyCommand'),
  command('file.notes'),
  separator,
  {
    title: 'View',
    items: [
      command('view.graph'),
      command('view.matrix'),
      command('view.code'),
      command('view.workflow'),
      separator,
      command('view.theme'),
      command('view.systemTheme'),
      command('view.zoomIn'),
      command('view.zoomOut'),
      command('view.zoomReset'),
      command('view.panels'),
    ],
  },
  command('app.settings'),
  command('app.models'),
  command('app.disk'),
  separator,
  {
    title: 'Help',
    items: [command('help.keys'), command('help.bindings'), command('help.guide'), command('help.report')],
  },
  separator,
  command('file.close'),
];

export const Header = () => (
  <header className={styles['header']} data-region="header" data-focus-inside tabIndex={-1}>
    <div className={styles['left']}>
      <Menu
        label="Espalier"
        trigger={
          <button type="button" className={styles['logo']} aria-label="Menu">
            <Logo />
          </button>
        }
        items={MENU}
      />
      <TitleField />
      <SavedState />
      <History />
    </div>
    <Strip />
    <div className={styles['right']}>
      <SearchButton />
      <TrainButton />
    </div>
  </header>
);

function History() {
  const commands = useCommands();
  const last = useEditorState((s) => s.history.done.at(-1)?.label);
  const next = useEditorState((s) => s.history.undone.at(-1)?.label);
  return (
    <div className={styles['history']}>
      <IconButton
        label={last === undefined ? 'Undo' : `Undo: ${last}`}
        icon={<Undo2 />}
        keys={commands.keys('edit.undo')}
        reason={last === undefined ? 'nothing to undo' : undefined}
        onClick={() => commands.run('edit.undo')}
      />
      <IconButton
        label={next === undefined ? 'Redo' : `Redo: ${next}`}
        icon={<Redo2 />}
        keys={commands.keys('edit.redo')}
        reason={next === undefined ? 'nothing to redo' : undefined}
        onClick={() => commands.run('edit.redo')}
      />
    </div>
  );
}

function SearchButton() {
  const commands = useCommands();
  const keys = commands.keys('app.palette');
  return (
    <Tooltip text="All commands" keys={keys}>
      <button type="button" className={styles['search']} onClick={() => commands.run('app.palette')}>
        <Search size={15} />
        <span className={styles['searchText']}>Search</span>
      </button>
    </Tooltip>
  );
}
