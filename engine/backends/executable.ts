/** What every backend gives: a flat Program made runnable. Shared leaf of the backends; it knows none of them. */
import type { DType } from '../ir/types.ts';

/** Host array in row-major order. f32 as Float32Array, i32 as Int32Array, u32 as Uint32Array, bool as Uint8Array. */
export type HostData = Float32Array | Int32Array | Uint32Array | Uint8Array;

export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: HostData;
}

export interface Executable {
  /**
   * Runs once. `feeds` holds every input, trainable and state by name; weights were bound when compiled. Results named in
   * `into` are written to the arrays given there, the others to new ones. Feeds must stay as they are until the run ends.
   */
  run(
    feeds: ReadonlyMap<string, HostTensor>,
    into?: ReadonlyMap<string, HostTensor>,
  ): Promise<ReadonlyMap<string, HostTensor>>;
  dispose(): Promise<void>;
}

/** Gives a frozen weight's bytes: from a file at an offset (mapped), or from memory. */
export type WeightSource =
  | { readonly kind: 'memory'; readonly tensor: HostTensor }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly offset: number;
      readonly length: number;
      readonly shape: readonly number[];
      readonly dtype: DType;
    };
