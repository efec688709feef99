/** The graph of a model whose mixtures of sources are replaced by one adapter each, and what the adapter is made of. */
import { fail, ok, type Result } from '../../../base/result.ts';
import type { NodeRegistry } from '../../../compile/registry.ts';
import { isActive } from '../../../compile/resolve.ts';
import {
  effectiveParams,
  stackName,
  type Document,
  type Edge,
  type Graph,
  type Node,
} from '../../../protocol/document.ts';
import { inModel, replaceGraph } from '../../../protocol/edit.ts';
import { entriesOf, portId, recordOf, type NodeId } from '../../../protocol/ids.ts';
import { layersOf } from '../../../protocol/selection.ts';
import { artifactOf } from '../../../workflow/banks.ts';
import { sourceTensor, type Container } from '../../../workflow/container.ts';
import type { ModuleRecord } from '../../../workflow/modules.ts';

export interface MergedSource {
  readonly size: number;
  /** Constant factor, unless one is learnt. */
  readonly scale: number;
  /** Names of its tensors in a layer; a LoRA has no biases and learns no factor. */
  readonly tensors: (layer: number) => {
    readonly down: string;
    readonly up: string;
    readonly downBias?: string;
    readonly upBias?: string;
    readonly scale?: string;
  };
}

/** One mixture of a stack and the adapter that stands for it. */
export interface Mixture {
  readonly sources: readonly MergedSource[];
  readonly layers: readonly number[];
  /** Size of the merged bottleneck. */
  readonly size: number;
  /** Width of the states. */
  readonly width: number;
  /** Weight of a source in a layer, for one channel. */
  readonly weight: (layer: number, source: number, channel: number) => number;
  /** Name of a tensor of the merged adapter. */
  readonly merged: (layer: number, name: string) => string;
  /** Trained tensors that the merged model has no use for. */
  readonly replaced: ReadonlySet<string>;
}

export interface MergedGraph {
  readonly document: Document;
  readonly mixtures: readonly Mixture[];
}

const MIXERS: ReadonlyMap<string, string> = new Map([
  ['peft.scalearn', 'delta'],
  ['compose.average', 'y'],
]);

/** Fails in words when there is nothing to merge, or when one adapter cannot stand for a mixture. */
export function mergedGraph(container: Container, registry: NodeRegistry): Result<MergedGraph> {
  const graph = container.document.models[container.model];
  if (!graph || container.sources.length === 0) return fail('The model has no sources to merge.');
  const mixtures: Mixture[] = [];
  const nodes: (readonly [NodeId, Node])[] = [];
  for (const [id, node] of entriesOf<NodeId, Node>(graph.nodes)) {
    if (!node.stack || !node.body) {
      nodes.push([id, node]);
      continue;
    }
    const changed = mergeBody(container, registry, id, node, node.body);
    if (!changed.ok) return changed;
    mixtures.push(...changed.value.mixtures);
    nodes.push([id, { ...node, body: changed.value.body }]);
  }
  if (mixtures.length === 0) return fail('The model mixes no sources in its layers.');
  const next = { ...graph, nodes: recordOf(nodes) };
  const document = replaceGraph(container.document, inModel(container.model), next);
  return ok({ document: { ...document, banks: recordOf([]) }, mixtures });
}

function mergeBody(
  container: Container,
  registry: NodeRegistry,
  stackId: NodeId,
  stackNode: Node,
  body: Graph,
): Result<{ readonly body: Graph; readonly mixtures: readonly Mixture[] }> {
  const banks = entriesOf<NodeId, Node>(body.nodes).filter(([, node]) => node.type === 'source.bank');
  let current = body;
  const mixtures: Mixture[] = [];
  for (const [bankId, bankNode] of banks) {
    const uses = body.edges.filter((e) => e.from.node === bankId);
    const [use] = uses;
    const mixer = use && body.nodes[use.to.node];
    if (!use || !mixer || uses.length > 1) return fail('The sources are read by more than one node.');
    const output = MIXERS.get(mixer.type);
    if (output === undefined) {
      const title = registry.get(mixer.type)?.docs.title ?? mixer.type;
      return fail(`${title} weighs its sources by the input, so that no single adapter gives the same for every text.`);
    }
    const others = body.edges.filter((e) => e.to.node === use.to.node && e.from.node !== bankId);
    if (others.length > 0) return fail('The mixture has inputs beside the sources of its bank.');
    const mixture = describeMixture(container, stackId, stackNode, use.to.node, mixer, bankNode);
    if (!mixture.ok) return mixture;
    mixtures.push(mixture.value.mixture);
    current = replaceMixture(current, bankId, use.to.node, output, mixture.value.node);
  }
  return ok({ body: current, mixtures });
}

function describeMixture(
  container: Container,
  stackId: NodeId,
  stackNode: Node,
  id: NodeId,
  mixer: Node,
  bankNode: Node,
): Result<{ readonly mixture: Mixture; readonly node: Node }> {
  const { stack } = stackNode;
  const rows = container.sources.filter((s) => s.bank === bankNode.bank);
  if (!stack || rows.length === 0) return fail('The bank has no sources.');
  const kinds = new Set(rows.map((row) => row.module.type));
  const odd = rows.find((row) => !MERGEABLE.has(row.module.type));
  if (odd) return fail(`Source "${odd.name}" is of type ${odd.module.type}, which cannot be joined with others.`);
  if (kinds.size > 1) return fail('The sources are modules of different kinds.');
  const activations = new Set(rows.map(({ module }) => activationOf(module)));
  if (activations.size > 1) return fail(`The sources have different non-linearities: ${[...activations].join(', ')}.`);
  const first = stack.first;
  const layers = layersOf(stack).filter((layer) => {
    const at = { layer, first, repeat: stack.repeat };
    return isActive(mixer, at) && isActive(bankNode, at);
  });
  const sources = rows.map(({ bank, name, module }) =>
    mergedSource(module, (layer, tensor) =>
      sourceTensor(artifactOf({ bank, name }), `${module.prefix.replace('{layer}', String(layer))}${tensor}`),
    ),
  );
  const size = sources.reduce((n, s) => n + s.size, 0);
  const [at, source] = [layers[0], sources[0]];
  const up = at === undefined || !source ? undefined : container.file.tensors.get(source.tensors(at).up);
  const width = up?.shape[0];
  if (width === undefined) return fail('The tensors of the sources are not in the file of the model.');
  const prefix = stackName(stackId, stack);
  const omegas = omegasOf(container, mixer, prefix, id, layers);
  if (!omegas.ok) return omegas;
  const mixture: Mixture = {
    sources,
    layers,
    size,
    width,
    weight: (layer, s, channel) => {
      const values = omegas.value.get(layer);
      if (!values) return 1 / sources.length;
      const columns = values.length / sources.length;
      return values[s * columns + (columns === 1 ? 0 : channel)] as number;
    },
    merged: (layer, name) => `${prefix}/${layer}/${id}/${name}`,
    replaced: new Set([...container.file.tensors.keys()].filter((name) => name.endsWith(`/${id}/omega`))),
  };
  const params = { size, activation: [...activations][0] ?? 'relu', scale: 1, learnedScale: 'none', dropout: 0 };
  const node: Node = {
    type: 'peft.bottleneck',
    version: 1,
    title: 'Merged sources',
    params: recordOf(Object.entries(params)),
    ...(mixer.layers === undefined ? {} : { layers: mixer.layers }),
    ...(mixer.mute === undefined ? {} : { mute: mixer.mute }),
  };
  return ok({ mixture, node });
}

const MERGEABLE: ReadonlySet<string> = new Set(['peft.bottleneck', 'peft.lora']);

/** A LoRA is a bottleneck without a non-linearity. */
const activationOf = ({ type, params }: ModuleRecord): string =>
  type === 'peft.lora' ? 'identity' : String(params['activation']);

function mergedSource({ type, params }: ModuleRecord, at: (layer: number, name: string) => string): MergedSource {
  if (type === 'peft.lora') {
    const rank = Number(params['rank']);
    const scale = Number(params['alpha']) / (params['rslora'] === true ? Math.sqrt(rank) : rank);
    return { size: rank, scale, tensors: (layer) => ({ down: at(layer, 'A'), up: at(layer, 'B') }) };
  }
  const learnt = params['learnedScale'] !== 'none';
  return {
    size: Number(params['size']),
    scale: Number(params['scale'] ?? 1),
    tensors: (layer) => ({
      down: at(layer, 'down.weight'),
      downBias: at(layer, 'down.bias'),
      up: at(layer, 'up.weight'),
      upBias: at(layer, 'up.bias'),
      ...(learnt ? { scale: at(layer, 'scale') } : {}),
    }),
  };
}

/** The learnt weights by layer; none for a plain mean. */
function omegasOf(
  container: Container,
  mixer: Node,
  prefix: string,
  id: NodeId,
  layers: readonly number[],
): Result<ReadonlyMap<number, Float32Array>> {
  if (mixer.type === 'compose.average') return ok(new Map());
  const found = new Map<number, Float32Array>();
  const { tensors } = container.file;
  const { variant } = effectiveParams(container.document, mixer);
  const shared = typeof variant === 'string' && variant.endsWith('++');
  for (const layer of layers) {
    const names = shared ? [`${prefix}/${id}/omega`, `${id}/omega`] : [`${prefix}/${layer}/${id}/omega`];
    const name = names.find((n) => tensors.has(n)) ?? sharedOmega(tensors.keys(), id);
    if (name === undefined) return fail(`The learnt weights of layer ${layer} are not in the file of the model.`);
    found.set(layer, container.read(name));
  }
  return ok(found);
}

/** The one set of weights that all layers share, wherever it is placed. */
function sharedOmega(names: Iterable<string>, id: NodeId): string | undefined {
  const all = [...names].filter((name) => name.endsWith(`${id}/omega`) || /^shared\/[^/]+\/omega$/.test(name));
  return all.length === 1 ? all[0] : undefined;
}

/** The bank and its mixer go; the adapter takes the bank's input and the mixer's outputs, under the mixer's name. */
function replaceMixture(body: Graph, bank: NodeId, mixer: NodeId, output: string, node: Node): Graph {
  const nodes = entriesOf<NodeId, Node>(body.nodes)
    .filter(([id]) => id !== bank)
    .map(([id, n]) => [id, id === mixer ? node : n] as const);
  const edges = body.edges.flatMap((e): Edge[] => {
    if (e.to.node === bank) return [{ ...e, to: { node: mixer, port: portId('x') } }];
    if (e.from.node === bank || e.to.node === mixer) return [];
    if (e.from.node !== mixer) return [e];
    return e.from.port === output ? [{ ...e, from: { node: mixer, port: portId('delta') } }] : [];
  });
  return { ...body, nodes: recordOf(nodes), edges };
}
