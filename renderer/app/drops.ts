/** What happens with files that a person drops on the window, by what they are. */
import type { GrantId } from '../../engine/protocol/api/fields.ts';
import { takeAdapter, uploadFolder } from '../state/dropped.ts';
import type { Editor } from '../state/editor.ts';
import { newFrom, openFrom, projectName } from './files.ts';

export type DropKind = 'document' | 'data' | 'adapter' | 'unknown';

/** Told by the names alone; the service then looks at the content. */
export function kindOfFiles(names: readonly string[]): DropKind {
  if (names.some((n) => /^adapter_(config\.json|model\.(safetensors|bin))$/i.test(n) || /\.safetensors$/i.test(n)))
    return 'adapter';
  const [first] = names;
  if (first === undefined) return 'unknown';
  if (/\.espalier\.json$/i.test(first)) return 'document';
  if (/\.(csv|tsv|jsonl|ndjson|conll|txt)$/i.test(first)) return 'data';
  return /\.json$/i.test(first) ? 'document' : 'unknown';
}

export async function takeFiles(editor: Editor, files: readonly File[]): Promise<void> {
  const [first] = files;
  if (!first) return;
  const { project } = editor.store.getState();
  switch (kindOfFiles(files.map((f) => f.name))) {
    case 'document': {
      await openFrom(editor, { grant: await editor.client.upload(first) });
      return;
    }
    case 'data': {
      const grant = await editor.client.upload(first);
      if (!project) return editor.set({ overlay: 'app.new', dropped: { grant, name: first.name } });
      const { file } = await editor.client.call('files.import', { project: project.id, grant });
      editor.toast('info', `${file} lies beside the document now. Choose it in a data step.`);
      return;
    }
    case 'adapter':
      return dropAdapter(editor, files);
    case 'unknown':
      editor.toast('warning', `"${first.name}" is neither a project, nor data, nor an adapter that Espalier reads.`);
  }
}

/** What of an adapter's folder is read; logs and states of optimizers stay where they are. */
const isOfAdapter = (file: File): boolean =>
  /^(adapter_config\.json|adapter_model\.(safetensors|bin))$/.test(file.name);

async function dropAdapter(editor: Editor, files: readonly File[]): Promise<void> {
  const { project, place } = editor.store.getState();
  if (!project || place.model === undefined) {
    return editor.toast('warning', "Open a project with the adapter's backbone first, then drop the adapter on it.");
  }
  if (!(await editor.settled()))
    return editor.toast('warning', 'The engine does not answer. Drop the adapter again later.');
  const grant = await uploadFolder(editor, files.filter(isOfAdapter));
  if (grant === undefined) return editor.toast('warning', 'The folder has no adapter_config.json and no weights.');
  await takeAdapter(editor, grant);
}

/** A project of data that was dropped on Start, with everything else as it is recommended. */
export const tuneDropped = (
  editor: Editor,
  dropped: { readonly grant: GrantId; readonly name: string },
): Promise<boolean> =>
  newFrom(editor, {
    name: projectName(dropped.name),
    from: { kind: 'tune', backbone: 'starter', data: { grant: dropped.grant }, method: 'lora' },
  });
