/** Brings a file that a person chooses beside the document; the document then names it without a path of the machine. */
import { useCallback } from 'react';
import { useEditor } from '../state/editor.ts';
import type { Editor } from '../state/editor.ts';
import { findShell } from '../state/shell.ts';
import type { GrantId } from '../../engine/protocol/api/fields.ts';

/** The browser's own dialog; undefined when the person chose none. */
const browse = (accept: string): Promise<File | undefined> =>
  new Promise((resolve) => {
    const input = document.createElement('input');
    input.type = 'file';
    input.accept = accept;
    input.onchange = () => resolve(input.files?.[0]);
    input.oncancel = () => resolve(undefined);
    input.click();
  });

/** In the desktop shell the system's dialog gives a grant; in a browser the file is uploaded. */
async function grantOf(editor: Editor, accept: string): Promise<GrantId | undefined> {
  const shell = findShell();
  if (shell) return (await shell.openDialog('any-file'))?.grant;
  const file = await browse(accept);
  return file && editor.client.upload(file);
}

/** The name of the file beside the document; undefined when none was chosen or it could not be read. */
export async function importFile(editor: Editor, accept = ''): Promise<string | undefined> {
  const { project } = editor.store.getState();
  if (project === undefined) return undefined;
  try {
    const grant = await grantOf(editor, accept);
    return grant && (await editor.client.call('files.import', { project: project.id, grant })).file;
  } catch (error) {
    editor.report(error);
    return undefined;
  }
}

export function useImportFile(): (accept?: string) => Promise<string | undefined> {
  const editor = useEditor();
  return useCallback((accept) => importFile(editor, accept), [editor]);
}
