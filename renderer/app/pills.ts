/** The pills of the workflow strip: one per step in the order of work, each with its state. */
import type { Diagnostic } from '../../engine/base/errors.ts';
import type { RunSummary } from '../../engine/protocol/api/runs.ts';
import type { Document, WorkflowNode } from '../../engine/protocol/document.ts';
import { entriesOf, type ModelId, type NodeId } from '../../engine/protocol/ids.ts';

export type PillState = 'ok' | 'stale' | 'running' | 'done' | 'warning' | 'error';

export interface Pill {
  readonly id: NodeId;
  readonly title: string;
  readonly type: string;
  readonly model: ModelId | undefined;
  readonly state: PillState;
  /** `2 problems`, `running 43 %`, `up to date`. */
  readonly words: string;
}

/** Steps in an order in which each comes after those it takes from; circles keep the order of the document. */
export function stepsInOrder(document: Document): readonly (readonly [NodeId, WorkflowNode])[] {
  const entries = entriesOf<NodeId, WorkflowNode>(document.workflow.nodes);
  const sources = (id: NodeId): readonly NodeId[] =>
    document.workflow.edges.filter((e) => e.to.node === id).map((e) => e.from.node);
  const done = new Set<NodeId>();
  const ordered: (readonly [NodeId, WorkflowNode])[] = [];
  let left = entries;
  while (left.length > 0) {
    const ready = left.filter(([id]) => sources(id).every((s) => done.has(s) || !(s in document.workflow.nodes)));
    const next = ready.length > 0 ? ready : left;
    // Data first, so that the strip reads data, model, training.
    const first = next.find(([, step]) => step.type.startsWith('data.')) ?? next[0];
    if (!first) break;
    ordered.push(first);
    done.add(first[0]);
    left = left.filter(([id]) => id !== first[0]);
  }
  return ordered;
}

const isOf = (d: Diagnostic, id: NodeId, step: WorkflowNode): boolean =>
  d.where.model === undefined
    ? d.where.node === id || d.where.node?.startsWith(`${id}/`) === true
    : step.model === d.where.model;

/** `train_2` as `Train 2`. */
const nameOf = (id: string): string => {
  const words = id.replace(/[_-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
};

const problems = (count: number): string => (count === 1 ? '1 problem' : `${count} problems`);

export interface PillFacts {
  readonly document: Document;
  readonly diagnostics: readonly Diagnostic[];
  readonly fresh: boolean;
  readonly runs: readonly RunSummary[];
}

export function pillsOf(facts: PillFacts): readonly Pill[] {
  const { document, diagnostics, runs } = facts;
  const active = runs.findLast((r) => r.state === 'training' || r.state === 'preparing' || r.state === 'paused');
  const last = runs.at(-1);
  return stepsInOrder(document).map(([id, step]) => {
    const own = diagnostics.filter((d) => isOf(d, id, step));
    const errors = own.filter((d) => d.severity === 'error').length;
    const warnings = own.filter((d) => d.severity === 'warning').length;
    const isTarget = step.type === 'train' && (active?.target === undefined || active.target === id);
    const base = {
      id,
      title: step.title ?? nameOf(id),
      type: step.type,
      model: step.model,
    };
    if (active && isTarget) {
      const share = active.steps > 0 ? Math.floor((active.step / active.steps) * 100) : 0;
      const words = active.state === 'training' ? `running ${share} %` : active.state;
      return { ...base, state: 'running', words };
    }
    if (errors > 0) return { ...base, state: 'error', words: problems(errors) };
    if (warnings > 0)
      return { ...base, state: 'warning', words: warnings === 1 ? '1 warning' : `${warnings} warnings` };
    if (step.type === 'train' && last && (last.target === undefined || last.target === id)) {
      if (last.state === 'failed' || last.state === 'lost')
        return { ...base, state: 'error', words: 'the last run failed' };
      if (last.state === 'done') return { ...base, state: 'done', words: 'trained' };
    }
    if (!facts.fresh) return { ...base, state: 'stale', words: 'being checked' };
    return { ...base, state: 'ok', words: 'ok' };
  });
}
