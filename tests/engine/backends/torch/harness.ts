/**
 * Runs a compiled model on the reference and its exported code in Python on the same random tensors. Weights go to Python by
 * checkpoint and adapter files, so that the exported name maps and loaders are part of what is compared.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { differentiate } from '../../../../engine/autodiff/gradient.ts';
import { exportTorch } from '../../../../engine/backends/torch/export.ts';
import { interpret } from '../../../../engine/backends/reference/interpret.ts';
import { must } from '../../../../engine/base/errors.ts';
import type { TorchSource } from '../../../../engine/backends/torch/source.ts';
import type { CompiledModel } from '../../../../engine/compile/model.ts';
import type { NDArray } from '../../../../engine/ops/rule.ts';
import { inlineProgram } from '../../../../engine/passes/inline.ts';
import { compileDocument, type TestDocument } from '../../../support/documents.ts';
import { oraclePython } from '../../../support/oracle.ts';
import {
  maxAbs,
  parityError,
  readTensors,
  writeTensors,
  type TensorToWrite,
  type TestTensor,
} from '../../../support/tensors.ts';
import { feedsFor } from '../../../support/tinyModels.ts';

export const RUNNER = fileURLToPath(new URL('run_exported.py', import.meta.url));

const INSPECTOR = fileURLToPath(new URL('inspect_source.py', import.meta.url));

const BATCH = { lengths: [5, 3, 4], length: 5 };

/** What the Program says: logits, the mean loss, and the gradient of every trainable parameter. */
export interface Expected {
  readonly logits: NDArray;
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, NDArray>;
  readonly feeds: ReadonlyMap<string, NDArray>;
}

/** Random weights, trained parameters and a batch for a document, by the names of the entry. */
export function givenTensors({ document, task, registry }: TestDocument): Map<string, NDArray> {
  const compiled = compileDocument(document, false, registry);
  const feeds = feedsFor(compiled.program, BATCH, 3, task);
  for (const [name, feed] of feeds) if (name.startsWith('batch/')) feeds.set(name, fitted(name, feed, compiled));
  return feeds;
}

/** Runs the model without dropout on the reference. */
export function expected(test: TestDocument): Expected {
  const compiled = compileDocument(test.document, false, test.registry);
  const flat = inlineProgram(compiled.program);
  const feeds = givenTensors(test);
  const fn = must(flat.functions.get(flat.entry), 'entry');
  const forward = interpret(fn, feeds);
  let loss = 0;
  for (const { name, coefficient } of compiled.losses) {
    const part = (what: string): number => must(forward.get(`loss/${name}/${what}`)?.data[0], `${name} ${what}`);
    const scale = coefficient / part('weight');
    loss += part('sum') * scale;
    feeds.set(`scale/${name}`, { dtype: 'f32', shape: [], data: Float64Array.of(scale) });
  }
  const trainable = compiled.parameters.filter((p) => p.role === 'trainable');
  const { program } = differentiate(flat, { of: 'objective', wrt: trainable.map((p) => p.name) });
  const results = interpret(must(program.functions.get(program.entry), 'entry'), feeds);
  const gradients = new Map(trainable.map((p) => [p.path, must(results.get(`grad/${p.name}`), p.name)]));
  return { logits: must(results.get('output/logits'), 'logits'), loss, gradients, feeds };
}

/** RoBERTa has one type and counts positions from 2. */
function fitted(name: string, feed: NDArray, compiled: CompiledModel): NDArray {
  const rows = (table: string): number =>
    Number(compiled.parameters.find((p) => p.name.endsWith(table))?.type.shape[0] ?? 0);
  if (name === 'batch/typeIds' && rows('token_type_embeddings.weight') === 1)
    return { ...feed, data: feed.data.map(() => 0) };
  return name === 'batch/positions' && rows('token_type_embeddings.weight') === 1
    ? { ...feed, data: feed.data.map((x) => x + 2) }
    : feed;
}

export interface Case {
  readonly name: string;
  readonly folder: string;
  readonly request: Readonly<Record<string, unknown>>;
}

export const newFolder = (): string => mkdtempSync(join(tmpdir(), 'espalier-torch-'));

export interface CaseOptions {
  readonly dtype: 'float32' | 'float64';
  /** What the model is exported as; by default as it was compiled. Its parameters are those of `compiled`, in order. */
  readonly as?: (source: TorchSource) => TorchSource;
  /** Whether the trained parameters are loaded; they are by default. */
  readonly adapter?: boolean;
}

/** Writes code, weights and batch of one document into a folder of its own. */
export function writeCase(
  test: TestDocument,
  want: Pick<Expected, 'feeds'>,
  parent: string,
  options: CaseOptions,
): Case {
  const folder = join(parent, test.name);
  mkdirSync(folder, { recursive: true });
  const compiled = compileDocument(test.document, true, test.registry);
  const source = options.as?.(compiled) ?? compiled;
  const first = test.name === 'roberta' ? { firstPosition: 2 } : {};
  const [file] = exportTorch(source, folder, first);
  const artifacts = new Map<string, Map<string, TensorToWrite>>([['backbone', new Map()]]);
  const adapter = new Map<string, TensorToWrite>();
  compiled.parameters.forEach((p, i) => {
    const feed = want.feeds.get(p.name);
    const named = must(source.parameters[i], p.name);
    if (!feed) return;
    if (named.source) {
      const tensors = artifacts.get(named.source.artifact) ?? new Map<string, TensorToWrite>();
      artifacts.set(named.source.artifact, tensors.set(named.source.tensor, feed32(feed)));
    } else if (p.role === 'trainable') adapter.set(named.path, feed32(feed));
  });
  const path = (name: string): string => join(folder, `${name}.safetensors`);
  const numbered = [...artifacts].map(([name, tensors], i) => [name, path(`artifact${i}`), tensors] as const);
  for (const [, to, tensors] of numbered) writeTensors(to, tensors);
  writeTensors(path('adapter'), adapter);
  writeTensors(path('inputs'), inputsOf(want.feeds));
  const sources = Object.fromEntries(numbered.slice(1).map(([name, to]) => [name, to]));
  const loads = options.adapter === false ? {} : { adapter: path('adapter') };
  const request = {
    file,
    checkpoint: path('artifact0'),
    sources,
    ...loads,
    inputs: path('inputs'),
    out: path('out'),
    dtype: options.dtype,
  };
  return { name: test.name, folder, request };
}

const feed32 = (x: NDArray): TensorToWrite => ({ shape: x.shape, data: x.data });

/** The batch as a tokenizer gives it to PyTorch; positions are left to their default. */
function inputsOf(feeds: ReadonlyMap<string, NDArray>): Map<string, TensorToWrite> {
  const feed = (name: string): NDArray => must(feeds.get(`batch/${name}`), name);
  const ids = feed('ids');
  const [batch, length] = ids.shape as readonly [number, number];
  const mask = Float64Array.from({ length: batch * length }, (_, i) =>
    i % length < (feed('lengths').data[Math.floor(i / length)] as number) ? 1 : 0,
  );
  const integers = (data: Float64Array, shape = ids.shape): TensorToWrite => ({ shape, data, dtype: 'I64' });
  const labels = feed('labels');
  return new Map<string, TensorToWrite>([
    ['input_ids', integers(ids.data)],
    ['attention_mask', integers(mask)],
    ['token_type_ids', integers(feed('typeIds').data)],
    [
      'labels',
      labels.dtype === 'i32' ? integers(labels.data, labels.shape) : { shape: labels.shape, data: labels.data },
    ],
  ]);
}

export interface Ran {
  readonly out: string;
  readonly parameters: number;
  readonly trainable: number;
  /** Parameters that are frozen and should not be, or the other way round. */
  readonly wrong: readonly string[];
  /** Whether the model without labels gives the same logits and no loss. */
  readonly unlabelled: boolean;
  /** Whether two runs in training differ from each other and from evaluation. */
  readonly drops: boolean;
}

/** Runs all cases in one Python process. */
export function runCases(cases: readonly Pick<Case, 'request'>[]): readonly Ran[] {
  const done = spawnSync(oraclePython(), ['-W', 'error', RUNNER], {
    input: JSON.stringify(cases.map((c) => c.request)),
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
  if (done.status !== 0) throw new Error(done.stderr.slice(-4000));
  return JSON.parse(done.stdout) as readonly Ran[];
}

/** What `inspect_source.py` says of a file. */
export interface Inspected {
  readonly duplicates: readonly (readonly [string, string])[];
  readonly statements: number;
  readonly lines: number;
  readonly tree: string;
  readonly names: readonly string[];
  readonly nodes: readonly string[];
  readonly classes: readonly string[];
}

export function inspectFiles(files: readonly string[]): readonly Inspected[] {
  const done = spawnSync(oraclePython(), [INSPECTOR], {
    input: JSON.stringify({ files }),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (done.status !== 0) throw new Error(done.stderr.slice(-4000));
  return JSON.parse(done.stdout) as readonly Inspected[];
}

export interface Distances {
  readonly logits: number;
  readonly loss: number;
  /** The worst gradient by the parity rule of the project, and whose it is. */
  readonly gradient: number;
  readonly worst: string;
  readonly names: readonly string[];
}

export function compare(want: Expected, out: string): Distances {
  const got = readTensors(out);
  const tensor = (x: NDArray): TestTensor => ({ shape: x.shape, data: x.data });
  const largest = Math.max(...[...want.gradients.values()].map((g) => maxAbs(tensor(g))));
  let gradient = 0;
  let worst = '';
  for (const [name, wanted] of want.gradients) {
    const error = parityError(must(got.get(`gradient/${name}`), `gradient of ${name}`), tensor(wanted), largest);
    if (error > gradient) [gradient, worst] = [error, name];
  }
  return {
    logits: compareLogits(want, out),
    loss: Math.abs(must(got.get('loss')?.data[0], 'loss') - want.loss) / Math.abs(want.loss),
    gradient,
    worst,
    names: [...got.keys()].filter((n) => n.startsWith('gradient/')).map((n) => n.slice('gradient/'.length)),
  };
}

/** The distance of the logits that a run has written, relative to the largest. */
export function compareLogits(want: Expected, out: string): number {
  const real = realRows(want);
  const logits = real({ shape: want.logits.shape, data: want.logits.data });
  return parityError(real(must(readTensors(out).get('logits'), 'logits')), logits, maxAbs(logits));
}

/** Logits without those of the padding, which are unspecified. */
function realRows(want: Expected): (x: TestTensor) => TestTensor {
  const lengths = must(want.feeds.get('batch/lengths'), 'lengths').data;
  return (x) => {
    const [, length, classes] = x.shape;
    if (length === undefined || classes === undefined) return x;
    const isReal = (i: number): boolean =>
      Math.floor(i / classes) % length < (lengths[Math.floor(i / classes / length)] as number);
    const data = x.data.filter((_, i) => isReal(i));
    return { shape: [data.length], data };
  };
}
