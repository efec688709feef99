/**
 * What happens around a run without anybody asking: the tab's title shows how far it is, the drawer opens its charts once,
 * and the end is told by a notice, and by the system's once the person allowed it.
 */
import { useEffect } from 'react';
import type { RunSummary } from '../../engine/protocol/api/runs.ts';
import { useEditor, type Editor, type EditorState } from '../state/editor.ts';
import { activeRun } from './live.ts';
import { causeOf, doneShare, isActive, resultWords, runTitle } from './words.ts';

const PREFIX = /^\d+ % · /;

/** `43 % · sst2 - Espalier`. */
export const withProgress = (title: string, percent: number | undefined): string => {
  const plain = title.replace(PREFIX, '');
  return percent === undefined ? plain : `${percent} % · ${plain}`;
};

/** What to tell of a run that was at work and is not any more. */
export function endWords(run: RunSummary): { readonly level: 'info' | 'error'; readonly text: string } | undefined {
  switch (run.state) {
    case 'done':
      return { level: 'info', text: `${runTitle(run)} finished: ${resultWords(run)}.` };
    case 'failed':
      return { level: 'error', text: `${runTitle(run)} failed at step ${run.step}: ${causeOf(run)}` };
    case 'lost':
      return { level: 'error', text: `${runTitle(run)} stopped at step ${run.step}: ${causeOf(run)}` };
    case 'queued':
    case 'preparing':
    case 'training':
    case 'paused':
    case 'stopped':
      return undefined;
  }
}

export function useRunWatch(): void {
  const editor = useEditor();
  useEffect(() => watch(editor), [editor]);
}

function watch(editor: Editor): () => void {
  let opened = false;
  const onChange = (s: EditorState, before: EditorState): void => {
    if (s.runs === before.runs && s.project === before.project) return;
    const active = activeRun(s);
    const percent = active ? Math.floor(doneShare(active) * 100) : undefined;
    const title = withProgress(document.title, percent);
    if (title !== document.title) document.title = title;
    if (!opened && active?.state === 'training') {
      opened = true;
      if (s.drawer === undefined) editor.set({ drawer: 'charts' });
    }
    if (s.project !== before.project) return;
    for (const run of s.runs) {
      const earlier = before.runs.find((r) => r.run === run.run);
      if (!earlier || earlier.state === run.state) continue;
      if (run.state === 'done') editor.runData.forget(run.run);
      const words = isActive(earlier.state) || earlier.state === 'queued' ? endWords(run) : undefined;
      if (words) tell(editor, run, words);
    }
  };
  return editor.store.subscribe(onChange);
}

function tell(
  editor: Editor,
  run: RunSummary,
  words: { readonly level: 'info' | 'error'; readonly text: string },
): void {
  if (run.state === 'done') editor.toast(words.level, words.text, { title: 'Results', command: 'runs.results' });
  else editor.toast(words.level, words.text, { title: 'Resume', command: 'run.resume' });
  if (!document.hidden || !('Notification' in globalThis) || Notification.permission !== 'granted') return;
  const notice = new Notification('Espalier', { body: words.text, tag: run.run });
  notice.addEventListener('click', () => {
    window.focus();
    notice.close();
  });
}

/** Asks for the system's notices; only from a click, as browsers want it. */
export async function askForNotices(): Promise<boolean> {
  if (!('Notification' in globalThis)) return false;
  return (await Notification.requestPermission()) === 'granted';
}

export const canAskForNotices = (): boolean => 'Notification' in globalThis && Notification.permission === 'default';
