/**
 * Live figures on chips while a run trains exactly this graph: a bar as long as the update of the module is large beside
 * the others, and both norms in its tooltip. Written to elements directly, at most four times a second.
 */
import { useEffect, type RefObject } from 'react';
import type { RunId } from '../../../engine/protocol/api/fields.ts';
import { latestNorms } from '../../runs/curve.ts';
import { liveRun } from '../../runs/live.ts';
import { isActive } from '../../runs/words.ts';
import { useEditor, type EditorState } from '../../state/editor.ts';
import { formatFigure } from '../../ui/index.ts';
import { normsByNode } from '../model/heat.ts';

const MILLISECONDS = 250;
/** What decides which run's figures belong on the graph that is shown. */
const CAUSES = ['runs', 'run', 'document', 'runDocuments', 'viewing'] as const;

export function useHeat(root: RefObject<HTMLElement | null>): void {
  const editor = useEditor();
  useEffect(() => {
    let run: RunId | undefined;
    let stop = (): void => undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const paint = (): void => {
      timer = undefined;
      paintHeat(root.current, run === undefined ? new Map() : latestNorms(editor.runData.curve(run)));
    };
    const later = (): void => {
      timer ??= setTimeout(paint, MILLISECONDS);
    };
    const follow = (s: EditorState): void => {
      const live = liveRun(s);
      const next = live !== undefined && isActive(live.state) ? live.run : undefined;
      if (next === run) return;
      stop();
      run = next;
      stop = next === undefined ? () => undefined : editor.runData.listen(next, later);
    };
    const offState = editor.store.subscribe((now, before) => {
      if (CAUSES.every((cause) => now[cause] === before[cause])) return;
      follow(now);
      later();
    });
    follow(editor.store.getState());
    later();
    return () => {
      offState();
      stop();
      if (timer !== undefined) clearTimeout(timer);
    };
  }, [editor, root]);
}

/** Without norms the bars go, and tooltips say what chips are again. */
function paintHeat(root: HTMLElement | null, norms: ReadonlyMap<string, number>): void {
  const updates = normsByNode(norms, 'update/');
  const gradients = normsByNode(norms, 'gradient/');
  const bars = [...(root?.querySelectorAll<HTMLElement>('[data-heat]') ?? [])];
  const idOf = (bar: HTMLElement): string => bar.dataset['heat'] ?? '';
  const largest = Math.max(0, ...bars.map((bar) => updates.get(idOf(bar)) ?? 0));
  for (const bar of bars) {
    const update = updates.get(idOf(bar));
    bar.style.transform = `scaleX(${largest === 0 ? 0 : ((update ?? 0) / largest).toFixed(3)})`;
    const chip = bar.parentElement;
    // The tooltip of a chip with a problem says the problem.
    if (chip === null || chip.dataset['problem'] !== undefined) continue;
    const words = chip.getAttribute('aria-label') ?? '';
    chip.title =
      update === undefined
        ? words
        : `${words}\nUpdate norm ${formatFigure(update)}, gradient norm ${formatFigure(gradients.get(idOf(bar)) ?? 0)}`;
  }
}
