/** What a document trains, in a few words made of its graph: `LoRA r8 on query, value, 6 layers`. */
import type { NodeRegistry } from '../../compile/registry.ts';
import { isActive, readParams } from '../../compile/resolve.ts';
import type { NodeDefinition } from '../../nodekit/node.ts';
import { effectiveParams, type Document, type Graph, type Node } from '../../protocol/document.ts';
import { entriesOf, type ModelId, type NodeId } from '../../protocol/ids.ts';
import { formatNumbers, layersOf } from '../../protocol/selection.ts';
import { modelGraphs } from '../../protocol/walk.ts';

/** Parameters that people tell modules apart by, and the sign that stands before them. */
const SIGNS: ReadonlyMap<string, string> = new Map([
  ['rank', 'r'],
  ['size', ''],
  ['variant', ''],
]);

interface Group {
  readonly title: string;
  readonly targets: Set<string>;
  readonly layers: Set<number>;
  /** Layers of the stacks that it stands in; all of them need not be listed. */
  readonly all: Set<number>;
}

export function recipeWords(document: Document, registry: NodeRegistry): string {
  const groups = new Map<string, Group>();
  const model = trainedModel(document);
  for (const { graph, stack, model: owner } of modelGraphs(document)) {
    if (model !== undefined && owner !== model) continue;
    for (const [id, node] of entriesOf<NodeId, Node>(graph.nodes)) {
      const definition = registry.get(node.type);
      if (!definition?.peft) continue;
      const layers = stack ? layersOf(stack) : [];
      const active = layers.filter((layer) =>
        isActive(node, { layer, first: stack?.first ?? 0, repeat: stack?.repeat ?? 0 }),
      );
      if (stack ? active.length === 0 : node.mute === true) continue;
      const title = titleOf(document, node, definition);
      const group = groups.get(title) ?? { title, targets: new Set(), layers: new Set(), all: new Set() };
      groups.set(title, group);
      for (const target of targetsOf(graph, id, definition)) group.targets.add(target);
      active.forEach((layer) => group.layers.add(layer));
      layers.forEach((layer) => group.all.add(layer));
    }
  }
  return groups.size === 0 ? 'Head only' : [...groups.values()].map(wordsOf).join('; ');
}

/** The model of the last training step of the workflow; undefined when it cannot be told. */
export function trainedModel({ workflow }: Document): ModelId | undefined {
  const train = entriesOf(workflow.nodes)
    .filter(([, step]) => step.type === 'train')
    .at(-1)?.[0];
  const from = workflow.edges.find((e) => e.to.node === train && e.to.port === 'model')?.from.node;
  return from === undefined ? undefined : workflow.nodes[from]?.model;
}

function titleOf(document: Document, node: Node, definition: NodeDefinition): string {
  const params = readParams(definition.params, effectiveParams(document, node), undefined, {}, () => undefined);
  const signs = [...SIGNS].flatMap(([name, sign]) =>
    params[name] === undefined ? [] : [`${sign}${String(params[name])}`],
  );
  return [definition.docs.title, ...signs].join(' ');
}

/** The nodes that a transform docks on; other modules have no target of their own. */
function targetsOf(graph: Graph, id: NodeId, definition: NodeDefinition): readonly string[] {
  const docks = (port: string): boolean => definition.outputs[port]?.kind === 'transform';
  return graph.edges
    .filter((e) => e.from.node === id && docks(e.from.port))
    .map((e) => siteWords(graph.nodes[e.to.node]?.site, e.to.node));
}

/** `attn.query` is called query; `ffn.up` keeps its group, since `up` alone says little. */
const siteWords = (site: string | undefined, id: string): string =>
  site === undefined ? id : site.replace(/^attn\./, '');

function wordsOf({ title, targets, layers, all }: Group): string {
  const on = targets.size === 0 ? '' : ` on ${[...targets].join(', ')}`;
  if (layers.size === 0) return `${title}${on}`;
  const sorted = [...layers].sort((a, b) => a - b);
  const where =
    layers.size === all.size
      ? `${layers.size} ${layers.size === 1 ? 'layer' : 'layers'}`
      : `layers ${formatNumbers(sorted)}`;
  return `${title}${on}, ${where}`;
}
