/**
 * Noise inputs, made by the host before each run: f32 factors or numbers in one piece of WebAssembly memory, which the
 * runtime reads without a copy. Equal in every bit to the reference (engine/base/counterHash.ts).
 */
import * as ort from 'onnxruntime-node';
import { dropThreshold, fillReal, forEachRun, mix, siteHash } from '../../base/counterHash.ts';
import type { OpAttrs } from '../../ir/opAttrs.ts';
import type { ValueId } from '../../ir/program.ts';
import { concreteShape } from '../../ir/types.ts';
import { countOf } from '../../ops/ndarray.ts';
import type { HostContext } from './hostInputs.ts';
import { compileKeepKernel, newMemory, type KeepFill, type WasmMemory } from './keepKernel.ts';

export interface NoiseInput {
  /** Name in the graph. */
  readonly name: string;
  readonly attrs: OpAttrs['noise'];
  readonly key: ValueId;
  readonly rows: ValueId;
}

const PAGE = 65536;
/** Arrays begin at multiples of this many bytes. */
const ALIGNMENT = 64;
/** One memory addresses 4 GiB at most; noise beyond this goes to another one. */
const ARENA_BYTES = 2 ** 31;

interface Arena {
  readonly memory: WasmMemory;
  readonly fill: KeepFill;
}

interface Place {
  readonly shape: readonly number[];
  readonly arena: number;
  readonly offset: number;
}

export class NoiseMaker {
  readonly #inputs: readonly NoiseInput[];
  readonly #arenaBytes: number;
  readonly #arenas: Arena[] = [];

  constructor(inputs: readonly NoiseInput[], arenaBytes = ARENA_BYTES) {
    this.#inputs = inputs;
    this.#arenaBytes = arenaBytes;
  }

  /** Tensors by input name. They are valid until the next call. */
  make(context: HostContext): ReadonlyMap<string, ort.Tensor> {
    const { places, sizes } = this.#plan(context);
    sizes.forEach((bytes, i) => {
      const { memory } = (this.#arenas[i] ??= newArena());
      const missing = bytes - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
    });
    return new Map(this.#inputs.map((x, i) => [x.name, this.#one(x, places[i] as Place, context)]));
  }

  /** Where each array lies, and how many bytes each arena needs. */
  #plan(context: HostContext): { readonly places: readonly Place[]; readonly sizes: readonly number[] } {
    const places: Place[] = [];
    const sizes: number[] = [];
    for (const { attrs } of this.#inputs) {
      const shape = concreteShape(attrs.shape, context.bindings);
      const bytes = Math.ceil((4 * countOf(shape)) / ALIGNMENT) * ALIGNMENT;
      const last = sizes.length - 1;
      const fits = last >= 0 && (sizes[last] as number) + bytes <= this.#arenaBytes;
      const arena = fits ? last : last + 1;
      const offset = sizes[arena] ?? 0;
      places.push({ shape, arena, offset });
      sizes[arena] = offset + bytes;
    }
    return { places, sizes };
  }

  #one(input: NoiseInput, { shape, arena, offset }: Place, context: HostContext): ort.Tensor {
    const { memory, fill } = this.#arenas[arena] as Arena;
    const { distribution, site } = input.attrs;
    const key = context.value(input.key).data;
    const rows = context.value(input.rows);
    const out = new Float32Array(memory.buffer, offset, countOf(shape));
    const merged = [rows.data.length, ...shape.slice(rows.shape.length)];
    if (distribution.kind === 'keep')
      fillKeepFactors(fill, out, key, siteHash(site), rows.data, merged, distribution.p);
    else fillReal(out, key, siteHash(site), rows.data, merged, distribution.kind);
    return new ort.Tensor('float32', out, shape);
  }
}

function newArena(): Arena {
  const memory = newMemory();
  return { memory, fill: compileKeepKernel(memory) };
}

/** `fillKeep` as factors: runs of eight in WebAssembly, the rest of a run here. `out` lies in the memory of `fill`. */
function fillKeepFactors(
  fill: KeepFill,
  out: Float32Array,
  key: ArrayLike<number>,
  site: number,
  rows: ArrayLike<number>,
  shape: readonly number[],
  p: number,
): void {
  const last = shape.length === 1 ? 1 : (shape[shape.length - 1] as number);
  const whole = last - (last % 8);
  const threshold = dropThreshold(p);
  const factor = 1 / (1 - p);
  const bits = new Int32Array(Float32Array.of(factor).buffer)[0] as number;
  forEachRun(key, site, rows, shape, (state, at) => {
    const from = out.byteOffset + 4 * at;
    if (whole > 0) fill(from, from + 4 * whole, state, threshold, bits);
    for (let j = whole; j < last; j++) {
      const h = mix((state + Math.imul(j >> 1, 0x9e3779b9)) >>> 0);
      out[at + j] = (j % 2 === 0 ? h & 0xffff : h >>> 16) >= threshold ? factor : 0;
    }
  });
}
