/**
 * A workflow step with its parameters read and its wires checked. Every mistake becomes a diagnostic. What ids refer to is
 * checked by the protocol; whether files exist, by the step that reads them.
 */
import type { Diagnostic, Place } from '../base/errors.ts';
import { readParam } from '../nodekit/params.ts';
import type { Document, Edge, Workflow, WorkflowNode } from '../protocol/document.ts';
import { entriesOf, isWall, type NodeId } from '../protocol/ids.ts';
import { workflowGraphs } from '../protocol/walk.ts';
import * as messages from './messages.ts';
import {
  FOR_EACH,
  STEP_TYPES,
  stepType,
  type ArtifactKind,
  type StepParamSpec,
  type StepParamValue,
  type StepParamValues,
  type StepPort,
  type StepType,
} from './stepTypes.ts';

type Report = (d: Diagnostic) => void;

const known = (): string[] => [...STEP_TYPES.map((t) => t.type), FOR_EACH];

/** All findings about types, parameters and wires of the workflow. */
export function checkWorkflow(document: Document): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  const report: Report = (d) => found.push(d);
  for (const { graph, path } of workflowGraphs(document)) {
    const where = (id: NodeId): Place => ({ node: [...path, id].join('/') });
    for (const [id, step] of entriesOf<NodeId, WorkflowNode>(graph.nodes)) {
      if (step.type !== FOR_EACH) checkStep(graph, id, step, where(id), report);
      for (const item of step.items ?? []) checkItem(step, item.set, item.name, where(id), report);
    }
    for (const edge of graph.edges) checkEdge(graph, edge, where, report);
  }
  return found;
}

function checkStep(graph: Workflow, id: NodeId, step: WorkflowNode, where: Place, report: Report): void {
  const type = stepType(step.type);
  if (!type) return report(messages.unknownStepType(where, step.type, known()));
  if (step.version > type.version) report(messages.newerStep(where, step.type, step.version, type.version));
  readStepParams(type, step.params, where, report);
  if (type.model && step.model === undefined) report(messages.noModelNamed(where));
  for (const [port, spec] of Object.entries(type.inputs)) {
    const wires = graph.edges.filter((e) => e.to.node === id && e.to.port === port);
    if (wires.length === 0 && spec.optional !== true) report(messages.missingStepInput({ ...where, port }, spec.doc));
    if (wires.length > 1) report(messages.tooManyStepWires({ ...where, port }, wires.length));
  }
}

/** What an item sets, checked against the types of the body's steps. */
function checkItem(
  step: WorkflowNode,
  set: Readonly<Record<NodeId, WorkflowNode['params']>>,
  item: string,
  where: Place,
  report: Report,
): void {
  for (const [id, params] of entriesOf<NodeId, WorkflowNode['params']>(set)) {
    const inner = step.body?.nodes[id];
    const type = inner && stepType(inner.type);
    if (type) readStepParams(type, params, { ...where, node: `${where.node ?? ''}[${item}]/${id}` }, report);
  }
}

function checkEdge(graph: Workflow, edge: Edge, where: (id: NodeId) => Place, report: Report): void {
  const from = endOf(graph, edge.from.node, edge.from.port, 'output');
  const to = endOf(graph, edge.to.node, edge.to.port, 'input');
  if (from === 'unknown') report(unknownPort(graph, edge.from.node, edge.from.port, 'output', where));
  if (to === 'unknown') report(unknownPort(graph, edge.to.node, edge.to.port, 'input', where));
  if (from === 'open' || from === 'unknown' || to === 'open' || to === 'unknown') return;
  if (from.kind !== to.kind)
    report(messages.wrongArtifact({ ...where(edge.to.node), port: edge.to.port }, from.kind, to.kind));
}

/** `open` where the kind is not known here: walls, containers, steps of unknown types. */
function endOf(graph: Workflow, node: NodeId, port: string, side: 'input' | 'output'): StepPort | 'open' | 'unknown' {
  const step = isWall(node) ? undefined : graph.nodes[node];
  const type = step && stepType(step.type);
  if (!type) return 'open';
  return (side === 'input' ? type.inputs : type.outputs)[port] ?? 'unknown';
}

function unknownPort(
  graph: Workflow,
  node: NodeId,
  port: string,
  side: 'input' | 'output',
  where: (id: NodeId) => Place,
): Diagnostic {
  const type = stepType(graph.nodes[node]?.type ?? '');
  const ports = Object.keys((side === 'input' ? type?.inputs : type?.outputs) ?? {});
  return messages.unknownStepPort({ ...where(node), port }, side, ports);
}

/** Reads parameters; unknown and invalid ones are reported and replaced by defaults. */
export function readStepParams<T extends StepType>(
  type: T,
  given: Readonly<Record<string, unknown>>,
  where: Place,
  report: Report,
): StepParamValues<T['params']> {
  const values: Record<string, StepParamValue> = {};
  for (const [name, spec] of Object.entries(type.params)) {
    values[name] = spec.default;
    if (!(name in given)) continue;
    const read = readStepParam(spec, given[name]);
    if ('value' in read) values[name] = read.value;
    else report(messages.badStepParam({ ...where, param: name }, read.problem, read.fix, JSON.stringify(given[name])));
  }
  for (const name of Object.keys(given)) {
    if (!(name in type.params)) report(messages.unknownStepParam({ ...where, param: name }, Object.keys(type.params)));
  }
  return values as StepParamValues<T['params']>;
}

type Read<T> = { readonly value: T } | { readonly problem: string; readonly fix: string };

function readStepParam(spec: StepParamSpec, value: unknown): Read<StepParamValue> {
  switch (spec.kind) {
    case 'list': {
      const list = typeof value === 'string' ? [value] : value;
      if (!Array.isArray(list) || !list.every((v) => typeof v === 'string')) {
        return { problem: 'is no list of texts', fix: 'Give a list of texts.' };
      }
      return { value: list };
    }
    case 'path':
    case 'backbone': {
      if (typeof value !== 'string') return { problem: 'is not a text', fix: 'Give a path.' };
      if (isAbsolute(value))
        return { problem: 'is an absolute path', fix: 'Write it relative to the folder of the document.' };
      return { value };
    }
    case 'int':
    case 'number':
    case 'bool':
    case 'choice':
    case 'text':
      return readParam(spec, value);
  }
}

/** A root, a drive, a home folder or a web address: none of them can stand in a document. */
export const isAbsolute = (path: string): boolean =>
  /^(?:[/\\~]|[A-Za-z]:[\\/]|[A-Za-z][A-Za-z0-9+.-]*:\/\/)/.test(path);

export type { ArtifactKind };
