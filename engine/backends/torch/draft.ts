/** One function as the code of a class with holes: what `classes.ts` compares and joins. */
import { must } from '../../base/errors.ts';
import type { Fn, FnParam, ValueId } from '../../ir/program.ts';
import { attributesOf, type Attributes } from './attributes.ts';
import type { AttributeContext } from './context.ts';
import type { Bindings } from './bindings.ts';
import type { Construction, Start } from './construct.ts';
import { ForwardWriter } from './forward.ts';
import { Holes, type Hole } from './holes.ts';
import { partsOfPath } from './naming.ts';
import type { PartOf } from './parts.ts';
import {
  dotted,
  expressionsOf,
  index,
  name,
  TENSOR,
  tuple,
  walk,
  type Expr,
  type Parameter,
  type Statement,
} from './python/syntax.ts';
import type { Sizes } from './sizes.ts';

export interface Draft {
  readonly fn: Fn;
  readonly sizes: Sizes;
  readonly holes: readonly Hole[];
  readonly attributes: Attributes;
  readonly parameters: readonly Parameter[];
  readonly body: readonly Statement[];
  readonly returns: Expr;
}

export interface DraftContext {
  readonly bindings: Bindings;
  readonly partOf: PartOf;
  sizesOf(fn: string): Sizes;
  /** The name of a noise's probability, where functions of one form share it. */
  noiseKey(fn: string, noise: ValueId): string | undefined;
}

export const attributeContext = (fn: Fn, holes: Holes, c: DraftContext): AttributeContext => ({
  fn,
  sizes: c.sizesOf(fn.name),
  holes,
  bindings: c.bindings,
  partOf: c.partOf,
  noiseKey: (noise) => c.noiseKey(fn.name, noise),
});

export function draftOf(fn: Fn, c: DraftContext): Draft {
  const holes = new Holes();
  const context = attributeContext(fn, holes, c);
  const attributes = attributesOf(context);
  const writer = new ForwardWriter(
    context,
    attributes,
    fn.results.map((r) => r.id),
  );
  const inputs = fn.params.filter((p) => p.role === 'input');
  const parameters = inputs.map((p): Parameter => {
    const id = writer.names.mint(inputName(p, inputs));
    writer.bind(p.id, name(id));
    return { name: id, annotation: TENSOR };
  });
  writer.write(fn.body);
  const values = fn.results.map((r) => writer.read(r.id));
  const value = values.length === 1 ? must(values[0], 'a result') : tuple(values);
  const body: Statement[] = [...writer.statements, { kind: 'return', value }];
  const returns = values.length === 1 ? TENSOR : index(dotted('tuple'), ...values.map(() => TENSOR));
  return { fn, sizes: context.sizes, holes: holes.list, attributes, parameters, body, returns };
}

/** The last part of a port's path; the whole of it where that is not its own. */
export function inputName(p: FnParam, among: readonly FnParam[]): string {
  const last = (q: FnParam): string => partsOfPath(q.name).at(-1) ?? q.name;
  return among.filter((q) => last(q) === last(p)).length === 1 ? last(p) : p.name;
}

/** The numbers of the holes of some statements, in the order of the code. */
export function holesIn(statements: readonly Statement[]): number[] {
  const found: number[] = [];
  for (const s of statements) {
    for (const e of expressionsOf(s)) walk(e, (x) => void (x.kind === 'hole' && found.push(x.hole)));
  }
  return found;
}

/** The code with every hole reduced to its kind: equal skeletons are one class. */
export function skeleton(value: unknown, holes: readonly Hole[]): string {
  return JSON.stringify(value, (_key, x: unknown) => {
    if (typeof x !== 'object' || x === null || (x as { kind?: unknown }).kind !== 'hole') return x;
    return `hole:${must(holes[(x as { hole: number }).hole], 'a hole').kind}`;
  });
}

/** What makes two drafts code of one class: everything but numbers and the way in which tensors start. */
export const identityOf = (d: Draft): string =>
  skeleton([d.attributes.constructions.map((c: Construction) => c.made), d.parameters, d.body], d.holes);

export const startsOf = (d: Draft): readonly Start[] => d.attributes.constructions.flatMap((c) => c.starts);
