/**
 * Makes the functions of a Program fit for reading: host-made noise inputs go, values that only pass through a function go
 * around it, constants go to where they are used, what nothing reads is dropped across calls, and two parameters that are
 * always the same tensor become one. Numbers stay the same. Regions do not matter here: PyTorch differentiates by itself.
 */
import { BugError, must, UserError } from '../../base/errors.ts';
import { productOf } from '../../ir/dim.ts';
import type { OpAttrs } from '../../ir/opAttrs.ts';
import type { CallInstr, Fn, Instr, OpInstr, Program, ValueId, ValueInfo } from '../../ir/program.ts';
import { isStatic } from '../../ir/dim.ts';
import { dropDead, mergeEqualParameters } from './liveness.ts';

/** The functions of one model without the entry, callees first. */
export interface Prepared {
  readonly functions: ReadonlyMap<string, Fn>;
  readonly root: Fn;
  /** The entry's name of each parameter of the root. */
  readonly entryNames: ReadonlyMap<string, string>;
}

export function prepare(program: Program): Prepared {
  const entry = must(program.functions.get(program.entry), 'the entry exists');
  const calls = entry.body.filter((i): i is CallInstr => i.kind === 'call');
  const only = calls[0];
  if (!only || calls.length > 1) {
    throw new UserError({
      code: 'torch-objective',
      severity: 'error',
      message: `The objective calls the model ${calls.length} times; PyTorch code is written for one call.`,
      where: {},
      fix: 'Export the model without its objective.',
    });
  }
  const names = new Map(entry.params.map((p) => [p.id, p.name]));
  const root = must(program.functions.get(only.fn), only.fn);
  const entryNames = new Map(root.params.map((p, i) => [p.name, must(names.get(only.inputs[i] as ValueId), p.name)]));
  const functions = new Map<string, Fn>();
  for (const fn of callees(program, root)) functions.set(fn.name, simplified(fn, functions));
  const results = must(functions.get(root.name), root.name).results.filter((r) => /^(?:output|loss)\//.test(r.name));
  functions.set(root.name, { ...must(functions.get(root.name), root.name), results });
  const needed = dropDead(functions, root.name);
  const rootInputs = must(needed.get(root.name), root.name).params.map((p) => entryNames.get(p.name));
  const live = mergeEqualParameters(needed, root.name, rootInputs);
  return { functions: live, root: must(live.get(root.name), root.name), entryNames };
}

/** The functions that `root` reaches, callees first. */
function callees(program: Program, root: Fn): Fn[] {
  const order: Fn[] = [];
  const seen = new Set<string>();
  const visit = (fn: Fn): void => {
    if (seen.has(fn.name)) return;
    seen.add(fn.name);
    checkAttention(fn);
    for (const instr of fn.body) {
      if (instr.kind !== 'op' && instr.region.kind === 'customVjp') {
        throw new UserError({
          code: 'torch-custom-gradient',
          severity: 'error',
          message: `"${instr.site}" has a gradient of its own; PyTorch code is written with PyTorch's gradients.`,
          where: { node: instr.site },
          fix: 'Export the model without it.',
        });
      }
      if (instr.kind === 'call') visit(must(program.functions.get(instr.fn), instr.fn));
      if (instr.kind === 'repeat') for (const b of instr.bodies) visit(must(program.functions.get(b), b));
    }
    order.push(fn);
  };
  visit(root);
  return order;
}

/** Refuses keep factors of an attention that are no dropout noise. */
function checkAttention(fn: Fn): void {
  const noises = new Set(fn.body.flatMap((i) => (i.kind === 'op' && i.op === 'noise' ? i.outputs : [])));
  const odd = fn.body.find(
    (i) => i.kind === 'op' && i.op === 'attention' && i.inputs.length > 4 && !noises.has(i.inputs[4] as ValueId),
  );
  if (!odd) return;
  throw new UserError({
    code: 'torch-attention',
    severity: 'error',
    message: 'The weights of an attention are multiplied by something other than dropout; PyTorch has no form for it.',
    where: { node: fn.origin?.nodeType ?? fn.name },
    fix: 'Use the dropout of the attention.',
  });
}

/** One function under rewriting; `done` holds its callees. */
function simplified(fn: Fn, done: ReadonlyMap<string, Fn>): Fn {
  const values = new Map(fn.values);
  const replaced = new Map<ValueId, ValueId>();
  const resolve = (id: ValueId): ValueId => replaced.get(id) ?? id;
  const constants = new Map<ValueId, OpAttrs['constant']>();
  const body: Instr[] = [];
  const makeConstant = (id: ValueId, attrs: OpAttrs['constant']): void => {
    body.push({ kind: 'op', op: 'constant', attrs, inputs: [], outputs: [id] });
    constants.set(id, attrs);
  };
  for (const original of fn.body) {
    const instr = mapInputs(original, resolve);
    if (instr.kind === 'op') {
      const folded = foldOp(instr, constants, values);
      if (folded.kind === 'constant') makeConstant(folded.id, folded.attrs);
      else body.push(folded.instr);
      continue;
    }
    body.push(instr);
    instr.outputs.forEach((id, i) => {
      const around = aroundCall(instr, i, done);
      if (around?.kind === 'value') replaced.set(id, around.id);
      // The call keeps an output of this number, which nothing reads any more.
      else if (around?.kind === 'constant') {
        const fresh = nextId(values);
        values.set(fresh, must(values.get(id), `%${id}`));
        replaced.set(id, fresh);
        makeConstant(fresh, around.attrs);
      }
    });
  }
  const results = fn.results.map((r) => ({ ...r, id: resolve(r.id) }));
  const { regions: _regions, ...rest } = fn;
  return { ...rest, values, body, results };
}

const nextId = (values: ReadonlyMap<ValueId, ValueInfo>): ValueId => (1 + Math.max(-1, ...values.keys())) as ValueId;

export function mapInputs(instr: Instr, f: (id: ValueId) => ValueId): Instr {
  if (instr.kind !== 'repeat') return { ...instr, inputs: instr.inputs.map(f) };
  return {
    ...instr,
    carry: instr.carry.map(f),
    broadcast: instr.broadcast.map(f),
    layerInputs: instr.layerInputs.map((own) => own.map(f)),
  };
}

type Folded =
  | { readonly kind: 'instr'; readonly instr: Instr }
  | { readonly kind: 'constant'; readonly id: ValueId; readonly attrs: OpAttrs['constant'] };

/** Noise loses its host-made inputs; sums, products and casts of constants become constants. */
function foldOp(
  instr: OpInstr,
  constants: ReadonlyMap<ValueId, OpAttrs['constant']>,
  values: ReadonlyMap<ValueId, ValueInfo>,
): Folded {
  const keep: Folded = { kind: 'instr', instr };
  const id = instr.outputs[0] as ValueId;
  const known = instr.inputs.map((x) => constants.get(x));
  const [a, b] = known;
  const type = must(values.get(id), `%${id}`).type;
  const constant = (value: number): Folded => ({
    kind: 'constant',
    id,
    attrs: { dtype: type.dtype, shape: type.shape, value },
  });
  if (instr.op === 'noise') return { kind: 'instr', instr: { ...instr, inputs: [] } };
  if (instr.op === 'constant') return constant((instr.attrs as OpAttrs['constant']).value);
  if (instr.op === 'cast' && a?.shape.length === 0) return constant(a.value);
  if (instr.op === 'mul' && a && b && a.shape.length + b.shape.length === 0) return constant(a.value * b.value);
  if (instr.op !== 'sum' || !a || type.shape.length > 0) return keep;
  const count = productOf(a.shape);
  if (isStatic(count)) return constant(a.value * count);
  if (a.value !== 1) return keep;
  return { kind: 'instr', instr: { kind: 'op', op: 'dimension', attrs: { of: count }, inputs: [], outputs: [id] } };
}

type Around =
  { readonly kind: 'value'; readonly id: ValueId } | { readonly kind: 'constant'; readonly attrs: OpAttrs['constant'] };

/** What an output of a call is known to be without the call. */
function aroundCall(instr: Exclude<Instr, OpInstr>, output: number, done: ReadonlyMap<string, Fn>): Around | undefined {
  const names = instr.kind === 'call' ? [instr.fn] : instr.bodies;
  const inner = names.map((n) => {
    const fn = must(done.get(n), n);
    return { fn, id: must(fn.results[output], `result ${output} of ${n}`).id };
  });
  const constants = inner.map(({ fn, id }) =>
    fn.body.find((i) => i.kind === 'op' && i.op === 'constant' && i.outputs[0] === id),
  );
  const first = constants[0];
  const collected = instr.kind === 'repeat' && output >= instr.carry.length;
  if (
    first?.kind === 'op' &&
    constants.every((c) => c?.kind === 'op' && JSON.stringify(c.attrs) === JSON.stringify(first.attrs))
  ) {
    const attrs = first.attrs as OpAttrs['constant'];
    return { kind: 'constant', attrs: collected ? { ...attrs, shape: [names.length, ...attrs.shape] } : attrs };
  }
  const passed = inner.map(({ fn, id }) => fn.params.findIndex((p) => p.id === id));
  const position = passed[0] as number;
  if (position < 0 || passed.some((p) => p !== position)) return undefined;
  if (instr.kind === 'call') return { kind: 'value', id: must(instr.inputs[position], 'argument') };
  // A stream that no layer changes is what went in.
  return position === output && !collected ? { kind: 'value', id: must(instr.carry[output], 'carry') } : undefined;
}

/** The definition of every value that an instruction of the function makes. */
export function definitionsOf(fn: Fn): ReadonlyMap<ValueId, Instr> {
  const map = new Map<ValueId, Instr>();
  for (const instr of fn.body) {
    for (const id of instr.outputs) {
      if (map.has(id)) throw new BugError(`%${id} of ${fn.name} is defined twice`);
      map.set(id, instr);
    }
  }
  return map;
}
