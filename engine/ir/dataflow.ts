/** Which values of a flat function depend on which: shared by differentiation and the passes before it. */
import { BugError, must } from '../base/errors.ts';
import type { Fn, ValueId } from './program.ts';
import { isFloat } from './types.ts';

/** Float values that depend on the roots; nothing depends on what stands behind a `stopGradient`. */
export function dependents(fn: Fn, roots: ReadonlySet<ValueId>): Set<ValueId> {
  const live = new Set(roots);
  for (const instr of fn.body) {
    if (instr.kind === 'repeat') throw new BugError('inline before asking what depends on what');
    if (instr.kind === 'op' && instr.op === 'stopGradient') continue;
    if (!instr.inputs.some((id) => live.has(id))) continue;
    for (const id of instr.outputs) if (isFloat(must(fn.values.get(id), `%${id}`).type.dtype)) live.add(id);
  }
  return live;
}
