/** What the pieces of a class are made from, shared by the files that make them. */
import { must } from '../../base/errors.ts';
import type { Fn, ValueId } from '../../ir/program.ts';
import type { Bindings } from './bindings.ts';
import type { Construction } from './construct.ts';
import type { Holes } from './holes.ts';
import type { Wish } from './naming.ts';
import type { Part, PartOf } from './parts.ts';
import type { Ident } from './python/identifiers.ts';
import type { Expr } from './python/syntax.ts';
import type { Sizes } from './sizes.ts';

export interface AttributeContext {
  readonly fn: Fn;
  readonly sizes: Sizes;
  readonly holes: Holes;
  readonly bindings: Bindings;
  readonly partOf: PartOf;
  noiseKey(noise: ValueId): string | undefined;
}

/** An attribute in the making. */
export interface Entry {
  readonly key: string;
  /** Position of the first use: attributes stand in the order in which they are used. */
  readonly order: number;
  readonly wish: Wish;
  make(name: Ident): Construction;
}

/** The hole for an argument of a part; a size is followed to the size of this function that it is. */
export function argumentHole(
  c: AttributeContext,
  part: Part,
  arg: Part['args'][number],
  inputs: readonly ValueId[],
  attributeName: string,
): Expr {
  const size = arg.size === undefined ? undefined : sizeOutside(c, part, arg.size, inputs);
  return c.holes.add({
    kind: arg.kind,
    value: arg.value,
    hint: `${attributeName}_${arg.name}`,
    ofPart: arg.name,
    ...(size === undefined ? {} : { size }),
  });
}

function sizeOutside(c: AttributeContext, part: Part, size: number, inputs: readonly ValueId[]): number | undefined {
  for (const [i, p] of part.fn.params.entries()) {
    const shape = must(part.fn.values.get(p.id), p.name).type.shape;
    for (let axis = 0; axis < shape.length; axis++) {
      if (part.sizes.of(p.id, axis) !== size) continue;
      const outside = inputs[i];
      return outside === undefined ? undefined : c.sizes.of(outside, axis);
    }
  }
  return undefined;
}
