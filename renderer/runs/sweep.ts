/** Which parameters a sweep may try, and the values and seeds that a person types. */
import type { Catalog, ParamInfo } from '../../engine/protocol/api/catalog.ts';
import type { Document, Graph, Node, WorkflowNode } from '../../engine/protocol/document.ts';
import { entriesOf, type ModelId, type NodeId } from '../../engine/protocol/ids.ts';
import { fail, ok, type Result } from '../../engine/base/result.ts';
import { formatNodeAddress, inModel } from '../../engine/protocol/edit.ts';
import { capital, nameInWords } from './words.ts';

export interface SweepParam {
  /** `train.lr`, as the command line takes it. */
  readonly param: string;
  readonly title: string;
  readonly help: string;
  readonly info: ParamInfo;
}

const isSweepable = (info: ParamInfo): boolean =>
  info.kind === 'int' || info.kind === 'number' || info.kind === 'choice' || info.kind === 'bool';

/** Not worth a sweep: they change how fast a run is, not what it learns. */
const IDLE = new Set(['threads', 'cacheMegabytes', 'checkpointEvery', 'evaluateEvery', 'seed', 'microBatchTokens']);

/** Parameters of training steps first, then those of each recipe once, then those of modules without one. */
export function sweepParams(document: Document, catalog: Catalog | undefined): readonly SweepParam[] {
  if (!catalog) return [];
  const steps = entriesOf<NodeId, WorkflowNode>(document.workflow.nodes).flatMap(([id, step]) => {
    const type = catalog.steps.find((t) => t.type === step.type);
    return step.type === 'train' && type ? ofNode(id, step.title ?? id, type.params) : [];
  });
  const recipes = new Set<string>();
  const modules = entriesOf<ModelId, Graph>(document.models).flatMap(([model, graph]) =>
    nodesOf(graph, []).flatMap(({ path, id, node }) => {
      const type = catalog.nodes.find((t) => t.type === node.type);
      if (type?.peft === undefined) return [];
      if (node.recipe !== undefined && recipes.has(node.recipe)) return [];
      if (node.recipe !== undefined) recipes.add(node.recipe);
      const address = formatNodeAddress({ graph: inModel(model, ...path), node: id });
      const title = node.recipe === undefined ? (node.title ?? id) : `${type.title} (recipe ${node.recipe})`;
      return ofNode(address, title, type.params);
    }),
  );
  return [...steps, ...modules];
}

const ofNode = (address: string, title: string, params: Readonly<Record<string, ParamInfo>>): readonly SweepParam[] =>
  Object.entries(params).flatMap(([name, info]) =>
    isSweepable(info) && !IDLE.has(name)
      ? [{ param: `${address}.${name}`, title: `${capital(title)}: ${nameInWords(name)}`, help: info.help, info }]
      : [],
  );

function nodesOf(
  graph: Graph,
  path: readonly NodeId[],
): readonly { readonly path: readonly NodeId[]; readonly id: NodeId; readonly node: Node }[] {
  return entriesOf<NodeId, Node>(graph.nodes).flatMap(([id, node]) => [
    { path, id, node },
    ...(node.body ? nodesOf(node.body, [...path, id]) : []),
  ]);
}

const MOST = 100;

/** Values with commas between them, read as the parameter's kind. */
export function readSweepValues(text: string, info: ParamInfo): Result<readonly (string | number | boolean)[]> {
  const parts = text
    .split(/[,;\s]+/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (parts.length === 0) return fail('Type the values to try, with commas between them.');
  if (parts.length > MOST) return fail(`At most ${MOST} values.`);
  if (new Set(parts).size < parts.length) return fail('A value stands there twice.');
  const values: (string | number | boolean)[] = [];
  for (const part of parts) {
    const read = readValue(part, info);
    if (!read.ok) return read;
    values.push(read.value);
  }
  return ok(values);
}

function readValue(text: string, info: ParamInfo): Result<string | number | boolean> {
  switch (info.kind) {
    case 'int':
    case 'number': {
      const value = Number(text);
      if (!Number.isFinite(value)) return fail(`"${text}" is no number.`);
      if (info.kind === 'int' && !Number.isInteger(value)) return fail(`"${text}" is no whole number.`);
      if (value < info.min || value > info.max) return fail(`${text} is outside ${info.min} to ${info.max}.`);
      return ok(value);
    }
    case 'bool':
      return text === 'true' || text === 'on'
        ? ok(true)
        : text === 'false' || text === 'off'
          ? ok(false)
          : fail(`"${text}" is neither on nor off.`);
    case 'choice':
      return info.choices.includes(text) ? ok(text) : fail(`"${text}" is none of ${info.choices.join(', ')}.`);
    case 'text':
    case 'path':
    case 'backbone':
    case 'list':
      return ok(text);
  }
}

/** The first `count` seeds from one on: 1, 2, 3. */
export const seedsFrom = (first: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => first + i);
