/** What the Train button says: one state at a time, worked out of the window's state alone. */
import type { RunSummary } from '../../engine/protocol/api/runs.ts';
import type { Document } from '../../engine/protocol/document.ts';
import { entriesOf, type NodeId } from '../../engine/protocol/ids.ts';
import type { WorkflowNode } from '../../engine/protocol/document.ts';
import type { EditorState } from '../state/editor.ts';
import { activeRun, changesSince } from './live.ts';
import type { RunProgress } from './runData.ts';
import { relationOf } from './changes.ts';
import { causeOf, doneShare, formatClock, resultWords } from './words.ts';

export type TrainView =
  | { readonly kind: 'missing'; readonly reasons: readonly string[] }
  | { readonly kind: 'waiting'; readonly reason: string }
  | { readonly kind: 'ready' }
  | { readonly kind: 'queued'; readonly run: RunSummary; readonly before: number }
  | { readonly kind: 'preparing'; readonly run: RunSummary; readonly text: string }
  | { readonly kind: 'training'; readonly run: RunSummary; readonly share: number; readonly text: string }
  | { readonly kind: 'paused'; readonly run: RunSummary; readonly share: number }
  | { readonly kind: 'finished'; readonly run: RunSummary; readonly text: string }
  | { readonly kind: 'failed'; readonly run: RunSummary; readonly text: string };

export interface Target {
  readonly step: string;
  readonly title: string;
  readonly type: string;
}

/** What a run can be asked for: every step that makes something of a model, the training first. */
export function targetsOf(document: Document): readonly Target[] {
  const titles: Readonly<Record<string, string>> = {
    train: 'Train',
    evaluate: 'Evaluate',
    predict: 'Predict',
    export: 'Export',
    'for-each': 'For each source',
  };
  return entriesOf<NodeId, WorkflowNode>(document.workflow.nodes).flatMap(([id, step]) => {
    const kind = titles[step.type];
    return kind === undefined ? [] : [{ step: id, title: step.title ?? id, type: kind }];
  });
}

/** The step that is trained unless another is chosen: the last training that no other step takes from, else the last. */
export function defaultTarget(document: Document): string | undefined {
  const trains = targetsOf(document).filter((t) => t.type === 'Train');
  const used = new Set<string>(document.workflow.edges.map((e) => e.from.node));
  return (trains.findLast((t) => !used.has(t.step)) ?? trains.at(-1))?.step;
}

/** Everything that keeps the document from being trained, in words. */
export function missingFor(s: EditorState): readonly string[] {
  const document = s.viewing?.draft ?? s.document;
  if (!document) return ['Open or make a project first.'];
  const steps = entriesOf<NodeId, WorkflowNode>(document.workflow.nodes).map(([, step]) => step);
  const every = steps.flatMap((step) => [step, ...(step.body ? Object.values<WorkflowNode>(step.body.nodes) : [])]);
  const has = (type: string): boolean => every.some((step) => step.type === type);
  const missing: string[] = [];
  if (!has('data.table')) missing.push('No data: add a data table to the workflow.');
  if (!has('model')) missing.push('No model: add a model step to the workflow.');
  if (!has('train')) missing.push('Nothing to train: add a training step to the workflow.');
  const errors = (s.check?.diagnostics ?? []).filter((d) => d.severity === 'error');
  for (const d of errors.slice(0, 5)) missing.push(`${d.message} ${d.fix}`);
  if (errors.length > 5) missing.push(`${errors.length - 5} more problems are in the list.`);
  return missing;
}

/** Whether the latest check is of the draft as it is now; another graph may be shown meanwhile. */
export const isDraftChecked = (s: EditorState): boolean => s.pending === 0 && s.check?.revision === s.revision;

export function trainView(s: EditorState, progress: RunProgress | undefined): TrainView {
  const active = activeRun(s);
  if (active) return activeView(s, active, progress);
  const queued = s.runs.find((r) => r.state === 'queued');
  if (queued) return { kind: 'queued', run: queued, before: 0 };
  const last = s.runs.at(-1);
  const ended = last && relatedView(s, last);
  if (ended) return ended;
  return readyView(s);
}

/** What stands in the way of a new run, or that nothing does. */
export function readyView(s: EditorState): TrainView {
  const missing = missingFor(s);
  if (missing.length > 0 && (s.document === undefined || isDraftChecked(s)))
    return { kind: 'missing', reasons: missing };
  if (!s.connected) return { kind: 'waiting', reason: 'The engine is restarting.' };
  if (s.pending > 0) return { kind: 'waiting', reason: 'Edits are on their way to the engine.' };
  if (!isDraftChecked(s)) return { kind: 'waiting', reason: 'The last edit is being checked.' };
  return { kind: 'ready' };
}

function activeView(s: EditorState, run: RunSummary, progress: RunProgress | undefined): TrainView {
  if (run.state === 'paused') return { kind: 'paused', run, share: doneShare(run) };
  if (run.state === 'preparing' || run.steps === 0) {
    const text = progress
      ? `${progress.what}${progress.of > 1 ? ` ${progress.done} of ${progress.of}` : ''}`
      : 'read data';
    return { kind: 'preparing', run, text: `Preparing - ${text}` };
  }
  const share = doneShare(run);
  const epochs = epochsOf(s.runDocuments.get(run.run) ?? s.document, run, usualEpochs(s));
  const at = Math.floor(run.epoch) + 1;
  const epoch = epochs === undefined ? `epoch ${at}` : `epoch ${Math.min(at, epochs)}/${epochs}`;
  const left = run.secondsLeft === undefined ? '' : ` ${formatClock(run.secondsLeft)} left`;
  return { kind: 'training', run, share, text: `${epoch} ${Math.floor(share * 100)} %${left}` };
}

/** The number of epochs where a document does not say it. */
function usualEpochs(s: EditorState): number | undefined {
  const info = s.catalog?.steps.find((t) => t.type === 'train')?.params['epochs'];
  return info?.kind === 'int' ? info.default : undefined;
}

/** A run that ended shows its result as long as the draft is what it trained. */
function relatedView(s: EditorState, run: RunSummary): TrainView | undefined {
  const changes = changesSince(s, run);
  if (changes === undefined || relationOf(changes) === 'other') return undefined;
  if (run.state === 'done') return { kind: 'finished', run, text: resultWords(run) };
  if (run.state === 'failed' || run.state === 'lost')
    return { kind: 'failed', run, text: `Stopped at step ${run.step}: ${causeOf(run)}` };
  return undefined;
}

/** Epochs of the run's training step, when the document says them. */
export function epochsOf(
  document: Document | undefined,
  run: Pick<RunSummary, 'target'>,
  usual?: number,
): number | undefined {
  if (!document) return undefined;
  const steps = entriesOf<NodeId, WorkflowNode>(document.workflow.nodes).filter(([, step]) => step.type === 'train');
  const step = steps.find(([id]) => id === run.target) ?? steps.at(-1);
  if (!step) return undefined;
  const epochs = step[1].params['epochs' as never] as unknown;
  return typeof epochs === 'number' ? epochs : usual;
}
