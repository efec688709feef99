/**
 * Choosing a file or folder: the system's dialog in the desktop shell, else a dialog over the workspace with upload. The
 * page gets a grant or a path below the workspace, never a path of the machine.
 */
import type { GrantId } from '../../engine/protocol/api/fields.ts';
import type { OpenKind } from '../../engine/protocol/api/shell.ts';
import type { Editor } from './editor.ts';
import { findShell } from './shell.ts';

export type Chosen =
  { readonly grant: GrantId; readonly name: string } | { readonly path: string; readonly name: string };

/** A choice that the page's own dialog waits for. */
export interface Picking {
  readonly kind: OpenKind;
  readonly answer: (chosen: Chosen | undefined) => void;
}

/** Undefined when the person changed their mind. */
export async function chooseFile(editor: Editor, kind: OpenKind): Promise<Chosen | undefined> {
  const shell = findShell();
  if (shell) return shell.openDialog(kind);
  return new Promise((resolve) => {
    editor.store.getState().picking?.answer(undefined);
    const answer = (chosen: Chosen | undefined): void => {
      editor.set({ picking: undefined });
      resolve(chosen);
    };
    editor.set({ picking: { kind, answer } });
  });
}

/** The same where only a grant will do: a file of the workspace is then uploaded by the person. */
export const sourceOf = (chosen: Chosen): { readonly grant: GrantId } | { readonly path: string } =>
  'grant' in chosen ? { grant: chosen.grant } : { path: chosen.path };
