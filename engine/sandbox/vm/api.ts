/**
 * What the source of a custom node imports as "espalier": the words that our own nodes are written in, and nothing else.
 * This file is bundled into the virtual machine; its declarations are what the editor completes.
 */
export {
  abs,
  add,
  and,
  attention,
  barrier,
  broadcastTo,
  cast,
  concat,
  constant,
  cos,
  crossEntropy,
  dimension,
  div,
  eq,
  erf,
  exp,
  gather,
  gelu,
  iota,
  layerNorm,
  log,
  lt,
  matmul,
  max,
  mean,
  min,
  mul,
  named,
  neg,
  not,
  pad,
  pow,
  reduceMax,
  relu,
  reshape,
  rsqrt,
  scalarLike,
  scatterAdd,
  select,
  sigmoid,
  sign,
  sin,
  slice,
  softmax,
  split,
  sqrt,
  stopGradient,
  sub,
  sum,
  tanh,
  tokenMask,
  transpose,
  zerosLike,
} from '../../ir/build.ts';
export { addDims, divExact, mulDims, productOf, subDims } from '../../ir/dim.ts';
export type { Dim } from '../../ir/dim.ts';
export type { Tensor } from '../../ir/tensor.ts';
export { sameShape, tensorType } from '../../ir/types.ts';
export type { DType, Shape, ValueType } from '../../ir/types.ts';
export { bertNormal, kaimingUniform, normal, ones, zeros } from '../../nodekit/init.ts';
export type { InitSpec } from '../../nodekit/init.ts';
export { defineNode, tensor, widthOf } from '../../nodekit/node.ts';
export type {
  AnyNode,
  BuildContext,
  BuildInputs,
  Bypass,
  Family,
  NodeDefinition,
  NodeDocs,
  PortSpec,
  Ports,
  StartPoint,
} from '../../nodekit/node.ts';
export { additive, Unsupported, withBias } from '../../nodekit/operator.ts';
export type { LinearOperator, Transform, TransformClass } from '../../nodekit/operator.ts';
export { bool, choice, dropoutSpec, int, number, text } from '../../nodekit/params.ts';
export type { ParamSpec, ParamSpecs, ParamValue, ParamValues } from '../../nodekit/params.ts';
export type { ParamScope, Scope, WeightRef } from '../../nodekit/scope.ts';
export { batchOf, lengthOf } from '../../nodekit/wires.ts';
export type {
  AffineWire,
  DataWire,
  KvWire,
  LossWire,
  SourcesWire,
  TensorWire,
  TokensWire,
  TransformWire,
  Wire,
} from '../../nodekit/wires.ts';
