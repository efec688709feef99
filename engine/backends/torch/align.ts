/**
 * Brings functions into one form that differ only in steps that do nothing at some value: dropout with probability 0, which
 * a node leaves out of its equation, and a scale of 1. A layer without dropout and one with it are then one class with
 * another number. Numbers stay the same.
 */
import { must } from '../../base/errors.ts';
import { isStatic, type Dim } from '../../ir/dim.ts';
import type { OpAttrs } from '../../ir/opAttrs.ts';
import type { Fn, Instr, OpInstr, ValueId, ValueInfo } from '../../ir/program.ts';
import { sameShape, type ValueType } from '../../ir/types.ts';

export interface Aligned {
  readonly functions: readonly Fn[];
  /** A name for the probability of each noise value: noises of one name are one dropout in all functions of a form. */
  readonly noises: ReadonlyMap<string, ReadonlyMap<ValueId, string>>;
}

/** A step that may be missing: `output = input * noise` or `output = input * number`. */
interface Wrapper {
  readonly kind: 'dropout' | 'factor';
  readonly input: ValueId;
  /** Probability or factor. */
  readonly value: number;
  /** The noise or the constant that belongs to it. */
  readonly other: ValueId;
}

interface Core {
  readonly fn: Fn;
  /** Instructions that are no wrappers and belong to none. */
  readonly instrs: readonly Instr[];
  readonly wrappers: ReadonlyMap<ValueId, Wrapper>;
  /** The dropout of each attention, by its position among the instructions; undefined where it has none. */
  readonly attentions: ReadonlyMap<number, number | undefined>;
  /** Wrappers of every operand and result, outermost last. */
  readonly chains: readonly (readonly Wrapper[])[];
  readonly key: string;
}

const NEUTRAL = { dropout: 0, factor: 1 } as const;

/** Aligns the functions of one call depth. `classOf` says what class a callee has become. */
export function align(functions: readonly Fn[], classOf: (fn: string) => string): Aligned {
  const groups = new Map<string, Core[]>();
  for (const fn of functions) {
    const core = coreOf(fn, classOf);
    groups.set(core.key, [...(groups.get(core.key) ?? []), core]);
  }
  const aligned = new Map<string, Fn>();
  const noises = new Map<string, Map<ValueId, string>>();
  for (const group of groups.values()) {
    const model = group.find((d) => group.every((f) => dominates(d, f)));
    const members = group.map((f) => (model && model !== f && !dominates(f, model) ? inFormOf(model, f) : f.fn));
    members.forEach((fn) => aligned.set(fn.name, fn));
    if (model) for (const [fn, keys] of noiseKeys(members)) noises.set(fn, keys);
  }
  return { functions: functions.map((fn) => must(aligned.get(fn.name), fn.name)), noises };
}

/** Noises in the same place of functions of one form, named by their probabilities in all of them. */
function noiseKeys(members: readonly Fn[]): Map<string, Map<ValueId, string>> {
  const lists = members.map((fn) => fn.body.filter((i): i is OpInstr => probabilityOf(i) !== undefined));
  const count = must(lists[0], 'a member').length;
  if (lists.some((l) => l.length !== count)) return new Map();
  const names = Array.from({ length: count }, (_, i) => lists.map((l) => probabilityOf(l[i])).join());
  return new Map(
    members.map((fn, k) => [
      fn.name,
      new Map(must(lists[k], 'noises').map((n, i) => [n.outputs[0] as ValueId, must(names[i], 'a name')])),
    ]),
  );
}

function probabilityOf(instr: Instr | undefined): number | undefined {
  if (instr?.kind !== 'op' || instr.op !== 'noise') return undefined;
  const { distribution } = instr.attrs as OpAttrs['noise'];
  return distribution.kind === 'keep' ? distribution.p : undefined;
}

function coreOf(fn: Fn, classOf: (fn: string) => string): Core {
  const made = new Map<ValueId, OpInstr>();
  const users = new Map<ValueId, number>();
  for (const instr of fn.body) {
    if (instr.kind === 'op') for (const id of instr.outputs) made.set(id, instr);
    for (const id of operandsOf(instr)) users.set(id, (users.get(id) ?? 0) + 1);
  }
  const type = (id: ValueId): ValueType => must(fn.values.get(id), `%${id}`).type;
  const wrappers = new Map<ValueId, Wrapper>();
  const erased = new Set<Instr>();
  for (const instr of fn.body) {
    const wrapper = instr.kind === 'op' && instr.op === 'mul' ? wrapperOf(instr, made, users, type) : undefined;
    if (!wrapper) continue;
    wrappers.set(instr.outputs[0] as ValueId, wrapper);
    erased.add(instr);
    erased.add(must(made.get(wrapper.other), 'the other factor'));
  }
  const attentions = new Map<number, number | undefined>();
  for (const instr of fn.body) {
    const keep =
      instr.kind === 'op' && instr.op === 'attention' ? made.get(instr.inputs[4] ?? (-1 as ValueId)) : undefined;
    if (keep) erased.add(keep);
  }
  const instrs = fn.body.filter((i) => !erased.has(i));
  const numbers = new Map<ValueId, number>();
  for (const p of fn.params) numbers.set(p.id, numbers.size);
  const chains: (readonly Wrapper[])[] = [];
  const base = (id: ValueId): number => {
    const chain: Wrapper[] = [];
    let at = id;
    for (let w = wrappers.get(at); w !== undefined; w = wrappers.get(at)) {
      chain.unshift(w);
      at = w.input;
    }
    chains.push(chain);
    return must(numbers.get(at), `%${at} is made`);
  };
  const text = instrs.map((instr, i) => {
    const isAttention = instr.kind === 'op' && instr.op === 'attention';
    if (isAttention) attentions.set(i, probabilityOf(made.get(instr.inputs[4] ?? (-1 as ValueId))));
    const operands = (isAttention ? instr.inputs.slice(0, 4) : operandsOf(instr)).map(base);
    for (const id of instr.outputs) numbers.set(id, numbers.size);
    const names = instr.outputs.map((id) => fn.values.get(id)?.name ?? '');
    return [describe(instr, classOf), operands, names];
  });
  const params = fn.params.map((p) => [p.name, p.role, masked(type(p.id).shape), type(p.id).dtype]);
  const results = fn.results.map((r) => [r.name, base(r.id)]);
  return {
    fn,
    instrs,
    wrappers,
    attentions,
    chains,
    key: JSON.stringify([fn.origin?.nodeType ?? fn.name, params, text, results]),
  };
}

const operandsOf = (instr: Instr): readonly ValueId[] =>
  instr.kind === 'repeat' ? [...instr.carry, ...instr.broadcast, ...instr.layerInputs.flat()] : instr.inputs;

function wrapperOf(
  mul: OpInstr,
  made: ReadonlyMap<ValueId, OpInstr>,
  users: ReadonlyMap<ValueId, number>,
  type: (id: ValueId) => ValueType,
): Wrapper | undefined {
  const [input, other] = mul.inputs as readonly [ValueId, ValueId];
  const factor = made.get(other);
  if (!factor || users.get(other) !== 1) return undefined;
  const p = probabilityOf(factor);
  const isWhole = sameShape(type(input).shape, type(other).shape);
  if (p !== undefined) return isWhole ? { kind: 'dropout', input, value: p, other } : undefined;
  if (factor.op !== 'constant' || type(other).shape.length > 0 || type(input).shape.length === 0) return undefined;
  return { kind: 'factor', input, value: (factor.attrs as OpAttrs['constant']).value, other };
}

/** Sizes as `#`, so that functions of different sizes compare equal. */
const masked = (shape: readonly Dim[]): readonly string[] =>
  shape.map((d) => (isStatic(d) ? '#' : d.replace(/\d+/g, '#')));

function describe(instr: Instr, classOf: (fn: string) => string): unknown {
  if (instr.kind === 'call') return ['call', classOf(instr.fn), instr.site, instr.region.kind];
  if (instr.kind === 'repeat') return ['repeat', instr.bodies.map(classOf), instr.site, instr.first, instr.region.kind];
  const attrs = JSON.stringify(instr.attrs, (key, x: unknown) => {
    if (key === 'dropout' || key === 'site') return undefined;
    // Axes say what is done; other numbers say how much.
    return typeof x === 'number' && !/^(?:\d+|axis)$/.test(key) ? '#' : x;
  });
  return [instr.op, shapesMasked(attrs)];
}

/** Lists of dimensions keep symbols only; lists of axes, which are never symbols, stay as they are. */
const shapesMasked = (attrs: string): string =>
  attrs.replace(/"shape":\[[^\]]*\]/g, (shape) => shape.replace(/\d+/g, '#'));

/** Whether `d` has every step of `f`, in the same places. */
function dominates(d: Core, f: Core): boolean {
  const within = (part: readonly Wrapper[], whole: readonly Wrapper[]): boolean => {
    let at = 0;
    for (const w of whole) if (part[at]?.kind === w.kind) at++;
    return at === part.length;
  };
  return (
    f.chains.every((chain, i) => within(chain, d.chains[i] ?? [])) &&
    [...f.attentions].every(([i, p]) => p === undefined || d.attentions.get(i) !== undefined)
  );
}

/** The function `f` written with the steps of `d`; those that it lacks get the value that does nothing. */
function inFormOf(d: Core, f: Core): Fn {
  const values = new Map<ValueId, ValueInfo>();
  const typeFrom = (id: ValueId): ValueType => must(f.fn.values.get(id), `%${id}`).type;
  const set = (id: ValueId, type: ValueType): void => {
    const { name } = must(d.fn.values.get(id), `%${id}`);
    values.set(id, { type, ...(name === undefined ? {} : { name }) });
  };
  d.fn.params.forEach((p, i) => {
    set(p.id, typeFrom(must(f.fn.params[i], 'a parameter').id));
  });
  const numbers = numbersOf(d, f);
  const core = new Map(d.instrs.map((instr, i) => [instr, must(f.instrs[i], 'an instruction')]));
  const keeps = new Map<ValueId, { readonly p: number; readonly type: ValueType }>();
  d.instrs.forEach((instr, i) => {
    const keep = instr.kind === 'op' && instr.op === 'attention' ? instr.inputs[4] : undefined;
    if (keep !== undefined)
      keeps.set(keep, {
        p: f.attentions.get(i) ?? 0,
        type: weightsType(must(f.instrs[i], 'attention') as OpInstr, typeFrom),
      });
  });
  const body = d.fn.body.map((instr): Instr => {
    const own = core.get(instr);
    if (own) {
      own.outputs.forEach((id, i) => {
        set(instr.outputs[i] as ValueId, typeFrom(id));
      });
      return likeCore(instr, own);
    }
    const id = instr.outputs[0] as ValueId;
    const keep = keeps.get(id);
    const number = numbers.get(id);
    const wrapper = d.wrappers.get(id);
    if (keep) set(id, keep.type);
    else if (wrapper) set(id, must(values.get(wrapper.input), 'the wrapped value').type);
    else if (number?.kind === 'dropout') set(id, must(values.get(number.input), 'the dropped value').type);
    else set(id, must(d.fn.values.get(id), `%${id}`).type);
    return instr.kind === 'op'
      ? withNumber(instr, keep?.p ?? number?.value, must(values.get(id), `%${id}`).type)
      : instr;
  });
  const params = d.fn.params.map((p, i) => ({ ...must(f.fn.params[i], 'a parameter'), id: p.id }));
  const results = d.fn.results.map((r, i) => ({ name: must(f.fn.results[i], 'a result').name, id: r.id }));
  return { ...f.fn, params, body, results, values };
}

/** The instruction of the form with the attributes, callee and site of the function itself. */
function likeCore(form: Instr, own: Instr): Instr {
  if (form.kind === 'op' && own.kind === 'op') {
    const attrs = form.op === 'attention' ? { ...own.attrs, dropout: form.inputs.length > 4 } : own.attrs;
    return { ...form, attrs } as Instr;
  }
  if (form.kind === 'call' && own.kind === 'call') return { ...form, fn: own.fn };
  return form.kind === 'repeat' && own.kind === 'repeat' ? { ...form, bodies: own.bodies } : form;
}

/** The value of every step of the form in the function: by the noise or constant of the step. */
function numbersOf(
  d: Core,
  f: Core,
): Map<ValueId, { readonly kind: Wrapper['kind']; readonly input: ValueId; readonly value: number }> {
  const numbers = new Map<ValueId, { kind: Wrapper['kind']; input: ValueId; value: number }>();
  d.chains.forEach((chain, i) => {
    const own = [...(f.chains[i] ?? [])];
    for (const w of chain) {
      const matched = own[0]?.kind === w.kind ? own.shift() : undefined;
      numbers.set(w.other, {
        kind: w.kind,
        input: w.input,
        value: matched?.value ?? numbers.get(w.other)?.value ?? NEUTRAL[w.kind],
      });
    }
  });
  return numbers;
}

function withNumber(instr: OpInstr, value: number | undefined, type: ValueType): OpInstr {
  if (value === undefined) return instr;
  if (instr.op === 'noise')
    return {
      ...instr,
      attrs: { ...(instr.attrs as OpAttrs['noise']), shape: type.shape, distribution: { kind: 'keep', p: value } },
    };
  return instr.op === 'constant' ? { ...instr, attrs: { ...(instr.attrs as OpAttrs['constant']), value } } : instr;
}

/** The type of the weights of an attention: `[B, heads, queries, keys]`. */
function weightsType(instr: OpInstr, type: (id: ValueId) => ValueType): ValueType {
  const [q, k] = instr.inputs.map((id) => type(id).shape) as [readonly Dim[], readonly Dim[]];
  const { heads } = instr.attrs as OpAttrs['attention'];
  return { dtype: 'f32', shape: [q[0] as Dim, heads, q[1] as Dim, k[1] as Dim] };
}
