/**
 * Sums of rows with repeated indices. ScatterND with `reduction: add` gives wrong and changing results with two threads when
 * an index repeats (measured with ONNX Runtime 1.30: it adds in parallel without locks), and ScatterElements adds in order,
 * but in one thread and forty times slower. So the first update of each row is placed by ScatterND, and only the others
 * are added by ScatterElements. Which is which, the host finds out from the indices.
 */
import * as ort from 'onnxruntime-node';
import type { ValueId } from '../../ir/program.ts';
import { isFloat, type ValueType } from '../../ir/types.ts';
import { int, text } from './graph.ts';
import type { HostContext, MakeTensor } from './hostInputs.ts';
import { full, reshapeNode, shapeVector, type LowerContext } from './lowering.ts';
import { ELEMENT_TYPE } from './proto.ts';
import type { Lowered } from './values.ts';

/** A tensor of zeros of a type. */
export function zeros(c: LowerContext, type: ValueType): string {
  return c.graph.node('Expand', [c.graph.scalar(isFloat(type.dtype) ? 'f32' : 'i32', 0), shapeVector(c, type.shape)]);
}

/** ScatterND takes i64 indices with an axis of one coordinate at the end. */
export function coordinates(c: LowerContext, index: Lowered): string {
  const column = reshapeNode(c, full(c, index), [...index.type.shape, 1]);
  return c.graph.node('Cast', [column], { attributes: { to: int(ELEMENT_TYPE.i64) } });
}

/** `updates [n, width]` added into zeros `[rows, width]` at `index [n]`. */
export function summedRows(c: LowerContext, updates: string, index: Lowered, id: ValueId, type: ValueType): string {
  if (!c.host.knows(id)) {
    const column = reshapeNode(c, full(c, index), [-1, 1]);
    return addInOrder(c, zeros(c, type), column, updates);
  }
  const split = new FirstAndRest(id);
  const input = (name: string, dims: readonly (string | number)[], make: MakeTensor): string =>
    c.host.add(`host/${name} of %${id}`, name === 'first rows' ? 'i64' : 'i32', dims, make);
  const pick = (at: string): string => c.graph.node('Gather', [updates, at], { attributes: { axis: int(0) } });
  const first = pick(input('first', [`first of %${id}`], split.tensor('firstAt')));
  const rest = pick(input('rest', [`rest of %${id}`], split.tensor('restAt')));
  const placed = c.graph.node('ScatterND', [
    zeros(c, type),
    input('first rows', [`first of %${id}`, 1], split.tensor('firstRows')),
    first,
  ]);
  return addInOrder(c, placed, input('rest rows', [`rest of %${id}`, 1], split.tensor('restRows')), rest);
}

/** `index [n, 1]` */
function addInOrder(c: LowerContext, into: string, index: string, updates: string): string {
  const everywhere = c.graph.node('Expand', [index, c.graph.node('Shape', [updates])]);
  return c.graph.node('ScatterElements', [into, everywhere, updates], {
    attributes: { axis: int(0), reduction: text('add') },
  });
}

interface Split {
  readonly firstAt: ort.Tensor;
  readonly firstRows: ort.Tensor;
  readonly restAt: ort.Tensor;
  readonly restRows: ort.Tensor;
}

/** The positions of the first update of each row and of all others, computed once a run. */
class FirstAndRest {
  readonly #id: ValueId;
  #last: { readonly context: HostContext; readonly split: Split } | undefined;

  constructor(id: ValueId) {
    this.#id = id;
  }

  tensor(part: keyof Split): MakeTensor {
    return (context) => {
      if (this.#last?.context !== context) this.#last = { context, split: splitFirst(context.value(this.#id).data) };
      return this.#last.split[part];
    };
  }
}

function splitFirst(index: ArrayLike<number>): Split {
  const seen = new Set<number>();
  const [first, rest]: [number[], number[]] = [[], []];
  for (let i = 0; i < index.length; i++) {
    const row = index[i] as number;
    (seen.has(row) ? rest : first).push(i);
    seen.add(row);
  }
  const rows = (at: readonly number[]): number[] => at.map((i) => index[i] as number);
  const vector = (x: readonly number[], dims: readonly number[]): ort.Tensor =>
    new ort.Tensor('int32', Int32Array.from(x), dims);
  return {
    firstAt: vector(first, [first.length]),
    firstRows: new ort.Tensor('int64', BigInt64Array.from(rows(first).map(BigInt)), [first.length, 1]),
    restAt: vector(rest, [rest.length]),
    restRows: vector(rows(rest), [rest.length, 1]),
  };
}
