/** Copies of a document that differ in seeds, or in the value of one parameter. */
import { fail, ok, type Result } from '../../base/result.ts';
import type { Diagnostic } from '../../base/errors.ts';
import type { Document, Scalar, Workflow, WorkflowNode } from '../../protocol/document.ts';
import { findNode, nodeAt, setParamText, type ParamDefault } from '../../protocol/edit.ts';
import { entriesOf, recordOf, type NodeId } from '../../protocol/ids.ts';
import * as messages from './messages.ts';

export interface Variant {
  readonly document: Document;
  /** What distinguishes it, as `seed 3`; empty when there is one only. */
  readonly words: string;
}

export interface VariantRequest {
  readonly seeds?: readonly number[];
  readonly sweep?: { readonly param: string; readonly values: readonly Scalar[] };
}

const MOST = 200;

/** All copies: every seed of every value. Fails with what is wrong with the parameter. */
export function variants(
  document: Document,
  { seeds, sweep }: VariantRequest,
  defaultOf: ParamDefault,
): Result<readonly Variant[], readonly Diagnostic[]> {
  const count = (seeds?.length ?? 1) * (sweep?.values.length ?? 1);
  if (count > MOST) return fail([messages.tooManyRuns(count)]);
  const swept: Variant[] = [];
  if (sweep === undefined) swept.push({ document, words: '' });
  else {
    const name = sweep.param.slice(sweep.param.lastIndexOf('.') + 1);
    const missing = missingParam(document, sweep.param, defaultOf);
    if (missing) return fail(missing);
    for (const value of sweep.values) {
      const set = setParamText(document, `${sweep.param}=${String(value)}`, defaultOf);
      if (!set.ok) return fail(set.error.length > 0 ? set.error : [messages.sweepProblem(sweep.param, String(value))]);
      swept.push({ document: set.value, words: `${name} ${String(value)}` });
    }
  }
  if (seeds === undefined) return ok(swept);
  return ok(
    swept.flatMap((one) =>
      seeds.map((seed) => ({
        document: withSeed(one.document, seed),
        words: [...(one.words === '' ? [] : [one.words]), `seed ${seed}`].join(', '),
      })),
    ),
  );
}

/** Why a parameter cannot be varied: its node or the parameter is not there. */
function missingParam(document: Document, param: string, defaultOf: ParamDefault): readonly Diagnostic[] | undefined {
  const dot = param.lastIndexOf('.');
  if (dot < 1) return [messages.sweepProblem(param, 'no point')];
  const name = param.slice(dot + 1);
  const found = findNode(document, param.slice(0, dot));
  if (!found.ok) return found.error;
  const node = nodeAt(document, found.value);
  if (node && (Object.hasOwn(node.params, name) || defaultOf(node, name) !== undefined)) return undefined;
  return [messages.sweepProblem(param, 'no such parameter')];
}

/** The document with this seed in all of its training steps. */
export const withSeed = (document: Document, seed: number): Document => ({
  ...document,
  workflow: seededGraph(document.workflow, seed),
});

function seededGraph(graph: Workflow, seed: number): Workflow {
  const nodes = entriesOf<NodeId, WorkflowNode>(graph.nodes).map(([id, step]) => [id, seededStep(step, seed)] as const);
  return { ...graph, nodes: recordOf(nodes) };
}

function seededStep(step: WorkflowNode, seed: number): WorkflowNode {
  if (step.type === 'train') return { ...step, params: recordOf([...Object.entries(step.params), ['seed', seed]]) };
  return step.body === undefined ? step : { ...step, body: seededGraph(step.body, seed) };
}

/** The seed of the last training step, which is the one that a list shows. */
export function seedOf(document: Document): number {
  const steps = Object.values(document.workflow.nodes).filter((step) => step.type === 'train');
  const seed = steps.at(-1)?.params['seed'];
  return typeof seed === 'number' ? seed : 0;
}
