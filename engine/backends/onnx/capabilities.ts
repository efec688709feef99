/** What the onnx backend can run, why not, how it stores values, and how fast this machine is at it. */
import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-node';
import { must } from '../../base/errors.ts';
import { add, matmul } from '../../ir/build.ts';
import type { OpName } from '../../ir/opAttrs.ts';
import { FP32, type Instr, type Program } from '../../ir/program.ts';
import { tensorType, type DType } from '../../ir/types.ts';
import type { Storage } from '../../passes/liveness.ts';
import { FnBuilder } from '../../tracing/builder.ts';
import type { HostTensor } from '../executable.ts';
import { compileOnnx } from './compile.ts';

export interface OnnxCapabilities {
  readonly backend: 'onnx';
  readonly device: 'cpu';
  /** Library, version and processor architecture: what a resumed run must find again, with the number of threads. */
  readonly identity: string;
  /** Threads that a session may use with profit. */
  readonly threads: number;
  readonly dtypes: readonly DType[];
}

const DTYPES: readonly DType[] = ['f32', 'i32', 'u32', 'bool'];

export const onnxCapabilities = (): OnnxCapabilities => ({
  backend: 'onnx',
  device: 'cpu',
  identity: `onnx:cpu, ONNX Runtime ${ort.env.versions.node ?? ort.env.versions.common}, ${process.arch}`,
  threads: availableParallelism(),
  dtypes: DTYPES,
});

/** Why a flat Program can't run here, in words; empty when it can. */
export function refusals(program: Program): readonly string[] {
  const fn = must(program.functions.get(program.entry), 'the entry exists');
  const reasons = new Set<string>();
  if (program.policy.compute !== 'f32')
    reasons.add(`it computes in ${program.policy.compute}; this device computes in f32`);
  for (const instr of fn.body) {
    if (instr.kind !== 'op') reasons.add(`it holds a ${instr.kind} that was not inlined`);
    for (const id of instr.outputs) {
      const { dtype } = must(fn.values.get(id), `%${id}`).type;
      if (!DTYPES.includes(dtype)) reasons.add(`a value of ${dtype}; this device takes ${DTYPES.join(', ')}`);
    }
  }
  return [...reasons];
}

const NEVER_STORED: ReadonlySet<OpName> = new Set(['constant', 'dimension']);
const VIEWS: ReadonlySet<OpName> = new Set(['reshape', 'broadcastTo', 'barrier', 'stopGradient']);

/** How a value is stored, for the prediction of peak memory: constants and repeated values never are, views share. */
export function storage(instr: Instr): Storage {
  if (instr.kind !== 'op') return 'own';
  return NEVER_STORED.has(instr.op) ? 'none' : VIEWS.has(instr.op) ? 'shared' : 'own';
}

export interface Probe {
  /** Rate of matrix products at the sizes of a small encoder, in GFLOP/s. */
  readonly gflops: number;
  /** Rate of an elementwise pass over an array larger than the caches, in GB/s read and written. */
  readonly gigabytesPerSecond: number;
  /** From Program to a session that can run. */
  readonly compileSeconds: number;
}

const [ROWS, INNER, OUTER] = [512, 384, 1536];
const REPEATS = 5;

/** Measures the device for some tens of milliseconds; takes the best of a few runs, since the machine may be shared. */
export async function probe(options: { readonly workFolder: string; readonly threads: number }): Promise<Probe> {
  const x = { dtype: 'f32', shape: [ROWS, INNER], data: new Float32Array(ROWS * INNER).fill(0.5) } as const;
  const w = { dtype: 'f32', shape: [OUTER, INNER], data: new Float32Array(OUTER * INNER).fill(0.5) } as const;
  const product = await timed(options, [x, w], ([a, b]) => matmul(must(a, 'x'), must(b, 'w'), { transposeB: true }));
  const large = { dtype: 'f32', shape: [2048, 2048], data: new Float32Array(2048 * 2048) } as const;
  const pass = await timed(options, [large, large], ([a, b]) => add(must(a, 'x'), must(b, 'y')));
  const bytes = 3 * large.data.byteLength;
  return {
    gflops: (2 * ROWS * INNER * OUTER) / product.seconds / 1e9,
    gigabytesPerSecond: bytes / pass.seconds / 1e9,
    compileSeconds: product.compileSeconds,
  };
}

type Builder = (inputs: readonly ReturnType<FnBuilder['tensor']>[]) => ReturnType<FnBuilder['tensor']>;

async function timed(
  options: { readonly workFolder: string; readonly threads: number },
  inputs: readonly HostTensor[],
  build: Builder,
): Promise<{ seconds: number; compileSeconds: number }> {
  const builder = new FnBuilder();
  const params = inputs.map((x, i) => builder.param(`x${i}`, 'input', tensorType(x.dtype, x.shape)));
  const fn = builder.finish('probe', [{ name: 'y', value: build(params) }]);
  const program: Program = { symbols: [], functions: new Map([[fn.name, fn]]), entry: fn.name, policy: FP32 };
  const start = performance.now();
  const executable = await compileOnnx(program, { ...options, weights: new Map() });
  const compileSeconds = (performance.now() - start) / 1000;
  try {
    const feeds = new Map(inputs.map((x, i) => [`x${i}`, x]));
    const first = await executable.run(feeds);
    let seconds = Infinity;
    for (let i = 0; i < REPEATS; i++) {
      const begin = performance.now();
      await executable.run(feeds, first);
      seconds = Math.min(seconds, (performance.now() - begin) / 1000);
    }
    return { seconds, compileSeconds };
  } finally {
    await executable.dispose();
  }
}
