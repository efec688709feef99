/** What a hand does on the canvas, as handlers for React Flow: wiring, moving, dropping, cutting. They never change. */
import type { Connection, Edge as RFEdge, HandleType, OnConnectEnd, ReactFlowInstance } from '@xyflow/react';
import { useMemo, useRef, type DragEvent, type MouseEvent as ReactMouseEvent, type RefObject } from 'react';
import { graphAt, replaceGraph } from '../../../engine/protocol/edit.ts';
import { useEditor, type Editor } from '../../state/editor.ts';
import { addAt, land } from '../commands/adding.ts';
import { dropFiles } from '../commands/files.ts';
import { addStepAt } from '../commands/steps.ts';
import { cloneMoved } from '../commands/copying.ts';
import { addressOf, anyAddressOf } from '../model/address.ts';
import { isCard, type CardNode, type FlowEdge, type FlowNode } from '../model/flow.ts';
import { wiresOf } from '../model/ports.ts';
import type { Board } from '../state/board.ts';
import { useCanvas, type CanvasStore, type ScreenPoint } from '../state/canvasState.ts';
import { createDropping, voidAt, type Held } from '../state/dropping.ts';
import { anyEndOf, createWiring } from '../state/wiring.ts';

/** The kind of data of a module that is dragged; browsers write it in small letters and show nothing else while it is held. */
export const MODULE_DATA = 'text/x-espalier-module-';

const pointOf = (e: MouseEvent | TouchEvent | ReactMouseEvent): ScreenPoint =>
  'clientX' in e
    ? { x: e.clientX, y: e.clientY }
    : { x: e.changedTouches[0]?.clientX ?? 0, y: e.changedTouches[0]?.clientY ?? 0 };

/** The node that would be spliced in or docked when it is let go: one card that has no wires. */
function heldNode(editor: Editor, moved: readonly FlowNode[]): Held | undefined {
  const [only] = moved;
  const { document } = editor.store.getState();
  if (moved.length !== 1 || !only || !isCard(only) || only.type === 'stack' || !document) return undefined;
  const { graph, node } = only.data.scene;
  const at = addressOf(graph);
  const inside = at && graphAt(document, at);
  if (!inside) return undefined;
  const wires = wiresOf(inside);
  const free =
    wires.from(node).length === 0 &&
    wires.into(node).every((e) => only.data.scene.face.chips.some((c) => c.id === e.from.node));
  return free ? { node: { graph, id: node } } : undefined;
}

export function useGestures(board: Board, flow: ReactFlowInstance, root: RefObject<HTMLDivElement | null>) {
  const editor = useEditor();
  const canvas: CanvasStore = useCanvas();
  const hint = useRef<HTMLDivElement>(null);
  return useMemo(() => {
    const wiring = createWiring(editor, canvas, board, () => root.current);
    const dropping = createDropping(editor, canvas, board, flow);
    let held: Held | undefined;
    let clones = false;
    let start: { readonly node: string; readonly handle: string; readonly type: HandleType } | undefined;
    /** Set when a reconnected wire found its port; else its end was dropped in the void. */
    let reconnecting = false;

    const showHint = (text: string | undefined, at: ScreenPoint): void => {
      const e = hint.current;
      const box = root.current?.getBoundingClientRect();
      if (!e || !box) return;
      e.hidden = text === undefined;
      if (text !== undefined && e.textContent !== text) e.textContent = text;
      e.style.transform = `translate(${at.x - box.left + 16}px, ${at.y - box.top + 20}px)`;
    };
    const follow = (e: PointerEvent): void => {
      const over = document.elementFromPoint(e.clientX, e.clientY)?.closest('.react-flow__handle');
      showHint(over?.getAttribute('data-why') ?? undefined, { x: e.clientX, y: e.clientY });
    };
    const stop = (): void => {
      removeEventListener('pointermove', follow, true);
      showHint(undefined, { x: 0, y: 0 });
      wiring.end();
      start = undefined;
    };
    const sides = (c: Connection | RFEdge) => ({
      from: { node: c.source, handle: c.sourceHandle ?? '' },
      to: { node: c.target, handle: c.targetHandle ?? '' },
    });

    const onConnectEnd: OnConnectEnd = (event, state) => {
      const held = start;
      stop();
      if (!held || state.isValid === true || reconnecting) return;
      const screen = pointOf(event);
      if (state.toHandle) {
        const other = { node: state.toHandle.nodeId, handle: state.toHandle.id ?? '' };
        const mine = { node: held.node, handle: held.handle };
        if (state.toHandle.type === held.type)
          return editor.toast('warning', 'A wire goes from an output to an input.');
        const why = held.type === 'source' ? wiring.why(mine, other) : wiring.why(other, mine);
        if (why !== undefined) editor.toast('warning', why);
        return;
      }
      const end = anyEndOf(board, held.node, held.handle, held.type);
      const place = voidAt(board, flow, screen);
      if (!end || !place) return;
      if (anyAddressOf(place.graph)?.path.join('/') !== end.at.path.join('/')) {
        return editor.toast(
          'warning',
          'A wire cannot pass through the wall of a stack. Use one of the ports on its rails.',
        );
      }
      canvas.setState({
        quickAdd: {
          mode: 'add',
          screen,
          graph: place.graph,
          at: place.at,
          from: { node: end.node, port: end.port, side: held.type === 'source' ? 'out' : 'in' },
        },
      });
    };

    return {
      hint,
      onConnectStart: (
        _: unknown,
        p: { nodeId: string | null; handleId: string | null; handleType: HandleType | null },
      ) => {
        if (p.nodeId === null || p.handleId === null || p.handleType === null) return;
        start = { node: p.nodeId, handle: p.handleId, type: p.handleType };
        if (!reconnecting) wiring.begin(p.nodeId, p.handleId, p.handleType);
        addEventListener('pointermove', follow, true);
      },
      onConnectEnd,
      isValidConnection: (c: Connection | RFEdge) => {
        const { from, to } = sides(c);
        return wiring.why(from, to) === undefined;
      },
      onConnect: (c: Connection) => {
        if (reconnecting) return;
        const { from, to } = sides(c);
        wiring.make(from, to);
      },
      onReconnectStart: (_: unknown, edge: FlowEdge, fixed: HandleType) => {
        reconnecting = true;
        const end = fixed === 'source' ? [edge.source, edge.sourceHandle] : [edge.target, edge.targetHandle];
        wiring.begin(end[0] ?? '', end[1] ?? '', fixed, edge.id);
      },
      onReconnect: (_: FlowEdge, c: Connection) => {
        const { from, to } = sides(c);
        wiring.make(from, to);
      },
      onReconnectEnd: () => {
        reconnecting = false;
        stop();
      },

      onNodeDragStart: (e: ReactMouseEvent, _: FlowNode, moved: FlowNode[]) => {
        canvas.setState({ dragging: true });
        clones = e.altKey;
        held = clones ? undefined : heldNode(editor, moved);
      },
      onNodeDrag: (e: ReactMouseEvent) => {
        if (held) dropping.over(held, pointOf(e), e.altKey);
      },
      onNodeDragStop: (e: ReactMouseEvent, _: FlowNode, moved: FlowNode[]) => {
        canvas.setState({ dragging: false, guides: [] });
        const landing = held && !e.altKey ? dropping.landing(pointOf(e)) : undefined;
        const node = held?.node;
        held = undefined;
        dropping.end();
        const ids = moved.map((n) => n.id);
        if (clones)
          return cloneMoved(
            editor,
            board,
            moved.filter((n): n is CardNode => isCard(n)),
          );
        if (landing && node && landing.kind !== 'void' && landing.graph === node.graph) {
          const at = addressOf(node.graph);
          if (at) editor.edit('Put in place', (d) => land(editor, landing)(d, at, node.id));
          return;
        }
        board.commitMove(ids, ids.length === 1 ? 'Move' : `Move ${ids.length} nodes`);
      },

      onDragOver: (e: DragEvent) => {
        const type = e.dataTransfer.types.find((t) => t.startsWith(MODULE_DATA));
        const hasFiles = e.dataTransfer.types.includes('Files');
        if (type === undefined && !hasFiles) return;
        e.preventDefault();
        e.dataTransfer.dropEffect = 'copy';
        const info = type === undefined ? undefined : typeNamed(editor, type.slice(MODULE_DATA.length));
        if (info !== undefined && board.level === 'model') dropping.over({ type: info }, pointOf(e), e.altKey);
      },
      onDragLeave: (e: DragEvent) => {
        if (e.relatedTarget === null) dropping.end();
      },
      onDrop: (e: DragEvent) => {
        e.preventDefault();
        const data = e.dataTransfer.types.find((t) => t.startsWith(MODULE_DATA));
        const type = data === undefined ? undefined : typeNamed(editor, data.slice(MODULE_DATA.length));
        // The last move may not have been told of: what is under the pointer now counts.
        if (type !== undefined && board.level === 'model') dropping.over({ type }, pointOf(e), e.altKey);
        const landing = type === undefined ? undefined : dropping.landing(pointOf(e));
        dropping.end();
        if (type !== undefined && landing?.kind === 'void' && board.level === 'workflow')
          addStepAt(editor, type, landing);
        else if (type !== undefined && landing) {
          const middle =
            landing.kind === 'void' ? { ...landing, at: { x: landing.at.x - 100, y: landing.at.y - 28 } } : landing;
          addAt(editor, type, middle);
          root.current?.focus();
        } else if (e.dataTransfer.files.length > 0) void dropFiles(editor, e.dataTransfer);
      },

      /** Ctrl-drag over the void cuts the wires that it crosses. */
      onPointerDownCapture: (e: React.PointerEvent) => {
        const target = e.target as Element;
        if (!(e.ctrlKey || e.metaKey) || e.button !== 0 || !target.closest('.react-flow__pane, .react-flow__edge'))
          return;
        e.stopPropagation();
        e.preventDefault();
        cut(editor, board, root.current, { x: e.clientX, y: e.clientY });
      },
      onMouseDownCapture: (e: ReactMouseEvent) => {
        const target = e.target as Element;
        if ((e.ctrlKey || e.metaKey) && e.button === 0 && target.closest('.react-flow__pane, .react-flow__edge'))
          e.stopPropagation();
      },
    };
  }, [editor, canvas, board, flow, root]);
}

const typeNamed = (editor: Editor, small: string): string | undefined =>
  [...(editor.store.getState().catalog?.nodes ?? []), ...(editor.store.getState().catalog?.steps ?? [])].find(
    (n) => n.type.toLowerCase() === small,
  )?.type;

/** Draws the knife and removes the wires under it when it is let go. */
function cut(editor: Editor, board: Board, root: HTMLElement | null, from: ScreenPoint): void {
  if (!root) return;
  const box = root.getBoundingClientRect();
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const line = document.createElementNS('http://www.w3.org/2000/svg', 'line');
  svg.setAttribute('data-knife', '');
  svg.append(line);
  root.append(svg);
  const crossed = new Set<string>();
  let last = from;
  const move = (e: PointerEvent): void => {
    line.setAttribute('x1', `${from.x - box.left}`);
    line.setAttribute('y1', `${from.y - box.top}`);
    line.setAttribute('x2', `${e.clientX - box.left}`);
    line.setAttribute('y2', `${e.clientY - box.top}`);
    const steps = Math.max(1, Math.ceil(Math.hypot(e.clientX - last.x, e.clientY - last.y) / 4));
    for (let i = 1; i <= steps; i++) {
      const x = last.x + ((e.clientX - last.x) * i) / steps;
      const y = last.y + ((e.clientY - last.y) * i) / steps;
      for (const element of document.elementsFromPoint(x, y)) {
        const edge = element.closest<HTMLElement>('.react-flow__edge');
        const id = edge?.dataset['id'];
        if (id === undefined || !edge) continue;
        crossed.add(id);
        edge.classList.add('selected');
      }
    }
    last = { x: e.clientX, y: e.clientY };
  };
  const up = (): void => {
    removeEventListener('pointermove', move);
    removeEventListener('pointerup', up);
    svg.remove();
    const { scene } = board.store.getState();
    const wires = scene.edges.filter((e) => crossed.has(e.id));
    if (wires.length === 0) return;
    editor.edit(wires.length === 1 ? 'Cut wire' : `Cut ${wires.length} wires`, (d) => {
      let next = d;
      for (const graph of new Set(wires.map((w) => w.graph))) {
        const at = anyAddressOf(graph);
        const inside = at && graphAt(next, at);
        if (!at || !inside) continue;
        const gone = new Set(wires.filter((w) => w.graph === graph).map((w) => w.edge));
        next = replaceGraph(next, at, {
          ...inside,
          edges: inside.edges.filter((e) => !gone.has(`${e.from.node}.${e.from.port}->${e.to.node}.${e.to.port}`)),
        });
      }
      return next;
    });
  };
  addEventListener('pointermove', move);
  addEventListener('pointerup', up);
}
