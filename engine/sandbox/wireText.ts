/** What goes into the virtual machine and what comes out of it, as types. What comes out is not trusted: `answer.ts` reads it. */
import type { ParamValue } from '../nodekit/params.ts';
import type { WireKind } from '../nodekit/wires.ts';

/** A wire of data as text: the types of its tensors in the order of `tensorsOf`, and its constants. */
export interface WireText {
  readonly kind: Exclude<WireKind, 'transform'>;
  readonly types: readonly string[];
  readonly names?: readonly string[];
  readonly epsilon?: number;
  readonly coefficient?: number;
}

/** The linear layer under a transform, as far as its types go. */
export interface BaseText {
  readonly inFeatures: number | string;
  readonly outFeatures: number | string;
  readonly bias?: string;
  readonly raw?: { readonly weight: string; readonly layout: 'linear' | 'conv1d' };
}

export const OPERATOR_PARTS = ['apply', 'product', 'applyTransposed', 'materialize', 'bias'] as const;
export type OperatorPart = (typeof OPERATOR_PARTS)[number];

interface NodeCall {
  readonly params: Readonly<Record<string, ParamValue>>;
  readonly id: string;
  readonly training: boolean;
  readonly merging: boolean;
  readonly batch: string;
  readonly length: string;
}

export type VmRequest =
  | { readonly method: 'describe' }
  | (NodeCall & { readonly method: 'build'; readonly inputs: readonly (readonly [string, readonly WireText[]])[] })
  | (NodeCall & {
      readonly method: 'operator';
      readonly port: string;
      readonly part: OperatorPart;
      readonly base: BaseText;
      readonly x?: string;
    })
  | (NodeCall & {
      readonly method: 'delta';
      readonly port: string;
      readonly x: string;
      readonly outFeatures: number | string;
    })
  | (NodeCall & { readonly method: 'asSource'; readonly x: string });

/** Calls of the linear layer under a transform, as names of functions that the host knows. */
export const BASE_CALLS = {
  apply: 'base:apply',
  product: 'base:product',
  applyTransposed: 'base:applyTransposed',
  materialize: 'base:materialize',
  bias: 'base:bias',
  weight: 'base:weight',
} as const;
