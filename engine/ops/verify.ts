/** The verifier: the invariants of `ir/program.ts`, checked on every function; it throws, and names the offending instruction. */
import { BugError } from '../base/errors.ts';
import { symbolsOf } from '../ir/dim.ts';
import { operandsOf, type Fn, type Instr, type Program, type ValueId } from '../ir/program.ts';
import { printType, sameType, type ValueType } from '../ir/types.ts';
import { inferTypes } from './table.ts';

export function verifyProgram(program: Program): void {
  const declared = new Set(program.symbols.map((s) => s.name));
  if (!program.functions.has(program.entry))
    throw new BugError(`entry ${program.entry} is not a function of the program`);
  for (const fn of program.functions.values()) verifyFn(fn, program.functions, declared);
  refuseRecursion(program);
}

export function verifyFn(fn: Fn, functions: ReadonlyMap<string, Fn>, declared: ReadonlySet<string>): void {
  const defined = new Set<ValueId>();
  const define = (id: ValueId): void => {
    if (defined.has(id)) throw new BugError(`${fn.name}: value %${id} is defined twice`);
    const info = fn.values.get(id);
    if (!info) throw new BugError(`${fn.name}: value %${id} has no type`);
    for (const d of info.type.shape)
      for (const s of symbolsOf(d))
        if (!declared.has(s)) throw new BugError(`${fn.name}: symbol ${s} of %${id} is not declared`);
    defined.add(id);
  };
  const names = new Set<string>();
  for (const p of fn.params) {
    define(p.id);
    if (names.has(p.name)) throw new BugError(`${fn.name}: parameter "${p.name}" stands twice`);
    names.add(p.name);
  }
  fn.body.forEach((instr, index) => {
    for (const id of operandsOf(instr)) {
      if (!defined.has(id))
        throw new BugError(`${fn.name}: ${describe(instr)} (instruction ${index}) uses %${id} before it is defined`);
    }
    instr.outputs.forEach(define);
    checkTypes(fn, instr, index, functions);
  });
  for (const r of fn.results)
    if (!defined.has(r.id)) throw new BugError(`${fn.name}: result "${r.name}" is never defined`);
}

const describe = (instr: Instr): string => (instr.kind === 'op' ? instr.op : `${instr.kind} ${instr.site}`);

function checkTypes(fn: Fn, instr: Instr, index: number, functions: ReadonlyMap<string, Fn>): void {
  const type = (id: ValueId): ValueType => (fn.values.get(id) as { type: ValueType }).type;
  const where = `${fn.name}: ${describe(instr)} (instruction ${index})`;
  const compare = (got: readonly ValueType[], want: readonly ValueType[], what: string): void => {
    if (got.length !== want.length || got.some((t, i) => !sameType(t, want[i] as ValueType))) {
      throw new BugError(
        `${where}: ${what} are ${got.map(printType).join(', ')}, must be ${want.map(printType).join(', ')}`,
      );
    }
  };
  if (instr.kind === 'op') {
    compare(instr.outputs.map(type), inferTypes(instr.op, instr.attrs, instr.inputs.map(type)), 'outputs');
    return;
  }
  const bodies = instr.kind === 'call' ? [instr.fn] : instr.bodies;
  bodies.forEach((name, layer) => {
    const callee = functions.get(name);
    if (!callee) throw new BugError(`${where}: no function is named ${name}`);
    const calleeType = (id: ValueId): ValueType => (callee.values.get(id) as { type: ValueType }).type;
    const given =
      instr.kind === 'call' ? instr.inputs : [...instr.carry, ...instr.broadcast, ...(instr.layerInputs[layer] ?? [])];
    compare(
      given.map(type),
      callee.params.map((p) => calleeType(p.id)),
      `inputs of ${name}`,
    );
    const results = callee.results.map((r) => calleeType(r.id));
    if (instr.kind === 'call') compare(instr.outputs.map(type), results, `outputs of ${name}`);
    else {
      const stacked = results.map((t, i) =>
        i < instr.carry.length ? t : { ...t, shape: [bodies.length, ...t.shape] },
      );
      compare(instr.outputs.map(type), stacked, `outputs of ${name}`);
    }
  });
}

function refuseRecursion(program: Program): void {
  const state = new Map<string, 'open' | 'done'>();
  const visit = (name: string): void => {
    if (state.get(name) === 'done') return;
    if (state.get(name) === 'open') throw new BugError(`function ${name} calls itself`);
    state.set(name, 'open');
    for (const instr of program.functions.get(name)?.body ?? []) {
      if (instr.kind === 'call') visit(instr.fn);
      if (instr.kind === 'repeat') instr.bodies.forEach(visit);
    }
    state.set(name, 'done');
  };
  for (const name of program.functions.keys()) visit(name);
}
