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
import { compileKeepKernel, newMemory, type KeepFill } from './keepKernel.ts';

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

export class NoiseMaker {
  readonly #inputs: readonly NoiseInput[];
  readonly #memory = newMemory();
  readonly #fill: KeepFill;

  constructor(inputs: readonly NoiseInput[]) {
    this.#inputs = inputs;
    this.#fill = compileKeepKernel(this.#memory);
  }

  /** Tensors by input name. They are valid until the next call. */
  make(context: HostContext): ReadonlyMap<string, ort.Tensor> {
    const shapes = this.#inputs.map((x) => concreteShape(x.attrs.shape, context.bindings));
    const offsets: number[] = [];
    let end = 0;
    for (const shape of shapes) {
      offsets.push(end);
      end += Math.ceil((4 * countOf(shape)) / ALIGNMENT) * ALIGNMENT;
    }
    const missing = end - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE));
    return new Map(
      this.#inputs.map((x, i) => [x.name, this.#one(x, shapes[i] as number[], offsets[i] as number, context)]),
    );
  }

  #one(input: NoiseInput, shape: readonly number[], offset: number, context: HostContext): ort.Tensor {
    const { distribution, site } = input.attrs;
    const key = context.value(input.key).data;
    const rows = context.value(input.rows);
    const out = new Float32Array(this.#memory.buffer, offset, countOf(shape));
    const merged = [rows.data.length, ...shape.slice(rows.shape.length)];
    if (distribution.kind === 'keep') this.#keep(out, key, siteHash(site), rows.data, merged, distribution.p);
    else fillReal(out, key, siteHash(site), rows.data, merged, distribution.kind);
    return new ort.Tensor('float32', out, shape);
  }

  #keep(
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
      if (whole > 0) this.#fill(from, from + 4 * whole, state, threshold, bits);
      for (let j = whole; j < last; j++) {
        const h = mix((state + Math.imul(j >> 1, 0x9e3779b9)) >>> 0);
        out[at + j] = (j % 2 === 0 ? h & 0xffff : h >>> 16) >= threshold ? factor : 0;
      }
    });
  }
}
