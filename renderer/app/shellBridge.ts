/** What the desktop shell tells the page, and what the page tells the shell. */
import type { ShellRun } from '../../engine/protocol/api/shell.ts';
import type { RunSummary } from '../../engine/protocol/api/runs.ts';
import { UI_COMMANDS } from '../commands/all.ts';
import type { Editor } from '../state/editor.ts';
import { findShell } from '../state/shell.ts';
import { openFrom } from './files.ts';

const AT_WORK: ReadonlySet<RunSummary['state']> = new Set(['queued', 'preparing', 'training', 'paused']);

export function connectShell(editor: Editor): void {
  const shell = findShell();
  if (!shell) return;
  shell.onMenu((id) => {
    const command = UI_COMMANDS.find((c) => c.id === id);
    if (!command) return editor.toast('warning', `The menu asks for "${id}", which this version does not have.`);
    const why = command.unavailable?.(editor.store.getState());
    if (why !== undefined) return editor.toast('info', why);
    void Promise.resolve(command.run(editor)).catch(editor.report);
  });
  shell.onOpenFile(({ grant }) => void openFrom(editor, { grant }));
  shell.onOpenRecent((recent) => void openFrom(editor, { recent }));
  shell.onCloseRequest(async ({ stopRuns }) => {
    await editor.settled(5000);
    const { project, runs } = editor.store.getState();
    if (stopRuns) {
      const busy = runs.filter((r) => AT_WORK.has(r.state));
      await Promise.allSettled(
        busy.map((r) => editor.client.call(r.state === 'queued' ? 'run.cancel' : 'run.stop', { run: r.run })),
      );
    }
    if (project) await editor.client.call('project.save', { project: project.id });
  });
  let title = '';
  let running = '[]';
  const tell = (): void => {
    const { document, project, pending, revision, savedRevision, runs } = editor.store.getState();
    const next = project && document ? `${document.title} - ${project.file}` : '';
    const edited = pending > 0 || savedRevision < revision;
    if (`${next}${edited}` !== title) {
      title = `${next}${edited}`;
      shell.setTitle(next, edited);
    }
    const busy = runs.filter((r) => AT_WORK.has(r.state)).map(runOf);
    const text = JSON.stringify(busy);
    if (text !== running) {
      running = text;
      shell.setRunning(busy);
    }
  };
  tell();
  editor.store.subscribe(tell);
}

function runOf(run: RunSummary): ShellRun {
  const share = run.steps > 0 ? run.step / run.steps : undefined;
  const words = run.state === 'training' && share !== undefined ? `${Math.floor(share * 100)} %` : run.state;
  return {
    run: run.run,
    name: run.name === '' ? `Run ${run.number}` : run.name,
    words,
    // The picture on the taskbar needs no finer steps, and each message has its cost.
    ...(share === undefined ? {} : { progress: Math.round(share * 50) / 50 }),
  };
}
