/**
 * Row selection: a model that reads one position of every sequence (pooling on [CLS]) does not need the other rows of the
 * ops above the last attention. The demand for rows is carried backward through ops whose `axes` rule proves that rows run
 * independently; the ops are then emitted on the selected rows alone. Attention carries it to its queries only.
 */
import { BugError, must } from '../base/errors.ts';
import { gather, reshape, slice } from '../ir/build.ts';
import { substituteDim, type Dim } from '../ir/dim.ts';
import type { OpAttrs } from '../ir/opAttrs.ts';
import {
  operandsOf,
  type Fn,
  type Instr,
  type OpInstr,
  type Program,
  type RegionInstance,
  type ValueId,
} from '../ir/program.ts';
import type { Tensor } from '../ir/tensor.ts';
import { tensorType, type Shape, type ValueType } from '../ir/types.ts';
import { ruleOf } from '../ops/table.ts';
import { FnBuilder, typeIn } from '../tracing/builder.ts';
import { tagOf } from './flat.ts';
import { TOKENS, type Packing } from './packing.ts';

/** i32 `[B]`: the packed row of every example's first token. */
export const PACK_STARTS = 'pack/starts';

type Demand = 'none' | 'first' | 'full';
const join = (a: Demand, b: Demand): Demand =>
  a === 'full' || b === 'full' ? 'full' : a === 'first' || b === 'first' ? 'first' : 'none';

/** Computes only the first token's row where nothing else is read. Flat forward programs, packed or not. */
export function selectRows(program: Program, packing: Packing = TOKENS): Program {
  const fn = must(program.functions.get(program.entry), 'the entry exists');
  const selection = new Selector(fn, packing);
  if (!selection.useful) return program;
  return { ...program, functions: new Map(program.functions).set(fn.name, selection.run()) };
}

class Selector {
  readonly #fn: Fn;
  readonly #packing: Packing;
  readonly #demand = new Map<ValueId, Demand>();
  readonly #builder = new FnBuilder();
  readonly #full = new Map<ValueId, Tensor>();
  readonly #first = new Map<ValueId, Tensor>();
  #starts: Tensor | undefined;

  constructor(fn: Fn, packing: Packing) {
    this.#fn = fn;
    this.#packing = packing;
    for (const r of fn.results) this.#ask(r.id, 'full');
    for (let i = fn.body.length - 1; i >= 0; i--) {
      const instr = fn.body[i] as Instr;
      this.#askRestored(instr);
      this.#carry(instr);
    }
  }

  get useful(): boolean {
    return this.#fn.body.some((i) => i.outputs.some((id) => this.#demand.get(id) === 'first'));
  }

  #type(id: ValueId): ValueType {
    return typeIn(this.#fn, id);
  }

  #ask(id: ValueId, demand: Demand): void {
    this.#demand.set(id, join(this.#demand.get(id) ?? 'none', demand));
  }

  /** What a reversible region restores is wanted as long as its outputs are there in full to restore it from. */
  #askRestored(instr: Instr): void {
    for (const region of this.#fn.regions ?? []) {
      if (region.restored?.some((id) => instr.outputs.includes(id)) && this.#isWhole(region)) {
        for (const id of region.restored) if (instr.outputs.includes(id)) this.#ask(id, 'full');
      }
    }
  }

  #isWhole(region: RegionInstance): boolean {
    return region.outputs.every((id) => this.#demand.get(id) === 'full');
  }

  #demandOf(instr: Instr): Demand {
    return instr.outputs.map((id) => this.#demand.get(id) ?? 'none').reduce(join);
  }

  /** The demand on an instruction's inputs that follows from the demand on its outputs. */
  #carry(instr: Instr): void {
    const demand = this.#demandOf(instr);
    if (demand === 'none') return;
    if (instr.kind === 'op' && demand === 'full' && this.#takesFirst(instr)) {
      this.#ask(instr.inputs[0] as ValueId, 'first');
      return;
    }
    const axes = instr.kind === 'op' && demand === 'first' ? this.#rowInputs(instr) : undefined;
    operandsOf(instr).forEach((id, k) => this.#ask(id, axes?.[k] ? 'first' : 'full'));
  }

  /** A slice of exactly the first position of `[B, T, ...]`. */
  #takesFirst(instr: OpInstr): boolean {
    if (instr.op !== 'slice') return false;
    const attrs = instr.attrs as OpAttrs['slice'];
    const { shape } = this.#type(instr.inputs[0] as ValueId);
    return attrs.start === 0 && attrs.size === 1 && shape.length + attrs.axis === 1 && this.#form(shape) === 'padded';
  }

  #form(shape: Shape): 'padded' | 'packed' | undefined {
    const { batch, length, rows } = this.#packing;
    if (shape[0] === rows) return 'packed';
    return shape[0] === batch && shape[1] === length ? 'padded' : undefined;
  }

  /** For an op that can run on selected rows: which inputs are selected too. `undefined` when it cannot. */
  #rowInputs(instr: OpInstr): readonly boolean[] | undefined {
    const inputs = instr.inputs.map((id) => this.#type(id));
    const outputs = instr.outputs.map((id) => this.#type(id));
    const forms = inputs.map((t) => this.#form(t.shape));
    const form = this.#form((outputs[0] as ValueType).shape);
    // Keep factors of attention are [B, H, Tq, Tk], drawn at logical positions: the first query's are their first row.
    if (instr.op === 'noise' && form === undefined) return [false, false];
    if (form === undefined || !outputs.every((t) => this.#form(t.shape) === form)) return undefined;
    if (instr.op === 'pack' || instr.op === 'unpack') return [true, false];
    if (instr.op === 'attention') {
      const causal = (instr.attrs as OpAttrs['attention']).causal;
      return causal ? undefined : inputs.map((_, k) => k === 0 || k === 4);
    }
    if (
      form === 'padded' &&
      'shape' in instr.attrs &&
      !['reshape', 'broadcastTo', 'noise', 'constant'].includes(instr.op)
    )
      return undefined;
    const axis = form === 'packed' ? 0 : 1;
    const links = ruleOf(instr.op).axes(instr.attrs as never, inputs, outputs);
    const selected = forms.map((f) => f === form);
    const independent = links.every((output) =>
      inputs.every((_, k) => (selected[k] ? output[axis]?.[k] === axis : output[axis]?.[k] === null)),
    );
    return independent ? selected : undefined;
  }

  run(): Fn {
    for (const p of this.#fn.params) this.#full.set(p.id, this.#builder.param(p.name, p.role, this.#type(p.id)));
    for (const region of this.#fn.regions ?? []) this.#builder.addRegion({ ...region, inputs: [], outputs: [] });
    for (const instr of this.#fn.body) {
      const demand = this.#demandOf(instr);
      if (demand === 'none') continue;
      this.#builder.setPath(this.#fn.values.get(instr.outputs[0] as ValueId)?.path);
      this.#builder.setRegion(tagOf(instr));
      if (instr.kind === 'op' && demand === 'full' && this.#takesFirst(instr)) {
        this.#full.set(instr.outputs[0] as ValueId, this.#selected(instr.inputs[0] as ValueId));
        continue;
      }
      const rows = instr.kind === 'op' && demand === 'first' ? this.#rowInputs(instr) : undefined;
      if (rows) this.#emitSelected(instr as OpInstr, rows);
      else this.#emitFull(instr);
    }
    this.#builder.setRegion(undefined);
    (this.#fn.regions ?? []).forEach((region, i) => this.#builder.replaceRegion(i, this.#regionAfter(region)));
    const results = this.#fn.results.map((r) => ({ name: r.name, value: must(this.#full.get(r.id), r.name) }));
    return this.#builder.finish(this.#fn.name, results, this.#fn.origin);
  }

  /** A region that lost outputs to selection can't be restored from them: it is recomputed from its inputs. */
  #regionAfter(region: RegionInstance): RegionInstance {
    const alive = (ids: readonly ValueId[]): ValueId[] =>
      ids.flatMap((id) => this.#full.get(id)?.id ?? this.#first.get(id)?.id ?? []);
    const { restored, ...rest } = region;
    const places = { inputs: alive(region.inputs), outputs: alive(region.outputs) };
    return restored && this.#isWhole(region)
      ? { ...rest, ...places, restored: alive(restored) }
      : { ...rest, ...places };
  }

  #emitFull(instr: Instr): void {
    if (instr.kind === 'repeat') throw new BugError('inline before row selection');
    const inputs = instr.inputs.map((id) => must(this.#full.get(id), `%${id} in full`));
    const made = this.#builder.append(
      instr,
      instr.outputs.map((id) => must(this.#fn.values.get(id), `%${id}`)),
      inputs,
    );
    instr.outputs.forEach((id, i) => this.#full.set(id, made[i] as Tensor));
  }

  #emitSelected(instr: OpInstr, rows: readonly boolean[]): void {
    const made = this.#selectedOp(
      instr,
      instr.inputs.map((id, k) => (rows[k] ? this.#selected(id) : must(this.#full.get(id), `%${id} in full`))),
    );
    instr.outputs.forEach((id, i) => {
      const value = made[i] as Tensor;
      const name = this.#fn.values.get(id)?.name;
      if (name !== undefined) this.#builder.name(value, name);
      this.#first.set(id, value);
    });
  }

  /** Selected rows are `[B, ...]` of packed values and `[B, 1, ...]` of padded ones. */
  #selectedOp(instr: OpInstr, inputs: readonly Tensor[]): Tensor[] {
    const { batch, rows } = this.#packing;
    const x = inputs[0] as Tensor;
    if (instr.op === 'unpack') return [reshape(x, [batch, 1, ...x.type.shape.slice(1)])];
    if (instr.op === 'pack') return [reshape(x, [batch, ...x.type.shape.slice(2)])];
    const form = this.#form(this.#type(instr.outputs[0] as ValueId).shape);
    if (!('shape' in instr.attrs)) return this.#builder.emit(instr.op, inputs, instr.attrs);
    const shape = (instr.attrs as { shape: Shape }).shape;
    const queries = shape.length - 2;
    if (form === undefined)
      return this.#builder.emit(instr.op, inputs, {
        ...instr.attrs,
        shape: shape.map((d, i): Dim => (i === queries ? 1 : d)),
      });
    const selected =
      form === 'packed'
        ? shape.map((d) => substituteDim(d, new Map([[String(rows), batch]])))
        : shape.map((d, i): Dim => (i === 1 ? 1 : d));
    return this.#builder.emit(instr.op, inputs, { ...instr.attrs, shape: selected });
  }

  /** The first rows of a value: computed so, or taken from the whole. */
  #selected(id: ValueId): Tensor {
    const known = this.#first.get(id);
    if (known) return known;
    const whole = must(this.#full.get(id), `%${id} in full`);
    const made = this.#takeFirst(id, whole);
    this.#first.set(id, made);
    return made;
  }

  #takeFirst(id: ValueId, whole: Tensor): Tensor {
    const { batch } = this.#packing;
    if (this.#form(this.#type(id).shape) === undefined) return slice(whole, -2, 0, 1);
    if (this.#form(this.#type(id).shape) === 'padded') return slice(whole, 1 - whole.type.shape.length, 0, 1);
    this.#starts ??=
      this.#builder.existingParam(PACK_STARTS) ?? this.#builder.param(PACK_STARTS, 'input', tensorType('i32', [batch]));
    return gather(whole, this.#starts);
  }
}
