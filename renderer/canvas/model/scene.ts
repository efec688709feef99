/**
 * What is drawn of a model, as plain data: cards, containers and wires with sizes and the places of ports, without where
 * cards stand. Parts that did not change keep their identity from the scene before, so that only what changed is drawn
 * again.
 */
import type { Document, Edge, Graph, Node, StackSettings } from '../../../engine/protocol/document.ts';
import { sameJson } from '../../../engine/protocol/equal.ts';
import { formatGraphAddress, inModel, type ModelAddress } from '../../../engine/protocol/edit.ts';
import { entriesOf, isWall, WALL_IN, WALL_OUT, type ModelId, type NodeId } from '../../../engine/protocol/ids.ts';
import type { LayerRange } from '../../../engine/protocol/selection.ts';
import { graphViewOf } from '../../../engine/protocol/view.ts';
import { racksOf, type Attachment, type Racks } from './attachments.ts';
import { cardOf } from './card.ts';
import { isTrainableType, type TypeIndex } from './catalog.ts';
import { shapeWords, type Figures } from './figures.ts';
import { rackFormula } from './formula.ts';
import { layerIn, presenceOf, type ShownLayer } from './layers.ts';
import { portsOf, wallPorts, wiresOf } from './ports.ts';
import type { CardPort, Chip, Scene, SceneEdge, SceneNode } from './sceneTypes.ts';
import { settingsOf, settingWords, subtitleOf, titleOf } from './words.ts';

export interface SceneInput {
  readonly document: Document;
  readonly model: ModelId;
  readonly types: TypeIndex;
  readonly figures: Figures;
  readonly layer: ShownLayer;
  readonly asWires: boolean;
}

export const EMPTY_SCENE: Scene = { nodes: [], edges: [], byId: new Map(), graphs: new Map() };

export function makeScene(input: SceneInput, before: Scene = EMPTY_SCENE): Scene {
  const nodes: SceneNode[] = [];
  const edges: SceneEdge[] = [];
  const graphs = new Map<string, { readonly address: ModelAddress; readonly graph: Graph; readonly racks: Racks }>();
  const top = input.document.models[input.model];
  if (top) addGraph(input, inModel(input.model), top, undefined, { nodes, edges, graphs });
  const kept = nodes.map((n) => keep(before.byId.get(n.id), n));
  const edgesBefore = new Map(before.edges.map((e) => [e.id, e]));
  return {
    nodes: kept,
    edges: edges.map((e) => keep(edgesBefore.get(e.id), e)),
    byId: new Map(kept.map((n) => [n.id, n])),
    graphs,
  };
}

const keep = <T>(before: T | undefined, now: T): T => (before !== undefined && sameJson(before, now) ? before : now);

interface Made {
  readonly nodes: SceneNode[];
  readonly edges: SceneEdge[];
  readonly graphs: Map<string, { readonly address: ModelAddress; readonly graph: Graph; readonly racks: Racks }>;
}

function addGraph(
  input: SceneInput,
  address: ModelAddress,
  graph: Graph,
  stack: StackSettings | undefined,
  made: Made,
): void {
  const racks: Racks = input.asWires ? new Map() : racksOf(graph, input.types);
  const docked = new Map<NodeId, NodeId>();
  for (const [target, rack] of racks) for (const a of rack) docked.set(a.id, target);
  made.graphs.set(formatGraphAddress(address), { address, graph, racks });
  const collapsed = new Set(graphViewOf(input.document, formatGraphAddress(address)).collapsed);
  for (const [id, node] of entriesOf<NodeId, Node>(graph.nodes)) {
    if (docked.has(id)) continue;
    const isOpen = node.stack !== undefined && node.body !== undefined && !collapsed.has(id);
    made.nodes.push(sceneNode(input, address, graph, id, node, racks.get(id) ?? [], stack, collapsed.has(id)));
    if (isOpen && node.body) {
      addGraph(input, { ...address, path: [...address.path, id] }, node.body, node.stack, made);
    }
  }
  for (const edge of graph.edges) {
    const drawn = sceneEdge(input, address, graph, edge, docked, racks);
    if (drawn) made.edges.push(drawn);
  }
}

export const sceneId = (path: readonly NodeId[], id: NodeId): string => [...path, id].join('/');

function sceneNode(
  input: SceneInput,
  address: ModelAddress,
  graph: Graph,
  id: NodeId,
  node: Node,
  rack: readonly Attachment[],
  stack: StackSettings | undefined,
  isCollapsed: boolean,
): SceneNode {
  const { document, types, figures } = input;
  const layer = layerIn(input.layer, stack);
  const info = types.node(node.type);
  const presence = presenceOf(node, stack, layer);
  const own = figures.of(address.path, id);
  const ports = portsOf(id, node, graph, types);
  const wires = wiresOf(graph);
  const dockedPorts = new Set(rack.map((a) => a.edge.to.port));
  const wired = new Set([...wires.into(id).map((e) => e.to.port), ...wires.from(id).map((e) => e.from.port)]);
  const promoted = new Map<string, string>(
    (graph.promoted ?? []).filter((p) => p.node === id).map((p) => [p.port, p.name]),
  );
  const isStack = node.stack !== undefined && node.body !== undefined;
  const shape = own === undefined || own.output === '' ? '' : shapeWords(own.output);
  const asPort = (p: (typeof ports.inputs)[number], side: 'in' | 'out', i: number): CardPort => ({
    name: p.name,
    kind: p.kind,
    side,
    doc: p.doc,
    optional: p.optional,
    wired: wired.has(p.name) || promoted.has(p.name),
    ...glyphOf(p.glyph, promoted.get(p.name)),
    ...(side === 'out' && i === 0 && shape !== '' ? { shape } : {}),
  });
  const chips = rack.map((a) => chipOf(input, address, a, stack, layer));
  const trainable = isTrainableType(info);
  const problems = figures.problems(address.path, id);
  const face = {
    title: titleOf(id, node, types),
    subtitle: isStack ? stackWords(node) : subtitleOf(document, id, node, types, stack, layer),
    type: node.type,
    family: info?.family ?? (isStack ? 'stack' : 'unknown'),
    state: isStack ? ('stack' as const) : trainable ? ('trainable' as const) : stateOf(node, own, info === undefined),
    help: info?.help ?? '',
    ghost: presence.ghost,
    muted: presence.muted,
    override: presence.override,
    layers: presence.some?.text ?? '',
    recipe: node.recipe ?? '',
    chips,
    formula: rack.length === 0 ? '' : rackFormula(rack, { document, types, range: stack, layer }),
    problems: problems.map((p) => ({ severity: p.severity, text: `${p.message} ${p.fix}` })),
    trainableCount: own?.trainable ?? 0,
    frozenCount: own?.frozen ?? 0,
    ...(isStack && node.stack && node.body ? { stack: stackFace(input, node.stack, node.body, types) } : {}),
    hasRack: ports.inputs.some((p) => p.kind === 'transform'),
    collapsed: isCollapsed,
    bank: info?.bank === true ? bankCount(document, node) : -1,
  };
  const card = cardOf(
    face,
    ports.inputs
      .filter((p) => !dockedPorts.has(p.name) || wires.intoPort(id, p.name).length > rack.length)
      .map((p, i) => asPort(p, 'in', i)),
    ports.outputs.map((p, i) => asPort(p, 'out', i)),
  );
  return {
    id: sceneId(address.path, id),
    node: id,
    graph: formatGraphAddress(address),
    ...(address.path.length === 0 ? {} : { parent: address.path.join('/') }),
    kind: isStack && !isCollapsed ? 'stack' : 'card',
    face,
    ...card,
  };
}

/** A port of a stack's wall keeps its own sign. */
const glyphOf = (own: CardPort['glyph'], promoted: string | undefined): Pick<CardPort, 'glyph' | 'promoted'> =>
  own !== undefined ? { glyph: own } : promoted === undefined ? {} : { glyph: 'promoted', promoted };

function stateOf(
  node: Node,
  own: { readonly frozen: number; readonly trainable: number } | undefined,
  unknown: boolean,
): 'frozen' | 'trainable' | 'plain' | 'unknown' {
  if (unknown) return 'unknown';
  if (own !== undefined && own.frozen > 0) return 'frozen';
  const readsWeight = typeof node.params['weight'] === 'string' && node.params['weight'] !== '';
  return readsWeight || typeof node.params['prefix'] === 'string' ? 'frozen' : 'plain';
}

const stackWords = (node: Node): string => {
  const { stack } = node;
  if (stack === undefined) return '';
  const last = stack.first + stack.repeat - 1;
  const layers = stack.repeat === 1 ? `layer ${stack.first}` : `layers ${stack.first} to ${last}`;
  return stack.weights === 'shared' ? `${layers}, one set of weights` : layers;
};

function stackFace(input: SceneInput, stack: StackSettings, body: Graph, types: TypeIndex): SceneNode['face']['stack'] {
  const wall = wallPorts(body, stack, types);
  const layer = layerIn(input.layer, stack);
  const inner = (p: (typeof wall.inputs)[number], side: 'in' | 'out'): CardPort => ({
    name: p.name,
    kind: p.kind,
    side,
    doc: p.doc,
    optional: false,
    wired: true,
    ...(p.glyph === undefined ? {} : { glyph: p.glyph }),
  });
  return {
    repeat: stack.repeat,
    first: stack.first,
    layer,
    wallIn: wall.outputs.map((p) => inner(p, 'out')),
    wallOut: wall.inputs.map((p) => inner(p, 'in')),
    nodes: Object.keys(body.nodes).length,
  };
}

const bankCount = (document: Document, node: Node): number =>
  node.bank === undefined ? 0 : (document.banks[node.bank]?.sources.filter((s) => s.mute !== true).length ?? 0);

/** A copy per layer where the module is active; one set where parameters are shared over layers or by name. */
function parameterSets(node: Node, range: LayerRange | undefined): { sets: number; shared: boolean } {
  if (range === undefined) return { sets: 1, shared: node.shared !== undefined };
  if (node.shared !== undefined || node.scope === 'stack' || node.scope === 'model') return { sets: 1, shared: true };
  const presence = presenceOf(node, range, 'all');
  return { sets: presence.some?.count ?? range.repeat, shared: false };
}

function chipOf(
  input: SceneInput,
  address: ModelAddress,
  a: Attachment,
  stack: StackSettings | undefined,
  layer: ShownLayer,
): Chip {
  const { document, types, figures } = input;
  const presence = presenceOf(a.node, stack, layer);
  const own = figures.of(address.path, a.id);
  const { sets, shared } = parameterSets(a.node, stack);
  const recipe = a.node.recipe;
  return {
    id: a.id,
    type: a.node.type,
    title: titleOf(a.id, a.node, types),
    settings: settingWords(settingsOf(document, a.node, types, stack, layer)),
    family: types.node(a.node.type)?.family ?? 'unknown',
    ghost: presence.ghost,
    muted: presence.muted,
    override: presence.override,
    layers: presence.some?.text ?? '',
    sets,
    shared,
    ...(recipe === undefined
      ? {}
      : { recipe, users: recipeUsers(document, recipe), letter: letterOf(document, recipe) }),
    trainable: own?.trainable ?? 0,
    port: a.edge.to.port,
    inputs: a.inputs.map((p) => ({ name: p.name, kind: p.kind })),
    problems: figures
      .problems(address.path, a.id)
      .map((p) => ({ severity: p.severity, text: `${p.message} ${p.fix}` })),
  };
}

const users = new WeakMap<Document['models'], ReadonlyMap<string, number>>();
/** How many places one recipe serves, over all models. */
function recipeUsers(document: Document, recipe: string): number {
  let counts = users.get(document.models);
  if (!counts) {
    const counted = new Map<string, number>();
    const walk = (graph: Graph): void => {
      for (const node of Object.values<Node>(graph.nodes)) {
        if (node.recipe !== undefined) counted.set(node.recipe, (counted.get(node.recipe) ?? 0) + 1);
        if (node.body) walk(node.body);
      }
    };
    for (const graph of Object.values<Graph>(document.models)) walk(graph);
    counts = counted;
    users.set(document.models, counts);
  }
  return counts.get(recipe) ?? 0;
}

/** Recipes are A, B, C ... in the order of the document, as people call them. */
function letterOf(document: Document, recipe: string): string {
  const at = Object.keys(document.recipes).indexOf(recipe);
  return at < 0 ? '?' : at < 26 ? String.fromCharCode(65 + at) : `${at + 1}`;
}

function sceneEdge(
  input: SceneInput,
  address: ModelAddress,
  graph: Graph,
  edge: Edge,
  docked: ReadonlyMap<NodeId, NodeId>,
  racks: Racks,
): SceneEdge | undefined {
  const { types } = input;
  const { from, to } = edge;
  const host = docked.get(from.node);
  if (host !== undefined && racks.get(host)?.some((a) => a.edge === edge) === true) return undefined;
  const container = address.path.join('/');
  const giver = isWall(from.node) ? undefined : graph.nodes[from.node];
  const kind = giver
    ? (portsOf(from.node, giver, graph, types).outputs.find((p) => p.name === from.port)?.kind ?? 'any')
    : takerKind(graph, edge, types);
  const target = docked.get(to.node);
  const own = isWall(from.node) ? undefined : input.figures.of(address.path, from.node);
  const bank = giver !== undefined && types.node(giver.type)?.bank === true ? bankCount(input.document, giver) : -1;
  return {
    id: `${formatGraphAddress(address)}|${edgeId(edge)}`,
    graph: formatGraphAddress(address),
    edge: edgeId(edge),
    from: from.node === WALL_IN ? container : sceneId(address.path, from.node),
    fromPort: from.node === WALL_IN ? `$in.${from.port}` : from.port,
    to: to.node === WALL_OUT ? container : sceneId(address.path, target ?? to.node),
    toPort: to.node === WALL_OUT ? `$out.${to.port}` : target === undefined ? to.port : `${to.node}.${to.port}`,
    kind,
    ...(own === undefined || own.output === '' ? {} : { shape: shapeWords(own.output) }),
    ...(bank >= 0 ? { count: bank } : {}),
  };
}

const takerKind = (graph: Graph, { to }: Edge, types: TypeIndex): string => {
  const taker = isWall(to.node) ? undefined : graph.nodes[to.node];
  return taker
    ? (portsOf(to.node, taker, graph, types).inputs.find((p) => p.name === to.port)?.kind ?? 'any')
    : 'tensor';
};

/** `from.port->to.port`, as selections name wires. */
export const edgeId = (edge: Pick<Edge, 'from' | 'to'>): string =>
  `${edge.from.node}.${edge.from.port}->${edge.to.node}.${edge.to.port}`;
