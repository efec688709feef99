/** Files and folders that a person drops or chooses, on their way to the service. */
import type { GrantId } from '../../engine/protocol/api/fields.ts';
import type { Editor } from './editor.ts';

/** The files of a drop; those of a folder that was dropped too. Must be called before the event ends. */
export function filesOf(transfer: DataTransfer): Promise<readonly File[]> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  const folders = entries.filter((entry): entry is FileSystemDirectoryEntry => entry.isDirectory);
  if (folders.length === 0) return Promise.resolve([...transfer.files]);
  return Promise.all(folders.map(filesIn)).then((lists) => lists.flat());
}

async function filesIn(folder: FileSystemDirectoryEntry): Promise<readonly File[]> {
  const entries = await new Promise<FileSystemEntry[]>((done, fail) => folder.createReader().readEntries(done, fail));
  const files = entries.filter((entry): entry is FileSystemFileEntry => entry.isFile);
  return Promise.all(files.map((entry) => new Promise<File>((done, fail) => entry.file(done, fail))));
}

/** Files that belong together become one folder. Undefined when there are none. */
export async function uploadFolder(editor: Editor, files: readonly File[]): Promise<GrantId | undefined> {
  const folder = crypto.randomUUID();
  let grant: GrantId | undefined;
  for (const file of files) grant = await editor.client.upload(file, folder);
  return grant;
}

/** Attaches the Hugging Face adapter in a granted folder to the model that is shown, as an edit that undo knows. */
export async function takeAdapter(editor: Editor, grant: GrantId): Promise<void> {
  const { project, revision, place } = editor.store.getState();
  if (!project || place.model === undefined) return;
  const proposal = await editor.client.call('project.takeAdapter', {
    project: project.id,
    revision,
    model: place.model,
    grant,
  });
  if (editor.applyProposal('Attach the adapter', proposal.patch)) editor.toast('info', proposal.notes.join('\n'));
}
