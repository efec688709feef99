/**
 * Lowerings of matrix products, reductions and normalisations. A product takes its operands' factors as alpha. The bias of
 * a linear layer is added by an op of its own: Gemm's third operand is copied by one thread and read again (measured
 * 768 us against 682 + 37 us at 512 x 384 x 384).
 */
import type { ValueType } from '../../ir/types.ts';
import { float, int, type Attributes } from './graph.ts';
import {
  full,
  requireF32,
  reshaped,
  typeOf,
  upToFactor,
  withFactor,
  type LowerContext,
  type Lowering,
  type Site,
} from './lowering.ts';
import { plain, writeProduct, type Lowered } from './values.ts';

export const lowerMatmul: Lowering<'matmul'> = (c, site, inputs) => {
  for (const v of inputs) requireF32(site, v);
  const [a, b] = inputs.map((v) => upToFactor(c, v)) as [
    { name: string; factor: number },
    { name: string; factor: number },
  ];
  const { transposeA, transposeB } = site.attrs;
  const product = { a: a.name, b: b.name, transposeA, transposeB, alpha: a.factor * b.factor };
  const value = plain(writeProduct(c.graph, product), typeOf(site));
  return [site.uses[0] === 1 ? { ...value, product } : value];
};

function reduce(
  c: LowerContext,
  op: 'ReduceSum' | 'ReduceMax',
  x: string,
  attrs: { axes: readonly number[]; keep: boolean },
): string {
  const attributes: Attributes = { keepdims: int(attrs.keep ? 1 : 0) };
  return c.graph.node(op, [x, c.graph.vector(attrs.axes)], { attributes });
}

export const lowerSum: Lowering<'sum'> = (c, site, inputs) => {
  const v = inputs[0] as Lowered;
  if (site.attrs.axes.length === 0) return [v];
  const { name, factor } = upToFactor(c, v);
  return [withFactor(reduce(c, 'ReduceSum', name, site.attrs), typeOf(site), factor)];
};

export const lowerReduceMax: Lowering<'reduceMax'> = (c, site, inputs) => {
  if (site.attrs.axes.length === 0) return [inputs[0] as Lowered];
  return [plain(reduce(c, 'ReduceMax', full(c, inputs[0] as Lowered), site.attrs), typeOf(site))];
};

export const lowerSoftmax: Lowering<'softmax'> = (c, site, inputs) => {
  requireF32(site, inputs[0] as Lowered);
  return [
    plain(c.graph.node('Softmax', [full(c, inputs[0] as Lowered)], { attributes: { axis: int(-1) } }), typeOf(site)),
  ];
};

/** SkipLayerNormalization, which would take a residual too, is eight times slower on the CPU: 884 against 101 + 37 us at 512 x 384. */
export const lowerLayerNorm: Lowering<'layerNorm'> = (c, site, inputs) => {
  for (const v of inputs) requireF32(site, v);
  const attributes: Attributes = { axis: int(-1), epsilon: float(site.attrs.epsilon) };
  const [y, mean, rstd] = c.graph.nodes(
    'LayerNormalization',
    inputs.map((v) => full(c, v)),
    { attributes, outputs: 3 },
  );
  return [plain(y as string, typeOf(site)), statistic(c, site, mean as string), statistic(c, site, rstd as string)];
};

/** The runtime gives statistics as `[..., 1]`. */
function statistic(c: LowerContext, site: Site, name: string): Lowered {
  const type: ValueType = typeOf(site, 1);
  return reshaped(c, plain(name, { ...type, shape: [...type.shape, 1] }), type.shape);
}

/**
 * nll = lse - x[label]: one pass for the log-probabilities, then columns only. An ignored label is replaced by class 0 before
 * the look-up and its loss by 0 after it.
 */
export const lowerCrossEntropy: Lowering<'crossEntropy'> = (c, site, inputs) => {
  const [logits, labels] = inputs as [Lowered, Lowered];
  requireF32(site, logits);
  const g = c.graph;
  const x = full(c, logits);
  const logP = g.node('LogSoftmax', [x], { attributes: { axis: int(-1) } });
  const ignored = g.node('Equal', [full(c, labels), g.scalar('i32', site.attrs.ignoreIndex)]);
  const row = typeOf(site);
  const column: ValueType = { ...row, shape: [...row.shape, 1] };
  const safe = plain(g.node('Where', [ignored, g.scalar('i32', 0), full(c, labels)]), { ...row, dtype: 'i32' });
  const at = full(c, reshaped(c, safe, column.shape));
  const pick = (from: string): string => g.node('GatherElements', [from, at], { attributes: { axis: int(-1) } });
  const picked = pick(logP);
  const lse = g.node('Sub', [pick(x), picked]);
  const rows = (name: string): string => full(c, reshaped(c, plain(name, column), row.shape));
  const nll = g.node('Where', [ignored, g.scalar('f32', 0), g.node('Neg', [rows(picked)])]);
  return [plain(nll, row), plain(rows(lse), row)];
};
