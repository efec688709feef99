/**
 * A wire in the hand: ports that fit light up, the others step back with the reason, which stands at the cursor while the
 * wire is over them. Works on the ports' elements directly, so that no card is drawn again.
 */
import type { NodeId, PortId } from '../../../engine/protocol/ids.ts';
import { connect, disconnect, graphAt, type GraphAddress } from '../../../engine/protocol/edit.ts';
import { WALL_IN, WALL_OUT } from '../../../engine/protocol/ids.ts';
import type { Editor } from '../../state/editor.ts';
import { anyAddressOf } from '../model/address.ts';
import { fitsOf, whyNot, type End } from '../model/compatible.ts';
import { edgeId } from '../model/scene.ts';
import { stepWhyNot, type StepEnd } from '../model/stepWiring.ts';
import type { Board } from './board.ts';
import type { CanvasStore } from './canvasState.ts';
import { contextOf } from './hands.ts';

export type AnyEnd = { readonly at: GraphAddress; readonly node: NodeId; readonly port: PortId };

/** A handle of React Flow as an end of a wire of the document, on either level. */
export function anyEndOf(board: Board, nodeId: string, handle: string, type: 'source' | 'target'): AnyEnd | undefined {
  const { scene } = board.store.getState();
  const node = scene.byId.get(nodeId);
  if (!node) return undefined;
  const wall = /^\$(in|out)\.(.+)$/.exec(handle);
  if (wall) {
    const body = [...scene.graphs.values()].find((g) => g.address.path.join('/') === nodeId);
    if (!body) return undefined;
    return { at: body.address, node: type === 'source' ? WALL_IN : WALL_OUT, port: (wall[2] ?? '') as PortId };
  }
  const at = anyAddressOf(node.graph);
  if (!at) return undefined;
  const chip = handle.indexOf('.');
  return chip < 0
    ? { at, node: node.node, port: handle as PortId }
    : { at, node: handle.slice(0, chip) as NodeId, port: handle.slice(chip + 1) as PortId };
}

const isModelEnd = (end: AnyEnd): end is End => end.at.level === 'model';
const isStepEnd = (end: AnyEnd): end is StepEnd => end.at.level === 'workflow';

/** The same on the level of models alone. */
export function endOf(board: Board, nodeId: string, handle: string, type: 'source' | 'target'): End | undefined {
  const end = anyEndOf(board, nodeId, handle, type);
  return end && isModelEnd(end) ? end : undefined;
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

  const whyPair = (a: AnyEnd, b: AnyEnd): string | undefined => {
    const context = contextOf(editor.store.getState());
    if (!context) return 'Nothing is open.';
    if (isModelEnd(a) && isModelEnd(b)) return whyNot(context, a, b, instead);
    return isStepEnd(a) && isStepEnd(b) ? stepWhyNot(context.document, context.types, a, b) : 'Nothing is here.';
  };

  const mark = (element: Element, why: string | undefined): void => {
    element.setAttribute('data-fit', why === undefined ? 'yes' : 'no');
    if (why !== undefined) element.setAttribute('data-why', why);
  };

  return {
    begin: (nodeId, handle, type, edge) => {
      const held = anyEndOf(board, nodeId, handle, type);
      const element = root();
      const context = contextOf(editor.store.getState());
      if (!context || !held || !element) return;
      instead = edge === undefined ? undefined : wireNamed(board, edge);
      canvas.setState({ wiring: true });
      // All ends of the same graph at once: kinds and widths are looked up once for them.
      const fits = isModelEnd(held)
        ? new Map(
            fitsOf(context, held, type === 'source' ? 'out' : 'in', instead).map(
              (f) => [`${f.end.node}.${f.end.port.name}`, f.why] as const,
            ),
          )
        : undefined;
      const container = held.at.path.join('/');
      for (const handleElement of element.querySelectorAll<HTMLElement>('.react-flow__handle')) {
        const id = handleElement.dataset['nodeid'] ?? '';
        const name = handleElement.dataset['handleid'] ?? '';
        const isSource = handleElement.classList.contains('source');
        if (id === nodeId && name === handle && isSource === (type === 'source')) continue;
        const end = anyEndOf(board, id, name, isSource ? 'source' : 'target');
        if (!end) continue;
        if (isSource === (type === 'source')) mark(handleElement, 'A wire goes from an output to an input.');
        else if (fits && end.at.path.join('/') === container) mark(handleElement, fits.get(`${end.node}.${end.port}`));
        else mark(handleElement, type === 'source' ? whyPair(held, end) : whyPair(end, held));
      }
    },
    why: (from, to) => {
      const a = anyEndOf(board, from.node, from.handle, 'source');
      const b = anyEndOf(board, to.node, to.handle, 'target');
      return !a || !b ? 'Nothing is here.' : whyPair(a, b);
    },
    make: (from, to) => {
      const a = anyEndOf(board, from.node, from.handle, 'source');
      const b = anyEndOf(board, to.node, to.handle, 'target');
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

function wireNamed(
  board: Board,
  id: string,
): { from: { node: NodeId; port: PortId }; to: { node: NodeId; port: PortId } } | undefined {
  const { scene } = board.store.getState();
  const drawn = scene.edges.find((e) => e.id === id);
  const graph = drawn && scene.graphs.get(drawn.graph)?.graph;
  return graph?.edges.find((e) => edgeId(e) === drawn?.edge);
}
