/**
 * The tokenizer of a model folder: a thin wrapper on `@huggingface/tokenizers` that gives exactly the ids of the reference
 * (the Rust library behind transformers' fast tokenizers), with special tokens, pairs, truncation and pre-split words.
 *
 * Not here: padding and batches (engine/data/batches.ts), data sets and their cache (engine/data/encode.ts).
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { contentHash } from '../base/canonical.ts';
import { BugError, type Diagnostic } from '../base/errors.ts';
import { correctNormalizer, correctPreTokenizer } from './corrections.ts';
import { messages, refuseTokenizer, warnTokenizer } from './messages.ts';
import { longestFirst, specialCount, templateOf, type Template } from './template.ts';
import {
  LARGEST_FILE,
  parseJson,
  parseTokenizerJson,
  type NormalizerJson,
  type PreTokenizerJson,
  type TokenizerJson,
} from './tokenizerJson.ts';

/** One encoded text or pair; all arrays have one entry per token. */
export interface Encoding {
  readonly ids: Int32Array;
  /** Segment of each token: 0 for the first text, 1 for the second, as the tokenizer's template says. */
  readonly typeIds: Uint8Array;
  /** 1 where the template placed a special token. */
  readonly special: Uint8Array;
  /** For pre-split words: index of the word of each token, -1 for special tokens. */
  readonly wordIds?: Int32Array;
  /** How many tokens the length limit cut off. */
  readonly cut: number;
}

export interface Tokenizer {
  /** SHA-256 over everything that decides the ids. */
  readonly hash: string;
  readonly padId: number;
  /** One more than the largest id. */
  readonly vocabSize: number;
  /** The model's own limit from tokenizer_config.json, or null when it names none. */
  readonly modelMaxLength: number | null;
  readonly warnings: readonly Diagnostic[];
  /** How many special tokens a text or a pair gets; `maxLength` must be at least that. */
  readonly specialCount: (pair: boolean) => number;
  /** Encodes a text or a pair, cut to `maxLength` tokens including the special ones. An empty second text is a pair. */
  readonly encode: (text: string, second: string | undefined, maxLength: number) => Encoding;
  /** Encodes pre-split words; a word may give several tokens or none. */
  readonly encodeWords: (words: readonly string[], maxLength: number) => Encoding;
  /** The token string of an id, for showing; undefined when there is none. */
  readonly tokenOf: (id: number) => string | undefined;
}

const tokenText = z.union([z.string(), z.looseObject({ content: z.string() }).transform((token) => token.content)]);
const configSchema = z.looseObject({
  tokenizer_class: z.string().nullish(),
  do_lower_case: z.boolean().nullish(),
  strip_accents: z.boolean().nullish(),
  tokenize_chinese_chars: z.boolean().nullish(),
  add_prefix_space: z.boolean().nullish(),
  model_max_length: z.number().nullish(),
  truncation_side: z.enum(['left', 'right']).nullish(),
  pad_token: tokenText.nullish(),
  eos_token: tokenText.nullish(),
});
type Config = z.infer<typeof configSchema>;

/** Loads the tokenizer of a model folder. Throws a `UserError` when it is missing, malformed or not supported. */
export function loadTokenizer(folder: string): Tokenizer {
  const file = join(folder, 'tokenizer.json');
  const text = readText(file);
  const configFile = join(folder, 'tokenizer_config.json');
  const config = parseConfig(readOptionalText(configFile), configFile);
  const json = withOverrides(parseTokenizerJson(text, file), config);
  const template = templateOf(json.postProcessor, file);
  const library = makeLibraryTokenizer(json, config, file);
  const pad = padIdOf(json, config, library, file);
  return makeTokenizer({
    library,
    template,
    hash: contentHash({
      tokenizer: createHash('sha256').update(text).digest('hex'),
      normalizer: json.normalizer,
      preTokenizer: json.preTokenizer,
      truncationSide: config.truncation_side ?? 'right',
      corrections: 1,
    }),
    padId: pad.id,
    modelMaxLength: limitOf(config),
    keepEnd: config.truncation_side === 'left',
    byteLevels: byteLevelsWithoutSpace(json.preTokenizer, library.pre_tokenizer),
    warnings: [
      ...pad.warnings,
      ...notComparedParts(json).map((part) => warnTokenizer(file, messages.notCompared(part))),
    ],
  });
}

interface ByteLevelObject {
  add_prefix_space: boolean;
}

const LARGEST_WORD_CACHE = 100_000;

interface Parts {
  readonly library: LibraryTokenizer;
  readonly template: Template;
  readonly hash: string;
  readonly padId: number;
  readonly modelMaxLength: number | null;
  readonly keepEnd: boolean;
  readonly byteLevels: readonly ByteLevelObject[];
  readonly warnings: readonly Diagnostic[];
}

function makeTokenizer(parts: Parts): Tokenizer {
  const { library, template } = parts;
  const idsOf = (text: string): readonly number[] => library.encode(text, { add_special_tokens: false }).ids;
  const cutTo = (ids: readonly number[], length: number): readonly number[] =>
    length >= ids.length ? ids : parts.keepEnd ? ids.slice(ids.length - length) : ids.slice(0, length);
  const budgetOf = (pair: boolean, maxLength: number): number => {
    const count = specialCount(pair ? template.pair : template.single);
    if (maxLength < count) throw new BugError(`a length limit of ${maxLength} is below the ${count} special tokens`);
    return maxLength - count;
  };

  const encode = (text: string, secondText: string | undefined, maxLength: number): Encoding => {
    const pair = secondText !== undefined;
    const budget = budgetOf(pair, maxLength);
    const first = idsOf(text);
    const second = pair ? idsOf(secondText) : [];
    const [keepFirst, keepSecond] = pair
      ? longestFirst(first.length, second.length, budget)
      : [Math.min(first.length, budget), 0];
    const cut = first.length + second.length - keepFirst - keepSecond;
    return assemble(template, cutTo(first, keepFirst), pair ? cutTo(second, keepSecond) : undefined, cut);
  };

  const knownWords = new Map<string, readonly number[]>();
  const wordIdsOf = (word: string): readonly number[] => {
    const known = knownWords.get(word);
    if (known !== undefined) return known;
    // Byte-level tokenizers mark the start of a word by a leading blank, which words of a list have lost.
    for (const part of parts.byteLevels) part.add_prefix_space = true;
    try {
      const ids = idsOf(word);
      if (knownWords.size >= LARGEST_WORD_CACHE) knownWords.clear();
      knownWords.set(word, ids);
      return ids;
    } finally {
      for (const part of parts.byteLevels) part.add_prefix_space = false;
    }
  };

  const encodeWords = (words: readonly string[], maxLength: number): Encoding => {
    const budget = budgetOf(false, maxLength);
    const ids: number[] = [];
    const wordOf: number[] = [];
    words.forEach((word, index) => {
      for (const id of wordIdsOf(word)) {
        ids.push(id);
        wordOf.push(index);
      }
    });
    const encoding = assemble(template, cutTo(ids, budget), undefined, Math.max(0, ids.length - budget));
    const kept = cutTo(wordOf, budget);
    const wordIds = new Int32Array(encoding.ids.length).fill(-1);
    let next = 0;
    for (let i = 0; i < wordIds.length; i++) if (encoding.special[i] === 0) wordIds[i] = kept[next++] as number;
    return { ...encoding, wordIds };
  };

  return {
    hash: parts.hash,
    padId: parts.padId,
    vocabSize: library.model === null ? 0 : library.model.vocab.length,
    modelMaxLength: parts.modelMaxLength,
    warnings: parts.warnings,
    specialCount: (pair) => specialCount(pair ? template.pair : template.single),
    encode,
    encodeWords,
    tokenOf: (id) => library.id_to_token(id),
  };
}

function assemble(
  template: Template,
  first: readonly number[],
  second: readonly number[] | undefined,
  cut: number,
): Encoding {
  const pieces = second === undefined ? template.single : template.pair;
  const length = specialCount(pieces) + first.length + (second?.length ?? 0);
  const ids = new Int32Array(length);
  const typeIds = new Uint8Array(length);
  const special = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    if (piece.kind === 'special') {
      ids[at] = piece.id;
      special[at] = 1;
      typeIds[at] = piece.typeId;
      at += 1;
    } else {
      const sequence = piece.which === 'A' ? first : (second ?? []);
      ids.set(sequence, at);
      typeIds.fill(piece.typeId, at, at + sequence.length);
      at += sequence.length;
    }
  }
  return { ids, typeIds, special, cut };
}

/** The library takes and checks the rest; whatever it throws at this point is about the file. */
function makeLibraryTokenizer(json: TokenizerJson, config: Config, file: string): LibraryTokenizer {
  try {
    const library = new LibraryTokenizer(json.raw, { eos_token: config.eos_token ?? undefined });
    correctNormalizer(json.normalizer, library.normalizer);
    correctPreTokenizer(json.preTokenizer, library.pre_tokenizer);
    library.encode('a', { add_special_tokens: false });
    return library;
  } catch (error) {
    return refuseTokenizer(file, messages.unsupported(error instanceof Error ? error.message : String(error)));
  }
}

/**
 * What transformers lets tokenizer_config.json overrule: three settings of the normalizer of BERT-like tokenizers, and the
 * blank before a text of byte-level ones. Where the config is silent about the blank, tokenizers with a class of their own
 * have none; for the others versions 4 and 5 disagree, and the file itself decides as in version 5.
 */
function withOverrides(json: TokenizerJson, config: Config): TokenizerJson {
  const { normalizer, preTokenizer } = json;
  const tokenizerClass = config.tokenizer_class ?? '';
  if (preTokenizer?.type === 'ByteLevel') {
    const silent = /^(PreTrainedTokenizer(Fast)?|TokenizersBackend)?$/.test(tokenizerClass)
      ? preTokenizer.add_prefix_space
      : false;
    return { ...json, preTokenizer: { ...preTokenizer, add_prefix_space: config.add_prefix_space ?? silent } };
  }
  if (normalizer?.type !== 'BertNormalizer') return json;
  if (!/^(Bert|DistilBert|Electra|MobileBert|MPNet|ConvBert|Funnel)Tokenizer/.test(tokenizerClass)) return json;
  return {
    ...json,
    normalizer: {
      ...normalizer,
      lowercase: config.do_lower_case ?? normalizer.lowercase,
      strip_accents: config.strip_accents === undefined ? normalizer.strip_accents : config.strip_accents,
      handle_chinese_chars: config.tokenize_chinese_chars ?? normalizer.handle_chinese_chars,
    },
  };
}

function padIdOf(
  json: TokenizerJson,
  config: Config,
  library: LibraryTokenizer,
  file: string,
): { readonly id: number; readonly warnings: readonly Diagnostic[] } {
  const named = typeof config.pad_token === 'string' ? library.token_to_id(config.pad_token) : undefined;
  const id = named ?? json.padId ?? library.token_to_id('[PAD]') ?? library.token_to_id('<pad>');
  return id === undefined ? { id: 0, warnings: [warnTokenizer(file, messages.noPadToken())] } : { id, warnings: [] };
}

/** transformers writes about 1e30 when there is no limit. */
function limitOf(config: Config): number | null {
  const limit = config.model_max_length;
  return typeof limit === 'number' && Number.isInteger(limit) && limit > 0 && limit < 1e7 ? limit : null;
}

/** The library's byte-level pre-tokenizers that put no blank before a text; the reference turns it on for word lists. */
function byteLevelsWithoutSpace(json: PreTokenizerJson | null, object: unknown): readonly ByteLevelObject[] {
  if (json?.type === 'Sequence') {
    const { tokenizers } = object as { readonly tokenizers: readonly unknown[] };
    return json.pretokenizers.flatMap((part, i) => byteLevelsWithoutSpace(part, tokenizers[i]));
  }
  return json?.type === 'ByteLevel' && !json.add_prefix_space ? [object as ByteLevelObject] : [];
}

/** Parts that give the reference's ids in every comparison made; the others carry a warning. */
const COMPARED = new Set(['Lowercase', 'NFC', 'NFD', 'NFKC', 'NFKD', 'Prepend']);

function notComparedParts(json: TokenizerJson): readonly string[] {
  const names: string[] = json.modelType === 'Unigram' ? ['Unigram'] : [];
  const visit = (part: NormalizerJson | PreTokenizerJson): void => {
    if (part.type === 'other') names.push(part.name);
    else if (part.type === 'Sequence') ('normalizers' in part ? part.normalizers : part.pretokenizers).forEach(visit);
  };
  if (json.normalizer !== null) visit(json.normalizer);
  if (json.preTokenizer !== null) visit(json.preTokenizer);
  if (json.addedTokens.some((token) => token.single_word)) names.push('single_word');
  return [...new Set(names)].filter((name) => !COMPARED.has(name));
}

function parseConfig(text: string | null, file: string): Config {
  if (text === null) return {};
  const parsed = configSchema.safeParse(parseJson(text, file));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  return refuseTokenizer(file, messages.shape(issue?.path.join('.') ?? '', issue?.message ?? 'unknown problem'));
}

function readOptionalText(file: string): string | null {
  return statSync(file, { throwIfNoEntry: false }) === undefined ? null : readText(file);
}

function readText(file: string): string {
  let bytes: Buffer;
  try {
    const { size } = statSync(file);
    if (size > LARGEST_FILE) refuseTokenizer(file, messages.tooLarge(size, LARGEST_FILE));
    bytes = readFileSync(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return refuseTokenizer(file, messages.missing(String(error.code)));
    throw error;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuseTokenizer(file, messages.notUtf8());
  }
}
