/** What is known of an op, in one record: type rule, reference evaluation, gradient, cost, independence of axes, documentation, test cases. */
import type { Dim, SymbolBindings } from '../ir/dim.ts';
import type { OpAttrs, OpName } from '../ir/opAttrs.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { DType, ValueType } from '../ir/types.ts';

/** A concrete array of the reference backend. Every dtype is held in float64; integers and booleans are exact. */
export interface NDArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** For one output axis and one input: the input axis along which it runs independently, or null when the input is used whole. */
export type AxisLink = number | null;
/** `[output][output axis][input]` */
export type AxisLinks = readonly (readonly (readonly AxisLink[])[])[];

export interface VjpContext<K extends OpName> {
  readonly attrs: OpAttrs[K];
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** One per output; undefined where nothing flows back. At least one is given. */
  readonly cotangents: readonly (Tensor | undefined)[];
  /** Which inputs need a cotangent. */
  readonly wants: readonly boolean[];
}

export interface OpCase<K extends OpName> {
  readonly attrs: OpAttrs[K];
  readonly inputs: readonly CaseInput[];
}

/** A concrete input of a test case. `range` defaults to [-1, 1]; integers are drawn from [lo, hi). */
export interface CaseInput {
  readonly dtype?: DType;
  readonly shape: readonly number[];
  readonly range?: readonly [number, number];
  /** Values strictly increasing, as the index of `pack` needs. */
  readonly increasing?: boolean;
}

export interface OpRule<K extends OpName> {
  readonly doc: string;
  /** Least and largest number of inputs. */
  readonly arity: readonly [number, number];
  /** Output types; throws a `ShapeError` that says rule, found and fix. */
  infer(attrs: OpAttrs[K], inputs: readonly ValueType[]): ValueType[];
  reference(attrs: OpAttrs[K], inputs: readonly NDArray[], bindings: SymbolBindings): NDArray[];
  /** Cotangents of the inputs, built from ops of the table only. `undefined` = not differentiable in that input. */
  vjp(context: VjpContext<K>): readonly (Tensor | undefined)[];
  flops(attrs: OpAttrs[K], inputs: readonly ValueType[], outputs: readonly ValueType[]): Dim;
  axes(attrs: OpAttrs[K], inputs: readonly ValueType[], outputs: readonly ValueType[]): AxisLinks;
  /** The attributes once the two leading axes are merged into one of `rows`; absent when attributes do not mention them. */
  mergeLeading?(attrs: OpAttrs[K], rows: Dim): OpAttrs[K];
  /** The same outputs from simpler ops, for backends without a kernel; ops that have one are the big ones. */
  decompose?(attrs: OpAttrs[K], inputs: readonly Tensor[]): readonly Tensor[];
  readonly cases: readonly OpCase<K>[];
}

export type OpTable = { readonly [K in OpName]: OpRule<K> };

/** An op that refuses its inputs. The compiler turns it into a diagnostic at the node that was being traced. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
  readonly op: OpName;
  readonly fix: string;

  constructor(op: OpName, message: string, fix: string) {
    super(`${op}: ${message}`);
    this.op = op;
    this.fix = fix;
  }
}
