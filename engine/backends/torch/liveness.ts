/** Liveness across calls: which parameters, results and instructions of which functions the root needs at all. */
import { must } from '../../base/errors.ts';
import { isStatic, parseDim, symbolsOf, type Dim } from '../../ir/dim.ts';
import {
  operandsOf,
  type CallInstr,
  type Fn,
  type Instr,
  type OpInstr,
  type RepeatInstr,
  type ValueId,
} from '../../ir/program.ts';

/** What of each function is needed: values by their id, results by their position. */
interface Live {
  readonly values: ReadonlyMap<string, Set<ValueId>>;
  readonly results: ReadonlyMap<string, Set<number>>;
}

const fnOf = (functions: ReadonlyMap<string, Fn>, name: string): Fn => must(functions.get(name), `function ${name}`);
const at = <T>(list: readonly T[], i: number): T => must(list[i], `element ${i}`);

/** Functions without what the root does not need: results, instructions, parameters, arguments. */
export function dropDead(functions: ReadonlyMap<string, Fn>, root: string): Map<string, Fn> {
  const names = [...functions.keys()];
  const live: Live = {
    values: new Map(names.map((n) => [n, new Set()])),
    results: new Map(names.map((n) => [n, new Set()])),
  };
  const marking = new Marking(functions, live);
  fnOf(functions, root).results.forEach((_, i) => {
    marking.result(root, i);
  });
  do {
    marking.changed = false;
    for (const fn of functions.values()) {
      for (const instr of [...fn.body].reverse()) marking.instr(fn.name, instr);
      marking.symbols(fn);
    }
  } while (marking.changed);
  const kept = new Map<string, Fn>();
  for (const fn of functions.values()) {
    if (fn.name === root || liveIn(live.results, fn.name).size > 0) kept.set(fn.name, prune(functions, live, fn));
  }
  return kept;
}

const liveIn = <T>(live: ReadonlyMap<string, Set<T>>, fn: string): Set<T> => must(live.get(fn), fn);

/** The lengths that the code of an op must know, beyond those that its operands show. */
function lengthsIn(instr: OpInstr, axesOf: (id: ValueId) => readonly Dim[]): readonly Dim[] {
  const shown = new Set(instr.inputs.flatMap(axesOf));
  const attrs = instr.attrs as Partial<
    Record<'of' | 'size' | 'start' | 'length' | 'batch' | 'rows' | 'before' | 'after', Dim>
  > & { readonly shape?: readonly Dim[] };
  if (instr.op === 'noise') return [];
  const shape = attrs.shape ?? [];
  const free = shape.filter((d) => !isStatic(d));
  // One symbolic axis of a reshape is written as -1.
  if (instr.op === 'reshape') return free.length > 1 ? free : [];
  const single = [attrs.of, attrs.size, attrs.start, attrs.length, attrs.batch, attrs.rows, attrs.before, attrs.after];
  return [...free.filter((d) => !shown.has(d)), ...single.filter((d) => d !== undefined)];
}

/** Marks what is needed until nothing changes any more. */
class Marking {
  readonly #functions: ReadonlyMap<string, Fn>;
  readonly #live: Live;
  changed = false;

  constructor(functions: ReadonlyMap<string, Fn>, live: Live) {
    this.#functions = functions;
    this.#live = live;
  }

  value(fn: string, id: ValueId): void {
    const set = liveIn(this.#live.values, fn);
    if (set.has(id)) return;
    set.add(id);
    this.changed = true;
  }

  result(fn: string, position: number): void {
    const set = liveIn(this.#live.results, fn);
    if (set.has(position)) return;
    set.add(position);
    this.changed = true;
    this.value(fn, at(fnOf(this.#functions, fn).results, position).id);
  }

  instr(caller: string, instr: Instr): void {
    const here = liveIn(this.#live.values, caller);
    if (!instr.outputs.some((id) => here.has(id))) return;
    if (instr.kind === 'op') for (const id of instr.inputs) this.value(caller, id);
    else if (instr.kind === 'call') this.#call(caller, instr);
    else this.#repeat(caller, instr);
  }

  /** Keeps an input that every symbolic length can be read off which the function's own ops ask for. */
  symbols(fn: Fn): void {
    const here = liveIn(this.#live.values, fn.name);
    const axesOf = (id: ValueId): readonly Dim[] => must(fn.values.get(id), `%${id}`).type.shape;
    const inputs = fn.params.filter((p) => p.role === 'input');
    const isKnown = (d: Dim): boolean => inputs.some((p) => here.has(p.id) && axesOf(p.id).includes(d));
    for (const instr of fn.body) {
      if (instr.kind !== 'op' || !instr.outputs.some((id) => here.has(id))) continue;
      for (const d of lengthsIn(instr, axesOf)) {
        if (isStatic(d) || isKnown(d)) continue;
        for (const name of symbolsOf(d)) {
          const holders = inputs.filter((p) => axesOf(p.id).some((a) => a === name));
          if (isKnown(parseDim(name)) || holders.length === 0) continue;
          const least = holders.reduce((a, b) => (axesOf(b.id).length < axesOf(a.id).length ? b : a));
          this.value(fn.name, least.id);
        }
      }
    }
  }

  #isLive(fn: Fn, id: ValueId): boolean {
    return liveIn(this.#live.values, fn.name).has(id);
  }

  #call(caller: string, instr: CallInstr): void {
    const here = liveIn(this.#live.values, caller);
    const callee = fnOf(this.#functions, instr.fn);
    instr.outputs.forEach((id, i) => {
      if (here.has(id)) this.result(callee.name, i);
    });
    callee.params.forEach((p, i) => {
      if (this.#isLive(callee, p.id)) this.value(caller, at(instr.inputs, i));
    });
  }

  /** A position of the stack's wall lives in all layers or in none; a carried one also as result of every layer. */
  #repeat(caller: string, instr: RepeatInstr): void {
    const here = liveIn(this.#live.values, caller);
    const bodies = instr.bodies.map((b) => fnOf(this.#functions, b));
    const outer = [...instr.carry, ...instr.broadcast];
    outer.forEach((id, i) => {
      const carried = i < instr.carry.length;
      const wanted =
        bodies.some((b) => this.#isLive(b, at(b.params, i).id)) || (carried && here.has(at(instr.outputs, i)));
      if (!wanted) return;
      this.value(caller, id);
      for (const b of bodies) {
        this.value(b.name, at(b.params, i).id);
        if (carried) this.result(b.name, i);
      }
      if (carried) this.value(caller, at(instr.outputs, i));
    });
    instr.outputs.forEach((id, i) => {
      if (here.has(id)) for (const b of bodies) this.result(b.name, i);
    });
    bodies.forEach((b, layer) =>
      b.params.slice(outer.length).forEach((p, i) => {
        if (this.#isLive(b, p.id)) this.value(caller, at(at(instr.layerInputs, layer), i));
      }),
    );
  }
}

function prune(functions: ReadonlyMap<string, Fn>, live: Live, fn: Fn): Fn {
  const here = liveIn(live.values, fn.name);
  const keeps = (name: string) => {
    const callee = fnOf(functions, name);
    return {
      params: callee.params.map((p) => liveIn(live.values, name).has(p.id)),
      results: callee.results.map((_, i) => liveIn(live.results, name).has(i)),
    };
  };
  const filter = <T>(list: readonly T[], keep: readonly boolean[]): T[] => list.filter((_, i) => keep[i]);
  const body = fn.body
    .filter((instr) => instr.outputs.some((id) => here.has(id)))
    .map((instr): Instr => {
      if (instr.kind === 'op') return instr;
      if (instr.kind === 'call') {
        const keep = keeps(instr.fn);
        return { ...instr, inputs: filter(instr.inputs, keep.params), outputs: filter(instr.outputs, keep.results) };
      }
      const first = keeps(at(instr.bodies, 0));
      const carries = instr.carry.length;
      const walls = carries + instr.broadcast.length;
      return {
        ...instr,
        carry: filter(instr.carry, first.params.slice(0, carries)),
        broadcast: filter(instr.broadcast, first.params.slice(carries, walls)),
        layerInputs: instr.layerInputs.map((own, i) => filter(own, keeps(at(instr.bodies, i)).params.slice(walls))),
        outputs: filter(instr.outputs, first.results),
      };
    });
  const results = fn.results.filter((_, i) => liveIn(live.results, fn.name).has(i));
  return { ...fn, params: fn.params.filter((p) => here.has(p.id)), body, results };
}

/**
 * Weights and trainables of a function that every caller binds to one value become one parameter: a norm that is used
 * twice, a fused weight that three layers read. Callers first, so that merging goes on downwards. `rootInputs` are what the
 * entry binds to the parameters of the root, in their order.
 */
export function mergeEqualParameters(
  functions: ReadonlyMap<string, Fn>,
  root: string,
  rootInputs: readonly unknown[],
): Map<string, Fn> {
  const result = new Map(functions);
  const names = [...functions.keys()].reverse();
  for (const name of names) {
    const fn = fnOf(result, name);
    const bindings = name === root ? [rootInputs] : bindingsOf(result, name);
    const merged = new Map<ValueId, ValueId>();
    const removed = new Set<number>();
    const params = [...fn.params];
    fn.params.forEach((p, i) => {
      if (p.role === 'input' || removed.has(i)) return;
      for (let j = i + 1; j < fn.params.length; j++) {
        const other = at(fn.params, j);
        if (other.role === 'input' || removed.has(j) || bindings.some((b) => b[i] !== b[j])) continue;
        merged.set(other.id, p.id);
        removed.add(j);
        // The shorter name is that of the backbone's own layer more often than not.
        if (other.name.length < at(params, i).name.length) params[i] = { ...p, name: other.name };
      }
    });
    if (removed.size === 0) continue;
    result.set(name, { ...fn, params });
    removeParameters(result, name, removed, merged);
  }
  return result;
}

/** The values that each use of the function binds to its parameters, in their order. */
function bindingsOf(functions: ReadonlyMap<string, Fn>, name: string): (readonly ValueId[])[] {
  const bindings: (readonly ValueId[])[] = [];
  for (const caller of functions.values()) {
    for (const instr of caller.body) {
      if (instr.kind === 'call' && instr.fn === name) bindings.push(instr.inputs);
      if (instr.kind !== 'repeat') continue;
      instr.bodies.forEach((b, i) => {
        if (b === name) bindings.push([...instr.carry, ...instr.broadcast, ...at(instr.layerInputs, i)]);
      });
    }
  }
  return bindings;
}

function removeParameters(
  functions: Map<string, Fn>,
  name: string,
  removed: ReadonlySet<number>,
  merged: ReadonlyMap<ValueId, ValueId>,
): void {
  const fn = fnOf(functions, name);
  const resolve = (id: ValueId): ValueId => merged.get(id) ?? id;
  const without = <T>(list: readonly T[], from = 0): T[] => list.filter((_, i) => !removed.has(i + from));
  functions.set(name, {
    ...fn,
    params: without(fn.params),
    body: fn.body.map((instr) => renamed(instr, resolve)),
    results: fn.results.map((r) => ({ ...r, id: resolve(r.id) })),
  });
  for (const caller of [...functions.values()]) {
    const body = caller.body.map((instr): Instr => {
      if (instr.kind === 'call' && instr.fn === name) return { ...instr, inputs: without(instr.inputs) };
      if (instr.kind !== 'repeat') return instr;
      const walls = instr.carry.length + instr.broadcast.length;
      return {
        ...instr,
        layerInputs: instr.layerInputs.map((own, i) => (instr.bodies[i] === name ? without(own, walls) : own)),
      };
    });
    functions.set(caller.name, { ...fnOf(functions, caller.name), body });
  }
}

function renamed(instr: Instr, resolve: (id: ValueId) => ValueId): Instr {
  if (!operandsOf(instr).some((id) => resolve(id) !== id)) return instr;
  if (instr.kind !== 'repeat') return { ...instr, inputs: instr.inputs.map(resolve) };
  return {
    ...instr,
    carry: instr.carry.map(resolve),
    broadcast: instr.broadcast.map(resolve),
    layerInputs: instr.layerInputs.map((own) => own.map(resolve)),
  };
}
