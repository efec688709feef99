/** Commands of the page for menus, palette and keys: what each is bound to, why it is greyed, and running it. */
import { useEffect, useMemo } from 'react';
import { UI_COMMANDS } from '../commands/all.ts';
import type { UiCommand } from '../commands/command.ts';
import type { CommandRunner } from '../commands/runner.ts';
import { useEditor, useEditorState, type Editor } from '../state/editor.ts';
import { bindingsOf, listenToKeys } from './keyboard.ts';
import { noteCommand } from './remember.ts';

const BY_ID: ReadonlyMap<string, UiCommand> = new Map(UI_COMMANDS.map((c) => [c.id, c]));

function runnerOf(editor: Editor, own: Readonly<Record<string, string>>): CommandRunner {
  const why = (id: string): string | undefined => {
    const command = BY_ID.get(id);
    return command ? command.unavailable?.(editor.store.getState()) : 'There is no such command.';
  };
  return {
    commands: UI_COMMANDS,
    find: (id) => BY_ID.get(id),
    keys: (id) => {
      const keys = own[id] ?? BY_ID.get(id)?.keys;
      return keys === '' ? undefined : keys;
    },
    why,
    run: (id) => {
      const reason = why(id);
      if (reason !== undefined) return editor.toast('info', reason);
      noteCommand(id);
      const command = BY_ID.get(id);
      void (async () => command?.run(editor))().catch(editor.report);
    },
  };
}

const NO_KEYS: Readonly<Record<string, string>> = {};

export function useRunner(): CommandRunner {
  const editor = useEditor();
  const own = useEditorState((s) => s.settings?.keys ?? NO_KEYS);
  const runner = useMemo(() => runnerOf(editor, own), [editor, own]);
  useEffect(() => {
    const bindings = bindingsOf(UI_COMMANDS, own);
    return listenToKeys({
      bindings: () => bindings,
      why: (id) => runner.why(id),
      run: (id) => runner.run(id),
      blocked: () =>
        document.querySelector('[role="dialog"][data-state="open"], [role="menu"][data-state="open"]') !== null,
    });
  }, [runner, own]);
  return runner;
}
