/** A symbolic tensor: a handle on one value of a function under construction, and the interface of what constructs it. */
import type { OpAttrs, OpName } from './opAttrs.ts';
import type { ValueId } from './program.ts';
import type { Shape, ValueType } from './types.ts';

/** What ops need in order to emit more ops; implemented by the function builder of `tracing`. */
export interface Emitter {
  /** Appends one op and returns its outputs. Throws a `ShapeError` when the op refuses the types. */
  emit<K extends OpName>(op: K, inputs: readonly Tensor[], attrs: OpAttrs[K]): Tensor[];
  /** Gives a value a local name, kept in printed programs and emitted code. */
  name(value: Tensor, name: string): void;
}

export interface Tensor {
  readonly emitter: Emitter;
  readonly id: ValueId;
  readonly type: ValueType;
}

export const shapeOf = (x: Tensor): Shape => x.type.shape;
