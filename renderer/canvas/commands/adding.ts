/** Adding modules: where a landing says, on the selection, or beside it. */
import { must } from '../../../engine/base/errors.ts';
import {
  connect,
  formatGraphAddress,
  graphAt,
  type EditResult,
  type ModelAddress,
} from '../../../engine/protocol/edit.ts';
import type { Document } from '../../../engine/protocol/document.ts';
import type { NodeId, PortId } from '../../../engine/protocol/ids.ts';
import { withGraphView, type Point } from '../../../engine/protocol/view.ts';
import type { Editor } from '../../state/editor.ts';
import { addressOf } from '../model/address.ts';
import { attach, dock, feed, inParallel, inSeries, newNode, splice } from '../model/building.ts';
import { snapped } from '../model/card.ts';
import { typePorts, whyNot } from '../model/compatible.ts';
import { edgeId } from '../model/scene.ts';
import { chosenOf, contextOf } from '../state/hands.ts';
import type { Landing } from '../state/dropping.ts';

type Step = (document: Document, at: ModelAddress, id: NodeId) => EditResult;

/** Makes a node of a type and does with it what the landing says. */
export function addAt(editor: Editor, type: string, landing: Landing): boolean {
  const state = editor.store.getState();
  const context = contextOf(state);
  const at = addressOf(landing.graph);
  if (!context || !at) return false;
  const title = context.types.node(type)?.title ?? type;
  const beside =
    landing.kind === 'card'
      ? landing.node
      : landing.kind === 'wire'
        ? wireEnd(context.document, at, landing.edge)
        : undefined;
  let made: NodeId | undefined;
  const done = editor.edit(`Add ${title}`, (document) => {
    const built = newNode({ ...context, document }, at, type, beside);
    if (!built.ok) return built;
    made = built.value.node;
    const next = land(editor, landing)(built.value.document, at, made);
    return next.ok ? { ok: true, value: feed({ ...context, document: next.value }, at, made) } : next;
  });
  if (done && made !== undefined) editor.select({ graph: landing.graph, nodes: [made], edges: [] });
  return done;
}

const wireEnd = (document: Document, at: ModelAddress, edge: string): NodeId | undefined =>
  graphAt(document, at)?.edges.find((e) => edgeId(e) === edge)?.from.node;

/** What is done with a node that lands. */
export function land(editor: Editor, landing: Landing): Step {
  return (document, at, id) => {
    const context = { ...must(contextOf(editor.store.getState()), 'a project is open'), document };
    switch (landing.kind) {
      case 'void':
        return { ok: true, value: placedAt(editor, document, formatGraphAddress(at), id, landing.at) };
      case 'card':
        return landing.way === 'rack'
          ? dock(context, at, landing.node, id)
          : landing.way === 'series'
            ? inSeries(context, at, landing.node, id)
            : inParallel(context, at, landing.node, id);
      case 'wire': {
        const wire = graphAt(document, at)?.edges.find((e) => edgeId(e) === landing.edge);
        if (!wire) return { ok: true, value: document };
        const spliced = splice(context, at, wire, id);
        return spliced.ok
          ? { ok: true, value: withRoom(editor, spliced.value, landing.graph, wire.from.node, wire.to.node, id) }
          : spliced;
      }
    }
  };
}

/** The others are kept where they are shown: with one place in the document, the graph would not be laid out again. */
const placedAt = (editor: Editor, document: Document, graph: string, id: NodeId, at: Point): Document =>
  withGraphView(document, graph, (v) => ({
    ...v,
    positions: {
      ...editor.canvas.current?.positions(graph),
      ...v.positions,
      [id]: { x: snapped(at.x), y: snapped(at.y) },
    },
  }));

const ROOM = 272;

/** Makes room for a node in the middle of a wire: what stands to the right in the row moves on. */
function withRoom(editor: Editor, document: Document, graph: string, from: NodeId, to: NodeId, id: NodeId): Document {
  const canvas = editor.canvas.current;
  if (!canvas) return document;
  const places = canvas.positions(graph);
  const left = places[from];
  const right = places[to];
  if (!right || (left && right.x <= left.x)) {
    const at = left ? { x: left.x + ROOM, y: left.y } : { x: (right?.x ?? ROOM) - ROOM, y: right?.y ?? 0 };
    return withGraphView(document, graph, (v) => ({ ...v, positions: { ...places, ...v.positions, [id]: at } }));
  }
  const start = left?.x ?? right.x - ROOM;
  const gap = right.x - start;
  const missing = Math.max(0, 2 * ROOM - gap);
  const isInRow = (y: number): boolean => Math.abs(y - right.y) < 160;
  const positions = Object.fromEntries(
    Object.entries(places).map(([n, p]) => [n, p.x >= right.x && isInRow(p.y) ? { x: p.x + missing, y: p.y } : p]),
  );
  return withGraphView(document, graph, (v) => ({
    ...v,
    positions: { ...v.positions, ...positions, [id]: { x: snapped(start + (gap + missing) / 2), y: right.y } },
  }));
}

/** Attaches a type to all selected nodes with one recipe, or says why not. */
export function attachToSelection(editor: Editor, type: string): boolean {
  const state = editor.store.getState();
  const chosen = chosenOf(state);
  const context = contextOf(state);
  if (!chosen || !context || chosen.nodes.length === 0) {
    editor.toast('info', 'Select the layers that the module shall change, then press A.');
    return false;
  }
  const title = context.types.node(type)?.title ?? type;
  let nodes: readonly NodeId[] = [];
  const done = editor.edit(`Add ${title}`, (document) => {
    const made = attach({ ...context, document }, chosen.at, type, chosen.nodes);
    if (made.ok) nodes = made.nodes;
    return made;
  });
  if (done) {
    editor.select({ graph: chosen.text, nodes, edges: [] });
    const left = chosen.nodes.length - nodes.length;
    if (left > 0)
      editor.toast(
        'info',
        `${title} was added to ${nodes.length} of ${chosen.nodes.length} nodes; the others cannot take it.`,
      );
  }
  return done;
}

/** Adds a node and leads the loose end of a wire to it. */
export function addOnWireEnd(
  editor: Editor,
  type: string,
  place: { readonly graph: string; readonly at: Point },
  from: { readonly node: NodeId; readonly port: string; readonly side: 'in' | 'out'; readonly kind: string },
): boolean {
  const state = editor.store.getState();
  const context = contextOf(state);
  const at = addressOf(place.graph);
  if (!context || !at) return false;
  const title = context.types.node(type)?.title ?? type;
  let made: NodeId | undefined;
  const done = editor.edit(`Add ${title}`, (document) => {
    const built = newNode({ ...context, document }, at, type, from.node);
    if (!built.ok) return built;
    made = built.value.node;
    const id = made;
    const inside = { ...context, document: placedAt(editor, built.value.document, place.graph, id, place.at) };
    for (const port of typePorts(type, context.types, from.kind, from.side)) {
      const own = { at, node: id, port };
      const other = { at, node: from.node, port: from.port as PortId };
      const [a, b] = from.side === 'out' ? [other, own] : [own, other];
      if (whyNot(inside, a, b) !== undefined) continue;
      const wired = connect(inside.document, at, {
        from: { node: a.node, port: a.port },
        to: { node: b.node, port: b.port },
      });
      if (wired.ok) return { ok: true, value: feed({ ...context, document: wired.value }, at, id) };
    }
    return inside.document;
  });
  if (done && made !== undefined) editor.select({ graph: place.graph, nodes: [made], edges: [] });
  return done;
}
