/**
 * Holes: the numbers of a function's code. Two functions whose code differs in holes only are one class, and what differs
 * is an argument of its constructor. A hole remembers what kind of number it is and how it would be called.
 */
import type { HoleRef } from './python/syntax.ts';
import type { SizeId } from './sizes.ts';

export type HoleKind =
  /** A length of an axis. */
  | 'size'
  /** Number of heads, of keys of a prefix. */
  | 'count'
  | 'probability'
  | 'epsilon'
  /** A constant that a tensor is multiplied by. */
  | 'factor'
  /** Any other number of the equations, and of initial values. */
  | 'number'
  | 'integer';

export const isInteger = (kind: HoleKind): boolean => kind === 'size' || kind === 'count' || kind === 'integer';

export interface Hole {
  readonly kind: HoleKind;
  readonly value: number;
  /** What it would be called as an argument. */
  readonly hint: string;
  /** Of a size: which one, so that equal sizes share an argument. */
  readonly size?: SizeId;
  /** Set where the hole is an argument of a part, by its name there. */
  readonly ofPart?: string;
}

/** The holes of one function, in the order in which its code was written. */
export class Holes {
  readonly #list: Hole[] = [];

  add(hole: Hole): HoleRef {
    return { kind: 'hole', hole: this.#list.push(hole) - 1 };
  }

  get list(): readonly Hole[] {
    return this.#list;
  }
}
