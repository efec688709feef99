/** Commands about what the window shows: level, view, panels, zoom, theme, focus. */
import type { ModelId } from '../../../engine/protocol/ids.ts';
import type { UiCommand } from '../../commands/command.ts';
import type { Editor, EditorState } from '../../state/editor.ts';
import type { DrawerTab, ModelView } from '../../state/place.ts';
import { focusRegion } from '../frame/regions.ts';
import { groupProblems } from '../problems.ts';
import { changeSettings } from '../settings.ts';
import { zoomOf } from '../theme.ts';
import { whenProject } from './file.ts';

export function firstModel({ document, place }: EditorState): ModelId | undefined {
  if (!document) return undefined;
  if (place.model !== undefined && place.model in document.models) return place.model;
  return Object.keys(document.models)[0] as ModelId | undefined;
}

const whenModel = (s: EditorState): string | undefined =>
  whenProject(s) ?? (firstModel(s) === undefined ? 'The document has no model yet.' : undefined);

/** Shows the model in a view; the level of a project without models stays. */
export function showView(editor: Editor, view: ModelView): void {
  const state = editor.store.getState();
  const model = firstModel(state);
  const { selection } = state;
  editor.set({
    place: { ...state.place, view, ...(model === undefined ? {} : { level: 'model', model }) },
    // The same things stay selected in graph, matrix and code of one model.
    selection: state.place.level === 'model' ? selection : { graph: '', nodes: [], edges: [] },
  });
}

const view = (id: ModelView, title: string, keys: string, words: readonly string[]): UiCommand => ({
  id: `view.${id}`,
  title,
  group: 'View',
  keys,
  words,
  unavailable: id === 'code' ? whenProject : whenModel,
  run: (editor) => showView(editor, id),
});

const TABS: readonly (readonly [DrawerTab, string, string])[] = [
  ['problems', 'Problems', '1'],
  ['data', 'Data', '2'],
  ['charts', 'Charts', '3'],
  ['runs', 'Runs', '4'],
  ['try', 'Try it', '5'],
  ['log', 'Log', '6'],
];
export const DRAWER_TABS = TABS;

const drawer = ([tab, title, keys]: (typeof TABS)[number]): UiCommand => ({
  id: `drawer.${tab}`,
  title: `Panel: ${title}`,
  group: 'View',
  keys,
  words: ['drawer', 'bottom'],
  unavailable: whenProject,
  run: (editor) => editor.set({ drawer: editor.store.getState().drawer === tab ? undefined : tab }),
});

const zoomBy = (factor: number) => (editor: Editor) => {
  const now = zoomOf(editor.store.getState());
  const next = factor === 0 ? 1 : Math.round(Math.min(2, Math.max(0.7, now + factor)) * 10) / 10;
  return changeSettings(editor, { zoom: next });
};

/** Shows the panels that were hidden, or hides rail panel, inspector and drawer together. */
function togglePanels(editor: Editor): void {
  const { inspector, drawer: open, rail } = editor.store.getState();
  const any = inspector || open !== undefined || rail !== undefined;
  editor.set(any ? { inspector: false, drawer: undefined, rail: undefined } : { inspector: true });
}

const goToProblem = (step: 1 | -1) => (editor: Editor) => {
  const { check, document, selection } = editor.store.getState();
  if (!document) return;
  const ways = groupProblems(check?.diagnostics ?? [], document).flatMap((g) => g.way ?? []);
  if (ways.length === 0) return;
  const at = ways.findIndex(
    (w) => w.selection.graph === selection.graph && w.selection.nodes[0] === selection.nodes[0],
  );
  const way = ways[(at + step + ways.length) % ways.length];
  if (way) editor.reveal(way.place, way.selection);
};
const whenProblems = (s: EditorState): string | undefined =>
  whenProject(s) ?? ((s.check?.diagnostics.length ?? 0) === 0 ? 'There are no problems.' : undefined);

export const viewCommands: readonly UiCommand[] = [
  view('graph', 'Model as a graph', 'G', ['canvas', 'nodes']),
  view('matrix', 'Model as a matrix of layers and sites', 'M', ['layers', 'grid', 'paint', 'heat map']),
  view('code', 'Code: exported module, document, custom nodes', 'C', ['python', 'pytorch', 'json', 'monaco']),
  {
    id: 'view.workflow',
    title: 'Workflow',
    group: 'View',
    keys: 'W',
    words: ['steps', 'pipeline', 'level'],
    unavailable: whenProject,
    run: (editor) => editor.goTo({ level: 'workflow', view: 'graph' }),
  },
  {
    id: 'view.whatTrains',
    title: 'What trains?',
    group: 'View',
    keys: 'T',
    words: ['trainable', 'frozen', 'overlay', 'gradient'],
    unavailable: whenModel,
    run: (editor) => editor.set({ whatTrains: !editor.store.getState().whatTrains }),
  },
  ...TABS.map(drawer),
  {
    id: 'drawer.close',
    title: 'Close the panel below',
    group: 'View',
    unavailable: (s) => (s.drawer === undefined ? 'No panel is open.' : undefined),
    run: (editor) => editor.set({ drawer: undefined }),
  },
  {
    id: 'view.inspector',
    title: 'Show or hide the inspector',
    group: 'View',
    keys: 'Ctrl+I',
    words: ['properties', 'parameters', 'sidebar'],
    unavailable: whenProject,
    run: (editor) => editor.set({ inspector: !editor.store.getState().inspector }),
  },
  {
    id: 'view.panels',
    title: 'Show or hide all panels',
    group: 'View',
    keys: 'Ctrl+\\',
    words: ['zen', 'focus', 'full'],
    unavailable: whenProject,
    run: togglePanels,
  },
  {
    id: 'view.theme',
    title: 'Light or dark',
    group: 'View',
    words: ['theme', 'mode', 'night'],
    run: (editor) =>
      changeSettings(editor, { theme: document.documentElement.dataset['theme'] === 'dark' ? 'light' : 'dark' }),
  },
  {
    id: 'view.systemTheme',
    title: 'Light or dark as the system',
    group: 'View',
    words: ['theme', 'automatic'],
    run: (editor) => changeSettings(editor, { theme: 'system' }),
  },
  {
    id: 'view.zoomIn',
    title: 'Larger interface',
    group: 'View',
    keys: 'Ctrl+=',
    words: ['zoom in', 'font size'],
    run: zoomBy(0.1),
  },
  {
    id: 'view.zoomOut',
    title: 'Smaller interface',
    group: 'View',
    keys: 'Ctrl+-',
    words: ['zoom out', 'font size'],
    run: zoomBy(-0.1),
  },
  {
    id: 'view.zoomReset',
    title: 'Interface in actual size',
    group: 'View',
    keys: 'Ctrl+0',
    words: ['zoom', '100 %'],
    run: zoomBy(0),
  },
  {
    id: 'view.nextRegion',
    title: 'Go to the next part of the window',
    group: 'View',
    keys: 'F6',
    words: ['focus', 'cycle', 'pane'],
    run: () => focusRegion(1),
  },
  {
    id: 'view.previousRegion',
    title: 'Go to the previous part of the window',
    group: 'View',
    keys: 'Shift+F6',
    words: ['focus', 'cycle', 'pane'],
    run: () => focusRegion(-1),
  },
  {
    id: 'problems.next',
    title: 'Go to the next problem',
    group: 'View',
    keys: 'F8',
    words: ['error', 'warning'],
    unavailable: whenProblems,
    run: goToProblem(1),
  },
  {
    id: 'problems.previous',
    title: 'Go to the previous problem',
    group: 'View',
    keys: 'Shift+F8',
    words: ['error', 'warning'],
    unavailable: whenProblems,
    run: goToProblem(-1),
  },
];
