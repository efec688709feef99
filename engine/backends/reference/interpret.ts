/** The oracle: runs a flat function op by op in float64. Never a device. */
import { BugError, must } from '../../base/errors.ts';
import type { SymbolBindings } from '../../ir/dim.ts';
import type { Fn, OpInstr, ValueId } from '../../ir/program.ts';
import type { NDArray } from '../../ops/rule.ts';
import { ruleOf } from '../../ops/table.ts';
import { bindSymbols } from '../bindings.ts';

export function interpret(fn: Fn, feeds: ReadonlyMap<string, NDArray>): ReadonlyMap<string, NDArray> {
  const values = new Map<ValueId, NDArray>();
  const inputs = fn.params.map((p) => [p, must(feeds.get(p.name), `${fn.name} is given "${p.name}"`)] as const);
  const bindings = bindSymbols(inputs.map(([p, x]) => [p.name, must(fn.values.get(p.id), p.name).type.shape, x.shape]));
  for (const [p, x] of inputs) values.set(p.id, x);
  for (const instr of fn.body) {
    if (instr.kind !== 'op') throw new BugError(`${fn.name} is not flat: it holds a ${instr.kind}`);
    const outputs = evaluate(
      instr,
      instr.inputs.map((id) => values.get(id) as NDArray),
      bindings,
    );
    instr.outputs.forEach((id, i) => values.set(id, outputs[i] as NDArray));
  }
  return new Map(fn.results.map((r) => [r.name, values.get(r.id) as NDArray]));
}

function evaluate(instr: OpInstr, inputs: readonly NDArray[], bindings: SymbolBindings): NDArray[] {
  return ruleOf(instr.op).reference(instr.attrs, inputs, bindings);
}
