/** Settings of the app: changed at once on the screen, kept by the service. */
import type { CommandInput } from '../../engine/protocol/api/commands.ts';
import type { Editor } from '../state/editor.ts';

export async function changeSettings(editor: Editor, change: CommandInput<'app.setSettings'>): Promise<void> {
  const before = editor.store.getState().settings;
  if (before) editor.set({ settings: { ...before, ...change } });
  try {
    editor.set({ settings: await editor.client.call('app.setSettings', change) });
  } catch (error) {
    if (before) editor.set({ settings: before });
    editor.report(error);
  }
}
