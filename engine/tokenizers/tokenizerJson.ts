/**
 * The boundary of a foreign `tokenizer.json`: size, nesting, shape and vocabulary are checked once, here, before the
 * library sees any of it. What the library then does with the parts is in `loadTokenizer.ts`.
 */
import { z } from 'zod';
import { jsonDepth } from '../base/jsonDepth.ts';
import { messages, refuseTokenizer } from './messages.ts';

export const LARGEST_FILE = 256 * 2 ** 20;
const DEEPEST_NESTING = 64;
const LARGEST_ID = 2 ** 24;

export type NormalizerJson =
  | {
      readonly type: 'BertNormalizer';
      readonly clean_text: boolean;
      readonly handle_chinese_chars: boolean;
      readonly strip_accents: boolean | null;
      readonly lowercase: boolean;
    }
  | { readonly type: 'Sequence'; readonly normalizers: readonly NormalizerJson[] }
  | { readonly type: 'other'; readonly name: string };

export type PreTokenizerJson =
  | { readonly type: 'BertPreTokenizer' }
  | { readonly type: 'ByteLevel'; readonly add_prefix_space: boolean }
  | { readonly type: 'Sequence'; readonly pretokenizers: readonly PreTokenizerJson[] }
  | { readonly type: 'other'; readonly name: string };

export type TemplateItemJson =
  | { readonly SpecialToken: { readonly id: string; readonly type_id: number } }
  | { readonly Sequence: { readonly id: 'A' | 'B'; readonly type_id: number } };

export type PostProcessorJson =
  | {
      readonly type: 'TemplateProcessing';
      readonly single: readonly TemplateItemJson[];
      readonly pair: readonly TemplateItemJson[];
      readonly special_tokens: ReadonlyMap<string, readonly number[]>;
    }
  | {
      readonly type: 'BertProcessing' | 'RobertaProcessing';
      readonly sep: readonly [string, number];
      readonly cls: readonly [string, number];
    }
  | { readonly type: 'ByteLevel' }
  | { readonly type: 'Sequence'; readonly processors: readonly PostProcessorJson[] };

export interface AddedTokenJson {
  readonly id: number;
  readonly content: string;
  readonly single_word: boolean;
}

/** The checked parts that the engine reads itself, and the raw object that the library gets. */
export interface TokenizerJson {
  readonly raw: Readonly<Record<string, unknown>>;
  readonly modelType: 'WordPiece' | 'BPE' | 'Unigram';
  readonly normalizer: NormalizerJson | null;
  readonly preTokenizer: PreTokenizerJson | null;
  readonly postProcessor: PostProcessorJson | null;
  readonly addedTokens: readonly AddedTokenJson[];
  readonly padId: number | null;
}

const id = z.int().min(0).max(LARGEST_ID);
const flag = z.boolean().default(false);

const otherPart = z
  .looseObject({ type: z.string() })
  .transform((part) => ({ type: 'other' as const, name: part.type }));

const normalizer: z.ZodType<NormalizerJson> = z.lazy(() =>
  z.union([
    z.object({
      type: z.literal('BertNormalizer'),
      clean_text: z.boolean().default(true),
      handle_chinese_chars: z.boolean().default(true),
      strip_accents: z.boolean().nullable().default(null),
      lowercase: z.boolean().default(true),
    }),
    z.object({ type: z.literal('Sequence'), normalizers: z.array(normalizer) }),
    otherPart.refine((part) => part.name !== 'BertNormalizer' && part.name !== 'Sequence'),
  ]),
);

const preTokenizer: z.ZodType<PreTokenizerJson> = z.lazy(() =>
  z.union([
    z.object({ type: z.literal('BertPreTokenizer') }),
    z.object({ type: z.literal('ByteLevel'), add_prefix_space: flag }),
    z.object({ type: z.literal('Sequence'), pretokenizers: z.array(preTokenizer) }),
    otherPart.refine((part) => !['BertPreTokenizer', 'ByteLevel', 'Sequence'].includes(part.name)),
  ]),
);

const templateItem: z.ZodType<TemplateItemJson> = z.union([
  z.object({ SpecialToken: z.object({ id: z.string(), type_id: z.int().min(0).max(255) }) }),
  z.object({ Sequence: z.object({ id: z.enum(['A', 'B']), type_id: z.int().min(0).max(255) }) }),
]);

/** `special_tokens` has names from the file as keys, so it becomes a Map and never an object of ours. */
const specialTokens = z
  .custom<object>((value) => typeof value === 'object' && value !== null && !Array.isArray(value))
  .transform((value, context) => {
    const map = new Map<string, readonly number[]>();
    for (const [name, token] of Object.entries(value)) {
      const parsed = z.object({ ids: z.array(id) }).safeParse(token);
      if (parsed.success) map.set(name, parsed.data.ids);
      else context.addIssue({ code: 'custom', message: 'a special token has no list of ids', path: [name] });
    }
    return map;
  });

const tokenWithId = z.tuple([z.string(), id]);
const postProcessor: z.ZodType<PostProcessorJson> = z.lazy(() =>
  z.discriminatedUnion('type', [
    z.object({
      type: z.literal('TemplateProcessing'),
      single: z.array(templateItem),
      pair: z.array(templateItem),
      special_tokens: specialTokens,
    }),
    z.object({ type: z.literal('BertProcessing'), sep: tokenWithId, cls: tokenWithId }),
    z.object({ type: z.literal('RobertaProcessing'), sep: tokenWithId, cls: tokenWithId }),
    z.object({ type: z.literal('ByteLevel') }),
    z.object({ type: z.literal('Sequence'), processors: z.array(postProcessor) }),
  ]),
);

const envelope = z.looseObject({
  model: z.looseObject({ type: z.string().optional(), vocab: z.unknown(), merges: z.unknown().optional() }),
  normalizer: normalizer.nullish().transform((value) => value ?? null),
  pre_tokenizer: preTokenizer.nullish().transform((value) => value ?? null),
  post_processor: postProcessor.nullish().transform((value) => value ?? null),
  decoder: z.looseObject({ type: z.string() }).nullish(),
  added_tokens: z.array(z.looseObject({ id, content: z.string().min(1), single_word: flag })).default([]),
  padding: z.looseObject({ pad_id: id.optional() }).nullish(),
});

/** Parses the text of a `tokenizer.json`; `file` names it in the messages. Throws a `UserError` for anything malformed. */
export function parseTokenizerJson(text: string, file: string): TokenizerJson {
  const value = parseJson(text, file);
  const parsed = envelope.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return refuseTokenizer(file, messages.shape(issue?.path.join('.') ?? '', issue?.message ?? 'unknown problem'));
  }
  const { model } = parsed.data;
  const modelType = modelTypeOf(model, file);
  const taken = checkVocabulary(model, modelType, file);
  for (const token of parsed.data.added_tokens) {
    const other = taken.get(token.id);
    if (other !== undefined && other !== token.content) {
      refuseTokenizer(file, messages.idTwice(token.id, other, token.content));
    }
    taken.set(token.id, token.content);
  }
  return {
    raw: {
      ...(value as Record<string, unknown>),
      model: { ...model, type: modelType },
      normalizer: (value as Record<string, unknown>)['normalizer'] ?? null,
      pre_tokenizer: (value as Record<string, unknown>)['pre_tokenizer'] ?? null,
      post_processor: null,
      decoder: (value as Record<string, unknown>)['decoder'] ?? null,
      added_tokens: (value as Record<string, unknown>)['added_tokens'] ?? [],
    },
    modelType,
    normalizer: parsed.data.normalizer,
    preTokenizer: parsed.data.pre_tokenizer,
    postProcessor: parsed.data.post_processor,
    addedTokens: parsed.data.added_tokens,
    padId: parsed.data.padding?.pad_id ?? null,
  };
}

/** JSON of bounded nesting; deeper files would overflow the stack of whoever walks them. */
export function parseJson(text: string, file: string): unknown {
  const depth = jsonDepth(text);
  if (depth > DEEPEST_NESTING) refuseTokenizer(file, messages.tooDeep(depth, DEEPEST_NESTING));
  try {
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch (error) {
    return refuseTokenizer(file, messages.notJson(error instanceof Error ? error.message : String(error)));
  }
}

interface ModelJson {
  readonly type?: string | undefined;
  readonly vocab?: unknown;
  readonly merges?: unknown;
  readonly [key: string]: unknown;
}

/** Old files leave the type out; a list of merges or a vocabulary with scores tells it. */
function modelTypeOf(model: ModelJson, file: string): TokenizerJson['modelType'] {
  if (model.type === undefined) {
    return Array.isArray(model.vocab) ? 'Unigram' : Array.isArray(model.merges) ? 'BPE' : 'WordPiece';
  }
  if (model.type === 'WordPiece' || model.type === 'BPE' || model.type === 'Unigram') return model.type;
  return refuseTokenizer(file, messages.modelType(model.type));
}

/** Checks the vocabulary and returns which id belongs to which token. */
function checkVocabulary(model: ModelJson, type: TokenizerJson['modelType'], file: string): Map<number, string> {
  const taken = new Map<number, string>();
  if (type === 'Unigram') {
    if (!Array.isArray(model.vocab)) return refuseTokenizer(file, messages.vocabulary('a list of [token, score]'));
    model.vocab.forEach((entry: unknown, i) => {
      const good = Array.isArray(entry) && typeof entry[0] === 'string' && Number.isFinite(entry[1]);
      if (!good) refuseTokenizer(file, messages.vocabularyEntry(`entry ${i}`, entry));
      else taken.set(i, entry[0] as string);
    });
    const unknown = model['unk_id'];
    if (unknown !== null && unknown !== undefined && !taken.has(unknown as number)) {
      refuseTokenizer(file, messages.unknownToken(unknown));
    }
  } else {
    const { vocab } = model;
    if (typeof vocab !== 'object' || vocab === null || Array.isArray(vocab)) {
      return refuseTokenizer(file, messages.vocabulary('an object from token to id'));
    }
    for (const [token, value] of Object.entries(vocab)) {
      if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > LARGEST_ID) {
        refuseTokenizer(file, messages.vocabularyEntry(token, value));
      }
      const other = taken.get(value as number);
      if (other !== undefined) refuseTokenizer(file, messages.idTwice(value as number, other, token));
      taken.set(value as number, token);
    }
    if (type === 'WordPiece' && !Object.hasOwn(vocab, String(model['unk_token']))) {
      refuseTokenizer(file, messages.unknownToken(model['unk_token']));
    }
    if (type === 'BPE') checkMerges(model.merges, file);
  }
  if (taken.size === 0) refuseTokenizer(file, messages.vocabulary('at least one token'));
  return taken;
}

function checkMerges(merges: unknown, file: string): void {
  if (!Array.isArray(merges)) return refuseTokenizer(file, messages.merges('none'));
  const pairs = Array.isArray(merges[0]);
  merges.forEach((merge: unknown, i) => {
    const good = pairs
      ? Array.isArray(merge) && merge.length === 2 && merge.every((part) => typeof part === 'string')
      : typeof merge === 'string' && merge.split(' ').length === 2;
    if (!good) refuseTokenizer(file, messages.merges(`${JSON.stringify(merge)?.slice(0, 60)} at place ${i}`));
  });
}
