/** The first screen: three doors, what was open lately, templates. Never an empty canvas. */
import { Database, FolderOpen, Network, Settings } from 'lucide-react';
import { useEffect, type ReactNode } from 'react';
import { useCommands } from '../../commands/runner.ts';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { Button, IconButton, Keys } from '../../ui/index.ts';
import { Logo } from '../frame/Logo.tsx';
import { RecentList } from './RecentList.tsx';
import styles from './Start.module.css';
import { TemplateList } from './TemplateList.tsx';
import { Jobs } from './Jobs.tsx';

export function Start() {
  const editor = useEditor();
  const commands = useCommands();
  const isNew = useEditorState((s) => s.settings?.firstRunDone === false);
  const info = useEditorState((s) => s.info);
  useEffect(() => {
    document.querySelector<HTMLElement>('[data-door]')?.focus();
  }, []);
  return (
    <main className={styles['start']} aria-label="Start" data-region="canvas">
      <div className={styles['page']}>
        <header className={styles['head']}>
          <span className={styles['logo']}>
            <Logo size={40} />
          </span>
          <div className={styles['headText']}>
            <h1 className={styles['title']}>Espalier</h1>
            <p className={styles['tagline']}>
              Wire small trainable modules into a pretrained model, train them here, take them with you.
            </p>
          </div>
          <IconButton
            label="Settings"
            icon={<Settings />}
            keys={commands.keys('app.settings')}
            onClick={() => commands.run('app.settings')}
          />
        </header>
        {isNew && (
          <div className={styles['guide']}>
            <p>
              <strong>New here?</strong> Four real steps take you from a backbone to a trained LoRA. You can leave at
              any moment and keep the work.
            </p>
            <Button variant="primary" onClick={() => commands.run('help.guide')}>
              Guide me
            </Button>
          </div>
        )}
        <div className={styles['doors']}>
          <Door
            icon={<Database />}
            title="Tune a text classifier"
            text="Your file of texts and labels, a backbone, a method. Ready to train."
            keys={commands.keys('file.new')}
            onOpen={() => editor.set({ overlay: 'app.new' })}
          />
          <Door
            icon={<Network />}
            title="Open a model folder"
            text="A Hugging Face folder with config.json and safetensors, as a graph."
            onOpen={() => commands.run('file.openModel')}
          />
          <Door
            icon={<FolderOpen />}
            title="Open a project"
            text="A document that was saved before, *.espalier.json."
            keys={commands.keys('file.open')}
            onOpen={() => commands.run('file.open')}
          />
        </div>
        <Jobs />
        <div className={styles['columns']}>
          <section aria-labelledby="recent-title">
            <h2 className={styles['section']} id="recent-title">
              Recent
            </h2>
            <RecentList />
          </section>
          <section aria-labelledby="templates-title">
            <h2 className={styles['section']} id="templates-title">
              Templates
            </h2>
            <TemplateList />
          </section>
        </div>
        {info && (
          <footer className={styles['foot']}>
            <span>{`Espalier ${info.version}`}</span>
            <span>{`Workspace ${info.workspace}`}</span>
            <span>
              <button type="button" className={styles['link']} onClick={() => commands.run('help.guide')}>
                Guided first run
              </button>
              <button type="button" className={styles['link']} onClick={() => commands.run('help.keys')}>
                Keyboard shortcuts
              </button>
              <button type="button" className={styles['link']} onClick={() => commands.run('app.disk')}>
                Disk use
              </button>
            </span>
          </footer>
        )}
      </div>
    </main>
  );
}

interface DoorProps {
  readonly icon: ReactNode;
  readonly title: string;
  readonly text: string;
  readonly keys?: string | undefined;
  readonly onOpen: () => void;
}

const Door = ({ icon, title, text, keys, onOpen }: DoorProps) => (
  <button type="button" className={styles['door']} data-door onClick={onOpen}>
    <span className={styles['doorIcon']}>{icon}</span>
    <span className={styles['doorTitle']}>
      {title}
      {keys !== undefined && <Keys keys={keys} />}
    </span>
    <span className={styles['doorText']}>{text}</span>
  </button>
);
