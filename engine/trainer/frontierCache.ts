/**
 * Values of frozen layers, computed once per example and reused in later epochs (design 1.2, frontier). The prefix Program
 * is run over the examples before the first step, in batches that depend on the data alone; so a resumed run, which begins
 * with an empty cache, computes the same bits. Examples beyond the byte budget are computed whenever they are needed.
 *
 * Values are kept without padding: of an example of n tokens, the part of each array that it has at T = n.
 */
import { BugError, must } from '../base/errors.ts';
import type { HostData, HostTensor } from '../backends/executable.ts';
import type { Batch } from '../data/batches.ts';
import { evaluateDim } from '../ir/dim.ts';
import type { Program } from '../ir/program.ts';
import { BYTES_PER_ELEMENT, type DType } from '../ir/types.ts';
import type { CachedValue } from '../passes/frontier.ts';
import { collateExamples, exampleLengths, sortedBatches, splitBatch, type ExampleSet } from './examples.ts';
import { batchFeeds, type ExtraInputs } from './feeds.ts';
import type { Runnable } from './runnable.ts';
import { copyBox, countOf } from './boxes.ts';

/** A Program cut in two by the frontier pass: what `prefix` gives are inputs of `rest`. */
export interface FrontierPlan {
  readonly prefix: Program;
  readonly rest: Program;
  readonly cached: readonly CachedValue[];
}

/** Padded tokens that the prefix is run over at once. */
const FILL_TOKENS = 4096;
const FILL_EXAMPLES = 128;

/** Where an example's part of one value begins in the pool, and its shape. */
interface Kept {
  readonly offset: number;
  readonly shape: readonly number[];
}

interface Pool {
  readonly value: CachedValue;
  readonly data: HostData;
  readonly kept: ReadonlyMap<number, Kept>;
}

export class FrontierCache implements ExtraInputs {
  readonly names: ReadonlySet<string>;
  readonly #prefix: Runnable;
  readonly #set: ExampleSet;
  readonly #firstPosition: number;
  readonly #pools: readonly Pool[];
  /** The examples that the budget has room for. */
  readonly #inside: Int32Array;
  readonly bytes: number;

  constructor(
    cached: readonly CachedValue[],
    prefix: Runnable,
    set: ExampleSet,
    firstPosition: number,
    budgetBytes: number,
  ) {
    this.#prefix = prefix;
    this.#set = set;
    this.#firstPosition = firstPosition;
    const { inside, bytes } = chooseExamples(cached, set, budgetBytes);
    this.#inside = inside;
    this.bytes = bytes;
    this.names = new Set(cached.map((value) => value.name));
    this.#pools = cached.map((value) => makePool(value, set, inside));
  }

  /** Computes the values of all examples that there is room for. */
  async fill(progress: (done: number, of: number) => void): Promise<void> {
    let done = 0;
    const set = { ...this.#set, rows: this.#inside };
    for (const examples of sortedBatches(set, FILL_EXAMPLES)) {
      for (const part of splitBatch(set, examples, FILL_TOKENS)) {
        const batch = collateExamples(set, part);
        const results = await this.#run(batch);
        for (const { value, data, kept } of this.#pools) {
          const from = must(results.get(value.name), value.name);
          batch.examples.forEach((example, b) => {
            const { offset, shape } = must(kept.get(example), `room for example ${example}`);
            const place = placeOf(value, batch, b);
            copyBox(from.data, from.shape, place, data.subarray(offset), shape, zerosOf(shape), shape);
          });
        }
        done += batch.B;
        progress(done, this.#inside.length);
        // A backend may answer without giving way; a request to stop gets its turn here.
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    }
  }

  /** The cached values of a batch as inputs of the rest. */
  async feeds(batch: Batch): Promise<ReadonlyMap<string, HostTensor>> {
    const missing = this.#missing(batch);
    const fresh = missing && { batch: missing, results: await this.#run(missing) };
    return new Map(this.#pools.map((pool) => [pool.value.name, this.#assemble(pool, batch, fresh)]));
  }

  #missing(batch: Batch): Batch | undefined {
    const kept = this.#pools[0]?.kept;
    const outside = batch.examples.filter((e) => kept?.has(e) !== true);
    return outside.length === 0 ? undefined : collateExamples(this.#set, outside);
  }

  #assemble(
    { value, data, kept }: Pool,
    batch: Batch,
    fresh: { readonly batch: Batch; readonly results: ReadonlyMap<string, HostTensor> } | undefined,
  ): HostTensor {
    const shape = shapeIn(value, batch);
    const out = arrayOf(value.type.dtype, countOf(shape));
    let next = 0;
    batch.examples.forEach((example, b) => {
      const place = placeOf(value, batch, b);
      const known = kept.get(example);
      if (known) {
        copyBox(data.subarray(known.offset), known.shape, zerosOf(known.shape), out, shape, place, known.shape);
      } else {
        const { batch: other, results } = must(fresh, `example ${example} was computed`);
        const from = must(results.get(value.name), value.name);
        const own = ownShape(value, other.lengths[next] as number);
        copyBox(from.data, from.shape, placeOf(value, other, next), out, shape, place, own);
        next += 1;
      }
    });
    return { dtype: value.type.dtype, shape, data: out };
  }

  async #run(batch: Batch): Promise<ReadonlyMap<string, HostTensor>> {
    const { executable, inputs } = this.#prefix;
    return executable.run(batchFeeds(inputs, batch, { firstPosition: this.#firstPosition }));
  }
}

/** The shape that an example of `length` tokens has of a value on its own. */
const ownShape = (value: CachedValue, length: number): readonly number[] => {
  const sizes = new Map([
    ['B', 1],
    ['T', length],
    ['N', length],
  ]);
  return value.type.shape.map((d) => evaluateDim(d, sizes));
};

const shapeIn = (value: CachedValue, { B, T, N }: Batch): readonly number[] => {
  const sizes = new Map([
    ['B', B],
    ['T', T],
    ['N', N],
  ]);
  return value.type.shape.map((d) => evaluateDim(d, sizes));
};

/** Where the part of the b-th example begins in a value of the batch. */
function placeOf(value: CachedValue, batch: Batch, b: number): readonly number[] {
  const at = value.unit === 'row' ? (batch.firstRow[b] as number) : b;
  return value.type.shape.map((_, axis) => (axis === value.axis ? at : 0));
}

const zerosOf = (shape: readonly number[]): readonly number[] => shape.map(() => 0);

/** As many examples as the budget has room for, in the order of the data. */
function chooseExamples(
  cached: readonly CachedValue[],
  set: ExampleSet,
  budget: number,
): { readonly inside: Int32Array; readonly bytes: number } {
  const lengths = exampleLengths(set);
  let bytes = 0;
  let count = 0;
  for (; count < lengths.length; count++) {
    const length = lengths[count] as number;
    const more = cached.reduce((n, v) => n + countOf(ownShape(v, length)) * BYTES_PER_ELEMENT[v.type.dtype], 0);
    if (bytes + more > budget) break;
    bytes += more;
  }
  const inside = set.rows ? set.rows.slice(0, count) : Int32Array.from({ length: count }, (_, i) => i);
  return { inside, bytes };
}

function makePool(value: CachedValue, set: ExampleSet, inside: Int32Array): Pool {
  const { offsets } = set.encoded;
  const kept = new Map<number, Kept>();
  let size = 0;
  for (const example of inside) {
    const shape = ownShape(value, (offsets[example + 1] as number) - (offsets[example] as number));
    kept.set(example, { offset: size, shape });
    size += countOf(shape);
  }
  return { value, kept, data: arrayOf(value.type.dtype, size) };
}

function arrayOf(dtype: DType, size: number): HostData {
  switch (dtype) {
    case 'f32':
      return new Float32Array(size);
    case 'i32':
      return new Int32Array(size);
    case 'u32':
      return new Uint32Array(size);
    case 'bool':
      return new Uint8Array(size);
    case 'f16':
    case 'bf16':
      throw new BugError(`a value of ${dtype} is not cached`);
  }
}
