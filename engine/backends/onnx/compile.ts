/**
 * `compileOnnx`: a flat Program to a session of ONNX Runtime on the CPU.
 *
 *   prepare (decompose, merge, drop) -> lower (fuse while lowering) -> write model, link weights -> session -> run
 *
 * Each compilation has a folder of its own in the work folder, which `dispose` removes.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';
import { BugError, must } from '../../base/errors.ts';
import type { SymbolBindings, SymbolDecl } from '../../ir/dim.ts';
import type { Program } from '../../ir/program.ts';
import { printType } from '../../ir/types.ts';
import { bindSymbols } from '../bindings.ts';
import type { Executable, HostTensor, WeightSource } from '../executable.ts';
import { evaluateOnHost } from './hostValues.ts';
import { lowerProgram, type LoweredProgram } from './lower.ts';
import { NoiseMaker } from './noise.ts';
import { encodeModel } from './proto.ts';
import { fromOrt, sessionOptions, toOrt } from './session.ts';
import { bindWeights } from './weights.ts';

export interface OnnxOptions {
  /** The bytes of every parameter of role `weight`. */
  readonly weights: ReadonlyMap<string, WeightSource>;
  /** An existing folder, best on the device of the checkpoint: weights are then linked, not copied. */
  readonly workFolder: string;
  /** Threads within an op. Bits are repeatable for one number of threads: small products are split otherwise by another. */
  readonly threads: number;
  /** Writes a profile of every node, when disposed, to a file that begins with this path. */
  readonly profilePrefix?: string;
}

/** @throws BugError when the Program isn't flat, a weight has no fitting source, or an op has no lowering. */
export async function compileOnnx(program: Program, options: OnnxOptions): Promise<Executable> {
  const lowered = lowerProgram(program);
  const folder = mkdtempSync(join(options.workFolder, 'onnx-'));
  try {
    const initializers = [...lowered.graph.initializers, ...bindWeights(lowered.weights, options.weights, folder)];
    const path = join(folder, 'model.onnx');
    writeFileSync(path, encodeModel({ ...lowered.graph, initializers }));
    const session = await ort.InferenceSession.create(path, sessionOptions(options));
    return new OnnxExecutable(program, lowered, session, folder);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error instanceof BugError ? error : new BugError(`onnx: ${String(error)}`, { cause: error });
  }
}

class OnnxExecutable implements Executable {
  readonly #symbols: readonly SymbolDecl[];
  readonly #lowered: LoweredProgram;
  readonly #session: ort.InferenceSession;
  readonly #folder: string;
  readonly #noise: NoiseMaker;
  /** Runs wait for each other: host-made inputs are written into buffers that every run uses again. */
  #last: Promise<unknown> = Promise.resolve();
  #disposed = false;

  constructor(program: Program, lowered: LoweredProgram, session: ort.InferenceSession, folder: string) {
    this.#symbols = program.symbols;
    this.#lowered = lowered;
    this.#session = session;
    this.#folder = folder;
    this.#noise = new NoiseMaker(lowered.noise);
  }

  run(
    feeds: ReadonlyMap<string, HostTensor>,
    into?: ReadonlyMap<string, HostTensor>,
  ): Promise<ReadonlyMap<string, HostTensor>> {
    const next = this.#last.then(() => this.#run(feeds, into));
    this.#last = next.catch(() => undefined);
    return next;
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#last;
    await this.#session.release();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #run(
    feeds: ReadonlyMap<string, HostTensor>,
    into: ReadonlyMap<string, HostTensor> | undefined,
  ): Promise<ReadonlyMap<string, HostTensor>> {
    if (this.#disposed) throw new BugError('onnx: run after dispose');
    const { feeds: params, results, hostInputs, hostProgram } = this.#lowered;
    const given: Record<string, ort.Tensor> = {};
    for (const p of params) {
      const x = must(feeds.get(p.name), `the input "${p.name}" is given`);
      if (x.dtype !== p.type.dtype) throw new BugError(`"${p.name}" is ${printType(p.type)}, got ${x.dtype}`);
      if (p.onnx !== undefined) given[p.onnx] = toOrt(x, p.name);
    }
    const bindings = bindSymbols(params.map((p) => [p.name, p.type.shape, (feeds.get(p.name) as HostTensor).shape]));
    this.#checkBounds(bindings);
    const values = evaluateOnHost(hostProgram, feeds, bindings);
    const context = { bindings, value: (id: Parameters<typeof values.get>[0]) => must(values.get(id), `%${id}`) };
    for (const [name, make] of hostInputs) given[name] = make(context);
    for (const [name, tensor] of this.#noise.make(context)) given[name] = tensor;
    const fetches: Record<string, ort.Tensor | null> = {};
    for (const r of results) {
      const place = into?.get(r.name);
      fetches[r.onnx] = place ? toOrt(place, r.name) : null;
    }
    const outputs = await this.#session.run(given, fetches).catch((error: unknown) => {
      throw new BugError(`onnx: ${String(error)}`, { cause: error });
    });
    discardCopies(results.flatMap((r) => (into?.has(r.name) ? must(outputs[r.onnx], r.name) : [])));
    return new Map(results.map((r) => [r.name, into?.get(r.name) ?? fromOrt(must(outputs[r.onnx], r.name), r.name)]));
  }

  #checkBounds(bindings: SymbolBindings): void {
    for (const s of this.#symbols) {
      const value = bindings.get(s.name);
      if (value !== undefined && (value < s.min || value > s.max)) {
        throw new BugError(`symbol ${s.name} is ${value}, must be within ${s.min}..${s.max}`);
      }
    }
  }
}

/** Copies below this size are left to the garbage collector. */
const LARGE_BYTES = 2 ** 20;

/**
 * The binding of ONNX Runtime copies also the results that were written to the caller's arrays. Large copies are given back
 * at once, by moving them into a message that nobody receives: else they pile up until the next garbage collection.
 */
function discardCopies(tensors: readonly ort.Tensor[]): void {
  const buffers = tensors.flatMap((x) => {
    const { buffer } = x.data as Float32Array<ArrayBuffer>;
    return buffer.byteLength >= LARGE_BYTES ? [buffer] : [];
  });
  if (buffers.length === 0) return;
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(null, buffers);
  port1.close();
  port2.close();
}
