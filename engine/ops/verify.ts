/** The verifier: the invariants of `ir/program.ts`, checked on every function; it throws, and names the offending instruction. */
import { BugError } from '../base/errors.ts';
import { isStatic, symbolsOf, type Dim } from '../ir/dim.ts';
import {
  operandsOf,
  type CallInstr,
  type Fn,
  type Instr,
  type OpInstr,
  type Program,
  type RegionInstance,
  type RepeatInstr,
  type ValueId,
} from '../ir/program.ts';
import { isFloat, printType, sameType, type ValueType } from '../ir/types.ts';
import { ShapeError } from './rule.ts';
import { inferTypes, isOpName } from './table.ts';

type Functions = ReadonlyMap<string, Fn>;

/** Attributes that hold a dimension or a shape, whatever the op. */
const DIM_ATTRS = ['of', 'size', 'start', 'before', 'after', 'rows', 'batch', 'length', 'prefix', 'shape'] as const;

export function verifyProgram(program: Program): void {
  const declared = new Set<string>();
  for (const s of program.symbols) {
    if (declared.has(s.name)) throw new BugError(`symbol ${s.name} is declared twice`);
    if (!(s.min <= s.max)) throw new BugError(`symbol ${s.name} has bounds ${s.min}..${s.max}`);
    declared.add(s.name);
  }
  if (!program.functions.has(program.entry)) {
    throw new BugError(`entry ${program.entry} is not a function of the program`);
  }
  for (const [name, fn] of program.functions) {
    if (fn.name !== name) throw new BugError(`function ${fn.name} stands under the name ${name}`);
    if (!/^[^\s()]+$/.test(name))
      throw new BugError(`"${name}" has a space or parenthesis and is no name of a function`);
    verifyFn(fn, program.functions, declared);
  }
  refuseRecursion(program);
}

export function verifyFn(fn: Fn, functions: Functions, declared: ReadonlySet<string>): void {
  const defined = new Set<ValueId>();
  const needSymbols = (dims: readonly Dim[], of: string): void => {
    for (const d of dims)
      for (const s of isStatic(d) ? [] : symbolsOf(d))
        if (!declared.has(s)) throw new BugError(`${fn.name}: symbol ${s} of ${of} is not declared`);
  };
  const define = (id: ValueId, by: string): void => {
    if (defined.has(id)) throw new BugError(`${fn.name}: value %${id} of ${by} is defined twice`);
    const info = fn.values.get(id);
    if (!info) throw new BugError(`${fn.name}: value %${id} of ${by} has no type`);
    needSymbols(info.type.shape, `%${id} of ${by}`);
    defined.add(id);
  };
  needUnique(fn, 'parameter', fn.params);
  needUnique(fn, 'result', fn.results);
  for (const p of fn.params) define(p.id, `parameter "${p.name}"`);
  fn.body.forEach((instr, index) => {
    const where = describe(fn, instr, index);
    for (const id of operandsOf(instr)) {
      if (!defined.has(id)) throw new BugError(`${fn.name}: ${where} uses %${id} before it is defined`);
    }
    for (const id of instr.outputs) define(id, where);
    if (instr.kind === 'op') needSymbols(dimsOf(instr), where);
    checkTypes(fn, instr, `${fn.name}: ${where}`, functions);
    const tag = instr.kind === 'op' ? instr.region : instr.kind === 'call' ? instr.within : undefined;
    if (tag !== undefined && !fn.regions?.[tag])
      throw new BugError(`${fn.name}: ${where} is in region ${tag}, which is not listed`);
  });
  for (const r of fn.results) {
    if (!defined.has(r.id)) throw new BugError(`${fn.name}: result "${r.name}" is %${r.id}, which is never defined`);
  }
  fn.regions?.forEach((r, i) => verifyRegion(fn, r, i, defined));
}

function needUnique(fn: Fn, what: string, named: readonly { readonly name: string }[]): void {
  const names = new Set<string>();
  for (const { name } of named) {
    if (names.has(name)) throw new BugError(`${fn.name}: ${what} "${name}" stands twice`);
    names.add(name);
  }
}

/** Dimensions among the attributes of an op. */
export function dimsOf(instr: OpInstr): Dim[] {
  const attrs = instr.attrs as Readonly<Record<string, unknown>>;
  return DIM_ATTRS.flatMap((key) => (Object.hasOwn(attrs, key) ? (attrs[key] as Dim | readonly Dim[]) : []));
}

/** `matmul (instruction 3, layers/0/ffn, "up")` */
export function describe(fn: Fn, instr: Instr, index: number): string {
  const info = instr.outputs[0] === undefined ? undefined : fn.values.get(instr.outputs[0]);
  const parts = [`instruction ${index}`];
  if (info?.path !== undefined) parts.push(info.path);
  if (info?.name !== undefined) parts.push(`"${info.name}"`);
  return `${instr.kind === 'op' ? instr.op : `${instr.kind} ${instr.site}`} (${parts.join(', ')})`;
}

const typeOf = (fn: Fn, id: ValueId): ValueType => {
  const info = fn.values.get(id);
  if (!info) throw new BugError(`${fn.name}: value %${id} has no type`);
  return info.type;
};

function compare(where: string, what: string, got: readonly ValueType[], want: readonly ValueType[]): void {
  if (got.length === want.length && got.every((t, i) => sameType(t, want[i] as ValueType))) return;
  throw new BugError(
    `${where}: ${what} are ${got.map(printType).join(', ')}, must be ${want.map(printType).join(', ')}`,
  );
}

function checkTypes(fn: Fn, instr: Instr, where: string, functions: Functions): void {
  const types = (ids: readonly ValueId[]): ValueType[] => ids.map((id) => typeOf(fn, id));
  if (instr.kind === 'op') {
    compare(where, 'outputs', types(instr.outputs), inferredTypes(instr, types(instr.inputs), where));
  } else if (instr.kind === 'call') checkCall(instr, types(instr.inputs), types(instr.outputs), where, functions);
  else checkRepeat(fn, instr, where, functions);
}

function inferredTypes(instr: OpInstr, inputs: readonly ValueType[], where: string): ValueType[] {
  if (!isOpName(instr.op)) throw new BugError(`${where}: no op has this name`);
  try {
    return inferTypes(instr.op, instr.attrs, inputs);
  } catch (error) {
    if (error instanceof ShapeError) throw new BugError(`${where}: ${error.message}`);
    throw error;
  }
}

function calleeOf(name: string, where: string, functions: Functions): { params: ValueType[]; results: ValueType[] } {
  const callee = functions.get(name);
  if (!callee) throw new BugError(`${where}: no function is named ${name}`);
  return {
    params: callee.params.map((p) => typeOf(callee, p.id)),
    results: callee.results.map((r) => typeOf(callee, r.id)),
  };
}

function checkCall(
  { fn, region }: CallInstr,
  inputs: readonly ValueType[],
  outputs: readonly ValueType[],
  where: string,
  functions: Functions,
): void {
  const callee = calleeOf(fn, where, functions);
  compare(where, `inputs of ${fn}`, inputs, callee.params);
  compare(where, `outputs of ${fn}`, outputs, callee.results);
  checkRegionFunction(region, inputs, outputs, where, functions);
}

function checkRegionFunction(
  region: CallInstr['region'],
  inputs: readonly ValueType[],
  outputs: readonly ValueType[],
  where: string,
  functions: Functions,
): void {
  if (region.kind === 'reversible') {
    const inverse = calleeOf(region.inverse, where, functions);
    compare(
      where,
      `inputs of the inverse ${region.inverse}`,
      [...outputs, ...inputs.slice(region.streams)],
      inverse.params,
    );
    compare(where, `outputs of the inverse ${region.inverse}`, inputs.slice(0, region.streams), inverse.results);
  }
  if (region.kind === 'customVjp') {
    const vjp = calleeOf(region.vjp, where, functions);
    compare(where, `inputs of the gradient ${region.vjp}`, [...inputs, ...outputs, ...outputs], vjp.params);
    // The cotangent of an integer input is never read, so its type is free.
    const want = vjp.results.map((t, i) => (inputs[i] && isFloat(inputs[i].dtype) ? inputs[i] : t));
    compare(where, `outputs of the gradient ${region.vjp}`, vjp.results, want.slice(0, inputs.length));
    if (vjp.results.length < inputs.length) {
      throw new BugError(
        `${where}: the gradient ${region.vjp} gives ${vjp.results.length} cotangents for ${inputs.length} inputs`,
      );
    }
  }
}

function checkRepeat(fn: Fn, instr: RepeatInstr, where: string, functions: Functions): void {
  const layers = instr.bodies.length;
  if (layers === 0) throw new BugError(`${where}: a stack has at least one layer`);
  if (instr.layerInputs.length !== layers) {
    throw new BugError(`${where}: ${layers} layers have ${instr.layerInputs.length} lists of inputs`);
  }
  const types = (ids: readonly ValueId[]): ValueType[] => ids.map((id) => typeOf(fn, id));
  let carry = types(instr.carry);
  instr.bodies.forEach((name, layer) => {
    const at = `${where}, layer ${instr.first + layer}`;
    const callee = calleeOf(name, at, functions);
    const inputs = [...carry, ...types(instr.broadcast), ...types(instr.layerInputs[layer] ?? [])];
    compare(at, `inputs of ${name}`, inputs, callee.params);
    checkRegionFunction(instr.region, inputs, callee.results, at, functions);
    carry = callee.results.slice(0, carry.length);
    const collected = callee.results.slice(carry.length).map((t) => ({ ...t, shape: [layers, ...t.shape] }));
    compare(at, 'collected outputs', types(instr.outputs.slice(carry.length)), collected);
  });
  compare(where, 'carried outputs', types(instr.outputs.slice(0, carry.length)), carry);
}

function verifyRegion(fn: Fn, r: RegionInstance, index: number, defined: ReadonlySet<ValueId>): void {
  const where = `${fn.name}: region ${index} (${r.path})`;
  for (const id of [...r.inputs, ...r.outputs, ...(r.restored ?? [])]) {
    if (!defined.has(id)) throw new BugError(`${where} names %${id}, which is never defined`);
  }
  if (!r.restored) return;
  if (r.region.kind !== 'reversible') throw new BugError(`${where} is ${r.region.kind} and can't be restored`);
  const streams = r.inputs.slice(0, r.region.streams);
  compare(
    where,
    'restored inputs',
    r.restored.map((id) => typeOf(fn, id)),
    streams.map((id) => typeOf(fn, id)),
  );
}

/** Calls, stacks, inverses and custom gradients form no circle. */
function refuseRecursion(program: Program): void {
  const state = new Map<string, 'open' | 'done'>();
  const visit = (name: string): void => {
    if (state.get(name) === 'done') return;
    if (state.get(name) === 'open') throw new BugError(`function ${name} calls itself`);
    state.set(name, 'open');
    for (const instr of program.functions.get(name)?.body ?? []) functionsOf(instr).forEach(visit);
    state.set(name, 'done');
  };
  for (const name of program.functions.keys()) visit(name);
}

/** The functions that an instruction may run. */
export function functionsOf(instr: Instr): string[] {
  if (instr.kind === 'op') return [];
  const { region } = instr;
  const more = region.kind === 'reversible' ? [region.inverse] : region.kind === 'customVjp' ? [region.vjp] : [];
  return [...(instr.kind === 'call' ? [instr.fn] : instr.bodies), ...more];
}
