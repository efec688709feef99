/** React Flow with the board's nodes and wires, and everything that floats above it. */
import '@xyflow/react/dist/style.css';
import { Background, BackgroundVariant, ReactFlow, SelectionMode, useReactFlow, type Viewport } from '@xyflow/react';
import { startTransition, useCallback, useEffect, useMemo, useRef, useState, type MouseEvent } from 'react';
import { useStore } from 'zustand';
import { isFresh, useEditor, useEditorState } from '../../state/editor.ts';
import { openModelOf } from '../commands/jumping.ts';
import { CULL_FROM, detailAt } from '../model/lod.ts';
import type { FlowEdge, FlowNode } from '../model/flow.ts';
import type { Board } from '../state/board.ts';
import { useCanvas, useCanvasState } from '../state/canvasState.ts';
import { makeHandle } from '../state/makeHandle.ts';
import { voidAt } from '../state/dropping.ts';
import { canvasKeys } from './canvasKeys.ts';
import { Card } from './Card.tsx';
import { Controls } from './Controls.tsx';
import { NearnessProvider, type Nearness } from './detail.ts';
import { FindBar } from './FindBar.tsx';
import { Group, NoteCard } from './Frames.tsx';
import { CanvasMenu } from './CanvasMenu.tsx';
import { Landing } from './Landing.tsx';
import { Probe } from './Probe.tsx';
import { QuickAdd } from './QuickAdd.tsx';
import { Stack } from './Stack.tsx';
import { MIN_ZOOM, outerOf, useFit } from './useFit.ts';
import { useGestures } from './useGestures.ts';
import { useHeat } from './useHeat.ts';
import { usePath } from './usePath.ts';
import { Wire } from './Wire.tsx';
import styles from './flow.module.css';

const NODE_TYPES = { card: Card, stack: Stack, note: NoteCard, group: Group };
const EDGE_TYPES = { wire: Wire };
const PRO = { hideAttribution: true };
const SNAP: [number, number] = [8, 8];
const ARIA = {
  'node.a11yDescription.default':
    'Press Space to select, Enter to open in the inspector, arrow keys to walk along wires.',
  'edge.a11yDescription.default': 'Press Enter to select the wire, Delete to remove it.',
};

const NO_EDGES: readonly FlowEdge[] = [];
/** Close up only a few cards are in the window, and each has many parts. */
const CULL_NEAR = 60;
const culls = (count: number, near: Nearness): boolean => count > CULL_FROM || (near === 'near' && count > CULL_NEAR);

export function CanvasFlow({ board }: { readonly board: Board }) {
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
  const wiring = useCanvasState((s) => s.wiring);
  const fresh = useEditorState(isFresh);
  const trains = useEditorState((s) => s.whatTrains);
  const [nearness, setNearness] = useState<Nearness>('near');
  const { hint, ...hands } = useGestures(board, flow, root);

  const see = useCallback(
    (zoom: number): void => {
      const next = detailAt(zoom);
      if (next !== canvas.getState().detail) canvas.setState({ detail: next });
      setNearness(next === 'full' || next === 'title' ? 'near' : 'far');
    },
    [canvas],
  );
  const admitted = useFit({ board, flow, root, ready, fits, onZoom: see });
  const shownNodes = useMemo(() => {
    const all = detail === 'far' ? outerOf(nodes) : nodes;
    return admitted < all.length ? all.slice(0, admitted) : all;
  }, [admitted, detail, nodes]);
  const shownEdges = detail === 'far' || admitted < nodes.length ? NO_EDGES : edges;
  const handle = useMemo(() => makeHandle(editor, canvas, board, flow, root), [editor, canvas, board, flow]);
  useEffect(() => {
    editor.canvas.current = handle;
    return () => {
      if (editor.canvas.current === handle) editor.canvas.current = undefined;
    };
  }, [editor, handle]);
  const onMoveStart = useCallback((event: unknown): void => {
    if (event === null || !root.current) return;
    root.current.dataset['view'] = 'chosen';
    root.current.dataset['moving'] = '';
  }, []);
  const onMoveEnd = useCallback((): void => {
    delete root.current?.dataset['moving'];
  }, []);
  useHeat(root);
  usePath(root, nodes.length);

  const onMove = useCallback(
    (_: unknown, v: Viewport): void => {
      if (detailAt(v.zoom) !== canvas.getState().detail) startTransition(() => see(v.zoom));
    },
    [canvas, see],
  );
  const onNodesChange = useCallback((c: unknown) => board.onNodesChange(c as never), [board]);
  const onEdgesChange = useCallback((c: unknown) => board.onEdgesChange(c as never), [board]);
  const openMenu = useCallback(
    (
      e: MouseEvent | globalThis.MouseEvent,
      on: 'canvas' | 'selection' | { readonly id: string; readonly kind: 'node' | 'edge' },
    ): void => {
      e.preventDefault();
      const screen = { x: e.clientX, y: e.clientY };
      if (on === 'canvas') {
        const place = voidAt(board, flow, screen);
        if (place) canvas.setState({ menu: { screen, on: { kind: 'canvas', graph: place.graph, at: place.at } } });
        return;
      }
      if (on === 'selection') return canvas.setState({ menu: { screen, on: { kind: 'selection' } } });
      const chip = (e.target as Element).closest<HTMLElement>('[data-chip]')?.dataset['chip'];
      const port = (e.target as Element).closest<HTMLElement>('.react-flow__handle');
      if (port) {
        const side = port.classList.contains('source') ? ('out' as const) : ('in' as const);
        canvas.setState({
          menu: { screen, on: { kind: 'port', id: on.id, port: port.dataset['handleid'] ?? '', side } },
        });
      } else if (chip !== undefined)
        canvas.setState({ menu: { screen, on: { kind: 'chip', id: on.id, chip: chip as never } } });
      else canvas.setState({ menu: { screen, on: { kind: on.kind, id: on.id } } });
    },
    [board, canvas, flow],
  );
  const onNodeMenu = useCallback((e: MouseEvent, n: FlowNode) => openMenu(e, { kind: 'node', id: n.id }), [openMenu]);
  const onEdgeMenu = useCallback(
    (e: MouseEvent, n: { id: string }) => openMenu(e, { kind: 'edge', id: n.id }),
    [openMenu],
  );
  const onPaneMenu = useCallback((e: MouseEvent | globalThis.MouseEvent) => openMenu(e, 'canvas'), [openMenu]);
  const onSelectionMenu = useCallback((e: MouseEvent) => openMenu(e, 'selection'), [openMenu]);
  const onPaneClick = useCallback((): void => {
    canvas.setState({ menu: undefined, quickAdd: undefined, probe: undefined });
    const { selection } = editor.store.getState();
    if (selection.nodes.length > 0 || selection.edges.length > 0) editor.select({ ...selection, nodes: [], edges: [] });
    root.current?.focus({ preventScroll: true });
  }, [canvas, editor]);
  const onDoubleClick = useCallback(
    (e: MouseEvent): void => {
      const target = e.target as Element;
      const card = target.closest<HTMLElement>('.react-flow__node');
      if (target.closest('button, input, textarea, [data-chip]')) return;
      if (!card || (card.classList.contains('react-flow__node-stack') && !target.closest('[class*="title"]'))) {
        const place = voidAt(board, flow, { x: e.clientX, y: e.clientY });
        if (place && (target.closest('.react-flow__pane') || card)) {
          canvas.setState({
            quickAdd: { mode: 'add', screen: { x: e.clientX, y: e.clientY }, graph: place.graph, at: place.at },
          });
        }
        return;
      }
      const id = card.dataset['id'];
      if (id !== undefined && board.level === 'workflow' && openModelOf(editor, id)) return;
      if (id !== undefined && !id.startsWith('note:')) canvas.setState({ writing: id });
    },
    [board, canvas, editor, flow],
  );
  const onKeyDown = useMemo(() => canvasKeys(editor, canvas, board, handle, root), [editor, canvas, board, handle]);

  return (
    <div
      ref={root}
      className={styles['canvas']}
      data-canvas={board.level}
      data-detail={detail}
      data-stale={!fresh || undefined}
      data-wiring={wiring || undefined}
      data-trains={trains || undefined}
      tabIndex={-1}
      onKeyDown={onKeyDown}
      onDoubleClick={onDoubleClick}
      onPointerDownCapture={hands.onPointerDownCapture}
      onMouseDownCapture={hands.onMouseDownCapture}
      onDragEnter={hands.onDragOver}
      onDragOver={hands.onDragOver}
      onDragLeave={hands.onDragLeave}
      onDrop={hands.onDrop}
    >
      <NearnessProvider value={nearness}>
        <ReactFlow
          nodes={shownNodes as never}
          edges={shownEdges as never}
          nodeTypes={NODE_TYPES}
          edgeTypes={EDGE_TYPES}
          onNodesChange={onNodesChange}
          onEdgesChange={onEdgesChange}
          onMoveStart={onMoveStart}
          onMove={onMove}
          onMoveEnd={onMoveEnd}
          onNodeDragStart={hands.onNodeDragStart as never}
          onNodeDrag={hands.onNodeDrag as never}
          onNodeDragStop={hands.onNodeDragStop as never}
          onSelectionDragStart={((e: never, n: FlowNode[]) => hands.onNodeDragStart(e, n[0] as FlowNode, n)) as never}
          onSelectionDragStop={((e: never, n: FlowNode[]) => hands.onNodeDragStop(e, n[0] as FlowNode, n)) as never}
          onConnectStart={hands.onConnectStart}
          onConnectEnd={hands.onConnectEnd}
          onConnect={hands.onConnect}
          isValidConnection={hands.isValidConnection}
          onReconnectStart={hands.onReconnectStart as never}
          onReconnect={hands.onReconnect as never}
          onReconnectEnd={hands.onReconnectEnd}
          onNodeContextMenu={onNodeMenu as never}
          onEdgeContextMenu={onEdgeMenu}
          onPaneContextMenu={onPaneMenu}
          onSelectionContextMenu={onSelectionMenu}
          onPaneClick={onPaneClick}
          onlyRenderVisibleElements={culls(nodes.length, nearness)}
          minZoom={MIN_ZOOM}
          maxZoom={2.5}
          snapToGrid={snap}
          snapGrid={SNAP}
          connectionRadius={18}
          reconnectRadius={12}
          selectionMode={SelectionMode.Partial}
          deleteKeyCode={null}
          panActivationKeyCode={null}
          multiSelectionKeyCode="Shift"
          selectNodesOnDrag
          elevateNodesOnSelect={false}
          zoomOnDoubleClick={false}
          disableKeyboardA11y
          edgesFocusable
          ariaLabelConfig={ARIA}
          proOptions={PRO}
        >
          {detail === 'full' || detail === 'title' ? (
            <Background variant={BackgroundVariant.Dots} gap={24} size={1.5} color="var(--dot)" />
          ) : null}
        </ReactFlow>
      </NearnessProvider>
      <Landing />
      <Controls board={board} />
      <div ref={hint} className={styles['hint']} role="status" hidden />
      <FindBar />
      <QuickAdd />
      <Probe />
      <CanvasMenu board={board} />
    </div>
  );
}
