/**
 * Whether two models compute the same: their flat Programs are hashed value by value, so that names and order of nodes do
 * not count. Trainable parameters are equal when their local names and shapes are, weights when they are the same tensor.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { BugError, must } from '../../base/errors.ts';
import type { CompiledModel } from '../../compile/model.ts';
import type { Fn, ValueId } from '../../ir/program.ts';
import { inlineProgram } from '../../passes/inline.ts';

/** Whether the main outputs of both are equal for every batch and every value of the parameters. */
export function haveSameResult(a: CompiledModel, b: CompiledModel): boolean {
  const numbers = new Map<string, number>();
  return mainResult(a, numbers) === mainResult(b, numbers);
}

/** The number of the main output's value; equal values have equal numbers. */
function mainResult(model: CompiledModel, numbers: Map<string, number>): number {
  const program = inlineProgram(model.program);
  const fn = must(program.functions.get(program.entry), 'the entry exists');
  const values = numberValues(fn, numbers);
  const main = fn.results.find((r) => r.name === `output/${model.outputs[0] ?? ''}`);
  return main ? must(values.get(main.id), 'the result has a number') : -1;
}

function numberValues(fn: Fn, numbers: Map<string, number>): ReadonlyMap<ValueId, number> {
  const values = new Map<ValueId, number>();
  const numberOf = (key: unknown): number => {
    const text = canonicalJson(key);
    const known = numbers.get(text) ?? numbers.size;
    numbers.set(text, known);
    return known;
  };
  for (const p of fn.params) {
    const { type } = must(fn.values.get(p.id), p.name);
    const name = p.role === 'trainable' ? p.name.slice(p.name.lastIndexOf('/') + 1) : p.name;
    values.set(p.id, numberOf([p.role, name, type.dtype, type.shape]));
  }
  for (const instr of fn.body) {
    if (instr.kind !== 'op') throw new BugError(`an inlined program has a ${instr.kind}`);
    const inputs = instr.inputs.map((id) => must(values.get(id), `value ${id}`));
    instr.outputs.forEach((id, i) => values.set(id, numberOf([instr.op, instr.attrs, inputs, i])));
  }
  return values;
}
