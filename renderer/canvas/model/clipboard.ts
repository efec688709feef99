/**
 * Nodes as JSON text: what is copied can be read, kept and pasted into another model or document. Pasted text is not
 * trusted: it passes the schema of documents, and types that are not known here stay as placeholders.
 */
import { freeName } from '../../../engine/base/freeName.ts';
import type { Document, Edge, Graph, Node } from '../../../engine/protocol/document.ts';
import { graphAt, replaceGraph, type ModelAddress } from '../../../engine/protocol/edit.ts';
import { entriesOf, nodeId, recordOf, type NodeId, type RecipeId } from '../../../engine/protocol/ids.ts';
import { parseDocument } from '../../../engine/protocol/parse.ts';
import { sameJson } from '../../../engine/protocol/equal.ts';
import { graphViewOf, withGraphView, type Point } from '../../../engine/protocol/view.ts';
import { formatGraphAddress } from '../../../engine/protocol/edit.ts';
import { racksOf } from './attachments.ts';
import type { TypeIndex } from './catalog.ts';
import { because, type Refusal } from './refuse.ts';

export const CLIPBOARD_KIND = 'espalier-nodes';

export interface Clip {
  readonly kind: typeof CLIPBOARD_KIND;
  readonly version: 1;
  readonly nodes: Readonly<Record<string, Node>>;
  readonly edges: readonly Edge[];
  /** Wires that came in from nodes that were not copied. */
  readonly incoming: readonly Edge[];
  readonly recipes: Document['recipes'];
  readonly positions: Readonly<Record<string, Point>>;
}

/** The nodes with what is docked on them; `places` are those of the drawing. */
export function copyNodes(
  document: Document,
  at: ModelAddress,
  ids: readonly NodeId[],
  types: TypeIndex,
  places: Readonly<Record<string, Point>>,
): Clip {
  const graph: Graph = graphAt(document, at) ?? { nodes: recordOf<NodeId, Node>([]), edges: [] };
  const racks = racksOf(graph, types);
  const chosen = new Set(ids.filter((id) => id in graph.nodes));
  for (const id of [...chosen]) for (const a of racks.get(id) ?? []) chosen.add(a.id);
  const nodes = entriesOf<NodeId, Node>(graph.nodes).filter(([id]) => chosen.has(id));
  const recipes = new Set(nodes.flatMap(([, n]) => n.recipe ?? []));
  return {
    kind: CLIPBOARD_KIND,
    version: 1,
    nodes: recordOf(nodes),
    edges: graph.edges.filter((e) => chosen.has(e.from.node) && chosen.has(e.to.node)),
    incoming: graph.edges.filter((e) => !chosen.has(e.from.node) && chosen.has(e.to.node)),
    recipes: recordOf(
      entriesOf<RecipeId, Document['recipes'][RecipeId]>(document.recipes).filter(([id]) => recipes.has(id)),
    ),
    positions: Object.fromEntries(Object.entries(places).filter(([id]) => chosen.has(id as NodeId))),
  };
}

/** A node of unknown type is written as it stood in its file. */
export const clipText = (clip: Clip): string =>
  JSON.stringify(
    {
      ...clip,
      nodes: recordOf(
        entriesOf<string, Node>(clip.nodes).map(([id, n]) => [
          id,
          n.raw === undefined ? n : (JSON.parse(n.raw) as unknown),
        ]),
      ),
    },
    null,
    2,
  );

/** Reads pasted text: our own clip, as the schema of documents reads it. */
export function readClip(text: string, types: TypeIndex): { readonly ok: true; readonly value: Clip } | Refusal {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return because('The clipboard holds no nodes.', 'Copy nodes on the canvas first.');
  }
  if (typeof raw !== 'object' || raw === null || (raw as { kind?: unknown }).kind !== CLIPBOARD_KIND) {
    return because('The clipboard holds no nodes.', 'Copy nodes on the canvas first.');
  }
  const given = raw as { readonly [K in keyof Clip]?: unknown };
  const parsed = parseDocument(
    JSON.stringify({
      format: 'espalier',
      version: 1,
      title: 'clipboard',
      models: { clip: { nodes: given.nodes ?? {}, edges: given.edges ?? [] } },
      recipes: given.recipes ?? {},
    }),
    'clipboard',
    { knows: (type) => type === 'stack' || types.node(type) !== undefined },
  );
  if (!parsed.document) return { ok: false, error: parsed.diagnostics };
  const graph = Object.values<Graph>(parsed.document.models)[0];
  return {
    ok: true,
    value: {
      kind: CLIPBOARD_KIND,
      version: 1,
      nodes: graph?.nodes ?? {},
      edges: graph?.edges ?? [],
      incoming: readIncoming(given.incoming),
      recipes: parsed.document.recipes,
      positions: readPositions(given.positions),
    },
  };
}

function readIncoming(raw: unknown): readonly Edge[] {
  if (!Array.isArray(raw)) return [];
  const parsed = parseDocument(
    JSON.stringify({ format: 'espalier', version: 1, title: '', models: { clip: { nodes: {}, edges: raw } } }),
    'clipboard',
  );
  return parsed.document ? (Object.values<Graph>(parsed.document.models)[0]?.edges ?? []) : [];
}

function readPositions(raw: unknown): Readonly<Record<string, Point>> {
  if (typeof raw !== 'object' || raw === null) return {};
  return Object.fromEntries(
    Object.entries(raw).flatMap(([id, p]) => {
      const { x, y } = (p ?? {}) as { x?: unknown; y?: unknown };
      return typeof x === 'number' && typeof y === 'number' && Number.isFinite(x + y) ? [[id, { x, y }] as const] : [];
    }),
  );
}

export interface PasteOptions {
  readonly withIncoming: boolean;
  /** Where the upper left of what is pasted stands; beside the original when missing. */
  readonly to?: Point;
}

/** The document with the clip in a graph, under new names; a recipe of the same content is shared, another gets a new name. */
export function pasteClip(
  document: Document,
  at: ModelAddress,
  clip: Clip,
  options: PasteOptions,
): { readonly document: Document; readonly nodes: readonly NodeId[] } {
  const graph = graphAt(document, at);
  if (!graph) return { document, nodes: [] };
  const names = new Map<string, NodeId>();
  const taken = new Set<string>(Object.keys(graph.nodes));
  for (const id of Object.keys(clip.nodes)) {
    const name = nameOfCopy(id, taken);
    taken.add(name);
    names.set(id, nodeId(name));
  }
  const recipes = mergeRecipes(document, clip.recipes);
  const nodes = entriesOf<NodeId, Node>(clip.nodes).map(([id, node]): [NodeId, Node] => {
    const recipe = node.recipe === undefined ? undefined : recipes.names.get(node.recipe);
    return [names.get(id) as NodeId, recipe === undefined ? node : { ...node, recipe }];
  });
  const renamed = clip.edges.map((e) => renameEdge(e, names));
  const incoming = options.withIncoming
    ? clip.incoming
        .filter((e) => e.from.node in graph.nodes || (e.from.node.startsWith('$') && at.path.length > 0))
        .map(({ order: _, ...e }) => ({ ...e, to: { ...e.to, node: names.get(e.to.node) ?? e.to.node } }))
    : [];
  const next = replaceGraph({ ...document, recipes: recipes.all }, at, {
    ...graph,
    nodes: recordOf([...entriesOf<NodeId, Node>(graph.nodes), ...nodes]),
    edges: [...graph.edges, ...renamed, ...incoming],
  });
  const text = formatGraphAddress(at);
  return { document: placed(next, text, clip, names, options.to), nodes: [...names.values()] };
}

const renameEdge = (e: Edge, names: ReadonlyMap<string, NodeId>): Edge => ({
  ...e,
  from: { ...e.from, node: names.get(e.from.node) ?? e.from.node },
  to: { ...e.to, node: names.get(e.to.node) ?? e.to.node },
});

/** Of a copy: a number at the end of its name is counted on instead of followed by another one. */
export function nameOfCopy(id: string, taken: ReadonlySet<string>): string {
  if (!taken.has(id)) return id;
  const stem = id.replace(/_\d+$/, '');
  return freeName(stem, (name) => name === stem || taken.has(name));
}

function mergeRecipes(
  document: Document,
  given: Document['recipes'],
): { readonly all: Document['recipes']; readonly names: ReadonlyMap<string, RecipeId> } {
  const names = new Map<string, RecipeId>();
  const all = new Map<RecipeId, Document['recipes'][RecipeId]>(
    entriesOf<RecipeId, Document['recipes'][RecipeId]>(document.recipes),
  );
  for (const [id, recipe] of entriesOf<RecipeId, Document['recipes'][RecipeId]>(given)) {
    const same = all.get(id);
    const name = same !== undefined && sameJson(same, recipe) ? id : (nameOfCopy(id, new Set(all.keys())) as RecipeId);
    names.set(id, name);
    all.set(name, recipe);
  }
  return { all: recordOf(all), names };
}

function placed(
  document: Document,
  graph: string,
  clip: Clip,
  names: ReadonlyMap<string, NodeId>,
  to: Point | undefined,
): Document {
  const points = Object.entries(clip.positions);
  if (points.length === 0) return document;
  const left = Math.min(...points.map(([, p]) => p.x));
  const top = Math.min(...points.map(([, p]) => p.y));
  const by = to === undefined ? { x: 48, y: 48 } : { x: to.x - left, y: to.y - top };
  const positions = graphViewOf(document, graph).positions;
  const added = points.flatMap(([id, p]) => {
    const name = names.get(id);
    return name === undefined ? [] : [[name, { x: p.x + by.x, y: p.y + by.y }] as const];
  });
  return withGraphView(document, graph, (v) => ({ ...v, positions: { ...positions, ...Object.fromEntries(added) } }));
}
