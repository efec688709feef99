/** Settings of the app: changed at once on the screen, kept by the service. */
import type { CommandInput } from '../../engine/protocol/api/commands.ts';
import type { Editor } from '../state/editor.ts';

export async function changeSettings(editor: Editor, change: CommandInput<'app.setSettings'>): Promise<void> {
  const before = editor.store.getState().settings;
  const shown = before && { ...before, ...change };
  if (shown) editor.set({ settings: shown });
  try {
    const kept = await editor.client.call('app.setSettings', change);
    // A later change is on its way; its own answer will be the whole.
    if (editor.store.getState().settings === shown) editor.set({ settings: kept });
  } catch (error) {
    if (before) editor.set({ settings: before });
    editor.report(error);
  }
}
