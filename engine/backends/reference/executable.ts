/** The oracle behind the interface of a backend: float64 inside, the declared types outside. For tests; never a device. */
import { BugError, must } from '../../base/errors.ts';
import type { Fn, Program } from '../../ir/program.ts';
import type { NDArray } from '../../ops/rule.ts';
import type { Executable, HostData, HostTensor } from '../executable.ts';
import { interpret } from './interpret.ts';

/** Makes a flat Program runnable; `weights` holds the frozen tensors that it names. */
export function compileReference(program: Program, weights: ReadonlyMap<string, HostTensor>): Executable {
  const fn = must(program.functions.get(program.entry), 'the entry exists');
  const bound = new Map<string, NDArray>();
  for (const p of fn.params) {
    const weight = p.role === 'weight' ? must(weights.get(p.name), `weight "${p.name}" is given`) : undefined;
    if (weight) bound.set(p.name, toArray(weight));
  }
  return {
    run: async (feeds, into) => {
      const results = runOnce(fn, bound, feeds);
      return into ? writeInto(results, into) : results;
    },
    dispose: async () => {
      bound.clear();
    },
  };
}

function runOnce(
  fn: Fn,
  bound: ReadonlyMap<string, NDArray>,
  feeds: ReadonlyMap<string, HostTensor>,
): ReadonlyMap<string, HostTensor> {
  const all = new Map(bound);
  for (const [name, tensor] of feeds) all.set(name, toArray(tensor));
  return new Map([...interpret(fn, all)].map(([name, value]) => [name, toHost(value)]));
}

/** Results that have a place of their own are copied there. */
function writeInto(
  results: ReadonlyMap<string, HostTensor>,
  into: ReadonlyMap<string, HostTensor>,
): ReadonlyMap<string, HostTensor> {
  const placed = new Map(results);
  for (const [name, target] of into) {
    target.data.set(must(results.get(name), `the Program gives "${name}"`).data);
    placed.set(name, target);
  }
  return placed;
}

const toArray = ({ dtype, shape, data }: HostTensor): NDArray => ({ dtype, shape, data: Float64Array.from(data) });

const toHost = ({ dtype, shape, data }: NDArray): HostTensor => ({ dtype, shape, data: hostData(dtype, data) });

function hostData(dtype: NDArray['dtype'], data: Float64Array): HostData {
  switch (dtype) {
    case 'f32':
      return Float32Array.from(data);
    case 'i32':
      return Int32Array.from(data);
    case 'u32':
      return Uint32Array.from(data);
    case 'bool':
      return Uint8Array.from(data);
    case 'f16':
    case 'bf16':
      throw new BugError(`the oracle gives no ${dtype} results: a Program casts them to f32`);
  }
}
