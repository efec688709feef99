/** Erasing: modules leave cells. A module that is left in no layer goes, with what it brought along and nothing else uses. */
import { ok } from '../../../engine/base/result.ts';
import type { Document, Edge, Graph, Node, Params, StackSettings } from '../../../engine/protocol/document.ts';
import {
  graphAt,
  nodeAt,
  removeNode,
  replaceGraph,
  replaceNode,
  stackAt,
  type EditResult,
  type ModelAddress,
} from '../../../engine/protocol/edit.ts';
import { entriesOf, recordOf, WALL_OUT, type NodeId } from '../../../engine/protocol/ids.ts';
import { isLayered, layered, overridesOf } from '../../../engine/protocol/params.ts';
import { formatLayers, type LayerRange } from '../../../engine/protocol/selection.ts';
import { mutedLayers } from '../../inspector/model/edits.ts';
import { modulesAt, withLayers, type AttachedModule } from './cells.ts';
import { layersByPart, type TypeOf } from './grid.ts';
import type { PaintContext, Target } from './paint.ts';

/** Takes all modules out of the cells; the head stays. */
export function erase(document: Document, context: PaintContext, targets: readonly Target[]): EditResult {
  let current = document;
  for (const { row, layers } of targets) {
    if (row.kind === 'head') continue;
    const parts: readonly (readonly [NodeId | '', readonly number[] | undefined])[] = row.inStack
      ? [...layersByPart(context.grid, layers)]
      : [['', undefined]];
    for (const [part, own] of parts) {
      const anchor = row.anchors.get(part);
      if (anchor === undefined) continue;
      for (const module of modulesAt(current, row, anchor, context.typeOf))
        current = eraseAt(current, context.typeOf, module, own);
    }
  }
  return ok(current);
}

/** Takes one module out of some layers, or out altogether. */
export function eraseAt(
  document: Document,
  typeOf: TypeOf,
  { anchor, id, layers: present }: AttachedModule,
  layers: readonly number[] | undefined,
): Document {
  const at = { graph: anchor.graph, node: id };
  const node = nodeAt(document, at);
  const range = stackAt(document, anchor.graph);
  if (node === undefined) return document;
  if (layers === undefined || range === undefined || present === undefined)
    return removeWithHelpers(document, anchor.graph, id, typeOf);
  const gone = new Set(layers);
  const left = [...present].filter((l) => !gone.has(l));
  if (left.length === 0) return removeWithHelpers(document, anchor.graph, id, typeOf);
  if (left.length === present.size) return document;
  const selection = formatLayers(left, range.first, range.repeat);
  const tidy = withoutMute({ ...node, params: withoutOverrides(node.params, gone, range) }, gone, range);
  return replaceNode(document, at, withLayers(tidy, selection));
}

/** Overrides of layers where the module is no longer say nothing. */
const withoutOverrides = (params: Params, gone: ReadonlySet<number>, range: LayerRange): Params =>
  recordOf(
    Object.entries(params).map(([name, value]) => {
      if (!isLayered(value)) return [name, value] as const;
      const kept = [...overridesOf(value, range)].filter(([layer]) => !gone.has(layer));
      return [name, layered(value.all, new Map(kept))] as const;
    }),
  );

function withoutMute(node: Node, gone: ReadonlySet<number>, range: LayerRange): Node {
  if (typeof node.mute !== 'string') return node;
  const kept = [...mutedLayers(node, range)].filter((l) => !gone.has(l));
  const { mute: _before, ...rest } = node;
  return kept.length === 0 ? rest : { ...rest, mute: formatLayers(kept, range.first, range.repeat) };
}

/** Types that only serve the module that they are wired to. */
const HELPERS: ReadonlySet<string> = new Set([
  'peft.adapterInput',
  'layer.affine',
  'source.bank',
  'peft.gate',
  'compose.multiply',
  'compose.scale',
  'compose.delta',
]);

/** Removes a module, then what it was fed by or led through and that now hangs in the air. */
function removeWithHelpers(document: Document, at: ModelAddress, id: NodeId, typeOf: TypeOf): Document {
  let current = remove(document, at, id);
  for (;;) {
    const graph = graphAt(current, at);
    const loose =
      graph &&
      entriesOf<NodeId, Node>(graph.nodes).find(
        ([other, n]) => HELPERS.has(n.type) && isLoose(graph, other, n, typeOf),
      );
    if (loose === undefined) return withoutIdlePorts(current, at);
    current = remove(current, at, loose[0]);
  }
}

const remove = (document: Document, at: ModelAddress, id: NodeId): Document => {
  const result = removeNode(document, { graph: at, node: id });
  return result.ok ? result.value : document;
};

/** Nothing takes what it gives, or nothing feeds what it needs. */
function isLoose(graph: Graph, id: NodeId, node: Node, typeOf: TypeOf): boolean {
  if (!graph.edges.some((e) => e.from.node === id)) return true;
  const inputs = Object.entries(typeOf(node.type)?.inputs ?? {}).filter(([, p]) => !p.optional);
  return inputs.some(([port]) => !graph.edges.some((e) => e.to.node === id && e.to.port === port));
}

/** A collect port of the stack that nothing in the body gives any more goes too, with the wires from it. */
function withoutIdlePorts(document: Document, at: ModelAddress): Document {
  const container = at.path.at(-1);
  const body = graphAt(document, at);
  const settings = stackAt(document, at);
  if (container === undefined || body === undefined || settings === undefined) return document;
  const given = new Set(body.edges.filter((e) => e.to.node === WALL_OUT).map((e) => e.to.port));
  const idle = settings.collect.filter((port) => !given.has(port));
  if (idle.length === 0) return document;
  const around: ModelAddress = { ...at, path: at.path.slice(0, -1) };
  const outer = graphAt(document, around);
  const node = outer?.nodes[container];
  if (outer === undefined || node === undefined) return document;
  const isIdle = (e: Edge): boolean => e.from.node === container && idle.includes(e.from.port);
  const stack: StackSettings = { ...settings, collect: settings.collect.filter((p) => !idle.includes(p)) };
  const nodes = recordOf(
    entriesOf<NodeId, Node>(outer.nodes).map(([k, n]) => [k, k === container ? { ...n, stack } : n] as const),
  );
  return replaceGraph(document, around, { ...outer, nodes, edges: outer.edges.filter((e) => !isIdle(e)) });
}
