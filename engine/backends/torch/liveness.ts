/** Liveness across calls: which parameters, results and instructions of which functions the root needs at all. */
import { must } from '../../base/errors.ts';
import { operandsOf, type CallInstr, type Fn, type Instr, type RepeatInstr, type ValueId } from '../../ir/program.ts';

type Live = ReadonlyMap<string, Set<ValueId>>;

const fnOf = (functions: ReadonlyMap<string, Fn>, name: string): Fn => must(functions.get(name), `function ${name}`);
const at = <T>(list: readonly T[], i: number): T => must(list[i], `element ${i}`);

/** Functions without what the root does not need: results, instructions, parameters, arguments. */
export function dropDead(functions: ReadonlyMap<string, Fn>, root: string): Map<string, Fn> {
  const live: Live = new Map([...functions.keys()].map((name) => [name, new Set<ValueId>()]));
  const liveOf = (name: string): Set<ValueId> => must(live.get(name), name);
  let changed = true;
  const mark = (fn: string, id: ValueId): void => {
    if (liveOf(fn).has(id)) return;
    liveOf(fn).add(id);
    changed = true;
  };
  for (const r of fnOf(functions, root).results) mark(root, r.id);
  while (changed) {
    changed = false;
    for (const fn of functions.values()) {
      for (const instr of [...fn.body].reverse()) {
        if (instr.kind === 'op') {
          if (instr.outputs.some((id) => liveOf(fn.name).has(id))) for (const id of instr.inputs) mark(fn.name, id);
        } else if (instr.kind === 'call') markCall(functions, live, mark, fn.name, instr);
        else markRepeat(functions, live, mark, fn.name, instr);
      }
    }
  }
  const kept = new Map<string, Fn>();
  for (const fn of functions.values()) if (fn.name === root || liveOf(fn.name).size > 0) kept.set(fn.name, prune(functions, live, fn, root));
  return kept;
}

type Mark = (fn: string, id: ValueId) => void;

function markCall(functions: ReadonlyMap<string, Fn>, live: Live, mark: Mark, caller: string, instr: CallInstr): void {
  const here = must(live.get(caller), caller);
  const callee = fnOf(functions, instr.fn);
  if (!instr.outputs.some((id) => here.has(id))) return;
  instr.outputs.forEach((id, i) => {
    if (here.has(id)) mark(callee.name, at(callee.results, i).id);
  });
  callee.params.forEach((p, i) => {
    if (must(live.get(callee.name), callee.name).has(p.id)) mark(caller, at(instr.inputs, i));
  });
}

/** A position of the stack's wall lives in all layers or in none; a carried one also as result of every layer. */
function markRepeat(functions: ReadonlyMap<string, Fn>, live: Live, mark: Mark, caller: string, instr: RepeatInstr): void {
  const here = must(live.get(caller), caller);
  const bodies = instr.bodies.map((b) => fnOf(functions, b));
  const isLive = (fn: Fn, id: ValueId): boolean => must(live.get(fn.name), fn.name).has(id);
  if (!instr.outputs.some((id) => here.has(id))) return;
  const outer = [...instr.carry, ...instr.broadcast];
  outer.forEach((id, i) => {
    const carried = i < instr.carry.length;
    const wanted = bodies.some((b) => isLive(b, at(b.params, i).id)) || (carried && here.has(at(instr.outputs, i)));
    if (!wanted) return;
    mark(caller, id);
    for (const b of bodies) {
      mark(b.name, at(b.params, i).id);
      if (carried) mark(b.name, at(b.results, i).id);
    }
    if (carried) mark(caller, at(instr.outputs, i));
  });
  instr.outputs.forEach((id, i) => {
    if (here.has(id)) for (const b of bodies) mark(b.name, at(b.results, i).id);
  });
  bodies.forEach((b, layer) =>
    b.params.slice(outer.length).forEach((p, i) => {
      if (isLive(b, p.id)) mark(caller, at(at(instr.layerInputs, layer), i));
    }),
  );
}

function prune(functions: ReadonlyMap<string, Fn>, live: Live, fn: Fn, root: string): Fn {
  const here = must(live.get(fn.name), fn.name);
  const keeps = (name: string) => {
    const set = must(live.get(name), name);
    const callee = fnOf(functions, name);
    return {
      params: callee.params.map((p) => set.has(p.id)),
      results: callee.results.map((r) => set.has(r.id)),
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
  const results = fn.name === root ? fn.results : fn.results.filter((r) => here.has(r.id));
  return { ...fn, params: fn.params.filter((p) => here.has(p.id)), body, results };
}

/**
 * Weights and trainables of a function that every caller binds to one value become one parameter: a norm that is used
 * twice, a fused weight that three layers read. Callers first, so that merging goes on downwards.
 */
export function mergeEqualParameters(functions: ReadonlyMap<string, Fn>, root: string): Map<string, Fn> {
  const result = new Map(functions);
  const names = [...functions.keys()].reverse();
  for (const name of names) {
    if (name === root) continue;
    const fn = fnOf(result, name);
    const bindings = bindingsOf(result, name);
    const merged = new Map<ValueId, ValueId>();
    const removed = new Set<number>();
    fn.params.forEach((p, i) => {
      if (p.role === 'input' || removed.has(i)) return;
      for (let j = i + 1; j < fn.params.length; j++) {
        const other = at(fn.params, j);
        if (other.role === 'input' || removed.has(j) || bindings.some((b) => b[i] !== b[j])) continue;
        merged.set(other.id, p.id);
        removed.add(j);
      }
    });
    if (removed.size > 0) removeParameters(result, name, removed, merged);
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

function removeParameters(functions: Map<string, Fn>, name: string, removed: ReadonlySet<number>, merged: ReadonlyMap<ValueId, ValueId>): void {
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
      return { ...instr, layerInputs: instr.layerInputs.map((own, i) => (instr.bodies[i] === name ? without(own, walls) : own)) };
    });
    functions.set(caller.name, { ...fnOf(functions, caller.name), body });
  }
}

function renamed(instr: Instr, resolve: (id: ValueId) => ValueId): Instr {
  if (!operandsOf(instr).some((id) => resolve(id) !== id)) return instr;
  if (instr.kind !== 'repeat') return { ...instr, inputs: instr.inputs.map(resolve) } as Instr;
  return { ...instr, carry: instr.carry.map(resolve), broadcast: instr.broadcast.map(resolve), layerInputs: instr.layerInputs.map((own) => own.map(resolve)) };
}
