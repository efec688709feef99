/** How every op becomes ONNX nodes, total over the ops: a lowering, or its decomposition where no kernel serves it better. */
import type { OpName } from '../../ir/opAttrs.ts';
import { lowerBarrier, lowerNoise, lowerStopGradient } from './lowerControl.ts';
import * as elementwise from './lowerElementwise.ts';
import { lowerGather, lowerPack, lowerScatterAdd, lowerTokenMask, lowerUnpack } from './lowerIndexing.ts';
import * as linalg from './lowerLinalg.ts';
import * as structure from './lowerStructure.ts';
import type { Lowering } from './lowering.ts';

export const LOWERINGS: { readonly [K in OpName]: Lowering<K> | 'decompose' } = {
  neg: elementwise.lowerNeg,
  exp: elementwise.lowerExp,
  log: elementwise.lowerLog,
  sqrt: elementwise.lowerSqrt,
  rsqrt: elementwise.lowerRsqrt,
  tanh: elementwise.lowerTanh,
  erf: elementwise.lowerErf,
  sigmoid: elementwise.lowerSigmoid,
  relu: elementwise.lowerRelu,
  abs: elementwise.lowerAbs,
  sign: elementwise.lowerSign,
  sin: elementwise.lowerSin,
  cos: elementwise.lowerCos,
  not: elementwise.lowerNot,
  gelu: elementwise.lowerGelu,
  add: elementwise.lowerAdd,
  sub: elementwise.lowerSub,
  mul: elementwise.lowerMul,
  div: elementwise.lowerDiv,
  max: elementwise.lowerMax,
  min: elementwise.lowerMin,
  pow: elementwise.lowerPow,
  eq: elementwise.lowerEq,
  lt: elementwise.lowerLt,
  and: elementwise.lowerAnd,
  select: elementwise.lowerSelect,
  cast: elementwise.lowerCast,
  constant: structure.lowerConstant,
  dimension: structure.lowerDimension,
  iota: structure.lowerIota,
  reshape: structure.lowerReshape,
  transpose: structure.lowerTranspose,
  broadcastTo: structure.lowerBroadcastTo,
  slice: structure.lowerSlice,
  pad: structure.lowerPad,
  concat: structure.lowerConcat,
  gather: lowerGather,
  scatterAdd: lowerScatterAdd,
  pack: lowerPack,
  unpack: lowerUnpack,
  tokenMask: lowerTokenMask,
  matmul: linalg.lowerMatmul,
  sum: linalg.lowerSum,
  reduceMax: linalg.lowerReduceMax,
  softmax: linalg.lowerSoftmax,
  layerNorm: linalg.lowerLayerNorm,
  attention: 'decompose',
  crossEntropy: linalg.lowerCrossEntropy,
  noise: lowerNoise,
  barrier: lowerBarrier,
  stopGradient: lowerStopGradient,
};

export const COMPOSED: ReadonlySet<OpName> = new Set(
  (Object.keys(LOWERINGS) as OpName[]).filter((op) => LOWERINGS[op] === 'decompose'),
);
