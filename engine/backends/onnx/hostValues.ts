/**
 * Small integer values that the host computes before a run with the reference rules, from integer inputs of the step: the
 * keys and row coordinates of noise.
 */
import { BugError, must } from '../../base/errors.ts';
import type { SymbolBindings } from '../../ir/dim.ts';
import type { Fn, FnParam, OpInstr, ValueId } from '../../ir/program.ts';
import { isFloat, printType } from '../../ir/types.ts';
import type { NDArray } from '../../ops/rule.ts';
import { ruleOf } from '../../ops/table.ts';
import type { HostTensor } from '../executable.ts';

export interface HostProgram {
  /** Inputs of the step that the host reads. */
  readonly params: readonly FnParam[];
  readonly body: readonly OpInstr[];
}

/** The instructions behind `wanted`; refuses what the host can't know. */
export function sliceForHost(fn: Fn, wanted: ReadonlySet<ValueId>): HostProgram {
  const needed = new Set(wanted);
  const body: OpInstr[] = [];
  for (let i = fn.body.length - 1; i >= 0; i--) {
    const instr = fn.body[i];
    if (instr?.kind !== 'op' || !instr.outputs.some((id) => needed.has(id))) continue;
    for (const id of instr.outputs) refuseFloat(fn, id);
    for (const id of instr.inputs) needed.add(id);
    body.push(instr);
  }
  const params = fn.params.filter((p) => needed.has(p.id));
  for (const p of params) {
    refuseFloat(fn, p.id);
    if (p.role !== 'input')
      throw new BugError(`noise coordinates come from inputs of the step, not from the ${p.role} "${p.name}"`);
  }
  return { params, body: body.reverse() };
}

/** Whether a value comes from integer inputs of the step alone. */
export function knownToHost(fn: Fn): (id: ValueId) => boolean {
  const known = new Set(fn.params.filter((p) => p.role === 'input' && isInteger(fn, p.id)).map((p) => p.id));
  for (const instr of fn.body) {
    if (instr.kind !== 'op' || !instr.inputs.every((id) => known.has(id))) continue;
    for (const id of instr.outputs) if (isInteger(fn, id)) known.add(id);
  }
  return (id) => known.has(id);
}

const isInteger = (fn: Fn, id: ValueId): boolean => !isFloat(must(fn.values.get(id), `%${id}`).type.dtype);

function refuseFloat(fn: Fn, id: ValueId): void {
  const { type } = must(fn.values.get(id), `%${id}`);
  if (isFloat(type.dtype)) throw new BugError(`noise coordinates come from integers, %${id} is ${printType(type)}`);
}

export function evaluateOnHost(
  program: HostProgram,
  feeds: ReadonlyMap<string, HostTensor>,
  bindings: SymbolBindings,
): ReadonlyMap<ValueId, NDArray> {
  const values = new Map<ValueId, NDArray>();
  for (const p of program.params) {
    const { dtype, shape, data } = must(feeds.get(p.name), `the input "${p.name}" is given`);
    values.set(p.id, { dtype, shape, data: Float64Array.from(data) });
  }
  for (const instr of program.body) {
    const inputs = instr.inputs.map((id) => must(values.get(id), `%${id}`));
    const outputs = ruleOf(instr.op).reference(instr.attrs, inputs, bindings);
    instr.outputs.forEach((id, i) => values.set(id, must(outputs[i], `output ${i} of ${instr.op}`)));
  }
  return values;
}
