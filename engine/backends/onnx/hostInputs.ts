/**
 * Inputs that the host makes before each run, because it knows every size: shapes, bounds, ranges, dimensions, noise. They
 * are named by what they hold, so that equal ones are made once. Noise reads its key and rows from values that the host
 * can compute from integer inputs (`hostValues.ts`).
 */
import * as ort from 'onnxruntime-node';
import { evaluateDim, type Dim, type SymbolBindings } from '../../ir/dim.ts';
import type { OpAttrs } from '../../ir/opAttrs.ts';
import type { ValueId } from '../../ir/program.ts';
import type { Shape } from '../../ir/types.ts';
import type { NDArray } from '../../ops/rule.ts';
import type { GraphWriter } from './graph.ts';
import type { NoiseInput } from './noise.ts';
import type { ElementType } from './proto.ts';

export interface HostContext {
  readonly bindings: SymbolBindings;
  /** A value of the Program that the host computes itself. */
  value(id: ValueId): NDArray;
}

export type MakeTensor = (context: HostContext) => ort.Tensor;

export class HostInputs {
  readonly #graph: GraphWriter;
  readonly #isKnown: (id: ValueId) => boolean;
  readonly #wanted = new Set<ValueId>();
  readonly #makers = new Map<string, MakeTensor>();
  readonly #noise = new Map<string, NoiseInput>();

  constructor(graph: GraphWriter, isKnown: (id: ValueId) => boolean) {
    this.#graph = graph;
    this.#isKnown = isKnown;
  }

  /** Declares the input `name` unless it is there already. */
  add(name: string, type: ElementType, shape: readonly (number | string)[], make: MakeTensor): string {
    if (this.#makers.has(name)) return name;
    this.#makers.set(name, make);
    return this.#graph.input(name, type, shape);
  }

  /** Integers known from the sizes, as an i64 vector. */
  vector(dims: readonly Dim[]): string {
    if (dims.every((d) => typeof d === 'number')) return this.#graph.vector(dims);
    return this.add(`host/i64[${dims.join(',')}]`, 'i64', [dims.length], cached(dims, bigVector));
  }

  /** A dimension as a scalar. */
  dimension(of: Dim, type: 'f32' | 'i32'): string {
    if (typeof of === 'number') return this.#graph.scalar(type, of);
    const make = (sizes: readonly number[]): ort.Tensor =>
      type === 'f32' ? new ort.Tensor(Float32Array.from(sizes), []) : new ort.Tensor(Int32Array.from(sizes), []);
    return this.add(`host/${type}(${of})`, type, [], cached([of], make));
  }

  /** 0, 1, ..., size - 1. */
  iota(size: Dim): string {
    return this.add(`host/iota(${size})`, 'i32', [String(size)], cached([size], range));
  }

  /** An i64 zero that the runtime can't fold. */
  zero(): string {
    const zero = new ort.Tensor(BigInt64Array.of(0n), []);
    return this.add('host/zero', 'i64', [], () => zero);
  }

  noise(attrs: OpAttrs['noise'], key: ValueId, rows: ValueId): string {
    const name = `host/noise ${JSON.stringify([attrs, key, rows])}`;
    if (this.#noise.has(name)) return name;
    this.#noise.set(name, { name, attrs, key, rows });
    return this.#graph.input(name, 'f32', symbolic(attrs.shape));
  }

  /** Whether the host can compute a value of the Program from integer inputs; if so it will, before every run. */
  knows(id: ValueId): boolean {
    if (!this.#isKnown(id)) return false;
    this.#wanted.add(id);
    return true;
  }

  /** The values that the host computes. */
  get wanted(): ReadonlySet<ValueId> {
    return this.#wanted;
  }

  /** The noise inputs that the finished graph still has. */
  noiseOf(inputs: Iterable<string>): readonly NoiseInput[] {
    return [...inputs].flatMap((name) => this.#noise.get(name) ?? []);
  }

  /** The makers of the inputs that the finished graph still has. */
  makersOf(inputs: Iterable<string>): ReadonlyMap<string, MakeTensor> {
    const kept = new Map<string, MakeTensor>();
    for (const name of inputs) {
      const make = this.#makers.get(name);
      if (make) kept.set(name, make);
    }
    return kept;
  }
}

const bigVector = (sizes: readonly number[]): ort.Tensor =>
  new ort.Tensor(BigInt64Array.from(sizes.map(BigInt)), [sizes.length]);

function range(sizes: readonly number[]): ort.Tensor {
  const n = sizes[0] as number;
  return new ort.Tensor(
    Int32Array.from({ length: n }, (_, i) => i),
    [n],
  );
}

/** Makes a tensor from sizes, and again only when they change. */
function cached(dims: readonly Dim[], make: (sizes: readonly number[]) => ort.Tensor): MakeTensor {
  let last: { readonly sizes: readonly number[]; readonly tensor: ort.Tensor } | undefined;
  return ({ bindings }) => {
    const sizes = dims.map((d) => evaluateDim(d, bindings));
    if (!last || last.sizes.some((s, i) => s !== sizes[i])) last = { sizes, tensor: make(sizes) };
    return last.tensor;
  };
}

export const symbolic = (shape: Shape): readonly (number | string)[] =>
  shape.map((d) => (typeof d === 'number' ? d : String(d)));
