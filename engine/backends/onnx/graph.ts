/**
 * An ONNX graph under construction. Nodes are pure, so that equal ones are merged as they are written (the forward pass
 * and a backward pass that repeats a part of it share that part, unless a barrier stands between). Knows nothing of Programs.
 */
import type { AttributeValue, ElementType, OnnxGraph, OnnxInitializer, OnnxNode, OnnxValue } from './proto.ts';

export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface NodeOptions {
  readonly attributes?: Attributes;
  readonly domain?: 'com.microsoft';
  /** Number of outputs, 1 by default. */
  readonly outputs?: number;
}

export const int = (value: number): AttributeValue => ({ kind: 'int', value });
export const float = (value: number): AttributeValue => ({ kind: 'float', value });
export const text = (value: string): AttributeValue => ({ kind: 'string', value });
export const ints = (value: readonly number[]): AttributeValue => ({ kind: 'ints', value });

const HOST_ARRAYS = {
  f32: Float32Array,
  i32: Int32Array,
  u32: Uint32Array,
  bool: Uint8Array,
  u8: Uint8Array,
} as const;
export type ConstantType = keyof typeof HOST_ARRAYS | 'i64';

/** The little-endian bytes of constant values. */
function bytesOf(type: ConstantType, values: readonly number[]): Uint8Array {
  const array = type === 'i64' ? BigInt64Array.from(values.map(BigInt)) : new HOST_ARRAYS[type](values);
  return new Uint8Array(array.buffer);
}

export class GraphWriter {
  readonly #nodes: OnnxNode[] = [];
  readonly #inputs: OnnxValue[] = [];
  readonly #initializers: OnnxInitializer[] = [];
  readonly #known = new Map<string, readonly string[]>();
  readonly #produced = new Set<string>();
  readonly #outputs = new Set<string>();
  #label = '';
  #next = 0;

  /** Path that the names of the nodes written from here on begin with; profiles show it. */
  setLabel(label: string): void {
    this.#label = label;
  }

  node(op: string, inputs: readonly string[], options: NodeOptions = {}): string {
    return this.nodes(op, inputs, options)[0] as string;
  }

  nodes(op: string, inputs: readonly string[], options: NodeOptions = {}): readonly string[] {
    const key = JSON.stringify([op, inputs, options]);
    const known = this.#known.get(key);
    if (known) return known;
    const names = this.#write(op, inputs, options);
    this.#known.set(key, names);
    return names;
  }

  #write(op: string, inputs: readonly string[], options: NodeOptions): readonly string[] {
    const { attributes = {}, domain = '', outputs = 1 } = options;
    const id = this.#next++;
    const names = Array.from({ length: outputs }, (_, i) => (outputs === 1 ? `v${id}` : `v${id}.${i}`));
    const name = `${this.#label === '' ? '' : `${this.#label}/`}${op}#${id}`;
    this.#nodes.push({ name, op, domain, inputs, outputs: names, attributes });
    for (const n of names) this.#produced.add(n);
    return names;
  }

  /** A graph output equal to `value`: the value itself, or a copy when it is no node's output or an output already. */
  output(value: string): string {
    const free = this.#produced.has(value) && !this.#outputs.has(value);
    const name = free ? value : (this.#write('Identity', [value], {})[0] as string);
    this.#outputs.add(name);
    return name;
  }

  constant(type: ConstantType, shape: readonly number[], values: readonly number[]): string {
    const key = JSON.stringify(['constant', type, shape, values.map((v) => (Object.is(v, -0) ? '-0' : String(v)))]);
    const known = this.#known.get(key);
    if (known) return known[0] as string;
    const name = `c${this.#next++}`;
    this.initializer({ name, type, shape, data: { kind: 'raw', bytes: bytesOf(type, values) } });
    this.#known.set(key, [name]);
    return name;
  }

  scalar(type: ConstantType, value: number): string {
    return this.constant(type, [], [value]);
  }

  /** An i64 vector, as shapes, axes and bounds are given. */
  vector(values: readonly number[]): string {
    return this.constant('i64', [values.length], values);
  }

  initializer(x: OnnxInitializer): string {
    this.#initializers.push(x);
    return x.name;
  }

  input(name: string, type: ElementType, shape: readonly (number | string)[]): string {
    this.#inputs.push({ name, type, shape });
    return name;
  }

  /**
   * The graph of what the outputs need: nodes, inputs and constants that nothing uses are left out. Nodes are listed last
   * first: ONNX Runtime walks back from the last listed node that ends in an output, and the inputs of a node from the
   * last listed one, so that in this order it runs them about as they were written, each gradient when it is due. (Listed
   * first to last it would leave all gradients to the end, and hold what they are made of until then.)
   */
  finish(name: string, outputs: readonly OnnxValue[]): OnnxGraph {
    const needed = new Set(outputs.map((o) => o.name));
    const nodes: OnnxNode[] = [];
    for (let i = this.#nodes.length - 1; i >= 0; i--) {
      const node = this.#nodes[i] as OnnxNode;
      if (!node.outputs.some((o) => needed.has(o))) continue;
      for (const input of node.inputs) needed.add(input);
      nodes.push(node);
    }
    return {
      name,
      nodes,
      inputs: this.#inputs.filter((x) => needed.has(x.name)),
      outputs,
      initializers: this.#initializers.filter((x) => needed.has(x.name)),
    };
  }
}
