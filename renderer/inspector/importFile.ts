/** Brings a file that a person chooses beside the document; the document then names it without a path of the machine. */
import { useCallback } from 'react';
import { useEditor } from '../state/editor.ts';
import type { Editor } from '../state/editor.ts';

/** Asks for a file; undefined when the person chose none. */
const chooseFile = (accept: string): Promise<File | undefined> =>
  new Promise((resolve) => {
    const input = document.createElement('input');
    input.type = 'file';
    input.accept = accept;
    input.onchange = () => resolve(input.files?.[0]);
    input.oncancel = () => resolve(undefined);
    input.click();
  });

/** The name of the file beside the document; undefined when none was chosen or it could not be read. */
export async function importFile(editor: Editor, accept = ''): Promise<string | undefined> {
  const { project } = editor.store.getState();
  const chosen = await chooseFile(accept);
  if (chosen === undefined || project === undefined) return undefined;
  try {
    const grant = await editor.client.upload(chosen);
    return (await editor.client.call('files.import', { project: project.id, grant })).file;
  } catch (error) {
    editor.report(error);
    return undefined;
  }
}

export function useImportFile(): (accept?: string) => Promise<string | undefined> {
  const editor = useEditor();
  return useCallback((accept) => importFile(editor, accept), [editor]);
}
