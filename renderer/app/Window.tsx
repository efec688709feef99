/** The window around Start or a project: commands, keys, theme, dialogs, messages, drops of files. */
import { CommandRunnerProvider } from '../commands/runner.ts';
import { SourcesOverlays } from '../sources/SourcesOverlays.tsx';
import { useEditorState } from '../state/editor.ts';
import { Dialogs } from './dialogs/Dialogs.tsx';
import { DropZone } from './DropZone.tsx';
import { Frame } from './frame/Frame.tsx';
import { Guide } from './start/Guide.tsx';
import { Start } from './start/Start.tsx';
import { useWidthMarks } from './frame/useNarrow.ts';
import { useLook } from './theme.ts';
import { Toasts } from './Toasts.tsx';
import { useRunner } from './useRunner.ts';
import { Banner } from './Banner.tsx';
import styles from './Window.module.css';

export function Window() {
  const runner = useRunner();
  useLook();
  useWidthMarks();
  const hasProject = useEditorState((s) => s.project !== undefined);
  return (
    <CommandRunnerProvider value={runner}>
      <DropZone>
        <div className={styles['window']} data-screen={hasProject ? 'project' : 'start'}>
          <Banner />
          {hasProject ? <Frame /> : <Start />}
          {!hasProject && <Guide />}
        </div>
        <Dialogs />
        <SourcesOverlays />
        <Toasts />
      </DropZone>
    </CommandRunnerProvider>
  );
}
