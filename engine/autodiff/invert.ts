/**
 * The inverse of a reversible function, derived from its instructions: streams are recovered from the outputs by solving
 * couplings `y = scale * x + f(known)` for x, one after the other (Gomez et al. 2017; MEFT: Liao et al. 2023). Whether a
 * wiring is reversible is found out, not declared.
 */
import { must } from '../base/errors.ts';
import { fail, ok, type Result } from '../base/result.ts';
import { div, sub } from '../ir/build.ts';
import { operandsOf, type Fn, type Instr, type ValueId } from '../ir/program.ts';
import type { Tensor } from '../ir/tensor.ts';
import { FnBuilder, typeIn } from '../tracing/builder.ts';

/**
 * `inverse(outputs..., other inputs...) -> inputs...` for the first `streams` inputs and outputs of `fn`. Fails with the
 * reason in words when a stream cannot be recovered.
 */
export function invertFn(fn: Fn, streams: number, name: string): Result<Fn> {
  const solver = new Solver(fn, streams);
  const missing = solver.solve();
  if (missing !== undefined) {
    return fail(
      `the stream "${missing}" cannot be recovered from the outputs: it must enter one coupling y = scale * x + f, where f reads only streams that are already known`,
    );
  }
  return ok(solver.finish(name));
}

class Solver {
  readonly #fn: Fn;
  readonly #streams: number;
  readonly #builder = new FnBuilder();
  readonly #known = new Map<ValueId, Tensor>();
  readonly #producer = new Map<ValueId, Instr>();

  constructor(fn: Fn, streams: number) {
    this.#fn = fn;
    this.#streams = streams;
    for (const instr of fn.body) for (const id of instr.outputs) this.#producer.set(id, instr);
    fn.results.slice(0, streams).forEach((r, i) => {
      const value = this.#builder.param(`out${i}`, 'input', typeIn(fn, r.id));
      this.#known.set(r.id, value);
    });
    for (const p of fn.params.slice(streams))
      this.#known.set(p.id, this.#builder.param(p.name, p.role, typeIn(fn, p.id)));
  }

  /** The name of a stream that cannot be recovered, or undefined. */
  solve(): string | undefined {
    const wanted = this.#fn.params.slice(0, this.#streams);
    for (let changed = true; changed;) {
      changed = false;
      for (let i = this.#fn.body.length - 1; i >= 0; i--) changed = this.#undo(this.#fn.body[i] as Instr) || changed;
    }
    return wanted.find((p) => !this.#known.has(p.id))?.name;
  }

  /** Solves one instruction with a known output for an operand that is not known. */
  #undo(instr: Instr): boolean {
    if (instr.kind !== 'op' || !['add', 'sub', 'mul'].includes(instr.op)) return false;
    const out = this.#known.get(instr.outputs[0] as ValueId);
    const [a, b] = instr.inputs as readonly [ValueId, ValueId];
    if (!out) return false;
    const first = this.#reachable(a);
    const second = this.#reachable(b);
    if (first === second) return false;
    const unknown = first ? b : a;
    if (!sameAs(this.#fn, unknown, instr.outputs[0] as ValueId)) return false;
    const other = this.#value(first ? a : b);
    if (instr.op === 'add') this.#known.set(unknown, sub(out, other));
    else if (instr.op === 'mul') this.#known.set(unknown, div(out, other));
    else return false;
    return true;
  }

  #reachable(id: ValueId): boolean {
    if (this.#known.has(id)) return true;
    const instr = this.#producer.get(id);
    return instr !== undefined && operandsOf(instr).every((x) => this.#reachable(x));
  }

  #value(id: ValueId): Tensor {
    const known = this.#known.get(id);
    if (known) return known;
    const instr = must(this.#producer.get(id), `%${id} is computed`);
    const inputs = operandsOf(instr).map((x) => this.#value(x));
    if (instr.kind === 'repeat') throw new Error('a stack within a reversible layer');
    this.#builder.setPath(this.#fn.values.get(id)?.path);
    const made = this.#builder.append(
      instr,
      instr.outputs.map((o) => must(this.#fn.values.get(o), `%${o}`)),
      inputs,
    );
    instr.outputs.forEach((o, i) => {
      if (!this.#known.has(o)) this.#known.set(o, made[i] as Tensor);
    });
    return must(this.#known.get(id), `%${id}`);
  }

  finish(name: string): Fn {
    const results = this.#fn.params
      .slice(0, this.#streams)
      .map((p) => ({ name: p.name, value: must(this.#known.get(p.id), p.name) }));
    return this.#builder.finish(name, results, this.#fn.origin);
  }
}

const sameAs = (fn: Fn, a: ValueId, b: ValueId): boolean => String(typeIn(fn, a).shape) === String(typeIn(fn, b).shape);
