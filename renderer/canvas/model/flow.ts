/**
 * From a scene and places to the nodes and wires of React Flow. Sizes and ports are given, so that nothing needs to be
 * measured; a node that did not change stays the same object.
 */
import type { Edge as FlowEdgeBase, Node as FlowNodeBase } from '@xyflow/react';
import type { Group, Note, Point } from '../../../engine/protocol/view.ts';
import { BODY_ORIGIN, grown, widened } from './card.ts';
import { extent, groupedByGraph, placeMissing } from './layoutGraph.ts';
import { routesOf, type RouteBox } from './routes.ts';
import type { PlacedPort, Scene, SceneEdge, SceneNode } from './sceneTypes.ts';

export type CardData = Record<string, unknown> & {
  readonly scene: SceneNode;
  readonly ports: readonly PlacedPort[];
};
export type NoteData = Record<string, unknown> & { readonly graph: string; readonly key: string; readonly note: Note };
export type GroupData = Record<string, unknown> & {
  readonly graph: string;
  readonly key: string;
  readonly group: Group;
  readonly members: number;
  readonly collapsed: boolean;
};
export type CardNode = FlowNodeBase<CardData, 'card' | 'stack'>;
export type NoteNode = FlowNodeBase<NoteData, 'note'>;
export type GroupNode = FlowNodeBase<GroupData, 'group'>;
export type FlowNode = CardNode | NoteNode | GroupNode;
export type WireData = Record<string, unknown> & { readonly scene: SceneEdge; readonly via?: Via };
/** The height of a channel, from the graph's own corner, and the container that corner belongs to. */
export interface Via {
  readonly y: number;
  readonly parent: string | undefined;
}
export type FlowEdge = FlowEdgeBase<WireData, 'wire'>;

export const isCard = (n: FlowNode): n is CardNode => n.type === 'card' || n.type === 'stack';

/** Places of nodes of one graph by their id in it. */
export type GraphPlaces = Readonly<Record<string, Point>>;

export interface FlowInput {
  readonly scene: Scene;
  /** What the document says, else where the last layout put it. */
  readonly places: (graph: string) => GraphPlaces;
  readonly isSelected: (graph: string, node: string) => boolean;
  readonly isEdgeSelected: (graph: string, edge: string) => boolean;
  readonly groups: (graph: string) => Readonly<Record<string, Group>>;
  readonly notes: (graph: string) => Readonly<Record<string, Note>>;
  /** Groups whose nodes are folded away. */
  readonly folded: (graph: string) => ReadonlySet<string>;
}

export interface Placed {
  readonly node: SceneNode;
  readonly at: Point;
  readonly width: number;
  readonly height: number;
  readonly ports: readonly PlacedPort[];
}

/** All cards with places and final sizes, containers before their bodies. */
export function placeScene(scene: Scene, places: (graph: string) => GraphPlaces): readonly Placed[] {
  const byGraph = groupedByGraph(scene.nodes);
  const edges = groupedByGraph(scene.edges);
  const sizes = new Map<string, { readonly width: number; readonly height: number }>();
  const found = new Map<string, Placed>();
  for (const graph of [...scene.graphs.keys()].reverse()) {
    const nodes = (byGraph.get(graph) ?? []).map((n) => {
      const size = sizes.get(n.id);
      return size ? { ...n, ...size } : n;
    });
    const known = new Map<string, Point>();
    const given = places(graph);
    for (const n of nodes) {
      const at = given[n.node];
      if (at) known.set(n.id, n.parent === undefined ? at : inside(at));
    }
    const all = known.size === nodes.length ? known : placeMissing(nodes, edges.get(graph) ?? [], known);
    for (const n of nodes) {
      const scened = scene.byId.get(n.id) ?? n;
      const ports = n.kind === 'stack' ? widened(n.ports, scened.width, n.width) : n.ports;
      found.set(n.id, { node: scened, at: all.get(n.id) ?? { x: 0, y: 0 }, width: n.width, height: n.height, ports });
    }
    const parent = nodes[0]?.parent;
    const container = parent === undefined ? undefined : scene.byId.get(parent);
    if (container && parent !== undefined) sizes.set(parent, grown(container, extent(nodes, all)));
  }
  return scene.nodes.flatMap((n) => found.get(n.id) ?? []);
}

const inside = (at: Point): Point => ({ x: Math.max(BODY_ORIGIN.x, at.x), y: Math.max(BODY_ORIGIN.y, at.y) });

/** A port is hit within so many pixels; wires end in its middle. */
export const HIT = 24;

const EXTENT: [[number, number], [number, number]] = [
  [BODY_ORIGIN.x, BODY_ORIGIN.y],
  [1e6, 1e6],
];

const samePlaced = (a: CardNode, p: Placed, selected: boolean): boolean =>
  a.data.scene === p.node &&
  a.position.x === p.at.x &&
  a.position.y === p.at.y &&
  a.width === p.width &&
  a.height === p.height &&
  (a.selected ?? false) === selected;

export function flowNodes(input: FlowInput, before: readonly FlowNode[]): readonly FlowNode[] {
  const old = new Map(before.map((n) => [n.id, n]));
  const placed = placeScene(input.scene, input.places);
  const cards = placed.map((p): CardNode => {
    const last = old.get(p.node.id);
    const selected = input.isSelected(p.node.graph, p.node.node);
    if (last && isCard(last) && last.type === p.node.kind && samePlaced(last, p, selected)) return last;
    const kept = last && isCard(last) && last.width === p.width && last.data.scene === p.node ? last.data : undefined;
    return cardNode(p, selected, kept);
  });
  const frames = [...input.scene.graphs.keys()].flatMap((graph) => frameNodes(input, graph, placed, old));
  const hidden = new Set(
    frames.flatMap((f) =>
      f.type === 'group' && f.data.collapsed ? f.data.group.nodes.map((n) => `${f.data.graph}/${n}`) : [],
    ),
  );
  const shown = cards.map((c) => hide(c, hidden.has(`${c.data.scene.graph}/${c.data.scene.node}`)));
  const topFrames = frames.filter((f) => f.parentId === undefined);
  const innerFrames = frames.filter((f) => f.parentId !== undefined);
  return [...topFrames, ...shown, ...innerFrames];
}

const hide = (c: CardNode, hidden: boolean): CardNode => ((c.hidden ?? false) === hidden ? c : { ...c, hidden });

function cardNode(p: Placed, selected: boolean, data: CardData | undefined): CardNode {
  const { node } = p;
  return {
    id: node.id,
    type: node.kind,
    position: p.at,
    width: p.width,
    height: p.height,
    measured: { width: p.width, height: p.height },
    ...(node.parent === undefined ? {} : { parentId: node.parent, extent: EXTENT }),
    handles: p.ports.map((q) => ({
      id: q.id,
      type: q.type,
      position: POSITIONS[q.at],
      x: q.x - HIT / 2,
      y: q.y - HIT / 2,
      width: HIT,
      height: HIT,
    })),
    data: data ?? { scene: node, ports: p.ports },
    selected,
    ariaLabel: labelOf(node),
  };
}

/** React Flow's own names, as strings, so that this file stays free of React. */
const POSITIONS = { left: 'left', right: 'right', top: 'top', bottom: 'bottom' } as Readonly<
  Record<PlacedPort['at'], never>
>;

/** What a screen reader says of a card. */
export function labelOf({ face }: SceneNode): string {
  const states = [
    face.state === 'frozen' ? 'frozen' : face.state === 'trainable' ? 'trainable' : '',
    face.muted ? 'muted' : '',
    face.ghost ? 'not in this layer' : '',
    face.problems.length > 0 ? `${face.problems.length} ${face.problems.length === 1 ? 'problem' : 'problems'}` : '',
  ].filter((s) => s !== '');
  const chips = face.chips.length === 0 ? '' : `, with ${face.chips.map((c) => c.title).join(', ')}`;
  return `${face.title}${face.subtitle === '' ? '' : `, ${face.subtitle}`}${chips}${states.length === 0 ? '' : `, ${states.join(', ')}`}`;
}

const FRAME = { side: 24, top: 56, bottom: 24 } as const;

function frameNodes(
  input: FlowInput,
  graph: string,
  placed: readonly Placed[],
  old: ReadonlyMap<string, FlowNode>,
): readonly (NoteNode | GroupNode)[] {
  const address = input.scene.graphs.get(graph)?.address;
  const parent = address === undefined || address.path.length === 0 ? {} : { parentId: address.path.join('/') };
  const notes = Object.entries(input.notes(graph)).map(([key, note]): NoteNode => {
    const id = `note:${graph}:${key}`;
    const last = old.get(id);
    const selected = input.isSelected(graph, `note:${key}`);
    if (last?.type === 'note' && last.data.note === note && last.selected === selected) return last;
    const size = { width: note.width, height: note.height };
    return {
      id,
      type: 'note',
      position: { x: note.x, y: note.y },
      ...size,
      measured: size,
      ...parent,
      data: { graph, key, note },
      selected,
      zIndex: 1,
      ariaLabel: `Note: ${note.text.slice(0, 80)}`,
    };
  });
  const folded = input.folded(graph);
  const groups = Object.entries(input.groups(graph)).flatMap(([key, group]): GroupNode[] => {
    const members = placed.filter((p) => p.node.graph === graph && group.nodes.includes(p.node.node));
    if (members.length === 0) return [];
    const collapsed = folded.has(`group:${key}`);
    const x = Math.min(...members.map((m) => m.at.x)) - FRAME.side;
    const y = Math.min(...members.map((m) => m.at.y)) - FRAME.top;
    const width = collapsed ? 240 : Math.max(...members.map((m) => m.at.x + m.width)) + FRAME.side - x;
    const height = collapsed ? 56 : Math.max(...members.map((m) => m.at.y + m.height)) + FRAME.bottom - y;
    const id = `group:${graph}:${key}`;
    const last = old.get(id);
    const selected = input.isSelected(graph, `group:${key}`);
    const same =
      last?.type === 'group' &&
      last.data.group === group &&
      last.selected === selected &&
      last.position.x === x &&
      last.position.y === y &&
      last.width === width &&
      last.height === height;
    if (same && last.type === 'group') return [last];
    return [
      {
        id,
        type: 'group',
        position: { x, y },
        width,
        height,
        measured: { width, height },
        ...parent,
        data: { graph, key, group, members: members.length, collapsed },
        selected,
        zIndex: parent.parentId === undefined ? -1 : 0,
        ariaLabel: `Group ${group.title}, ${members.length} nodes`,
      },
    ];
  });
  return [...groups, ...notes];
}

export function flowEdges(
  scene: Scene,
  isSelected: (graph: string, edge: string) => boolean,
  hidden: (node: string) => boolean,
  via: (edge: SceneEdge) => number | undefined,
  before: readonly FlowEdge[],
): readonly FlowEdge[] {
  const old = new Map(before.map((e) => [e.id, e]));
  return scene.edges.map((e) => {
    const last = old.get(e.id);
    const selected = isSelected(e.graph, e.edge);
    const gone = hidden(e.from) || hidden(e.to);
    const y = via(e);
    const sameData = last?.data?.scene === e && last.data.via?.y === y;
    if (sameData && last.selected === selected && (last.hidden ?? false) === gone) return last;
    const parent = scene.graphs.get(e.graph)?.address.path.join('/') ?? '';
    return {
      id: e.id,
      type: 'wire',
      source: e.from,
      sourceHandle: e.fromPort,
      target: e.to,
      targetHandle: e.toPort,
      data: { scene: e, ...(y === undefined ? {} : { via: { y, parent: parent === '' ? undefined : parent } }) },
      selected,
      ...(gone ? { hidden: true } : {}),
      ariaLabel: `Wire from ${e.from} ${e.fromPort} to ${e.to} ${e.toPort}, ${e.kind}`,
    };
  });
}

/** The channels of all wires, graph by graph. */
export function routeFlow(scene: Scene, nodes: readonly FlowNode[]): ReadonlyMap<string, number> {
  const cards = new Map(nodes.filter(isCard).map((n) => [n.id, n]));
  const boxes = new Map<string, RouteBox[]>();
  for (const n of cards.values()) {
    const { graph } = n.data.scene;
    const box = { id: n.id, ...n.position, width: n.width ?? 0, height: n.height ?? 0 };
    const list = boxes.get(graph);
    if (list) list.push(box);
    else boxes.set(graph, [box]);
  }
  const edges = new Map<string, SceneEdge[]>();
  for (const e of scene.edges) {
    const list = edges.get(e.graph);
    if (list) list.push(e);
    else edges.set(e.graph, [e]);
  }
  const all = new Map<string, number>();
  for (const [graph, list] of edges) {
    const found = routesOf({
      boxes: boxes.get(graph) ?? [],
      edges: list,
      port: (id, port, type) => {
        const n = cards.get(id);
        const p = n?.data.ports.find((q) => q.id === port && q.type === type);
        if (!n || !p) return undefined;
        // Ports of the wall are on the container itself, whose body has its own coordinates.
        return n.data.scene.graph === graph ? { x: n.position.x + p.x, y: n.position.y + p.y } : { x: p.x, y: p.y };
      },
    });
    for (const [id, y] of found) all.set(id, y);
  }
  return all;
}
