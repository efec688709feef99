/** Keys that belong to the canvas itself: walking, selecting, moving. Letters and the rest are commands of the page. */
import type { KeyboardEvent, RefObject } from 'react';
import type { Point } from '../../../engine/protocol/view.ts';
import type { Editor } from '../../state/editor.ts';
import type { CanvasHandle } from '../handle.ts';
import { isCard } from '../model/flow.ts';
import { walkFrom, type Step } from '../model/walk.ts';
import type { Board } from '../state/board.ts';
import type { CanvasStore } from '../state/canvasState.ts';
import { isTyping } from '../state/hands.ts';

const STEPS: ReadonlyMap<string, Step> = new Map([
  ['ArrowLeft', 'left'],
  ['ArrowRight', 'right'],
  ['ArrowUp', 'up'],
  ['ArrowDown', 'down'],
]);

export function canvasKeys(
  editor: Editor,
  canvas: CanvasStore,
  board: Board,
  handle: CanvasHandle,
  root: RefObject<HTMLDivElement | null>,
): (e: KeyboardEvent<HTMLElement>) => void {
  const focus = (id: string): void => {
    requestAnimationFrame(() => {
      const selector = `.react-flow__node[data-id="${CSS.escape(id)}"]`;
      root.current?.querySelector<HTMLElement>(selector)?.focus({ preventScroll: true });
    });
  };
  const places = (): ((id: string) => Point | undefined) => {
    const nodes = new Map(board.store.getState().nodes.map((n) => [n.id, n]));
    const absolute = (id: string): Point | undefined => {
      const n = nodes.get(id);
      if (!n) return undefined;
      const parent = n.parentId === undefined ? undefined : absolute(n.parentId);
      return { x: n.position.x + (parent?.x ?? 0), y: n.position.y + (parent?.y ?? 0) };
    };
    return absolute;
  };
  const selectedIds = (): readonly string[] =>
    board.store
      .getState()
      .nodes.filter((n) => n.selected === true)
      .map((n) => n.id);

  const walk = (step: Step): boolean => {
    const { scene, nodes } = board.store.getState();
    const focused = document.activeElement?.closest<HTMLElement>('.react-flow__node')?.dataset['id'];
    const from = focused ?? selectedIds()[0];
    const to = from === undefined ? nodes.find(isCard)?.id : walkFrom(scene, from, step, places());
    const target = to === undefined ? undefined : scene.byId.get(to);
    if (!target) return false;
    editor.select({ graph: target.graph, nodes: [target.node], edges: [] });
    handle.focusNode(target.graph, target.node);
    focus(target.id);
    return true;
  };

  const shift = (step: Step, by: number): boolean => {
    const ids = selectedIds();
    if (ids.length === 0) return false;
    const dx = step === 'left' ? -by : step === 'right' ? by : 0;
    const dy = step === 'up' ? -by : step === 'down' ? by : 0;
    const nodes = new Map(board.store.getState().nodes.map((n) => [n.id, n]));
    board.onNodesChange(
      ids.map((id) => {
        const n = nodes.get(id);
        return { type: 'position', id, position: { x: (n?.position.x ?? 0) + dx, y: (n?.position.y ?? 0) + dy } };
      }),
    );
    board.commitMove(ids, 'Move by keys', `keys:${ids.join(',')}`);
    return true;
  };

  const space = (e: KeyboardEvent): boolean => {
    const edge = (e.target as Element).closest<HTMLElement>('.react-flow__edge')?.dataset['id'];
    if (edge !== undefined) {
      board.onEdgesChange([{ type: 'select', id: edge, selected: true }]);
      return true;
    }
    const id = (e.target as Element).closest<HTMLElement>('.react-flow__node')?.dataset['id'];
    const n = board.store.getState().nodes.find((x) => x.id === id);
    if (!n || id === undefined) return false;
    const only = !e.shiftKey && !e.ctrlKey;
    const others = only ? selectedIds().filter((x) => x !== id) : [];
    board.onNodesChange([
      ...others.map((x) => ({ type: 'select' as const, id: x, selected: false })),
      { type: 'select', id, selected: n.selected !== true || (only && others.length > 0) },
    ]);
    return true;
  };

  return (e) => {
    const target = e.target as Element;
    if (
      e.defaultPrevented ||
      isTyping(e.target) ||
      target.closest('button, [role="radio"], [role="menu"], [role="dialog"]')
    )
      return;
    const step = STEPS.get(e.key);
    let done = false;
    if (step && !e.altKey) done = e.shiftKey ? shift(step, 8) : e.ctrlKey || e.metaKey ? shift(step, 64) : walk(step);
    else if (e.key === ' ') done = space(e);
    else if (e.key === 'Enter') {
      if (target.closest('.react-flow__node, .react-flow__edge')) done = space(e);
      if (done || selectedIds().length > 0) {
        editor.set({ inspector: true });
        done = true;
      }
    } else if (e.key === 'Escape') {
      const { menu, quickAdd, find, probe } = canvas.getState();
      if (menu || quickAdd || probe || find)
        canvas.setState({ menu: undefined, quickAdd: undefined, probe: undefined, find: false, found: [] });
      else editor.select({ ...editor.store.getState().selection, nodes: [], edges: [] });
      done = true;
    } else if ((e.key === 'F10' && e.shiftKey) || e.key === 'ContextMenu') {
      const box = (document.activeElement ?? root.current)?.getBoundingClientRect();
      const id = target.closest<HTMLElement>('.react-flow__node')?.dataset['id'];
      if (box && id !== undefined) {
        canvas.setState({ menu: { screen: { x: box.left + 24, y: box.top + 24 }, on: { kind: 'node', id } } });
        done = true;
      }
    }
    if (done) {
      e.preventDefault();
      e.stopPropagation();
    }
  };
}
