/**
 * The part of Python's syntax that the emitter writes, as plain data. Names are `Ident`, texts are `Literal`; there is no
 * other way for text to get into the output, except for `verbatim` blocks, which are constants of the emitter.
 */
import { own, type Ident } from './identifiers.ts';
import { numberLiteral, stringLiteral, type Literal } from './literals.ts';

export type BinaryOp = '+' | '-' | '*' | '/' | '@' | '&' | '|' | '==' | '!=' | '<' | 'in';

/** A number of the program that may be a constructor argument of the class instead of a literal; see `holes.ts`. */
export interface HoleRef {
  readonly kind: 'hole';
  readonly hole: number;
}

export type Expr =
  | HoleRef
  | { readonly kind: 'name'; readonly id: Ident }
  | { readonly kind: 'literal'; readonly text: Literal }
  | { readonly kind: 'attribute'; readonly of: Expr; readonly name: Ident }
  | {
      readonly kind: 'call';
      readonly fn: Expr;
      readonly args: readonly Expr[];
      readonly keywords: readonly (readonly [Ident, Expr])[];
    }
  | { readonly kind: 'index'; readonly of: Expr; readonly items: readonly Expr[] }
  | { readonly kind: 'slice'; readonly from: Expr | undefined; readonly to: Expr | undefined }
  | { readonly kind: 'binary'; readonly op: BinaryOp; readonly left: Expr; readonly right: Expr }
  | { readonly kind: 'unary'; readonly op: '-' | '~'; readonly x: Expr }
  | { readonly kind: 'conditional'; readonly test: Expr; readonly yes: Expr; readonly no: Expr }
  | { readonly kind: 'tuple'; readonly items: readonly Expr[] }
  | { readonly kind: 'list'; readonly items: readonly Expr[] }
  | { readonly kind: 'star'; readonly x: Expr }
  | { readonly kind: 'dict'; readonly items: readonly (readonly [Expr | undefined, Expr])[] }
  | { readonly kind: 'generator'; readonly item: Expr; readonly targets: readonly Ident[]; readonly over: Expr }
  | { readonly kind: 'none' }
  | { readonly kind: 'ellipsis' };

export type Statement =
  | {
      readonly kind: 'assign';
      readonly targets: readonly Expr[];
      readonly annotation?: Expr;
      readonly value: Expr;
    }
  | { readonly kind: 'return'; readonly value: Expr }
  | { readonly kind: 'expression'; readonly value: Expr }
  | { readonly kind: 'for'; readonly target: Expr; readonly over: Expr; readonly body: readonly Statement[] }
  | { readonly kind: 'ifNone'; readonly x: Expr; readonly body: readonly Statement[] }
  | { readonly kind: 'with'; readonly context: Expr; readonly body: readonly Statement[] };

export interface Parameter {
  readonly name: Ident;
  readonly annotation: Expr;
  readonly defaultValue?: Expr;
}

export interface Def {
  readonly name: Ident;
  readonly self: boolean;
  readonly parameters: readonly Parameter[];
  readonly returns: Expr;
  readonly doc?: string;
  readonly body: readonly Statement[];
}

export interface ClassDef {
  readonly name: Ident;
  readonly base: Expr;
  readonly doc: string;
  readonly fields: readonly Parameter[];
  readonly methods: readonly Def[];
}

export const name = (id: Ident | 'None'): Expr => (id === 'None' ? { kind: 'none' } : { kind: 'name', id });
/** A dotted name of the emitter's own: `torch.nn.init.zeros_`. */
export const dotted = (text: string): Expr => {
  const [first, ...rest] = text.split('.');
  return rest.reduce<Expr>((of, part) => attribute(of, own(part)), name(own(first ?? '')));
};
export const attribute = (of: Expr, id: Ident): Expr => ({ kind: 'attribute', of, name: id });
export const call = (fn: Expr, args: readonly Expr[], keywords: readonly (readonly [Ident, Expr])[] = []): Expr => ({
  kind: 'call',
  fn,
  args,
  keywords,
});
/** `x.method(args, key=value)` with a method name of the emitter's own. */
export const method = (
  x: Expr,
  id: string,
  args: readonly Expr[] = [],
  keywords: Readonly<Record<string, Expr>> = {},
): Expr =>
  call(
    attribute(x, own(id)),
    args,
    Object.entries(keywords).map(([k, v]) => [own(k), v] as const),
  );
/** `torch.fn(args, key=value)` with names of the emitter's own. */
export const invoke = (fn: string, args: readonly Expr[], keywords: Readonly<Record<string, Expr>> = {}): Expr =>
  call(
    dotted(fn),
    args,
    Object.entries(keywords).map(([k, v]) => [own(k), v] as const),
  );
export const binary = (op: BinaryOp, left: Expr, right: Expr): Expr => ({ kind: 'binary', op, left, right });
export const index = (of: Expr, ...items: readonly Expr[]): Expr => ({ kind: 'index', of, items });
export const slice = (from?: Expr, to?: Expr): Expr => ({ kind: 'slice', from, to });
export const tuple = (items: readonly Expr[]): Expr => ({ kind: 'tuple', items });
export const text = (value: string): Expr => ({ kind: 'literal', text: stringLiteral(value) });
export const integer = (value: number): Expr =>
  value < 0 ? { kind: 'unary', op: '-', x: integer(-value) } : { kind: 'literal', text: numberLiteral(value, 'int') };
export const float = (value: number): Expr =>
  value < 0 ? { kind: 'unary', op: '-', x: float(-value) } : { kind: 'literal', text: numberLiteral(value, 'float') };
export const NONE: Expr = { kind: 'none' };
export const TRUE: Expr = dotted('True');
export const ELLIPSIS: Expr = { kind: 'ellipsis' };
export const ALL: Expr = slice();
export const SELF: Expr = name(own('self'));
export const TENSOR: Expr = name(own('Tensor'));

/** The direct parts of an expression. */
export function partsOf(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case 'hole':
    case 'name':
    case 'literal':
    case 'none':
    case 'ellipsis':
      return [];
    case 'attribute':
      return [e.of];
    case 'call':
      return [e.fn, ...e.args, ...e.keywords.map(([, v]) => v)];
    case 'index':
      return [e.of, ...e.items];
    case 'slice':
      return [e.from, e.to].filter((x) => x !== undefined);
    case 'binary':
      return [e.left, e.right];
    case 'unary':
    case 'star':
      return [e.x];
    case 'conditional':
      return [e.yes, e.test, e.no];
    case 'tuple':
    case 'list':
      return e.items;
    case 'dict':
      return e.items.flatMap(([k, v]) => (k ? [k, v] : [v]));
    case 'generator':
      return [e.item, e.over];
  }
}

/** All expressions of a statement, outermost first. */
export function expressionsOf(s: Statement): readonly Expr[] {
  switch (s.kind) {
    case 'assign':
      return [...s.targets, ...(s.annotation ? [s.annotation] : []), s.value];
    case 'return':
    case 'expression':
      return [s.value];
    case 'for':
      return [s.target, s.over, ...s.body.flatMap(expressionsOf)];
    case 'ifNone':
      return [s.x, ...s.body.flatMap(expressionsOf)];
    case 'with':
      return [s.context, ...s.body.flatMap(expressionsOf)];
  }
}

/** Calls `visit` for every expression within `e`, `e` first. */
export function walk(e: Expr, visit: (e: Expr) => void): void {
  visit(e);
  for (const part of partsOf(e)) walk(part, visit);
}

/** The expression with every hole replaced. */
export function fill(e: Expr, value: (hole: number) => Expr): Expr {
  const go = (x: Expr): Expr => fill(x, value);
  switch (e.kind) {
    case 'hole':
      return value(e.hole);
    case 'name':
    case 'literal':
    case 'none':
    case 'ellipsis':
      return e;
    case 'attribute':
      return { ...e, of: go(e.of) };
    case 'call':
      return { ...e, fn: go(e.fn), args: e.args.map(go), keywords: e.keywords.map(([k, v]) => [k, go(v)] as const) };
    case 'index':
      return { ...e, of: go(e.of), items: e.items.map(go) };
    case 'slice':
      return { ...e, from: e.from && go(e.from), to: e.to && go(e.to) };
    case 'binary':
      return withoutNeutral({ ...e, left: go(e.left), right: go(e.right) });
    case 'unary':
    case 'star':
      return { ...e, x: go(e.x) };
    case 'conditional':
      return { ...e, test: go(e.test), yes: go(e.yes), no: go(e.no) };
    case 'tuple':
    case 'list':
      return { ...e, items: e.items.map(go) };
    case 'dict':
      return { ...e, items: e.items.map(([k, v]) => [k && go(k), go(v)] as const) };
    case 'generator':
      return { ...e, item: go(e.item), over: go(e.over) };
  }
}

/** The statement with every hole replaced. */
export function fillStatement(s: Statement, value: (hole: number) => Expr): Statement {
  const go = (x: Expr): Expr => fill(x, value);
  switch (s.kind) {
    case 'assign':
      return { ...s, targets: s.targets.map(go), value: go(s.value) };
    case 'return':
    case 'expression':
      return { ...s, value: go(s.value) };
    case 'for':
      return { ...s, target: go(s.target), over: go(s.over), body: s.body.map((b) => fillStatement(b, value)) };
    case 'ifNone':
      return { ...s, body: s.body.map((b) => fillStatement(b, value)) };
    case 'with':
      return { ...s, context: go(s.context), body: s.body.map((b) => fillStatement(b, value)) };
  }
}

/** The expression without a product with 1.0 or a sum with 0: numbers of a node that do nothing. */
function withoutNeutral(e: Expr): Expr {
  if (e.kind !== 'binary' || (e.op !== '*' && e.op !== '+')) return e;
  const neutral = e.op === '*' ? numberLiteral(1, 'float') : numberLiteral(0, 'int');
  const isNeutral = (x: Expr): boolean => x.kind === 'literal' && x.text === neutral;
  if (isNeutral(e.right)) return e.left;
  return isNeutral(e.left) ? e.right : e;
}

const FIXED: ReadonlySet<string> = new Set(['self', 'torch', 'functional', 'nn', 'math']);
const NAME_WIDTH = 8;

/**
 * About how many columns an expression takes. Names count the same whatever they are, and so do numbers: what becomes a
 * statement of its own must not depend on what things are called.
 */
export function widthOf(e: Expr): number {
  const sum = (parts: readonly Expr[]): number => parts.reduce((n, p) => n + widthOf(p) + 2, 0);
  switch (e.kind) {
    case 'name':
      return FIXED.has(e.id) ? e.id.length : NAME_WIDTH;
    case 'hole':
    case 'literal':
      return 3;
    case 'attribute':
      return widthOf(e.of) + 1 + NAME_WIDTH;
    case 'call':
      return widthOf(e.fn) + sum(e.args) + e.keywords.reduce((n, [, v]) => n + NAME_WIDTH + widthOf(v) + 3, 0);
    case 'binary':
      return widthOf(e.left) + widthOf(e.right) + 3;
    case 'index':
    case 'slice':
    case 'unary':
    case 'conditional':
    case 'tuple':
    case 'list':
    case 'star':
    case 'dict':
    case 'generator':
    case 'none':
    case 'ellipsis':
      return sum(partsOf(e));
  }
}
