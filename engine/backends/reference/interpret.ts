/** The oracle: runs a flat function op by op in float64. Never a device. */
import { BugError, must } from '../../base/errors.ts';
import { isStatic, symbolsOf, evaluateDim, type SymbolBindings } from '../../ir/dim.ts';
import type { Fn, OpInstr, ValueId } from '../../ir/program.ts';
import { printShape, type Shape } from '../../ir/types.ts';
import type { NDArray } from '../../ops/rule.ts';
import { ruleOf } from '../../ops/table.ts';

/** Symbol values that make the declared shapes equal to the given ones; refuses shapes that do not fit. */
export function bindSymbols(pairs: Iterable<readonly [string, Shape, readonly number[]]>): SymbolBindings {
  const bindings = new Map<string, number>();
  const pending: [string, Shape, readonly number[]][] = [];
  for (const [name, shape, concrete] of pairs) {
    if (shape.length !== concrete.length)
      throw new BugError(`${name} is ${printShape(shape)}, got [${concrete.join(',')}]`);
    shape.forEach((d, i) => {
      if (!isStatic(d) && symbolsOf(d).size === 1 && symbolsOf(d).has(d) && !bindings.has(d))
        bindings.set(d, concrete[i] as number);
    });
    pending.push([name, shape, concrete]);
  }
  for (const [name, shape, concrete] of pending) {
    shape.forEach((d, i) => {
      const value = evaluateDim(d, bindings);
      if (value !== concrete[i])
        throw new BugError(`${name} is ${printShape(shape)}, axis ${i} must be ${value}, got [${concrete.join(',')}]`);
    });
  }
  return bindings;
}

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
