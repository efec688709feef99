/** Edits of wires: all of a port, and connecting what is selected. */
import { connect, disconnect, graphAt, type EditResult } from '../../../engine/protocol/edit.ts';
import { ok } from '../../../engine/base/result.ts';
import type { Editor } from '../../state/editor.ts';
import { autoConnections } from '../model/compatible.ts';
import type { Board } from '../state/board.ts';
import { chosenOf, contextOf } from '../state/hands.ts';
import { endOf } from '../state/wiring.ts';

export function disconnectPort(editor: Editor, board: Board, node: string, port: string, side: 'in' | 'out'): void {
  const end = endOf(board, node, port, side === 'out' ? 'source' : 'target');
  if (!end) return;
  editor.edit('Remove wires', (document): EditResult => {
    let next: EditResult = ok(document);
    for (const e of graphAt(document, end.at)?.edges ?? []) {
      const own = side === 'out' ? e.from : e.to;
      if (next.ok && own.node === end.node && own.port === end.port) next = disconnect(next.value, end.at, e);
    }
    return next;
  });
}

/** Wires the selected nodes from left to right where that is plain. */
export function connectSelection(editor: Editor): void {
  const state = editor.store.getState();
  const chosen = chosenOf(state);
  const context = contextOf(state);
  if (!chosen || !context) return;
  const boxes = editor.canvas.current?.boxes(chosen.text, chosen.nodes);
  const sorted = [...chosen.nodes].sort((a, b) => (boxes?.get(a)?.x ?? 0) - (boxes?.get(b)?.x ?? 0));
  const wires = autoConnections(context, chosen.at, sorted);
  if (wires.length === 0) {
    editor.toast('info', 'No two of the selected nodes have free ports that fit each other.');
    return;
  }
  editor.edit(wires.length === 1 ? 'Wire' : `Wire ${wires.length} nodes`, (document): EditResult => {
    let next: EditResult = ok(document);
    for (const { from, to } of wires) {
      if (next.ok) {
        next = connect(next.value, chosen.at, {
          from: { node: from.node, port: from.port },
          to: { node: to.node, port: to.port },
        });
      }
    }
    return next;
  });
}
