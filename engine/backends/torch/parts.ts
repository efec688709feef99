/** What the writer of a function is told of the classes that its calls have become. */
import type { Fn } from '../../ir/program.ts';
import type { HoleKind } from './holes.ts';
import type { Expr } from './python/syntax.ts';
import type { Ident } from './python/identifiers.ts';
import type { SizeId, Sizes } from './sizes.ts';

/** An argument of a class's constructor, with the value that one function of the class needs. */
export interface PartArgument {
  readonly name: Ident;
  readonly kind: HoleKind;
  readonly value: number;
  /** Of a size: which size of that function. */
  readonly size?: SizeId;
}

/** A function as its callers see it: a class and the arguments to construct it with. */
export interface Part {
  readonly fn: Fn;
  readonly sizes: Sizes;
  readonly className: Expr;
  readonly args: readonly PartArgument[];
}

export type PartOf = (fn: string) => Part;
