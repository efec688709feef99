/** Dragging a chip within its rack, out of it onto another card, and moving it by Alt with the arrow keys. */
import { useCallback, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import type { NodeId } from '../../../engine/protocol/ids.ts';
import { useEditor } from '../../state/editor.ts';
import { moveChip, orderChips } from '../commands/chips.ts';
import type { SceneNode } from '../model/sceneTypes.ts';

interface Held {
  readonly id: NodeId;
  /** The chip before which it would land; the end of the rack when missing. */
  readonly before: NodeId | undefined;
}

export function useChipDrag(scene: SceneNode) {
  const editor = useEditor();
  const [held, setHeld] = useState<Held | undefined>(undefined);
  const start = useRef({ x: 0, y: 0, moved: false });

  const down = useCallback(
    (e: PointerEvent<HTMLElement>, id: NodeId): void => {
      if (e.button !== 0) return;
      const row = e.currentTarget;
      const rack = row.parentElement;
      const state = editor.store.getState();
      const { selection } = state;
      const same = selection.graph === scene.graph;
      const nodes = e.shiftKey && same ? toggled(selection.nodes, id) : [id];
      editor.select({ graph: scene.graph, nodes, edges: [] });
      start.current = { x: e.clientX, y: e.clientY, moved: false };
      row.setPointerCapture(e.pointerId);
      const rows = (): HTMLElement[] => [...(rack?.querySelectorAll<HTMLElement>('[data-chip]') ?? [])];
      const beforeAt = (y: number): NodeId | undefined =>
        rows().find((r) => {
          const box = r.getBoundingClientRect();
          return y < box.top + box.height / 2;
        })?.dataset['chip'] as NodeId | undefined;
      const move = (event: globalThis.PointerEvent): void => {
        if (!start.current.moved && Math.hypot(event.clientX - start.current.x, event.clientY - start.current.y) < 4)
          return;
        start.current.moved = true;
        setHeld({ id, before: beforeAt(event.clientY) });
      };
      const up = (event: globalThis.PointerEvent): void => {
        row.removeEventListener('pointermove', move);
        row.removeEventListener('pointerup', up);
        row.removeEventListener('pointercancel', up);
        setHeld(undefined);
        if (!start.current.moved || event.type === 'pointercancel') return;
        const under = document
          .elementsFromPoint(event.clientX, event.clientY)
          .map((x) => x.closest<HTMLElement>('[data-card]')?.dataset['card'])
          .find((x) => x !== undefined);
        if (under !== undefined && under !== scene.id) return moveChip(editor, scene, id, under);
        const order = scene.face.chips.map((c) => c.id).filter((c) => c !== id);
        const before = beforeAt(event.clientY);
        const at = before === undefined || before === id ? -1 : order.indexOf(before);
        if (before === id) return;
        orderChips(editor, scene, at < 0 ? [...order, id] : [...order.slice(0, at), id, ...order.slice(at)]);
      };
      row.addEventListener('pointermove', move);
      row.addEventListener('pointerup', up);
      row.addEventListener('pointercancel', up);
    },
    [editor, scene],
  );

  const key = useCallback(
    (e: KeyboardEvent<HTMLElement>, id: NodeId): void => {
      const order = scene.face.chips.map((c) => c.id);
      const at = order.indexOf(id);
      if (e.altKey && (e.key === 'ArrowUp' || e.key === 'ArrowDown')) {
        const to = at + (e.key === 'ArrowUp' ? -1 : 1);
        const other = order[to];
        if (other === undefined) return;
        e.preventDefault();
        e.stopPropagation();
        const swapped = order.map((c, i) => (i === at ? other : i === to ? id : c));
        orderChips(editor, scene, swapped);
        return;
      }
      if (e.key === ' ' || e.key === 'Enter') {
        e.preventDefault();
        e.stopPropagation();
        editor.select({ graph: scene.graph, nodes: [id], edges: [] });
        if (e.key === 'Enter') editor.set({ inspector: true });
      }
    },
    [editor, scene],
  );
  return { held, down, key };
}

const toggled = (nodes: readonly NodeId[], id: NodeId): readonly NodeId[] =>
  nodes.includes(id) ? nodes.filter((n) => n !== id) : [...nodes, id];
