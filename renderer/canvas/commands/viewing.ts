/** Commands that change what is seen: zoom, layout, overlays, finding. */
import type { UiCommand } from '../../commands/command.ts';
import type { Editor } from '../../state/editor.ts';
import { sceneId } from '../model/scene.ts';
import { chosenOf } from '../state/hands.ts';
import { editable, needsCanvas, needsModel, needsNodes } from './available.ts';

const fitSelection = (editor: Editor): void => {
  const chosen = chosenOf(editor.store.getState());
  if (chosen) editor.canvas.current?.fit(chosen.nodes.map((n) => sceneId(chosen.at.path, n)));
};

export const viewingCommands: readonly UiCommand[] = [
  {
    id: 'canvas.fit',
    title: 'Show everything',
    group: 'View',
    keys: 'Shift+1',
    words: ['zoom to fit', 'whole', 'overview'],
    unavailable: needsCanvas,
    run: (e) => e.canvas.current?.fit(),
  },
  {
    id: 'canvas.fitSelection',
    title: 'Zoom to the selection',
    group: 'View',
    keys: 'Shift+2',
    unavailable: needsNodes,
    run: fitSelection,
  },
  {
    id: 'canvas.zoom100',
    title: 'Zoom to 100 %',
    group: 'View',
    keys: 'Shift+0',
    unavailable: needsCanvas,
    run: (e) => e.canvas.current?.zoomTo(1),
  },
  {
    id: 'canvas.zoomIn',
    title: 'Zoom in on the canvas',
    group: 'View',
    keys: '+',
    unavailable: needsCanvas,
    run: (e) => e.canvas.current?.zoomBy(1.25),
  },
  {
    id: 'canvas.zoomOut',
    title: 'Zoom out on the canvas',
    group: 'View',
    keys: '-',
    unavailable: needsCanvas,
    run: (e) => e.canvas.current?.zoomBy(0.8),
  },
  {
    id: 'canvas.minimap',
    title: 'Map of the graph',
    group: 'View',
    words: ['minimap', 'overview'],
    unavailable: needsCanvas,
    run: (e) => e.canvas.current?.set({ minimap: !e.canvas.current.get().minimap }),
  },
  {
    id: 'canvas.tidy',
    title: 'Tidy up',
    group: 'View',
    keys: 'Shift+T',
    words: ['layout', 'arrange', 'elk', 'auto layout'],
    unavailable: editable(needsCanvas),
    run: (e) => e.canvas.current?.tidy(),
  },
  {
    id: 'canvas.cancelLayout',
    title: 'Cancel the layout',
    group: 'View',
    unavailable: needsCanvas,
    run: (e) => e.canvas.current?.cancelLayout(),
  },
  {
    id: 'canvas.asWires',
    title: 'Show attachments as wires',
    group: 'View',
    words: ['chips', 'docked', 'rack'],
    unavailable: needsModel,
    run: (e) => e.canvas.current?.set({ asWires: !e.canvas.current.get().asWires }),
  },
  {
    id: 'canvas.snap',
    title: 'Snap to the grid',
    group: 'View',
    unavailable: needsCanvas,
    run: (e) => e.canvas.current?.set({ snap: !e.canvas.current.get().snap }),
  },
  {
    id: 'canvas.find',
    title: 'Find in the graph',
    group: 'View',
    keys: 'Ctrl+F',
    words: ['search', 'replace', 'query', 'select by site'],
    unavailable: needsModel,
    run: (e) => e.canvas.current?.set({ find: true }),
  },
  {
    id: 'canvas.replace',
    title: 'Find and replace values of parameters',
    group: 'Edit',
    keys: 'Ctrl+H',
    unavailable: needsModel,
    run: (e) => e.canvas.current?.set({ find: true }),
  },
  {
    id: 'canvas.inspect',
    title: 'Open in the inspector',
    group: 'View',
    unavailable: needsCanvas,
    run: (e) => e.set({ inspector: true }),
  },
];
