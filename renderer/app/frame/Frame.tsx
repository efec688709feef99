/** The main screen: header, rail, canvas, inspector, drawer, status bar. */
import { useEffect } from 'react';
import { Inspector } from '../../inspector/Inspector.tsx';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { CanvasArea } from './CanvasArea.tsx';
import { Drawer } from './Drawer.tsx';
import styles from './Frame.module.css';
import { Header } from './Header.tsx';
import { Rail } from './Rail.tsx';
import { focusCanvas } from './regions.ts';
import { StatusBar } from './StatusBar.tsx';
import { useNarrow } from './useNarrow.ts';

export function Frame() {
  const editor = useEditor();
  const inspector = useEditorState((s) => s.inspector);
  const drawer = useEditorState((s) => s.drawer !== undefined);
  const project = useEditorState((s) => s.project?.id);
  const narrow = useNarrow();
  useEffect(() => {
    // An inspector over the canvas would hide what was just opened.
    if (narrow) editor.set({ inspector: false });
  }, [narrow, editor]);
  useEffect(() => {
    // The guide keeps the focus while it leads.
    if (editor.store.getState().guide === undefined) focusCanvas();
  }, [project, editor]);
  return (
    <div className={styles['frame']} data-frame data-inspector={inspector && !narrow ? '' : undefined}>
      <Header />
      <Rail />
      <CanvasArea />
      {inspector && (
        <aside
          className={narrow ? styles['inspectorOver'] : styles['inspector']}
          data-region="inspector"
          data-focus-inside
          tabIndex={-1}
          aria-label="Inspector"
        >
          <Inspector />
        </aside>
      )}
      {drawer && <Drawer />}
      <StatusBar />
    </div>
  );
}
