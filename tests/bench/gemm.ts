/**
 * The limit that matrix products set: how fast ONNX Runtime multiplies matrices of the model's sizes when it does nothing
 * else, and how many FLOPs of products the compiled Program has.
 */
import { compileOnnx } from '../../engine/backends/onnx/compile.ts';
import type { Executable, HostTensor, WeightSource } from '../../engine/backends/executable.ts';
import { must } from '../../engine/base/errors.ts';
import { matmul, slice } from '../../engine/ir/build.ts';
import { evaluateDim, symbol, type SymbolBindings } from '../../engine/ir/dim.ts';
import { FP32, type Program, type ValueId } from '../../engine/ir/program.ts';
import type { OpName } from '../../engine/ir/opAttrs.ts';
import { tensorType, type ValueType } from '../../engine/ir/types.ts';
import { ruleOf } from '../../engine/ops/table.ts';
import { FnBuilder } from '../../engine/tracing/builder.ts';

/** Products of activations with weights or with each other; the two products inside `attention` are counted by its rule. */
const PRODUCTS: ReadonlySet<OpName> = new Set(['matmul', 'attention']);

/** FLOPs of all matrix products of a flat Program. */
export function productFlops(program: Program, sizes: SymbolBindings): number {
  const fn = must(program.functions.get(program.entry), 'the entry exists');
  const types = (ids: readonly ValueId[]): ValueType[] => ids.map((id) => must(fn.values.get(id), `%${id}`).type);
  return fn.body.reduce((total, instr) => {
    if (instr.kind !== 'op' || !PRODUCTS.has(instr.op)) return total;
    const flops = ruleOf(instr.op).flops(instr.attrs, types(instr.inputs), types(instr.outputs));
    return total + evaluateDim(flops, sizes);
  }, 0);
}

export interface GemmProbe {
  /** FLOPs a second of one run. */
  measure(): Promise<number>;
  dispose(): Promise<void>;
}

const PAIRS = 6;

/** A chain of the products of the feed-forward layers, `[rows, width] x [width, inner] x [inner, width]`, and nothing else. */
export async function gemmProbe(
  rows: number,
  width: number,
  inner: number,
  workFolder: string,
  threads: number,
): Promise<GemmProbe> {
  const builder = new FnBuilder();
  const n = symbol('N');
  const start = builder.param('x', 'input', tensorType('f32', [n, width]));
  const up = builder.param('up', 'weight', tensorType('f32', [inner, width]));
  const down = builder.param('down', 'weight', tensorType('f32', [width, inner]));
  let x = start;
  for (let i = 0; i < PAIRS; i++) x = matmul(matmul(x, up, { transposeB: true }), down, { transposeB: true });
  const fn = builder.finish('gemm', [{ name: 'y', value: slice(x, -2, 0, 1) }]);
  const program: Program = {
    symbols: [{ name: String(n), min: 1, max: 2 ** 24 }],
    functions: new Map([[fn.name, fn]]),
    entry: fn.name,
    policy: FP32,
  };
  const filled = (shape: readonly number[]): HostTensor => ({
    dtype: 'f32',
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)).map((_, i) => ((i % 13) - 6) / 200),
  });
  const weights = new Map<string, WeightSource>([
    ['up', { kind: 'memory', tensor: filled([inner, width]) }],
    ['down', { kind: 'memory', tensor: filled([width, inner]) }],
  ]);
  const executable: Executable = await compileOnnx(program, { weights, workFolder, threads });
  const feeds = new Map([['x', filled([rows, width])]]);
  await executable.run(feeds);
  const flops = 2 * 2 * rows * width * inner * PAIRS;
  return {
    measure: async () => {
      const from = performance.now();
      await executable.run(feeds);
      return flops / ((performance.now() - from) / 1000);
    },
    dispose: () => executable.dispose(),
  };
}
