/** The middle: where one is, which view, and the view itself. */
import { Eye, EyeOff, Grid3x3, Network, PanelRight, CodeXml } from 'lucide-react';
import { lazy, Suspense } from 'react';
import { ModelCanvas } from '../../canvas/ModelCanvas.tsx';
import { WorkflowCanvas } from '../../canvas/WorkflowCanvas.tsx';
import { useCommands } from '../../commands/runner.ts';
import { SnapshotBar } from '../../runs/SnapshotBar.tsx';
import { useEditor, useEditorState } from '../../state/editor.ts';
import type { ModelView } from '../../state/place.ts';
import { IconButton, Segmented, Spinner } from '../../ui/index.ts';
import { showView } from '../commands/view.ts';
import { Breadcrumb } from './Breadcrumb.tsx';
import { Guide } from '../start/Guide.tsx';
import styles from './CanvasArea.module.css';
import { RailPanel } from './Rail.tsx';

// Both are large and not needed for the first look at a graph.
const MatrixView = lazy(() => import('../../matrix/MatrixView.tsx').then((m) => ({ default: m.MatrixView })));
const CodeView = lazy(() => import('../../code/CodeView.tsx').then((m) => ({ default: m.CodeView })));

export const CanvasArea = () => (
  <main className={styles['area']} data-region="canvas" data-focus-inside tabIndex={-1} aria-label="Canvas">
    <CanvasBar />
    <SnapshotBar />
    <div className={styles['body']}>
      <View />
      <Guide />
      <RailPanel />
    </div>
  </main>
);

function View() {
  const level = useEditorState((s) => s.place.level);
  const view = useEditorState((s) => s.place.view);
  const hasModel = useEditorState((s) => s.place.model !== undefined);
  const waiting = (
    <div className={styles['waiting']}>
      <Spinner label="Loading the view" />
    </div>
  );
  if (view === 'code')
    return (
      <Suspense fallback={waiting}>
        <CodeView />
      </Suspense>
    );
  if (level === 'workflow' || !hasModel) return <WorkflowCanvas />;
  return view === 'matrix' ? (
    <Suspense fallback={waiting}>
      <MatrixView />
    </Suspense>
  ) : (
    <ModelCanvas />
  );
}

function CanvasBar() {
  const editor = useEditor();
  const commands = useCommands();
  const level = useEditorState((s) => s.place.level);
  const view = useEditorState((s) => s.place.view);
  const whatTrains = useEditorState((s) => s.whatTrains);
  const inspector = useEditorState((s) => s.inspector);
  const hasModel = useEditorState((s) => s.document !== undefined && Object.keys(s.document.models).length > 0);
  return (
    <div className={styles['bar']}>
      <Breadcrumb />
      <div className={styles['views']}>
        {hasModel && (
          <Segmented<ModelView>
            label="View"
            value={level === 'workflow' && view !== 'code' ? ('none' as ModelView) : view}
            options={[
              { value: 'graph', title: 'Graph', icon: <Network />, keys: commands.keys('view.graph') },
              { value: 'matrix', title: 'Matrix', icon: <Grid3x3 />, keys: commands.keys('view.matrix') },
              { value: 'code', title: 'Code', icon: <CodeXml />, keys: commands.keys('view.code') },
            ]}
            onChange={(next) => showView(editor, next)}
          />
        )}
      </div>
      <div className={styles['tools']}>
        <button
          type="button"
          className={styles['trains']}
          aria-pressed={whatTrains}
          disabled={!hasModel}
          onClick={() => commands.run('view.whatTrains')}
        >
          {whatTrains ? <Eye size={15} /> : <EyeOff size={15} />}
          <span>What trains?</span>
          <kbd className={styles['key']}>{commands.keys('view.whatTrains')}</kbd>
        </button>
        <IconButton
          label={inspector ? 'Hide the inspector' : 'Show the inspector'}
          icon={<PanelRight />}
          keys={commands.keys('view.inspector')}
          pressed={inspector}
          onClick={() => commands.run('view.inspector')}
        />
      </div>
    </div>
  );
}
