/** What the parts of tracing share: the context of one compilation, and wires as lists of tensors. */
import type { Diagnostic } from '../base/errors.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { SourceModule } from '../nodekit/node.ts';
import type { ScopeContext, Traced } from '../nodekit/scope.ts';
import { tensorsOf, withTensors, type DataWire, type Wire } from '../nodekit/wires.ts';
import type { Document } from '../protocol/document.ts';
import type { BankId, NodeId } from '../protocol/ids.ts';
import type { NodeRegistry } from './registry.ts';

/** A traced function and the shape of its wires, so that a caller can rebuild them. */
export interface TracedWires {
  readonly traced: Traced;
  readonly outputs: readonly (readonly [string, DataWire])[];
}

/** A number for each layer; equal numbers mean that the node is the same there. */
export interface Sayings {
  readonly numbers: readonly number[];
  readonly found: readonly { readonly layer: number; readonly found: readonly Diagnostic[] }[];
}

/** Equal texts get equal numbers, so that long texts are compared once. */
export class Numbers {
  readonly #known = new Map<string, number>();

  of(text: string): number {
    let number = this.#known.get(text);
    if (number === undefined) this.#known.set(text, (number = this.#known.size));
    return number;
  }
}

export interface TraceContext {
  readonly document: Document;
  readonly registry: NodeRegistry;
  readonly scope: ScopeContext;
  readonly model: string;
  /** All modules off: the reference model of distillation and preference learning. */
  readonly bypassAll: boolean;
  readonly banks: ReadonlyMap<BankId, readonly SourceModule[]>;
  /** Traced functions by signature; shared by all compilations of one session, so that an edit traces little. */
  readonly memo: Map<string, TracedWires>;
  /** Texts of objects of the document. */
  readonly texts: WeakMap<object, string>;
  /** What nodes say in the layers of a stack, by the objects that say it: recipe and node. */
  readonly sayings: WeakMap<object, WeakMap<object, Map<string, Sayings>>>;
  readonly numbers: Numbers;
  report(d: Diagnostic): void;
}

/** Outputs of the nodes of a graph, by node and port. */
export type Wires = Map<NodeId, Map<string, readonly Wire[]>>;

/** Stops the tracing of one graph after a mistake was reported; other layers and models go on. */
export class Stopped extends Error {}

/** What of a bank makes two functions differ. */
export const bankKey = (context: TraceContext, bank: BankId): unknown =>
  (context.banks.get(bank) ?? []).map((s) => [s.name, s.type, s.params, s.tensor('').artifact, s.tensor('').tensor]);

/** The tensors of a wire with their names as results of a function. */
export const namedTensors = (port: string, wire: DataWire): (readonly [string, Tensor])[] =>
  tensorsOf(wire).map(([name, t]) => [name === '' ? port : `${port}.${name}`, t] as const);

export const countTensors = (wires: readonly DataWire[]): number => wires.reduce((n, w) => n + tensorsOf(w).length, 0);

/** Wires of the given kinds made of a function's results, in order. */
export function rebuildAll(
  outputs: readonly (readonly [string, DataWire])[],
  results: readonly Tensor[],
): [string, DataWire][] {
  let at = 0;
  return outputs.map(([port, wire]) => {
    const n = tensorsOf(wire).length;
    const rebuilt = withTensors(wire, results.slice(at, at + n));
    at += n;
    return [port, rebuilt];
  });
}
