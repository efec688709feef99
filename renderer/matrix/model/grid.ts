/**
 * Rows and columns of the matrix: the places where modules attach, found in the graph by the kinds of ports, and the layers
 * of its stacks by their absolute numbers. Parts of a split stack stand side by side.
 */
import type { Catalog, NodeTypeInfo } from '../../../engine/protocol/api/catalog.ts';
import type { Document, Edge, Graph, Node } from '../../../engine/protocol/document.ts';
import { graphAt, type ModelAddress } from '../../../engine/protocol/edit.ts';
import { entriesOf, portId, type ModelId, type NodeId, type PortId } from '../../../engine/protocol/ids.ts';
import { layersOf } from '../../../engine/protocol/selection.ts';
import { titleOf } from '../../inspector/model/subject.ts';

/** How modules attach at a row. */
export type RowKind = 'transform' | 'affine' | 'kv' | 'prompt' | 'series' | 'parallel' | 'head';

export const ROW_GROUPS = [
  'Embeddings',
  'Attention',
  'Feed-forward',
  'Norms',
  'Other',
  'After the layers',
  'Head',
] as const;
export type RowGroup = (typeof ROW_GROUPS)[number];

/** Where a row is in one graph: the node that modules attach to, and its port. */
export interface Anchor {
  readonly graph: ModelAddress;
  readonly node: NodeId;
  readonly port: PortId;
}

export interface Row {
  /** `attn.query`, `ffn.series` */
  readonly id: string;
  readonly title: string;
  readonly group: RowGroup;
  readonly kind: RowKind;
  readonly inStack: boolean;
  /** By the id of the stack; by the empty text outside of stacks. */
  readonly anchors: ReadonlyMap<NodeId | '', Anchor>;
}

export interface Column {
  readonly layer: number;
  readonly stack: NodeId;
}

export interface Grid {
  readonly model: ModelId;
  readonly rows: readonly Row[];
  readonly columns: readonly Column[];
  /** More than one part of a stack: a line stands between them. */
  readonly parts: readonly NodeId[];
}

export type TypeOf = (type: string) => NodeTypeInfo | undefined;

const indexes = new WeakMap<Catalog, TypeOf>();

/** Looks up node types; made once for a catalog. */
export function typesOf(catalog: Catalog): TypeOf {
  const known = indexes.get(catalog);
  if (known) return known;
  const byType = new Map(catalog.nodes.map((n) => [n.type, n]));
  const find: TypeOf = (type) => byType.get(type);
  indexes.set(catalog, find);
  return find;
}

interface Found {
  readonly id: string;
  readonly title: string;
  readonly group: RowGroup;
  readonly kind: RowKind;
  readonly anchor: Anchor;
}

export function gridOf(document: Document, model: ModelId, typeOf: TypeOf): Grid {
  const top: ModelAddress = { level: 'model', model, path: [] };
  const graph = graphAt(document, top);
  if (graph === undefined) return { model, rows: [], columns: [], parts: [] };
  const stacks = entriesOf<NodeId, Node>(graph.nodes)
    .filter(([, n]) => n.stack !== undefined && n.body !== undefined)
    .sort(([, a], [, b]) => (a.stack?.first ?? 0) - (b.stack?.first ?? 0));
  const columns = stacks.flatMap(([id, n]) =>
    n.stack === undefined ? [] : layersOf(n.stack).map((layer): Column => ({ layer, stack: id })),
  );
  const after = afterStacks(graph, new Set(stacks.map(([id]) => id)));
  const rows = new Map<string, Row & { anchors: Map<NodeId | '', Anchor> }>();
  const add = (found: Found, stack: NodeId | ''): void => {
    const key = `${stack === '' ? 'top' : 'stack'} ${found.id} ${found.kind}`;
    const known = rows.get(key);
    if (known) known.anchors.set(stack, found.anchor);
    else {
      const { id, title, group, kind } = found;
      rows.set(key, { id, title, group, kind, inStack: stack !== '', anchors: new Map([[stack, found.anchor]]) });
    }
  };
  for (const found of placesIn(graph, top, typeOf, (id) => (after.has(id) ? 'After the layers' : 'Embeddings')))
    add(found, '');
  for (const [id, n] of stacks) {
    const inner: ModelAddress = { ...top, path: [id] };
    if (n.body) for (const found of placesIn(n.body, inner, typeOf, undefined)) add(found, id);
  }
  const order = (row: Row): number => ROW_GROUPS.indexOf(row.group) * 10 + KIND_ORDER[row.kind];
  return {
    model,
    rows: [...rows.values()].sort((a, b) => order(a) - order(b)),
    columns,
    parts: stacks.map(([id]) => id),
  };
}

/** Within a group, linear layers come first, then what goes beside them. */
const KIND_ORDER: Readonly<Record<RowKind, number>> = {
  transform: 0,
  kv: 1,
  series: 2,
  parallel: 3,
  affine: 4,
  prompt: 5,
  head: 6,
};

/** Nodes that come after a stack along the wires. */
function afterStacks(graph: Graph, stacks: ReadonlySet<NodeId>): ReadonlySet<NodeId> {
  const next = new Map<NodeId, NodeId[]>();
  for (const e of graph.edges) next.set(e.from.node, [...(next.get(e.from.node) ?? []), e.to.node]);
  const seen = new Set<NodeId>();
  const queue = [...stacks];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    for (const to of next.get(id) ?? []) {
      if (seen.has(to) || stacks.has(to)) continue;
      seen.add(to);
      queue.push(to);
    }
  }
  return seen;
}

function placesIn(
  graph: Graph,
  at: ModelAddress,
  typeOf: TypeOf,
  outside: ((id: NodeId) => RowGroup) | undefined,
): readonly Found[] {
  return entriesOf<NodeId, Node>(graph.nodes).flatMap(([id, node]): readonly Found[] => {
    const info = typeOf(node.type);
    if (info === undefined || node.stack !== undefined || info.peft !== undefined) return [];
    const site = node.site ?? id;
    const title = titleOf(id, node, info.title);
    const found = (kind: RowKind, port: string, row: string, words: string): Found => ({
      id: row,
      title: words,
      kind,
      group: outside === undefined ? groupOf(site, kind) : kind === 'head' ? 'Head' : outside(id),
      anchor: { graph: at, node: id, port: portId(port) },
    });
    if (info.family === 'head' && 'logits' in info.outputs) return [found('head', 'logits', site, title)];
    if (node.type === 'layer.add') return besidePlaces(graph, id, node, typeOf, found);
    return Object.entries(info.inputs).flatMap(([port, spec]) => {
      if (spec.kind === 'transform') return [found('transform', port, site, title)];
      if (spec.kind === 'affine' && spec.optional) return [found('affine', port, site, title)];
      if (spec.kind === 'kv') return [found('kv', port, `${site}.kv`, `${title}, prefix`)];
      if (spec.kind === 'tensor' && port === 'prompt') return [found('prompt', port, `${site}.prompt`, 'Soft prompt')];
      return [];
    });
  });
}

/** A sum takes modules in series with its sub-layer, and beside it, when it has a sub-layer and a residual. */
function besidePlaces(
  graph: Graph,
  id: NodeId,
  node: Node,
  typeOf: TypeOf,
  found: (kind: RowKind, port: string, row: string, words: string) => Found,
): readonly Found[] {
  if (summandsOf(graph, id, typeOf) === undefined) return [];
  const part = (node.site ?? id).replace(/[._]add$/, '');
  const words = PART_WORDS.get(part) ?? part;
  return [
    found('series', 'x', `${part}.series`, `${words}, in series`),
    found('parallel', 'x', `${part}.parallel`, `${words}, in parallel`),
  ];
}

const PART_WORDS: ReadonlyMap<string, string> = new Map([
  ['attn', 'Attention'],
  ['ffn', 'FFN'],
]);

/** The two wires of a residual sum that belong to the backbone: out of the sub-layer, and past it. */
export interface Summands {
  readonly sublayer: Edge;
  readonly residual: Edge;
}

export function summandsOf(graph: Graph, sum: NodeId, typeOf: TypeOf): Summands | undefined {
  const base = graph.edges.filter((e) => e.to.node === sum && e.to.port === 'x' && isBase(graph, e.from.node, typeOf));
  const [first, second] = base;
  if (first === undefined || second === undefined) return undefined;
  const isDrop = (e: Edge): boolean => graph.nodes[e.from.node]?.site?.endsWith('.drop') === true;
  const sublayer = base.find(isDrop) ?? first;
  return { sublayer, residual: sublayer === first ? second : first };
}

/** Part of the backbone rather than a module: the wall, or a layer. */
export function isBase(graph: Graph, id: NodeId, typeOf: TypeOf): boolean {
  const node = graph.nodes[id];
  if (node === undefined || node.stack !== undefined) return true;
  const info = typeOf(node.type);
  return info?.family === 'layer' || info?.family === 'input';
}

function groupOf(site: string, kind: RowKind): RowGroup {
  if (kind === 'head') return 'Head';
  const [word] = site.split('.');
  if (kind === 'affine' || word === 'norm') return 'Norms';
  if (word === 'attn' || word?.startsWith('attn_')) return 'Attention';
  return word === 'ffn' || word?.startsWith('ffn_') ? 'Feed-forward' : 'Other';
}

/** The column of a layer. */
export const columnOf = (grid: Grid, layer: number): Column | undefined => grid.columns.find((c) => c.layer === layer);

/** Layers by the part of the stack that holds them. */
export function layersByPart(grid: Grid, layers: readonly number[]): ReadonlyMap<NodeId, readonly number[]> {
  const parts = new Map<NodeId, number[]>();
  for (const { layer, stack } of grid.columns) {
    if (layers.includes(layer)) parts.set(stack, [...(parts.get(stack) ?? []), layer]);
  }
  return parts;
}
