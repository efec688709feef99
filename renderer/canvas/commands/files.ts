/** Files dropped on the canvas: a folder of a Hugging Face adapter becomes modules at their places. */
import type { GrantId } from '../../../engine/protocol/api/fields.ts';
import { chooseFile } from '../../state/choose.ts';
import type { Editor } from '../../state/editor.ts';

/** What of an adapter's folder is read; the rest (logs, optimizer states) stays where it is. */
const WANTED = /^(?:adapter_config\.json|adapter_model\.(?:safetensors|bin)|README\.md)$/;
const MOST_FILES = 200;

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
    const folder = crypto.randomUUID();
    let grant: GrantId | undefined;
    for (const file of wanted) grant = await editor.client.upload(file, folder);
    if (grant !== undefined) await takeAdapter(editor, grant, 'adapter');
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
    await takeAdapter(editor, chosen.grant, chosen.name);
  } catch (error) {
    editor.report(error);
  }
}

async function takeAdapter(editor: Editor, grant: GrantId, name: string): Promise<void> {
  await editor.settled();
  const { project, revision, place } = editor.store.getState();
  if (!project || place.model === undefined) return;
  const proposal = await editor.client.call('project.takeAdapter', {
    project: project.id,
    revision,
    model: place.model,
    grant,
  });
  if (editor.applyProposal(`Add adapter ${name}`, proposal.patch) && proposal.notes.length > 0) {
    editor.toast('info', proposal.notes.join('\n'));
  }
}

/** Dropped files, and those of dropped folders one level deep. */
async function filesOf(data: DataTransfer): Promise<readonly File[]> {
  const entries = [...data.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  const plain = [...data.files];
  const found: File[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory) continue;
    for (const child of await children(entry as FileSystemDirectoryEntry)) {
      if (child.isFile && found.length < MOST_FILES) found.push(await fileOf(child as FileSystemFileEntry));
    }
  }
  return found.length > 0 ? found : plain;
}

const children = (folder: FileSystemDirectoryEntry): Promise<readonly FileSystemEntry[]> =>
  new Promise((resolve, reject) => folder.createReader().readEntries(resolve, reject));

const fileOf = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => entry.file(resolve, reject));
