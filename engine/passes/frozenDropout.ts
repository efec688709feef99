/**
 * Removes dropout from the frozen prefix: where the factor of inverted dropout multiplies a value that no trainable
 * parameter influences, the value itself stands in. A visible setting (`frozenDropout: off`), since it changes what is
 * trained; without it nothing of the prefix may be kept between epochs.
 */
import { dependents } from '../ir/dataflow.ts';
import type { OpAttrs } from '../ir/opAttrs.ts';
import type { Fn, Instr, OpInstr, Program, ValueId } from '../ir/program.ts';
import type { Tensor } from '../ir/tensor.ts';
import { eliminateDeadCode } from './dce.ts';
import { entryOf, Rewrite, withEntry } from './flat.ts';

/** Flat forward programs; `trainable` names the parameters that are trained. */
export function dropFrozenDropout(program: Program, trainable: ReadonlySet<string>): Program {
  const fn = entryOf(program);
  const live = dependents(fn, new Set(fn.params.filter((p) => trainable.has(p.name)).map((p) => p.id)));
  const factors = keepFactors(fn);
  const rewrite = new Rewrite(program);
  for (const instr of fn.body) {
    const value = frozenOperand(instr, factors, live);
    if (value !== undefined) rewrite.replace(instr.outputs[0] as ValueId, rewrite.tensor(value));
    else if (isFrozenAttention(instr, live)) rewrite.replace(instr.outputs[0] as ValueId, withoutKeep(rewrite, instr));
    else rewrite.keep(instr);
  }
  return eliminateDeadCode(withEntry(program, rewrite.finish()));
}

/** Values that are factors of inverted dropout, also after they were packed, sliced or reshaped. */
function keepFactors(fn: Fn): ReadonlySet<ValueId> {
  const factors = new Set<ValueId>();
  for (const instr of fn.body) {
    if (instr.kind !== 'op') continue;
    const drawn = instr.op === 'noise' && (instr.attrs as OpAttrs['noise']).distribution.kind === 'keep';
    const moved = MOVES.has(instr.op) && factors.has(instr.inputs[0] as ValueId);
    if (drawn || moved) for (const id of instr.outputs) factors.add(id);
  }
  return factors;
}

const MOVES: ReadonlySet<OpInstr['op']> = new Set(['reshape', 'slice', 'gather', 'pack', 'unpack']);

/** Attention takes its factors as fifth operand rather than by a product. */
const isFrozenAttention = (instr: Instr, live: ReadonlySet<ValueId>): instr is OpInstr<'attention'> =>
  instr.kind === 'op' &&
  instr.op === 'attention' &&
  instr.inputs.length === 5 &&
  !instr.inputs.some((id) => live.has(id));

function withoutKeep(rewrite: Rewrite, instr: OpInstr<'attention'>): Tensor {
  rewrite.placeAt(instr);
  const inputs = instr.inputs.slice(0, 4).map((id) => rewrite.tensor(id));
  return rewrite.builder.emit('attention', inputs, { ...instr.attrs, dropout: false })[0] as Tensor;
}

/** The value that a frozen dropout multiplies, if the instruction is one. */
function frozenOperand(instr: Instr, factors: ReadonlySet<ValueId>, live: ReadonlySet<ValueId>): ValueId | undefined {
  if (instr.kind !== 'op' || instr.op !== 'mul') return undefined;
  const [a, b] = instr.inputs as readonly [ValueId, ValueId];
  const value = factors.has(b) ? a : factors.has(a) ? b : undefined;
  return value !== undefined && !live.has(value) ? value : undefined;
}
