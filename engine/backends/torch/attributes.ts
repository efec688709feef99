/**
 * The attributes of a function's class: modules of its weights, of the functions it calls, of its stacks, dropouts and
 * attentions, with their names and the statements of `__init__` that make them. What the forward code may refer to is
 * looked up here.
 */
import { must } from '../../base/errors.ts';
import type { CallInstr, Fn, Instr, OpInstr, RepeatInstr, ValueId } from '../../ir/program.ts';
import { construct, type Construction } from './construct.ts';
import { argumentHole, type AttributeContext, type Entry } from './context.ts';
import { weightModules, type WeightModule } from './modules.ts';
import { endsOf, nameAttributes, partsOfPath, type Wish } from './naming.ts';
import { attentionKey, attentionsOf, dropoutsOf } from './noiseModules.ts';
import type { PartOf } from './parts.ts';
import { own, type Ident } from './python/identifiers.ts';
import { attribute, call, SELF, type Expr, type Statement } from './python/syntax.ts';
import { constructStack, stackKey, stacksOf, type StackList } from './stacks.ts';

/** A part of a class: where it lies, which function it is, and what the function's parameters are bound to. */
export interface Child {
  readonly path: string;
  readonly fn: string;
  readonly inputs: readonly ValueId[];
}

export interface Attributes {
  readonly constructions: readonly Construction[];
  /** Tensors of this class itself: attribute path to the function's parameter. */
  readonly tensors: ReadonlyMap<string, ValueId>;
  readonly children: readonly Child[];
  readonly names: readonly Ident[];
  /** The tensor of a weight of this class. */
  weight(id: ValueId): Expr | undefined;
  linear(weight: ValueId): { readonly self: Expr; readonly bias: ValueId | undefined } | undefined;
  norm(gamma: ValueId): { readonly self: Expr; readonly beta: ValueId; readonly epsilon: number } | undefined;
  embedding(table: ValueId): Expr | undefined;
  called(instr: CallInstr): Expr;
  stack(instr: RepeatInstr): { readonly self: Expr; readonly list: StackList };
  /** The dropout module that a noise value belongs to. */
  dropout(noise: ValueId): Expr | undefined;
  attention(instr: OpInstr): Expr;
}

export function attributesOf(c: AttributeContext): Attributes {
  const { fn } = c;
  const modules = weightModules(ownWeights(c), c.bindings);
  const calls = callGroups(c);
  const stacks = stacksOf(fn);
  const dropouts = dropoutsOf(c);
  const starts = { ...c, initOf: initOf(c) };
  const entries: Entry[] = [
    ...modules.map((m): Entry => ({
      key: m.key,
      order: firstUse(fn, m),
      wish: m.wish,
      make: (name) => construct(m, name, starts),
    })),
    ...calls.map((g): Entry => ({
      key: g.key,
      order: g.order,
      wish: g.wish,
      make: (name) => ({ made: constructCall(g, name, c), starts: [] }),
    })),
    ...stacks.map((s): Entry => ({
      key: s.key,
      order: s.order,
      wish: s.wish,
      make: (name) => ({ made: constructStack(s, name, c), starts: [] }),
    })),
    ...dropouts.entries,
    ...attentionsOf(c),
  ];
  entries.sort((a, b) => a.order - b.order);
  const names = nameAttributes(entries.map((e) => e.wish));
  const nameOf = (key: string): Ident => must(names.get(key), `attribute ${key}`);
  const self = (key: string): Expr => attribute(SELF, nameOf(key));
  const owners = new Map(modules.flatMap((m) => [...m.tensors].map(([part, p]) => [p.id, { m, part }] as const)));
  const moduleOf = (id: ValueId, kind: WeightModule['kind']): WeightModule | undefined => {
    const found = owners.get(id);
    return found?.m.kind === kind && found.part === 'weight' ? found.m : undefined;
  };
  const callKeys = new Map(calls.flatMap((g) => g.calls.map((i) => [i, g.key] as const)));
  const tensorPath = (m: WeightModule, part: string): string =>
    part === '' ? nameOf(m.key) : `${nameOf(m.key)}.${part}`;
  return {
    constructions: entries.map((e) => e.make(nameOf(e.key))),
    tensors: new Map([...owners].map(([id, { m, part }]) => [tensorPath(m, part), id] as const)),
    children: [
      ...calls.map((g) => childOfCall(g, nameOf(g.key))),
      ...stacks.flatMap((s) => childrenOfStack(s, nameOf(s.key))),
    ],
    names: [...names.values()],
    weight: (id) => {
      const found = owners.get(id);
      return found && (found.part === '' ? self(found.m.key) : attribute(self(found.m.key), own(found.part)));
    },
    linear: (id) => {
      const m = moduleOf(id, 'linear');
      return m && { self: self(m.key), bias: m.tensors.get('bias')?.id };
    },
    norm: (id) => {
      const m = moduleOf(id, 'layerNorm');
      return (
        m && { self: self(m.key), beta: must(m.tensors.get('bias'), 'a norm has a shift').id, epsilon: m.epsilon ?? 0 }
      );
    },
    embedding: (id) => {
      const m = moduleOf(id, 'embedding');
      return m && self(m.key);
    },
    called: (instr) => self(must(callKeys.get(instr), `call ${instr.site}`)),
    stack: (instr) => {
      const key = stackKey(fn, instr);
      return {
        self: self(key),
        list: must(
          stacks.find((s) => s.key === key),
          key,
        ),
      };
    },
    dropout: (noise) => {
      const key = dropouts.keys.get(noise);
      return key === undefined ? undefined : self(key);
    },
    attention: (instr) => self(attentionKey(fn, instr)),
  };
}

const childOfCall = (g: CallGroup, path: Ident): Child => ({ path, fn: g.calls[0].fn, inputs: g.calls[0].inputs });

function childrenOfStack(s: StackList, path: Ident): Child[] {
  const layers = s.shared ? s.layers.slice(0, 1) : s.layers;
  return layers.map((l, i) => ({ path: s.shared ? path : `${path}.${i}`, fn: l.fn, inputs: l.inputs }));
}

/** The function with only those weights that its own ops read, or that it hands on as data. */
function ownWeights(c: AttributeContext): Fn {
  const read = new Set<ValueId>();
  for (const instr of c.fn.body) for (const id of dataOf(instr, c.partOf)) read.add(id);
  for (const r of c.fn.results) read.add(r.id);
  return { ...c.fn, params: c.fn.params.filter((p) => p.role === 'input' || read.has(p.id)) };
}

/** What an instruction reads as data, that is, not as the weight of a part. */
export function dataOf(instr: Instr, partOf: PartOf): readonly ValueId[] {
  if (instr.kind === 'op') return instr.inputs;
  if (instr.kind === 'repeat') return [...instr.carry, ...instr.broadcast];
  const { fn } = partOf(instr.fn);
  return instr.inputs.filter((_, i) => fn.params[i]?.role === 'input');
}

const initOf = (c: AttributeContext) => (p: { readonly id: ValueId }) =>
  c.bindings.of(c.fn.name, p.id).find((entry) => entry.role === 'trainable')?.init;

function firstUse(fn: Fn, m: WeightModule): number {
  const ids = [...m.tensors.values()].map((p) => p.id);
  return fn.body.findIndex((i) =>
    (i.kind === 'repeat' ? [...i.carry, ...i.broadcast] : i.inputs).some((id) => ids.includes(id)),
  );
}

interface CallGroup {
  readonly key: string;
  readonly order: number;
  readonly wish: Wish;
  readonly calls: readonly [CallInstr, ...CallInstr[]];
}

/** Calls of one function with the same weights are one module that is called several times. */
function callGroups(c: AttributeContext): readonly CallGroup[] {
  const groups = new Map<string, { order: number; calls: CallInstr[] }>();
  c.fn.body.forEach((instr, order) => {
    if (instr.kind !== 'call') return;
    const { fn } = c.partOf(instr.fn);
    const weights = instr.inputs.filter((_, i) => fn.params[i]?.role !== 'input');
    const identity = weights.length > 0 ? JSON.stringify([instr.fn, weights]) : `${instr.fn}:${order}`;
    const known = groups.get(identity);
    if (known) known.calls.push(instr);
    else groups.set(identity, { order, calls: [instr] });
  });
  return [...groups.values()].map(({ order, calls }) => {
    const [first, ...rest] = calls as [CallInstr, ...CallInstr[]];
    const key = `call:${order}`;
    return { key, order, calls: [first, ...rest], wish: { key, names: endsOf(partsOfPath(first.site), 1, first.fn) } };
  });
}

function constructCall(group: CallGroup, name: Ident, c: AttributeContext): Statement {
  const part = c.partOf(group.calls[0].fn);
  const keywords = part.args.map((arg) => [arg.name, argumentHole(c, part, arg, group.calls[0].inputs, name)] as const);
  return { kind: 'assign', targets: [attribute(SELF, name)], value: call(part.className, [], keywords) };
}
