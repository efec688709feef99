/**
 * Where something that is held would land: in a wire that has lit up, on a layer's rack, in series with a sublayer or
 * parallel to it, or in the void of a graph. Used for nodes that are moved and for modules of the palette alike.
 */
import type { ReactFlowInstance } from '@xyflow/react';
import { graphAt } from '../../../engine/protocol/edit.ts';
import type { NodeId } from '../../../engine/protocol/ids.ts';
import type { Editor } from '../../state/editor.ts';
import { addressOf } from '../model/address.ts';
import { attachWay, edgeKind, through } from '../model/building.ts';
import { isCard } from '../model/flow.ts';
import { portsOf, type Ports } from '../model/ports.ts';
import { edgeId } from '../model/scene.ts';
import type { Board } from './board.ts';
import type { CanvasStore, HalvesState, ScreenPoint } from './canvasState.ts';
import { contextOf } from './hands.ts';

export type Landing =
  | { readonly kind: 'wire'; readonly graph: string; readonly edge: string }
  | { readonly kind: 'card'; readonly graph: string; readonly node: NodeId; readonly way: HalvesState['half'] }
  | { readonly kind: 'void'; readonly graph: string; readonly at: ScreenPoint };

/** A wire lights up after the pointer has been on it for so long. */
export const LIGHT_MILLISECONDS = 120;

export interface Held {
  /** The type of a module that is dragged from the palette. */
  readonly type?: string;
  /** A node that is moved; it has no wires. */
  readonly node?: { readonly graph: string; readonly id: NodeId };
}

export interface Dropping {
  /** Follows the pointer; `alt`: never splice. */
  over(held: Held, screen: ScreenPoint, alt: boolean): void;
  /** Where it lands now. */
  landing(screen: ScreenPoint): Landing | undefined;
  end(): void;
}

export function createDropping(editor: Editor, canvas: CanvasStore, board: Board, flow: ReactFlowInstance): Dropping {
  let waiting: { readonly edge: string; readonly timer: ReturnType<typeof setTimeout> } | undefined;

  const portsOfHeld = (held: Held): Ports | undefined => {
    const context = contextOf(editor.store.getState());
    if (!context) return undefined;
    if (held.type !== undefined) {
      const info = context.types.node(held.type);
      const list = (
        ports: Readonly<Record<string, { kind: string; doc: string; many?: boolean; optional?: boolean }>>,
      ) =>
        Object.entries(ports).map(([name, p]) => ({
          name: name as never,
          kind: p.kind,
          doc: p.doc,
          many: p.many === true,
          optional: p.optional === true,
        }));
      return info && { inputs: list(info.inputs), outputs: list(info.outputs) };
    }
    const at = held.node && addressOf(held.node.graph);
    const graph = at && graphAt(context.document, at);
    const node = held.node && graph?.nodes[held.node.id];
    return graph && node && held.node ? portsOf(held.node.id, node, graph, context.types) : undefined;
  };

  const elementsAt = (screen: ScreenPoint): Element[] => document.elementsFromPoint(screen.x, screen.y);

  const cardAt = (held: Held, screen: ScreenPoint): string | undefined => {
    for (const e of elementsAt(screen)) {
      // The target of a port is larger than its picture: between two cards that are near it lies on the wire.
      if (e.closest('.react-flow__handle')) continue;
      const card = e.closest<HTMLElement>('[data-card]');
      if (!card || card.closest('.react-flow__node-stack') || card.closest('.dragging')) continue;
      const id = card.dataset['card'];
      const scene = id === undefined ? undefined : board.store.getState().scene.byId.get(id);
      if (scene && !(held.node && scene.graph === held.node.graph && scene.node === held.node.id)) return id;
    }
    return undefined;
  };

  const wireAt = (held: Held, screen: ScreenPoint): string | undefined => {
    const ports = portsOfHeld(held);
    const context = contextOf(editor.store.getState());
    if (!ports || !context) return undefined;
    for (const e of elementsAt(screen)) {
      const edge = e.closest<HTMLElement>('.react-flow__edge');
      const id = edge?.dataset['id'];
      const { scene } = board.store.getState();
      const drawn = id === undefined ? undefined : scene.edges.find((x) => x.id === id);
      const graph = drawn && scene.graphs.get(drawn.graph)?.graph;
      const wire = graph?.edges.find((x) => edgeId(x) === drawn?.edge);
      if (!drawn || !graph || !wire || id === undefined) continue;
      if (
        held.node &&
        (drawn.graph !== held.node.graph || wire.from.node === held.node.id || wire.to.node === held.node.id)
      ) {
        continue;
      }
      if (through(ports.inputs, ports.outputs, edgeKind(context, graph, wire))) return id;
    }
    return undefined;
  };

  const wayOn = (held: Held, id: string, screen: ScreenPoint): HalvesState['half'] | undefined => {
    const state = editor.store.getState();
    const context = contextOf(state);
    const scene = board.store.getState().scene.byId.get(id);
    const at = scene && addressOf(scene.graph);
    const type =
      held.type ?? (held.node && at ? graphAt(state.document as never, at)?.nodes[held.node.id]?.type : undefined);
    if (!context || !scene || !at || type === undefined) return undefined;
    if (held.node && held.node.graph !== scene.graph) return undefined;
    const way = attachWay(context, at, type, scene.node);
    if (way === undefined) return undefined;
    if (way === 'dock') return 'rack';
    const node = board.store.getState().nodes.find((n) => n.id === id);
    const box = node && flow.getInternalNode(id);
    if (!node || !box) return undefined;
    const here = flow.screenToFlowPosition(screen);
    return here.y > box.internals.positionAbsolute.y + (node.height ?? 0) / 2 ? 'parallel' : 'series';
  };

  const unlight = (): void => {
    if (waiting) clearTimeout(waiting.timer);
    waiting = undefined;
    if (canvas.getState().splice !== undefined) canvas.setState({ splice: undefined });
  };

  const setHalves = (next: HalvesState | undefined): void => {
    const now = canvas.getState().halves;
    if (now?.id !== next?.id || now?.half !== next?.half) canvas.setState({ halves: next });
  };

  return {
    over: (held, screen, alt) => {
      const card = cardAt(held, screen);
      const way = card === undefined ? undefined : wayOn(held, card, screen);
      setHalves(card === undefined || way === undefined ? undefined : { id: card, half: way });
      const wire = alt || way !== undefined ? undefined : wireAt(held, screen);
      if (wire === undefined) return unlight();
      if (waiting?.edge === wire) return;
      unlight();
      waiting = { edge: wire, timer: setTimeout(() => canvas.setState({ splice: wire }), LIGHT_MILLISECONDS) };
    },
    landing: (screen) => {
      const { halves, splice } = canvas.getState();
      const { scene } = board.store.getState();
      const card = halves && scene.byId.get(halves.id);
      if (halves && card) return { kind: 'card', graph: card.graph, node: card.node, way: halves.half };
      const wire = splice === undefined ? undefined : scene.edges.find((e) => e.id === splice);
      if (wire) return { kind: 'wire', graph: wire.graph, edge: wire.edge };
      return voidAt(board, flow, screen);
    },
    end: () => {
      unlight();
      setHalves(undefined);
    },
  };
}

/** The innermost graph under a point of the screen, and the point in it. */
export function voidAt(
  board: Board,
  flow: ReactFlowInstance,
  screen: ScreenPoint,
): Extract<Landing, { kind: 'void' }> | undefined {
  const here = flow.screenToFlowPosition(screen);
  const { nodes, scene } = board.store.getState();
  let best: { readonly graph: string; readonly at: ScreenPoint; readonly depth: number } | undefined;
  for (const n of nodes) {
    if (!isCard(n) || n.type !== 'stack' || n.hidden === true) continue;
    const internal = flow.getInternalNode(n.id);
    if (!internal) continue;
    const { x, y } = internal.internals.positionAbsolute;
    if (here.x < x || here.y < y || here.x > x + (n.width ?? 0) || here.y > y + (n.height ?? 0)) continue;
    const depth = n.id.split('/').length;
    const graph = [...scene.graphs.entries()].find(([, g]) => g.address.path.join('/') === n.id)?.[0];
    if (graph !== undefined && (best === undefined || depth > best.depth)) {
      best = { graph, at: { x: here.x - x, y: here.y - y }, depth };
    }
  }
  if (best) return { kind: 'void', graph: best.graph, at: best.at };
  const top = [...scene.graphs.keys()][0];
  return top === undefined ? undefined : { kind: 'void', graph: top, at: here };
}
