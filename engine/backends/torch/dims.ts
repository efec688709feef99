/** Run-time values of symbolic dimensions: read off the shape of an input, or computed from those that can be. */
import { must } from '../../base/errors.ts';
import { isStatic, parseDim, type Dim } from '../../ir/dim.ts';
import type { Shape } from '../../ir/types.ts';
import { own } from './python/identifiers.ts';
import { attribute, binary, index, integer, type Expr } from './python/syntax.ts';

export interface SizedInput {
  readonly shape: Shape;
  readonly expr: Expr;
}

/** `x.shape[1]` of the first input that has the dimension as it stands, else a sum of products of such. */
export function dimExpression(d: Dim, inputs: readonly SizedInput[], number: (value: number) => Expr): Expr {
  const found = axisWith(d, inputs);
  if (found) return found;
  if (isStatic(d)) return number(d);
  const terms = [...d.matchAll(/([+-]?)([^+-]+)/g)].map(([, sign, body]) => ({
    negative: sign === '-',
    body: body ?? '',
  }));
  return terms.reduce<Expr | undefined>((sum, { negative, body }) => {
    const term = product(body, inputs, number);
    if (!sum) return negative ? { kind: 'unary', op: '-', x: term } : term;
    return binary(negative ? '-' : '+', sum, term);
  }, undefined) as Expr;
}

function product(body: string, inputs: readonly SizedInput[], number: (value: number) => Expr): Expr {
  const factors = body.split('*').map((f) => parseDim(f));
  // A lone symbol that no input has as an axis cannot be computed: the Program would not have compiled.
  const exprs = factors.map(
    (f) => axisWith(f, inputs) ?? number(must(isStatic(f) ? f : undefined, `an input has the axis ${String(f)}`)),
  );
  return exprs.reduce((a, b) => binary('*', a, b));
}

function axisWith(d: Dim, inputs: readonly SizedInput[]): Expr | undefined {
  if (d === 1) return integer(1);
  for (const { shape, expr } of inputs) {
    const axis = shape.indexOf(d);
    if (axis >= 0) return index(attribute(expr, own('shape')), integer(axis));
  }
  return undefined;
}
