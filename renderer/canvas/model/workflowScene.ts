/** What is drawn of the workflow: steps with their states, artifact wires, for-each containers with their items. */
import type { Document, Edge, Workflow, WorkflowNode } from '../../../engine/protocol/document.ts';
import { formatGraphAddress, inWorkflow, type WorkflowAddress } from '../../../engine/protocol/edit.ts';
import { sameJson } from '../../../engine/protocol/equal.ts';
import { entriesOf, isWall, WALL_IN, WALL_OUT, type NodeId } from '../../../engine/protocol/ids.ts';
import { graphViewOf } from '../../../engine/protocol/view.ts';
import { cardOf } from './card.ts';
import type { TypeIndex } from './catalog.ts';
import { ANY_KIND } from './ports.ts';
import { edgeId, EMPTY_SCENE, sceneId } from './scene.ts';
import type { CardPort, Face, Problem, Scene, SceneEdge, SceneGraph, SceneNode } from './sceneTypes.ts';

export interface StepFacts {
  readonly state: string;
  readonly words: string;
  readonly problems: readonly Problem[];
}

export interface WorkflowInput {
  readonly document: Document;
  readonly types: TypeIndex;
  readonly facts: (path: string) => StepFacts | undefined;
}

interface StepPort {
  readonly name: string;
  readonly kind: string;
  readonly doc: string;
  readonly optional: boolean;
  readonly many: boolean;
  readonly glyph?: 'promoted' | 'broadcast' | 'collect';
}

export interface StepPorts {
  readonly inputs: readonly StepPort[];
  readonly outputs: readonly StepPort[];
}

/** Ports of a step: its type's own, those that its model promotes, and for a container those of its walls. */
export function stepPorts(
  document: Document,
  id: NodeId,
  step: WorkflowNode,
  graph: Workflow,
  types: TypeIndex,
): StepPorts {
  if (step.body) {
    const { body } = step;
    const inputs = [...new Set(body.edges.filter((e) => e.from.node === WALL_IN).map((e) => e.from.port))];
    const outputs = [...new Set(body.edges.filter((e) => e.to.node === WALL_OUT).map((e) => e.to.port))];
    return {
      inputs: inputs.map((name) => wallPort(document, body, name, 'in', types)),
      outputs: outputs.map((name) => wallPort(document, body, name, 'out', types)),
    };
  }
  const info = step.raw === undefined ? types.step(step.type) : undefined;
  const listed = (ports: NonNullable<typeof info>['inputs']): StepPort[] =>
    Object.entries(ports).map(([name, p]) => ({
      name,
      kind: p.kind,
      doc: p.doc,
      optional: p.optional === true,
      many: p.many === true,
    }));
  const promoted = (step.model === undefined ? [] : (document.models[step.model]?.promoted ?? [])).map(
    (p): StepPort => ({
      name: p.name,
      kind: p.kind,
      doc: `Promoted from ${p.node} in the model. Click to go there.`,
      optional: true,
      many: true,
      glyph: 'promoted',
    }),
  );
  if (info) return { inputs: [...listed(info.inputs), ...promoted], outputs: listed(info.outputs) };
  const named = (names: readonly string[]): StepPort[] =>
    [...new Set(names)].map((name) => ({ name, kind: ANY_KIND, doc: '', optional: true, many: true }));
  return {
    inputs: named(graph.edges.filter((e) => e.to.node === id).map((e) => e.to.port)),
    outputs: named(graph.edges.filter((e) => e.from.node === id).map((e) => e.from.port)),
  };
}

function wallPort(document: Document, body: Workflow, name: string, side: 'in' | 'out', types: TypeIndex): StepPort {
  const edge = body.edges.find((e) =>
    side === 'in' ? e.from.node === WALL_IN && e.from.port === name : e.to.node === WALL_OUT && e.to.port === name,
  );
  const end = edge && (side === 'in' ? edge.to : edge.from);
  const inner = end && !isWall(end.node) ? body.nodes[end.node] : undefined;
  const ports = inner && end ? stepPorts(document, end.node, inner, body, types) : undefined;
  const found = (side === 'in' ? ports?.inputs : ports?.outputs)?.find((p) => p.name === end?.port);
  return {
    name,
    kind: found?.kind ?? ANY_KIND,
    doc: side === 'in' ? 'Every item gets the same.' : 'One result per item.',
    optional: false,
    many: false,
    glyph: side === 'in' ? 'broadcast' : 'collect',
  };
}

export function makeWorkflowScene(input: WorkflowInput, before: Scene = EMPTY_SCENE): Scene {
  const nodes: SceneNode[] = [];
  const edges: SceneEdge[] = [];
  const graphs = new Map<string, SceneGraph>();
  addGraph(input, inWorkflow(), input.document.workflow, { nodes, edges, graphs });
  const oldEdges = new Map(before.edges.map((e) => [e.id, e]));
  const kept = nodes.map((n) => {
    const old = before.byId.get(n.id);
    return old !== undefined && sameJson(old, n) ? old : n;
  });
  return {
    nodes: kept,
    edges: edges.map((e) => {
      const old = oldEdges.get(e.id);
      return old !== undefined && sameJson(old, e) ? old : e;
    }),
    byId: new Map(kept.map((n) => [n.id, n])),
    graphs,
  };
}

function addGraph(
  input: WorkflowInput,
  address: WorkflowAddress,
  graph: Workflow,
  made: { nodes: SceneNode[]; edges: SceneEdge[]; graphs: Map<string, SceneGraph> },
): void {
  const text = formatGraphAddress(address);
  made.graphs.set(text, { address, graph, racks: new Map() });
  const collapsed = new Set(graphViewOf(input.document, text).collapsed);
  for (const [id, step] of entriesOf<NodeId, WorkflowNode>(graph.nodes)) {
    made.nodes.push(stepNode(input, address, graph, id, step, collapsed.has(id)));
    if (step.body && !collapsed.has(id)) addGraph(input, inWorkflow(...address.path, id), step.body, made);
  }
  for (const e of graph.edges) made.edges.push(stepEdge(input, address, graph, e));
}

const FIRST: ReadonlyMap<string, readonly string[]> = new Map([
  ['data.table', ['file']],
  ['data.split', ['share', 'seed']],
  ['model', ['backbone']],
  ['train', ['epochs', 'lr', 'batch']],
  ['adapter.file', ['file']],
  ['export', ['name']],
]);

function summary(step: WorkflowNode): string {
  if (step.items) return `${step.items.length} ${step.items.length === 1 ? 'item' : 'items'}`;
  const names = FIRST.get(step.type) ?? Object.keys(step.params).slice(0, 2);
  const parts = names.flatMap((n) => {
    const value = step.params[n];
    if (value === undefined || typeof value === 'object') return [];
    return [n === 'file' || n === 'backbone' || n === 'name' ? String(value) : `${n} ${value}`];
  });
  return parts.join('  ');
}

const sentence = (id: string): string => {
  const words = id.replaceAll(/[_-]+/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

function stepNode(
  input: WorkflowInput,
  address: WorkflowAddress,
  graph: Workflow,
  id: NodeId,
  step: WorkflowNode,
  collapsed: boolean,
): SceneNode {
  const { document, types } = input;
  const info = types.step(step.type);
  const ports = stepPorts(document, id, step, graph, types);
  const wired = new Set(
    graph.edges.flatMap((e) => [
      ...(e.to.node === id ? [`in.${e.to.port}`] : []),
      ...(e.from.node === id ? [`out.${e.from.port}`] : []),
    ]),
  );
  const asPort = (p: StepPort, side: 'in' | 'out'): CardPort => ({
    name: p.name,
    kind: p.kind,
    side,
    doc: p.doc,
    optional: p.optional,
    wired: wired.has(`${side}.${p.name}`),
    ...(p.glyph === undefined ? {} : { glyph: p.glyph }),
  });
  const path = sceneId(address.path, id);
  const facts = input.facts(path);
  const isOpen = step.body !== undefined && !collapsed;
  const inputs = ports.inputs.map((p) => asPort(p, 'in'));
  const outputs = ports.outputs.map((p) => asPort(p, 'out'));
  const face: Face = {
    title: step.title ?? (step.body ? 'For each' : sentence(id)),
    subtitle: info === undefined && !step.body ? `unknown step ${step.type}` : summary(step),
    type: step.body ? 'for-each' : step.type,
    family: step.type.startsWith('data.') ? 'data' : 'step',
    state: info === undefined && !step.body ? 'unknown' : 'plain',
    help: info?.help ?? '',
    ghost: false,
    muted: false,
    override: false,
    layers: '',
    recipe: '',
    chips: [],
    formula: '',
    problems: facts?.problems ?? [],
    trainableCount: 0,
    frozenCount: 0,
    hasRack: true,
    collapsed,
    bank: -1,
    ...(facts ? { status: { state: facts.state, words: facts.words } } : {}),
    ...(step.body
      ? {
          stack: {
            repeat: step.items?.length ?? 0,
            first: 0,
            layer: 'all' as const,
            wallIn: inputs.map((p) => ({ ...p, side: 'out' as const })),
            wallOut: outputs.map((p) => ({ ...p, side: 'in' as const })),
            nodes: Object.keys(step.body.nodes).length,
          },
          items: (step.items ?? []).map((item) => ({
            name: item.name,
            muted: item.mute === true,
            words: Object.values(item.set)
              .flatMap((params) =>
                Object.entries(params).map(([k, v]) => `${k} ${typeof v === 'object' ? '...' : String(v)}`),
              )
              .join('  '),
          })),
        }
      : {}),
  };
  return {
    id: path,
    node: id,
    graph: formatGraphAddress(address),
    ...(address.path.length === 0 ? {} : { parent: address.path.join('/') }),
    kind: isOpen ? 'stack' : 'card',
    face,
    ...(isOpen ? { footer: 16 + 32 * Math.min(MOST_ITEMS + 1, (step.items?.length ?? 0) + 1) } : {}),
    ...cardOf(face, inputs, outputs),
  };
}

/** Rows of the table of items that a container shows; the inspector has them all. */
export const MOST_ITEMS = 6;

function stepEdge(input: WorkflowInput, address: WorkflowAddress, graph: Workflow, edge: Edge): SceneEdge {
  const container = address.path.join('/');
  const { from, to } = edge;
  const step = isWall(from.node) ? undefined : graph.nodes[from.node];
  const taker = isWall(to.node) ? undefined : graph.nodes[to.node];
  const kind = step
    ? stepPorts(input.document, from.node, step, graph, input.types).outputs.find((p) => p.name === from.port)?.kind
    : taker &&
      stepPorts(input.document, to.node, taker, graph, input.types).inputs.find((p) => p.name === to.port)?.kind;
  return {
    id: `${formatGraphAddress(address)}|${edgeId(edge)}`,
    graph: formatGraphAddress(address),
    edge: edgeId(edge),
    from: from.node === WALL_IN ? container : sceneId(address.path, from.node),
    fromPort: from.node === WALL_IN ? `$in.${from.port}` : from.port,
    to: to.node === WALL_OUT ? container : sceneId(address.path, to.node),
    toPort: to.node === WALL_OUT ? `$out.${to.port}` : to.port,
    kind: kind ?? ANY_KIND,
  };
}
