/**
 * Multi-head attention with masks as data: key lengths, a causal flag, and a prefix that every query sees. The additive
 * mask is most negative finite, so that a row without any visible key gives uniform weights (as HF's eager attention).
 */
import { add, and, cast, iota, lt, matmul, mul, not, reshape, softmax, sub, sum, transpose } from '../ir/build.ts';
import { addDims, divExact, evaluateDim, mulDims, type Dim } from '../ir/dim.ts';
import type { OpAttrs } from '../ir/opAttrs.ts';
import type { Tensor } from '../ir/tensor.ts';
import { printShape, printType, sameShape, type Shape, type ValueType } from '../ir/types.ts';
import { needFloat, sameDtype } from './broadcasting.ts';
import { zeros } from './ndarray.ts';
import { mergeLast, splitLast } from './structure.ts';
import { ShapeError, type AxisLink, type NDArray, type OpRule } from './rule.ts';

type Attrs = OpAttrs['attention'];
/** Added to the score of a key that must not be seen. */
const MASKED = -1e30;

/** `[B, T, H*dh]` to `[B, H, T, dh]`. */
const toHeads = (x: Tensor, heads: number): Tensor => transpose(splitLast(x, heads), [0, 2, 1, 3]);
const fromHeads = (x: Tensor): Tensor => mergeLast(transpose(x, [0, 2, 1, 3]));

/** 0 where key j is visible and `MASKED` where not: `[B, 1, 1, Tk]`, or `[B, 1, Tq, Tk]` when causal. */
function additiveMask(q: Tensor, k: Tensor, lengths: Tensor, attrs: Attrs): Tensor {
  const keys = k.type.shape[1] as Dim;
  const queries = q.type.shape[1] as Dim;
  const batch = lengths.type.shape[0] as Dim;
  const position = sub(iota(q, keys), constantI32(q, attrs.prefix));
  const inside = reshape(lt(position, reshape(lengths, [batch, 1])), [batch, 1, 1, keys]);
  // A key hidden for two reasons gets the mask once, so that a row without any visible key stays uniform.
  const visible = attrs.causal ? and(inside, not(lt(reshape(iota(q, queries), [queries, 1]), position))) : inside;
  return mul(cast(not(visible), 'f32'), MASKED);
}

/** The run-time value of a dimension as an i32 scalar. */
function constantI32(like: Tensor, d: Dim): Tensor {
  const value = like.emitter.emit('dimension', [], { of: d })[0] as Tensor;
  return cast(value, 'i32');
}

interface Parts {
  readonly qh: Tensor;
  readonly kh: Tensor;
  readonly vh: Tensor;
  /** Softmax of the scores, before dropout. */
  readonly probabilities: Tensor;
  /** After dropout. */
  readonly weights: Tensor;
}

function attend(inputs: readonly Tensor[], attrs: Attrs): Parts {
  const [q, k, v, lengths, keep] = inputs as [Tensor, Tensor, Tensor, Tensor, Tensor | undefined];
  const qh = toHeads(q, attrs.heads);
  const kh = toHeads(k, attrs.heads);
  const vh = toHeads(v, attrs.heads);
  const scores = mul(matmul(qh, kh, { transposeB: true }), attrs.scale);
  const probabilities = softmax(add(scores, additiveMask(q, k, lengths, attrs)));
  return { qh, kh, vh, probabilities, weights: keep ? mul(probabilities, keep) : probabilities };
}

export const attentionRule: OpRule<'attention'> = {
  doc: 'softmax(scale * q k^T + mask) v per head (Vaswani et al. 2017), with dropout on the weights when keep factors are given.',
  arity: [4, 5],
  infer: (attrs, inputs) => {
    const [q, k, v, lengths, keep] = inputs as [ValueType, ValueType, ValueType, ValueType, ValueType | undefined];
    const refuse = (message: string, fix: string): never => {
      throw new ShapeError('attention', message, fix);
    };
    for (const t of keep ? [q, k, v, keep] : [q, k, v]) needFloat('attention', t);
    sameDtype('attention', [q, k, v]);
    if (lengths.dtype !== 'i32' || lengths.shape.length !== 1) {
      refuse(`key lengths must be i32 of rank 1, got ${printType(lengths)}`, 'Give one length per example.');
    }
    if (q.shape.length !== 3 || k.shape.length !== 3 || v.shape.length !== 3) {
      refuse(`needs [B, T, width] tensors, got ${[q, k, v].map(printType).join(', ')}`, 'Unpack or reshape them.');
    }
    if (q.shape[2] !== k.shape[2])
      refuse(`query and key widths differ: ${printType(q)} and ${printType(k)}`, 'Project both to one width.');
    if (k.shape[1] !== v.shape[1])
      refuse(
        `keys and values differ in number: ${printType(k)} and ${printType(v)}`,
        'Extend keys and values together.',
      );
    if (q.shape[0] !== k.shape[0] || k.shape[0] !== v.shape[0] || lengths.shape[0] !== q.shape[0])
      refuse('the batch axes differ', 'Use tensors of one batch.');
    if (
      divExact(q.shape[2] as Dim, attrs.heads) === undefined ||
      divExact(v.shape[2] as Dim, attrs.heads) === undefined
    ) {
      refuse(
        `width ${String(q.shape[2])} does not split in ${attrs.heads} heads`,
        'Choose a number of heads that divides the width.',
      );
    }
    if (attrs.dropout !== (keep !== undefined))
      refuse('keep factors and the dropout flag disagree', 'Give keep factors exactly when dropout is on.');
    const weights: Shape = [q.shape[0] as Dim, attrs.heads, q.shape[1] as Dim, k.shape[1] as Dim];
    if (keep && !sameShape(keep.shape, weights))
      refuse(`keep factors ${printType(keep)} must be ${printShape(weights)}`, 'Give one factor per attention weight.');
    return [{ dtype: q.dtype, shape: [q.shape[0] as Dim, q.shape[1] as Dim, v.shape[2] as Dim] }];
  },
  reference: (attrs, inputs, bindings) => {
    const [q, k, v, lengths, keep] = inputs as [NDArray, NDArray, NDArray, NDArray, NDArray | undefined];
    const [batch, queries, width] = q.shape as [number, number, number];
    const [, keys, valueWidth] = v.shape as [number, number, number];
    const H = attrs.heads;
    const dh = width / H;
    const dv = valueWidth / H;
    const prefix = evaluateDim(attrs.prefix, bindings);
    const out = zeros(q.dtype, [batch, queries, valueWidth]);
    for (let b = 0; b < batch; b++)
      for (let h = 0; h < H; h++)
        for (let i = 0; i < queries; i++) {
          const scores = Array.from({ length: keys }, (_, j) => {
            let s = 0;
            for (let e = 0; e < dh; e++)
              s +=
                (q.data[(b * queries + i) * width + h * dh + e] as number) *
                (k.data[(b * keys + j) * width + h * dh + e] as number);
            const hidden = j - prefix >= (lengths.data[b] as number) || (attrs.causal && j - prefix > i);
            return s * attrs.scale + (hidden ? MASKED : 0);
          });
          const top = Math.max(...scores);
          const weights = scores.map((s) => Math.exp(s - top));
          const total = weights.reduce((a, w) => a + w, 0);
          for (let j = 0; j < keys; j++) {
            const factor = keep ? (keep.data[((b * H + h) * queries + i) * keys + j] as number) : 1;
            const w = ((weights[j] as number) / total) * factor;
            for (let e = 0; e < dv; e++) {
              const at = (b * queries + i) * valueWidth + h * dv + e;
              out.data[at] =
                (out.data[at] as number) + w * (v.data[(b * keys + j) * valueWidth + h * dv + e] as number);
            }
          }
        }
    return [out];
  },
  vjp: ({ attrs, inputs, cotangents, wants }) => {
    const { qh, kh, vh, probabilities, weights } = attend(inputs, attrs);
    const dContext = toHeads(cotangents[0] as Tensor, attrs.heads);
    const dWeights = matmul(dContext, vh, { transposeB: true });
    // dWeights * keep * probabilities, with the product of the last two known already.
    const weighted = mul(dWeights, weights);
    const dScores = mul(sub(weighted, mul(probabilities, sum(weighted, [-1], true))), attrs.scale);
    return [
      wants[0] ? fromHeads(matmul(dScores, kh)) : undefined,
      wants[1] ? fromHeads(matmul(dScores, qh, { transposeA: true })) : undefined,
      wants[2] ? fromHeads(matmul(weights, dContext, { transposeA: true })) : undefined,
      undefined,
      wants[4] ? mul(dWeights, probabilities) : undefined,
    ];
  },
  flops: (_attrs, inputs) => {
    const [q, k, v] = inputs as [ValueType, ValueType, ValueType];
    const scores = mulDims(q.shape[0] as Dim, mulDims(q.shape[1] as Dim, k.shape[1] as Dim));
    return mulDims(2, mulDims(scores, addDims(q.shape[2] as Dim, v.shape[2] as Dim)));
  },
  axes: (_attrs, inputs) => {
    const n = inputs.length;
    return [
      [
        Array.from({ length: n }, (): AxisLink => 0),
        Array.from({ length: n }, (_, i): AxisLink => (i === 0 ? 1 : i === 4 ? 2 : null)),
        Array.from({ length: n }, (_, i): AxisLink => (i === 2 ? 2 : null)),
      ],
    ];
  },
  decompose: (attrs, inputs) => {
    const { vh, weights } = attend(inputs, attrs);
    return [fromHeads(matmul(weights, vh))];
  },
  cases: [
    {
      attrs: { heads: 2, scale: 0.5, causal: false, prefix: 0, dropout: false },
      inputs: [
        { shape: [2, 3, 4] },
        { shape: [2, 3, 4] },
        { shape: [2, 3, 4] },
        { shape: [2], dtype: 'i32', range: [1, 4] },
      ],
    },
    {
      attrs: { heads: 1, scale: 0.7, causal: true, prefix: 1, dropout: true },
      inputs: [
        { shape: [1, 2, 2] },
        { shape: [1, 3, 2] },
        { shape: [1, 3, 2] },
        { shape: [1], dtype: 'i32', range: [2, 3] },
        { shape: [1, 1, 2, 3], range: [0.5, 1.5] },
      ],
    },
    {
      attrs: { heads: 2, scale: 1, causal: true, prefix: 0, dropout: false },
      inputs: [
        { shape: [3, 3, 2] },
        { shape: [3, 3, 2] },
        { shape: [3, 3, 4] },
        { shape: [3], dtype: 'i32', range: [1, 4] },
      ],
    },
  ],
};
