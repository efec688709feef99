/**
 * A flat Program made ready for lowering: composed ops without a kernel are replaced by their decomposition, equal
 * instructions are merged (what a decomposed forward op and its gradient share), and what no result needs is left out. The
 * instructions behind the coordinates of noise are set apart: the host evaluates them.
 */
import { BugError, must } from '../../base/errors.ts';
import { printAttrs } from '../../ir/attrsText.ts';
import type { Fn, Instr, OpInstr, Program, ValueId } from '../../ir/program.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { ruleOf } from '../../ops/table.ts';
import { FnBuilder } from '../../tracing/builder.ts';
import type { OpName } from '../../ir/opAttrs.ts';

export interface Prepared {
  readonly fn: Fn;
  /** In order; only what the results need. */
  readonly body: readonly OpInstr[];
  /** Values that the host computes: keys and rows of noise. */
  readonly hostValues: ReadonlySet<ValueId>;
  /** How often a value is read by `body` or is a result. */
  readonly uses: ReadonlyMap<ValueId, number>;
}

export function prepare(program: Program, composed: ReadonlySet<OpName>): Prepared {
  const entry = must(program.functions.get(program.entry), 'the entry exists');
  const fn = mergeEqual(decomposeOps(entry, composed));
  const { body, hostValues } = reach(fn);
  const uses = new Map<ValueId, number>();
  const count = (id: ValueId): unknown => uses.set(id, (uses.get(id) ?? 0) + 1);
  for (const instr of body) for (const id of graphInputs(instr)) count(id);
  for (const r of fn.results) count(r.id);
  return { fn, body, hostValues, uses };
}

/** The operands that an instruction reads in the graph; noise is made by the host. */
export const graphInputs = (instr: OpInstr): readonly ValueId[] => (instr.op === 'noise' ? [] : instr.inputs);

function opOf(instr: Instr): OpInstr {
  if (instr.kind !== 'op') throw new BugError(`the onnx backend takes flat programs, found a ${instr.kind}`);
  return instr;
}

function decomposeOps(fn: Fn, composed: ReadonlySet<OpName>): Fn {
  const builder = FnBuilder.rewriting(fn);
  const replaced = new Map<ValueId, Tensor>();
  const now = (id: ValueId): Tensor => replaced.get(id) ?? builder.tensor(id);
  for (const old of fn.body) {
    const instr = opOf(old);
    const inputs = instr.inputs.map(now);
    const rule = ruleOf(instr.op);
    if (!composed.has(instr.op) || !rule.decompose) {
      builder.keep({ ...instr, inputs: inputs.map((x) => x.id) });
      continue;
    }
    builder.setPath(fn.values.get(instr.outputs[0] as ValueId)?.path);
    rule.decompose(instr.attrs, inputs).forEach((x, i) => replaced.set(instr.outputs[i] as ValueId, x));
  }
  return builder.finish(
    fn.name,
    fn.results.map((r) => ({ name: r.name, value: now(r.id) })),
    fn.origin,
  );
}

/** A barrier gives a new value, so that what it guards is equal to nothing else. */
function mergeEqual(fn: Fn): Fn {
  const known = new Map<string, readonly ValueId[]>();
  const merged = new Map<ValueId, ValueId>();
  const now = (id: ValueId): ValueId => merged.get(id) ?? id;
  const body: Instr[] = [];
  for (const old of fn.body) {
    const found = opOf(old);
    const instr: OpInstr = { ...found, inputs: found.inputs.map(now) };
    const key = `${instr.op} ${printAttrs(instr.attrs)} ${instr.inputs.join(' ')}`;
    const equal = known.get(key);
    if (equal) instr.outputs.forEach((id, i) => merged.set(id, equal[i] as ValueId));
    else {
      known.set(key, instr.outputs);
      body.push(instr);
    }
  }
  return { ...fn, body, results: fn.results.map((r) => ({ ...r, id: now(r.id) })) };
}

function reach(fn: Fn): { body: OpInstr[]; hostValues: Set<ValueId> } {
  const needed = new Set(fn.results.map((r) => r.id));
  const hostValues = new Set<ValueId>();
  const body: OpInstr[] = [];
  for (let i = fn.body.length - 1; i >= 0; i--) {
    const instr = opOf(fn.body[i] as Instr);
    if (!instr.outputs.some((id) => needed.has(id))) continue;
    body.push(instr);
    for (const id of graphInputs(instr)) needed.add(id);
    if (instr.op === 'noise') for (const id of instr.inputs) hostValues.add(id);
  }
  return { body: body.reverse(), hostValues };
}
