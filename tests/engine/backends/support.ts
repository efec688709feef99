/** Runs of the onnx backend beside the reference, on the same f32 inputs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Executable, HostTensor } from '../../../engine/backends/executable.ts';
import { compileOnnx, type OnnxOptions } from '../../../engine/backends/onnx/compile.ts';
import type { Program } from '../../../engine/ir/program.ts';
import type { DType } from '../../../engine/ir/types.ts';
import type { NDArray } from '../../../engine/ops/rule.ts';
import type { Feeds } from '../../support/gradients.ts';

/** A folder that is gone when `use` ends. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-onnx-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function withExecutable<T>(
  program: Program,
  options: Partial<OnnxOptions>,
  use: (executable: Executable, folder: string) => Promise<T>,
): Promise<T> {
  return withFolder(async (workFolder) => {
    const executable = await compileOnnx(program, { weights: new Map(), workFolder, threads: 1, ...options });
    try {
      return await use(executable, workFolder);
    } finally {
      await executable.dispose();
    }
  });
}

const ARRAYS = { f32: Float32Array, i32: Int32Array, u32: Uint32Array, bool: Uint8Array } as const;

export function toHost(x: NDArray): HostTensor {
  const make = ARRAYS[x.dtype as keyof typeof ARRAYS];
  return { dtype: x.dtype, shape: x.shape, data: make.from(x.data) };
}

export const fromHost = (x: HostTensor): NDArray => ({
  dtype: x.dtype,
  shape: x.shape,
  data: Float64Array.from(x.data),
});

/** Inputs as f32 holds them, so that both backends begin with the same numbers. */
export const rounded = (feeds: Feeds): Feeds =>
  new Map([...feeds].map(([name, x]) => [name, isFloat(x.dtype) ? { ...x, data: x.data.map(Math.fround) } : x]));

const isFloat = (dtype: DType): boolean => dtype === 'f32';

export async function runOnnx(executable: Executable, feeds: Feeds): Promise<Feeds> {
  const results = await executable.run(new Map([...feeds].map(([name, x]) => [name, toHost(x)])));
  return new Map([...results].map(([name, x]) => [name, fromHost(x)]));
}
