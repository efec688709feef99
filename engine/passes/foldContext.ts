/** What a folding rule sees of one op, and the questions that rules ask. */
import type { OpAttrs, OpName } from '../ir/opAttrs.ts';
import type { OpInstr, ValueId } from '../ir/program.ts';
import type { Emitter, Tensor } from '../ir/tensor.ts';
import { sameShape, type ValueType } from '../ir/types.ts';

export interface Folding {
  readonly op: OpName;
  readonly attrs: OpAttrs[OpName];
  readonly inputs: readonly Tensor[];
  /** Type of the op's only output. */
  readonly output: ValueType;
  readonly emitter: Emitter;
  /** The op that computes a value; undefined for parameters and where a rule must not look. */
  readonly definition: (x: Tensor) => OpInstr | undefined;
  readonly tensor: (id: ValueId) => Tensor;
}

/** The value that stands for the op's only output, or undefined when the rule does not apply. */
export type FoldRule = (f: Folding) => Tensor | undefined;
export type RuleOfOp = readonly [OpName, FoldRule];

export const forOps = (ops: readonly OpName[], rule: FoldRule): readonly RuleOfOp[] => ops.map((op) => [op, rule]);

export const first = (f: Folding): Tensor => f.inputs[0] as Tensor;
export const second = (f: Folding): Tensor => f.inputs[1] as Tensor;

/** The input of the op that computes a value, when that op is `op`. */
export function inputOf(f: Folding, x: Tensor, op: OpName): Tensor | undefined {
  const inner = f.definition(x);
  return inner?.op === op ? f.tensor(inner.inputs[0] as ValueId) : undefined;
}

/** Attributes of the op that computes a value, when that op is `op`. */
export function attrsOf<K extends OpName>(f: Folding, x: Tensor, op: K): OpAttrs[K] | undefined {
  const inner = f.definition(x);
  return inner?.op === op ? (inner.attrs as OpAttrs[K]) : undefined;
}

/** The number that a value holds everywhere, if it is a constant. */
export const constantOf = (f: Folding, x: Tensor): number | undefined => attrsOf(f, x, 'constant')?.value;

/** The value, where it has the shape of the output already. */
export const asIs = (f: Folding, x: Tensor): Tensor | undefined =>
  sameShape(x.type.shape, f.output.shape) ? x : undefined;
