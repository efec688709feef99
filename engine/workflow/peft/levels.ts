/**
 * A model's graph read layer by layer: the nodes that take part, what is attached to which place, and how transformers
 * names that place. Nothing is traced; parameters of mistaken nodes read as their defaults.
 */
import type { ModelModule } from '../../checkpoints/peft/modules.ts';
import type { NodeRegistry } from '../../compile/registry.ts';
import { isActive, readParams, wiresInto, type LayerContext } from '../../compile/resolve.ts';
import type { AnyNode } from '../../nodekit/node.ts';
import type { ParamValue } from '../../nodekit/params.ts';
import { effectiveParams, stackName, type Document, type Graph, type Node } from '../../protocol/document.ts';
import { entriesOf, isWall, type NodeId } from '../../protocol/ids.ts';
import { layersOf } from '../../protocol/selection.ts';

export interface GraphContext {
  readonly document: Document;
  readonly registry: NodeRegistry;
}

/** The model's own graph, or the body of a stack in one of its layers. */
export interface Level {
  readonly graph: Graph;
  /** The stack whose body it is. */
  readonly stack: NodeId | undefined;
  readonly at: LayerContext | undefined;
  /** What paths of parameters begin with: `layers/3/`. */
  readonly prefix: string;
  /** What paths of parameters that all layers share begin with: `layers/`. */
  readonly stackPrefix: string;
}

/** The graph, then the layers of its stacks in order. Stacks inside of stacks are not read. */
export function levelsOf(graph: Graph): readonly Level[] {
  const top: Level = { graph, stack: undefined, at: undefined, prefix: '', stackPrefix: '' };
  const layers = entriesOf<NodeId, Node>(graph.nodes).flatMap(([id, node]): Level[] => {
    const { stack, body } = node;
    if (!stack || !body || !isActive(node, undefined)) return [];
    const name = `${stackName(id, stack)}/`;
    const { first, repeat } = stack;
    return layersOf(stack).map((layer) => ({
      graph: body,
      stack: id,
      at: { layer, first, repeat },
      prefix: `${name}${layer}/`,
      stackPrefix: name,
    }));
  });
  return [top, ...layers];
}

/** A node that takes part in a level, with its parameters there. */
export interface ActiveNode {
  readonly id: NodeId;
  readonly node: Node;
  readonly definition: AnyNode;
  readonly params: Readonly<Record<string, ParamValue>>;
}

export function activeNodes(context: GraphContext, level: Level): readonly ActiveNode[] {
  return entriesOf<NodeId, Node>(level.graph.nodes).flatMap(([id, node]) => activeNode(context, level, id, node));
}

function activeNode({ document, registry }: GraphContext, level: Level, id: NodeId, node: Node): ActiveNode[] {
  const definition = registry.get(node.type);
  if (!definition || !isActive(node, level.at)) return [];
  const given = effectiveParams(document, node);
  return [{ id, node, definition, params: readParams(definition.params, given, level.at, {}, () => undefined) }];
}

/** The nodes that take part and are wired to a port. */
export function attachedTo(context: GraphContext, level: Level, id: NodeId, port: string): readonly ActiveNode[] {
  return wiresInto(level.graph, id, port).flatMap((e) => {
    const node = level.graph.nodes[e.from.node];
    return node ? activeNode(context, level, e.from.node, node) : [];
  });
}

/** Whether anything that takes part is wired to a port, the wall included. */
export const isConnected = (context: GraphContext, level: Level, id: NodeId, port: string): boolean =>
  attachedTo(context, level, id, port).length > 0 || wiresInto(level.graph, id, port).some((e) => isWall(e.from.node));

/** A linear layer or a norm in one layer of the model. */
export interface Dock extends ModelModule {
  readonly kind: 'linear' | 'norm';
  readonly level: Level;
  readonly at: ActiveNode;
}

const KINDS: ReadonlyMap<string, Dock['kind']> = new Map([
  ['layer.linear', 'linear'],
  ['layer.norm', 'norm'],
]);

/** All linear layers and norms. `root` is the name of the bare model in its classifiers: `bert`. */
export function docksOf(context: GraphContext, levels: readonly Level[], root: string): readonly Dock[] {
  return levels.flatMap((level) =>
    activeNodes(context, level).flatMap((at): Dock[] => {
      const kind = KINDS.get(at.node.type);
      return kind ? [{ kind, level, at, name: moduleName(String(at.params['weight']), level, root) }] : [];
    }),
  );
}

/** `encoder.layer.{layer}.output.dense.weight` of a checkpoint is `bert.encoder.layer.0.output.dense` of a classifier. */
function moduleName(weight: string, level: Level, root: string): string {
  const own = weight.replaceAll('{layer}', String(level.at?.layer ?? '')).replace(/\.weight$/, '');
  return own.startsWith(`${root}.`) ? own : `${root}.${own}`;
}

/** All modules of the classifier that PEFT could mean. */
export function modulesOf(docks: readonly Dock[], root: string, heads: readonly string[]): readonly ModelModule[] {
  const tables = ['word', 'position', 'token_type'].map((t) => `${root}.embeddings.${t}_embeddings`);
  return [
    ...docks.map(({ name, kind }) => ({ name, kind })),
    ...tables.map((name) => ({ name, kind: 'embedding' as const })),
    ...heads.map((name) => ({ name, kind: 'head' as const })),
  ];
}
