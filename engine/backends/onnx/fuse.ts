/**
 * Patterns over several ops that pay as one, found in the Program. Most fusion happens while values are carried unfinished
 * (`values.ts`); here is only what a lowering can't know from its own operands.
 *
 * Gelu and its derivative share erf(x / sqrt 2), which is more than half of the work of either. The derivative is moved
 * to the forward pass, right before gelu's result: it is kept until the backward pass instead of x, which is as large.
 */
import type { OpName } from '../../ir/opAttrs.ts';
import type { OpInstr, ValueId } from '../../ir/program.ts';
import type { Prepared } from './prepare.ts';

export interface Fused {
  /** The instructions in the order in which they are to be lowered. */
  readonly body: readonly OpInstr[];
  /** Result of a gelu to its derivative, which has been computed when the gelu is lowered. */
  readonly derivatives: ReadonlyMap<ValueId, ValueId>;
}

export function fuse({ body, fn }: Prepared): Fused {
  const results = new Set(fn.results.map((r) => r.id));
  const derivatives = new Map<ValueId, ValueId>();
  /** By gelu: the instructions to lower right before it. */
  const hoisted = new Map<OpInstr, readonly OpInstr[]>();
  const moved = new Set<OpInstr>();
  for (const gelu of body) {
    if (gelu.op !== 'gelu' || (gelu.attrs as { approximate: string }).approximate !== 'none') continue;
    const cone = coneOf(body, gelu.inputs[0] as ValueId, results);
    if (!cone || cone.instrs.some((i) => moved.has(i))) continue;
    derivatives.set(gelu.outputs[0] as ValueId, cone.exit);
    hoisted.set(gelu, cone.instrs);
    for (const i of cone.instrs) if (i.op !== 'constant') moved.add(i);
  }
  const placed = new Set<OpInstr>();
  const out: OpInstr[] = [];
  const place = (instr: OpInstr): void => {
    if (!placed.has(instr)) out.push(instr);
    placed.add(instr);
  };
  for (const instr of body) {
    if (moved.has(instr) && !placed.has(instr)) continue;
    hoisted.get(instr)?.forEach(place);
    place(instr);
  }
  return { body: out, derivatives };
}

const CONE_OPS: ReadonlySet<OpName> = new Set(['mul', 'add', 'sub', 'neg', 'exp', 'erf']);

interface Cone {
  readonly instrs: readonly OpInstr[];
  /** The one value that is read from outside. */
  readonly exit: ValueId;
}

/** The instructions that need nothing but x and constants, when erf is among them and one value alone leaves them. */
function coneOf(body: readonly OpInstr[], x: ValueId, results: ReadonlySet<ValueId>): Cone | undefined {
  const constants = new Map<ValueId, OpInstr>();
  const inside = new Set<ValueId>([x]);
  const instrs: OpInstr[] = [];
  for (const instr of body) {
    if (instr.op === 'constant') constants.set(instr.outputs[0] as ValueId, instr);
    const known = instr.inputs.every((id) => inside.has(id) || constants.has(id));
    if (!CONE_OPS.has(instr.op) || !known || !instr.inputs.some((id) => inside.has(id))) continue;
    instrs.push(instr);
    for (const id of instr.outputs) inside.add(id);
  }
  if (!instrs.some((i) => i.op === 'erf')) return undefined;
  const own = new Set(instrs);
  const exits = new Set<ValueId>();
  for (const instr of body) {
    if (!own.has(instr)) for (const id of instr.inputs) if (id !== x && inside.has(id)) exits.add(id);
  }
  for (const id of inside) if (id !== x && results.has(id)) exits.add(id);
  const [exit, ...others] = exits;
  if (exit === undefined || others.length > 0) return undefined;
  const needed = instrs.flatMap((i) => [...i.inputs.flatMap((id) => constants.get(id) ?? []), i]);
  return { instrs: needed, exit };
}
