/** Commands that change the graph: clipboard, deleting, muting, grouping, aligning, wiring. */
import { graphAt, makeIndependent, replaceNode, type EditResult } from '../../../engine/protocol/edit.ts';
import { ok } from '../../../engine/base/result.ts';
import { withGraphView, type Point } from '../../../engine/protocol/view.ts';
import type { UiCommand } from '../../commands/command.ts';
import type { Editor } from '../../state/editor.ts';
import type { AlignTo } from '../handle.ts';
import { anyAddressOf } from '../model/address.ts';
import { aligned, distributed } from '../model/arrange.ts';
import { racksOf, reorderRack } from '../model/attachments.ts';
import { bypass } from '../model/removing.ts';
import { sceneId } from '../model/scene.ts';
import { replaceGraph } from '../../../engine/protocol/edit.ts';
import { chosenOf, contextOf } from '../state/hands.ts';
import { editable, needsGroup, needsModel, needsNodes, needsSelection, needsThree, needsTwo } from './available.ts';
import { copySelection, cutSelection, duplicate, pasteInto, removeSelection } from './copying.ts';
import { runToggleCollapse } from './folding.ts';
import { addNote, groupSelection, nextColour, ungroup } from './framing.ts';
import { connectSelection } from './wires.ts';

function mute(editor: Editor): void {
  const state = editor.store.getState();
  const chosen = chosenOf(state);
  if (!chosen) return;
  const all = chosen.nodes.every((id) => chosen.graph.nodes[id]?.mute === true);
  editor.edit(all ? 'Unmute' : 'Mute', (document) => {
    let next = document;
    for (const id of chosen.nodes) {
      const node = graphAt(next, chosen.at)?.nodes[id];
      if (!node || node.raw !== undefined) continue;
      const { mute: _, ...rest } = node;
      next = replaceNode(next, { graph: chosen.at, node: id }, all ? rest : { ...rest, mute: true });
    }
    return next;
  });
}

function bypassSelection(editor: Editor): void {
  const state = editor.store.getState();
  const chosen = chosenOf(state);
  const context = contextOf(state);
  if (!chosen || !context) return;
  const drawn = editor.canvas.current?.positions(chosen.text) ?? {};
  editor.edit('Bypass', (document) => {
    const done = bypass({ ...context, document }, chosen.at, chosen.nodes);
    if (!done.ok) return done;
    return withGraphView(done.value, chosen.text, (v) => ({ ...v, positions: { ...drawn, ...v.positions } }));
  });
}

function place(
  editor: Editor,
  label: string,
  points: (boxes: ReturnType<NonNullable<Editor['canvas']['current']>['boxes']>) => ReadonlyMap<string, Point>,
): void {
  const chosen = chosenOf(editor.store.getState());
  const canvas = editor.canvas.current;
  if (!chosen || !canvas) return;
  const moved = points(canvas.boxes(chosen.text, chosen.nodes));
  editor.edit(label, (d) =>
    withGraphView(d, chosen.text, (v) => ({
      ...v,
      positions: { ...canvas.positions(chosen.text), ...Object.fromEntries(moved) },
    })),
  );
}

const align = (to: AlignTo, title: string): UiCommand => ({
  id: `canvas.align${to.charAt(0).toUpperCase()}${to.slice(1)}`,
  title,
  group: 'Edit',
  words: ['align', 'line up'],
  unavailable: editable(needsTwo),
  run: (e) => place(e, title, (boxes) => aligned(boxes, to)),
});

function independent(editor: Editor): void {
  const chosen = chosenOf(editor.store.getState());
  if (!chosen) return;
  editor.edit('Make independent', (document): EditResult => {
    let next: EditResult = ok(document);
    for (const id of chosen.nodes) {
      const node = chosen.graph.nodes[id];
      if (next.ok && node?.recipe !== undefined) next = makeIndependent(next.value, { graph: chosen.at, node: id });
    }
    return next;
  });
}

/** Moves the selected module one place up or down in its rack. */
function moveInRack(editor: Editor, by: 1 | -1): void {
  const state = editor.store.getState();
  const chosen = chosenOf(state);
  const context = contextOf(state);
  const [id] = chosen?.nodes ?? [];
  if (!chosen || !context || id === undefined) return;
  for (const [target, rack] of racksOf(chosen.graph, context.types)) {
    const at = rack.findIndex((a) => a.id === id);
    const other = rack[at + by];
    const own = rack[at];
    if (!own || !other) continue;
    const order = rack.map((a, i) => (i === at ? other.id : i === at + by ? id : a.id));
    editor.edit('Reorder modules', (d) => {
      const graph = graphAt(d, chosen.at);
      return graph ? replaceGraph(d, chosen.at, reorderRack(graph, target, own.edge.to.port, order)) : d;
    });
    return;
  }
  editor.toast('info', 'There is no other module in this direction of the rack.');
}

const collapse = (editor: Editor): void => {
  const { selection } = editor.store.getState();
  if (selection.nodes.length > 0) runToggleCollapse(editor, selection.graph, selection.nodes);
};

function rename(editor: Editor): void {
  const { selection } = editor.store.getState();
  const [first] = selection.nodes;
  const at = anyAddressOf(selection.graph);
  if (first === undefined || !at) return;
  const frame = /^(group|note):(.+)$/.exec(first);
  const id = frame ? `${frame[1] ?? ''}:${selection.graph}:${frame[2] ?? ''}` : sceneId(at.path, first);
  editor.canvas.current?.set({ writing: id });
}

function note(editor: Editor): void {
  const chosen = chosenOf(editor.store.getState());
  if (!chosen) return;
  const places = Object.values(editor.canvas.current?.positions(chosen.text) ?? {});
  const top = places.length === 0 ? 0 : Math.min(...places.map((p) => p.y));
  addNote(editor, chosen.text, { x: places[0]?.x ?? 0, y: top - 160 });
}

export const editingCommands: readonly UiCommand[] = [
  {
    id: 'canvas.copy',
    title: 'Copy',
    group: 'Edit',
    keys: 'Ctrl+C',
    unavailable: needsNodes,
    run: (e) => void copySelection(e),
  },
  {
    id: 'canvas.cut',
    title: 'Cut',
    group: 'Edit',
    keys: 'Ctrl+X',
    unavailable: editable(needsNodes),
    run: cutSelection,
  },
  {
    id: 'canvas.paste',
    title: 'Paste',
    group: 'Edit',
    keys: 'Ctrl+V',
    unavailable: editable(needsModel),
    run: (e) => pasteInto(e, false),
  },
  {
    id: 'canvas.pasteWired',
    title: 'Paste with incoming wires',
    group: 'Edit',
    keys: 'Ctrl+Shift+V',
    unavailable: editable(needsModel),
    run: (e) => pasteInto(e, true),
  },
  {
    id: 'canvas.duplicate',
    title: 'Duplicate',
    group: 'Edit',
    keys: 'Ctrl+D',
    unavailable: editable(needsNodes),
    run: duplicate,
  },
  {
    id: 'canvas.delete',
    title: 'Delete the selection',
    group: 'Edit',
    keys: 'Delete',
    words: ['remove', 'erase'],
    unavailable: editable(needsSelection),
    run: (e) => removeSelection(e),
  },
  {
    id: 'canvas.deleteBack',
    title: 'Delete the selection (Backspace)',
    group: 'Edit',
    keys: 'Backspace',
    unavailable: editable(needsSelection),
    run: (e) => removeSelection(e),
  },
  {
    id: 'canvas.rename',
    title: 'Rename',
    group: 'Edit',
    keys: 'F2',
    unavailable: editable(needsSelection),
    run: rename,
  },
  {
    id: 'canvas.mute',
    title: 'Mute or unmute',
    group: 'Graph',
    keys: 'Ctrl+M',
    words: ['disable', 'off'],
    unavailable: editable(needsNodes),
    run: mute,
  },
  {
    id: 'canvas.bypass',
    title: 'Take out of the flow',
    group: 'Graph',
    keys: 'Ctrl+B',
    words: ['bypass', 'unwire'],
    unavailable: editable(needsNodes),
    run: bypassSelection,
  },
  {
    id: 'canvas.collapse',
    title: 'Collapse or open',
    group: 'Graph',
    keys: 'Shift+C',
    words: ['fold'],
    unavailable: needsSelection,
    run: collapse,
  },
  {
    id: 'canvas.group',
    title: 'Group the selection',
    group: 'Graph',
    keys: 'Ctrl+G',
    words: ['frame'],
    unavailable: editable(needsNodes),
    run: groupSelection,
  },
  {
    id: 'canvas.ungroup',
    title: 'Dissolve the group',
    group: 'Graph',
    keys: 'Ctrl+Shift+G',
    unavailable: editable(needsGroup),
    run: ungroup,
  },
  {
    id: 'canvas.groupColour',
    title: 'Next colour of the group',
    group: 'Graph',
    unavailable: editable(needsGroup),
    run: nextColour,
  },
  {
    id: 'canvas.note',
    title: 'Add a note',
    group: 'Add',
    keys: 'N',
    words: ['sticky', 'comment'],
    unavailable: editable(needsModel),
    run: note,
  },
  {
    id: 'canvas.connect',
    title: 'Wire the selected nodes',
    group: 'Graph',
    keys: 'F',
    words: ['connect', 'auto'],
    unavailable: editable(needsTwo),
    run: connectSelection,
  },
  {
    id: 'recipe.independent',
    title: 'Make independent of its recipe',
    group: 'Graph',
    unavailable: editable(needsNodes),
    run: independent,
  },
  {
    id: 'canvas.chipUp',
    title: 'Apply this module earlier',
    group: 'Graph',
    words: ['rack', 'order', 'up'],
    unavailable: editable(needsNodes),
    run: (e) => moveInRack(e, -1),
  },
  {
    id: 'canvas.chipDown',
    title: 'Apply this module later',
    group: 'Graph',
    words: ['rack', 'order', 'down'],
    unavailable: editable(needsNodes),
    run: (e) => moveInRack(e, 1),
  },
  {
    id: 'canvas.layers',
    title: 'Choose the layers of the selection',
    group: 'Layers',
    keys: 'L',
    unavailable: needsNodes,
    run: (e) => e.set({ inspector: true }),
  },
  align('left', 'Align left'),
  align('centre', 'Align centres'),
  align('right', 'Align right'),
  align('top', 'Align tops'),
  align('middle', 'Align middles'),
  align('bottom', 'Align bottoms'),
  {
    id: 'canvas.distributeX',
    title: 'Distribute horizontally',
    group: 'Edit',
    unavailable: editable(needsThree),
    run: (e) => place(e, 'Distribute horizontally', (boxes) => distributed(boxes, 'x')),
  },
  {
    id: 'canvas.distributeY',
    title: 'Distribute vertically',
    group: 'Edit',
    unavailable: editable(needsThree),
    run: (e) => place(e, 'Distribute vertically', (boxes) => distributed(boxes, 'y')),
  },
];
