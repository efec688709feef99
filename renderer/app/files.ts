/** Opening, saving and closing. Buttons, commands, drops and the shell's menu all come here. */
import type { CommandInput } from '../../engine/protocol/api/commands.ts';
import type { OpenProject } from '../../engine/protocol/api/project.ts';
import { chooseFile, sourceOf, type Chosen } from '../state/choose.ts';
import type { Editor } from '../state/editor.ts';
import { findShell } from '../state/shell.ts';
import { copyText } from './clipboard.ts';

/** Shows what the service opened; problems of the file itself are told and listed. */
function show(editor: Editor, opened: OpenProject): void {
  editor.openProject(opened);
  editor.set({ overlay: undefined });
  const errors = opened.diagnostics.filter((d) => d.severity === 'error').length;
  if (errors > 0) editor.set({ drawer: 'problems' });
}

async function tryTo(editor: Editor, act: () => Promise<void>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    editor.report(error);
    return false;
  }
}

/** Leaves the open project behind only when its edits are safe. */
async function leave(editor: Editor): Promise<boolean> {
  if (editor.store.getState().pending === 0 || (await editor.settled(2000))) return true;
  return editor.ask({
    title: 'Some edits have not reached the engine',
    text: 'The engine does not answer at the moment. Edits that it has not got are lost when this project is closed.',
    yes: 'Close anyway',
    danger: true,
  });
}

export const openFrom = (editor: Editor, source: CommandInput<'project.open'>): Promise<boolean> =>
  tryTo(editor, async () => {
    if (await leave(editor)) show(editor, await editor.client.call('project.open', source));
  });

export const newFrom = (editor: Editor, params: CommandInput<'project.new'>): Promise<boolean> =>
  tryTo(editor, async () => {
    if (await leave(editor)) show(editor, await editor.client.call('project.new', params));
  });

export async function openDocument(editor: Editor): Promise<void> {
  const chosen = await chooseFile(editor, 'document');
  if (chosen) await openFrom(editor, sourceOf(chosen));
}

/** Adds a folder to the models and opens it as a graph. */
export async function addModelFolder(editor: Editor): Promise<void> {
  const chosen = await chooseFile(editor, 'model-folder');
  if (chosen) await openModel(editor, chosen);
}

export const openModel = (editor: Editor, chosen: Chosen): Promise<boolean> =>
  tryTo(editor, async () => {
    const { name } = await editor.client.call('models.add', sourceOf(chosen));
    await newFrom(editor, { name: projectName(name), from: { kind: 'backbone', backbone: name } });
  });

/** A file name made of the name of a model or of data. */
export function projectName(from: string): string {
  const last = from.split('/').at(-1) ?? '';
  const plain = last
    .replace(/\.(espalier\.json|json|csv|tsv|jsonl|txt|parquet)$/i, '')
    .replace(/[^\p{L}\p{N} ._-]+/gu, '-');
  return plain.replace(/^[-. ]+|[-. ]+$/g, '').slice(0, 80) || 'project';
}

export async function saveNow(editor: Editor): Promise<void> {
  const { project } = editor.store.getState();
  if (!project) return;
  await tryTo(editor, async () => {
    await editor.settled();
    await editor.client.call('project.save', { project: project.id });
    editor.set({ savedRevision: editor.store.getState().revision });
    editor.toast('info', `Saved in ${project.file}.`);
  });
}

export async function saveAs(editor: Editor): Promise<void> {
  const shell = findShell();
  const { project } = editor.store.getState();
  if (!project) return;
  if (!shell) return editor.set({ overlay: 'app.saveAs' });
  const chosen = await shell.saveDialog(project.file);
  if (chosen) await saveTo(editor, { grant: chosen.grant });
}

export async function saveTo(
  editor: Editor,
  target: Pick<CommandInput<'project.saveAs'>, 'grant' | 'name'>,
): Promise<boolean> {
  const { project, place, selection } = editor.store.getState();
  if (!project) return false;
  return tryTo(editor, async () => {
    await editor.settled();
    const opened = await editor.client.call('project.saveAs', { project: project.id, ...target });
    show(editor, opened);
    editor.set({ place, selection });
    editor.toast('info', `Saved as ${opened.file}.`);
  });
}

/** Takes the window back to Start. The project stays with the service as long as another window shows it. */
export async function closeProject(editor: Editor): Promise<void> {
  const { project } = editor.store.getState();
  if (!project || !(await leave(editor))) return;
  await tryTo(editor, async () => {
    if (editor.store.getState().connected) await editor.client.call('project.save', { project: project.id });
  });
  editor.closeProject();
}

export async function downloadDocument(editor: Editor): Promise<void> {
  const { project } = editor.store.getState();
  if (!project) return;
  await tryTo(editor, async () => {
    await editor.settled();
    const what = { kind: 'document', project: project.id } as const;
    const { ticket, name } = await editor.client.call('download.ticket', { what });
    editor.client.download(ticket, name);
  });
}

export async function copyCommandLine(editor: Editor): Promise<void> {
  const { project } = editor.store.getState();
  if (!project) return;
  await tryTo(editor, async () => {
    const { text } = await editor.client.call('project.command', { project: project.id });
    await copyText(editor, text, 'The command');
  });
}
