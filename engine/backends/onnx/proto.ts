/**
 * The subset of ONNX's protobuf messages that a generated model needs, as a descriptor for protobufjs, and the encoder.
 * Field numbers are those of the public onnx.proto3 (IR version 10). Nothing is ever decoded here, and the message types
 * that our models have no use for (functions, sparse tensors, training info) are left out.
 */
import protobuf from 'protobufjs';
import type { DType } from '../../ir/types.ts';

/** Element types by ONNX's numbers. `u8` and `i64` exist inside of a model only (noise bytes, shapes). */
export const ELEMENT_TYPE = {
  f32: 1,
  u8: 2,
  i32: 6,
  i64: 7,
  bool: 9,
  f16: 10,
  u32: 12,
  bf16: 16,
} as const satisfies Record<DType | 'u8' | 'i64', number>;
export type ElementType = keyof typeof ELEMENT_TYPE;

export type AttributeValue =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'graph'; readonly value: OnnxGraph };

export interface OnnxNode {
  readonly name: string;
  readonly op: string;
  /** '' is ONNX's own domain. */
  readonly domain: '' | 'com.microsoft';
  /** '' stands for an optional input that is not given. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

export interface OnnxValue {
  readonly name: string;
  readonly type: ElementType;
  /** A string is a symbolic dimension. Absent: the runtime infers it. */
  readonly shape?: readonly (number | string)[];
}

/** A constant of the model: bytes in the model itself, or a range of a file in the model's folder. */
export interface OnnxInitializer {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data:
    | { readonly kind: 'raw'; readonly bytes: Uint8Array }
    | { readonly kind: 'external'; readonly file: string; readonly offset: number; readonly length: number };
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initializers: readonly OnnxInitializer[];
}

/** Versions that a model declares. IR 10 belongs to opset 21. */
export const IR_VERSION = 10;
export const OPSET = 21;

const optional = (type: string, id: number): protobuf.IField => ({ type, id });
const repeated = (type: string, id: number): protobuf.IField => ({ rule: 'repeated', type, id });

const DESCRIPTOR: protobuf.INamespace = {
  nested: {
    StringStringEntryProto: { fields: { key: optional('string', 1), value: optional('string', 2) } },
    TensorProto: {
      fields: {
        dims: repeated('int64', 1),
        dataType: optional('int32', 2),
        name: optional('string', 8),
        rawData: optional('bytes', 9),
        externalData: repeated('StringStringEntryProto', 13),
        dataLocation: optional('int32', 14),
      },
    },
    AttributeProto: {
      fields: {
        name: optional('string', 1),
        f: optional('float', 2),
        i: optional('int64', 3),
        s: optional('bytes', 4),
        g: optional('GraphProto', 6),
        ints: repeated('int64', 8),
        type: optional('int32', 20),
      },
    },
    NodeProto: {
      fields: {
        input: repeated('string', 1),
        output: repeated('string', 2),
        name: optional('string', 3),
        opType: optional('string', 4),
        attribute: repeated('AttributeProto', 5),
        domain: optional('string', 7),
      },
    },
    Dimension: { fields: { dimValue: optional('int64', 1), dimParam: optional('string', 2) } },
    TensorShapeProto: { fields: { dim: repeated('Dimension', 1) } },
    TensorTypeProto: { fields: { elemType: optional('int32', 1), shape: optional('TensorShapeProto', 2) } },
    TypeProto: { fields: { tensorType: optional('TensorTypeProto', 1) } },
    ValueInfoProto: { fields: { name: optional('string', 1), type: optional('TypeProto', 2) } },
    GraphProto: {
      fields: {
        node: repeated('NodeProto', 1),
        name: optional('string', 2),
        initializer: repeated('TensorProto', 5),
        input: repeated('ValueInfoProto', 11),
        output: repeated('ValueInfoProto', 12),
      },
    },
    OperatorSetIdProto: { fields: { domain: optional('string', 1), version: optional('int64', 2) } },
    ModelProto: {
      fields: {
        irVersion: optional('int64', 1),
        producerName: optional('string', 2),
        graph: optional('GraphProto', 7),
        opsetImport: repeated('OperatorSetIdProto', 8),
      },
    },
  },
};

const EXTERNAL = 1;
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, graph: 5, ints: 7 } as const;

function attributeMessage(name: string, a: AttributeValue): object {
  const type = ATTRIBUTE_TYPE[a.kind];
  switch (a.kind) {
    case 'int':
      return { name, type, i: a.value };
    case 'float':
      return { name, type, f: a.value };
    case 'string':
      return { name, type, s: new TextEncoder().encode(a.value) };
    case 'ints':
      return { name, type, ints: a.value };
    case 'graph':
      return { name, type, g: graphMessage(a.value) };
  }
}

const nodeMessage = (node: OnnxNode): object => ({
  name: node.name,
  opType: node.op,
  domain: node.domain,
  input: node.inputs,
  output: node.outputs,
  attribute: Object.entries(node.attributes).map(([name, value]) => attributeMessage(name, value)),
});

const dimensionMessage = (d: number | string): object => (typeof d === 'number' ? { dimValue: d } : { dimParam: d });

const valueMessage = (value: OnnxValue): object => ({
  name: value.name,
  type: {
    tensorType: {
      elemType: ELEMENT_TYPE[value.type],
      ...(value.shape === undefined ? {} : { shape: { dim: value.shape.map(dimensionMessage) } }),
    },
  },
});

function initializerMessage(x: OnnxInitializer): object {
  const head = { name: x.name, dataType: ELEMENT_TYPE[x.type], dims: x.shape };
  if (x.data.kind === 'raw') return { ...head, rawData: x.data.bytes };
  const entries = { location: x.data.file, offset: String(x.data.offset), length: String(x.data.length) };
  const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
  return { ...head, dataLocation: EXTERNAL, externalData };
}

const graphMessage = (graph: OnnxGraph): object => ({
  name: graph.name,
  node: graph.nodes.map(nodeMessage),
  initializer: graph.initializers.map(initializerMessage),
  input: graph.inputs.map(valueMessage),
  output: graph.outputs.map(valueMessage),
});

/** The bytes of a model file. */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  const model = protobuf.Root.fromJSON(DESCRIPTOR).lookupType('ModelProto');
  const opsetImport = [
    { domain: '', version: OPSET },
    { domain: 'com.microsoft', version: 1 },
  ];
  return model
    .encode({ irVersion: IR_VERSION, producerName: 'espalier', graph: graphMessage(graph), opsetImport })
    .finish();
}
