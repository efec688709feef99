/** How much room there is, in pixels of the interface's own size: a larger interface has less of it. */
import { useEffect, useSyncExternalStore } from 'react';
import { useZoom } from '../theme.ts';

/** Below this the inspector lies over the canvas. */
const NARROW = 1100;
/** Marks of the page for style sheets; media queries know nothing of the size of the interface. */
const MARKS = { compact: 1180, small: 900, tiny: 720 } as const;

function useWidth(): number {
  const zoom = useZoom();
  return useSyncExternalStore(
    (tell) => {
      addEventListener('resize', tell);
      return () => removeEventListener('resize', tell);
    },
    () => innerWidth / zoom,
  );
}

export const useNarrow = (): boolean => useWidth() < NARROW;

export function useWidthMarks(): void {
  const width = useWidth();
  useEffect(() => {
    for (const [mark, least] of Object.entries(MARKS))
      document.documentElement.toggleAttribute(`data-${mark}`, width < least);
  }, [width]);
}
