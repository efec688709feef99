/**
 * Examples as token ids: one flat array for a whole data set, kept on disk under a key of its content (encoder, data, what
 * was taken from it, length limit), so that a second run reads it instead of encoding again.
 */
import { contentHash } from '../base/canonical.ts';
import { BugError } from '../base/errors.ts';
import { readEncoded, writeEncoded } from './encodedFile.ts';
import { IGNORED_LABEL, type Dataset } from './task.ts';

/** What encoding needs of a tokenizer; engine/tokenizers gives one. */
export interface ExampleEncoder {
  /** Equal hashes give equal ids. */
  readonly hash: string;
  readonly padId: number;
  readonly specialCount: (pair: boolean) => number;
  readonly encode: (text: string, second: string | undefined, maxLength: number) => EncodedExample;
  readonly encodeWords: (words: readonly string[], maxLength: number) => EncodedExample;
}

export interface EncodedExample {
  readonly ids: Int32Array;
  readonly typeIds: Uint8Array;
  readonly wordIds?: Int32Array;
  readonly cut: number;
}

/** The tokens of example i are at offsets[i] .. offsets[i + 1] - 1 of the flat arrays. */
export interface EncodedDataset {
  readonly key: string;
  readonly rows: number;
  readonly maxLength: number;
  readonly padId: number;
  readonly offsets: Int32Array;
  readonly ids: Int32Array;
  readonly typeIds: Uint8Array;
  /** For words: the word of each token, -1 for special tokens. */
  readonly wordIds?: Int32Array;
  /** How many tokens of each example the length limit cut off. */
  readonly cut: Int32Array;
}

/** Raised whenever the same inputs would be encoded differently by a newer version of this file. */
const VERSION = 1;

/**
 * Encodes every example, or reads them from `cacheFolder`. A file there that is damaged is made anew. Nothing is kept on
 * disk without a folder.
 */
export function encodeDataset(
  encoder: ExampleEncoder,
  dataset: Dataset,
  maxLength: number,
  cacheFolder?: string,
): EncodedDataset {
  const { inputs } = dataset;
  const specials = encoder.specialCount(inputs.kind === 'texts' && inputs.second !== undefined);
  if (!Number.isInteger(maxLength) || maxLength <= specials) {
    throw new BugError(`a length limit must leave room beside ${specials} special tokens, got ${maxLength}`);
  }
  const key = contentHash({
    version: VERSION,
    encoder: encoder.hash,
    data: dataset.hash,
    rows: contentHash(Array.from(dataset.rowNumbers)),
    kind: inputs.kind,
    text: dataset.columns.text,
    maxLength,
  });
  const known = cacheFolder === undefined ? undefined : readEncoded(cacheFolder, key);
  if (known !== undefined && known.rows === dataset.rows) return { ...known, key, maxLength, padId: encoder.padId };
  const encoded = { ...encodeAll(encoder, dataset, maxLength), key, maxLength, padId: encoder.padId };
  if (cacheFolder !== undefined) writeEncoded(cacheFolder, encoded);
  return encoded;
}

type Flat = Omit<EncodedDataset, 'key' | 'maxLength' | 'padId'>;

function encodeAll(encoder: ExampleEncoder, dataset: Dataset, maxLength: number): Flat {
  const { inputs, rows } = dataset;
  const examples: EncodedExample[] = [];
  for (let i = 0; i < rows; i++) {
    examples.push(
      inputs.kind === 'words'
        ? encoder.encodeWords(inputs.words[i] as readonly string[], maxLength)
        : encoder.encode(inputs.first[i] as string, inputs.second?.[i], maxLength),
    );
  }
  const offsets = new Int32Array(rows + 1);
  examples.forEach((example, i) => (offsets[i + 1] = (offsets[i] as number) + example.ids.length));
  const total = offsets[rows] as number;
  const ids = new Int32Array(total);
  const typeIds = new Uint8Array(total);
  const wordIds = inputs.kind === 'words' ? new Int32Array(total) : undefined;
  examples.forEach((example, i) => {
    const at = offsets[i] as number;
    ids.set(example.ids, at);
    typeIds.set(example.typeIds, at);
    if (wordIds !== undefined && example.wordIds !== undefined) wordIds.set(example.wordIds, at);
  });
  const cut = Int32Array.from(examples, (example) => example.cut);
  return { rows, offsets, ids, typeIds, cut, ...(wordIds === undefined ? {} : { wordIds }) };
}

export function lengthsOf(encoded: EncodedDataset): Int32Array {
  const lengths = new Int32Array(encoded.rows);
  for (let i = 0; i < encoded.rows; i++)
    lengths[i] = (encoded.offsets[i + 1] as number) - (encoded.offsets[i] as number);
  return lengths;
}

/**
 * The tag of each token: that of its word on the word's first token, `IGNORED_LABEL` on later tokens and special ones. A
 * word that was cut off or has no token has no place here; `wordsWithoutToken` counts them.
 */
export function tokenLabels(encoded: EncodedDataset, tags: readonly Int32Array[]): Int32Array {
  const { wordIds } = encoded;
  if (wordIds === undefined) throw new BugError('token labels need a data set that was encoded from words');
  const labels = new Int32Array(encoded.ids.length).fill(IGNORED_LABEL);
  for (let row = 0; row < encoded.rows; row++) {
    let previous = -1;
    for (let t = encoded.offsets[row] as number; t < (encoded.offsets[row + 1] as number); t++) {
      const word = wordIds[t] as number;
      if (word >= 0 && word !== previous) labels[t] = (tags[row] as Int32Array)[word] as number;
      previous = word;
    }
  }
  return labels;
}

/** How many words of the data set no token stands for. */
export function wordsWithoutToken(encoded: EncodedDataset, words: readonly (readonly string[])[]): number {
  const { wordIds } = encoded;
  if (wordIds === undefined) throw new BugError('words are counted in a data set that was encoded from words');
  let missing = 0;
  for (let row = 0; row < encoded.rows; row++) {
    const present = new Set(wordIds.subarray(encoded.offsets[row], encoded.offsets[row + 1]));
    present.delete(-1);
    missing += (words[row] as readonly string[]).length - present.size;
  }
  return missing;
}
