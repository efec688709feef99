/**
 * Packing: token-wise ops of a padded batch run on the N real tokens alone. An op is packed when its `axes` rule proves
 * that the two leading axes run independently; attention, pooling and everything else that looks along the sequence gets
 * its inputs unpacked. Positions of the padding hold unspecified values before and zeros after this pass, so a node that
 * looks along the sequence must mask them (attention by lengths, sums by `tokenMask`).
 */
import { BugError, must } from '../base/errors.ts';
import { constant, pack, unpack } from '../ir/build.ts';
import { mulDims, symbol, symbolsOf, type Dim, type SymbolDecl } from '../ir/dim.ts';
import type { OpAttrs } from '../ir/opAttrs.ts';
import type { Fn, OpInstr, Program, ValueId } from '../ir/program.ts';
import type { Tensor } from '../ir/tensor.ts';
import { tensorType, type ValueType } from '../ir/types.ts';
import { ruleOf } from '../ops/table.ts';
import { FnBuilder, typeIn } from '../tracing/builder.ts';
import { tagOf } from './flat.ts';

export const PACK_INDEX = 'pack/index';

export interface Packing {
  readonly batch: Dim;
  readonly length: Dim;
  readonly rows: Dim;
}

/** The packed axis of a padded pair of axes. */
export const TOKENS: Packing = { batch: symbol('B'), length: symbol('T'), rows: symbol('N') };

/** Packs the entry of a flat forward program. A program without a padded input is returned as it is. */
export function packTokens(program: Program, packing: Packing = TOKENS): Program {
  const fn = must(program.functions.get(program.entry), 'the entry exists');
  const isPadded = (t: ValueType): boolean =>
    t.shape.length >= 2 && t.shape[0] === packing.batch && t.shape[1] === packing.length;
  if (!fn.params.some((p) => isPadded(typeIn(fn, p.id)))) return program;
  const flat = new Packer(fn, packing, isPadded).run();
  const declared = program.symbols.some((s) => s.name === packing.rows);
  const rows: SymbolDecl = {
    name: String(packing.rows),
    min: 1,
    max: maxOf(program, packing),
    packs: [String(packing.batch), String(packing.length)],
  };
  return {
    ...program,
    symbols: declared ? program.symbols : [...program.symbols, rows],
    functions: new Map(program.functions).set(fn.name, flat),
  };
}

function maxOf(program: Program, packing: Packing): number {
  let product = 1;
  for (const s of symbolsOf(mulDims(packing.batch, packing.length)))
    product *= program.symbols.find((d) => d.name === s)?.max ?? 1;
  return Math.min(product, 2 ** 31 - 1);
}

class Packer {
  readonly #fn: Fn;
  readonly #packing: Packing;
  readonly #isPadded: (t: ValueType) => boolean;
  readonly #builder = new FnBuilder();
  readonly #padded = new Map<ValueId, Tensor>();
  readonly #packed = new Map<ValueId, Tensor>();
  #index: Tensor | undefined;

  constructor(fn: Fn, packing: Packing, isPadded: (t: ValueType) => boolean) {
    this.#fn = fn;
    this.#packing = packing;
    this.#isPadded = isPadded;
  }

  run(): Fn {
    for (const region of this.#fn.regions ?? []) this.#builder.addRegion({ ...region, inputs: [], outputs: [] });
    for (const p of this.#fn.params)
      this.#padded.set(p.id, this.#builder.param(p.name, p.role, typeIn(this.#fn, p.id)));
    this.#index = this.#builder.param(PACK_INDEX, 'input', tensorType('i32', [this.#packing.rows]));
    for (const instr of this.#fn.body) {
      const info = must(this.#fn.values.get(instr.outputs[0] as ValueId), 'output');
      this.#builder.setPath(info.path);
      this.#builder.setRegion(tagOf(instr));
      if (instr.kind === 'op' && this.#packable(instr)) this.#emitPacked(instr);
      else if (instr.kind === 'repeat') throw new BugError('inline before packing');
      else {
        const inputs = instr.inputs.map((id) => this.#asPadded(id));
        const made = this.#builder.append(
          instr,
          instr.outputs.map((id) => must(this.#fn.values.get(id), `%${id}`)),
          inputs,
        );
        instr.outputs.forEach((id, i) => this.#padded.set(id, made[i] as Tensor));
      }
    }
    this.#builder.setRegion(undefined);
    this.#closeRegions();
    const results = this.#fn.results.map((r) => ({ name: r.name, value: this.#asPadded(r.id) }));
    return this.#builder.finish(this.#fn.name, results, this.#fn.origin);
  }

  /** Regions keep the form (packed or not) that their values have inside. */
  #closeRegions(): void {
    const form = (id: ValueId): ValueId => (this.#packed.get(id) ?? this.#asPadded(id)).id;
    (this.#fn.regions ?? []).forEach((region, i) => {
      const { inputs, outputs, restored } = region;
      const again = restored ? { restored: restored.map(form) } : {};
      this.#builder.replaceRegion(i, { ...region, inputs: inputs.map(form), outputs: outputs.map(form), ...again });
    });
  }

  #types(ids: readonly ValueId[]): ValueType[] {
    return ids.map((id) => typeIn(this.#fn, id));
  }

  /** Every output is padded, and every padded input is linked by both leading axes; the others by neither. */
  #packable(instr: OpInstr): boolean {
    const outputs = this.#types(instr.outputs);
    const inputs = this.#types(instr.inputs);
    if (!outputs.every(this.#isPadded)) return false;
    if (instr.op === 'tokenMask') return true;
    const links = ruleOf(instr.op).axes(instr.attrs as never, inputs, outputs);
    return links.every((output) =>
      inputs.every((t, k) => {
        const [b, l] = [output[0]?.[k], output[1]?.[k]];
        return this.#isPadded(t) ? b === 0 && l === 1 : b === null && l === null;
      }),
    );
  }

  #emitPacked(instr: OpInstr): void {
    const { rows } = this.#packing;
    if (instr.op === 'tokenMask') {
      const ones = constant(must(this.#index, 'index'), 'f32', [rows], 1);
      this.#packed.set(instr.outputs[0] as ValueId, ones);
      return;
    }
    const rule = ruleOf(instr.op);
    const merged = (
      rule.mergeLeading ? rule.mergeLeading(instr.attrs as never, rows) : instr.attrs
    ) as OpAttrs[typeof instr.op];
    const inputs = instr.inputs.map((id) =>
      this.#isPadded(typeIn(this.#fn, id)) ? this.#asPacked(id) : this.#asPadded(id),
    );
    const made = this.#builder.emit(instr.op, inputs, merged);
    instr.outputs.forEach((id, i) => {
      const value = made[i] as Tensor;
      const name = this.#fn.values.get(id)?.name;
      if (name !== undefined) this.#builder.name(value, name);
      this.#packed.set(id, value);
    });
  }

  #asPacked(id: ValueId): Tensor {
    const known = this.#packed.get(id);
    if (known) return known;
    const made = pack(must(this.#padded.get(id), `%${id}`), must(this.#index, 'index'), this.#packing.rows);
    this.#packed.set(id, made);
    return made;
  }

  #asPadded(id: ValueId): Tensor {
    const known = this.#padded.get(id);
    if (known) return known;
    const { batch, length } = this.#packing;
    const made = unpack(must(this.#packed.get(id), `%${id}`), must(this.#index, 'index'), batch, length);
    this.#padded.set(id, made);
    return made;
  }
}
