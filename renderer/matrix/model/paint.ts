/**
 * Painting: a module attached at places for a set of layers. The document stays small, because a place holds one node per
 * kind of module, whose `layers` says where it is and whose overrides say where its values differ. Pure functions.
 */
import { freeName } from '../../../engine/base/freeName.ts';
import type { Diagnostic } from '../../../engine/base/errors.ts';
import { fail, ok, type Result } from '../../../engine/base/result.ts';
import type { NodeTypeInfo } from '../../../engine/protocol/api/catalog.ts';
import type { Document, Edge, Graph, Node, Params, Scalar } from '../../../engine/protocol/document.ts';
import { connect, graphAt, replaceNode, addNode, stackAt, type EditResult } from '../../../engine/protocol/edit.ts';
import {
  entriesOf,
  portId,
  recipeId,
  withEntry,
  withoutEntry,
  type NodeId,
  type RecipeId,
} from '../../../engine/protocol/ids.ts';
import { isLayered, layered, overridesOf, stackValue } from '../../../engine/protocol/params.ts';
import { formatLayers, type LayerRange } from '../../../engine/protocol/selection.ts';
import { modulesAt, valueOf, withLayers, type AttachedModule } from './cells.ts';
import { eraseAt } from './erase.ts';
import { fits, freshId, placeParams, PLACE_PARAMS } from './fit.ts';
import { layersByPart, summandsOf, type Anchor, type Grid, type Row, type TypeOf } from './grid.ts';

/** A module type with the values that it is painted with. */
export interface Brush {
  readonly type: string;
  readonly params: Readonly<Record<string, Scalar>>;
}

/** A row and the layers of it; the layers of a row outside of stacks don't matter. */
export interface Target {
  readonly row: Row;
  readonly layers: readonly number[];
}

export interface PaintContext {
  readonly grid: Grid;
  readonly typeOf: TypeOf;
}

const refusal = (row: Row, message: string): Diagnostic => ({
  code: 'matrix-refused',
  severity: 'warning',
  where: {},
  message: `${message}.`,
  fix: `Choose another place than "${row.title}", or another module.`,
});

/** Paints a brush over targets. With `replace`, other modules of these cells go. */
export function paint(
  document: Document,
  context: PaintContext,
  targets: readonly Target[],
  brush: Brush,
  replace = false,
): EditResult {
  const info = context.typeOf(brush.type);
  const [first] = targets;
  if (info === undefined || first === undefined) return ok(document);
  let current = document;
  const reasons: Diagnostic[] = [];
  let painted = 0;
  for (const target of targets) {
    const result = paintRow(current, context, target, brush, info, replace);
    if (result.ok) {
      current = result.value;
      painted++;
    } else reasons.push(refusal(target.row, result.error));
  }
  // A stroke over many rows paints those that take the module; only a stroke that none takes is refused.
  return painted > 0 ? ok(current) : fail(reasons);
}

function paintRow(
  document: Document,
  context: PaintContext,
  { row, layers }: Target,
  brush: Brush,
  info: NodeTypeInfo,
  replace: boolean,
): Result<Document> {
  if (!row.inStack) {
    const anchor = row.anchors.get('');
    return anchor
      ? paintAnchor(document, context, row, anchor, undefined, brush, info, replace)
      : fail('there is no such place');
  }
  let current = document;
  for (const [part, own] of layersByPart(context.grid, layers)) {
    const anchor = row.anchors.get(part);
    if (anchor === undefined) continue;
    const result = paintAnchor(current, context, row, anchor, own, brush, info, replace);
    if (!result.ok) return result;
    current = result.value;
  }
  return ok(current);
}

function paintAnchor(
  document: Document,
  context: PaintContext,
  row: Row,
  anchor: Anchor,
  layers: readonly number[] | undefined,
  brush: Brush,
  info: NodeTypeInfo,
  replace: boolean,
): Result<Document> {
  const target = graphAt(document, anchor.graph)?.nodes[anchor.node];
  const fitting = fits(row, info, target);
  if (!fitting.ok) return fitting;
  let current = document;
  const others = modulesAt(document, row, anchor, context.typeOf).filter((m) => m.node.type !== brush.type);
  if (replace) for (const other of others) current = eraseAt(current, context.typeOf, other, layers);
  const present = modulesAt(current, row, anchor, context.typeOf);
  const same = present.find((m) => m.node.type === brush.type);
  const recipe = recipeFor(current, brush, info);
  if (same !== undefined) return ok(repaint(recipe.document, same, layers, brush, recipe.id, info));
  const taken = present[0];
  if (taken !== undefined && !isMany(context, target, anchor)) {
    const title = context.typeOf(taken.node.type)?.title ?? taken.node.type;
    return fail(`"${row.title}" takes one module and has ${title}; erase it first`);
  }
  return attach(recipe.document, context, row, anchor, layers, info, recipe.id);
}

const isMany = (context: PaintContext, target: Node | undefined, anchor: Anchor): boolean =>
  target !== undefined && context.typeOf(target.type)?.inputs[anchor.port]?.many === true;

/** The recipe with a brush's values: one that is there, or a new one, so that what is painted together is edited together. */
export function recipeFor(
  document: Document,
  brush: Brush,
  info: NodeTypeInfo,
): { readonly document: Document; readonly id: RecipeId } {
  const wanted = JSON.stringify(allValues(info, brush.params));
  for (const [id, recipe] of entriesOf(document.recipes)) {
    const plain = Object.values(recipe.params).every((v) => !isLayered(v));
    if (recipe.type === brush.type && plain && JSON.stringify(allValues(info, recipe.params)) === wanted)
      return { document, id };
  }
  const name = (brush.type.split('.').pop() ?? 'module').replace(/[^A-Za-z0-9_-]/g, '_');
  const base = /^[A-Za-z_]/.test(name) ? name : `m_${name}`;
  const id = recipeId(freeName(base, (n) => n in document.recipes));
  const recipe = { type: brush.type, version: info.version, params: brush.params as Params };
  return { document: { ...document, recipes: withEntry(document.recipes, id, recipe) }, id };
}

/** Every value that a brush carries, the type's own where none is said. */
const allValues = (info: NodeTypeInfo, params: Params): readonly unknown[] =>
  Object.entries(info.params)
    .filter(([name]) => !PLACE_PARAMS.has(name))
    .map(([name, spec]) => params[name] ?? spec.default);

/** A module that is there already comes to more layers, with the brush's values in those that are painted. */
function repaint(
  document: Document,
  { anchor, id, node, layers: present }: AttachedModule,
  layers: readonly number[] | undefined,
  brush: Brush,
  recipe: RecipeId,
  info: NodeTypeInfo,
): Document {
  const range = stackAt(document, anchor.graph);
  const keepPlace = Object.fromEntries(Object.entries(node.params).filter(([name]) => PLACE_PARAMS.has(name)));
  const at = { graph: anchor.graph, node: id };
  if (layers === undefined || range === undefined || present === undefined)
    return replaceNode(document, at, { ...node, recipe, params: keepPlace });
  const painted = new Set(layers);
  const all = [...new Set([...present, ...layers])];
  const selection = formatLayers(all, range.first, range.repeat);
  if ([...present].every((l) => painted.has(l)))
    return replaceNode(document, at, withLayers({ ...node, recipe, params: keepPlace }, selection));
  let params: Params = node.params;
  for (const [name, value] of Object.entries(brush.params))
    params = withOverride(document, { ...node, params }, name, value, layers, range, info);
  return replaceNode(document, at, withLayers({ ...node, params }, selection));
}

/** The node's own parameters with one value for some layers. What agrees with the other layers is not written. */
export function withOverride(
  document: Document,
  node: Node,
  name: string,
  value: Scalar,
  layers: readonly number[],
  range: LayerRange,
  info: NodeTypeInfo,
): Params {
  const inherited = node.recipe === undefined ? undefined : document.recipes[node.recipe]?.params[name];
  const held = node.params[name] ?? inherited ?? info.params[name]?.default;
  if (held === undefined || Array.isArray(held)) return node.params;
  const base = stackValue(held);
  if (typeof base === 'object') return node.params;
  const overrides = new Map(isLayered(held) ? overridesOf(held, range) : []);
  for (const layer of layers) {
    if (value === base) overrides.delete(layer);
    else overrides.set(layer, value);
  }
  const next = layered(base, overrides);
  if (JSON.stringify(next) === JSON.stringify(inherited ?? info.params[name]?.default) && !(name in node.params))
    return node.params;
  return JSON.stringify(next) === JSON.stringify(inherited)
    ? withoutEntry(node.params, name)
    : withEntry(node.params, name, next);
}

/** A new node with its wires. */
function attach(
  document: Document,
  context: PaintContext,
  row: Row,
  anchor: Anchor,
  layers: readonly number[] | undefined,
  info: NodeTypeInfo,
  recipe: RecipeId,
): Result<Document> {
  const graph = graphAt(document, anchor.graph);
  const range = stackAt(document, anchor.graph);
  const target = graph?.nodes[anchor.node];
  if (graph === undefined || target === undefined) return fail('the place is not there any more');
  const id = freshId(graph, info.type, row.id);
  const plain: Node = { type: info.type, version: info.version, recipe, params: placeParams(info, row, target) };
  const node =
    layers === undefined || range === undefined
      ? plain
      : withLayers(plain, formatLayers(layers, range.first, range.repeat));
  const wires = wiresFor(context, graph, row, anchor, id, info);
  if (!wires.ok) return wires;
  let result = addNode(document, anchor.graph, id, node);
  for (const wire of wires.value) if (result.ok) result = connect(result.value, anchor.graph, wire);
  return result.ok ? result : fail(result.error.map((d) => d.message).join(' '));
}

function wiresFor(
  context: PaintContext,
  graph: Graph,
  row: Row,
  anchor: Anchor,
  id: NodeId,
  info: NodeTypeInfo,
): Result<readonly Edge[]> {
  const output = Object.entries(info.outputs).find(
    ([, p]) =>
      p.kind === (row.kind === 'series' || row.kind === 'parallel' || row.kind === 'prompt' ? 'tensor' : row.kind),
  );
  if (output === undefined) return fail(`${info.title} gives nothing that "${row.title}" takes`);
  const end = { node: anchor.node, port: anchor.port };
  const wires: Edge[] = [{ from: { node: id, port: portId(output[0]) }, to: end, ...rackOrder(graph, anchor, info) }];
  const beside =
    row.kind === 'series' || row.kind === 'parallel' ? summandsOf(graph, anchor.node, context.typeOf) : undefined;
  for (const [port, spec] of Object.entries(info.inputs)) {
    if (spec.optional) continue;
    const from =
      spec.kind === 'tensor' && beside
        ? (row.kind === 'series' ? beside.sublayer : beside.residual).from
        : graph.edges.find((e) => e.to.node === anchor.node && e.to.port === port)?.from;
    if (from === undefined) return fail(`${info.title} needs "${port}", which "${row.title}" does not have`);
    wires.unshift({ from, to: { node: id, port: portId(port) } });
  }
  return ok(wires);
}

/** What replaces the weight itself must stand first in the rack. */
function rackOrder(graph: Graph, anchor: Anchor, info: NodeTypeInfo): { readonly order?: number } {
  if (info.type !== 'peft.unfreeze') return {};
  const orders = graph.edges
    .filter((e) => e.to.node === anchor.node && e.to.port === anchor.port)
    .map((e) => e.order ?? 1);
  return { order: Math.min(1, ...orders) - 1 };
}

/** The values that a module has in a layer, as a brush. */
export function brushOf(document: Document, module: AttachedModule, layer: number, typeOf: TypeOf): Brush {
  const range = stackAt(document, module.anchor.graph);
  const params: [string, Scalar][] = [];
  for (const [name, spec] of Object.entries(typeOf(module.node.type)?.params ?? {})) {
    if (PLACE_PARAMS.has(name)) continue;
    const value = valueOf(document, module.node, name, spec.default, range, layer);
    if (value !== undefined && typeof value !== 'object') params.push([name, value]);
  }
  return { type: module.node.type, params: Object.fromEntries(params) };
}
