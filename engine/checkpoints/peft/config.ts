/**
 * What an `adapter_config.json` of Hugging Face PEFT says, as far as this program can compute it: LoRA (with rsLoRA and
 * DoRA), (IA)3, tuning of norms, prefixes and soft prompts, each for a classifier of sequences or tokens. Reading foreign
 * files is in `readConfig.ts`; what a module name matches is in `modules.ts`.
 */
import { canonicalJson } from '../../base/canonical.ts';

export const PEFT_TYPES = ['LORA', 'IA3', 'LN_TUNING', 'PREFIX_TUNING', 'PROMPT_TUNING'] as const;
export type PeftType = (typeof PEFT_TYPES)[number];

export const PEFT_TASKS = ['SEQ_CLS', 'TOKEN_CLS'] as const;
export type PeftTask = (typeof PEFT_TASKS)[number];

/** Which modules of the model are meant. */
export type ModuleChoice =
  /** Whole names, or what they end in after a dot. */
  | { readonly kind: 'names'; readonly names: readonly string[] }
  /** A regular expression for whole names. */
  | { readonly kind: 'pattern'; readonly pattern: string }
  /** Every linear layer but the head. */
  | { readonly kind: 'all-linear' };

interface Common {
  readonly task: PeftTask;
  /** Public name of the backbone, where it has one. */
  readonly baseModel: string | undefined;
}

interface Targeted extends Common {
  readonly targets: ModuleChoice;
  readonly exclude: ModuleChoice | undefined;
}

export interface LoraConfig extends Targeted {
  readonly type: 'LORA';
  /** Layers that are meant; undefined: all. Modules that `targets` names in full are meant in any case. */
  readonly layers: readonly number[] | undefined;
  /** What stands before a layer's number in module names; empty: any word. */
  readonly layerWords: readonly string[];
  readonly rank: number;
  readonly alpha: number;
  readonly dropout: number;
  readonly rslora: boolean;
  readonly dora: boolean;
  /** Regular expressions for the ends of module names, and what holds there instead; the first that matches counts. */
  readonly rankPattern: ReadonlyMap<string, number>;
  readonly alphaPattern: ReadonlyMap<string, number>;
}

export interface Ia3Config extends Targeted {
  readonly type: 'IA3';
  /** Modules whose input is scaled instead of their output. */
  readonly feedforward: ModuleChoice;
}

export interface LnTuningConfig extends Targeted {
  readonly type: 'LN_TUNING';
}

export interface PromptLearningConfig extends Common {
  readonly type: 'PREFIX_TUNING' | 'PROMPT_TUNING';
  readonly virtualTokens: number;
  /** Width, layers and heads of the backbone; undefined when the file leaves them to the backbone. */
  readonly width: number | undefined;
  readonly layerCount: number | undefined;
  readonly heads: number | undefined;
}

export type PeftConfig = LoraConfig | Ia3Config | LnTuningConfig | PromptLearningConfig;

/**
 * The text of `adapter_config.json`. Fields with PEFT's default value are left out, since versions that do not know a field
 * refuse it; rank, alpha and targets are written in any case, because other readers need them.
 */
export function printPeftConfig(config: PeftConfig): string {
  const fields: Record<string, unknown> = {
    peft_type: config.type,
    task_type: config.task,
    inference_mode: true,
    modules_to_save: ['classifier'],
    ...(config.baseModel === undefined ? {} : { base_model_name_or_path: config.baseModel }),
    ...ownFields(config),
  };
  const sorted = JSON.parse(canonicalJson(fields)) as unknown;
  return `${JSON.stringify(sorted, undefined, 2)}\n`;
}

function ownFields(config: PeftConfig): Record<string, unknown> {
  switch (config.type) {
    case 'LORA':
      return {
        ...targetFields(config),
        r: config.rank,
        lora_alpha: config.alpha,
        ...(config.dropout === 0 ? {} : { lora_dropout: config.dropout }),
        ...(config.rslora ? { use_rslora: true } : {}),
        ...(config.dora ? { use_dora: true } : {}),
        ...(config.layers === undefined ? {} : { layers_to_transform: config.layers }),
        ...(config.layerWords.length === 0 ? {} : { layers_pattern: config.layerWords }),
        ...(config.rankPattern.size === 0 ? {} : { rank_pattern: Object.fromEntries(config.rankPattern) }),
        ...(config.alphaPattern.size === 0 ? {} : { alpha_pattern: Object.fromEntries(config.alphaPattern) }),
      };
    case 'IA3':
      return { ...targetFields(config), feedforward_modules: choiceField(config.feedforward) };
    case 'LN_TUNING':
      return targetFields(config);
    case 'PREFIX_TUNING':
    case 'PROMPT_TUNING':
      return {
        num_virtual_tokens: config.virtualTokens,
        num_transformer_submodules: 1,
        ...(config.width === undefined ? {} : { token_dim: config.width }),
        ...(config.layerCount === undefined ? {} : { num_layers: config.layerCount }),
        ...(config.heads === undefined ? {} : { num_attention_heads: config.heads }),
      };
  }
}

const targetFields = ({ targets, exclude }: Targeted): Record<string, unknown> => ({
  target_modules: choiceField(targets),
  ...(exclude === undefined ? {} : { exclude_modules: choiceField(exclude) }),
});

function choiceField(choice: ModuleChoice): unknown {
  switch (choice.kind) {
    case 'names':
      return choice.names;
    case 'pattern':
      return choice.pattern;
    case 'all-linear':
      return 'all-linear';
  }
}
