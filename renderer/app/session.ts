/** Which project this window shows, kept in the fragment of its address so that a reload comes back to it. */
import type { ProjectId } from '../../engine/protocol/api/fields.ts';
import { CommandError } from '../state/client.ts';
import type { Editor } from '../state/editor.ts';

const FRAGMENT = /^#project=([A-Za-z0-9_-]{1,64})$/;

export const projectInAddress = (hash: string): ProjectId | undefined =>
  FRAGMENT.exec(hash)?.[1] as ProjectId | undefined;

/** Writes the project of the window into its address as it changes. */
export function followProject(editor: Editor): () => void {
  let shown: ProjectId | undefined;
  return editor.store.subscribe(({ project }) => {
    if (project?.id === shown) return;
    shown = project?.id;
    history.replaceState(null, '', shown === undefined ? location.pathname : `#project=${shown}`);
  });
}

/** Opens the project of the address, if there is one and the service still knows it. */
export async function resumeProject(editor: Editor): Promise<void> {
  const id = projectInAddress(location.hash);
  if (id === undefined) return;
  try {
    editor.openProject(await editor.client.call('project.get', { project: id }));
  } catch (error) {
    history.replaceState(null, '', location.pathname);
    if (!(error instanceof CommandError)) throw error;
    editor.toast('warning', 'The project that this window showed is not open any more. It is among the recent files.');
  }
}
