/** The values of symbols, read from the shapes that a run is given. Shared leaf of the backends. */
import { BugError } from '../base/errors.ts';
import { evaluateDim, isStatic, symbolsOf, type SymbolBindings } from '../ir/dim.ts';
import { printShape, type Shape } from '../ir/types.ts';

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
