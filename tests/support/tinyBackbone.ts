/** A BERT of two small layers with random weights and a tokenizer of a few words, as a model folder; and data for it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSafetensors, type TensorToWrite } from '../../engine/checkpoints/safetensors.ts';
import { generator } from './tinyModels.ts';

const SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const;
export const GOOD = ['good', 'fine', 'great', 'lovely', 'bright'] as const;
export const BAD = ['bad', 'poor', 'awful', 'dull', 'grim'] as const;
const NEUTRAL = ['the', 'film', 'was', 'a', 'very', 'plot', 'and', 'cast', 'it', 'is'] as const;
const VOCABULARY = [...SPECIAL, ...GOOD, ...BAD, ...NEUTRAL];

const WIDTH = 16;
const INNER = 24;

export const TINY_CONFIG = {
  model_type: 'bert',
  vocab_size: VOCABULARY.length,
  hidden_size: WIDTH,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: INNER,
  hidden_act: 'gelu',
  hidden_dropout_prob: 0.1,
  attention_probs_dropout_prob: 0.1,
  max_position_embeddings: 32,
  type_vocab_size: 2,
  layer_norm_eps: 1e-12,
  pad_token_id: 0,
  position_embedding_type: 'absolute',
} as const;

/** Names and shapes of the tensors, as a checkpoint of `transformers` has them. */
function shapes(): (readonly [string, readonly number[]])[] {
  const linear = (name: string, out: number, into: number): (readonly [string, readonly number[]])[] => [
    [`${name}.weight`, [out, into]],
    [`${name}.bias`, [out]],
  ];
  const norm = (name: string): (readonly [string, readonly number[]])[] => [
    [`${name}.weight`, [WIDTH]],
    [`${name}.bias`, [WIDTH]],
  ];
  const layers = [0, 1].flatMap((i) => {
    const at = `encoder.layer.${i}`;
    return [
      ...['query', 'key', 'value'].flatMap((part) => linear(`${at}.attention.self.${part}`, WIDTH, WIDTH)),
      ...linear(`${at}.attention.output.dense`, WIDTH, WIDTH),
      ...norm(`${at}.attention.output.LayerNorm`),
      ...linear(`${at}.intermediate.dense`, INNER, WIDTH),
      ...linear(`${at}.output.dense`, WIDTH, INNER),
      ...norm(`${at}.output.LayerNorm`),
    ];
  });
  return [
    ['embeddings.word_embeddings.weight', [VOCABULARY.length, WIDTH]],
    ['embeddings.position_embeddings.weight', [TINY_CONFIG.max_position_embeddings, WIDTH]],
    ['embeddings.token_type_embeddings.weight', [2, WIDTH]],
    ...norm('embeddings.LayerNorm'),
    ...layers,
    ...linear('pooler.dense', WIDTH, WIDTH),
  ];
}

const tokenizer = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: SPECIAL.map((content, id) => ({
    id,
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  })),
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '[CLS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[SEP]', type_id: 0 } },
    ],
    pair: [
      { SpecialToken: { id: '[CLS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[SEP]', type_id: 0 } },
      { Sequence: { id: 'B', type_id: 1 } },
      { SpecialToken: { id: '[SEP]', type_id: 1 } },
    ],
    special_tokens: {
      '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
      '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
    },
  },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(VOCABULARY.map((word, id) => [word, id])),
  },
};

/** Writes the folder; another seed gives another model. */
export function writeTinyBackbone(folder: string, seed = 1, config: Readonly<Record<string, unknown>> = {}): string {
  mkdirSync(folder, { recursive: true });
  const random = generator(seed);
  const tensors = shapes().map(([name, shape]): TensorToWrite => {
    const center = name.endsWith('LayerNorm.weight') ? 1 : 0;
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => center + (random() - 0.5) * 0.6);
    return { name, dtype: 'F32', shape, data };
  });
  writeSafetensors(join(folder, 'model.safetensors'), tensors);
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...TINY_CONFIG, ...config }));
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ tokenizer_class: 'BertTokenizer' }));
  return folder;
}

/** Sentences with a good or a bad word, and what they are: labels `bad` and `good`. */
export function sentences(rows: number, seed = 3): readonly (readonly [text: string, label: string])[] {
  const random = generator(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  return Array.from({ length: rows }, (_, i) => {
    const words = Array.from({ length: 2 + Math.floor(random() * 5) }, () => pick<string>(NEUTRAL));
    words.splice(Math.floor(random() * words.length), 0, i % 2 === 0 ? pick<string>(GOOD) : pick<string>(BAD));
    return [words.join(' '), i % 2 === 0 ? 'good' : 'bad'] as const;
  });
}

/** A csv with the columns text and label. */
export const csvOf = (rows: readonly (readonly [string, string])[]): string =>
  ['text,label', ...rows.map(([text, label]) => `${text},${label}`)].join('\n') + '\n';
