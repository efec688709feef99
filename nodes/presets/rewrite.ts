/** What presets share: finding places by site, adding modules with one recipe, and wiring them. A preset is a rewriting of a graph. */
import { freeName } from '../../engine/base/freeName.ts';
import type { BankId, RecipeId } from '../../engine/protocol/ids.ts';
import { entriesOf, nodeId, recipeId, recordOf, type NodeId } from '../../engine/protocol/ids.ts';
import type { Document, Edge, Graph, Node, Params } from '../../engine/protocol/document.ts';
import { fail, ok, type Result } from '../../engine/base/result.ts';
import type { ParamSpecs, ParamValues } from '../../engine/nodekit/params.ts';
import { wire, type Entry } from '../backbones/graph.ts';

export interface Preset<S extends ParamSpecs = ParamSpecs> {
  readonly name: string;
  readonly title: string;
  readonly help: string;
  readonly params: S;
  /** Needs a source bank of the document. */
  readonly bank?: boolean;
  apply(edit: PresetEdit, params: ParamValues<S>): Result<PresetEdit>;
}
export type AnyPreset = Preset;
export const definePreset = <const S extends ParamSpecs>(preset: Preset<S>): AnyPreset => preset;

/** A model under rewriting: its graph, and the recipes that were added. */
export interface PresetEdit {
  readonly graph: Graph;
  readonly recipes: Document['recipes'];
  readonly bank?: BankId;
}

/** The stack of the model and its body. */
export interface Place {
  readonly stackId: NodeId;
  readonly stack: Node;
  readonly body: Graph;
}

export function stackOf(graph: Graph): Result<Place> {
  for (const [id, node] of entriesOf<NodeId, Node>(graph.nodes))
    if (node.stack && node.body) return ok({ stackId: id, stack: node, body: node.body });
  return fail('the model has no stack of layers to attach to');
}

export const bySite = (graph: Graph, site: string): Entry | undefined =>
  entriesOf<NodeId, Node>(graph.nodes).find(([, n]) => n.site === site);

export const withNodes = (graph: Graph, nodes: readonly Entry[], edges: readonly Edge[]): Graph => ({
  ...graph,
  nodes: recordOf([...entriesOf<NodeId, Node>(graph.nodes), ...nodes]),
  edges: [...graph.edges, ...edges],
});

export const replaceNode = (graph: Graph, id: NodeId, node: Node): Graph => ({
  ...graph,
  nodes: recordOf(entriesOf<NodeId, Node>(graph.nodes).map(([k, v]) => [k, k === id ? node : v] as const)),
});

/** Puts nodes and edges into the body of the stack. */
export function intoBody(
  edit: PresetEdit,
  place: Place,
  nodes: readonly Entry[],
  edges: readonly Edge[],
  stack: Partial<NonNullable<Node['stack']>> = {},
): PresetEdit {
  const settings = place.stack.stack as NonNullable<Node['stack']>;
  const body = withNodes(place.body, nodes, edges);
  return {
    ...edit,
    graph: replaceNode(edit.graph, place.stackId, { ...place.stack, body, stack: { ...settings, ...stack } }),
  };
}

export function addRecipe(
  edit: PresetEdit,
  name: string,
  type: string,
  params: Params,
): { readonly edit: PresetEdit; readonly id: RecipeId } {
  const key = recipeId(freeName(name, (id) => id in edit.recipes));
  return {
    id: key,
    edit: {
      ...edit,
      recipes: recordOf([...Object.entries(edit.recipes), [key, { type, version: 1, params }]]),
    },
  };
}

/** A node that takes its parameters from a recipe. */
export const fromRecipe = (id: string, type: string, recipe: RecipeId, layers: string, own: Params = {}): Entry => [
  nodeId(id),
  { type, version: 1, recipe, params: own, ...(layers === 'all' ? {} : { layers }) },
];

export const siteKey = (site: string): string => site.replaceAll('.', '_');

/** Short names of targets, as PEFT users write them. */
const SITE_OF: ReadonlyMap<string, string> = new Map([
  ['query', 'attn.query'],
  ['key', 'attn.key'],
  ['value', 'attn.value'],
  ['out', 'attn.out'],
  ['up', 'ffn.up'],
  ['down', 'ffn.down'],
  ['intermediate', 'ffn.up'],
  ['output', 'ffn.down'],
]);

/** `query,value` to sites; `all-linear` is every linear layer of the stack. */
export function targetsOf(body: Graph, text: string): Result<readonly Entry[]> {
  const linear = entriesOf<NodeId, Node>(body.nodes).filter(
    ([, n]) => n.type === 'layer.linear' && n.site !== undefined,
  );
  if (text === 'all-linear') return ok(linear);
  const found: Entry[] = [];
  for (const word of text.split(',').map((w) => w.trim())) {
    const site = SITE_OF.get(word) ?? word;
    const entry = linear.find(([, n]) => n.site === site);
    if (!entry)
      return fail(
        `"${word}" names no linear layer; choose among ${linear.map(([, n]) => n.site).join(', ')}, or all-linear`,
      );
    found.push(entry);
  }
  return ok(found);
}

/** Docks a transform of one recipe on linear layers of the stack. */
export function dock(
  edit: PresetEdit,
  prefix: string,
  type: string,
  recipe: RecipeId,
  targets: readonly Entry[],
  layers: string,
  own: (site: string) => Params = () => ({}),
): Result<PresetEdit> {
  const place = stackOf(edit.graph);
  if (!place.ok) return place;
  const nodes = targets.map(([, n]) =>
    fromRecipe(`${prefix}_${siteKey(n.site ?? '')}`, type, recipe, layers, own(n.site ?? '')),
  );
  const edges = targets.map(([id], i) => wire(`${(nodes[i] as Entry)[0]}.transform -> ${id}.transforms`));
  return ok(intoBody(edit, place.value, nodes, edges));
}
