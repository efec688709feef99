/** Documents of the benchmarks: made by `espalier new` as a person would, then given exact training settings. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { espalier } from './bench.ts';

export interface DocumentRequest {
  /** The file to write. */
  readonly file: string;
  readonly model: string;
  readonly data: string;
  readonly task?: string;
  readonly text?: readonly string[];
  readonly label?: string;
  readonly method: string;
  /** Parameters of the method. */
  readonly params?: Readonly<Record<string, string | number>>;
  readonly sources?: readonly (readonly [name: string, file: string])[];
  /** Parameters of the training step that replace what `new` chose. */
  readonly training?: Readonly<Record<string, string | number>>;
  /** Further steps that read the trained model, by name: predictions for a file of the same columns. */
  readonly predict?: ReadonlyMap<string, string>;
}

interface Step {
  readonly type: string;
  readonly version: number;
  readonly params: Record<string, unknown>;
  readonly model?: string;
}

interface End {
  readonly node: string;
  readonly port: string;
}

interface WorkflowJson {
  readonly nodes: Record<string, Step>;
  edges: { readonly from: End; readonly to: End }[];
}

const edge = (from: string, to: string): WorkflowJson['edges'][number] => {
  const end = (text: string): End => {
    const [node = '', port = ''] = text.split('.');
    return { node, port };
  };
  return { from: end(from), to: end(to) };
};

/** What a peft baseline of the same sizes trains with; weight decay, which `peft` leaves out unless asked, is off. */
export const LORA = { r: 8, alpha: 8, targets: 'query,value' } as const;

/** Writes a document that trains on all rows without evaluating, as the Python scripts do. */
export function writeDocument(request: DocumentRequest): string {
  const { file, model, data, task, text = [], label, method, params = {}, sources = [], training = {} } = request;
  const [first, second] = text;
  espalier(
    'new',
    ...['--backbone', resolve(model), '--data', resolve(data), '--method', method, '--force', '-o', file],
    ...(task === undefined ? [] : ['--task', task]),
    ...(first === undefined ? [] : ['--text-column', first]),
    ...(second === undefined ? [] : ['--text-pair-column', second]),
    ...(label === undefined ? [] : ['--label-column', label]),
    ...Object.entries(params).flatMap(([name, value]) => ['--param', `${name}=${value}`]),
    ...sources.flatMap(([name, path]) => ['--source', `${name}=${path}`]),
  );
  const document = JSON.parse(readFileSync(file, 'utf8')) as { workflow: WorkflowJson };
  const { workflow } = document;
  trainOnAllRows(workflow);
  const { train, data: rows } = workflow.nodes;
  if (!train || !rows) throw new Error(`${file} has no steps "train" and "data"`);
  Object.assign(train.params, { weightDecay: 0 }, training);
  for (const [name, path] of request.predict ?? []) {
    workflow.nodes[`data_${name}`] = {
      ...rows,
      params: { ...rows.params, file: relative(dirname(file), resolve(path)), label: [] },
    };
    workflow.nodes[`predict_${name}`] = { type: 'predict', version: 1, params: {} };
    workflow.edges.push(
      edge('train.model', `predict_${name}.model`),
      edge(`data_${name}.data`, `predict_${name}.data`),
    );
  }
  writeFileSync(file, JSON.stringify(document, undefined, 1));
  return file;
}

/** Takes the split for evaluation out again: the best state is then the last one, which is what the baseline reports. */
function trainOnAllRows(workflow: WorkflowJson): void {
  delete workflow.nodes['split'];
  workflow.edges = workflow.edges.filter((e) => e.from.node !== 'split' && e.to.node !== 'split');
  if (!workflow.edges.some((e) => e.to.node === 'train' && e.to.port === 'data')) {
    workflow.edges.push(edge('data.data', 'train.data'));
  }
}

/** Words that are one token each. */
export function wholeWords(model: string): readonly string[] {
  const vocabulary = readFileSync(join(model, 'vocab.txt'), 'utf8').split('\n');
  return vocabulary.slice(2000, 28000).filter((w) => /^[a-z]{3,}$/.test(w));
}

/** A table of `rows` sentences of exactly `length` tokens: words that are one token each, and two special tokens. */
export function writeFullLength(folder: string, model: string, rows: number, length: number): string {
  const words = wholeWords(model);
  let state = 1;
  const next = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const sentence = (): string => Array.from({ length: length - 2 }, () => words[next(words.length)]).join(' ');
  const lines = Array.from({ length: rows }, (_, i) => `${sentence()}\t${i % 2}`);
  const file = join(folder, `full-${length}.tsv`);
  writeFileSync(file, `sentence\tlabel\n${lines.join('\n')}\n`);
  return file;
}
