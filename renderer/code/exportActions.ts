/** Taking the exported code away: to the clipboard, as a file. */
import type { Editor } from '../state/editor.ts';
import { firstModelOf } from './firstModel.ts';

async function withModel(editor: Editor, act: (project: string, model: string) => Promise<void>): Promise<void> {
  const state = editor.store.getState();
  const model = firstModelOf(state);
  if (!state.project || model === undefined) return;
  try {
    await act(state.project.id, model);
  } catch (error) {
    editor.report(error);
  }
}

export const copyCode = (editor: Editor): Promise<void> =>
  withModel(editor, async (project, model) => {
    const { text } = await editor.client.call('project.code', { project, model });
    try {
      await navigator.clipboard.writeText(text);
      editor.toast('info', `The code of "${model}" is on the clipboard.`);
    } catch {
      editor.toast('warning', 'The clipboard is not available. Select the code and copy it, or download it.');
    }
  });

export const downloadCode = (editor: Editor): Promise<void> =>
  withModel(editor, async (project, model) => {
    const { ticket, name } = await editor.client.call('download.ticket', { what: { kind: 'code', project, model } });
    editor.client.download(ticket, name);
  });
