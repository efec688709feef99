/**
 * Folding: replaces an instruction by a cheaper one that gives the same numbers (up to the rounding of constants that are
 * multiplied into one). Rules are in `foldRules.ts` and `foldShapes.ts`; here is how they are tried. One walk suffices,
 * since every rule sees operands that are already folded. What a rule leaves unread goes with dead code.
 *
 * Never looks through a barrier (it has no rule), nor into another region: what a region computes inside stays inside.
 */
import type { Instr, OpInstr, Program, ValueId } from '../ir/program.ts';
import type { OpName } from '../ir/opAttrs.ts';
import type { Tensor } from '../ir/tensor.ts';
import { sameType } from '../ir/types.ts';
import { BugError } from '../base/errors.ts';
import { eliminateDeadCode } from './dce.ts';
import { Rewrite, tagOf, withEntry } from './flat.ts';
import { FOLD_RULES, type Folding } from './foldRules.ts';

export function foldProgram(program: Program): Program {
  const rewrite = new Rewrite(program);
  for (const instr of rewrite.fn.body) {
    rewrite.placeAt(instr);
    const folded = instr.kind === 'op' ? foldOp(rewrite, instr) : undefined;
    if (!folded) {
      rewrite.keep(instr);
      continue;
    }
    const id = instr.outputs[0] as ValueId;
    const want = rewrite.builder.info(id);
    if (!sameType(folded.type, want.type)) throw new BugError(`folding %${id} (${instr.op}) changes its type`);
    rewrite.replace(id, folded);
  }
  return eliminateDeadCode(withEntry(program, rewrite.finish()));
}

function foldOp(rewrite: Rewrite, instr: OpInstr): Tensor | undefined {
  const rules = FOLD_RULES.get(instr.op) ?? [];
  if (rules.length === 0) return undefined;
  const inputs = instr.inputs.map((id) => rewrite.tensor(id));
  const output = rewrite.builder.info(instr.outputs[0] as ValueId).type;
  const folding: Folding = {
    attrs: instr.attrs,
    op: instr.op,
    inputs,
    output,
    emitter: rewrite.builder,
    definition: (x) => visibleDefinition(rewrite, x, tagOf(instr)),
  };
  for (const rule of rules) {
    const folded = rule(folding);
    if (folded) return folded;
  }
  return undefined;
}

/** The op that computes a value, when it stands in the same region or makes a constant. */
function visibleDefinition(rewrite: Rewrite, x: Tensor, region: number | undefined): OpInstr | undefined {
  const instr: Instr | undefined = rewrite.builder.definition(x.id);
  if (instr?.kind !== 'op') return undefined;
  return instr.op === 'constant' || instr.region === region ? instr : undefined;
}

/** The op of an instruction, typed by its name. */
export const isOp = <K extends OpName>(instr: Instr | undefined, op: K): instr is OpInstr<K> =>
  instr?.kind === 'op' && instr.op === op;
