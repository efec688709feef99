/**
 * The modules of a model that another model can use as frozen sources: what they are, and how their tensors are named.
 * Names follow from the graph alone, so they are known before the model is trained.
 */
import type { Diagnostic, Place } from '../base/errors.ts';
import { fail, ok, type Result } from '../base/result.ts';
import type { NodeRegistry } from '../compile/registry.ts';
import { isActive, readParams, type LayerContext } from '../compile/resolve.ts';
import type { ParamValue } from '../nodekit/params.ts';
import { effectiveParams, stackName, type Document, type Graph, type Node } from '../protocol/document.ts';
import { entriesOf, type ModelId, type NodeId } from '../protocol/ids.ts';
import { layersOf } from '../protocol/selection.ts';
import * as messages from './messages.ts';

export interface ModuleRecord {
  /** Path of the node in its model: `layers/pfeiffer`. */
  readonly node: string;
  readonly type: string;
  readonly params: Readonly<Record<string, ParamValue>>;
  /** What comes before the local name of a tensor; `{layer}` stands for the layer. */
  readonly prefix: string;
  /** The layers that have it; empty outside of stacks. */
  readonly layers: readonly number[];
  /** A parameter that has another value in some layers; only of modules that were read from a graph. */
  readonly varies?: string;
}

/** All modules of a model that can be sources, muted ones left out. */
export function sourceModules(document: Document, model: ModelId, registry: NodeRegistry): readonly ModuleRecord[] {
  const graph = document.models[model];
  return graph ? modulesIn({ document, registry }, graph, '', undefined) : [];
}

interface Context {
  readonly document: Document;
  readonly registry: NodeRegistry;
}

function modulesIn(context: Context, graph: Graph, path: string, stack: Node['stack']): ModuleRecord[] {
  return entriesOf<NodeId, Node>(graph.nodes).flatMap(([id, node]) => {
    if (node.stack && node.body) return modulesIn(context, node.body, stackName(id, node.stack), node.stack);
    const definition = context.registry.get(node.type);
    if (!definition?.asSource) return [];
    const at = layersIn(node, stack);
    if (stack ? at.length === 0 : node.mute === true) return [];
    const given = effectiveParams(context.document, node);
    const read = (where: LayerContext | undefined): Record<string, ParamValue> =>
      readParams(definition.params, given, where, {}, () => undefined);
    const layers = at.map((l) => l.layer);
    const own = stack ? `${path}/{layer}/${id}/` : `${id}/`;
    const params = read(at[0]);
    const others = at.slice(1).map(read);
    const varies = Object.keys(params).find((name) => others.some((o) => o[name] !== params[name]));
    const record = {
      node: path === '' ? id : `${path}/${id}`,
      type: node.type,
      params,
      prefix: node.shared === undefined ? own : `shared/${node.shared}/`,
      layers,
    };
    return [varies === undefined ? record : { ...record, varies }];
  });
}

function layersIn(node: Node, stack: Node['stack']): LayerContext[] {
  if (!stack) return [];
  const { first, repeat } = stack;
  return layersOf(stack)
    .map((layer) => ({ layer, first, repeat }))
    .filter((at) => isActive(node, at));
}

/** The one module of an adapter that serves as a source. */
export function theSourceModule(modules: readonly ModuleRecord[], where: Place): Result<ModuleRecord, Diagnostic> {
  const [module] = modules;
  if (!module || modules.length > 1) return fail(messages.noSourceModule(where, modules.length));
  return module.varies === undefined ? ok(module) : fail(messages.layeredSource(where, module.varies));
}
