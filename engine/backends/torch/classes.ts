/**
 * Joins functions into classes: drafts that differ in numbers only are one class, whose constructor takes what differs.
 * Callees come before callers, all functions of one call depth together, so that no two classes differ in constants only.
 */
import { must } from '../../base/errors.ts';
import type { Fn, ValueId } from '../../ir/program.ts';
import { align } from './align.ts';
import type { Attributes } from './attributes.ts';
import { chooseArguments, type ClassArguments, type Slot } from './arguments.ts';
import type { Bindings } from './bindings.ts';
import { ClassNames, type Features } from './classNames.ts';
import type { Start } from './construct.ts';
import { draftOf, holesIn, identityOf, skeleton, startsOf, type Draft, type DraftContext } from './draft.ts';
import { isInteger } from './holes.ts';
import type { Part, PartOf } from './parts.ts';
import type { Prepared } from './prepare.ts';
import { own, type Ident } from './python/identifiers.ts';
import {
  attribute,
  dotted,
  fillStatement,
  invoke,
  method,
  name,
  SELF,
  type ClassDef,
  type Def,
  type Expr,
  type Parameter,
  type Statement,
} from './python/syntax.ts';
import { sizesOf, type Sizes } from './sizes.ts';
import { Starts } from './starts.ts';

export interface ClassSet {
  /** In the order in which they can be defined. */
  readonly classes: readonly ClassDef[];
  readonly drafts: ReadonlyMap<string, Draft>;
  /** For the root, which is written apart. */
  readonly context: DraftContext;
}

export function classesOf(prepared: Prepared, bindings: Bindings, features: Features): ClassSet {
  const names = new ClassNames(features);
  const functions = new Map(prepared.functions);
  const sizes = new Map<string, Sizes>();
  const noises = new Map<string, ReadonlyMap<ValueId, string>>();
  const parts = new Map<string, Part>();
  const partOf: PartOf = (n) => must(parts.get(n), `part ${n}`);
  const drafts = new Map<string, Draft>();
  const classes: ClassDef[] = [];
  const sizesFor = (fn: Fn): Sizes =>
    sizesOf(fn, (n) => ({ fn: must(functions.get(n), n), sizes: must(sizes.get(n), `sizes of ${n}`) }));
  const context: DraftContext = {
    bindings,
    partOf,
    sizesOf: (n) => must(sizes.get(n), `sizes of ${n}`),
    noiseKey: (fn, noise) => noises.get(fn)?.get(noise),
  };
  for (const level of levelsOf(prepared)) {
    const aligned = align(level, (n) => JSON.stringify(partOf(n).className));
    for (const fn of aligned.functions) {
      functions.set(fn.name, fn);
      sizes.set(fn.name, sizesFor(fn));
    }
    for (const [fn, keys] of aligned.noises) noises.set(fn, keys);
    const made = aligned.functions.map((fn) => draftOf(fn, context));
    for (const d of made) drafts.set(d.fn.name, d);
    for (const group of groupsOf(made)) {
      const className = names.mint(must(group.members[0], 'a class has a member').fn);
      const { definition, args } = makeClass(group, className);
      classes.push(definition);
      group.members.forEach((d, i) => {
        parts.set(d.fn.name, { fn: d.fn, sizes: d.sizes, className: name(className), args: args.partArguments(i) });
      });
    }
  }
  sizes.set(prepared.root.name, sizesFor(prepared.root));
  return { classes, drafts, context };
}

/** Functions by call depth, without the root. */
function levelsOf(prepared: Prepared): readonly (readonly Fn[])[] {
  const depth = new Map<string, number>();
  const levels: Fn[][] = [];
  for (const fn of prepared.functions.values()) {
    const callees = fn.body.flatMap((i) => (i.kind === 'call' ? [i.fn] : i.kind === 'repeat' ? i.bodies : []));
    const d = callees.reduce((m, n) => Math.max(m, 1 + must(depth.get(n), n)), 0);
    depth.set(fn.name, d);
    if (fn.name !== prepared.root.name) (levels[d] ??= []).push(fn);
  }
  return levels.filter((l) => l !== undefined);
}

interface Group {
  readonly members: readonly Draft[];
  readonly starts: Starts;
}

/** Drafts with one skeleton whose tensors do not start in two different ways. */
function groupsOf(drafts: readonly Draft[]): Group[] {
  const groups: { readonly identity: string; readonly members: Draft[]; readonly starts: Map<string, Start> }[] = [];
  const text = (start: Start): string => skeleton([start.statements, start.fill], start.holes);
  for (const d of drafts) {
    const identity = identityOf(d);
    const agrees = (start: Start, known: Start | undefined): boolean => !known || text(known) === text(start);
    const fitting = groups.find(
      (g) => g.identity === identity && startsOf(d).every((s) => agrees(s, g.starts.get(s.tensor))),
    );
    const group = fitting ?? { identity, members: [], starts: new Map<string, Start>() };
    if (!fitting) groups.push(group);
    group.members.push(d);
    for (const start of startsOf(d)) if (!group.starts.has(start.tensor)) group.starts.set(start.tensor, start);
  }
  return groups.map((g) => ({ members: g.members, starts: new Starts(g.starts.values()) }));
}

/** The code of `__init__` and `forward`, with holes. */
interface Code {
  readonly init: readonly Statement[];
  readonly forward: readonly Statement[];
}

/** Statements that make the attributes of a draft and give its tensors their start. */
export function initCode(attributes: Attributes, starts: Starts): Statement[] {
  return attributes.constructions.flatMap(({ made }) => {
    const tensors = [...attributes.tensors.keys()].filter((t) => isTensorOf(t, made));
    return [withFill(made, tensors, starts), ...tensors.flatMap((t) => starts.statements(t))];
  });
}

const attributeName = (made: Statement): string => {
  const target = made.kind === 'assign' ? made.targets[0] : undefined;
  return target?.kind === 'attribute' ? target.name : '';
};
const isTensorOf = (tensor: string, made: Statement): boolean => tensor.split('.')[0] === attributeName(made);

/** `torch.empty` is written only where statements follow that fill it. */
function withFill(made: Statement, tensors: readonly string[], starts: Starts): Statement {
  if (made.kind !== 'assign' || made.value.kind !== 'call' || JSON.stringify(made.value.fn) !== PARAMETER) return made;
  const tensor = tensors[0] ?? '';
  const empty = made.value.args[0];
  if (empty?.kind !== 'call' || starts.statements(tensor).length > 0) return made;
  const filled: Expr = { ...empty, fn: dotted(starts.fill(tensor) ?? 'torch.zeros') };
  return { ...made, value: { ...made.value, args: [filled] } };
}
const PARAMETER = JSON.stringify(dotted('nn.Parameter'));

interface MadeClass {
  readonly definition: ClassDef;
  readonly args: ClassArguments;
}

function makeClass(group: Group, className: Ident): MadeClass {
  const member = must(group.members[0], 'a class has a member');
  const code = { init: initCode(member.attributes, group.starts), forward: member.body };
  const slots = slotsOf(group);
  const inForward = new Set(holesIn(code.forward));
  const args = chooseArguments({ members: group.members, slots, inForward, attributes: member.attributes.names });
  const definition = { ...classOf(member, code, args, className), doc: docOf(group.members, className) };
  return { definition, args };
}

/** The line of help, and apart from it equation and paper. */
function docOf(members: readonly Draft[], className: Ident): string {
  const docs = members.flatMap((m) => m.fn.origin?.doc ?? []);
  // A frozen source of a bank says less than the module that it is.
  const longest = docs.reduce((a, b) => (b.length > a.length ? b : a), '');
  return longest === '' ? `The function ${className}.` : longest.replace('\n', '\n\n');
}

/** The holes of the first member, each with what stands there in every member. */
function slotsOf(group: Group): readonly Slot[] {
  const first = must(group.members[0], 'a class has a member');
  const own = (m: Draft): readonly number[] => holesIn([...m.attributes.constructions.map((c) => c.made), ...m.body]);
  const orders = group.members.map(own);
  const places = new Map(own(first).map((hole, i) => [hole, i]));
  const all = [...new Set(holesIn([...initCode(first.attributes, group.starts), ...first.body]))];
  return all.map((hole) => {
    const place = places.get(hole);
    const holes = group.members.map((m, k) =>
      place === undefined
        ? must(group.starts.hole(hole, startsOf(m)), `hole ${hole}`)
        : must(m.holes[must(orders[k]?.[place], 'aligned holes')], `hole ${hole}`),
    );
    return { hole, holes, values: holes.map((h) => h.value) };
  });
}

/** A class from the code of its first member, with holes filled by arguments or numbers. */
function classOf(member: Draft, code: Code, args: ClassArguments, className: Ident): ClassDef {
  const values = args.stored.map((a): Statement => ({
    kind: 'assign',
    targets: [attribute(SELF, a.attribute)],
    value: name(a.name),
  }));
  const init = code.init.map((s) => fillStatement(s, (hole) => args.inInit(hole)));
  const forward = code.forward.map((s) => fillStatement(s, (hole) => args.inForward(hole)));
  const parameters = args.list.map((a): Parameter => ({
    name: a.name,
    annotation: dotted(isInteger(a.kind) ? 'int' : 'float'),
  }));
  const methods: Def[] = [];
  if (init.length + values.length > 0) methods.push(constructorOf(parameters, [...values, ...init]));
  methods.push({
    name: own('forward'),
    self: true,
    parameters: member.parameters,
    returns: member.returns,
    body: forward,
  });
  return { name: className, base: dotted('nn.Module'), doc: '', fields: [], methods };
}

export function constructorOf(parameters: readonly Parameter[], body: readonly Statement[]): Def {
  const start: Statement = { kind: 'expression', value: method(invoke('super', []), '__init__') };
  return { name: own('__init__'), self: true, parameters, returns: { kind: 'none' }, body: [start, ...body] };
}
