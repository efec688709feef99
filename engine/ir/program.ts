/**
 * The Program: a set of functions in single-assignment form. A function is made per (node type, static attributes, input
 * types); code emitters read functions, execution inlines them first. Plain data: no methods, no cycles.
 *
 * Invariants, checked by `ops/verify.ts` after every pass:
 *  1. every value is defined once, before its uses; 2. types agree with the op's `infer` rule, shape and dtype;
 *  3. the inputs and outputs of a call match the callee, also those of an inverse or a custom gradient; 4. calls do not
 *  recurse; 5. every symbol is declared once; 6. parameters, results and functions have names of their own; 7. region
 *  instances exist and name values of the function.
 */
import type { Brand } from '../base/brand.ts';
import type { SymbolDecl } from './dim.ts';
import type { OpAttrs, OpName } from './opAttrs.ts';
import type { ValueType } from './types.ts';

export type ValueId = Brand<number, 'ValueId'>;

/** `input`: data of a step; `weight`: frozen; `trainable`; `state`: of an optimizer or a node's update. */
export type ParamRole = 'input' | 'weight' | 'trainable' | 'state';

export interface FnParam {
  readonly id: ValueId;
  /** The path within the function: `query/lora/A`. Unique among the function's parameters. */
  readonly name: string;
  readonly role: ParamRole;
}

export interface ValueInfo {
  readonly type: ValueType;
  /** The local name given in `build` (`down`, `gate`); names are hints and need not be unique. */
  readonly name?: string;
  /** Node path and layer, for messages, profiles and the editor's overlays. */
  readonly path?: string;
}

/**
 * How the backward pass treats a call. `checkpoint`: inner values are recomputed from the inputs. `reversible`: the inputs
 * themselves are recomputed: the first `streams` inputs are `inverse(outputs..., other inputs...)`. `customVjp`: `vjp(inputs...,
 * outputs..., cotangents...)` gives the cotangents of the inputs.
 */
export type Region =
  | { readonly kind: 'plain' }
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'reversible'; readonly inverse: string; readonly streams: number }
  | { readonly kind: 'customVjp'; readonly vjp: string };

export interface OpInstr<K extends OpName = OpName> {
  readonly kind: 'op';
  readonly op: K;
  readonly attrs: OpAttrs[K];
  readonly inputs: readonly ValueId[];
  readonly outputs: readonly ValueId[];
  /** Index into `Fn.regions` once calls are inlined. */
  readonly region?: number;
}

export interface CallInstr {
  readonly kind: 'call';
  readonly fn: string;
  /** The name of the submodule in the caller: `query`. */
  readonly site: string;
  readonly region: Region;
  readonly inputs: readonly ValueId[];
  readonly outputs: readonly ValueId[];
  /** Index into `Fn.regions` of the region around it, once the calls around it are inlined. */
  readonly within?: number;
}

/** A Stack: the bodies of the layers in turn. Body inputs: carry, broadcast, then that layer's own; results: carry, then collected. */
export interface RepeatInstr {
  readonly kind: 'repeat';
  readonly site: string;
  /** The absolute number of the first layer. */
  readonly first: number;
  readonly bodies: readonly string[];
  readonly region: Region;
  readonly carry: readonly ValueId[];
  readonly broadcast: readonly ValueId[];
  readonly layerInputs: readonly (readonly ValueId[])[];
  /** Carried values after the last layer, then each collected value stacked to `[L, ...]`. */
  readonly outputs: readonly ValueId[];
}

export type Instr = OpInstr | CallInstr | RepeatInstr;

/** A region instance of a flat function: the values that go in and come out of one inlined call. */
export interface RegionInstance {
  readonly region: Region;
  readonly inputs: readonly ValueId[];
  readonly outputs: readonly ValueId[];
  readonly path: string;
  /**
   * Of a reversible region: its leading inputs once more, computed from the outputs by the inlined inverse. Nothing reads
   * them until recomputation does; being ordinary values, they are packed and rewritten with all others. A pass that takes
   * the region apart drops them, and the region is recomputed from its inputs.
   */
  readonly restored?: readonly ValueId[];
}

export interface FnResult {
  readonly name: string;
  readonly id: ValueId;
}

/** Where a function comes from: what an emitter needs to write a readable class. */
export interface FnOrigin {
  readonly nodeType: string;
  readonly doc: string;
  /** The static attributes that are constructor arguments of the emitted class. */
  readonly args: Readonly<Record<string, string | number | boolean>>;
}

export interface Fn {
  readonly name: string;
  readonly params: readonly FnParam[];
  readonly body: readonly Instr[];
  readonly results: readonly FnResult[];
  readonly values: ReadonlyMap<ValueId, ValueInfo>;
  readonly origin?: FnOrigin;
  readonly regions?: readonly RegionInstance[];
}

/** Numeric policy: what is computed, accumulated and kept in which type. Only fp32 runs on `onnx` CPU today. */
export interface NumericPolicy {
  readonly compute: 'f32' | 'bf16' | 'f16';
  readonly accumulate: 'f32';
  readonly parameters: 'f32' | 'bf16';
}

export const FP32: NumericPolicy = { compute: 'f32', accumulate: 'f32', parameters: 'f32' };

export interface Program {
  readonly symbols: readonly SymbolDecl[];
  readonly functions: ReadonlyMap<string, Fn>;
  readonly entry: string;
  readonly policy: NumericPolicy;
}

/** All values that an instruction reads, in order. */
export function operandsOf(instr: Instr): readonly ValueId[] {
  if (instr.kind === 'repeat') return [...instr.carry, ...instr.broadcast, ...instr.layerInputs.flat()];
  return instr.inputs;
}
