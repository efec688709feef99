/**
 * Keeps the whole graph in sight: when it has been laid out, when a fit is asked for, and when the room changes, until the
 * person moves the view. The room is known only after React Flow has measured its pane; a fit before that would be a guess.
 */
import { useStore as useFlowStore, type OnMove, type ReactFlowInstance } from '@xyflow/react';
import { useCallback, useEffect, useRef } from 'react';

interface FitOptions {
  readonly flow: Pick<ReactFlowInstance, 'fitView' | 'getZoom'>;
  readonly ready: boolean;
  /** Counts what asks for a fit. */
  readonly fits: number;
  /** Told the zoom of each fit. */
  readonly onFit: (zoom: number) => void;
}

/** Gives what React Flow is to call when the person begins to move the view. */
export function useFit({ flow, ready, fits, onFit }: FitOptions): OnMove {
  const width = useFlowStore((s) => (s.domNode === null ? 0 : s.width));
  const height = useFlowStore((s) => (s.domNode === null ? 0 : s.height));
  const moved = useRef(false);
  const last = useRef<number>(undefined);
  useEffect(() => {
    if (last.current !== fits) moved.current = false;
    if (!ready || width === 0 || height === 0 || moved.current) return;
    last.current = fits;
    void flow.fitView({ padding: 0.06, maxZoom: 1 }).then(() => onFit(flow.getZoom()));
  }, [ready, fits, flow, onFit, width, height]);
  return useCallback((event) => {
    // Moves of the program come without an event.
    if (event !== null) moved.current = true;
  }, []);
}
