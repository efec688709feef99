/**
 * Sources of custom nodes that are not saved yet outlive the window: they are read when the page starts, and every change is
 * told to the service soon after it.
 */
import { CommandError } from '../state/client.ts';
import type { Editor } from '../state/editor.ts';
import { setCode } from './actions.ts';
import type { CodeState } from './codeState.ts';

/** A pause in typing after which the draft is kept; nothing is lost that is older than two seconds. */
const PAUSE = 500;
const AGAIN = 2000;

type DraftList = CodeState['drafts'];

/** What the service has not been told yet: names with their sources, without one when the draft is gone. */
export function untold(kept: DraftList, now: DraftList): readonly (readonly [name: string, source?: string])[] {
  const changed = [...now].filter(([name, source]) => kept.get(name) !== source);
  const gone = [...kept.keys()].filter((name) => !now.has(name));
  return [...changed, ...gone.map((name) => [name] as const)];
}

export function keepDrafts(editor: Editor): void {
  const { client, store } = editor;
  let kept: DraftList = new Map();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tell = async (): Promise<void> => {
    timer = undefined;
    for (const [name, source] of untold(kept, store.getState().code.drafts)) {
      try {
        await client.call('custom.draft', source === undefined ? { name } : { name, source });
      } catch (error) {
        // Without the engine it is told again a little later; a refusal is the person's to read.
        if (error instanceof CommandError && error.status !== 0) editor.report(error);
        else timer = setTimeout(() => void tell(), AGAIN);
        return;
      }
      const next = new Map(kept);
      if (source === undefined) next.delete(name);
      else next.set(name, source);
      kept = next;
    }
  };
  const follow = (): void => {
    store.subscribe((now, before) => {
      if (now.code.drafts === before.code.drafts) return;
      if (timer !== undefined) clearTimeout(timer);
      timer = setTimeout(() => void tell(), PAUSE);
    });
  };
  client.call('custom.drafts', {}).then(
    (found) => {
      kept = new Map(Object.entries(found));
      follow();
      // What has been typed since the start is newer, and told like every change.
      setCode(editor, { drafts: new Map([...kept, ...store.getState().code.drafts]) });
    },
    (error: unknown) => editor.report(error),
  );
}
