/**
 * The types of the saved document, version 1: plain readonly data, inferred from `schema.ts`. A document has a workflow
 * (steps joined by artifact wires) and models (nodes joined by tensor and transform wires, with stacks of layers).
 * Not in a document: interpreters, hub addresses, absolute paths, results, and anything that the compiler derives.
 */
import type { z } from 'zod';
import { recordOf, type NodeId, type PortId } from './ids.ts';
import {
  DOCUMENT_FORMAT,
  DOCUMENT_VERSION,
  type artifactRefSchema,
  type DeepReadonly,
  type Graph,
  type Workflow,
  type bankSchema,
  type bankSourceSchema,
  type documentSchema,
  type edgeSchema,
  type forEachItemSchema,
  type nodeSchema,
  type paramsSchema,
  type paramValueSchema,
  type promotedSchema,
  type recipeSchema,
  type scalarSchema,
  type stackSchema,
  type workflowNodeSchema,
} from './schema.ts';

export type { Graph, Workflow } from './schema.ts';
export type { LayerRange, LayerSelection } from './selection.ts';

type ReadonlyOutput<S extends z.ZodType> = DeepReadonly<z.output<S>>;

/** A whole file. `view` holds positions and collapsed groups and is never read by the compiler. */
export type Document = ReadonlyOutput<typeof documentSchema>;
/** A step. `model` names the graph of a model step; `items` with `body` make a for-each container. */
export type WorkflowNode = ReadonlyOutput<typeof workflowNodeSchema>;
/** One row of a for-each table: the parameters that it sets on the steps of the body. */
export type ForEachItem = ReadonlyOutput<typeof forEachItemSchema>;
/**
 * A node of a model. `recipe`: its parameters come from that recipe, its own `params` are departures from it. `shared`:
 * nodes that name one shared set use the same parameters. `layers` and `mute` are two fields so that muting never
 * overwrites the selection. `raw`: the node's type is unknown to the reader; its text is kept as it stood in the file,
 * nothing but `type` and `version` is interpreted, and `params` is empty.
 */
export type Node = ReadonlyOutput<typeof nodeSchema>;
/**
 * A wire. `order` places it among the wires of a port that takes many. Inside a body the wall is `$in` / `$out`.
 */
export type Edge = ReadonlyOutput<typeof edgeSchema>;
/**
 * `repeat` layers with the absolute numbers `first ...`. Carry ports hand the output of a layer to the next, broadcast
 * ports give every layer the same value, collect ports stack one value per layer (`[L, ...]`). Stacks of one graph with
 * the same name (`name`, else the node's id) are parts of one split stack: parameter names, shared weights and scope
 * `stack` span all of them.
 */
export type StackSettings = ReadonlyOutput<typeof stackSchema>;
/** Makes a port of an inner node a port of the container, or of the model's step in the workflow. */
export type Promoted = ReadonlyOutput<typeof promotedSchema>;
export type Recipe = ReadonlyOutput<typeof recipeSchema>;
export type Bank = ReadonlyOutput<typeof bankSchema>;
export type BankSource = ReadonlyOutput<typeof bankSourceSchema>;
/**
 * Where an artifact comes from: the output of a top-level workflow step (or of one item of a for-each step), the
 * promoted port of that name of the model that uses the bank, stored content by SHA-256, or a file beside the document.
 */
export type ArtifactRef = ReadonlyOutput<typeof artifactRefSchema>;
export type Scalar = ReadonlyOutput<typeof scalarSchema>;
/** A scalar, a list of scalars, or a scalar for all layers with overrides for some of them. */
export type ParamValue = ReadonlyOutput<typeof paramValueSchema>;
export type Params = ReadonlyOutput<typeof paramsSchema>;
export type LayeredValue = Extract<ParamValue, { readonly all: Scalar }>;
/** What editing and checking have in common for both levels. */
export type AnyGraph = Graph | Workflow;
export type AnyNode = Node | WorkflowNode;

/** A document without content. */
export const emptyDocument = (title: string): Document => ({
  format: DOCUMENT_FORMAT,
  version: DOCUMENT_VERSION,
  title,
  workflow: { nodes: recordOf([]), edges: [] },
  models: recordOf([]),
  recipes: recordOf([]),
  sharedSets: recordOf([]),
  banks: recordOf([]),
});

/** The name of a stack in parameter paths: its own, or the id of its node. */
export const stackName = (id: NodeId, stack: StackSettings): string => stack.name ?? id;

/** The wires of a graph by their ends; made once for many questions, since each answer would walk all wires. */
export interface WireIndex {
  /** All wires into a node; those of each port in the order in which they count. */
  readonly into: (node: NodeId) => readonly Edge[];
  readonly intoPort: (node: NodeId, port: PortId) => readonly Edge[];
  readonly from: (node: NodeId) => readonly Edge[];
}

export function indexWires(graph: AnyGraph): WireIndex {
  const into = new Map<NodeId, Edge[]>();
  const from = new Map<NodeId, Edge[]>();
  const add = (map: Map<NodeId, Edge[]>, node: NodeId, edge: Edge): void => {
    const list = map.get(node);
    if (list === undefined) map.set(node, [edge]);
    else list.push(edge);
  };
  for (const edge of inOrder(graph.edges)) add(into, edge.to.node, edge);
  for (const edge of graph.edges) add(from, edge.from.node, edge);
  return {
    into: (node) => into.get(node) ?? [],
    intoPort: (node, port) => (into.get(node) ?? []).filter((e) => e.to.port === port),
    from: (node) => from.get(node) ?? [],
  };
}

/** Wires in the order in which those of one port count: by `order`, then those without one as they stand in the list. */
export const inOrder = (edges: readonly Edge[]): readonly Edge[] =>
  [...edges].sort((a, b) => (a.order ?? Number.MAX_SAFE_INTEGER) - (b.order ?? Number.MAX_SAFE_INTEGER));

/** A node's effective parameters: those of its recipe, with the node's own ones on top. */
export function effectiveParams(document: Document, node: Node): Params {
  const recipe = node.recipe === undefined ? undefined : document.recipes[node.recipe];
  return recipe === undefined
    ? node.params
    : recordOf([...Object.entries(recipe.params), ...Object.entries(node.params)]);
}
