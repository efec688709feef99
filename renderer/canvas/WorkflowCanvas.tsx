/** The steps of the workflow as a graph. */
import { ReactFlowProvider } from '@xyflow/react';
import { useEffect, useMemo } from 'react';
import { useEditor, useEditorState } from '../state/editor.ts';
import { CanvasFlow } from './parts/CanvasFlow.tsx';
import { createBoard } from './state/board.ts';
import { CanvasProvider, createCanvasStore } from './state/canvasState.ts';

export function WorkflowCanvas() {
  const project = useEditorState((s) => s.project?.id);
  return <Canvas key={project ?? ''} />;
}

function Canvas() {
  const editor = useEditor();
  const canvas = useMemo(() => createCanvasStore(), []);
  const board = useMemo(() => createBoard(editor, canvas, 'workflow'), [editor, canvas]);
  useEffect(() => board.start(), [board]);
  return (
    <CanvasProvider value={canvas}>
      <ReactFlowProvider>
        <CanvasFlow board={board} />
      </ReactFlowProvider>
    </CanvasProvider>
  );
}
