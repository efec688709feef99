/**
 * Unfolding the workflow: every for-each step becomes one copy of its body per item, walls disappear, and each step knows
 * the steps that it takes its inputs from. The workflow layer runs the result; `stepKey.ts` addresses it by content.
 * The structure must have been checked: a wire that leads nowhere here is a bug of the caller.
 */
import { BugError, must } from '../base/errors.ts';
import {
  indexWires,
  type Bank,
  type Document,
  type ForEachItem,
  type Workflow,
  type WireIndex,
  type WorkflowNode,
} from './document.ts';
import { entriesOf, recordOf, WALL_IN, WALL_OUT, type BankId, type NodeId, type PortId } from './ids.ts';
import { banksOfModels } from './structure/workflow.ts';

/** `train`, or `sources[mnli]/train` for the copy of an item. */
export type StepInstanceId = string;

/** One output of one step. */
export interface StepOutput {
  readonly step: StepInstanceId;
  /** Missing when a bank names a step without saying which of its outputs. */
  readonly port?: PortId;
}

export interface StepInput {
  readonly port: PortId;
  readonly from: StepOutput;
}

/** An artifact that reaches a step through a source bank of its model. */
export interface BankInput {
  readonly bank: BankId;
  readonly source: string;
  readonly from: StepOutput;
}

export interface StepInstance {
  readonly id: StepInstanceId;
  readonly node: NodeId;
  /** The names of the items around it, from the outside in. */
  readonly items: readonly string[];
  /** The step with what its item sets. */
  readonly step: WorkflowNode;
  /** In the order in which the wires of each port count. */
  readonly inputs: readonly StepInput[];
  readonly banks: readonly BankInput[];
}

/** One copy of a workflow graph: the top, or a body for one item. */
interface Scope {
  readonly graph: Workflow;
  readonly wires: WireIndex;
  readonly prefix: string;
  readonly items: readonly string[];
  readonly item?: ForEachItem;
  /** The scope around, and the container in it. */
  readonly outer?: { readonly scope: Scope; readonly container: NodeId };
}

/** All steps of the unfolded workflow in an order in which every step comes after those it takes from. */
export function unfoldWorkflow(document: Document): readonly StepInstance[] {
  const banks = banksOfModels(document);
  const unfolded: StepInstance[] = [];
  const scopes: Scope[] = [topScope(document)];
  for (let i = 0; i < scopes.length; i++) {
    const scope = must(scopes[i], 'the list of scopes has no hole');
    for (const [node, step] of entriesOf(scope.graph.nodes)) {
      if (step.body !== undefined) {
        scopes.push(...innerScopes(scope, node, step));
        continue;
      }
      unfolded.push({
        id: instanceId(scope, node),
        node,
        items: scope.items,
        step: withItem(step, scope.item?.set[node]),
        inputs: inputsOf(scope, node),
        banks: step.model === undefined ? [] : bankInputs(document, banks.get(step.model) ?? []),
      });
    }
  }
  return inDependencyOrder(unfolded);
}

const topScope = (document: Document): Scope => ({
  graph: document.workflow,
  wires: indexWires(document.workflow),
  prefix: '',
  items: [],
});
const instanceId = (scope: Scope, node: NodeId): StepInstanceId => scope.prefix + node;

function innerScopes(scope: Scope, node: NodeId, step: WorkflowNode): readonly Scope[] {
  const { body } = step;
  if (body === undefined) return [];
  const wires = indexWires(body);
  return (step.items ?? [])
    .filter((item) => item.mute !== true)
    .map((item) => ({
      graph: body,
      wires,
      prefix: `${scope.prefix}${node}[${item.name}]/`,
      items: [...scope.items, item.name],
      item,
      outer: { scope, container: node },
    }));
}

function withItem(step: WorkflowNode, set: ForEachItem['set'][NodeId] | undefined): WorkflowNode {
  if (set === undefined) return step;
  return { ...step, params: recordOf([...entriesOf(step.params), ...entriesOf(set)]) };
}

function inputsOf(scope: Scope, node: NodeId): readonly StepInput[] {
  return scope.wires
    .into(node)
    .flatMap((e) => sourcesOf(scope, e.from.node, e.from.port).map((from) => ({ port: e.to.port, from })));
}

/** What one end of a wire stands for: `$in` leads out of the body, a container into its bodies, a step is itself. */
function sourcesOf(scope: Scope, node: NodeId, port: PortId): readonly StepOutput[] {
  if (node !== WALL_IN) return outputsOf(scope, node, port);
  const outer = must(scope.outer, '"$in" stands inside a body');
  return outer.scope.wires
    .intoPort(outer.container, port)
    .flatMap((e) => sourcesOf(outer.scope, e.from.node, e.from.port));
}

function outputsOf(scope: Scope, node: NodeId, port: PortId): readonly StepOutput[] {
  const step = must(scope.graph.nodes[node], `step "${node}" exists`);
  if (step.body === undefined) return [{ step: instanceId(scope, node), port }];
  return innerScopes(scope, node, step).flatMap((inner) => collected(inner, port));
}

/** What one copy of a body hands to a port of `$out`. */
const collected = (inner: Scope, port: PortId): readonly StepOutput[] =>
  inner.wires.intoPort(WALL_OUT, port).flatMap((e) => outputsOf(inner, e.from.node, e.from.port));

function bankInputs(document: Document, banks: readonly BankId[]): readonly BankInput[] {
  return banks.flatMap((bank) =>
    (document.banks[bank]?.sources ?? [])
      .filter((source) => source.mute !== true)
      .flatMap((source) => sourceOutputs(document, source).map((from) => ({ bank, source: source.name, from }))),
  );
}

/** The step output that a bank's source takes; none when it comes from elsewhere. */
export function sourceOutputs(document: Document, source: Bank['sources'][number]): readonly StepOutput[] {
  const { artifact } = source;
  if (!('step' in artifact)) return [];
  const step = must(document.workflow.nodes[artifact.step], `step "${artifact.step}" exists`);
  const { output } = artifact;
  if (step.body === undefined) return [{ step: artifact.step, ...(output === undefined ? {} : { port: output }) }];
  const inner = innerScopes(topScope(document), artifact.step, step).find((s) => s.item?.name === artifact.item);
  const wall = step.body.edges.filter((e) => e.to.node === WALL_OUT);
  const port = must(output ?? wall[0]?.to.port, `for-each step "${artifact.step}" has an output`);
  return collected(must(inner, `step "${artifact.step}" has item "${artifact.item}"`), port);
}

/** Kahn's order, by which steps without a dependency between them keep the order of the document. */
function inDependencyOrder(steps: readonly StepInstance[]): readonly StepInstance[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const waiting = new Map<StepInstanceId, number>();
  const users = new Map<StepInstanceId, StepInstance[]>();
  for (const step of steps) {
    const needed = new Set([...step.inputs, ...step.banks].map((input) => input.from.step));
    waiting.set(step.id, needed.size);
    for (const id of needed) {
      if (!byId.has(id)) throw new BugError(`step "${step.id}" takes from "${id}", which does not exist`);
      const list = users.get(id);
      if (list === undefined) users.set(id, [step]);
      else list.push(step);
    }
  }
  const ordered = steps.filter((step) => waiting.get(step.id) === 0);
  for (let i = 0; i < ordered.length; i++) {
    for (const user of users.get(must(ordered[i], 'the order has no hole').id) ?? []) {
      const left = (waiting.get(user.id) ?? 0) - 1;
      waiting.set(user.id, left);
      if (left === 0) ordered.push(user);
    }
  }
  if (ordered.length !== steps.length) throw new BugError('the workflow has a cycle; check the structure first');
  return ordered;
}
