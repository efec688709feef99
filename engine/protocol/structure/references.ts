/** What nodes refer to: recipes, shared sets, banks, models, promoted ports, and what makes a node a container. */
import type { Diagnostic } from '../../base/errors.ts';
import type { Bank, Document, Graph, Node, WorkflowNode } from '../document.ts';
import { entriesOf, type BankId, type NodeId, type PortId } from '../ids.ts';
import { diagnose } from '../messages.ts';
import { modelGraphs, modelPlace, stepPlace, workflowGraphs, type ModelGraph, type WorkflowGraph } from '../walk.ts';

const typeWords = (node: { readonly type: string; readonly version: number }): string =>
  `${node.type} version ${node.version}`;

/** References of the nodes of one model graph. */
export function checkModelReferences(document: Document, at: ModelGraph): readonly Diagnostic[] {
  return [
    ...entriesOf(at.graph.nodes).flatMap(([id, node]) => checkNode(document, at, id, node)),
    ...checkPromoted(at.graph, at),
  ];
}

function checkNode(document: Document, at: ModelGraph, id: NodeId, node: Node): readonly Diagnostic[] {
  const isPlain = node.recipe === undefined && node.shared === undefined && node.bank === undefined;
  if (isPlain && node.body === undefined && node.stack === undefined) return [];
  const place = modelPlace(at, id);
  const found: Diagnostic[] = [];
  if (node.recipe !== undefined) {
    const recipe = document.recipes[node.recipe];
    if (recipe === undefined) found.push(diagnose('recipe-missing', place, { recipe: node.recipe }));
    else if (recipe.type !== node.type || recipe.version !== node.version) {
      const facts = { recipe: node.recipe, has: typeWords(node), needs: typeWords(recipe) };
      found.push(diagnose('recipe-type', place, facts));
    }
  }
  if (node.shared !== undefined && !(node.shared in document.sharedSets)) {
    found.push(diagnose('shared-missing', place, { shared: node.shared }));
  }
  if (node.bank !== undefined && !(node.bank in document.banks)) {
    found.push(diagnose('bank-missing', place, { bank: node.bank }));
  }
  if (node.body !== undefined && node.stack === undefined) {
    found.push(diagnose('body-without-container', place, { needs: '"stack" settings' }));
  }
  if (node.body === undefined && node.stack !== undefined) {
    found.push(diagnose('container-without-body', place, { has: '"stack" settings' }));
  }
  return found;
}

function checkPromoted(graph: Graph, at: ModelGraph): readonly Diagnostic[] {
  // The ports that the stack itself declares count too, because a promoted port stands beside them on the container.
  const { carry = [], broadcast = [], collect = [] } = at.stack ?? {};
  const names = new Set<string>([...carry, ...broadcast, ...collect]);
  return (graph.promoted ?? []).flatMap(({ name, node }) => {
    const place = { ...modelPlace(at), port: name };
    const found: Diagnostic[] = [];
    if (!(node in graph.nodes)) found.push(diagnose('promoted-node-missing', place, { name, node }));
    if (names.has(name)) found.push(diagnose('promoted-duplicate', place, { name }));
    names.add(name);
    return found;
  });
}

/** Nodes that share one set must be of one type, because their parameters are the same tensors. */
export function checkSharedTypes(document: Document): readonly Diagnostic[] {
  const types = new Map<string, Set<string>>();
  for (const { graph } of modelGraphs(document)) {
    for (const node of Object.values(graph.nodes)) {
      if (node.shared === undefined) continue;
      types.set(node.shared, (types.get(node.shared) ?? new Set()).add(typeWords(node)));
    }
  }
  return [...types]
    .filter(([, used]) => used.size > 1)
    .map(([shared, used]) => diagnose('shared-type', {}, { shared, types: [...used] }));
}

/** References of the steps of one workflow graph, and the tables of for-each steps. */
export function checkStepReferences(document: Document, at: WorkflowGraph): readonly Diagnostic[] {
  return entriesOf(at.graph.nodes).flatMap(([id, step]) => {
    const place = stepPlace(at, id);
    const found: Diagnostic[] = [];
    if (step.model !== undefined && !(step.model in document.models)) {
      const facts = { model: step.model, models: Object.keys(document.models) };
      found.push(diagnose('model-missing', place, facts));
    }
    if (step.body !== undefined && step.items === undefined) {
      found.push(diagnose('body-without-container', place, { needs: '"items"' }));
    }
    if (step.body === undefined && step.items !== undefined) {
      found.push(diagnose('container-without-body', place, { has: '"items"' }));
    }
    return [...found, ...checkItems(step, at, id)];
  });
}

function checkItems(step: WorkflowNode, at: WorkflowGraph, id: NodeId): readonly Diagnostic[] {
  const names = new Set<string>();
  const body = step.body?.nodes;
  return (step.items ?? []).flatMap(({ name, set }) => {
    const place = stepPlace(at, id);
    const found: Diagnostic[] = [];
    if (names.has(name)) found.push(diagnose('item-duplicate', place, { name }));
    names.add(name);
    if (body === undefined) return found;
    for (const node of Object.keys(set)) {
      if (node in body) continue;
      found.push(diagnose('item-node-missing', place, { item: name, node, nodes: Object.keys(body) }));
    }
    return found;
  });
}

/** The sources of all banks: names, and where their artifacts come from. */
export function checkBanks(document: Document): readonly Diagnostic[] {
  return entriesOf(document.banks).flatMap(([bank, { sources }]) => {
    const names = new Set<string>();
    return sources.flatMap((source) => {
      const twice = names.has(source.name) ? [diagnose('bank-source-duplicate', {}, { bank, name: source.name })] : [];
      names.add(source.name);
      return [...twice, ...checkSource(document, bank, source)];
    });
  });
}

function checkSource(document: Document, bank: BankId, source: Bank['sources'][number]): readonly Diagnostic[] {
  const { artifact } = source;
  const names = { bank, source: source.name };
  if ('promoted' in artifact) {
    return isPromoted(document, bank, artifact.promoted)
      ? []
      : [diagnose('promoted-missing', {}, { ...names, port: artifact.promoted })];
  }
  if (!('step' in artifact)) return [];
  const step = document.workflow.nodes[artifact.step];
  if (step === undefined) return [diagnose('step-missing', {}, { ...names, step: artifact.step })];
  const problem = itemProblem(step, artifact.item, artifact.output);
  return problem === undefined
    ? []
    : [diagnose('step-item', stepPlace({ path: [] }, artifact.step), { ...names, step: artifact.step, problem })];
}

/** Why `item` and `output` do not fit the step, in words. */
function itemProblem(step: WorkflowNode, item: string | undefined, output: PortId | undefined): string | undefined {
  if (step.items === undefined) return item === undefined ? undefined : 'it is no for-each step and has no items';
  if (item === undefined) return 'it is a for-each step, so an item must be named';
  const row = step.items.find((i) => i.name === item);
  if (row === undefined) return `it has no item "${item}"`;
  if (row.mute === true) return `its item "${item}" is muted`;
  const outputs = new Set(step.body?.edges.filter((e) => e.to.node === '$out').map((e) => e.to.port));
  if (output !== undefined && !outputs.has(output)) return `its body has no output "${output}"`;
  if (output === undefined && outputs.size !== 1) return `its body has ${outputs.size} outputs, so one must be named`;
  return undefined;
}

/** Whether a model that uses the bank promotes a port of this name at its top. */
function isPromoted(document: Document, bank: BankId, port: PortId): boolean {
  const users = new Set(
    modelGraphs(document)
      .filter((g) => usesBank(g.graph, bank))
      .map((g) => g.model),
  );
  return [...users].some((model) => document.models[model]?.promoted?.some((p) => p.name === port) === true);
}

const usesBank = (graph: Graph, bank: BankId): boolean => Object.values(graph.nodes).some((n) => n.bank === bank);

/** All checks of references that belong to one graph or to the whole document. */
export const checkReferences = (document: Document): readonly Diagnostic[] => [
  ...modelGraphs(document).flatMap((at) => checkModelReferences(document, at)),
  ...checkSharedTypes(document),
  ...workflowGraphs(document).flatMap((at) => checkStepReferences(document, at)),
  ...checkBanks(document),
];
