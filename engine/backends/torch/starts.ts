/**
 * How the tensors of a class start. The statements are shared by the functions of a class, of which some may be frozen and
 * have none; their holes are therefore counted apart from those of the other code.
 */
import { must } from '../../base/errors.ts';
import type { Start } from './construct.ts';
import type { Hole } from './holes.ts';
import { fillStatement, type Statement } from './python/syntax.ts';

/** Above every number that a hole of other code has. */
const BASE = 1_000_000;

export class Starts {
  readonly #placed = new Map<string, { readonly start: Start; readonly offset: number }>();
  #next = BASE;

  constructor(starts: Iterable<Start>) {
    for (const start of starts) {
      if (this.#placed.has(start.tensor)) continue;
      this.#placed.set(start.tensor, { start, offset: this.#next });
      this.#next += start.holes.length;
    }
  }

  /** The statements for a tensor, with holes numbered among all starts. */
  statements(tensor: string): readonly Statement[] {
    const placed = this.#placed.get(tensor);
    if (!placed) return [];
    return placed.start.statements.map((s) =>
      fillStatement(s, (hole) => ({ kind: 'hole', hole: hole + placed.offset })),
    );
  }

  fill(tensor: string): Start['fill'] {
    return this.#placed.get(tensor)?.start.fill;
  }

  /** The hole of this number in the starts of one function; that of the function that has it where this one is frozen. */
  hole(number: number, own: readonly Start[]): Hole | undefined {
    for (const [tensor, { start, offset }] of this.#placed) {
      const local = number - offset;
      if (local < 0 || local >= start.holes.length) continue;
      const mine = own.find((s) => s.tensor === tensor);
      return must((mine ?? start).holes[local], `hole ${local} of ${tensor}`);
    }
    return undefined;
  }
}
