/** What flows along the wires of a model graph. Transforms are functions on operators and stay inside of one traced function; all else is tensors. */
import { BugError } from '../base/errors.ts';
import type { Dim } from '../ir/dim.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { ValueType } from '../ir/types.ts';
import type { Transform } from './operator.ts';

export const WIRE_KINDS = ['tensor', 'sources', 'tokens', 'transform', 'affine', 'kv', 'loss'] as const;
export type WireKind = (typeof WIRE_KINDS)[number];

export interface TensorWire {
  readonly kind: 'tensor';
  readonly value: Tensor;
}
/** A thick wire: one tensor per row of a source bank. A port for many tensors takes it as that many. */
export interface SourcesWire {
  readonly kind: 'sources';
  readonly names: readonly string[];
  readonly values: readonly Tensor[];
}
/** A padded batch of token sequences: ids, typeIds and positions i32 `[B, T]`, lengths i32 `[B]`. */
export interface TokensWire {
  readonly kind: 'tokens';
  readonly ids: Tensor;
  readonly typeIds: Tensor;
  readonly positions: Tensor;
  readonly lengths: Tensor;
}
/** Scale and shift of a norm, `[d]` each. */
export interface AffineWire {
  readonly kind: 'affine';
  readonly gamma: Tensor;
  readonly beta: Tensor;
  readonly epsilon: number;
}
/** Keys and values `[B, P, width]` that every query sees before its own. */
export interface KvWire {
  readonly kind: 'kv';
  readonly keys: Tensor;
  readonly values: Tensor;
}
/** A loss as a sum over its terms and the number of terms; division happens once per optimizer step. */
export interface LossWire {
  readonly kind: 'loss';
  readonly sum: Tensor;
  readonly weight: Tensor;
  readonly coefficient: number;
}
export interface TransformWire {
  readonly kind: 'transform';
  readonly transform: Transform;
}
export type Wire = TensorWire | SourcesWire | TokensWire | AffineWire | KvWire | LossWire | TransformWire;
/** Everything that crosses a function's boundary. */
export type DataWire = Exclude<Wire, TransformWire>;

/** The tensors of a wire in a fixed order, with the local name of each. */
export function tensorsOf(wire: DataWire): readonly (readonly [string, Tensor])[] {
  switch (wire.kind) {
    case 'tensor':
      return [['', wire.value]];
    case 'sources':
      return wire.names.map((name, i) => [name, wire.values[i] as Tensor] as const);
    case 'tokens':
      return [
        ['ids', wire.ids],
        ['typeIds', wire.typeIds],
        ['positions', wire.positions],
        ['lengths', wire.lengths],
      ];
    case 'affine':
      return [
        ['gamma', wire.gamma],
        ['beta', wire.beta],
      ];
    case 'kv':
      return [
        ['keys', wire.keys],
        ['values', wire.values],
      ];
    case 'loss':
      return [
        ['sum', wire.sum],
        ['weight', wire.weight],
      ];
  }
}

/** The same wire made of other tensors, in the order of `tensorsOf`. */
export function withTensors(wire: DataWire, tensors: readonly Tensor[]): DataWire {
  const at = (i: number): Tensor => {
    const t = tensors[i];
    if (!t) throw new BugError(`a ${wire.kind} wire needs more than ${i} tensors`);
    return t;
  };
  switch (wire.kind) {
    case 'tensor':
      return { kind: 'tensor', value: at(0) };
    case 'sources':
      return { kind: 'sources', names: wire.names, values: tensors };
    case 'tokens':
      return { kind: 'tokens', ids: at(0), typeIds: at(1), positions: at(2), lengths: at(3) };
    case 'affine':
      return { kind: 'affine', gamma: at(0), beta: at(1), epsilon: wire.epsilon };
    case 'kv':
      return { kind: 'kv', keys: at(0), values: at(1) };
    case 'loss':
      return { kind: 'loss', sum: at(0), weight: at(1), coefficient: wire.coefficient };
  }
}

/** Types and constants of a wire: with the node's parameters, the key of a traced function. */
export function wireSignature(wire: DataWire): string {
  const types = tensorsOf(wire).map(([, t]) => typeText(t.type));
  const extra =
    wire.kind === 'affine'
      ? wire.epsilon
      : wire.kind === 'loss'
        ? wire.coefficient
        : wire.kind === 'sources'
          ? wire.names.join(',')
          : '';
  return `${wire.kind}(${types.join(';')};${extra})`;
}

const typeText = (t: ValueType): string => `${t.dtype}[${t.shape.join(',')}]`;

/** Batch and length of a token batch. */
export const batchOf = (tokens: TokensWire): Dim => tokens.lengths.type.shape[0] as Dim;
export const lengthOf = (tokens: TokensWire): Dim => tokens.ids.type.shape[1] as Dim;
