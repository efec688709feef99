/**
 * Both sides of a parity test: a document compiled and run by us, the same model run by the Python oracle, and the names
 * of the one in the words of the other (tests/oracle/NAMES.md).
 */
import { join } from 'node:path';
import { differentiate } from '../../engine/autodiff/gradient.ts';
import { must } from '../../engine/base/errors.ts';
import type { HostTensor } from '../../engine/backends/executable.ts';
import { openCheckpoint, type Checkpoint } from '../../engine/checkpoints/checkpoint.ts';
import { compileModel, type CompiledModel } from '../../engine/compile/model.ts';
import type { Program } from '../../engine/ir/program.ts';
import { concreteShape, type ValueType } from '../../engine/ir/types.ts';
import type { SourceModule } from '../../engine/nodekit/node.ts';
import { inlineProgram } from '../../engine/passes/inline.ts';
import { packTokens } from '../../engine/passes/packing.ts';
import { recompute } from '../../engine/passes/recompute.ts';
import { selectRows } from '../../engine/passes/rowSelection.ts';
import { emptyDocument, type Document } from '../../engine/protocol/document.ts';
import { bankId, recordOf, type BankId } from '../../engine/protocol/ids.ts';
import { applyPreset, bertGraph, type BertConfig, type Task } from '../../nodes/index.ts';
import { readTensors, type TestTensor } from './tensors.ts';
import { MAIN, REGISTRY } from './tinyModels.ts';
import type { Oracle } from './oracle.ts';

export const BANK: BankId = bankId('sources');

/** A method as both sides write it. */
export interface ParityCase {
  readonly title: string;
  readonly preset: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly methods: readonly Readonly<Record<string, unknown>>[];
  readonly task?: Task;
  /** Names of frozen sources, all Pfeiffer adapters with this bottleneck. */
  readonly sources?: readonly string[];
  readonly edit?: (document: Document) => Document;
  /** The whole document instead of a preset on BERT. */
  readonly document?: Document;
  /** Labels as our graph takes them, where the oracle makes its own of them. */
  readonly labels?: readonly number[];
}

export interface Batch {
  readonly ids: readonly (readonly number[])[];
  readonly lengths: readonly number[];
  readonly labels: unknown;
}

export const SOURCE_SIZE = 4;

export function bankOf(names: readonly string[]): ReadonlyMap<BankId, readonly SourceModule[]> {
  const params = { size: SOURCE_SIZE, activation: 'relu', dropout: 0, scale: 1, learnedScale: 'none', init: 'bert' };
  return new Map([
    [
      BANK,
      names.map((name): SourceModule => ({
        name,
        type: 'peft.bottleneck',
        params,
        tensor: (t) => ({ artifact: name, tensor: `layers/{layer}/pfeiffer/${t}` }),
      })),
    ],
  ]);
}

export function documentFor(config: BertConfig, c: ParityCase): Document {
  if (c.document) return c.document;
  const base: Document = {
    ...emptyDocument('parity'),
    banks: recordOf([[BANK, { sources: [] }]]),
    models: recordOf([[MAIN, bertGraph(config, c.task ?? { kind: 'classification', classes: 3 })]]),
  };
  const made = applyPreset(base, MAIN, c.preset, c.params ?? {}, BANK);
  if (!made.ok) throw new Error(made.error);
  return c.edit ? c.edit(made.value) : made.value;
}

const SITES: Readonly<Record<string, string>> = {
  query: 'attn.query',
  key: 'attn.key',
  value: 'attn.value',
  attn_out: 'attn.out',
  ffn_up: 'ffn.up',
  ffn_down: 'ffn.down',
  pooler: 'pooler',
};
const NORMS: Readonly<Record<string, string>> = {
  norm_attn: 'norm.attn',
  norm_ffn: 'norm.ffn',
  norm_embeddings: 'embeddings',
};
const KINDS: Readonly<Record<string, string>> = { rslora: 'lora', lntuning: 'ln', bitfit_norms: 'bitfit' };
const TENSORS: Readonly<Record<string, string>> = { keys: 'K', values: 'V', embedding: 'E', scale: 's' };
const CHECKPOINT: Readonly<Record<string, string>> = {
  query: 'attention.self.query',
  key: 'attention.self.key',
  value: 'attention.self.value',
  attn_out: 'attention.output.dense',
  ffn_up: 'intermediate.dense',
  ffn_down: 'output.dense',
};

/** Our parameter path, or `SOURCE:path` of a bank, as the oracle names it. */
export function canonicalName(path: string): string {
  const layer = /^layers\/(\d+)\//.exec(path);
  const prefix = layer ? `layers/${layer[1]}/` : '';
  const rest = path.slice(layer ? layer[0].length : 0);
  const source = /^(\w+):layers\/(\d+)\/pfeiffer\/(.+)$/.exec(path);
  if (source) return `layers/${source[2]}/ffn/${source[1]}/${source[3]}`;
  if (rest.startsWith('head/')) return `head/${rest.slice(5).replace(/^out\./, '')}`;
  if (rest === 'prompt/embedding') return 'prompt/prompt/E';
  if (rest === 'layers/scalearn/omega') return 'shared/ffn/scalearn/omega';
  const delta = /^delta_(\w+)\/\w+\/([AB])$/.exec(rest);
  if (delta) return `${prefix}ffn.down/${delta[1]}/${delta[2]}`;
  const docked = /^(\w+)\/(lora|rslora|dora|ia3|bitfit|unfreeze)_\w+\/(.+)$/.exec(rest);
  if (docked) {
    const [, linear, kind, tensor] = docked as unknown as [string, string, string, string];
    if (kind === 'unfreeze') return `backbone/encoder.layer.${layer?.[1]}.${CHECKPOINT[linear]}.${tensor}`;
    return `${prefix}${SITES[linear]}/${KINDS[kind] ?? kind}/${tensor}`;
  }
  const norm = /^(lntuning|bitfit_norms)_(norm_\w+)\/(\w+)$/.exec(rest);
  if (norm) {
    const [, kind, site, tensor] = norm as unknown as [string, string, string, string];
    return `${prefix}${NORMS[site]}/${KINDS[kind]}/${kind === 'bitfit_norms' ? 'bias' : tensor}`;
  }
  const houlsby = /^houlsby_(attn|ffn)\/(.+)$/.exec(rest);
  if (houlsby) return `${prefix}${houlsby[1]}/houlsby/${houlsby[2]}`;
  const fused = /^(?:qkv|v)\/lora\w*\/([AB])$/.exec(rest);
  if (fused) return `${prefix}attn.${rest.startsWith('qkv') ? 'qkv' : 'value'}/lora/${fused[1]}`;
  const meft = /^(stream|layer)\/(.+)$/.exec(rest);
  if (meft) return `${prefix}meft/${meft[1]}/${meft[2]}`;
  const gate = /^gate\/(.+)$/.exec(rest);
  if (gate) return `${prefix}attn.query/gate/${gate[1]}`;
  const module = /^(\w+)\/(.+)$/.exec(rest);
  if (!module) throw new Error(`no canonical name for ${path}`);
  const [, kind, tensor] = module as unknown as [string, string, string];
  const place = kind === 'prefix' ? 'attn' : 'ffn';
  return `${prefix}${place}/${kind}/${TENSORS[tensor] ?? tensor}`;
}

/** A tensor of the oracle's for one of ours; the prefix MLP's output rows lie side by side in one matrix there. */
export function tensorFor(path: string, given: ReadonlyMap<string, TestTensor>): TestTensor {
  const mlp = /^layers\/(?:(\d+)\/)?prefix_mlp\/(embedding|in\.weight|in\.bias|out\.weight|out\.bias)$/.exec(path);
  if (!mlp) return must(given.get(canonicalName(path)), `the oracle's ${canonicalName(path)} for ${path}`);
  const names: Readonly<Record<string, string>> = {
    embedding: 'wte',
    'in.weight': 'down.weight',
    'in.bias': 'down.bias',
    'out.weight': 'up.weight',
    'out.bias': 'up.bias',
  };
  const whole = must(given.get(`prefix/prefix/${names[mlp[2] as string]}`), path);
  if (mlp[1] === undefined) return whole;
  const rows = whole.shape[0] as number;
  const d = must(given.get('prefix/prefix/wte'), 'wte').shape[1] as number;
  const size = whole.data.length / rows;
  const start = 2 * d * Number(mlp[1]) * size;
  return { shape: [2 * d, ...whole.shape.slice(1)], data: whole.data.slice(start, start + 2 * d * size) };
}

/** Runs a flat program: the parity tests are run on the backends that have one of these. */
export type Runner = (
  program: Program,
  compiled: CompiledModel,
  feeds: ReadonlyMap<string, HostTensor>,
  weights: ReadonlyMap<string, HostTensor>,
) => Promise<ReadonlyMap<string, HostTensor>>;

export interface Outcome {
  readonly loss: number;
  readonly logits: HostTensor;
  readonly gradients: ReadonlyMap<string, HostTensor>;
}

const host = (type: ValueType, shape: readonly number[], values: ArrayLike<number>): HostTensor => ({
  dtype: type.dtype,
  shape,
  data:
    type.dtype === 'f32'
      ? Float32Array.from(values)
      : type.dtype === 'u32'
        ? Uint32Array.from(values)
        : Int32Array.from(values),
});

/** Our side: compiled in evaluation mode (no dropout), packed, with selected rows, differentiated. */
export async function runOurs(
  c: ParityCase,
  config: BertConfig,
  folder: string,
  given: ReadonlyMap<string, TestTensor>,
  batch: Batch,
  runner: Runner,
): Promise<Outcome> {
  const document = documentFor(config, c);
  const checkpoint = openCheckpoint(folder);
  const { compiled, diagnostics } = compileModel({
    document,
    model: MAIN,
    registry: REGISTRY,
    training: false,
    banks: bankOf(c.sources ?? []),
    weightShape: (ref) =>
      ref.artifact === 'backbone'
        ? checkpoint.tensors.get(ref.tensor)?.entry.shape
        : given.get(canonicalName(`${ref.artifact}:${ref.tensor}`))?.shape,
  });
  if (!compiled) throw new Error(JSON.stringify(diagnostics, undefined, 1));
  const trainable = compiled.parameters.filter((p) => p.role === 'trainable');
  const flat = selectRows(packTokens(inlineProgram(compiled.program, { customVjp: true, inverses: true })));
  const { program } = recompute(differentiate(flat, { of: 'objective', wrt: trainable.map((p) => p.name) }));
  const { feeds, weights } = feedsOf(program, compiled, checkpoint, given, batch, c.labels);
  // The coefficient over the weight is fed; the weight of a mean over the batch is known from a first run with scale 0.
  const first = await runner(program, compiled, feeds, weights);
  for (const l of compiled.losses) {
    const weight = must(first.get(`loss/${l.name}/weight`), l.name).data[0] as number;
    feeds.set(`scale/${l.name}`, { dtype: 'f32', shape: [], data: Float32Array.of(l.coefficient / weight) });
  }
  const results = await runner(program, compiled, feeds, weights);
  return {
    loss: must(results.get('objective'), 'objective').data[0] as number,
    logits: must(results.get('output/logits'), 'logits'),
    gradients: new Map(trainable.map((p) => [p.name, must(results.get(`grad/${p.name}`), p.name)])),
  };
}

function feedsOf(
  program: Program,
  compiled: CompiledModel,
  checkpoint: Checkpoint,
  given: ReadonlyMap<string, TestTensor>,
  batch: Batch,
  labels?: readonly number[],
) {
  const fn = must(program.functions.get(program.entry), 'entry');
  const [B, T] = [batch.lengths.length, Math.max(...batch.lengths)];
  const packed = batch.lengths.flatMap((n, b) => Array.from({ length: n }, (_, t) => b * T + t));
  const bindings = new Map([
    ['B', B],
    ['T', T],
    ['N', packed.length],
  ]);
  const padded = (f: (b: number, t: number) => number): number[] =>
    batch.lengths.flatMap((n, b) => Array.from({ length: T }, (_, t) => (t < n ? f(b, t) : 0)));
  const roberta = checkpoint.config['model_type'] === 'roberta' || checkpoint.config['model_type'] === 'xlm-roberta';
  const data: Readonly<Record<string, readonly number[]>> = {
    'batch/ids': padded((b, t) => batch.ids[b]?.[t] ?? 0),
    'batch/typeIds': padded(() => 0),
    'batch/positions': padded((_b, t) => t + (roberta ? 2 : 0)),
    'batch/lengths': batch.lengths,
    'batch/labels': labels ?? ((batch.labels as unknown[]).flat(2) as number[]),
    'pack/index': packed,
    'pack/starts': batch.lengths.map((_, b) => batch.lengths.slice(0, b).reduce((x, y) => x + y, 0)),
  };
  const feeds = new Map<string, HostTensor>();
  const weights = new Map<string, HostTensor>();
  for (const p of fn.params) {
    const type = must(fn.values.get(p.id), p.name).type;
    const declared = compiled.parameters.find((d) => d.name === p.name);
    const shape = concreteShape(type.shape, bindings);
    if (declared?.source?.artifact === 'backbone')
      weights.set(p.name, host(type, shape, checkpoint.readFloat32(declared.source.tensor)));
    else if (declared?.source) weights.set(p.name, host(type, shape, tensorFor(p.name, given).data));
    else if (p.role === 'trainable') feeds.set(p.name, host(type, shape, tensorFor(p.name, given).data));
    else feeds.set(p.name, host(type, shape, data[p.name] ?? [0]));
  }
  return { feeds, weights };
}

/** The oracle's side: random tensors without zeros under canonical names, and what it makes of them. */
export async function askOracle(
  oracle: Oracle,
  c: ParityCase,
  folder: string,
  batch: Batch,
  dtype: 'float32' | 'float64',
) {
  const task = c.task ?? { kind: 'classification', classes: 3 };
  const slug = c.title.replaceAll(/\W+/g, '-');
  const tensors = join(oracle.folder, `${slug}.safetensors`);
  const out = join(oracle.folder, `${slug}-out.safetensors`);
  const model = {
    folder,
    task: task.kind,
    labels: task.kind === 'regression' ? 1 : task.classes,
    methods: c.methods,
    dtype,
  };
  await oracle.request('initial', { ...model, seed: 11, out: tensors });
  const T = Math.max(...batch.lengths);
  const padded = batch.ids.map((row) => [...row, ...Array.from({ length: T - row.length }, () => 0)]);
  const answer = await oracle.request<{ loss: number; engine: string }>('model_run', {
    ...model,
    tensors,
    batch: { ids: padded, lengths: batch.lengths, labels: batch.labels },
    want: ['logits', 'loss', 'gradients'],
    out,
  });
  return { given: readTensors(tensors), loss: answer.loss, engine: answer.engine, results: readTensors(out) };
}

/**
 * The largest violation of `max|a-b| <= 1e-3 * max(max|b|, 1e-4 * the model's largest gradient entry)` over all tensors,
 * as a multiple of the tolerance, with the tensor's name.
 */
export function worstGradient(
  ours: ReadonlyMap<string, HostTensor>,
  theirs: (path: string) => TestTensor,
): { readonly name: string; readonly ratio: number } {
  const pairs = [...ours].map(([name, a]) => ({ name, a, b: theirs(name) }));
  const largest = Math.max(...pairs.map(({ b }) => maxAbs(b.data)));
  let worst = { name: '', ratio: 0 };
  for (const { name, a, b } of pairs) {
    if (a.data.length !== b.data.length) throw new Error(`${name}: ${a.data.length} numbers against ${b.data.length}`);
    let difference = 0;
    b.data.forEach((x, i) => (difference = Math.max(difference, Math.abs(x - (a.data[i] as number)))));
    const ratio = difference / (1e-3 * Math.max(maxAbs(b.data), 1e-4 * largest));
    if (!(ratio <= worst.ratio)) worst = { name, ratio };
  }
  return worst;
}

export const maxAbs = (xs: ArrayLike<number>): number => Array.from(xs).reduce((m, x) => Math.max(m, Math.abs(x)), 0);
