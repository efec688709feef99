/** What passes over a flat entry share: reading it, and rewriting it instruction by instruction with the old value ids kept. */
import { BugError, must } from '../base/errors.ts';
import type { OpName } from '../ir/opAttrs.ts';
import { operandsOf, type Fn, type Instr, type OpInstr, type Program, type ValueId } from '../ir/program.ts';
import type { Tensor } from '../ir/tensor.ts';
import { FnBuilder } from '../tracing/builder.ts';

/** A flat program with a backward part, as `differentiate` gives it. */
export interface Differentiated {
  readonly program: Program;
  /** Index of the first instruction of the backward part. */
  readonly backwardStart: number;
  /** The cotangent of each forward value that got one. */
  readonly cotangents: ReadonlyMap<ValueId, ValueId>;
}

export const entryOf = (program: Program): Fn => must(program.functions.get(program.entry), 'the entry exists');

export const withEntry = (program: Program, fn: Fn): Program => ({
  ...program,
  functions: new Map([...program.functions, [program.entry, fn]]),
});

/** Whether an instruction is this op; then its attributes are known. */
export const isOp = <K extends OpName>(instr: Instr | undefined, op: K): instr is OpInstr<K> =>
  instr?.kind === 'op' && instr.op === op;

/** The region that an instruction of a flat function stands in. */
export const tagOf = (instr: Instr): number | undefined =>
  instr.kind === 'op' ? instr.region : instr.kind === 'call' ? instr.within : undefined;

/** Index of the last instruction that reads a value; a result counts as read at the end. */
export function lastReads(fn: Fn): Map<ValueId, number> {
  const last = new Map<ValueId, number>();
  fn.body.forEach((instr, i) => operandsOf(instr).forEach((id) => last.set(id, i)));
  for (const r of fn.results) last.set(r.id, fn.body.length);
  return last;
}

/** The same instruction reading other values. Calls and ops only: stacks are expanded before passes rewrite. */
export function withInputs(instr: Instr, inputs: readonly ValueId[]): Instr {
  if (instr.kind === 'repeat') throw new BugError('a stack is expanded before passes rewrite');
  return { ...instr, inputs };
}

/** One pass over the entry: instructions are kept, dropped or replaced in order; everything after sees the replacements. */
export class Rewrite {
  readonly fn: Fn;
  readonly builder: FnBuilder;
  readonly #replaced = new Map<ValueId, ValueId>();

  constructor(program: Program) {
    this.fn = entryOf(program);
    this.builder = FnBuilder.rewriting(this.fn);
  }

  /** The value that now stands for an old one. */
  resolve(id: ValueId): ValueId {
    let at = id;
    for (let next = this.#replaced.get(at); next !== undefined; next = this.#replaced.get(at)) at = next;
    return at;
  }

  tensor(id: ValueId): Tensor {
    return this.builder.tensor(this.resolve(id));
  }

  keep(instr: Instr): void {
    this.builder.keep(
      withInputs(
        instr,
        operandsOf(instr).map((id) => this.resolve(id)),
      ),
    );
  }

  replace(id: ValueId, by: Tensor): void {
    if (this.resolve(by.id) === id) throw new BugError(`%${id} would be replaced by itself`);
    this.#replaced.set(id, this.resolve(by.id));
  }

  /** New ops get the path and the region of an instruction from here on. */
  placeAt(instr: Instr): void {
    const first = instr.outputs[0];
    this.builder.setPath(first === undefined ? undefined : this.builder.info(first).path);
    this.builder.setRegion(tagOf(instr));
  }

  finish(): Fn {
    const results = this.fn.results.map((r) => ({ name: r.name, value: this.tensor(r.id) }));
    return this.#withRegions(this.builder.finish(this.fn.name, results, this.fn.origin));
  }

  /** Regions name the values that now stand for the old ones; a pass that drops some of them repairs its regions itself. */
  #withRegions(fn: Fn): Fn {
    if (!fn.regions) return fn;
    const resolve = (ids: readonly ValueId[]): ValueId[] => ids.map((id) => this.resolve(id));
    const regions = fn.regions.map((r) => ({
      ...r,
      inputs: resolve(r.inputs),
      outputs: resolve(r.outputs),
      ...(r.restored ? { restored: resolve(r.restored) } : {}),
    }));
    return { ...fn, regions };
  }
}
