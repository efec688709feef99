/** What is inspected: found from the place and the selection alone, so that every panel of the window agrees about it. */
import { entriesOf, isIdentifier, type ModelId, type NodeId } from '../../../engine/protocol/ids.ts';
import {
  graphAt,
  stackAt,
  type GraphAddress,
  type ModelAddress,
  type ModelNodeAddress,
  type NodeAddress,
  type WorkflowAddress,
} from '../../../engine/protocol/edit.ts';
import type { Document, Edge, Node, StackSettings, WorkflowNode } from '../../../engine/protocol/document.ts';
import type { LayerRange } from '../../../engine/protocol/selection.ts';
import type { Place, Selection } from '../../state/place.ts';

export interface NodeSubject {
  readonly kind: 'node' | 'stack';
  readonly at: ModelNodeAddress;
  readonly node: Node;
  /** The stack around the node. */
  readonly range: StackSettings | undefined;
}
export interface StepSubject {
  readonly kind: 'step' | 'for-each';
  readonly at: NodeAddress & { readonly graph: WorkflowAddress };
  readonly step: WorkflowNode;
}
export interface WireSubject {
  readonly kind: 'wire';
  readonly graph: GraphAddress;
  readonly edge: Edge;
}
export type Subject =
  | { readonly kind: 'model'; readonly model: ModelId }
  | { readonly kind: 'workflow' }
  | NodeSubject
  | StepSubject
  | WireSubject
  | { readonly kind: 'many'; readonly graph: ModelAddress; readonly nodes: readonly NodeId[] }
  | { readonly kind: 'wires'; readonly graph: GraphAddress; readonly count: number };

/** Reads `main:layers` and `workflow:`; undefined when the text is no address. */
export function parseGraphAddress(text: string): GraphAddress | undefined {
  const colon = text.indexOf(':');
  if (colon < 0) return undefined;
  const level = text.slice(0, colon);
  const path = text.slice(colon + 1) === '' ? [] : text.slice(colon + 1).split('/');
  if (!path.every(isIdentifier) || !isIdentifier(level)) return undefined;
  const ids = path as NodeId[];
  return level === 'workflow'
    ? { level: 'workflow', path: ids }
    : { level: 'model', model: level as ModelId, path: ids };
}

/** How the canvas names a wire. */
export const edgeId = (edge: Pick<Edge, 'from' | 'to'>): string =>
  `${edge.from.node}.${edge.from.port}->${edge.to.node}.${edge.to.port}`;

/** The layers of the stack around a graph. */
export const rangeAt = (document: Document, at: GraphAddress): LayerRange | undefined => stackAt(document, at);

export function subjectOf(document: Document, place: Place, selection: Selection): Subject {
  return selected(document, selection) ?? whole(document, place);
}

function whole(document: Document, place: Place): Subject {
  const model = place.model ?? (Object.keys(document.models)[0] as ModelId | undefined);
  return place.level === 'workflow' || model === undefined || !(model in document.models)
    ? { kind: 'workflow' }
    : { kind: 'model', model };
}

function selected(document: Document, selection: Selection): Subject | undefined {
  const at = parseGraphAddress(selection.graph);
  const graph = at && graphAt(document, at);
  if (at === undefined || graph === undefined) return undefined;
  const nodes = selection.nodes.filter((id) => id in graph.nodes);
  if (nodes.length > 1 && at.level === 'model') return { kind: 'many', graph: at, nodes };
  const [first] = nodes;
  if (first !== undefined)
    return at.level === 'model' ? nodeSubject(document, at, first) : stepSubject(document, at, first);
  const wires = graph.edges.filter((e) => selection.edges.includes(edgeId(e)));
  const [wire] = wires;
  if (wire === undefined) return undefined;
  return wires.length === 1
    ? { kind: 'wire', graph: at, edge: wire }
    : { kind: 'wires', graph: at, count: wires.length };
}

function nodeSubject(document: Document, at: ModelAddress, id: NodeId): NodeSubject | undefined {
  const node = graphAt(document, at)?.nodes[id];
  if (node === undefined) return undefined;
  const kind = node.stack === undefined ? 'node' : 'stack';
  return { kind, at: { graph: at, node: id }, node, range: stackAt(document, at) };
}

function stepSubject(document: Document, at: WorkflowAddress, id: NodeId): StepSubject | undefined {
  const step = graphAt(document, at)?.nodes[id] as WorkflowNode | undefined;
  return step && { kind: step.body === undefined ? 'step' : 'for-each', at: { graph: at, node: id }, step };
}

/** The words that stand for a node: its own title, else that of its type, else its id. */
export const titleOf = (id: NodeId | string, node: Pick<Node, 'title' | 'type'>, typeTitle?: string): string =>
  node.title !== undefined && node.title !== '' ? node.title : (typeTitle ?? id);

/** The formal name of a node: what the checkpoint calls its weight, else its site, else its type. */
export function formalName(node: Node): string {
  const weight = node.params['weight'];
  if (typeof weight === 'string' && weight !== '') {
    const words = weight.split('.').filter((w) => w !== 'weight' && w !== '{layer}');
    const from = weight.indexOf('{layer}.');
    if (from < 0) return words.join('.');
    return weight.slice(from + '{layer}.'.length).replace(/\.weight$/, '');
  }
  return node.site ?? node.type;
}

/** Ids of all nodes that the graph of an address holds, for pickers. */
export const idsOf = (document: Document, at: GraphAddress): readonly NodeId[] =>
  entriesOf(graphAt(document, at)?.nodes ?? ({} as Readonly<Record<NodeId, never>>)).map(([id]) => id);
