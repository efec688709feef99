/**
 * Folding: replaces an instruction by a cheaper one that gives the same numbers (up to the rounding of constants that are
 * multiplied into one). The rules are in `foldAlgebra.ts` and `foldShapes.ts`; here is how they are tried. One walk
 * suffices, since every rule sees operands that are already folded. What a rule leaves unread goes with dead code.
 *
 * No rule looks through a barrier, nor into another region: what a region computes inside stays inside.
 */
import { BugError } from '../base/errors.ts';
import type { OpName } from '../ir/opAttrs.ts';
import type { OpInstr, Program, ValueId } from '../ir/program.ts';
import type { Tensor } from '../ir/tensor.ts';
import { sameType } from '../ir/types.ts';
import { eliminateDeadCode } from './dce.ts';
import { Rewrite, tagOf, withEntry } from './flat.ts';
import { ALGEBRA_RULES } from './foldAlgebra.ts';
import type { Folding, FoldRule, RuleOfOp } from './foldContext.ts';
import { SHAPE_RULES } from './foldShapes.ts';

const RULES: ReadonlyMap<OpName, readonly FoldRule[]> = byOp([...ALGEBRA_RULES, ...SHAPE_RULES]);

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
    if (!sameType(folded.type, rewrite.builder.info(id).type)) {
      throw new BugError(`folding %${id} changes its type`);
    }
    rewrite.replace(id, folded);
  }
  return eliminateDeadCode(withEntry(program, rewrite.finish()));
}

function foldOp(rewrite: Rewrite, instr: OpInstr): Tensor | undefined {
  const rules = RULES.get(instr.op) ?? [];
  const folding: Folding = {
    op: instr.op,
    attrs: instr.attrs,
    inputs: instr.inputs.map((id) => rewrite.tensor(id)),
    output: rewrite.builder.info(instr.outputs[0] as ValueId).type,
    emitter: rewrite.builder,
    definition: (x) => visibleDefinition(rewrite, x, tagOf(instr)),
    tensor: (id) => rewrite.tensor(id),
  };
  for (const rule of rules) {
    const folded = rule(folding);
    if (folded) return folded;
  }
  return undefined;
}

/** The op that computes a value, when it stands in the same region or makes a constant. */
function visibleDefinition(rewrite: Rewrite, x: Tensor, region: number | undefined): OpInstr | undefined {
  const instr = rewrite.builder.definition(x.id);
  if (instr?.kind !== 'op') return undefined;
  return instr.op === 'constant' || instr.region === region ? instr : undefined;
}

function byOp(rules: readonly RuleOfOp[]): ReadonlyMap<OpName, readonly FoldRule[]> {
  const grouped = new Map<OpName, FoldRule[]>();
  for (const [op, rule] of rules) grouped.set(op, [...(grouped.get(op) ?? []), rule]);
  return grouped;
}
