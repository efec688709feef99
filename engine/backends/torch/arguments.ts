/**
 * Which numbers of a class become arguments of its constructor, and what they are called. Arguments are: every number that
 * differs between the functions of the class, sizes of what flows through it, numbers of heads, probabilities; and for
 * the class of a node also its scale and what its own parameters name. All other numbers are literals.
 */
import { must } from '../../base/errors.ts';
import type { FnOrigin, ValueId } from '../../ir/program.ts';
import type { Draft } from './draft.ts';
import { isInteger, type Hole } from './holes.ts';
import type { PartArgument } from './parts.ts';
import { Namer, type Ident } from './python/identifiers.ts';
import { attribute, binary, float, integer, name, SELF, type Expr } from './python/syntax.ts';

/** One hole of the first member, with what stands there in every member. */
export interface Slot {
  readonly hole: number;
  readonly holes: readonly Hole[];
  readonly values: readonly number[];
}

export interface ClassArgument {
  readonly name: Ident;
  readonly kind: Hole['kind'];
}

export interface ClassArguments {
  readonly list: readonly ClassArgument[];
  /** Arguments that the forward code reads, and the attributes that keep them. */
  readonly stored: readonly { readonly name: Ident; readonly attribute: Ident }[];
  inInit(hole: number): Expr;
  inForward(hole: number): Expr;
  /** The arguments as the member of this number needs them. */
  partArguments(member: number): readonly PartArgument[];
}

export interface ArgumentRequest {
  readonly members: readonly Draft[];
  readonly slots: readonly Slot[];
  /** Holes of the forward code. */
  readonly inForward: ReadonlySet<number>;
  readonly attributes: readonly Ident[];
}

/** Holes that are one number. */
interface Variable {
  readonly slots: readonly Slot[];
  readonly kind: Hole['kind'];
  readonly values: readonly number[];
  readonly place: Place;
}

/** Where a size is seen: at inputs, at results, at values in between, or at weights only. */
interface Place {
  readonly input: boolean;
  readonly result: boolean;
  /** At the last axis of a result: a width, not a number of rows. */
  readonly lastOfResult: boolean;
  readonly flows: boolean;
}

export function chooseArguments(request: ArgumentRequest): ClassArguments {
  const first = must(request.members[0], 'a class has a member');
  const origins = request.members.map((m) => m.fn.origin);
  const isNode = Object.keys(first.fn.origin?.args ?? {}).length > 0;
  const separate = variablesOf(request.slots, first, isNode);
  const { variables, names } = joinNamed(separate, matchNodeParameters(separate, origins, first), first, isNode);
  const chosen = variables.filter((v) => isArgument(v, isNode, names.has(v)));
  const derived = isNode ? derivedOf(chosen, names) : new Map<Variable, Derived>();
  const kept = chosen.filter((v) => !derived.has(v));
  const named = nameVariables(kept, names, first, isNode);
  const locals = new Map(named.map((a) => [a.variable, a.name]));
  const attributes = new Namer('attribute', request.attributes);
  const stored = named
    .filter((a) => usesInForward(a.variable, derived, request.inForward))
    .map((a) => ({ variable: a.variable, name: a.name, attribute: attributes.mint(a.name) }));
  const keepers = new Map(stored.map((s) => [s.variable, s.attribute]));
  const byHole = new Map(variables.flatMap((v) => v.slots.map((s) => [s.hole, v] as const)));
  const resolve = (hole: number, read: (v: Variable) => Expr): Expr => {
    const v = must(byHole.get(hole), `hole ${hole}`);
    const d = derived.get(v);
    if (d) return binary('*', integer(d.factor), read(d.of));
    if (locals.has(v)) return read(v);
    const value = must(v.values[0], 'a value');
    return isInteger(v.kind) ? integer(value) : float(value);
  };
  return {
    list: named.map((a) => ({ name: a.name, kind: a.variable.kind })),
    stored: stored.map((s) => ({ name: s.name, attribute: s.attribute })),
    inInit: (hole) => resolve(hole, (v) => name(must(locals.get(v), 'a name'))),
    inForward: (hole) => resolve(hole, (v) => attribute(SELF, must(keepers.get(v), 'an attribute'))),
    partArguments: (member) =>
      named.map(({ name: n, variable }): PartArgument => {
        const size = variable.slots.map((s) => s.holes[member]?.size).find((s) => s !== undefined);
        return {
          name: n,
          kind: variable.kind,
          value: must(variable.values[member], 'a value'),
          ...(size === undefined ? {} : { size }),
        };
      }),
  };
}

const varies = (values: readonly number[]): boolean => values.some((v) => v !== values[0]);

function isArgument(v: Variable, isNode: boolean, isNamed: boolean): boolean {
  if (varies(v.values) || isNamed) return true;
  const ofPart = v.slots.every((s) => s.holes[0]?.ofPart !== undefined);
  switch (v.kind) {
    case 'size':
      // A width of 1 and a number of rows that nothing shows belong to the equation.
      return v.values[0] !== 1 && (isNode ? v.place.input || v.place.result : v.place.flows);
    case 'count':
    case 'probability':
      return !ofPart;
    case 'factor':
      return isNode;
    case 'epsilon':
    case 'number':
    case 'integer':
      return false;
  }
}

/** Slots of one size, of one number under one name, or of one argument of parts. */
function variablesOf(slots: readonly Slot[], first: Draft, isNode: boolean): Variable[] {
  const groups = new Map<string, Slot[]>();
  for (const slot of slots) {
    const hole = must(slot.holes[0], 'a hole');
    const key = `${identityOf(hole, placeOf(hole, first), isNode)}:${slot.values.join()}`;
    groups.set(key, [...(groups.get(key) ?? []), slot]);
  }
  return [...groups.values()].map((group) => {
    const slot = must(group[0], 'a slot');
    const hole = must(slot.holes[0], 'a hole');
    return { slots: group, kind: hole.kind, values: slot.values, place: placeOf(hole, first) };
  });
}

/** Holes of one identity are one variable where their numbers agree in all functions of the class. */
function identityOf(hole: Hole, place: Place, isNode: boolean): string {
  // Widths of what flows through a layer go by one name; a node may have several.
  if (hole.size !== undefined && place.flows) return isNode ? `size:${hole.size}` : 'width';
  if (hole.ofPart !== undefined) return `part:${hole.ofPart}`;
  if (hole.size !== undefined) return `size:${hole.size}`;
  const isOneOfItsKind = hole.kind === 'probability' || hole.kind === 'count' || hole.kind === 'factor';
  return isOneOfItsKind ? hole.kind : `${hole.kind}:${hole.hint}`;
}

function placeOf(hole: Hole, d: Draft): Place {
  const { size } = hole;
  if (size === undefined) return { input: false, result: false, lastOfResult: false, flows: false };
  const weights = new Set(d.fn.params.filter((p) => p.role !== 'input').map((p) => p.id));
  const has = (id: ValueId): boolean =>
    (d.fn.values.get(id)?.type.shape ?? []).some((_, axis) => d.sizes.of(id, axis) === size);
  return {
    input: d.fn.params.some((p) => p.role === 'input' && has(p.id)),
    result: d.fn.results.some((r) => has(r.id)),
    lastOfResult: d.fn.results.some((r) => d.sizes.of(r.id, rankOf(d, r.id) - 1) === size),
    flows: [...d.fn.values.keys()].some((id) => !weights.has(id) && isMade(d, id) && has(id)),
  };
}

const rankOf = (d: Draft, id: ValueId): number => d.fn.values.get(id)?.type.shape.length ?? 0;

const isMade = (d: Draft, id: ValueId): boolean =>
  d.fn.params.some((p) => p.id === id) || d.fn.body.some((i) => i.outputs.includes(id));

/** Names from the parameters of the node, each given to one variable: by equal values, by kind, and by how well they fit. */
function matchNodeParameters(
  variables: readonly Variable[],
  origins: readonly (FnOrigin | undefined)[],
  first: Draft,
): Map<Variable, string> {
  const candidates: { v: Variable; key: string; score: number }[] = [];
  for (const v of variables) {
    for (const key of Object.keys(origins[0]?.args ?? {})) {
      const equal = v.values.every((value, i) => origins[i]?.args[key] === value);
      const score = equal ? fitness(key, v, first) : 0;
      if (score > 0) candidates.push({ v, key, score });
    }
  }
  candidates.sort((a, b) => b.score - a.score);
  const names = new Map<Variable, string>();
  const taken = new Set<string>();
  for (const { v, key } of candidates) {
    if (names.has(v) || taken.has(key)) continue;
    names.set(v, key);
    taken.add(key);
  }
  return names;
}

/** A size without a name joins one that has its numbers under a name which fits it too: keys and values of one width. */
function joinNamed(
  separate: readonly Variable[],
  names: ReadonlyMap<Variable, string>,
  first: Draft,
  isNode: boolean,
): { readonly variables: readonly Variable[]; readonly names: ReadonlyMap<Variable, string> } {
  const joins = new Map<Variable, Variable>();
  for (const v of separate) {
    if (v.kind !== 'size' || names.has(v) || v.place.input) continue;
    const into = [...names].find(
      ([o, key]) =>
        o.kind === 'size' &&
        o.values.join() === v.values.join() &&
        fitness(key, v, first) > 0 &&
        (!v.place.lastOfResult || /^(?:width|out)/i.test(key)),
    );
    if (into) joins.set(v, into[0]);
  }
  // Sizes that no parameter of the node names are one where they are the same number everywhere.
  const open = separate.filter((v) => v.kind === 'size' && v.place.flows && !names.has(v) && !joins.has(v) && isNode);
  open.forEach((v, i) => {
    const earlier = open.slice(0, i).find((o) => !joins.has(o) && o.values.join() === v.values.join());
    if (earlier) joins.set(v, earlier);
  });
  const joined = new Map<Variable, Variable>();
  for (const v of separate) {
    if (joins.has(v)) continue;
    const all = [v, ...separate.filter((o) => joins.get(o) === v)];
    joined.set(v, { ...v, slots: all.flatMap((o) => o.slots), place: merged(all) });
  }
  const renamed = [...names].map(([v, key]) => [must(joined.get(v), 'a variable'), key] as const);
  return { variables: [...joined.values()], names: new Map(renamed) };
}

const merged = (list: readonly Variable[]): Place => ({
  input: list.some((v) => v.place.input),
  result: list.some((v) => v.place.result),
  lastOfResult: list.some((v) => v.place.lastOfResult),
  flows: list.some((v) => v.place.flows),
});

/** How well the name of a node's parameter says what a variable is; 0 where it cannot be meant. */
function fitness(key: string, v: Variable, first: Draft): number {
  const word = key.toLowerCase();
  switch (v.kind) {
    case 'size': {
      if (/alpha|scale|epsilon|dropout|position$|std|layer/.test(word)) return 0;
      const weights = first.fn.params.filter(
        (p) =>
          p.role !== 'input' &&
          v.slots.some((s) => s.holes[0]?.size !== undefined && first.sizes.of(p.id, 0) === s.holes[0].size),
      );
      const stem = word.replace(/s$/, '').slice(0, 5);
      if (weights.some((p) => p.name.toLowerCase().includes(stem))) return 4;
      if (/^out/.test(word)) return v.place.result ? 3 : 0;
      if (/^in[^i]/.test(word)) return v.place.input && !v.place.result ? 3 : 0;
      if (word === 'width') return v.place.flows ? 3 : 1;
      return v.place.input || (v.place.result && word !== 'outputs') ? 1 : 2;
    }
    case 'count':
      return word === 'heads' ? 3 : 0;
    case 'probability':
      return /dropout|^p$/.test(word) ? 3 : 0;
    case 'epsilon':
      return /eps/.test(word) ? 3 : 0;
    case 'factor':
      return /scale/.test(word) ? 3 : 0;
    case 'integer':
      return /position|size|offset/.test(word) && must(v.values[0], 'a value') > 1 ? 1 : 0;
    case 'number':
      return word === v.slots[0]?.holes[0]?.hint ? 2 : 0;
  }
}

interface Derived {
  readonly of: Variable;
  readonly factor: number;
}

/** Sizes that are twice (to four times) another one and are seen neither at inputs nor at results. */
function derivedOf(variables: readonly Variable[], names: ReadonlyMap<Variable, string>): Map<Variable, Derived> {
  const derived = new Map<Variable, Derived>();
  for (const v of variables) {
    if (v.kind !== 'size' || names.has(v) || v.place.input || v.place.result) continue;
    for (const of of variables) {
      const factor = must(v.values[0], 'a value') / must(of.values[0], 'a value');
      const fits =
        of !== v &&
        of.kind === 'size' &&
        [2, 3, 4].includes(factor) &&
        v.values.every((x, i) => x === factor * (of.values[i] as number));
      if (fits && !derived.has(of)) derived.set(v, { of, factor });
    }
  }
  return derived;
}

const usesInForward = (
  v: Variable,
  derived: ReadonlyMap<Variable, Derived>,
  inForward: ReadonlySet<number>,
): boolean => {
  const read = (x: Variable): boolean => x.slots.some((s) => inForward.has(s.hole));
  return read(v) || [...derived].some(([x, d]) => d.of === v && read(x));
};

function nameVariables(
  variables: readonly Variable[],
  names: ReadonlyMap<Variable, string>,
  first: Draft,
  isNode: boolean,
): { readonly variable: Variable; readonly name: Ident }[] {
  const namer = new Namer('local', ['self']);
  const wishes = variables.map((v) => ({ variable: v, wish: names.get(v) ?? placeName(v, variables, isNode) }));
  const order = Object.keys(first.fn.origin?.args ?? {});
  /** What goes in, what comes out, the node's own parameters in their order, then the rest: sizes before scalars. */
  const rank = (v: Variable, wish: string): number => {
    if (v.kind === 'size' && !names.has(v) && v.place.input) return 0;
    if (v.kind === 'size' && /^out_?features$/i.test(wish)) return 1;
    const own = order.indexOf(names.get(v) ?? '');
    if (own >= 0) return 2 + own / order.length;
    return v.kind === 'size' ? 3 : v.kind === 'count' ? 4 : 5;
  };
  const ordered = [...wishes].sort((a, b) => rank(a.variable, a.wish) - rank(b.variable, b.wish));
  return ordered.map(({ variable, wish }) => ({ variable, name: namer.mint(wish) }));
}

function placeName(v: Variable, among: readonly Variable[], isNode: boolean): string {
  const hole = must(v.slots[0]?.holes[0], 'a hole');
  if (v.kind === 'size' && v.place.input && v.place.result) return 'width';
  if (v.kind === 'size' && isNode && v.place.input) return 'in_features';
  if (v.kind === 'size' && isNode && v.place.result) return 'out_features';
  const part = hole.ofPart;
  if (part === undefined || (v.kind === 'size' && v.place.flows)) return hole.hint;
  const isOther = (o: Variable): boolean =>
    o.slots.some((s) => s.holes[0]?.ofPart === part || s.holes[0]?.hint === part);
  return among.some((o) => o !== v && isOther(o)) ? sharedHint(v, part) : part;
}

/** `houlsby_dropout` for the dropout of `houlsby_attn` and of `houlsby_ffn`. */
function sharedHint(v: Variable, part: string): string {
  const hints = v.slots.map((s) => s.holes[0]?.hint ?? part);
  const first = must(hints[0], 'a hint');
  if (hints.every((h) => h === first)) return first;
  const words = first.split('_');
  const common = words.findIndex((w, i) => hints.some((h) => h.split('_')[i] !== w));
  return [...words.slice(0, common), part].join('_');
}

/** The number itself, where there are no arguments. */
export const literalOf = ({ kind, value }: Hole): Expr => (isInteger(kind) ? integer(value) : float(value));
