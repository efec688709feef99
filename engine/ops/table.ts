/** The table of all ops, total over their names: a missing rule does not compile. */
import type { OpAttrs, OpName } from '../ir/opAttrs.ts';
import type { ValueType } from '../ir/types.ts';
import { attentionRule } from './attention.ts';
import { barrierRule, noiseRule, stopGradientRule } from './control.ts';
import * as binary from './binary.ts';
import { gatherRule, packRule, scatterAddRule, tokenMaskRule, unpackRule } from './indexing.ts';
import { matmulRule, reduceMaxRule, sumRule } from './linalg.ts';
import { crossEntropyRule } from './loss.ts';
import { layerNormRule, softmaxRule } from './normalise.ts';
import { ShapeError, type OpRule, type OpTable } from './rule.ts';
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
import * as unary from './unary.ts';

export const OPS: OpTable = {
  neg: unary.negRule,
  exp: unary.expRule,
  log: unary.logRule,
  sqrt: unary.sqrtRule,
  rsqrt: unary.rsqrtRule,
  tanh: unary.tanhRule,
  erf: unary.erfRule,
  sigmoid: unary.sigmoidRule,
  relu: unary.reluRule,
  abs: unary.absRule,
  sign: unary.signRule,
  sin: unary.sinRule,
  cos: unary.cosRule,
  not: unary.notRule,
  gelu: unary.geluRule,
  add: binary.addRule,
  sub: binary.subRule,
  mul: binary.mulRule,
  div: binary.divRule,
  max: binary.maxRule,
  min: binary.minRule,
  pow: binary.powRule,
  eq: binary.eqRule,
  lt: binary.ltRule,
  and: binary.andRule,
  select: binary.selectRule,
  cast: binary.castRule,
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

export const isOpName = (name: string): name is OpName => Object.hasOwn(OPS, name);

/** The rule of one op, typed by its name. */
export const ruleOf = <K extends OpName>(op: K): OpRule<K> => OPS[op];

/** Types of the outputs. Throws a `ShapeError` when the op refuses the number of its inputs or their types. */
export function inferTypes<K extends OpName>(op: K, attrs: OpAttrs[K], inputs: readonly ValueType[]): ValueType[] {
  const [least, most] = ruleOf(op).arity;
  if (inputs.length < least || inputs.length > most) {
    const takes = least === most ? String(least) : most === Infinity ? `at least ${least}` : `${least} to ${most}`;
    throw new ShapeError(op, `takes ${takes} inputs, got ${inputs.length}`, 'Give the inputs that the op documents.');
  }
  return ruleOf(op).infer(attrs, inputs);
}
