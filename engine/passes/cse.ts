/**
 * Common subexpressions: of equal ops on equal inputs the first is kept. A barrier is never merged, so what is recomputed
 * behind one stays apart from what was computed before. Ops of different regions are never merged either: a value that
 * left its region would have to be kept. Noise of one site and equal inputs is one value, as the counter hash says.
 */
import { printAttrs } from '../ir/attrsText.ts';
import type { OpInstr, Program, ValueId } from '../ir/program.ts';
import type { OpName } from '../ir/opAttrs.ts';
import { Rewrite, withEntry } from './flat.ts';

export interface CseOptions {
  /**
   * Index of the first backward instruction, when forward and backward shall not share: sharing saves time, but what is
   * shared lives from the forward part to the backward part.
   */
  readonly apartFrom?: number;
}

/** Ops whose two inputs may be exchanged without changing a bit. */
const COMMUTATIVE: ReadonlySet<OpName> = new Set<OpName>(['add', 'mul', 'eq', 'and']);

export function mergeCommonSubexpressions(program: Program, options: CseOptions = {}): Program {
  const rewrite = new Rewrite(program);
  const known = new Map<string, OpInstr>();
  rewrite.fn.body.forEach((instr, index) => {
    if (instr.kind !== 'op' || !mayMerge(instr)) {
      rewrite.keep(instr);
      return;
    }
    const side = options.apartFrom !== undefined && index >= options.apartFrom ? 'backward' : 'forward';
    const key = `${side} ${keyOf(
      instr,
      instr.inputs.map((id) => rewrite.resolve(id)),
    )}`;
    const first = known.get(key);
    if (first) {
      instr.outputs.forEach((id, i) => rewrite.replace(id, rewrite.tensor(first.outputs[i] as ValueId)));
    } else {
      known.set(key, instr);
      rewrite.keep(instr);
    }
  });
  return withEntry(program, rewrite.finish());
}

/** A filled constant is cheaper to make twice than to keep; a scalar costs nothing. */
function mayMerge(instr: OpInstr): boolean {
  if (instr.op === 'barrier') return false;
  return instr.op !== 'constant' || (instr as OpInstr<'constant'>).attrs.shape.length === 0;
}

function keyOf(instr: OpInstr, inputs: readonly ValueId[]): string {
  const ids = COMMUTATIVE.has(instr.op) ? [...inputs].sort((a, b) => a - b) : inputs;
  return `${instr.op} ${instr.region ?? ''} ${ids.join(' ')} ${printAttrs(canonical(instr.attrs))}`;
}

/** Attributes in one order of keys, whoever made them. */
const canonical = (attrs: object): unknown =>
  Object.fromEntries(Object.entries(attrs).sort(([a], [b]) => (a < b ? -1 : 1)));
