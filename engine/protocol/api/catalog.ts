/** What the page knows of node types, methods and steps: the definitions without their functions, as plain data. */

export interface ParamInfoBase {
  readonly help: string;
  readonly unit?: string;
}
export type ParamInfo = ParamInfoBase &
  (
    | { readonly kind: 'int' | 'number'; readonly default: number; readonly min: number; readonly max: number }
    | { readonly kind: 'bool'; readonly default: boolean }
    | { readonly kind: 'choice'; readonly default: string; readonly choices: readonly string[] }
    | { readonly kind: 'text' | 'path' | 'backbone'; readonly default: string }
    | { readonly kind: 'list'; readonly default: readonly string[] }
  );

export interface PortInfo {
  /** `tensor`, `tokens`, `sources`, `transform`, `affine`, `kv`, `loss` in a model; kinds of artifacts in a workflow. */
  readonly kind: string;
  readonly doc: string;
  readonly many?: boolean;
  readonly optional?: boolean;
}

export interface NodeTypeInfo {
  readonly type: string;
  readonly version: number;
  readonly title: string;
  /** `input`, `layer`, `additive`, `selective`, `reparameterised`, `prompt`, `composition`, `head`, `loss`, `custom`. */
  readonly family: string;
  readonly help: string;
  readonly equation?: string;
  readonly paper?: string;
  readonly inputs: Readonly<Record<string, PortInfo>>;
  readonly outputs: Readonly<Record<string, PortInfo>>;
  readonly params: Readonly<Record<string, ParamInfo>>;
  readonly bypass: 'pass' | 'absent' | 'none';
  /** Missing for layers of a backbone. */
  readonly peft?: { readonly startPoint: string; readonly mergeable: boolean };
  readonly bank: boolean;
}

export interface MethodInfo {
  readonly name: string;
  readonly title: string;
  readonly help: string;
  readonly params: Readonly<Record<string, ParamInfo>>;
  readonly bank: boolean;
}

export interface StepTypeInfo {
  readonly type: string;
  readonly version: number;
  readonly title: string;
  readonly help: string;
  readonly inputs: Readonly<Record<string, PortInfo>>;
  readonly outputs: Readonly<Record<string, PortInfo>>;
  readonly params: Readonly<Record<string, ParamInfo>>;
  readonly model: boolean;
}

export interface TemplateInfo {
  readonly name: string;
  readonly title: string;
  readonly help: string;
}

export interface Catalog {
  readonly nodes: readonly NodeTypeInfo[];
  readonly methods: readonly MethodInfo[];
  readonly steps: readonly StepTypeInfo[];
  readonly templates: readonly TemplateInfo[];
}
