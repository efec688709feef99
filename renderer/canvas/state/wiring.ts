/**
 * A wire in the hand: ports that fit light up, the others step back with the reason, which stands at the cursor while the
 * wire is over them. Works on the ports' elements directly, so that no card is drawn again.
 */
import type { NodeId, PortId } from '../../../engine/protocol/ids.ts';
import { connect, disconnect, graphAt } from '../../../engine/protocol/edit.ts';
import { WALL_IN, WALL_OUT } from '../../../engine/protocol/ids.ts';
import type { Editor } from '../../state/editor.ts';
import { addressOf } from '../model/address.ts';
import { fitsOf, whyNot, type End } from '../model/compatible.ts';
import { edgeId } from '../model/scene.ts';
import type { Board } from './board.ts';
import type { CanvasStore } from './canvasState.ts';
import { contextOf } from './hands.ts';

/** A handle of React Flow as an end of a wire of the document. */
export function endOf(board: Board, nodeId: string, handle: string, type: 'source' | 'target'): End | undefined {
  const { scene } = board.store.getState();
  const node = scene.byId.get(nodeId);
  if (!node) return undefined;
  const wall = /^\$(in|out)\.(.+)$/.exec(handle);
  if (wall) {
    const body = [...scene.graphs.values()].find((g) => g.address.path.join('/') === nodeId);
    if (!body) return undefined;
    return { at: body.address, node: type === 'source' ? WALL_IN : WALL_OUT, port: (wall[2] ?? '') as PortId };
  }
  const at = addressOf(node.graph);
  if (!at) return undefined;
  const chip = handle.indexOf('.');
  return chip < 0
    ? { at, node: node.node, port: handle as PortId }
    : { at, node: handle.slice(0, chip) as NodeId, port: handle.slice(chip + 1) as PortId };
}

export interface Wiring {
  begin(nodeId: string, handle: string, type: 'source' | 'target', edge?: string): void;
  /** Why the ports do not fit, `undefined` when they do. */
  why(from: { node: string; handle: string }, to: { node: string; handle: string }): string | undefined;
  make(from: { node: string; handle: string }, to: { node: string; handle: string }): void;
  end(): void;
}

export function createWiring(
  editor: Editor,
  canvas: CanvasStore,
  board: Board,
  root: () => HTMLElement | null,
): Wiring {
  /** The wire whose end is held, when one is reconnected. */
  let instead:
    { readonly from: { node: NodeId; port: PortId }; readonly to: { node: NodeId; port: PortId } } | undefined;

  const mark = (element: Element, why: string | undefined): void => {
    element.setAttribute('data-fit', why === undefined ? 'yes' : 'no');
    if (why !== undefined) element.setAttribute('data-why', why);
  };

  return {
    begin: (nodeId, handle, type, edge) => {
      const state = editor.store.getState();
      const context = contextOf(state);
      const held = endOf(board, nodeId, handle, type);
      const element = root();
      if (!context || !held || !element) return;
      instead = edge === undefined ? undefined : wireNamed(board, edge);
      canvas.setState({ wiring: true });
      const side = type === 'source' ? 'out' : 'in';
      const fits = new Map(
        fitsOf(context, held, side, instead).map((f) => [`${f.end.node}.${f.end.port.name}`, f.why] as const),
      );
      const container = held.at.path.join('/');
      for (const handleElement of element.querySelectorAll<HTMLElement>('.react-flow__handle')) {
        const id = handleElement.dataset['nodeid'] ?? '';
        const name = handleElement.dataset['handleid'] ?? '';
        const isSource = handleElement.classList.contains('source');
        if (id === nodeId && name === handle && isSource === (type === 'source')) continue;
        const end = endOf(board, id, name, isSource ? 'source' : 'target');
        const sameGraph = end !== undefined && end.at.path.join('/') === container;
        if (isSource === (type === 'source')) {
          mark(handleElement, 'A wire goes from an output to an input.');
        } else if (!sameGraph) {
          mark(handleElement, end ? whyNotEnds(context, held, end, type) : 'Nothing is here.');
        } else mark(handleElement, fits.get(`${end.node}.${end.port}`));
      }
    },
    why: (from, to) => {
      const context = contextOf(editor.store.getState());
      const a = endOf(board, from.node, from.handle, 'source');
      const b = endOf(board, to.node, to.handle, 'target');
      return !context || !a || !b ? 'Nothing is here.' : whyNot(context, a, b, instead);
    },
    make: (from, to) => {
      const a = endOf(board, from.node, from.handle, 'source');
      const b = endOf(board, to.node, to.handle, 'target');
      if (!a || !b) return;
      const wire = { from: { node: a.node, port: a.port }, to: { node: b.node, port: b.port } };
      const cut = instead;
      editor.edit(cut === undefined ? 'Wire' : 'Reconnect wire', (document) => {
        if (!graphAt(document, a.at)) return document;
        const before = cut === undefined ? undefined : disconnect(document, a.at, cut);
        return connect(before?.ok === true ? before.value : document, a.at, wire);
      });
    },
    end: () => {
      instead = undefined;
      canvas.setState({ wiring: false });
      for (const e of root()?.querySelectorAll('[data-fit]') ?? []) {
        e.removeAttribute('data-fit');
        e.removeAttribute('data-why');
      }
    },
  };
}

function whyNotEnds(
  context: NonNullable<ReturnType<typeof contextOf>>,
  held: End,
  other: End,
  type: 'source' | 'target',
): string {
  const why = type === 'source' ? whyNot(context, held, other) : whyNot(context, other, held);
  return why ?? 'A wire cannot pass through the wall of a stack.';
}

function wireNamed(
  board: Board,
  id: string,
): { from: { node: NodeId; port: PortId }; to: { node: NodeId; port: PortId } } | undefined {
  const { scene } = board.store.getState();
  const drawn = scene.edges.find((e) => e.id === id);
  const graph = drawn && scene.graphs.get(drawn.graph)?.graph;
  return graph?.edges.find((e) => edgeId(e) === drawn?.edge);
}
