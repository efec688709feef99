/** The table of all ops, total over their names: a missing rule does not compile. */
import type { OpAttrs, OpName } from '../ir/opAttrs.ts';
import type { ValueType } from '../ir/types.ts';
import { attentionRule } from './attention.ts';
import { barrierRule, noiseRule, stopGradientRule } from './control.ts';
import * as elementwise from './elementwise.ts';
import { gatherRule, packRule, scatterAddRule, tokenMaskRule, unpackRule } from './indexing.ts';
import { matmulRule, reduceMaxRule, sumRule } from './linalg.ts';
import { crossEntropyRule } from './loss.ts';
import { layerNormRule, softmaxRule } from './normalise.ts';
import type { OpRule, OpTable } from './rule.ts';
import {
  broadcastToRule,
  concatRule,
  constantRule,
  dimensionRule,
  iotaRule,
  padRule,
  reshapeRule,
  sliceRule,
  transposeRule,
} from './structure.ts';

export const OPS: OpTable = {
  neg: elementwise.negRule,
  exp: elementwise.expRule,
  log: elementwise.logRule,
  sqrt: elementwise.sqrtRule,
  rsqrt: elementwise.rsqrtRule,
  tanh: elementwise.tanhRule,
  erf: elementwise.erfRule,
  sigmoid: elementwise.sigmoidRule,
  relu: elementwise.reluRule,
  abs: elementwise.absRule,
  sign: elementwise.signRule,
  sin: elementwise.sinRule,
  cos: elementwise.cosRule,
  not: elementwise.notRule,
  gelu: elementwise.geluRule,
  add: elementwise.addRule,
  sub: elementwise.subRule,
  mul: elementwise.mulRule,
  div: elementwise.divRule,
  max: elementwise.maxRule,
  min: elementwise.minRule,
  pow: elementwise.powRule,
  eq: elementwise.eqRule,
  lt: elementwise.ltRule,
  and: elementwise.andRule,
  select: elementwise.selectRule,
  cast: elementwise.castRule,
  constant: constantRule,
  dimension: dimensionRule,
  iota: iotaRule,
  reshape: reshapeRule,
  transpose: transposeRule,
  broadcastTo: broadcastToRule,
  slice: sliceRule,
  pad: padRule,
  concat: concatRule,
  gather: gatherRule,
  scatterAdd: scatterAddRule,
  pack: packRule,
  unpack: unpackRule,
  tokenMask: tokenMaskRule,
  matmul: matmulRule,
  sum: sumRule,
  reduceMax: reduceMaxRule,
  softmax: softmaxRule,
  layerNorm: layerNormRule,
  attention: attentionRule,
  crossEntropy: crossEntropyRule,
  noise: noiseRule,
  barrier: barrierRule,
  stopGradient: stopGradientRule,
};

export const OP_NAMES = Object.keys(OPS) as OpName[];

/** The rule of one op, typed by its name. */
export const ruleOf = <K extends OpName>(op: K): OpRule<K> => OPS[op] as unknown as OpRule<K>;

export const inferTypes = <K extends OpName>(op: K, attrs: OpAttrs[K], inputs: readonly ValueType[]): ValueType[] =>
  ruleOf(op).infer(attrs, inputs);
