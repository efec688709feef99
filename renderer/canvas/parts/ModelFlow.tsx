/** React Flow with the board's nodes and wires, and what a hand does with them. */
import '@xyflow/react/dist/style.css';
import { Background, BackgroundVariant, ReactFlow, SelectionMode, useReactFlow } from '@xyflow/react';
import { startTransition, useEffect, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { isFresh, useEditor, useEditorState } from '../../state/editor.ts';
import { CULL_FROM, detailAt } from '../model/lod.ts';
import type { Board } from '../state/board.ts';
import { useCanvas, useCanvasState } from '../state/canvasState.ts';
import { Card } from './Card.tsx';
import { NearnessProvider, type Nearness } from './detail.ts';
import { Group, NoteCard } from './Frames.tsx';
import { Stack } from './Stack.tsx';
import { Wire } from './Wire.tsx';
import styles from './flow.module.css';

const NODE_TYPES = { card: Card, stack: Stack, note: NoteCard, group: Group };
const EDGE_TYPES = { wire: Wire };
const PRO = { hideAttribution: true };
const SNAP: [number, number] = [8, 8];

export function ModelFlow({ board }: { readonly board: Board }) {
  const editor = useEditor();
  const canvas = useCanvas();
  const flow = useReactFlow();
  const root = useRef<HTMLDivElement>(null);
  const nodes = useStore(board.store, (s) => s.nodes);
  const edges = useStore(board.store, (s) => s.edges);
  const ready = useStore(board.store, (s) => s.ready);
  const fits = useStore(board.store, (s) => s.fits);
  const detail = useCanvasState((s) => s.detail);
  const snap = useCanvasState((s) => s.snap);
  const fresh = useEditorState(isFresh);
  const [nearness, setNearness] = useState<Nearness>('near');

  useEffect(() => {
    if (ready) void flow.fitView({ padding: 0.06, maxZoom: 1 });
  }, [ready, fits, flow]);

  return (
    <div
      ref={root}
      className={styles['canvas']}
      data-canvas="model"
      data-detail={detail}
      data-stale={!fresh || undefined}
    >
      <NearnessProvider value={nearness}>
        <ReactFlow
          nodes={nodes as never}
          edges={edges as never}
          nodeTypes={NODE_TYPES as never}
          edgeTypes={EDGE_TYPES as never}
          onNodesChange={(c) => board.onNodesChange(c as never)}
          onEdgesChange={(c) => board.onEdgesChange(c as never)}
          onMove={(_, v) => {
            const next = detailAt(v.zoom);
            if (next === canvas.getState().detail) return;
            canvas.setState({ detail: next });
            startTransition(() => setNearness(next === 'full' || next === 'title' ? 'near' : 'far'));
          }}
          onNodeDragStart={() => canvas.setState({ dragging: true })}
          onNodeDragStop={(_, __, moved) => {
            canvas.setState({ dragging: false });
            board.commitMove(
              moved.map((n) => n.id),
              moved.length === 1 ? 'Move' : `Move ${moved.length} nodes`,
            );
          }}
          onlyRenderVisibleElements={nodes.length > CULL_FROM}
          minZoom={0.04}
          maxZoom={2.5}
          snapToGrid={snap}
          snapGrid={SNAP}
          selectionMode={SelectionMode.Partial}
          deleteKeyCode={null}
          multiSelectionKeyCode="Shift"
          selectNodesOnDrag={false}
          elevateNodesOnSelect={false}
          zoomOnDoubleClick={false}
          proOptions={PRO}
          onPaneClick={() => editor.set({})}
        >
          {detail === 'full' || detail === 'title' ? (
            <Background variant={BackgroundVariant.Dots} gap={24} size={1.5} color="var(--dot)" />
          ) : null}
        </ReactFlow>
      </NearnessProvider>
    </div>
  );
}
