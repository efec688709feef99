/** The canvas of a model as commands see it. */
import type { ReactFlowInstance } from '@xyflow/react';
import type { RefObject } from 'react';
import type { NodeId } from '../../../engine/protocol/ids.ts';
import type { Editor } from '../../state/editor.ts';
import type { Box, CanvasHandle } from '../handle.ts';
import { addAt, attachToSelection } from '../commands/adding.ts';
import { addStepAt } from '../commands/steps.ts';
import { isCard } from '../model/flow.ts';
import type { Board } from './board.ts';
import type { CanvasStore } from './canvasState.ts';
import { chosenOf } from './hands.ts';
import { voidAt } from './dropping.ts';

const MOTION = { duration: 200 };

export function makeHandle(
  editor: Editor,
  canvas: CanvasStore,
  board: Board,
  flow: ReactFlowInstance,
  root: RefObject<HTMLDivElement | null>,
): CanvasHandle {
  /** Also says that the view was chosen: it is not fitted again when the canvas gets another size. */
  const still = (): { duration: number } => {
    if (root.current) root.current.dataset['view'] = 'chosen';
    return matchMedia('(prefers-reduced-motion: reduce)').matches ? { duration: 0 } : MOTION;
  };
  const middle = (): { x: number; y: number } => {
    const box = root.current?.getBoundingClientRect();
    return box ? { x: box.left + box.width / 2, y: box.top + box.height / 2 } : { x: 0, y: 0 };
  };
  /** Where things are added without a pointer: beside the selection, else in the middle of what is shown. */
  const here = (): { graph: string; at: { x: number; y: number }; screen: { x: number; y: number } } | undefined => {
    const chosen = chosenOf(editor.store.getState());
    const [first] = chosen?.nodes ?? [];
    const place = first === undefined || !chosen ? undefined : board.placesOf(chosen.text)[first];
    const box = root.current?.getBoundingClientRect();
    const center = middle();
    const screen = { x: center.x - 180, y: (box?.top ?? 0) + (box?.height ?? 0) * 0.2 };
    if (place && chosen) return { graph: chosen.text, at: { x: place.x, y: place.y + 120 }, screen };
    const found = voidAt(board, flow, center);
    return found && { graph: found.graph, at: found.at, screen };
  };
  const handle: CanvasHandle = {
    level: board.level,
    get: () => canvas.getState(),
    set: (change) => canvas.setState(change),
    zoomBy: (factor) => void flow.zoomTo(flow.getZoom() * factor, still()),
    zoomTo: (zoom) => void flow.zoomTo(zoom, still()),
    fit: (ids) =>
      void flow.fitView({
        padding: 0.08,
        maxZoom: 1,
        ...still(),
        ...(ids ? { nodes: ids.map((id) => ({ id })) } : {}),
      }),
    tidy: () => board.tidy(),
    cancelLayout: () => board.cancelLayout(),
    quickAdd: (mode) => {
      const place = here();
      if (place) canvas.setState({ quickAdd: { mode, ...place } });
    },
    add: (type) => {
      if (board.level === 'workflow') {
        const place = here();
        if (place) addStepAt(editor, type, place);
        return;
      }
      const chosen = chosenOf(editor.store.getState());
      if (chosen && chosen.nodes.length > 0 && attachable(editor, type)) {
        attachToSelection(editor, type);
        return;
      }
      const place = here();
      if (place) addAt(editor, type, { kind: 'void', graph: place.graph, at: place.at });
    },
    focusNode: (graph, node) => {
      const found = board.store.getState().nodes.find((n) => {
        if (!isCard(n) || n.data.scene.graph !== graph) return false;
        return n.data.scene.node === node || n.data.scene.face.chips.some((c) => c.id === node);
      });
      const internal = found && flow.getInternalNode(found.id);
      const box = root.current?.getBoundingClientRect();
      if (!found || !internal || !box) return;
      const { x, y } = internal.internals.positionAbsolute;
      const at = flow.flowToScreenPosition({ x: x + (found.width ?? 0) / 2, y: y + (found.height ?? 0) / 2 });
      const inside = at.x > box.left + 80 && at.x < box.right - 80 && at.y > box.top + 60 && at.y < box.bottom - 60;
      if (!inside) {
        void flow.setCenter(x + (found.width ?? 0) / 2, y + (found.height ?? 0) / 2, {
          zoom: Math.max(0.5, flow.getZoom()),
          ...still(),
        });
      }
    },
    boxes: (graph, nodes) => {
      const wanted = new Set(nodes);
      return new Map(
        board.store.getState().nodes.flatMap((n): [NodeId, Box][] => {
          if (!isCard(n) || n.data.scene.graph !== graph || !wanted.has(n.data.scene.node)) return [];
          return [[n.data.scene.node, { ...n.position, width: n.width ?? 0, height: n.height ?? 0 }]];
        }),
      );
    },
    positions: (graph) => board.placesOf(graph),
  };
  return handle;
}

const attachable = (editor: Editor, type: string): boolean =>
  editor.store.getState().catalog?.nodes.find((n) => n.type === type)?.peft !== undefined;
