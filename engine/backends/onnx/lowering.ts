/**
 * What an op's lowering is given, and the steps that lowerings share: finishing a value to a tensor of its full shape,
 * scaling it, reshaping it.
 */
import { BugError } from '../../base/errors.ts';
import { isStatic, type Dim } from '../../ir/dim.ts';
import type { OpAttrs, OpName } from '../../ir/opAttrs.ts';
import type { ValueId } from '../../ir/program.ts';
import { isFloat, sameShape, type Shape, type ValueType } from '../../ir/types.ts';
import type { GraphWriter } from './graph.ts';
import type { HostInputs } from './hostInputs.ts';
import { isConstant, isWhole, mayCarry, plain, settle, writeProduct, type Lowered } from './values.ts';

/** One op about to be lowered. */
export interface Site<K extends OpName = OpName> {
  readonly op: K;
  readonly attrs: OpAttrs[K];
  /** Ids of the operands in the flat Program, for lowerings that the host takes part in. */
  readonly inputIds: readonly ValueId[];
  readonly outputTypes: readonly ValueType[];
  /** How often each output is read, results of the Program included. */
  readonly uses: readonly number[];
  /** Of a gelu: its derivative, if the Program has it (`fuse.ts`). */
  readonly derivative?: Lowered;
}

export interface LowerContext {
  readonly graph: GraphWriter;
  readonly host: HostInputs;
}

export type Lowering<K extends OpName> = (
  c: LowerContext,
  site: Site<K>,
  inputs: readonly Lowered[],
) => readonly Lowered[];

export const typeOf = (site: Site, i = 0): ValueType => site.outputTypes[i] as ValueType;

/** Name of a tensor with every element in place. */
export function full(c: LowerContext, v: Lowered): string {
  const settled = settle(c.graph, v);
  if (isWhole(settled)) return settled.name;
  return c.graph.node('Expand', [settled.name, shapeVector(c, v.type.shape)]);
}

/** Name of a tensor that broadcasts to the value's shape. */
export const compact = (c: LowerContext, v: Lowered): Lowered => settle(c.graph, v);

export const shapeVector = (c: LowerContext, shape: Shape): string => c.host.vector(shape);

/** The name of the whole tensor up to a factor that the caller passes on; anything else is settled first. */
export function upToFactor(c: LowerContext, v: Lowered): { readonly name: string; readonly factor: number } {
  if (isConstant(v) || v.offset !== 0 || !isWhole(v)) return { name: full(c, v), factor: 1 };
  return { name: v.name, factor: v.factor };
}

/** A new tensor that is linear in one whose factor is passed on. */
export const withFactor = (name: string, type: ValueType, factor: number): Lowered => ({
  ...plain(name, type),
  factor,
});

/** `value * scale + shift`, written only when it can't be carried. */
export function affine(c: LowerContext, v: Lowered, scale: number, shift: number, uses: number): Lowered {
  const factor = v.factor * scale;
  const offset = v.offset * scale + shift;
  if (v.type.dtype !== 'f32') throw new BugError(`only f32 values carry a factor, got ${v.type.dtype}`);
  if (isConstant(v)) return { ...v, offset };
  const { product, ...rest } = v;
  if (product && offset === 0 && mayCarry(factor)) {
    const alpha = product.alpha * factor;
    const next = { ...product, alpha };
    return {
      ...rest,
      name: writeProduct(c.graph, next),
      factor: 1,
      offset: 0,
      ...(uses === 1 ? { product: next } : {}),
    };
  }
  const next: Lowered = { ...rest, factor, offset };
  return mayCarry(factor) ? next : settle(c.graph, next);
}

/** The same elements under another shape. Reshapes of reshapes start again from the first tensor. */
export function reshaped(c: LowerContext, v: Lowered, shape: Shape): Lowered {
  const type = { ...v.type, shape };
  if (isConstant(v)) return { ...v, type };
  if (!isWhole(v)) {
    const name = full(c, v);
    return reshaped(c, plain(name, v.type), shape);
  }
  const origin = v.origin ?? { name: v.name, shape: v.shape };
  const { factor, offset, view } = v;
  const base = { type, factor, offset, ...(v.bounded ? { bounded: true } : {}), ...(view ? { view } : {}) };
  if (sameShape(origin.shape, shape)) return { ...base, name: origin.name, shape };
  return { ...base, name: reshapeNode(c, origin.name, shape), shape, origin };
}

export const reshapeNode = (c: LowerContext, name: string, shape: Shape): string =>
  c.graph.node('Reshape', [name, reshapeTarget(c, shape)]);

/** At most one symbolic dimension: a constant with -1 at its place. Else the host gives the shape. */
function reshapeTarget(c: LowerContext, shape: Shape): string {
  const open = shape.filter((d) => !isStatic(d)).length;
  if (open > 1 || shape.includes(0)) return shapeVector(c, shape);
  return c.graph.vector(shape.map((d: Dim) => (isStatic(d) ? d : -1)));
}

/**
 * The same tensor, not there before `after` is: a reshape to the shape that it has already, where the shape is computed from
 * the size of `after` times an input that is zero. No copy is made, and nothing in it that the runtime could see through.
 */
export function held(c: LowerContext, name: string, shape: Shape, after: string): string {
  const nothing = c.graph.node('Mul', [c.graph.node('Size', [after]), c.host.zero()]);
  return c.graph.node('Reshape', [name, c.graph.node('Add', [shapeVector(c, shape), nothing])]);
}

export function requireF32(site: Site, v: Lowered): void {
  if (isFloat(v.type.dtype) && v.type.dtype !== 'f32') {
    throw new BugError(`onnx: ${site.op} of ${v.type.dtype}: this device computes in f32 only`);
  }
}
