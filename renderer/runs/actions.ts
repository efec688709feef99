/** What a person does with runs. Commands, buttons and menus call these alone, so that each does the same. */
import type { RunId } from '../../engine/protocol/api/fields.ts';
import type { RunSummary } from '../../engine/protocol/api/runs.ts';
import type { CommandInput } from '../../engine/protocol/api/commands.ts';
import type { Editor } from '../state/editor.ts';
import { changesOf } from './changes.ts';
import { activeRun, shownRun } from './live.ts';
import type { RunsView } from './runsView.ts';
import { runCommandLine } from './tables.ts';
import { defaultTarget, readyView } from './trainState.ts';
import { isActive, isResumable, runTitle } from './words.ts';

export type StartOptions = Pick<CommandInput<'run.start'>, 'target' | 'name' | 'seeds' | 'sweep'>;

export const setRunsView = (editor: Editor, change: Partial<RunsView>): void =>
  editor.set({ runsView: { ...editor.store.getState().runsView, ...change } });

/** Waits until the last edit is confirmed and checked. False when something is missing or the engine stays away. */
export function whenReady(editor: Editor, milliseconds = 60_000): Promise<boolean> {
  return new Promise((resolve) => {
    const decide = (): void => {
      const view = readyView(editor.store.getState());
      if (view.kind === 'waiting') return;
      stop();
      clearTimeout(timer);
      if (view.kind === 'missing') editor.toast('warning', view.reasons.join('\n'));
      resolve(view.kind === 'ready');
    };
    const timer = setTimeout(() => {
      stop();
      editor.toast('warning', 'The check of the last edit has not come. Nothing was started; try again.');
      resolve(false);
    }, milliseconds);
    const stop = editor.store.subscribe(decide);
    decide();
  });
}

/** Queues a run of the draft as soon as it is checked, and shows it. */
export async function startRun(editor: Editor, options: StartOptions = {}): Promise<void> {
  if (!(await whenReady(editor))) return;
  const { project, revision, document, viewing } = editor.store.getState();
  const draft = viewing?.draft ?? document;
  if (!project || !draft) return;
  const target = options.target ?? defaultTarget(draft);
  try {
    const { runs } = await editor.client.call('run.start', {
      project: project.id,
      revision,
      ...options,
      ...(target === undefined ? {} : { target }),
    });
    const [first] = runs;
    if (first !== undefined) editor.set({ run: first });
    if (runs.length > 1) editor.toast('info', `${runs.length} runs are queued and train one after the other.`);
  } catch (error) {
    editor.report(error);
  }
}

type Simple = 'run.stop' | 'run.pause' | 'run.resume' | 'run.cancel' | 'run.delete';

/** Sends a command that only names its run. */
export async function tellRun(editor: Editor, command: Simple, run: RunId): Promise<void> {
  try {
    await editor.client.call(command, { run });
    if (command === 'run.resume') editor.runData.forget(run);
    if (command === 'run.delete') forgetRun(editor, run);
  } catch (error) {
    editor.report(error);
  }
}

function forgetRun(editor: Editor, run: RunId): void {
  const { runsView, run: shown, compareRun, viewing } = editor.store.getState();
  if (viewing?.run === run) void editor.viewRun(undefined);
  editor.set({
    ...(shown === run ? { run: undefined } : {}),
    ...(compareRun === run ? { compareRun: undefined } : {}),
    runsView: {
      ...runsView,
      compared: runsView.compared.filter((r) => r !== run),
      ...(runsView.baseline === run ? { baseline: undefined } : {}),
      ...(shown === run && runsView.page === 'results' ? { page: 'list' as const } : {}),
    },
  });
}

/** Moves a queued run one place up or down. */
export async function moveInQueue(editor: Editor, run: RunId, by: -1 | 1): Promise<void> {
  const queue = queuedRuns(editor.store.getState().runs);
  const at = queue.findIndex((r) => r.run === run);
  const to = at + by;
  if (at < 0 || to < 0 || to >= queue.length) return;
  const before = by === -1 ? queue[to] : queue[to + 1];
  try {
    await editor.client.call('run.reorder', { run, ...(before ? { before: before.run } : {}) });
  } catch (error) {
    editor.report(error);
  }
}

/** Runs that wait, the next one first. */
export const queuedRuns = (runs: readonly RunSummary[]): readonly RunSummary[] =>
  runs.filter((r) => r.state === 'queued').sort((a, b) => (a.waiting ?? a.number) - (b.waiting ?? b.number));

export async function renameRun(editor: Editor, run: RunId, name: string): Promise<void> {
  try {
    await editor.client.call('run.rename', { run, name });
  } catch (error) {
    editor.report(error);
  }
}

export async function viewGraph(editor: Editor, run: RunId | undefined): Promise<void> {
  try {
    await editor.viewRun(run);
  } catch (error) {
    editor.report(error);
  }
}

/** Makes the graph of a run the draft, as one step of undo; the drawing of the draft stays where nodes have the same ids. */
export async function restoreGraph(editor: Editor, run: RunSummary): Promise<void> {
  try {
    const document = await editor.runData.document(run.run);
    await editor.viewRun(undefined);
    editor.edit(`Restore the graph of ${runTitle(run)}`, (draft) => {
      const { view: _, ...content } = document;
      return 'view' in draft ? { ...content, view: draft.view } : content;
    });
    editor.toast('info', `The draft is the graph of ${runTitle(run)} now.`, { title: 'Undo', command: 'edit.undo' });
  } catch (error) {
    editor.report(error);
  }
}

/** Copies the command line that trains what the run trained. */
export async function copyCommandLine(editor: Editor, run: RunSummary | undefined): Promise<void> {
  const { project, document, viewing } = editor.store.getState();
  const draft = viewing?.draft ?? document;
  if (!project || !draft) return;
  try {
    const { text } = await editor.client.call('project.command', { project: project.id });
    const trained = run ? await editor.runData.document(run.run) : draft;
    const line = runCommandLine(text, run?.target, changesOf(draft, trained));
    if (line === undefined) {
      editor.toast('warning', 'The graph has changed since this run. Restore its graph first, then copy the command.', {
        title: 'Restore graph',
        command: 'runs.restoreGraph',
      });
      return;
    }
    await navigator.clipboard.writeText(line);
    editor.toast('info', `Copied: ${line}`);
  } catch (error) {
    if (error instanceof DOMException)
      editor.toast('error', 'The clipboard cannot be written. Allow it and try again.');
    else editor.report(error);
  }
}

/** Downloads a file of a run, or what other programs read. */
export async function downloadOf(
  editor: Editor,
  what: Extract<CommandInput<'download.ticket'>['what'], { kind: 'run-file' | 'run-export' }>,
): Promise<void> {
  try {
    const { ticket, name } = await editor.client.call('download.ticket', { what });
    editor.client.download(ticket, name);
  } catch (error) {
    editor.report(error);
  }
}

/** Shows the results of a run in the drawer. */
export function showResults(editor: Editor, run: RunId, tab: RunsView['tab'] = 'summary'): void {
  editor.set({ run, drawer: 'runs' });
  setRunsView(editor, { page: 'results', tab });
}

export function showTry(editor: Editor, run: RunId): void {
  editor.set({ run, drawer: 'try' });
}

export const toggleCompared = (editor: Editor, run: RunId): void => {
  const { compared } = editor.store.getState().runsView;
  setRunsView(editor, { compared: compared.includes(run) ? compared.filter((r) => r !== run) : [...compared, run] });
};

/** Runs side by side: those that are ticked, else the shown one and the one before it. */
export function compareRuns(editor: Editor, runs?: readonly RunId[]): void {
  const s = editor.store.getState();
  const ended = s.runs.filter((r) => r.state !== 'queued');
  const shown = shownRun(s);
  const before = ended.findLast((r) => r.run !== shown?.run && r.number < (shown?.number ?? 0)) ?? ended.at(0);
  const chosen =
    runs ??
    (s.runsView.compared.length > 1
      ? s.runsView.compared
      : [...new Set([before?.run, shown?.run].filter((r) => r !== undefined))]);
  if (chosen.length < 2) return editor.toast('info', 'Two runs are needed to compare. Train once more first.');
  const earliest = s.runs.find((r) => chosen.includes(r.run))?.run;
  editor.set({ drawer: 'runs' });
  setRunsView(editor, { compared: chosen, page: 'compare', baseline: s.runsView.baseline ?? earliest });
}

export const pinBaseline = (editor: Editor, run: RunId | undefined): void => setRunsView(editor, { baseline: run });

/** The matrix shows how the draft differs from the run. */
export async function showMatrixDiff(editor: Editor, run: RunId | undefined): Promise<void> {
  try {
    if (run !== undefined) await editor.runData.document(run);
    editor.set({ compareRun: run });
    if (run !== undefined) editor.goTo({ level: 'model', view: 'matrix' });
  } catch (error) {
    editor.report(error);
  }
}

/** The run that a command without a choice is about: the one at work for work, else the one that is shown. */
export const runOf = (editor: Editor, fits: (run: RunSummary) => boolean): RunSummary | undefined => {
  const s = editor.store.getState();
  const candidates = [s.runs.find((r) => r.run === s.run), activeRun(s), ...[...s.runs].reverse()];
  return candidates.find((r) => r !== undefined && fits(r));
};

export const isStoppable = (run: RunSummary): boolean => isActive(run.state);
export const canResume = (run: RunSummary): boolean => isResumable(run.state);
