/** Source banks: rows of trained, frozen modules that fusion and ScaLearn mix. Pure edits, and the rows as they are shown. */
import { freeName } from '../../../engine/base/freeName.ts';
import type { Diagnostic } from '../../../engine/base/errors.ts';
import { fail, ok, type Result } from '../../../engine/base/result.ts';
import type { RunSummary } from '../../../engine/protocol/api/runs.ts';
import type { ArtifactRef, Bank, BankSource, Document, Node, WorkflowNode } from '../../../engine/protocol/document.ts';
import {
  freeNodeId,
  nodeAt,
  replaceNode,
  type EditResult,
  type ModelNodeAddress,
} from '../../../engine/protocol/edit.ts';
import {
  bankId,
  entriesOf,
  IDENTIFIER_RULE,
  isIdentifier,
  portId,
  recordOf,
  withEntry,
  withoutEntry,
  type BankId,
  type ModelId,
  type NodeId,
} from '../../../engine/protocol/ids.ts';
import { layerSelectionSchema, SELECTION_RULE } from '../../../engine/protocol/selection.ts';
import { modelGraphs } from '../../../engine/protocol/walk.ts';

export type Edit = (document: Document) => EditResult;

const refused = (message: string, fix: string): EditResult =>
  fail([{ code: 'source-refused', severity: 'warning', where: {}, message, fix }]);

export interface SourceRow {
  readonly source: BankSource;
  /** `trained by "sources", item mnli`, `file mnli.safetensors` */
  readonly from: string;
  readonly kind: 'step' | 'file' | 'promoted' | 'stored';
  /** The figure of the last run of its step, when there is one. */
  readonly metric: string | undefined;
  readonly problems: readonly Diagnostic[];
}

export function artifactWords(artifact: ArtifactRef): string {
  if ('asset' in artifact) return `file ${artifact.asset}`;
  if ('promoted' in artifact) return `port "${artifact.promoted}" of the model's step`;
  if ('hash' in artifact) return `stored content ${artifact.hash.slice(0, 8)}`;
  return artifact.item === undefined ? `step "${artifact.step}"` : `"${artifact.step}", item ${artifact.item}`;
}

/** Where a source comes from, as a person put it there: a file is named by its name, not by the step that holds it. */
function originWords(document: Document, artifact: ArtifactRef): string {
  const step = 'step' in artifact ? document.workflow.nodes[artifact.step] : undefined;
  const file = step?.type === 'adapter.file' ? step.params['file'] : undefined;
  return typeof file === 'string' ? `file ${file}` : artifactWords(artifact);
}

const kindOf = (artifact: ArtifactRef): SourceRow['kind'] =>
  'asset' in artifact ? 'file' : 'promoted' in artifact ? 'promoted' : 'hash' in artifact ? 'stored' : 'step';

/** The rows of a bank as the table shows them. */
export function sourceRows(
  document: Document,
  id: BankId,
  runs: readonly RunSummary[],
  diagnostics: readonly Diagnostic[],
): readonly SourceRow[] {
  return (document.banks[id]?.sources ?? []).map((source) => ({
    source,
    from: originWords(document, source.artifact),
    kind: kindOf(source.artifact),
    metric: metricOf(source.artifact, runs),
    problems: diagnostics.filter((d) => d.where.node === `bank ${id}` && d.where.param === source.name),
  }));
}

function metricOf(artifact: ArtifactRef, runs: readonly RunSummary[]): string | undefined {
  if (!('step' in artifact)) return undefined;
  const run = runs.find((r) => r.state === 'done' && r.target === artifact.step && r.figure !== undefined);
  return run?.figure === undefined ? undefined : `${run.figure.toFixed(3)} ${run.metric ?? ''}`.trim();
}

/** The nodes that use a bank, by the model they are in. */
export const bankUsers = (
  document: Document,
  id: BankId,
): readonly { readonly model: ModelId; readonly path: readonly NodeId[]; readonly node: NodeId }[] =>
  modelGraphs(document).flatMap(({ model, path, graph }) =>
    entriesOf<NodeId, Node>(graph.nodes).flatMap(([node, n]) => (n.bank === id ? [{ model, path, node }] : [])),
  );

export function freshBankId(document: Document): BankId {
  let id = 'sources';
  for (let i = 2; id in document.banks; i++) id = `sources_${i}`;
  return bankId(id);
}

export const addBank =
  (id: BankId, sources: readonly BankSource[] = []): Edit =>
  (document) =>
    ok({ ...document, banks: withEntry(document.banks, id, { sources: [...sources] }) });

export const removeBank =
  (id: BankId): Edit =>
  (document) => {
    const [user] = bankUsers(document, id);
    if (user !== undefined)
      return refused(`The bank is used by "${user.node}" of model "${user.model}".`, 'Remove that node first.');
    return ok({ ...document, banks: withoutEntry(document.banks, id) });
  };

/** Changes the list of a bank's sources. */
const withSources =
  (id: BankId, change: (sources: readonly BankSource[]) => readonly BankSource[]): Edit =>
  (document) => {
    const bank = document.banks[id];
    if (bank === undefined) return refused(`There is no bank "${id}".`, 'Choose a bank that exists.');
    return ok({
      ...document,
      banks: withEntry<BankId, Bank>(document.banks, id, { ...bank, sources: change(bank.sources) }),
    });
  };

export const setBankTitle =
  (id: BankId, title: string): Edit =>
  (document) => {
    const bank = document.banks[id];
    if (bank === undefined) return ok(document);
    const { title: _before, ...rest } = bank;
    const named = title.trim() === '' ? rest : { ...rest, title: title.trim() };
    return ok({ ...document, banks: withEntry<BankId, Bank>(document.banks, id, named) });
  };

/** Lets a node take its sources from a bank; a bank that is not there yet is made. */
export const setNodeBank =
  (at: ModelNodeAddress, id: BankId): Edit =>
  (document) => {
    const made = id in document.banks ? ok(document) : addBank(id)(document);
    const node = made.ok ? nodeAt(made.value, at) : undefined;
    if (!made.ok || node === undefined) return made;
    return ok(replaceNode(made.value, at, { ...node, bank: id }));
  };

/** Whether a name may be that of a source. */
export function sourceName(document: Document, id: BankId, name: string, now?: string): Result<string> {
  if (!isIdentifier(name)) return fail(`Use ${IDENTIFIER_RULE}.`);
  const taken = document.banks[id]?.sources.some((s) => s.name === name && s.name !== now) === true;
  return taken ? fail(`The bank has a source "${name}" already.`) : ok(name);
}

/** A name made of any text that no source of the bank has: `SST-2 run.safetensors` to `SST-2_run`. */
export function freshSourceName(document: Document, id: BankId, text: string): string {
  const plain = text
    .replace(/\.[A-Za-z0-9]+$/, '')
    .replace(/[^A-Za-z0-9_-]+/g, '_')
    .replace(/^[^A-Za-z_]+/, '')
    .slice(0, 60);
  const base = isIdentifier(plain) ? plain : 'source';
  const names = new Set(document.banks[id]?.sources.map((s) => s.name));
  return freeName(base, (name) => names.has(name));
}

export const addSource =
  (id: BankId, source: BankSource): Edit =>
  (document) => {
    const name = sourceName(document, id, source.name);
    return name.ok
      ? withSources(id, (sources) => [...sources, source])(document)
      : refused(name.error, 'Choose another name.');
  };

export const removeSource = (id: BankId, name: string): Edit =>
  withSources(id, (all) => all.filter((s) => s.name !== name));

/** Moves a source among the others; the order is that of the learnt weights. */
export const moveSource = (id: BankId, name: string, by: number): Edit =>
  withSources(id, (all) => {
    const from = all.findIndex((s) => s.name === name);
    const to = Math.min(all.length - 1, Math.max(0, from + by));
    const moved = all[from];
    if (moved === undefined || from === to) return all;
    const rest = all.filter((s) => s.name !== name);
    return [...rest.slice(0, to), moved, ...rest.slice(to)];
  });

export const renameSource =
  (id: BankId, name: string, to: string): Edit =>
  (document) => {
    const next = sourceName(document, id, to, name);
    if (!next.ok) return refused(next.error, 'Choose another name.');
    return withSources(id, (all) => all.map((s) => (s.name === name ? { ...s, name: to } : s)))(document);
  };

export const muteSource = (id: BankId, name: string, mute: boolean): Edit =>
  withSources(id, (all) =>
    all.map((s) => {
      if (s.name !== name) return s;
      const { mute: _before, ...rest } = s;
      return mute ? { ...rest, mute: true } : rest;
    }),
  );

export const setSourceLayers =
  (id: BankId, name: string, layers: string): Edit =>
  (document) => {
    const text = layers.trim() === '' ? 'all' : layers.trim();
    if (!layerSelectionSchema.safeParse(text).success)
      return refused(`"${text}" is no layer selection.`, `Write ${SELECTION_RULE}.`);
    return withSources(id, (all) =>
      all.map((s) => {
        if (s.name !== name) return s;
        const { layers: _before, ...rest } = s;
        return text === 'all' ? rest : { ...rest, layers: text };
      }),
    )(document);
  };

export const setSourceArtifact = (id: BankId, name: string, artifact: ArtifactRef): Edit =>
  withSources(id, (all) => all.map((s) => (s.name === name ? { ...s, artifact } : s)));

/** Everything in the workflow that gives a trained adapter: training steps, adapter files, items of for-each steps. */
export interface Origin {
  readonly title: string;
  readonly name: string;
  readonly artifact: ArtifactRef;
}

export function originsOf(document: Document): readonly Origin[] {
  return entriesOf<NodeId, WorkflowNode>(document.workflow.nodes).flatMap(([id, step]): readonly Origin[] => {
    const title = step.title ?? id;
    if (step.body !== undefined) {
      const outputs = step.body.edges.filter((e) => e.to.node === '$out').map((e) => e.to.port);
      const output = outputs.find((p) => p === 'adapter') ?? outputs[0];
      return (step.items ?? []).map((item) => ({
        title: `${title}: ${item.name}`,
        name: item.name,
        artifact: { step: id, item: item.name, ...(output === undefined ? {} : { output }) },
      }));
    }
    if (step.type === 'train' || step.type === 'adapter.file')
      return [{ title, name: id, artifact: { step: id, output: portId('adapter') } }];
    return [];
  });
}

/** Adds a step that holds an adapter file, and a source that takes it. */
export const addFileSource =
  (id: BankId, file: string): Edit =>
  (document) => {
    const name = freshSourceName(document, id, file.split('/').pop() ?? file);
    const step = freeNodeId(document.workflow, `adapter_${name}`);
    const node: WorkflowNode = { type: 'adapter.file', version: 1, params: recordOf([['file', file]]) };
    const workflow = { ...document.workflow, nodes: withEntry(document.workflow.nodes, step, node) };
    return addSource(id, { name, artifact: { step, output: portId('adapter') } })({
      ...document,
      workflow,
    });
  };

/** The models of a document with the method that a bank could be attached to. */
export const modelsOf = (document: Document): readonly ModelId[] => Object.keys(document.models) as ModelId[];
