/** Numerical differentiation of flat programs on the reference backend, in float64. */
import { interpret } from '../../engine/backends/reference/interpret.ts';
import { add, mul, sum } from '../../engine/ir/build.ts';
import { FP32, type Fn, type Program } from '../../engine/ir/program.ts';
import type { Tensor } from '../../engine/ir/tensor.ts';
import type { NDArray } from '../../engine/ops/rule.ts';
import { FnBuilder } from '../../engine/tracing/builder.ts';
import { nudged } from './arrays.ts';

export type Feeds = ReadonlyMap<string, NDArray>;

export const programOf = (...fns: readonly [Fn, ...Fn[]]): Program => ({
  symbols: [],
  functions: new Map(fns.map((fn) => [fn.name, fn])),
  entry: fns[0].name,
  policy: FP32,
});

export const entryOf = (program: Program): Fn => program.functions.get(program.entry) as Fn;

export const runProgram = (program: Program, feeds: Feeds): Feeds => interpret(entryOf(program), feeds);

export const scalarOf = (results: Feeds, name: string): number => (results.get(name) as NDArray).data[0] as number;

/** Sum over all elements of x * weights, as a scalar. */
export function innerProduct(pairs: readonly (readonly [Tensor, Tensor])[]): Tensor {
  const terms = pairs.map(([x, w]) => {
    const product = mul(x, w);
    const rank = product.type.shape.length;
    return rank === 0
      ? product
      : sum(
          product,
          Array.from({ length: rank }, (_, i) => i - rank),
        );
  });
  return terms.reduce((a, b) => add(a, b));
}

/** Adds a scalar result to the entry: the inner product of the named results with new inputs `NAME/direction`. */
export function withInnerProduct(program: Program, name: string, results: readonly string[]): Program {
  const fn = entryOf(program);
  const builder = FnBuilder.continuing(fn);
  const found = results.map((r) => builder.tensor(fn.results.find((x) => x.name === r)!.id));
  const pairs = found.map((x, i) => [x, builder.param(`${results[i]}/direction`, 'input', x.type)] as const);
  const value = innerProduct(pairs);
  const kept = fn.results.map((r) => ({ name: r.name, value: builder.tensor(r.id) }));
  const next = builder.finish(fn.name, [...kept, { name, value }], fn.origin);
  return { ...program, functions: new Map([...program.functions, [fn.name, next]]) };
}

/** Central differences of the scalar result `of` in the parameter `wrt`. The error is about step^2. */
export function finiteDifferences(program: Program, feeds: Feeds, of: string, wrt: string, step = 1e-4): NDArray {
  const x = feeds.get(wrt) as NDArray;
  const at = (i: number, h: number): number =>
    scalarOf(runProgram(program, new Map([...feeds, [wrt, nudged(x, i, h)]])), of);
  // Richardson: (4 D(h) - D(2h)) / 3 has an error of h^4.
  const data = x.data.map((_, i) => {
    const near = (at(i, step) - at(i, -step)) / (2 * step);
    const far = (at(i, 2 * step) - at(i, -2 * step)) / (4 * step);
    return (4 * near - far) / 3;
  });
  return { ...x, data };
}
