/** The definition of a node: everything that the palette, the checker, the compiler and the emitters know of it, in one record. */
import type { Dim } from '../ir/dim.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { ParamSpecs, ParamValue, ParamValues } from './params.ts';
import type { Scope, WeightRef } from './scope.ts';
import type {
  AffineWire,
  DataWire,
  KvWire,
  LossWire,
  TensorWire,
  TokensWire,
  TransformWire,
  Wire,
  WireKind,
} from './wires.ts';

export interface PortSpec {
  readonly kind: WireKind;
  readonly doc: string;
  /** Takes any number of wires, in order: racks of transforms, sums, sources. */
  readonly many?: boolean;
  readonly optional?: boolean;
}
export type Ports = Readonly<Record<string, PortSpec>>;

export const FAMILIES = [
  'input',
  'layer',
  'additive',
  'selective',
  'reparameterised',
  'prompt',
  'composition',
  'head',
  'loss',
] as const;
export type Family = (typeof FAMILIES)[number];

/** How far a module moves the backbone's outputs at step 0 (methods-1, 0.3). */
export type StartPoint =
  | { readonly kind: 'identity' }
  | { readonly kind: 'near-identity'; readonly tolerance: number }
  | { readonly kind: 'shifted' };

/** What stands in for a node that is muted or not selected in a layer. */
export type Bypass =
  /** The output carries what came in at a port. */
  | { readonly kind: 'pass'; readonly from: Readonly<Record<string, string>> }
  /** The wire is as if it were not there: racks, sums and optional ports go on without it. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'none' };

export interface NodeDocs {
  readonly title: string;
  readonly family: Family;
  /** One line of help. */
  readonly help: string;
  /** LaTeX. */
  readonly equation?: string;
  readonly paper?: string;
}

export interface BuildInputs {
  tensor(port: string): Tensor;
  optionalTensor(port: string): Tensor | undefined;
  tensors(port: string): readonly Tensor[];
  tokens(port: string): TokensWire;
  affine(port: string): AffineWire;
  optionalAffine(port: string): AffineWire | undefined;
  optionalKv(port: string): KvWire | undefined;
  losses(port: string): readonly LossWire[];
  transforms(port: string): readonly TransformWire[];
}

/** One row of a source bank as the compiler hands it to a node: a trained module and where its tensors lie. */
export interface SourceModule {
  readonly name: string;
  readonly type: string;
  readonly params: Readonly<Record<string, ParamValue>>;
  /** The tensor of a local parameter name; `{layer}` stands for the layer. */
  tensor(name: string): WeightRef;
}

export interface BuildContext<S extends ParamSpecs> {
  readonly scope: Scope;
  readonly inputs: BuildInputs;
  readonly params: ParamValues<S>;
  /** Id of the node in its graph. */
  readonly id: string;
  /** Rows of the node's source bank; empty when it has none. */
  readonly bank: readonly SourceModule[];
  /** The definition of another node type, for banks. */
  readonly definition: (type: string) => AnyNode | undefined;
}

export interface NodeDefinition<S extends ParamSpecs = ParamSpecs> {
  readonly type: string;
  readonly version: number;
  readonly docs: NodeDocs;
  readonly inputs: Ports;
  readonly outputs: Ports;
  readonly params: S;
  readonly bypass: Bypass;
  /** Absent for the layers of a backbone. */
  readonly peft?: { readonly startPoint: StartPoint; readonly mergeable: boolean };
  /** Built in place in the caller instead of as a function of its own: one-op nodes. */
  readonly inline?: boolean;
  /** The node reads a source bank. */
  readonly bank?: boolean;
  /** The hash of the source of a custom node: what is kept of its results depends on it. */
  readonly fingerprint?: string;
  build(context: BuildContext<S>): Readonly<Record<string, Wire>>;
  /** The module's contribution `[..., d]` for an input `[..., d]`, without residual: what fusion and ScaLearn mix. */
  readonly asSource?: (scope: Scope, x: Tensor, params: ParamValues<S>) => Tensor;
}

/** A definition whose parameter types are forgotten; made by `defineNode` alone, which has checked them. */
export type AnyNode = NodeDefinition;

export function defineNode<const S extends ParamSpecs>(definition: NodeDefinition<S>): AnyNode {
  return definition as unknown as AnyNode;
}

export const tensor = (value: Tensor): TensorWire => ({ kind: 'tensor', value });
export const widthOf = (x: Tensor): Dim => x.type.shape[x.type.shape.length - 1] as Dim;
export type { DataWire, Wire };
