/**
 * The figures of a check, found for a node of the document. The check names things by their path in the Program
 * (`layers/3/query/lora_q/A`): the stack's name, the layer, the target that a module docks on, the module, the parameter.
 */
import type { CheckView, ModelFigures, NodeFigures } from '../../../engine/protocol/api/check.ts';
import type { Diagnostic } from '../../../engine/base/errors.ts';
import { stackName, type Document, type Edge, type Node } from '../../../engine/protocol/document.ts';
import { graphAt, nodeAt, type ModelAddress, type ModelNodeAddress } from '../../../engine/protocol/edit.ts';
import { nodePath } from '../../../engine/protocol/walk.ts';
import { WALL_IN, type ModelId, type NodeId } from '../../../engine/protocol/ids.ts';

export const figuresOfModel = (check: CheckView | undefined, model: string): ModelFigures | undefined =>
  check?.models.find((m) => m.model === model);

/** The names under which the parameters and values of a graph's nodes are found, without layers. */
export function programPath(document: Document, at: ModelAddress): readonly string[] {
  return at.path.map((id, i) => {
    const node = nodeAt(document, { graph: { ...at, path: at.path.slice(0, i) }, node: id });
    return node?.stack === undefined ? id : stackName(id, node.stack);
  });
}

const LAYER = /^(?:\d+|\*)$/;
/** `layers/3/query/A` to `layers/query/A`: an id never begins with a digit, so a number in a path is a layer. */
export const withoutLayers = (name: string): readonly string[] => name.split('/').filter((part) => !LAYER.test(part));

/** The first layer number of a path. */
export function layerOfName(name: string): number | undefined {
  const part = name.split('/').find((p) => /^\d+$/.test(p));
  return part === undefined ? undefined : Number(part);
}

/** The node that a module docks on, when its output is a transform. */
export function dockedOn(document: Document, at: ModelNodeAddress): NodeId | undefined {
  const graph = graphAt(document, at.graph);
  return graph?.edges.find((e) => e.from.node === at.node && e.from.port === 'transform')?.to.node;
}

/**
 * Whether a path belongs to a node: `own` are its own parameters, `docked` those of modules docked on it. A module's own
 * path begins with its target's.
 */
export function belongs(document: Document, at: ModelNodeAddress, name: string): 'own' | 'docked' | undefined {
  const around = programPath(document, at.graph);
  const parts = withoutLayers(name);
  if (around.some((part, i) => parts[i] !== part)) return undefined;
  const node = nodeAt(document, at);
  if (node?.shared !== undefined && parts[0] === 'shared') return parts[1] === node.shared ? 'own' : undefined;
  const [first, second] = parts.slice(around.length);
  if (first === at.node) return second !== undefined && isDocked(document, at, second) ? 'docked' : 'own';
  return second === at.node && first !== undefined && dockedOn(document, at) === first ? 'own' : undefined;
}

function isDocked(document: Document, at: ModelNodeAddress, id: string): boolean {
  const graph = graphAt(document, at.graph);
  return (
    graph !== undefined &&
    id in graph.nodes &&
    graph.edges.some((e) => e.from.node === id && e.to.node === at.node && e.from.port === 'transform')
  );
}

type TrainableRow = ModelFigures['trainable'][number];

/** The trainable parameters of a node, those of modules docked on it apart. */
export function parametersOf(
  document: Document,
  figures: ModelFigures | undefined,
  at: ModelNodeAddress,
): { readonly own: readonly TrainableRow[]; readonly docked: readonly TrainableRow[] } {
  const own: TrainableRow[] = [];
  const docked: TrainableRow[] = [];
  for (const row of figures?.trainable ?? []) {
    const side = sharedOf(document, at, row.name) ? 'own' : belongs(document, at, row.name);
    if (side === 'own') own.push(row);
    else if (side === 'docked') docked.push(row);
  }
  return { own, docked };
}

const sharedOf = (document: Document, at: ModelNodeAddress, name: string): boolean => {
  const shared = nodeAt(document, at)?.shared;
  return shared !== undefined && name.startsWith(`shared/${shared}/`);
};

/** The figures of a node: its own row, layers together. */
export function figuresOfNode(
  document: Document,
  figures: ModelFigures | undefined,
  at: ModelNodeAddress,
): NodeFigures | undefined {
  const around = programPath(document, at.graph);
  const target = dockedOn(document, at);
  const paths = [
    [...around, at.node].join('/'),
    ...(target === undefined ? [] : [[...around, target, at.node].join('/')]),
  ];
  return figures?.nodes.find((row) => paths.includes(withoutLayers(row.node).join('/')));
}

/** The sum over the nodes inside of a stack. */
export function figuresOfStack(
  document: Document,
  figures: ModelFigures | undefined,
  at: ModelNodeAddress,
): { readonly frozen: number; readonly trainable: number; readonly flops: number; readonly keptBytes: number } {
  const inside = [...programPath(document, { ...at.graph, path: [...at.graph.path, at.node] }), ''].join('/');
  const rows = (figures?.nodes ?? []).filter((row) => `${withoutLayers(row.node).join('/')}/`.startsWith(inside));
  const sum = (read: (row: NodeFigures) => number): number => rows.reduce((n, row) => n + read(row), 0);
  return {
    frozen: sum((r) => r.frozen),
    trainable: sum((r) => r.trainable),
    flops: sum((r) => r.flops ?? 0),
    keptBytes: sum((r) => r.keptBytes ?? 0),
  };
}

/** What a node gives: the shape of `f32[B,T,384]` as `[B, T, 384]` with its type apart. */
export function shapeWords(output: string): { readonly dtype: string; readonly shape: string } | undefined {
  const [, dtype, shape] = /^([a-z0-9]+)\[(.*)\]$/.exec(output) ?? [];
  if (dtype === undefined || shape === undefined) return undefined;
  return { dtype, shape: shape === '' ? 'a number' : `[${shape.split(',').join(', ')}]` };
}

/** What each of a node's inputs takes in, by port: the shapes of the nodes that its wires come from. */
export function inputShapes(
  document: Document,
  figures: ModelFigures | undefined,
  at: ModelNodeAddress,
): readonly { readonly port: string; readonly from: NodeId; readonly shape: string | undefined }[] {
  const edges = graphAt(document, at.graph)?.edges.filter((e) => e.to.node === at.node) ?? [];
  return edges.flatMap((edge) => {
    // A module that docks gives no value, but changes what the node does.
    if (edge.from.port === 'transform') return [];
    const output = outputOf(document, figures, at.graph, edge);
    return [{ port: edge.to.port, from: edge.from.node, shape: output && shapeWords(output)?.shape }];
  });
}

/** The type of what a wire carries; through the wall of a stack it is what comes in outside. */
function outputOf(
  document: Document,
  figures: ModelFigures | undefined,
  at: ModelAddress,
  edge: Edge,
): string | undefined {
  if (edge.from.node !== WALL_IN) return figuresOfNode(document, figures, { graph: at, node: edge.from.node })?.output;
  const around: ModelAddress = { ...at, path: at.path.slice(0, -1) };
  const outer = graphAt(document, around)?.edges.find(
    (e) => e.to.node === at.path.at(-1) && e.to.port === edge.from.port,
  );
  // Tokens are several tensors; their figures are those of the embeddings and say nothing of them.
  return outer === undefined || outer.from.port === 'tokens' ? undefined : outputOf(document, figures, around, outer);
}

/** Findings of the check that are about one node, those about its parameters by the parameter's name. */
export interface NodeProblems {
  readonly all: readonly Diagnostic[];
  readonly byParam: ReadonlyMap<string, readonly Diagnostic[]>;
}

/** A place may name the layer within the path. */
const samePath = (found: string | undefined, path: string): boolean =>
  found !== undefined && (found === path || withoutLayers(found).join('/') === path);

export function problemsOf(
  check: CheckView | undefined,
  where: { readonly model?: ModelId; readonly path: readonly NodeId[]; readonly node: NodeId },
): NodeProblems {
  const path = nodePath(where.path, where.node);
  const all = (check?.diagnostics ?? []).filter(
    (d) =>
      samePath(d.where.node, path) &&
      (where.model === undefined ? d.where.model === undefined : d.where.model === where.model),
  );
  const byParam = new Map<string, Diagnostic[]>();
  for (const d of all) {
    if (d.where.param === undefined) continue;
    byParam.set(d.where.param, [...(byParam.get(d.where.param) ?? []), d]);
  }
  return { all, byParam };
}

/** Whether a node's weights are part of the backbone and stay as they are. */
export const isFrozenLayer = (node: Node, figures: NodeFigures | undefined): boolean =>
  figures === undefined ? !node.type.startsWith('peft.') && !node.type.startsWith('head.') : figures.trainable === 0;

/** The parameter table as text with tabs, for a spreadsheet. */
export const tableText = (rows: readonly TrainableRow[]): string =>
  [
    'name\tshape\tcount\tdecay',
    ...rows.map((r) => `${r.name}\t${r.shape}\t${r.count}\t${r.decay ? 'yes' : 'no'}`),
  ].join('\n');

/** Trainable parameters of a model by what they belong to: one row per node with its layers together. */
export interface ParameterGroup {
  /** `layers/query/lora_attn_query/A` */
  readonly name: string;
  readonly shape: string;
  readonly layers: readonly number[];
  readonly count: number;
  readonly decay: boolean;
}

export function groupParameters(rows: readonly TrainableRow[]): readonly ParameterGroup[] {
  const groups = new Map<string, { shape: string; layers: number[]; count: number; decay: boolean; name: string }>();
  for (const row of rows) {
    const name = withoutLayers(row.name).join('/');
    const key = `${name} ${row.shape} ${row.decay}`;
    const layer = layerOfName(row.name);
    const group = groups.get(key) ?? { name, shape: row.shape, layers: [], count: 0, decay: row.decay };
    if (layer !== undefined) group.layers.push(layer);
    group.count += row.count;
    groups.set(key, group);
  }
  return [...groups.values()];
}
