/**
 * The names of all ops and the attributes of each. This map is the one list of ops: every per-op table is total over it.
 * Axes are counted from the end (-1 is the last), so that merging leading axes leaves attributes as they are.
 */
import type { Dim } from './dim.ts';
import type { DType, Shape } from './types.ts';

type None = Record<string, never>;

export type NoiseDistribution =
  /** 0 with probability p, else 1/(1-p): the factor of inverted dropout. */
  { readonly kind: 'keep'; readonly p: number } | { readonly kind: 'uniform' } | { readonly kind: 'normal' };

export interface OpAttrs {
  neg: None;
  exp: None;
  log: None;
  sqrt: None;
  rsqrt: None;
  tanh: None;
  erf: None;
  sigmoid: None;
  relu: None;
  abs: None;
  sign: None;
  sin: None;
  cos: None;
  not: None;
  gelu: { readonly approximate: 'none' | 'tanh' };

  add: None;
  sub: None;
  mul: None;
  div: None;
  max: None;
  min: None;
  pow: None;
  eq: None;
  lt: None;
  and: None;
  select: None;

  cast: { readonly dtype: DType };
  constant: { readonly dtype: DType; readonly shape: Shape; readonly value: number };
  dimension: { readonly of: Dim };
  iota: { readonly size: Dim };

  reshape: { readonly shape: Shape };
  transpose: { readonly perm: readonly number[] };
  broadcastTo: { readonly shape: Shape };
  slice: { readonly axis: number; readonly start: Dim; readonly size: Dim };
  pad: { readonly axis: number; readonly before: Dim; readonly after: Dim };
  concat: { readonly axis: number };

  gather: None;
  scatterAdd: { readonly rows: Dim };
  pack: { readonly rows: Dim };
  unpack: { readonly batch: Dim; readonly length: Dim };
  tokenMask: { readonly length: Dim };

  matmul: { readonly transposeA: boolean; readonly transposeB: boolean };
  sum: { readonly axes: readonly number[]; readonly keep: boolean };
  reduceMax: { readonly axes: readonly number[]; readonly keep: boolean };

  softmax: None;
  layerNorm: { readonly epsilon: number };
  attention: {
    readonly heads: number;
    readonly scale: number;
    readonly causal: boolean;
    /** Leading keys that every query sees, whatever the length: prefix tuning. */
    readonly prefix: Dim;
    readonly dropout: boolean;
  };
  crossEntropy: { readonly ignoreIndex: number };

  noise: { readonly site: string; readonly shape: Shape; readonly distribution: NoiseDistribution };
  barrier: None;
  stopGradient: None;
}

export type OpName = keyof OpAttrs;
