/** Cross-entropy with class indices: gives the negative log-likelihood and the log-sum-exp of every row. */
import {
  add,
  cast,
  eq,
  exp,
  iota,
  log,
  mul,
  not,
  reduceMax,
  reshape,
  scalarLike,
  select,
  stopGradient,
  sub,
  sum,
  zerosLike,
} from '../ir/build.ts';
import { mulDims, type Dim } from '../ir/dim.ts';
import type { Tensor } from '../ir/tensor.ts';
import { elementsOf, printType, sameShape, type ValueType } from '../ir/types.ts';
import { needFloat } from './broadcasting.ts';
import { zeros } from './ndarray.ts';
import { ShapeError, type AxisLink, type NDArray, type OpRule } from './rule.ts';

const column = (x: Tensor): Tensor => reshape(x, [...x.type.shape, 1]);

/** 1 at the label's class and 0 elsewhere: `[..., C]`; an ignored label is outside of every class. */
function oneHot(logits: Tensor, labels: Tensor): Tensor {
  const classes = logits.type.shape[logits.type.shape.length - 1] as Dim;
  return cast(eq(iota(logits, classes), column(labels)), logits.type.dtype);
}

const counted = (labels: Tensor, ignoreIndex: number): Tensor =>
  cast(not(eq(labels, scalarLike(labels, ignoreIndex))), 'f32');

export const crossEntropyRule: OpRule<'crossEntropy'> = {
  doc: 'nll = logsumexp(logits) - logits[label], 0 where the label is ignored; also gives the logsumexp.',
  arity: [2, 2],
  infer: (_attrs, inputs) => {
    const [logits, labels] = inputs as [ValueType, ValueType];
    needFloat('crossEntropy', logits);
    if (labels.dtype !== 'i32' || !sameShape(labels.shape, logits.shape.slice(0, -1))) {
      throw new ShapeError(
        'crossEntropy',
        `labels ${printType(labels)} do not fit logits ${printType(logits)}`,
        'Give one i32 label per row of logits.',
      );
    }
    const row: ValueType = { dtype: 'f32', shape: labels.shape };
    return [row, row];
  },
  reference: (attrs, inputs) => {
    const [logits, labels] = inputs as [NDArray, NDArray];
    const classes = logits.shape[logits.shape.length - 1] as number;
    const nll = zeros('f32', labels.shape);
    const lse = zeros('f32', labels.shape);
    labels.data.forEach((label, i) => {
      const row = logits.data.subarray(i * classes, (i + 1) * classes);
      const top = row.reduce((a, b) => Math.max(a, b), -Infinity);
      lse.data[i] = top + Math.log(row.reduce((a, x) => a + Math.exp(x - top), 0));
      nll.data[i] = label === attrs.ignoreIndex ? 0 : lse.data[i] - (row[label] as number);
    });
    return [nll, lse];
  },
  vjp: ({ attrs, inputs, outputs, cotangents, wants }) => {
    const [logits, labels] = inputs as [Tensor, Tensor];
    if (!wants[0]) return [undefined, undefined];
    const [dNll, dLse] = cotangents;
    const probabilities = exp(sub(logits, column(outputs[1] as Tensor)));
    const parts: Tensor[] = [];
    if (dNll)
      parts.push(
        mul(sub(probabilities, oneHot(logits, labels)), column(mul(dNll, counted(labels, attrs.ignoreIndex)))),
      );
    if (dLse) parts.push(mul(probabilities, column(dLse)));
    return [parts.reduce((a, b) => add(a, b)), undefined];
  },
  flops: (_attrs, inputs) => mulDims(6, elementsOf(inputs[0] as ValueType)),
  axes: (_attrs, inputs) => {
    const links = (inputs[1] as ValueType).shape.map((_, i): AxisLink[] => [i, i]);
    return [links, links];
  },
  decompose: (attrs, inputs) => {
    const [logits, labels] = inputs as [Tensor, Tensor];
    const top = stopGradient(reduceMax(logits, [-1], true));
    const shifted = sub(logits, top);
    const logSum = log(sum(exp(shifted), [-1], false));
    const picked = sum(mul(shifted, oneHot(logits, labels)), [-1], false);
    const live = not(eq(labels, scalarLike(labels, attrs.ignoreIndex)));
    const nll = sub(logSum, picked);
    return [select(live, nll, zerosLike(nll)), add(logSum, reshape(top, labels.type.shape))];
  },
  cases: [
    { attrs: { ignoreIndex: -100 }, inputs: [{ shape: [3, 4] }, { shape: [3], dtype: 'i32', range: [0, 4] }] },
    { attrs: { ignoreIndex: 1 }, inputs: [{ shape: [2, 2, 3] }, { shape: [2, 2], dtype: 'i32', range: [0, 3] }] },
  ],
};
