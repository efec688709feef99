/**
 * The workflow as a whole: the walls of for-each bodies, artifacts that would have to exist before themselves, and the
 * number of steps that nested for-each steps unfold to.
 */
import type { Diagnostic } from '../../base/errors.ts';
import type { Document } from '../document.ts';
import { entriesOf, WALL_IN, WALL_OUT, type BankId, type ModelId, type NodeId } from '../ids.ts';
import { diagnose } from '../messages.ts';
import { edgeWords, modelGraphs, stepPlace, workflowGraphs, type WorkflowGraph } from '../walk.ts';
import { findCycles } from './cycles.ts';
import { manyInto, outgoing, successorsOf } from './wiring.ts';

/** More steps than any person would start, and few enough to unfold at once. */
export const MAX_STEPS = 10_000;

/**
 * The wall of each for-each body, seen from both sides. Its ports are those that are wired: what the body takes from `$in`
 * must be fed outside, what is taken from the container outside must be handed to `$out` inside.
 */
export function checkForEachWalls(at: WorkflowGraph): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const [id, step] of entriesOf(at.graph.nodes)) {
    if (step.body === undefined) continue;
    const place = stepPlace(at, id);
    const fed = new Set<string>(at.graph.edges.filter((e) => e.to.node === id).map((e) => e.to.port));
    const used = new Set<string>(step.body.edges.filter((e) => e.from.node === WALL_IN).map((e) => e.from.port));
    for (const port of used) if (!fed.has(port)) found.push(diagnose('wall-port-unfed', { ...place, port }, { port }));
    const leaving = outgoing(step.body.edges);
    const taken = new Set<string>(at.graph.edges.filter((e) => e.from.node === id).map((e) => e.from.port));
    for (const port of taken) {
      if (!leaving.has(port)) found.push(diagnose('wall-port-unwired', { ...place, port }, { port }));
    }
    found.push(...manyInto(leaving, place));
    for (const edge of step.body.edges) {
      if (edge.from.node !== WALL_IN || edge.to.node !== WALL_OUT) continue;
      found.push(diagnose('wall-passthrough', place, { edge: edgeWords(edge) }));
    }
  }
  return found;
}

/** The banks that each model uses, in any of its graphs. */
export function banksOfModels(document: Document): ReadonlyMap<ModelId, readonly BankId[]> {
  const banks = new Map<ModelId, Set<BankId>>();
  for (const { model, graph } of modelGraphs(document)) {
    const used = banks.get(model) ?? new Set<BankId>();
    for (const node of Object.values(graph.nodes)) if (node.bank !== undefined) used.add(node.bank);
    banks.set(model, used);
  }
  return new Map([...banks].map(([model, used]) => [model, [...used]]));
}

/** For each top-level step, the top-level steps that need it because a bank of their model takes an artifact from it. */
function bankSuccessors(document: Document): (id: NodeId) => readonly NodeId[] {
  const banks = banksOfModels(document);
  const next = new Map<NodeId, Set<NodeId>>();
  for (const { path, graph } of workflowGraphs(document)) {
    for (const [id, step] of entriesOf(graph.nodes)) {
      const user = path[0] ?? id;
      const used = step.model === undefined ? [] : (banks.get(step.model) ?? []);
      for (const { artifact } of used.flatMap((bank) => document.banks[bank]?.sources ?? [])) {
        if (!('step' in artifact) || !(artifact.step in document.workflow.nodes)) continue;
        next.set(artifact.step, (next.get(artifact.step) ?? new Set()).add(user));
      }
    }
  }
  return (id) => [...(next.get(id) ?? [])];
}

/** Cycles among the top-level steps that close through a bank. Cycles of wires alone are reported with the wires. */
export function checkRecursion(document: Document): readonly Diagnostic[] {
  const byWire = successorsOf(document.workflow);
  const byBank = bankSuccessors(document);
  const ids = Object.keys(document.workflow.nodes) as NodeId[];
  const isWired = (cycle: readonly NodeId[]): boolean =>
    cycle.every((id, i) => byWire(id).includes(cycle[(i + 1) % cycle.length] as NodeId));
  return findCycles(ids, (id) => [...byWire(id), ...byBank(id)], true)
    .filter((cycle) => !isWired(cycle))
    .map((cycle) => diagnose('workflow-recursion', stepPlace({ path: [] }, cycle[0]), { cycle }));
}

/** Items of nested for-each steps multiply; a document must not be able to ask for a million steps. */
export function checkUnfoldedSize(document: Document): readonly Diagnostic[] {
  const times = new Map<string, number>([['', 1]]);
  let total = 0;
  for (const { path, graph } of workflowGraphs(document)) {
    const copies = times.get(path.join('/')) ?? 1;
    for (const [id, step] of entriesOf(graph.nodes)) {
      total += copies;
      if (step.body === undefined) continue;
      times.set([...path, id].join('/'), copies * (step.items ?? []).filter((i) => i.mute !== true).length);
    }
  }
  return total > MAX_STEPS ? [diagnose('workflow-too-large', {}, { limit: MAX_STEPS })] : [];
}
