/**
 * Where `@huggingface/tokenizers` 0.2.0 gives other token ids than the reference (the Rust library `tokenizers`, measured
 * with 0.23.3 over every code point), its components are replaced on the loaded instance:
 *
 *   BertNormalizer    the library looks for Chinese characters in UTF-16 units (those above U+FFFF stay glued together),
 *                     lower-cases whole words (a final Greek sigma becomes another letter; the reference maps character by
 *                     character) and does so before it strips accents
 *   Lowercase         the final sigma as above
 *   BertPreTokenizer, BertNormalizer, ByteLevel   the library asks the JavaScript engine for Unicode categories and `\s`,
 *                     the reference has fixed ones (characterClasses.ts)
 *
 * Differences that are not in single components are avoided in `loadTokenizer.ts`: the library's RoBERTa template gives the
 * second text the type 1, an empty second text counts as none, and it does not truncate.
 */
import { CHINESE, LETTER, NONSPACING_MARK, NUMBER, OTHER, PUNCTUATION, WHITE_SPACE } from './characterClasses.ts';
import type { NormalizerJson, PreTokenizerJson } from './tokenizerJson.ts';

/** The parts of the library's objects that are replaced; its type declarations do not export the classes. */
interface NormalizerObject {
  normalize: (text: string) => string;
  readonly normalizers?: readonly (NormalizerObject | null)[];
}
interface PreTokenizerObject {
  pattern?: RegExp;
  add_prefix_space?: boolean;
  pre_tokenize_text: (text: string) => string[];
  readonly tokenizers?: readonly (PreTokenizerObject | null)[];
}

export interface BertNormalizerSettings {
  readonly cleanText: boolean;
  readonly chineseChars: boolean;
  readonly stripAccents: boolean;
  readonly lowercase: boolean;
}

const NOT_ASCII = /[^\t\n\r -~]/;
const OTHER_CHARACTERS = new RegExp(`[${OTHER}]`, 'gu');
const WHITE_SPACES = new RegExp(`[${WHITE_SPACE}]`, 'gu');
const CHINESE_CHARACTERS = new RegExp(`[${CHINESE}]`, 'gu');
const NONSPACING_MARKS = new RegExp(`[${NONSPACING_MARK}]`, 'gu');
const BERT_WORDS = new RegExp(`[^${WHITE_SPACE}${PUNCTUATION}]+|[${PUNCTUATION}]`, 'gu');
const GPT2_PIECES = new RegExp(
  `'s|'t|'re|'ve|'m|'ll|'d| ?[${LETTER}]+| ?[${NUMBER}]+| ?[^${WHITE_SPACE}[${LETTER}][${NUMBER}]]+` +
    `|[${WHITE_SPACE}]+(?![^${WHITE_SPACE}])|[${WHITE_SPACE}]+`,
  'gv',
);

/** BERT's text normalization, in the order of the reference: clean, space out Chinese, strip accents, lower case. */
export function normalizeBert(text: string, settings: BertNormalizerSettings): string {
  let result = text;
  if (NOT_ASCII.test(result)) {
    if (settings.cleanText) result = result.replace(OTHER_CHARACTERS, '').replace(WHITE_SPACES, ' ');
    if (settings.chineseChars) result = result.replace(CHINESE_CHARACTERS, ' $& ');
    if (settings.stripAccents) result = result.normalize('NFD').replace(NONSPACING_MARKS, '');
  } else if (settings.cleanText) {
    result = result.replace(/[\t\n\r]/g, ' ');
  }
  return settings.lowercase ? lowerCase(result) : result;
}

/** The only mapping of Unicode's default lower-casing that looks at the neighbours is the final sigma. */
const lowerCase = (text: string): string => text.replaceAll('\u03a3', '\u03c3').toLowerCase();

export function correctNormalizer(json: NormalizerJson | null, object: unknown): void {
  if (json === null) return;
  const normalizer = object as NormalizerObject;
  if (json.type === 'BertNormalizer') {
    const settings: BertNormalizerSettings = {
      cleanText: json.clean_text,
      chineseChars: json.handle_chinese_chars,
      stripAccents: json.strip_accents ?? json.lowercase,
      lowercase: json.lowercase,
    };
    normalizer.normalize = (text) => normalizeBert(text, settings);
  } else if (json.type === 'other' && json.name === 'Lowercase') {
    normalizer.normalize = lowerCase;
  } else if (json.type === 'Sequence') {
    json.normalizers.forEach((part, i) => correctNormalizer(part, normalizer.normalizers?.[i]));
  }
}

export function correctPreTokenizer(json: PreTokenizerJson | null, object: unknown): void {
  if (json === null) return;
  const preTokenizer = object as PreTokenizerObject;
  if (json.type === 'BertPreTokenizer') {
    preTokenizer.pre_tokenize_text = (text) => text.match(BERT_WORDS) ?? [];
  } else if (json.type === 'ByteLevel') {
    preTokenizer.pattern = GPT2_PIECES;
    preTokenizer.add_prefix_space = json.add_prefix_space;
  } else if (json.type === 'Sequence') {
    json.pretokenizers.forEach((part, i) => correctPreTokenizer(part, preTokenizer.tokenizers?.[i]));
  }
}
