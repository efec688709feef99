/**
 * Content addresses of workflow steps: a step's key is a hash of what it does and of the keys of what it takes, so a
 * change re-runs only what follows. Titles, notes, the view, ids of steps, and the order of wires that have no order do
 * not count; node ids inside models do, because parameters are named by them. The hash function is handed in, since this
 * folder also runs in browsers.
 */
import { BugError, must } from '../base/errors.ts';
import { effectiveParams, inOrder, type AnyGraph, type Document, type Graph, type Node } from './document.ts';
import { entriesOf, type ModelId, type NodeId } from './ids.ts';
import { sourceOutputs, unfoldWorkflow, type StepInstance, type StepInstanceId, type StepOutput } from './steps.ts';

export interface StepKeyOptions {
  /** A hash of canonical JSON, such as `contentHash` of `base/canonical.ts`. */
  readonly hash: (content: unknown) => string;
  /** What a step reads from outside the document (hashes of its files, of a backbone); becomes part of its key. */
  readonly external?: (step: StepInstance) => unknown;
  /** The hash of the source of a node type that is not part of the program, so that a changed custom node runs again. */
  readonly sourceOf?: (type: string) => string | undefined;
}

/** The keys of all steps of the unfolded workflow. The structure must have been checked. */
export function workflowStepKeys(document: Document, options: StepKeyOptions): ReadonlyMap<StepInstanceId, string> {
  const keys = new Map<StepInstanceId, string>();
  const models = new Map<ModelId, unknown>();
  const keyOf = (output: StepOutput): unknown => ({
    key: must(keys.get(output.step), `step "${output.step}" comes before its users`),
    port: output.port,
  });
  for (const instance of unfoldWorkflow(document)) {
    const { step } = instance;
    if (step.model !== undefined && !models.has(step.model)) {
      models.set(step.model, modelContent(document, step.model, keyOf, options.sourceOf));
    }
    const content = {
      type: step.type,
      version: step.version,
      raw: step.raw,
      params: step.params,
      model: step.model === undefined ? undefined : models.get(step.model),
      inputs: groupByPort(instance, keyOf),
      external: options.external?.(instance),
    };
    keys.set(instance.id, options.hash(content));
  }
  return keys;
}

/**
 * The key of one step. `step` is its id, or for a copy inside a for-each step `sources[mnli]/train`; the key of a for-each
 * step is made of the keys of all its copies.
 */
export function workflowStepKey(document: Document, step: StepInstanceId, options: StepKeyOptions): string {
  const keys = workflowStepKeys(document, options);
  const key = keys.get(step);
  if (key !== undefined) return key;
  const copies = [...keys].filter(([id]) => id.startsWith(`${step}[`)).map(([id, k]) => [id.slice(step.length), k]);
  const isContainer = Object.hasOwn(document.workflow.nodes, step) || copies.length > 0;
  if (!isContainer) throw new BugError(`step "${step}" exists`);
  return options.hash(copies);
}

/** Inputs by port; among the wires of one port the order counts, among ports it does not. */
function groupByPort(
  instance: StepInstance,
  keyOf: (output: StepOutput) => unknown,
): Readonly<Record<string, unknown>> {
  const ports = new Map<string, unknown[]>();
  for (const { port, from } of instance.inputs) ports.set(port, [...(ports.get(port) ?? []), keyOf(from)]);
  return Object.fromEntries(ports);
}

/** What a model means to a run: its graph without words, its recipes filled in, and where its banks' sources come from. */
function modelContent(
  document: Document,
  model: ModelId,
  keyOf: (output: StepOutput) => unknown,
  sourceOf: StepKeyOptions['sourceOf'],
): unknown {
  const graph = must(document.models[model], `model "${model}" exists`);
  const bankOf = (node: Node): unknown => {
    const bank = node.bank === undefined ? undefined : document.banks[node.bank];
    return bank?.sources
      .filter((source) => source.mute !== true)
      .map((source) => {
        const made = sourceOutputs(document, source).map(keyOf);
        return { name: source.name, layers: source.layers, artifact: made.length === 0 ? source.artifact : made };
      });
  };
  return graphContent(document, graph, { bankOf, sourceOf: sourceOf ?? (() => undefined) });
}

/** What of a node is told by more than its own text. */
interface NodeContent {
  readonly bankOf: (node: Node) => unknown;
  readonly sourceOf: (type: string) => string | undefined;
}

function graphContent(document: Document, graph: Graph, of: NodeContent): unknown {
  const nodes = entriesOf(graph.nodes).map(([id, node]) => {
    const { title: _title, notes: _notes, recipe: _recipe, params: _own, body, bank: _bank, ...rest } = node;
    const content = {
      ...rest,
      params: effectiveParams(document, node),
      recipeText: node.recipe === undefined ? undefined : document.recipes[node.recipe]?.raw,
      bank: of.bankOf(node),
      source: of.sourceOf(node.type),
      body: body === undefined ? undefined : graphContent(document, body, of),
    };
    return [id, content] as const;
  });
  return { nodes: Object.fromEntries(nodes), edges: wires(graph), promoted: graph.promoted };
}

/** For each port the ends that feed it, in the order in which they count. */
function wires(graph: AnyGraph): Readonly<Record<string, readonly string[]>> {
  const ports = new Map<string, { readonly node: NodeId; readonly port: string }[]>();
  for (const edge of inOrder(graph.edges)) {
    const key = `${edge.to.node}.${edge.to.port}`;
    const list = ports.get(key);
    if (list === undefined) ports.set(key, [edge.from]);
    else list.push(edge.from);
  }
  return Object.fromEntries([...ports].map(([key, from]) => [key, from.map((f) => `${f.node}.${f.port}`)]));
}
