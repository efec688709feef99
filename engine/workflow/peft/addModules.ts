/** Puts the modules that a PEFT configuration means into a plain model: through a preset, then module by module. */
import { must, UserError, type Place } from '../../base/errors.ts';
import type { Result } from '../../base/result.ts';
import type { Ia3Config, LnTuningConfig, LoraConfig, PeftConfig } from '../../checkpoints/peft/config.ts';
import { adaptedModules, isFeedforward, patternValue } from '../../checkpoints/peft/modules.ts';
import { wiresInto } from '../../compile/resolve.ts';
import type { Document, Edge, Graph, Node, Params, Scalar } from '../../protocol/document.ts';
import { nodeId, portId, recordOf, withEntry, type ModelId, type NodeId } from '../../protocol/ids.ts';
import { layered } from '../../protocol/params.ts';
import { formatLayers } from '../../protocol/selection.ts';
import type { Dock } from './levels.ts';
import * as messages from './messages.ts';
import type { PlanContext } from './plan.ts';

export interface AddRequest {
  readonly document: Document;
  readonly model: ModelId;
  readonly context: Pick<PlanContext, 'docks' | 'modules' | 'registry'>;
  readonly applyPreset: (document: Document, model: ModelId, name: string, params: Params) => Result<Document>;
  readonly where: Place;
}

/** The document with the modules. Throws a `UserError` for modules that the model does not have or cannot adapt. */
export function addModules(request: AddRequest, config: PeftConfig): Document {
  switch (config.type) {
    case 'PROMPT_TUNING':
      return preset(request, 'prompt', { size: config.virtualTokens, pool: 'first' });
    case 'PREFIX_TUNING':
      return preset(request, 'prefix', { size: config.virtualTokens, positions: 'shifted' });
    case 'LORA':
      return addLora(request, config);
    case 'IA3':
      return addIa3(request, config);
    case 'LN_TUNING':
      return addLnTuning(request, config);
  }
}

function preset({ document, model, applyPreset, where }: AddRequest, name: string, params: Params): Document {
  const made = applyPreset(document, model, name, params);
  if (!made.ok) throw new UserError(messages.cannotHold(where, made.error));
  return made.value;
}

/** One place of the graph with all its layers that are adapted, and the parameters of the module in each. */
interface Target {
  readonly dock: Dock;
  readonly layers: ReadonlyMap<number, Params>;
  /** Outside of stacks. */
  readonly own: Params;
}

/** A place of the graph, the same in all layers. */
const placeOf = ({ level, at }: Dock): string => `${level.stack ?? ''}/${at.id}`;

/** The adapted places in the order of the graph. */
function targetsOf(
  { context, where }: AddRequest,
  config: LoraConfig | Ia3Config | LnTuningConfig,
  kind: Dock['kind'],
  paramsAt: (dock: Dock) => Params,
): readonly Target[] {
  const meant = adaptedModules(config, context.modules);
  const wrong = meant.filter((m) => m.kind !== kind).map((m) => m.name);
  if (wrong.length > 0) throw new UserError(messages.wrongModules(where, wrong));
  if (meant.length === 0) throw new UserError(messages.noModules(where, JSON.stringify(config.targets)));
  const wanted = new Set(meant.map((m) => m.name));
  const targets = new Map<string, { dock: Dock; layers: Map<number, Params>; own: Params }>();
  for (const dock of context.docks.filter((d) => wanted.has(d.name))) {
    const key = placeOf(dock);
    const target = targets.get(key) ?? { dock, layers: new Map<number, Params>(), own: paramsAt(dock) };
    if (dock.level.at) target.layers.set(dock.level.at.layer, paramsAt(dock));
    targets.set(key, target);
  }
  return [...targets.values()];
}

function addLora(request: AddRequest, config: LoraConfig): Document {
  const general = { rank: config.rank, alpha: config.alpha };
  const targets = targetsOf(request, config, 'linear', ({ name }) => ({
    rank: patternValue(config.rankPattern, name, config.rank),
    alpha: patternValue(config.alphaPattern, name, config.alpha),
  }));
  const { rslora, dropout } = config;
  const params = { r: config.rank, alpha: config.alpha, dropout, rslora };
  const made = presetOnSites(request, config.dora ? 'dora' : 'lora', params, targets);
  const type = config.dora ? 'peft.dora' : 'peft.lora';
  return finish(request, made, targets, { type, general, own: { dropout, rslora } });
}

function addIa3(request: AddRequest, config: Ia3Config): Document {
  const targets = targetsOf(request, config, 'linear', (dock) => ({
    on: isFeedforward(config.feedforward, dock) ? 'input' : 'output',
  }));
  const made = presetOnSites(request, 'ia3', { inputs: '' }, targets);
  return finish(request, made, targets, { type: 'peft.ia3', general: { on: 'output' }, own: {} });
}

/** The preset tunes every norm; those that are not meant are muted. */
function addLnTuning(request: AddRequest, config: LnTuningConfig): Document {
  const targets = targetsOf(request, config, 'norm', () => ({}));
  const made = preset(request, 'lntuning', {});
  const wanted = new Set(targets.map((t) => placeOf(t.dock)));
  const norms = new Map(request.context.docks.filter((d) => d.kind === 'norm').map((d) => [placeOf(d), d]));
  const others = [...norms].flatMap(([key, dock]) => (wanted.has(key) ? [] : [dock]));
  const muted = others.reduce(
    (document, dock) => changeModule(request, document, dock, 'affine', () => ({ mute: true })),
    made,
  );
  return targets.reduce((document, t) => chooseLayers(request, document, t, 'affine', {}), muted);
}

/** The preset on the linear layers inside of the stack; outside of it there is none that presets reach. */
function presetOnSites(request: AddRequest, name: string, params: Params, targets: readonly Target[]): Document {
  const sites = targets.flatMap((t) => (t.dock.level.stack === undefined ? [] : [t.dock.at.node.site ?? t.dock.at.id]));
  return sites.length === 0 ? request.document : preset(request, name, { ...params, targets: sites.join(',') });
}

interface Finish {
  readonly type: string;
  /** What holds where nothing else is said. */
  readonly general: Params;
  /** Other parameters of modules that stand alone. */
  readonly own: Params;
}

function finish(request: AddRequest, made: Document, targets: readonly Target[], how: Finish): Document {
  return targets.reduce(
    (document, t) =>
      t.dock.level.stack === undefined
        ? addAlone(request, document, t, how)
        : chooseLayers(request, document, t, 'transforms', how.general),
    made,
  );
}

/** Gives the module of a place its layers, and its own parameters where they depart from the general ones. */
function chooseLayers(
  request: AddRequest,
  document: Document,
  { dock, layers }: Target,
  port: string,
  general: Params,
): Document {
  const { at } = dock.level;
  if (!at) return document;
  const chosen = formatLayers([...layers.keys()], at.first, at.repeat);
  const own = Object.entries(general).flatMap(([name, value]): [string, Params[string]][] => {
    const departing = [...layers].filter(([, params]) => params[name] !== value);
    const values = new Map(departing.map(([layer, params]) => [layer, params[name] as Scalar]));
    return values.size === 0 ? [] : [[name, layered(value as Scalar, values)]];
  });
  return changeModule(request, document, dock, port, (node) => ({
    ...(chosen === 'all' ? {} : { layers: chosen }),
    ...(own.length === 0 ? {} : { params: recordOf([...Object.entries(node.params), ...own]) }),
  }));
}

/** Changes the node that is wired to a place. */
function changeModule(
  { model, where }: AddRequest,
  document: Document,
  dock: Dock,
  port: string,
  change: (node: Node) => Partial<Node>,
): Document {
  return changeGraph(document, model, dock.level.stack, (graph) => {
    const [edge] = wiresInto(graph, dock.at.id, port);
    // Presets attach to the sites of one stack; a graph that was split or renamed has places that they do not reach.
    if (!edge) throw new UserError(messages.cannotHold(where, `presets do not reach ${dock.name}`));
    const id = edge.from.node;
    const node = must(graph.nodes[id], `node ${id}`);
    return { ...graph, nodes: withEntry(graph.nodes, id, { ...node, ...change(node) }) };
  });
}

/** A module outside of the stack: PEFT's choice `all-linear` means the pooler too. */
function addAlone({ model, context }: AddRequest, document: Document, { dock, own }: Target, how: Finish): Document {
  const { version } = must(context.registry.get(how.type), `node type ${how.type}`);
  const id = nodeId(`${how.type.replace(/^.*\./, '')}_${dock.at.id}`);
  const node: Node = { type: how.type, version, params: recordOf(Object.entries({ ...own, ...how.own })) };
  const edge: Edge = {
    from: { node: id, port: portId('transform') },
    to: { node: dock.at.id, port: portId('transforms') },
  };
  return changeGraph(document, model, undefined, (graph) => ({
    ...graph,
    nodes: withEntry(graph.nodes, id, node),
    edges: [...graph.edges, edge],
  }));
}

/** Changes the model's own graph, or the body of one of its stacks. */
function changeGraph(
  document: Document,
  model: ModelId,
  stack: NodeId | undefined,
  change: (graph: Graph) => Graph,
): Document {
  const graph = must(document.models[model], `model ${model}`);
  if (stack === undefined) return { ...document, models: withEntry(document.models, model, change(graph)) };
  const node = must(graph.nodes[stack], `stack ${stack}`);
  const body = change(must(node.body, 'a stack has a body'));
  const changed = { ...graph, nodes: withEntry(graph.nodes, stack, { ...node, body }) };
  return { ...document, models: withEntry(document.models, model, changed) };
}
