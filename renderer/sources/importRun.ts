/** Copies the adapter of a finished run beside the document, so that a bank can name it as a file. */
import type { RunSummary } from '../../engine/protocol/api/runs.ts';
import type { Editor } from '../state/editor.ts';

export async function importRun(editor: Editor, run: RunSummary): Promise<string | undefined> {
  const { project } = editor.store.getState();
  if (project === undefined) return undefined;
  try {
    const { ticket, name } = await editor.client.call('download.ticket', {
      what: { kind: 'run-export', run: run.run, as: 'adapter' },
    });
    const response = await fetch(`/api/download/${ticket}`);
    if (!response.ok) {
      editor.toast('warning', `The adapter of run ${run.number} is not there any more.`);
      return undefined;
    }
    const plain = run.name.replace(/[^A-Za-z0-9_-]+/g, '_');
    const extension = /\.[a-z]+$/.exec(name)?.[0] ?? '.safetensors';
    const file = new File([await response.blob()], `${plain === '' ? `run_${run.number}` : plain}${extension}`);
    const grant = await editor.client.upload(file);
    return (await editor.client.call('files.import', { project: project.id, grant })).file;
  } catch (error) {
    editor.report(error);
    return undefined;
  }
}
