/** Groups and notes. */
import { withGraphView } from '../../../engine/protocol/view.ts';
import type { NodeId } from '../../../engine/protocol/ids.ts';
import type { Editor } from '../../state/editor.ts';
import { snapped } from '../model/card.ts';
import { chosenOf } from '../state/hands.ts';
import { freeKey } from './writing.ts';

const COLOURS = ['grey', 'blue', 'green', 'amber', 'violet'] as const;

export function groupSelection(editor: Editor): void {
  const chosen = chosenOf(editor.store.getState());
  const { document } = editor.store.getState();
  if (!chosen || !document || chosen.nodes.length === 0) return;
  const key = freeKey(document, chosen.text, 'groups');
  const drawn = editor.canvas.current?.positions(chosen.text) ?? {};
  editor.edit(
    'Group',
    (d) =>
      withGraphView(d, chosen.text, (v) => ({
        ...v,
        positions: { ...drawn, ...v.positions },
        groups: { ...v.groups, [key]: { title: 'Group', nodes: [...chosen.nodes] } },
      })),
    { select: { graph: chosen.text, nodes: [`group:${key}` as NodeId], edges: [] } },
  );
  editor.canvas.current?.set({ writing: `group:${chosen.text}:${key}` });
}

/** The groups that are selected, or those that hold a selected node. */
function chosenGroups(editor: Editor): { readonly graph: string; readonly keys: readonly string[] } | undefined {
  const state = editor.store.getState();
  const chosen = chosenOf(state);
  if (!chosen || !state.document) return undefined;
  const raw = state.selection.nodes as readonly string[];
  const own = raw.filter((n) => n.startsWith('group:')).map((n) => n.slice('group:'.length));
  return { graph: chosen.text, keys: own };
}

export function ungroup(editor: Editor): void {
  const found = chosenGroups(editor);
  if (!found || found.keys.length === 0) return;
  editor.edit('Ungroup', (d) =>
    withGraphView(d, found.graph, (v) => ({
      ...v,
      groups: Object.fromEntries(Object.entries(v.groups).filter(([k]) => !found.keys.includes(k))),
      collapsed: v.collapsed.filter((c) => !found.keys.some((k) => c === `group:${k}`)),
    })),
  );
}

export function nextColour(editor: Editor): void {
  const found = chosenGroups(editor);
  if (!found || found.keys.length === 0) return;
  editor.edit('Colour of group', (d) =>
    withGraphView(d, found.graph, (v) => ({
      ...v,
      groups: Object.fromEntries(
        Object.entries(v.groups).map(([k, g]) => {
          if (!found.keys.includes(k)) return [k, g];
          const at = COLOURS.findIndex((c) => c === (g.colour ?? 'grey'));
          return [k, { ...g, colour: COLOURS[(at + 1) % COLOURS.length] ?? 'grey' }];
        }),
      ),
    })),
  );
}

export function addNote(editor: Editor, graph: string, at: { readonly x: number; readonly y: number }): void {
  const { document } = editor.store.getState();
  if (!document) return;
  const key = freeKey(document, graph, 'notes');
  editor.edit(
    'Add note',
    (d) =>
      withGraphView(d, graph, (v) => ({
        ...v,
        notes: { ...v.notes, [key]: { text: '', x: snapped(at.x), y: snapped(at.y), width: 240, height: 120 } },
      })),
    { select: { graph, nodes: [`note:${key}` as NodeId], edges: [] } },
  );
  editor.canvas.current?.set({ writing: `note:${graph}:${key}` });
}
