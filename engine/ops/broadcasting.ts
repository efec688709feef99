/** What elementwise ops share: numpy broadcasting, the axis links that follow from it, one element type, cost per element. */
import { mulDims, type Dim } from '../ir/dim.ts';
import type { OpName } from '../ir/opAttrs.ts';
import { elementsOf, isFloat, printShape, printType, type DType, type Shape, type ValueType } from '../ir/types.ts';
import { ShapeError, type AxisLinks } from './rule.ts';

/** Numpy broadcasting over symbolic dimensions: equal, or one of them 1. */
export function broadcast(op: OpName, inputs: readonly ValueType[]): Shape {
  const shapes = inputs.map((t) => t.shape);
  const rank = Math.max(...shapes.map((s) => s.length));
  const out: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    let dim: Dim = 1;
    for (const s of shapes) {
      const d = s[s.length - rank + i];
      if (d === undefined || d === 1 || d === dim) continue;
      if (dim !== 1) {
        throw new ShapeError(
          op,
          `shapes ${shapes.map(printShape).join(' and ')} do not broadcast: ${String(dim)} against ${String(d)} on axis ${i - rank}`,
          'Give both the same size on that axis, or size 1.',
        );
      }
      dim = d;
    }
    out.push(dim);
  }
  return out;
}

/** Every output axis is independent along the input axis that it comes from; an axis of size 1 is used whole. */
export function elementwiseAxes(inputs: readonly ValueType[], outputs: readonly ValueType[]): AxisLinks {
  return outputs.map((o) =>
    o.shape.map((dim, axis) =>
      inputs.map((t) => {
        const own = axis - (o.shape.length - t.shape.length);
        return own >= 0 && t.shape[own] === dim && dim !== 1 ? own : null;
      }),
    ),
  );
}

/** FLOPs as `cost` per element of the first output. */
export const costPerElement =
  (cost: number) =>
  (_a: unknown, _i: readonly ValueType[], outputs: readonly ValueType[]): Dim =>
    mulDims(cost, elementsOf(outputs[0] as ValueType));

export function sameDtype(op: OpName, inputs: readonly ValueType[]): DType {
  const dtype = (inputs[0] as ValueType).dtype;
  const odd = inputs.find((t) => t.dtype !== dtype);
  if (odd)
    throw new ShapeError(op, `element types differ, got ${inputs.map(printType).join(' and ')}`, 'Cast one of them.');
  return dtype;
}

export function needNumbers(op: OpName, x: ValueType): void {
  if (x.dtype === 'bool') throw new ShapeError(op, `needs numbers, got ${printType(x)}`, 'Cast it to f32.');
}

export function needFloat(op: OpName, x: ValueType): void {
  if (!isFloat(x.dtype)) throw new ShapeError(op, `needs a float tensor, got ${printType(x)}`, 'Cast it to f32.');
}

export function needBoolean(op: OpName, x: ValueType): void {
  if (x.dtype !== 'bool') throw new ShapeError(op, `needs a boolean tensor, got ${printType(x)}`, 'Compare first.');
}
