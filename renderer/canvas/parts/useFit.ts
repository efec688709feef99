/**
 * Shows the whole graph: when it opens, when it was laid out anew, and while panels around the canvas find their size,
 * until the person moves the view. Nodes are mounted only after the first fit, so that none is drawn twice, and in
 * portions, so that a large graph shows and answers before its last card is there.
 */
import { getNodesBounds, getViewportForBounds, type ReactFlowInstance } from '@xyflow/react';
import { useEffect, useState, type RefObject } from 'react';
import type { FlowNode } from '../model/flow.ts';
import type { Board } from '../state/board.ts';

export const MIN_ZOOM = 0.04;
export const FIT = { padding: 0.06, maxZoom: 1 } as const;
/** So many cards are mounted within a frame. */
const PORTION = 240;
/** A narrower canvas is folded away, and says nothing of the room. */
const NARROWEST = 64;

interface FitOptions {
  readonly board: Board;
  readonly flow: Pick<ReactFlowInstance, 'setViewport'>;
  readonly root: RefObject<HTMLElement | null>;
  readonly ready: boolean;
  /** Counts what asks for a fit. */
  readonly fits: number;
  /** Told the zoom before the view takes it, so that cards are mounted with the detail they will have. */
  readonly onZoom: (zoom: number) => void;
}

/** Gives how many nodes may be mounted. */
export function useFit({ board, flow, root, ready, fits, onZoom }: FitOptions): number {
  const [admitted, setAdmitted] = useState(0);
  useEffect(() => {
    const element = root.current;
    if (!ready || !element) return undefined;
    delete element.dataset['view'];
    let frame = 0;
    const fit = (): void => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => {
        const { clientWidth, clientHeight } = element;
        if (element.dataset['view'] === undefined && clientWidth >= NARROWEST) {
          const all = outerOf(board.store.getState().nodes) as FlowNode[];
          const { padding, maxZoom } = FIT;
          const bounds = getNodesBounds(all.filter((n) => n.hidden !== true));
          const view = getViewportForBounds(bounds, clientWidth, clientHeight, MIN_ZOOM, maxZoom, padding);
          onZoom(view.zoom);
          void flow.setViewport(view);
        }
        setAdmitted((n) => Math.max(n, PORTION));
      });
    };
    const observer = new ResizeObserver(fit);
    observer.observe(element);
    fit();
    return () => {
      observer.disconnect();
      cancelAnimationFrame(frame);
    };
  }, [board, ready, fits, flow, root, onZoom]);
  useEffect(() => {
    if (admitted === 0 || admitted === Infinity) return undefined;
    const frame = requestAnimationFrame(() => {
      const all = board.store.getState().nodes.length;
      setAdmitted((n) => (n >= all ? Infinity : n + PORTION));
    });
    return () => cancelAnimationFrame(frame);
  }, [admitted, board]);
  return admitted;
}

/** What stands on the canvas itself: from afar the bodies of stacks are not drawn. */
export function outerOf(nodes: readonly FlowNode[]): readonly FlowNode[] {
  const outer = nodes.filter((n) => n.parentId === undefined);
  return outer.length === nodes.length ? nodes : outer;
}
