/** Reading and writing `adapter_config.json`: what is understood, what is passed over, and what is refused. */
import { describe, expect, test } from 'vitest';
import { printPeftConfig, type PeftConfig } from '../../../engine/checkpoints/peft/config.ts';
import { readPeftConfig } from '../../../engine/checkpoints/peft/readConfig.ts';
import { refusalsOf } from './helpers.ts';

const FILE = 'adapter_config.json';
const LORA = { peft_type: 'LORA', task_type: 'SEQ_CLS', target_modules: ['query', 'value'] };

/** Every field that PEFT 0.21.2 writes for a LoRA, most of them with their default. */
const WRITTEN_BY_PEFT = {
  alora_invocation_tokens: null,
  alpha_pattern: {},
  arrow_config: null,
  auto_mapping: null,
  base_model_name_or_path: 'owner/model',
  bias: 'none',
  corda_config: null,
  ensure_weight_tying: false,
  eva_config: null,
  exclude_modules: null,
  fan_in_fan_out: false,
  inference_mode: true,
  init_lora_weights: true,
  kasa_config: null,
  layer_replication: null,
  layers_pattern: null,
  layers_to_transform: null,
  loftq_config: {},
  lora_alpha: 16,
  lora_bias: false,
  lora_dropout: 0.1,
  lora_ga_config: null,
  megatron_config: null,
  megatron_core: 'megatron.core',
  modules_to_save: ['classifier', 'score'],
  monteclora_config: null,
  peft_type: 'LORA',
  peft_version: '0.21.2',
  qalora_group_size: 16,
  r: 4,
  rank_pattern: { 'layer.1.attention.self.query': 2 },
  revision: null,
  target_modules: ['query', 'value'],
  target_parameters: null,
  task_type: 'SEQ_CLS',
  trainable_token_indices: null,
  use_bdlora: null,
  use_dora: true,
  use_qalora: false,
  use_rslora: false,
  velora_config: null,
};

const CONFIGS: readonly PeftConfig[] = [
  {
    type: 'LORA',
    task: 'SEQ_CLS',
    baseModel: 'owner/model',
    targets: { kind: 'names', names: ['query'] },
    exclude: { kind: 'names', names: ['layer.0.attention.self.query'] },
    layers: [1, 2],
    layerWords: ['layer'],
    rank: 8,
    alpha: 2.5,
    dropout: 0.1,
    rslora: true,
    dora: true,
    rankPattern: new Map([['layer.1.attention.self.query', 3]]),
    alphaPattern: new Map([['layer.2.attention.self.query', 0.5]]),
  },
  {
    type: 'IA3',
    task: 'TOKEN_CLS',
    baseModel: undefined,
    targets: { kind: 'pattern', pattern: '.*(key|value)' },
    exclude: undefined,
    feedforward: { kind: 'names', names: [] },
  },
  { type: 'LN_TUNING', task: 'SEQ_CLS', baseModel: undefined, targets: { kind: 'all-linear' }, exclude: undefined },
  { type: 'PREFIX_TUNING', task: 'SEQ_CLS', baseModel: 'm', virtualTokens: 3, width: 32, layerCount: 2, heads: 4 },
  {
    type: 'PROMPT_TUNING',
    task: 'TOKEN_CLS',
    baseModel: undefined,
    virtualTokens: 5,
    width: undefined,
    layerCount: undefined,
    heads: undefined,
  },
];

describe('reading', () => {
  test('a file as PEFT writes it', () => {
    expect(readPeftConfig(WRITTEN_BY_PEFT, FILE)).toEqual({
      type: 'LORA',
      task: 'SEQ_CLS',
      baseModel: 'owner/model',
      targets: { kind: 'names', names: ['query', 'value'] },
      exclude: undefined,
      layers: undefined,
      layerWords: [],
      rank: 4,
      alpha: 16,
      dropout: 0.1,
      rslora: false,
      dora: true,
      rankPattern: new Map([['layer.1.attention.self.query', 2]]),
      alphaPattern: new Map(),
    });
  });

  test('missing fields have the defaults of PEFT', () => {
    expect(readPeftConfig(LORA, FILE)).toMatchObject({ rank: 8, alpha: 8, dropout: 0, rslora: false, dora: false });
  });

  test.each(CONFIGS.map((c) => [c.type, c] as const))('what is written is read again: %s', (_type, config) => {
    expect(readPeftConfig(JSON.parse(printPeftConfig(config)), FILE)).toEqual(config);
  });

  test('an unknown field that says nothing is passed over', () => {
    const fields = { ...LORA, next_year: null, then: false, also: [], even: {}, text: '' };
    expect(readPeftConfig(fields, FILE).type).toBe('LORA');
  });
});

describe('writing', () => {
  test('fields with a default of PEFT are left out, sorted', () => {
    const config = readPeftConfig(LORA, FILE);
    expect(Object.entries(JSON.parse(printPeftConfig(config)) as object)).toEqual([
      ['inference_mode', true],
      ['lora_alpha', 8],
      ['modules_to_save', ['classifier']],
      ['peft_type', 'LORA'],
      ['r', 8],
      ['target_modules', ['query', 'value']],
      ['task_type', 'SEQ_CLS'],
    ]);
  });
});

describe('refusals', () => {
  const REFUSED: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
    ['biases', { bias: 'lora_only' }, 'bias'],
    ['a backbone that was changed', { init_lora_weights: 'pissa' }, 'init_lora_weights'],
    ['rank 0', { r: 0 }, '"r"'],
    ['a rank as text', { r: '8' }, '"r"'],
    ['modules that are saved whole', { modules_to_save: ['classifier', 'pooler'] }, 'modules_to_save'],
    ['another task', { task_type: 'CAUSAL_LM' }, 'task_type'],
    ['no task', { task_type: null }, 'task_type'],
    ['no targets', { target_modules: null }, 'target_modules'],
    ['a negative layer', { layers_to_transform: [-1] }, 'layers_to_transform'],
    ['a transposed weight', { fan_in_fan_out: true }, 'fan_in_fan_out'],
    ['tokens', { trainable_token_indices: [5] }, 'trainable_token_indices'],
    ['repeated layers', { layer_replication: [[0, 2]] }, 'layer_replication'],
    ['a field of tomorrow', { use_wonder: true }, 'use_wonder'],
  ];

  test.each(REFUSED)('%s', (_what, fields, named) => {
    const found = refusalsOf(() => readPeftConfig({ ...LORA, ...fields }, FILE));
    expect(found).toHaveLength(1);
    expect(found[0]?.message).toContain(named);
    expect(found[0]?.code).toMatch(/^peft-field/);
  });

  test('everything that is wrong is told at once', () => {
    const found = refusalsOf(() => readPeftConfig({ ...LORA, r: -1, bias: 'all', lora_bias: true }, FILE));
    expect(found.map((d) => d.code).sort()).toEqual(['peft-field', 'peft-field', 'peft-field-unknown']);
  });

  test.each([
    ['(a+)+', 'target_modules'],
    ['(a|b)*c', 'target_modules'],
    ['.*.*.*.*.*', 'target_modules'],
    ['(?=x).*', 'target_modules'],
    ['(a)\\1', 'target_modules'],
    ['((', 'target_modules'],
  ])('the regular expression %s', (pattern, field) => {
    const found = refusalsOf(() => readPeftConfig({ ...LORA, [field]: pattern }, FILE));
    expect(found.map((d) => d.code)).toEqual(['peft-pattern']);
    const inPattern = refusalsOf(() => readPeftConfig({ ...LORA, rank_pattern: { [pattern]: 2 } }, FILE));
    expect(inPattern.map((d) => d.code)).toEqual(['peft-pattern']);
  });

  test.each([
    ['a list', [], 'peft-config'],
    ['a text', 'LORA', 'peft-config'],
    ['no type', { r: 8 }, 'peft-type'],
    ['a type that has other mathematics', { ...LORA, peft_type: 'LOKR' }, 'peft-type'],
    ['a name of every object', { ...LORA, peft_type: 'constructor' }, 'peft-type'],
    ['a file of the library adapters', { model_class: 'BertModel', config: {} }, 'peft-adapterhub'],
  ])('%s', (_what, value, code) => {
    expect(refusalsOf(() => readPeftConfig(value, FILE)).map((d) => d.code)).toEqual([code]);
  });

  test('(IA)3 must say which modules are scaled on their input', () => {
    const found = refusalsOf(() => readPeftConfig({ ...LORA, peft_type: 'IA3' }, FILE));
    expect(found.map((d) => d.message)).toEqual([expect.stringContaining('feedforward_modules')]);
  });

  test('keys that reach into prototypes change nothing', () => {
    const value: unknown = JSON.parse(
      '{"peft_type":"LORA","task_type":"SEQ_CLS","target_modules":["query"],"rank_pattern":{"__proto__":4},"__proto__":null}',
    );
    expect(readPeftConfig(value, FILE)).toMatchObject({ rankPattern: new Map() });
  });
});
