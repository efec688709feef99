/**
 * Live figures on chips and cards while a run trains exactly this graph: bars as wide as the update of the module is
 * large beside the others. Written to elements directly, at most four times a second.
 */
import { useEffect, type RefObject } from 'react';
import type { StepPoint } from '../../../engine/protocol/api/runs.ts';
import type { RunId } from '../../../engine/protocol/api/fields.ts';
import { useEditor } from '../../state/editor.ts';
import { heatOf } from '../model/heat.ts';
import { liveRun } from '../../runs/live.ts';

const MILLISECONDS = 250;

export function useHeat(root: RefObject<HTMLElement | null>): void {
  const editor = useEditor();
  useEffect(() => {
    let latest: StepPoint | undefined;
    let run: RunId | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const paint = (): void => {
      timer = undefined;
      const shown = run !== undefined && liveRun(editor.store.getState())?.run === run;
      const heat = shown && latest ? heatOf(latest.taps) : new Map<string, number>();
      for (const e of root.current?.querySelectorAll<HTMLElement>('[data-heat]') ?? []) {
        const value = heat.get(e.dataset['heat'] ?? '') ?? 0;
        e.style.transform = `scaleX(${value.toFixed(3)})`;
      }
    };
    const later = (): void => {
      timer ??= setTimeout(paint, MILLISECONDS);
    };
    const offEvents = editor.client.onEvent((event) => {
      if (event.event !== 'points') return;
      const step = event.points.findLast((p) => p.kind === 'step');
      if (step?.kind !== 'step') return;
      latest = step;
      run = event.run;
      later();
    });
    const offState = editor.store.subscribe((now, before) => {
      if (now.runs !== before.runs || now.document !== before.document) later();
    });
    return () => {
      offEvents();
      offState();
      if (timer !== undefined) clearTimeout(timer);
    };
  }, [editor, root]);
}
