/**
 * What the emitter is given besides the Program: the parameters of the entry and the losses, as the compiler reports them.
 * The types are structural, because a backend knows neither the node kit nor the compiler.
 */
import type { Program, ParamRole } from '../../ir/program.ts';
import type { ValueType } from '../../ir/types.ts';

/** How a trainable parameter starts; the same union as the node kit's `InitSpec`. */
export type TorchInit =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly mean: number; readonly std: number }
  | { readonly kind: 'truncatedNormal'; readonly std: number; readonly limit: number }
  | { readonly kind: 'uniform'; readonly low: number; readonly high: number }
  | { readonly kind: 'diagonal'; readonly diagonal: number; readonly rest: number }
  | { readonly kind: 'copy'; readonly weight: string }
  | { readonly kind: 'rowNorm'; readonly weight: string; readonly inputAxis: 0 | 1 }
  | { readonly kind: 'sampleRows'; readonly weight: string; readonly among: number };

/** A parameter of the entry function. */
export interface TorchParameter {
  readonly name: string;
  /** The path in the model: `layers/0/query/lora/A`. */
  readonly path: string;
  readonly role: ParamRole;
  readonly type: ValueType;
  readonly init?: TorchInit;
  /** Path of the frozen weight that the initial value is computed from. */
  readonly initFrom?: string;
  readonly source?: { readonly artifact: string; readonly tensor: string };
}

export interface TorchSource {
  readonly program: Program;
  readonly parameters: readonly TorchParameter[];
  readonly losses: readonly { readonly name: string; readonly coefficient: number }[];
  /** Names of the outputs, the main one first. */
  readonly outputs: readonly string[];
}

export interface TorchOptions {
  /** Position id of the first token; RoBERTa counts from 2. */
  readonly firstPosition?: number;
}
