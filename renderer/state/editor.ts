/**
 * The state of one window. The document changes by `edit` alone: a pure function of the engine's protocol gives the new
 * document, the difference goes into the history and to the service, and the page shows it at once. Edits of other windows
 * arrive as events and are rebased under edits that are still on their way.
 */
import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { RunId } from '../../engine/protocol/api/fields.ts';
import { applyPatch, diff, type Patch } from '../../engine/protocol/api/patch.ts';
import type { OpenProject } from '../../engine/protocol/api/project.ts';
import type { ServerEvent } from '../../engine/protocol/api/wire.ts';
import { must, type Diagnostic } from '../../engine/base/errors.ts';
import type { Document } from '../../engine/protocol/document.ts';
import type { EditResult } from '../../engine/protocol/edit.ts';
import type { ModelId } from '../../engine/protocol/ids.ts';
import type { CanvasHandle } from '../canvas/handle.ts';
import type { MatrixHandle } from '../matrix/handle.ts';
import { CommandError, type Client } from './client.ts';
import { createRunData, type RunData } from '../runs/runData.ts';
import { RUNS_VIEW } from '../runs/runsView.ts';
import { NO_HISTORY, withDeed } from './history.ts';
import { START, type EditorState, type Job, type Question, type Toast } from './editorState.ts';
import { NOTHING_SELECTED, type Place, type Selection } from './place.ts';
import { createSync, SESSION_QUEUE, type QueueStore, type Sync } from './sync.ts';

export type { EditorState, GuideStep, Job, ProjectInfo, Question, Toast } from './editorState.ts';

export interface EditOptions {
  /** Edits with the same key within a second are one deed of undo. */
  readonly merge?: string;
  readonly select?: Selection;
}

export interface Editor {
  readonly store: StoreApi<EditorState>;
  readonly client: Client;
  /** What the canvas that is shown offers to commands. */
  readonly canvas: { current: CanvasHandle | undefined };
  /** What the matrix that is shown offers to commands. */
  readonly matrix: { current: MatrixHandle | undefined };
  /** Curves, logs and documents of runs; kept outside the state, since points arrive many times a second. */
  readonly runData: RunData;
  /** Shows the graph of a run read-only, or with `undefined` the draft again. */
  viewRun(run: RunId | undefined): Promise<void>;
  /** Makes an edit, or shows the reasons why not. True when it was made. */
  edit(label: string, change: (document: Document) => Document | EditResult, options?: EditOptions): boolean;
  /** Makes a patch that the service proposed an ordinary edit. */
  applyProposal(label: string, patch: Patch): boolean;
  undo(): void;
  redo(): void;
  set(change: Partial<EditorState>): void;
  select(selection: Selection): void;
  goTo(place: Partial<Place>): void;
  /** Goes to a place, selects there, and moves the view to what is selected. */
  reveal(place: Partial<Place>, selection: Selection): void;
  openProject(opened: OpenProject): void;
  closeProject(): void;
  toast(level: Toast['level'], text: string, action?: Toast['action']): void;
  readonly dismiss: (id: number) => void;
  /** Shows the words of a command that failed; anything else is thrown on. */
  readonly report: (error: unknown) => void;
  /** Asks the person; true when the answer is yes. */
  ask(question: Omit<Question, 'answer'>): Promise<boolean>;
  /** Settles when every edit is confirmed, or after the time; true when they are. */
  settled(milliseconds?: number): Promise<boolean>;
}

/** Between two notices that another window is at work. */
const QUIET_MILLISECONDS = 30_000;

/** A canvas of another level needs a moment to be drawn. */
const REVEAL_MILLISECONDS = 80;

const words = (diagnostics: readonly Diagnostic[]): string =>
  diagnostics.map((d) => `${d.message} ${d.fix}`).join('\n');

const edits = (count: number): string => (count === 1 ? 'One edit' : `${count} edits`);

/** The jobs after a word of one of them: one that ended without failing is gone. */
function withJob(jobs: readonly Job[], event: Extract<ServerEvent, { event: 'progress' }>): readonly Job[] {
  const { job, what, done, of, failed, ended } = event;
  const others = jobs.filter((j) => j.job !== job);
  if (ended === true && failed === undefined) return others;
  return [...others, { job, what, done, of, ...(failed === undefined ? {} : { failed }) }];
}

/** @param kept where edits that are on their way outlive the page */
export function createEditor(client: Client, kept: QueueStore = SESSION_QUEUE): Editor {
  const store = createStore<EditorState>(() => START);
  const { getState, setState } = store;
  const runData = createRunData(client, (run, document) =>
    setState((s) => ({ runDocuments: new Map(s.runDocuments).set(run, document) })),
  );
  const canvas: Editor['canvas'] = { current: undefined };
  const matrix: Editor['matrix'] = { current: undefined };
  let toasts = 0;
  const toast: Editor['toast'] = (level, text, action) => {
    const id = ++toasts;
    // What is said again is said once, and stays its time anew.
    setState(({ toasts }) => ({
      toasts: [...toasts.filter((t) => t.text !== text), { id, level, text, ...(action ? { action } : {}) }].slice(-5),
    }));
  };
  const report: Editor['report'] = (error) => {
    if (!(error instanceof CommandError)) throw error;
    toast('error', words(error.diagnostics));
  };

  /** The draft: what is shown unless the graph of a run is. */
  const showDraft = (draft: Document): void =>
    setState(({ viewing }) => (viewing ? { viewing: { ...viewing, draft } } : { document: draft }));

  /** Whether edits must wait, because what is shown is not the draft. */
  const isReadOnly = (): boolean => {
    if (!getState().viewing) return false;
    toast(
      'info',
      'This is the graph of a run and cannot be changed. Go back to the draft, or restore it as the draft.',
    );
    return true;
  };

  const sync: Sync = createSync({
    client,
    kept,
    show: showDraft,
    state: setState,
    warn: (text) => toast('warning', text),
    refused: (diagnostics) => toast('error', words(diagnostics)),
    fail: report,
  });

  /** Shows an edit and sends it. */
  const commit = (patch: Patch, label: string, next: Document, merge?: string): void => {
    setState({ document: next });
    sync.push(patch, label, merge);
  };

  /** A change that appears by itself is explained, once for a while. */
  let told = 0;
  const tellForeign = ({ key, label, revision }: Extract<ServerEvent, { event: 'edited' }>): void => {
    if (sync.owns(key) || revision <= getState().revision || Date.now() - told < QUIET_MILLISECONDS) return;
    told = Date.now();
    toast('info', `Another window changed this document: ${label}.`);
  };

  const listen = (event: ServerEvent): void => {
    const { project } = getState();
    if (event.project !== undefined && event.project !== project?.id) return;
    switch (event.event) {
      case 'edited':
        tellForeign(event);
        return sync.onEdited(event);
      case 'resync':
        return sync.onResync(event.document, event.revision);
      case 'saved':
        return setState({ savedRevision: event.revision });
      case 'checked':
        if (event.check.revision >= (getState().check?.revision ?? 0)) setState({ check: event.check });
        return;
      case 'run':
        return setState((s) => ({
          runs: [...s.runs.filter((r) => r.run !== event.summary.run), event.summary].sort(
            (a, b) => a.number - b.number,
          ),
        }));
      case 'run-deleted':
        return setState((s) => ({ runs: s.runs.filter((r) => r.run !== event.run) }));
      case 'notice':
        return toast(event.level, event.text);
      case 'catalog':
        void client.call('app.catalog', {}).then((catalog) => setState({ catalog }), report);
        return;
      case 'ready':
      case 'pong':
      case 'points':
        return;
      case 'progress':
        // Those of a project are of its runs, whose figures are kept outside the state.
        if (event.project === undefined) setState(({ jobs }) => ({ jobs: withJob(jobs, event) }));
        return;
    }
  };
  client.onEvent(listen);
  client.onConnection((connected) => {
    setState({ connected });
    if (connected) sync.resume();
  });

  /** Goes to a place and moves the view to what is selected there, once the canvas of that place is drawn. */
  const reveal: Editor['reveal'] = (place, selection) => {
    setState((s) => ({ place: { ...s.place, ...place }, selection }));
    const [node] = selection.nodes;
    if (node !== undefined) setTimeout(() => canvas.current?.focusNode(selection.graph, node), REVEAL_MILLISECONDS);
  };

  const move = (from: 'done' | 'undone'): void => {
    if (isReadOnly()) return;
    const { history, document } = getState();
    const deed = history[from].at(-1);
    if (!deed || !document) return;
    const patch = from === 'done' ? deed.backward : deed.forward;
    const next = applyPatch(document, patch);
    if (!next.ok)
      return toast('warning', `"${deed.label}" cannot be ${from === 'done' ? 'undone' : 'redone'}: ${next.error}.`);
    const history2 =
      from === 'done'
        ? { done: history.done.slice(0, -1), undone: [...history.undone, deed] }
        : { done: [...history.done, deed], undone: history.undone.slice(0, -1) };
    setState({ history: history2 });
    reveal({ ...deed.place, view: getState().place.view }, deed.selection);
    commit(patch, `${from === 'done' ? 'Undo' : 'Redo'} ${deed.label}`, next.value as Document);
  };

  return {
    store,
    client,
    runData,
    canvas,
    matrix,
    toast,
    report,
    reveal,
    viewRun: async (run) => {
      if (run === undefined) {
        const { viewing } = getState();
        if (viewing) setState({ document: viewing.draft, viewing: undefined, selection: NOTHING_SELECTED });
        return;
      }
      const shown = await runData.document(run);
      const { viewing, document } = getState();
      const draft = viewing?.draft ?? document;
      if (draft) setState({ viewing: { run, draft }, document: shown, selection: NOTHING_SELECTED });
    },
    edit: (label, change, options = {}) => {
      if (isReadOnly()) return false;
      const { document, history, place, selection } = getState();
      if (!document) return false;
      const changed = change(document);
      if ('ok' in changed && !changed.ok) {
        toast('warning', words(changed.error));
        return false;
      }
      const next = 'ok' in changed ? changed.value : changed;
      const patch = diff(document, next);
      if (patch.length === 0) return true;
      const deed = {
        label,
        forward: patch,
        backward: diff(next, document),
        place,
        selection,
        at: Date.now(),
        ...(options.merge === undefined ? {} : { merge: options.merge }),
      };
      setState({ history: withDeed(history, deed), ...(options.select ? { selection: options.select } : {}) });
      commit(patch, label, next, options.merge);
      return true;
    },
    applyProposal(label, patch) {
      const document = must(getState().document, 'a project is open');
      const next = applyPatch(document, patch);
      if (!next.ok) {
        toast('warning', `"${label}" was not made: ${next.error}.`);
        return false;
      }
      return this.edit(label, () => next.value as Document);
    },
    undo: () => move('done'),
    redo: () => move('undone'),
    set: (change) => setState(change),
    select: (selection) => setState({ selection }),
    goTo: (place) => setState((s) => ({ place: { ...s.place, ...place }, selection: NOTHING_SELECTED })),
    openProject: (opened) => {
      const before = getState().project;
      if (before) client.unsubscribe(before.id);
      const model = Object.keys(opened.document.models)[0] as ModelId | undefined;
      setState({
        project: { id: opened.project, file: opened.file, folder: opened.folder },
        document: opened.document,
        revision: opened.revision,
        savedRevision: opened.revision,
        pending: 0,
        history: NO_HISTORY,
        selection: NOTHING_SELECTED,
        check: undefined,
        runs: [],
        run: undefined,
        runsView: RUNS_VIEW,
        compareRun: undefined,
        dataStep: undefined,
        viewing: undefined,
        place:
          model === undefined
            ? { level: 'workflow', view: 'graph', layer: 'all' }
            : { level: 'model', model, view: 'graph', layer: 'all' },
      });
      const kept = sync.open(opened.project, opened.document, opened.revision);
      client.subscribe(opened.project);
      if (kept > 0)
        toast(
          'info',
          `${edits(kept)} of this window that had not reached the engine ${kept === 1 ? 'is' : 'are'} back.`,
        );
      if (opened.recovered > 0)
        toast('info', `${edits(opened.recovered)} not in the file yet ${opened.recovered === 1 ? 'is' : 'are'} back.`);
      void client.call('run.list', { project: opened.project }).then((runs) => setState({ runs }), report);
    },
    closeProject: () => {
      const { project } = getState();
      if (project) client.unsubscribe(project.id);
      sync.close();
      setState({
        ...START,
        connected: getState().connected,
        info: getState().info,
        settings: getState().settings,
        catalog: getState().catalog,
        toasts: getState().toasts,
        jobs: getState().jobs,
      });
    },
    ask: (question) =>
      new Promise((resolve) => {
        getState().question?.answer(false);
        const answer = (yes: boolean): void => {
          setState({ question: undefined });
          resolve(yes);
        };
        setState({ question: { ...question, answer } });
      }),
    settled: (milliseconds = 10_000) => sync.settled(milliseconds),
    dismiss: (id) => setState((s) => ({ toasts: s.toasts.filter((t) => t.id !== id) })),
  };
}

/** Whether the figures of the latest check are those of the document that is shown. */
export const isFresh = (s: EditorState): boolean =>
  s.pending === 0 && s.viewing === undefined && s.check?.revision === s.revision;

const EditorContext = createContext<Editor | undefined>(undefined);
export const EditorProvider = EditorContext.Provider;

export const useEditor = (): Editor => must(useContext(EditorContext), 'the page is inside EditorProvider');

/** A part of the state; the component is drawn again only when this part changes. Select existing objects, never new ones. */
export const useEditorState = <T>(select: (state: EditorState) => T): T => useStore(useEditor().store, select);
