/** How large what a custom node makes may be. */
import { evaluateDim, symbolsOf, type Dim } from '../ir/dim.ts';
import { printType, type ValueType } from '../ir/types.ts';
import { MOST } from './answer.ts';
import { Refused } from './refused.ts';
import * as messages from './messages.ts';

/** Refuses types that no machine could hold, or whose symbols nobody declares. `symbols` are those of batch and length. */
export function checkType(type: ValueType, symbols: ReadonlySet<string>): void {
  if (type.shape.length > MOST.rank)
    throw new Refused(messages.tooLarge('axes in a tensor', type.shape.length, MOST.rank));
  const one = new Map([...symbols].map((s) => [s, 1]));
  let elements = 1;
  for (const d of type.shape) elements *= checkDim(d, symbols, one);
  if (elements > MOST.elements)
    throw new Refused(messages.tooLarge(`elements per token in ${printType(type)}`, elements, MOST.elements));
}

function checkDim(d: Dim, symbols: ReadonlySet<string>, one: ReadonlyMap<string, number>): number {
  if (typeof d === 'number') {
    if (!Number.isSafeInteger(d) || d < 0 || d > 2 ** 31)
      throw new Refused(messages.notAllowed(`have an axis of length ${d}`, 'Give whole numbers from 0 on.'));
    return d;
  }
  for (const s of symbolsOf(d))
    if (!symbols.has(s))
      throw new Refused(
        messages.notAllowed(`use the length "${s.slice(0, 20)}"`, 'Take lengths from the shapes of the inputs.'),
      );
  return Math.max(1, Math.abs(evaluateDim(d, one)));
}
