/** Whether the window is too narrow for the inspector beside the canvas. */
import { useSyncExternalStore } from 'react';
import { useEditorState } from '../../state/editor.ts';

const NARROW = 1100;

export function useNarrow(): boolean {
  const zoom = useEditorState((s) => s.settings?.zoom ?? 1);
  return useSyncExternalStore(
    (tell) => {
      addEventListener('resize', tell);
      return () => removeEventListener('resize', tell);
    },
    () => innerWidth / zoom < NARROW,
  );
}
