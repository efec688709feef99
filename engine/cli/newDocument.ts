/** The document that `espalier new` writes: data, a backbone as layers, a method, and the steps that train it. Pure. */
import { applyPreset, bertGraph, PRESETS, type BertConfig, type Task } from '../../nodes/index.ts';
import { must } from '../base/errors.ts';
import { fail, ok, type Result } from '../base/result.ts';
import type { TaskColumns } from '../data/task.ts';
import {
  emptyDocument,
  type Document,
  type ForEachItem,
  type Params,
  type WorkflowNode,
} from '../protocol/document.ts';
import {
  bankId,
  modelId,
  nodeId,
  portId,
  recordOf,
  WALL_OUT,
  type BankId,
  type ModelId,
  type NodeId,
} from '../protocol/ids.ts';
import { coerce } from '../protocol/edit.ts';
import { FOR_EACH } from '../workflow/stepTypes.ts';

/** A data file as the document names it, with the columns that are used. */
export interface DataChoice {
  /** Relative to the document's folder. */
  readonly file: string;
  readonly columns: TaskColumns;
}

/** A source of a bank: data that it is trained on first, or an adapter that is there. */
export type SourceChoice =
  | { readonly name: string; readonly kind: 'data'; readonly data: DataChoice }
  | { readonly name: string; readonly kind: 'adapter'; readonly file: string };

export interface NewChoices {
  readonly title: string;
  readonly backbone: { readonly reference: string; readonly config: BertConfig };
  readonly task: Task;
  readonly data: DataChoice;
  readonly evaluation: DataChoice | undefined;
  readonly method: string;
  /** Parameters of the method as they were written. */
  readonly methodParams: readonly (readonly [string, string])[];
  readonly sources: readonly SourceChoice[];
  /** Parameters of the training step. */
  readonly training: Params;
  /** Parameters of the training of sources. */
  readonly sourceTraining: Params;
}

const MAIN = modelId('main');
const SOURCE = modelId('source');
const BANK = bankId('sources');

export const methodNames = (): readonly string[] => PRESETS.map((p) => p.name);

export const methodNeedsBank = (method: string): boolean => PRESETS.find((p) => p.name === method)?.bank === true;

/** Learning rates that the methods' own papers use; 1e-3 where none is known to differ much (methods-1, A9 and E4). */
const RATES: ReadonlyMap<string, number> = new Map([
  ['fusion', 5e-5],
  ['scalearn', 6e-3],
  ['prompt', 5e-3],
]);
export const defaultRate = (method: string): number => RATES.get(method) ?? 1e-3;

/** Texts such as `r=8` as the method's parameters take them. */
export function readMethodParams(method: string, given: readonly (readonly [string, string])[]): Result<Params> {
  const preset = PRESETS.find((p) => p.name === method);
  if (!preset) return fail(`no method is named "${method}"; choose one of ${methodNames().join(', ')}`);
  const params: [string, Params[string]][] = [];
  for (const [name, text] of given) {
    const spec = preset.params[name];
    if (!spec)
      return fail(`"${method}" has no parameter "${name}"; it has ${Object.keys(preset.params).join(', ') || 'none'}`);
    const value = coerce(text, spec.default);
    if (!value.ok) return fail(`parameter "${name}" of "${method}" takes ${value.error}, got "${text}"`);
    params.push([name, value.value]);
  }
  return ok(recordOf(params));
}

/** Makes the document. Fails in words when the method does not fit. */
export function makeDocument(choices: NewChoices): Result<Document> {
  const { backbone, task, method } = choices;
  const params = readMethodParams(method, choices.methodParams);
  if (!params.ok) return params;
  const banked = methodNeedsBank(method);
  if (banked && choices.sources.length === 0) {
    return fail(`"${method}" mixes trained sources: name them with --source NAME=FILE`);
  }
  if (!banked && choices.sources.length > 0) return fail(`"${method}" takes no sources`);
  const empty = emptyDocument(choices.title);
  const graphs = new Map([[MAIN, bertGraph(backbone.config, task)]]);
  const trainsSources = choices.sources.some((s) => s.kind === 'data');
  if (trainsSources) graphs.set(SOURCE, bertGraph(backbone.config, { kind: 'classification', classes: 2 }));
  const base: Document = {
    ...empty,
    models: recordOf(graphs),
    banks: recordOf<BankId, Document['banks'][BankId]>(
      banked ? [[BANK, { sources: choices.sources.map(bankSource) }]] : [],
    ),
  };
  const main = applyPreset(base, MAIN, method, params.value, banked ? BANK : undefined);
  if (!main.ok) return main;
  const both = trainsSources ? applyPreset(main.value, SOURCE, 'pfeiffer', {}) : main;
  return both.ok ? ok({ ...both.value, workflow: workflowOf(choices) }) : both;
}

const bankSource = (source: SourceChoice): Document['banks'][BankId]['sources'][number] => ({
  name: source.name,
  artifact:
    source.kind === 'data'
      ? { step: nodeId('sources'), item: source.name, output: portId('adapter') }
      : { step: adapterStep(source.name), output: portId('adapter') },
});

const adapterStep = (name: string): NodeId => nodeId(`adapter_${name}`);

const dataParams = ({ file, columns }: DataChoice): Params =>
  recordOf([
    ['file', file],
    ['task', columns.task],
    ['text', columns.text],
    ['label', columns.label],
  ] as [string, Params[string]][]);

const step = (type: string, params: Params = {}, model?: ModelId): WorkflowNode => ({
  type,
  version: 1,
  params,
  ...(model === undefined ? {} : { model }),
});

const edge = (text: string): Document['workflow']['edges'][number] => {
  const [from, to] = text.split(' -> ').map((end) => {
    const [node, port] = end.split('.') as [string, string];
    return { node: node === '$out' ? WALL_OUT : nodeId(node), port: portId(port) };
  });
  return { from: must(from, text), to: must(to, text) };
};

const backboneParams = (choices: NewChoices): Params => recordOf([['backbone', choices.backbone.reference]]);

function workflowOf(choices: NewChoices): Document['workflow'] {
  const nodes: [NodeId, WorkflowNode][] = [];
  const add = (id: string, node: WorkflowNode): void => void nodes.push([nodeId(id), node]);
  const trained = choices.sources.filter((s) => s.kind === 'data');
  if (trained.length > 0) add('sources', sourcesStep(choices, trained));
  for (const s of choices.sources) {
    if (s.kind === 'adapter') nodes.push([adapterStep(s.name), step('adapter.file', recordOf([['file', s.file]]))]);
  }
  add('data', step('data.table', dataParams(choices.data)));
  const edges = ['model.model -> train.model'];
  if (choices.evaluation) {
    add('eval', step('data.table', dataParams(choices.evaluation)));
    edges.push('data.data -> train.data', 'eval.data -> train.eval');
  } else {
    add('split', step('data.split', recordOf([['share', 0.1]])));
    edges.push('data.data -> split.data', 'split.train -> train.data', 'split.eval -> train.eval');
  }
  add('model', step('model', backboneParams(choices), MAIN));
  add('train', step('train', choices.training));
  return { nodes: recordOf(nodes), edges: edges.map(edge) };
}

/** Trains one adapter for each source; the head of the model is fitted to the labels of each. */
function sourcesStep(choices: NewChoices, sources: readonly Extract<SourceChoice, { kind: 'data' }>[]): WorkflowNode {
  const first = must(sources[0], 'a source');
  const items = sources.map((s): ForEachItem => ({
    name: s.name,
    set: recordOf([[nodeId('data'), dataParams(s.data)]]),
  }));
  const body = {
    nodes: recordOf<NodeId, WorkflowNode>([
      [nodeId('data'), step('data.table', dataParams(first.data))],
      [nodeId('model'), step('model', backboneParams(choices), SOURCE)],
      [nodeId('train'), step('train', choices.sourceTraining)],
    ]),
    edges: [
      'data.data -> model.data',
      'data.data -> train.data',
      'model.model -> train.model',
      'train.adapter -> $out.adapter',
    ].map(edge),
  };
  return { type: FOR_EACH, version: 1, params: {}, items, body };
}
