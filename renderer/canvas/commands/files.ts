/** Files dropped on the canvas: a folder of a Hugging Face adapter becomes modules at their places. */
import { chooseFile } from '../../state/choose.ts';
import { filesOf, takeAdapter, uploadFolder } from '../../state/dropped.ts';
import type { Editor } from '../../state/editor.ts';

/** What of an adapter's folder is read; the rest (logs, optimizer states) stays where it is. */
const WANTED = /^(?:adapter_config\.json|adapter_model\.(?:safetensors|bin)|README\.md)$/;

export async function dropFiles(editor: Editor, data: DataTransfer): Promise<void> {
  const files = await filesOf(data);
  const wanted = files.filter((f) => WANTED.test(f.name));
  if (!wanted.some((f) => f.name === 'adapter_config.json')) {
    editor.toast(
      'warning',
      'This is no adapter folder: adapter_config.json is missing. Drop the folder of a Hugging Face adapter.',
    );
    return;
  }
  try {
    const grant = await uploadFolder(editor, wanted);
    await editor.settled();
    if (grant !== undefined) await takeAdapter(editor, grant);
  } catch (error) {
    editor.report(error);
  }
}

/** The same by a dialog. */
export async function openAdapter(editor: Editor): Promise<void> {
  const chosen = await chooseFile(editor, 'adapter-folder');
  if (!chosen) return;
  if (!('grant' in chosen)) {
    editor.toast('warning', 'A folder of the workspace cannot be read as an adapter. Drop it on the canvas instead.');
    return;
  }
  try {
    await editor.settled();
    await takeAdapter(editor, chosen.grant);
  } catch (error) {
    editor.report(error);
  }
}
