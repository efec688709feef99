/**
 * Reading a foreign `adapter_config.json`, strictly: a field either is one of those that this program computes with, or
 * is listed as harmless, or must say nothing (null, false, empty). All that is wrong is told at once.
 */
import { z } from 'zod';
import { UserError } from '../../base/errors.ts';
import { fail, ok, type Result } from '../../base/result.ts';
import { problemAt, refuse, shorten, type Problem } from '../refusal.ts';
import { PEFT_TASKS, PEFT_TYPES, type ModuleChoice, type PeftConfig, type PeftType } from './config.ts';
import { PEFT_PROBLEMS as problems } from './messages.ts';
import { isLayerWord, isSafePattern } from './modules.ts';

/**
 * Fields that do not change what a trained adapter computes: where it comes from, how it was started, and what only another
 * field's value would make use of. A prefix made by an MLP is stored as the prefix itself.
 */
const HARMLESS: { readonly [K in PeftType | 'all']: readonly string[] } = {
  all: ['auto_mapping', 'inference_mode', 'peft_version', 'revision', 'runtime_config'],
  LORA: ['corda_config', 'eva_config', 'loftq_config', 'lora_ga_config', 'megatron_core', 'qalora_group_size'],
  IA3: ['init_ia3_weights'],
  LN_TUNING: [],
  PREFIX_TUNING: ['encoder_hidden_size', 'init_weights', 'prefix_projection'],
  PROMPT_TUNING: ['prompt_tuning_init', 'prompt_tuning_init_text', 'tokenizer_kwargs', 'tokenizer_name_or_path'],
};

/** Parts of a configuration; missing fields and null stand for PEFT's default. */
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((v) => v ?? undefined);
const size = z
  .int()
  .min(1)
  .max(2 ** 24);
const choice = z.union([z.string(), z.array(z.string()).min(1)], { error: 'it must be a text or a list of texts' });
const common = {
  peft_type: z.enum(PEFT_TYPES),
  task_type: z.enum(PEFT_TASKS),
  base_model_name_or_path: optional(z.string()),
  // PEFT adds both names itself; only one of them is a module of any model.
  modules_to_save: optional(z.array(z.enum(['classifier', 'score']))),
};
const targeted = { ...common, target_modules: choice, exclude_modules: optional(choice) };
const promptLearning = {
  ...common,
  num_virtual_tokens: size,
  token_dim: optional(size),
  num_layers: optional(size),
  num_attention_heads: optional(size),
  num_transformer_submodules: optional(z.literal(1)),
};
const loraSchema = z.strictObject({
  ...targeted,
  r: optional(z.int().min(1).max(4096)),
  lora_alpha: optional(z.number().min(0)),
  lora_dropout: optional(z.number().min(0).lt(1)),
  bias: optional(z.literal('none')),
  use_rslora: optional(z.boolean()),
  use_dora: optional(z.boolean()),
  // The other ways to start (pissa, olora, corda, loftq, lora_ga) take something out of the backbone's weights.
  init_lora_weights: optional(
    z.union([z.boolean(), z.enum(['gaussian', 'eva', 'orthogonal'])], {
      error: 'it must be true, false, "gaussian", "eva" or "orthogonal", as the others change the backbone',
    }),
  ),
  layers_to_transform: optional(
    z.union([z.int().min(0), z.array(z.int().min(0))], { error: 'it must be a layer or a list of layers' }),
  ),
  layers_pattern: optional(
    z.union([z.string(), z.array(z.string())], { error: 'it must be a word or a list of words' }),
  ),
  rank_pattern: optional(z.record(z.string(), z.int().min(1).max(4096))),
  alpha_pattern: optional(z.record(z.string(), z.number().min(0))),
});
// Without this field PEFT would take a list of its own.
const ia3Schema = z.strictObject({
  ...targeted,
  feedforward_modules: z.union([z.string(), z.array(z.string())], { error: 'it must be a text or a list of texts' }),
});
const lnTuningSchema = z.strictObject(targeted);
const promptLearningSchema = z.strictObject(promptLearning);

/** PEFT's own defaults. */
const DEFAULT_RANK = 8;
const DEFAULT_ALPHA = 8;

/** Reads a parsed file. Throws a `UserError` with everything that this program could not compute as PEFT does. */
export function readPeftConfig(value: unknown, file: string): PeftConfig {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse({ file }, problems.notAnObject());
  }
  const fields = new Map<string, unknown>(Object.entries(value));
  const found = fields.get('peft_type');
  const type = PEFT_TYPES.find((t) => t === found);
  if (type === undefined) {
    if (found === undefined && fields.has('model_class')) return refuse({ file }, problems.adapterHub());
    return refuse({ file }, problems.unknownType(shown(found), PEFT_TYPES));
  }
  const read = READERS[type](usedFields(fields, type));
  const diagnostics = [...unknownFields(fields, type).map(([f, v]) => problems.unknownField(shorten(f), shown(v)))];
  if (!read.ok) diagnostics.push(...read.error);
  if (!read.ok || diagnostics.length > 0) throw new UserError(diagnostics.map((p) => problemAt({ file }, p)));
  return read.value;
}

const SCHEMAS = {
  LORA: loraSchema,
  IA3: ia3Schema,
  LN_TUNING: lnTuningSchema,
  PREFIX_TUNING: promptLearningSchema,
  PROMPT_TUNING: promptLearningSchema,
} as const satisfies { readonly [K in PeftType]: z.ZodObject };

function usedFields(fields: ReadonlyMap<string, unknown>, type: PeftType): Record<string, unknown> {
  const known = Object.keys(SCHEMAS[type].shape);
  return Object.fromEntries(known.flatMap((k) => (fields.has(k) ? [[k, fields.get(k)]] : [])));
}

function unknownFields(fields: ReadonlyMap<string, unknown>, type: PeftType): [string, unknown][] {
  const known = new Set([...Object.keys(SCHEMAS[type].shape), ...HARMLESS.all, ...HARMLESS[type]]);
  return [...fields].filter(([field, value]) => !known.has(field) && !saysNothing(value));
}

const saysNothing = (value: unknown): boolean =>
  value === null ||
  value === false ||
  value === '' ||
  (typeof value === 'object' && (Array.isArray(value) ? value.length : Object.keys(value).length) === 0);

type Read = Result<PeftConfig, readonly Problem[]>;

const READERS: { readonly [K in PeftType]: (fields: Record<string, unknown>) => Read } = {
  LORA: (fields) =>
    checked(loraSchema, fields, (p, patterns) => ({
      type: 'LORA',
      ...commonOf(p),
      targets: moduleChoice(p.target_modules, patterns),
      exclude: p.exclude_modules === undefined ? undefined : moduleChoice(p.exclude_modules, patterns),
      layers: layersOf(p.layers_to_transform),
      layerWords: layerWords(p.layers_pattern, patterns),
      rank: p.r ?? DEFAULT_RANK,
      alpha: p.lora_alpha ?? DEFAULT_ALPHA,
      dropout: p.lora_dropout ?? 0,
      rslora: p.use_rslora ?? false,
      dora: p.use_dora ?? false,
      rankPattern: patternMap(p.rank_pattern, patterns),
      alphaPattern: patternMap(p.alpha_pattern, patterns),
    })),
  IA3: (fields) =>
    checked(ia3Schema, fields, (p, patterns) => ({
      type: 'IA3',
      ...commonOf(p),
      targets: moduleChoice(p.target_modules, patterns),
      exclude: p.exclude_modules === undefined ? undefined : moduleChoice(p.exclude_modules, patterns),
      feedforward: moduleChoice(p.feedforward_modules, patterns),
    })),
  LN_TUNING: (fields) =>
    checked(lnTuningSchema, fields, (p, patterns) => ({
      type: 'LN_TUNING',
      ...commonOf(p),
      targets: moduleChoice(p.target_modules, patterns),
      exclude: p.exclude_modules === undefined ? undefined : moduleChoice(p.exclude_modules, patterns),
    })),
  PREFIX_TUNING: (fields) => readPromptLearning(fields, 'PREFIX_TUNING'),
  PROMPT_TUNING: (fields) => readPromptLearning(fields, 'PROMPT_TUNING'),
};

const readPromptLearning = (fields: Record<string, unknown>, type: 'PREFIX_TUNING' | 'PROMPT_TUNING'): Read =>
  checked(promptLearningSchema, fields, (p) => ({
    type,
    ...commonOf(p),
    virtualTokens: p.num_virtual_tokens,
    width: p.token_dim,
    layerCount: p.num_layers,
    heads: p.num_attention_heads,
  }));

const commonOf = (p: {
  readonly task_type: (typeof PEFT_TASKS)[number];
  readonly base_model_name_or_path: string | undefined;
}) => ({
  task: p.task_type,
  baseModel: p.base_model_name_or_path === '' ? undefined : p.base_model_name_or_path,
});

/** Regular expressions of a file, collected so that all that are refused can be told. */
type Patterns = { readonly pattern: string; readonly isGood: boolean }[];

function checked<S extends z.ZodType>(
  schema: S,
  fields: Record<string, unknown>,
  make: (parsed: z.output<S>, patterns: Patterns) => PeftConfig,
): Read {
  const parsed = schema.safeParse(fields);
  if (!parsed.success) {
    return fail(
      parsed.error.issues.map((issue) => {
        const field = String(issue.path[0] ?? '');
        return problems.badField(field, issue.message, shown(fields[field]));
      }),
    );
  }
  const patterns: Patterns = [];
  const config = make(parsed.data, patterns);
  const bad = patterns.filter((p) => !p.isGood);
  return bad.length === 0
    ? ok(config)
    : fail(bad.map((p) => problems.badPattern(p.pattern, 'is too complex to be run safely')));
}

function moduleChoice(value: string | readonly string[], patterns: Patterns): ModuleChoice {
  if (typeof value !== 'string') return { kind: 'names', names: value };
  if (value.toLowerCase() === 'all-linear') return { kind: 'all-linear' };
  patterns.push({ pattern: value, isGood: isSafePattern(value) });
  return { kind: 'pattern', pattern: value };
}

function layerWords(value: string | readonly string[] | undefined, patterns: Patterns): readonly string[] {
  const words = value === undefined || value === '' ? [] : typeof value === 'string' ? [value] : value;
  for (const word of words) patterns.push({ pattern: word, isGood: isLayerWord(word) });
  return words;
}

function patternMap(
  value: Readonly<Record<string, number>> | undefined,
  patterns: Patterns,
): ReadonlyMap<string, number> {
  const map = new Map(Object.entries(value ?? {}));
  for (const pattern of map.keys()) patterns.push({ pattern, isGood: isSafePattern(pattern) });
  return map;
}

/** An empty list of layers stands for all of them, as in PEFT. */
function layersOf(value: number | readonly number[] | undefined): readonly number[] | undefined {
  if (typeof value === 'number') return [value];
  return value === undefined || value.length === 0 ? undefined : value;
}

function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
