/**
 * Values of a Program as the ONNX graph holds them. ONNX Runtime fuses no elementwise ops, so every op is a pass over
 * memory: a value is therefore kept in an unfinished form as long as that may save a pass.
 *
 *   logical value = factor * tensor + offset, broadcast to `type.shape`
 *
 * A factor ends up in a matrix product's alpha or in a smaller operand where it can; a broadcast is left to the consumer;
 * a constant (factor 0) is never a tensor unless one is asked for. Only f32 values carry a factor.
 */
import type { Dim } from '../../ir/dim.ts';
import { sameShape, type Shape, type ValueType } from '../../ir/types.ts';
import { float, type GraphWriter } from './graph.ts';
import type { RowView } from './rowViews.ts';

/** A matrix product that may be written again with another alpha. */
export interface ProductOrigin {
  readonly a: string;
  readonly b: string;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly alpha: number;
}

export interface Lowered {
  /** The logical type. */
  readonly type: ValueType;
  /** Name of the tensor in the graph; unused when the factor is 0. */
  readonly name: string;
  /** Shape of the tensor; it broadcasts to `type.shape`. */
  readonly shape: Shape;
  readonly factor: number;
  readonly offset: number;
  /** True when all elements of the tensor lie in [-1, 1]. */
  readonly bounded?: boolean;
  /** Present when nothing but this value reads the product, so that scaling it is free. */
  readonly product?: ProductOrigin;
  /** The rows of which the tensor was made, for moves that can start from there. */
  readonly view?: RowView;
  /** The tensor before it was reshaped: the same elements. */
  readonly origin?: { readonly name: string; readonly shape: Shape };
}

export const plain = (name: string, type: ValueType): Lowered => ({
  type,
  name,
  shape: type.shape,
  factor: 1,
  offset: 0,
});

export const constantValue = (type: ValueType, value: number): Lowered => ({
  type,
  name: '',
  shape: [],
  factor: 0,
  offset: value,
});

export const isConstant = (v: Lowered): boolean => v.factor === 0;
export const isPlain = (v: Lowered): boolean => v.factor === 1 && v.offset === 0;

/** Factors outside of this range are applied at once, so that a later product neither overflows nor underflows. */
const LARGEST_CARRIED = 2 ** 20;
export const mayCarry = (factor: number): boolean =>
  Math.abs(factor) <= LARGEST_CARRIED && Math.abs(factor) >= 1 / LARGEST_CARRIED;

/** The product with another alpha: `FusedMatMul` takes it for free. */
export function writeProduct(graph: GraphWriter, p: ProductOrigin): string {
  if (p.alpha === 1 && !p.transposeA && !p.transposeB) return graph.node('MatMul', [p.a, p.b]);
  return graph.node('FusedMatMul', [p.a, p.b], {
    domain: 'com.microsoft',
    attributes: {
      transA: { kind: 'int', value: p.transposeA ? 1 : 0 },
      transB: { kind: 'int', value: p.transposeB ? 1 : 0 },
      alpha: float(p.alpha),
    },
  });
}

/** The same elements with factor and offset applied; the shape stays as it is, a constant becomes a scalar tensor. */
export function settle(graph: GraphWriter, v: Lowered): Lowered {
  if (isPlain(v)) return v;
  const done = (name: string, shape: Shape = v.shape): Lowered => ({ ...plain(name, v.type), shape });
  if (isConstant(v)) return done(graph.scalar(scalarType(v.type), v.offset), []);
  const { factor, offset } = v;
  if (v.product && offset === 0) return done(writeProduct(graph, { ...v.product, alpha: v.product.alpha * factor }));
  // HardSigmoid is max(0, min(1, alpha x + beta)): one pass for both, where the clipping never acts.
  if (v.bounded && offset - Math.abs(factor) >= 0 && offset + Math.abs(factor) <= 1) {
    return done(graph.node('HardSigmoid', [v.name], { attributes: { alpha: float(factor), beta: float(offset) } }));
  }
  const scalar = (x: number): string => graph.scalar('f32', x);
  if (factor === -1)
    return done(offset === 0 ? graph.node('Neg', [v.name]) : graph.node('Sub', [scalar(offset), v.name]));
  const scaled = factor === 1 ? v.name : graph.node('Mul', [v.name, scalar(factor)]);
  return done(offset === 0 ? scaled : graph.node('Add', [scaled, scalar(offset)]));
}

function scalarType(type: ValueType): 'f32' | 'i32' | 'u32' | 'bool' {
  return type.dtype === 'f16' || type.dtype === 'bf16' ? 'f32' : type.dtype;
}

/** Elements of a shape as far as they are known to differ: a shape is smaller when it repeats along an axis of the other. */
export const isSmaller = (a: Shape, b: Shape): boolean => {
  const at = (s: Shape, i: number): Dim => s[s.length - i] ?? 1;
  let smaller = false;
  for (let i = 1; i <= Math.max(a.length, b.length); i++) {
    if (at(a, i) === at(b, i)) continue;
    if (at(a, i) !== 1) return false;
    smaller = true;
  }
  return smaller;
};

export const isWhole = (v: Lowered): boolean => sameShape(v.shape, v.type.shape);

/** The shape that shapes broadcast to; their types were checked when the Program was built. */
export function joined(shapes: readonly Shape[]): Shape {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((s) => s[s.length - rank + i] ?? 1);
    return sizes.find((d) => d !== 1) ?? 1;
  });
}
