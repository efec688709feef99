/**
 * Patterns over several ops that pay as one. Most fusion happens while values are carried unfinished (`values.ts`); found
 * here is only what a lowering can't know from its own operands.
 */
import type { OpInstr, ValueId } from '../../ir/program.ts';
import type { Hint } from './lowering.ts';
import type { Prepared } from './prepare.ts';

/** Hints by the first output of the instruction that they are for. */
export function findHints(prepared: Prepared): ReadonlyMap<ValueId, ReadonlySet<Hint>> {
  const hints = new Map<ValueId, ReadonlySet<Hint>>();
  const shared = inputsOfErf(prepared.body);
  for (const instr of prepared.body) {
    if (instr.op === 'gelu' && shared.has(instr.inputs[0] as ValueId)) hints.set(instr.outputs[0] as ValueId, new Set(['geluShared']));
  }
  return hints;
}

/** Values x of which erf(x / sqrt 2) is computed: the derivative of gelu does. */
function inputsOfErf(body: readonly OpInstr[]): Set<ValueId> {
  const constants = new Map<ValueId, number>();
  const scaled = new Map<ValueId, ValueId>();
  const found = new Set<ValueId>();
  for (const instr of body) {
    const [out, a, b] = [instr.outputs[0] as ValueId, instr.inputs[0] as ValueId, instr.inputs[1] as ValueId];
    if (instr.op === 'constant') constants.set(out, (instr.attrs as { value: number }).value);
    if (instr.op === 'mul' && constants.get(b) === Math.SQRT1_2) scaled.set(out, a);
    const x = instr.op === 'erf' ? scaled.get(a) : undefined;
    if (x !== undefined) found.add(x);
  }
  return found;
}
