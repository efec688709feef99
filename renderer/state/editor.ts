/**
 * The state of one window. The document changes by `edit` alone: a pure function of the engine's protocol gives the new
 * document, the difference goes into the history and to the service, and the page shows it at once. Edits of other windows
 * arrive as events and are rebased under edits that are still on their way.
 */
import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { AppInfo, Settings } from '../../engine/protocol/api/app.ts';
import type { Catalog } from '../../engine/protocol/api/catalog.ts';
import type { CheckView } from '../../engine/protocol/api/check.ts';
import type { ProjectId, RunId } from '../../engine/protocol/api/fields.ts';
import { applyPatch, diff, type Patch } from '../../engine/protocol/api/patch.ts';
import type { OpenProject } from '../../engine/protocol/api/project.ts';
import type { RunSummary } from '../../engine/protocol/api/runs.ts';
import type { ServerEvent } from '../../engine/protocol/api/wire.ts';
import { must, type Diagnostic } from '../../engine/base/errors.ts';
import type { Document } from '../../engine/protocol/document.ts';
import type { EditResult } from '../../engine/protocol/edit.ts';
import type { ModelId } from '../../engine/protocol/ids.ts';
import { CommandError, type Client } from './client.ts';
import { createRunData, type RunData } from '../runs/runData.ts';
import { RUNS_VIEW, type RunsView } from '../runs/runsView.ts';
import { NO_HISTORY, withDeed, type History } from './history.ts';
import { NOTHING_SELECTED, type DrawerTab, type Place, type RailTab, type Selection } from './place.ts';

export interface Toast {
  readonly id: number;
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
  /** A command that the toast offers. */
  readonly action?: { readonly title: string; readonly command: string };
}

export interface ProjectInfo {
  readonly id: ProjectId;
  readonly file: string;
  readonly folder: string;
}

export interface EditorState {
  readonly connected: boolean;
  readonly info: AppInfo | undefined;
  readonly settings: Settings | undefined;
  readonly catalog: Catalog | undefined;
  readonly project: ProjectInfo | undefined;
  readonly document: Document | undefined;
  /** Revision of the document that the service has confirmed. */
  readonly revision: number;
  /** Edits that the service has not confirmed yet. */
  readonly pending: number;
  readonly savedRevision: number;
  readonly history: History;
  readonly place: Place;
  readonly selection: Selection;
  /** The latest check; stale while `check.revision` is behind or edits are pending. */
  readonly check: CheckView | undefined;
  readonly runs: readonly RunSummary[];
  /** The run whose figures the drawer shows. */
  readonly run: RunId | undefined;
  /** What the drawer's charts and tables show of runs. */
  readonly runsView: RunsView;
  /** The run that the matrix compares the draft with. */
  readonly compareRun: RunId | undefined;
  /** Documents of runs that were asked for; what a run trains never changes. */
  readonly runDocuments: ReadonlyMap<RunId, Document>;
  /** The graph of a run is shown instead of the draft, read-only; `draft` waits behind it. */
  readonly viewing: { readonly run: RunId; readonly draft: Document } | undefined;
  readonly rail: RailTab | undefined;
  readonly drawer: DrawerTab | undefined;
  readonly inspector: boolean;
  /** The dialog or palette that is open, by its id; each area draws its own. */
  readonly overlay: string | undefined;
  readonly toasts: readonly Toast[];
  /** Whether the overlay "what trains?" is drawn. */
  readonly whatTrains: boolean;
}

export interface EditOptions {
  /** Edits with the same key within a second are one deed of undo. */
  readonly merge?: string;
  readonly select?: Selection;
}

export interface Editor {
  readonly store: StoreApi<EditorState>;
  readonly client: Client;
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
  openProject(opened: OpenProject): void;
  closeProject(): void;
  toast(level: Toast['level'], text: string, action?: Toast['action']): void;
  dismiss(id: number): void;
  /** Shows the words of a command that failed; anything else is thrown on. */
  report(error: unknown): void;
}

const START: EditorState = {
  connected: false,
  info: undefined,
  settings: undefined,
  catalog: undefined,
  project: undefined,
  document: undefined,
  revision: 0,
  pending: 0,
  savedRevision: 0,
  history: NO_HISTORY,
  place: { level: 'model', view: 'graph', layer: 'all' },
  selection: NOTHING_SELECTED,
  check: undefined,
  runs: [],
  run: undefined,
  runsView: RUNS_VIEW,
  compareRun: undefined,
  runDocuments: new Map(),
  viewing: undefined,
  rail: undefined,
  drawer: undefined,
  inspector: true,
  overlay: undefined,
  toasts: [],
  whatTrains: false,
};

const words = (diagnostics: readonly Diagnostic[]): string =>
  diagnostics.map((d) => `${d.message} ${d.fix}`).join('\n');

interface Sent {
  readonly patch: Patch;
  readonly label: string;
}

export function createEditor(client: Client): Editor {
  const store = createStore<EditorState>(() => START);
  const { getState, setState } = store;
  const runData = createRunData(client, (run, document) =>
    setState((s) => ({ runDocuments: new Map(s.runDocuments).set(run, document) })),
  );
  let toasts = 0;
  /** Edits in the order in which they were made; the first is on its way. */
  let queue: Sent[] = [];
  let sending = false;
  /** The document as the service has it. */
  let confirmed: Document | undefined;

  const toast: Editor['toast'] = (level, text, action) => {
    const id = ++toasts;
    setState((s) => ({ toasts: [...s.toasts, { id, level, text, ...(action ? { action } : {}) }].slice(-5) }));
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

  /** The shown document: what is confirmed with everything that is on its way on top. */
  const rebase = (): void => {
    let document: unknown = confirmed;
    const kept: Sent[] = [];
    for (const edit of queue) {
      const next = applyPatch(document, edit.patch);
      if (next.ok) {
        document = next.value;
        kept.push(edit);
      } else toast('warning', `"${edit.label}" was left out: ${next.error}.`);
    }
    queue = kept;
    showDraft(document as Document);
    setState({ pending: queue.length });
  };

  const flush = async (): Promise<void> => {
    if (sending) return;
    sending = true;
    try {
      for (let edit = queue[0]; edit !== undefined; edit = queue[0]) {
        const { project, revision } = getState();
        if (!project) return;
        const outcome = await client.call('project.edit', {
          project: project.id,
          revision,
          patch: edit.patch as never,
          label: edit.label,
        });
        if (getState().project?.id !== project.id) return;
        if (outcome.kind === 'done') {
          const next = applyPatch(confirmed, edit.patch);
          if (next.ok) confirmed = next.value as Document;
          queue = queue.slice(1);
          setState({ revision: outcome.revision, pending: queue.length });
        } else if (outcome.kind === 'conflict') {
          confirmed = outcome.document;
          queue = queue.slice(1);
          setState({ revision: outcome.revision });
          toast('warning', `"${edit.label}" was not made: another window changed the same place.`);
          rebase();
        } else {
          queue = queue.slice(1);
          toast('error', words(outcome.diagnostics));
          rebase();
        }
      }
    } catch (error) {
      // The edits stay in the queue and go out when the engine is back.
      if (!(error instanceof CommandError) || error.status !== 0) report(error);
    } finally {
      sending = false;
    }
  };

  const commit = (patch: Patch, label: string, next: Document): void => {
    queue = [...queue, { patch, label }];
    setState({ document: next, pending: queue.length });
    void flush();
  };

  const onEdited = (event: Extract<ServerEvent, { event: 'edited' }>): void => {
    if (event.key.startsWith(client.window) || event.revision <= getState().revision) return;
    const next = applyPatch(confirmed, event.patch);
    if (!next.ok) return;
    confirmed = next.value as Document;
    setState({ revision: event.revision });
    rebase();
  };

  const listen = (event: ServerEvent): void => {
    const { project } = getState();
    if (event.project !== undefined && event.project !== project?.id) return;
    switch (event.event) {
      case 'edited':
        return onEdited(event);
      case 'resync':
        confirmed = event.document;
        setState({ revision: event.revision });
        return rebase();
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
      case 'progress':
        return;
    }
  };
  client.onEvent(listen);
  client.onConnection((connected) => {
    setState({ connected });
    if (connected) void flush();
  });

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
    setState({ history: history2, place: { ...deed.place, view: getState().place.view }, selection: deed.selection });
    commit(patch, `${from === 'done' ? 'Undo' : 'Redo'} ${deed.label}`, next.value as Document);
  };

  return {
    store,
    client,
    runData,
    toast,
    report,
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
      commit(patch, label, next);
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
      confirmed = opened.document;
      queue = [];
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
        viewing: undefined,
        place:
          model === undefined
            ? { level: 'workflow', view: 'graph', layer: 'all' }
            : { level: 'model', model, view: 'graph', layer: 'all' },
      });
      client.subscribe(opened.project);
      if (opened.recovered > 0) toast('info', `${opened.recovered} edits that were not in the file yet are back.`);
      void client.call('run.list', { project: opened.project }).then((runs) => setState({ runs }), report);
    },
    closeProject: () => {
      const { project } = getState();
      if (project) client.unsubscribe(project.id);
      confirmed = undefined;
      queue = [];
      setState({
        ...START,
        connected: getState().connected,
        info: getState().info,
        settings: getState().settings,
        catalog: getState().catalog,
      });
    },
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
