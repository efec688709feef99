/** The settings of an ONNX Runtime session, each with the reason that was measured, and the conversion of host tensors. */
import * as ort from 'onnxruntime-node';
import { BugError } from '../../base/errors.ts';
import type { DType } from '../../ir/types.ts';
import type { HostData, HostTensor } from '../executable.ts';

export interface SessionSettings {
  readonly threads: number;
  /** Writes a profile of every node to a file that begins with this path. */
  readonly profilePrefix?: string;
}

export function sessionOptions(settings: SessionSettings): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: ['cpu'],
    intraOpNumThreads: settings.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    // The Program is optimised already; the runtime's own passes found nothing more (same time at every level).
    graphOptimizationLevel: 'disabled',
    // Measured on a LoRA step of MiniLM, 743 tokens: patterns reserve memory for every size ever seen (peak 431 MiB against
    // 345); without the arena every tensor is mapped and unmapped (twice the time, peak 3.8 GiB).
    enableMemPattern: false,
    enableCpuMemArena: true,
    // Warnings about shapes that it can't infer are no news: the verifier has checked them.
    logSeverityLevel: 3,
    // Prepacking copies frozen weights that are otherwise mapped from their file.
    extra: { session: { disable_prepacking: '1' } },
    ...(settings.profilePrefix === undefined
      ? {}
      : { enableProfiling: true, profileFilePrefix: settings.profilePrefix }),
  };
}

/** A host tensor as the runtime's, without a copy. */
export function toOrt(x: HostTensor, name: string): ort.Tensor {
  const { data, shape, dtype } = x;
  if (dtype === 'f32' && data instanceof Float32Array) return new ort.Tensor('float32', data, shape);
  if (dtype === 'i32' && data instanceof Int32Array) return new ort.Tensor('int32', data, shape);
  if (dtype === 'u32' && data instanceof Uint32Array) return new ort.Tensor('uint32', data, shape);
  if (dtype === 'bool' && data instanceof Uint8Array) return new ort.Tensor('bool', data, shape);
  throw new BugError(`"${name}" of ${dtype} is given as a ${data.constructor.name}`);
}

const DTYPE_OF: Readonly<Record<string, DType>> = { float32: 'f32', int32: 'i32', uint32: 'u32', bool: 'bool' };

/** The runtime's tensor as a host tensor, without a copy. */
export function fromOrt(x: ort.Tensor, name: string): HostTensor {
  const dtype = DTYPE_OF[x.type];
  if (dtype === undefined) throw new BugError(`result "${name}" came back as ${x.type}`);
  return { dtype, shape: x.dims, data: x.data as HostData };
}
