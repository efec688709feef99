/** The graph of a model: stacks, layers, modules, wires. */
import { ReactFlowProvider } from '@xyflow/react';
import { useEffect, useMemo } from 'react';
import { useEditor, useEditorState } from '../state/editor.ts';
import { CanvasProvider, createCanvasStore } from './state/canvasState.ts';
import { createBoard } from './state/board.ts';
import { CanvasFlow } from './parts/CanvasFlow.tsx';

export function ModelCanvas() {
  const project = useEditorState((s) => s.project?.id);
  const model = useEditorState((s) => s.place.model);
  // Another model is another canvas: nothing of the old one may linger.
  return <Canvas key={`${project ?? ''}:${model ?? ''}`} />;
}

function Canvas() {
  const editor = useEditor();
  const canvas = useMemo(() => createCanvasStore(), []);
  const board = useMemo(() => createBoard(editor, canvas, 'model'), [editor, canvas]);
  useEffect(() => board.start(), [board]);
  return (
    <CanvasProvider value={canvas}>
      <ReactFlowProvider>
        <CanvasFlow board={board} />
      </ReactFlowProvider>
    </CanvasProvider>
  );
}
