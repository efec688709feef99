/**
 * The file of an encoded data set: magic, length of a JSON header, header, then the arrays, each at a multiple of 8 bytes.
 * The header holds the SHA-256 of the arrays, so that a damaged file is noticed and made anew, never used.
 *
 *   "ESPTOK01" | uint32 header length | header {key, rows, words, sha256} | offsets | cut | ids | wordIds? | typeIds
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileDurable } from '../base/durable.ts';
import type { EncodedDataset } from './encode.ts';

const MAGIC = Buffer.from('ESPTOK01', 'latin1');
const PREFIX = 12;
const LARGEST_HEADER = 4096;

const headerSchema = z.object({
  key: z.string(),
  rows: z.int().min(0),
  tokens: z.int().min(0),
  words: z.boolean(),
  sha256: z.string(),
});
type Header = z.infer<typeof headerSchema>;

/** The file of a key inside a cache folder. */
export function encodedPath(folder: string, key: string): string {
  return join(folder, `${key}.tokens`);
}

const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;

/** Where each array begins after the header, and where the last one ends. */
function layout({
  rows,
  tokens,
  words,
}: Pick<Header, 'rows' | 'tokens' | 'words'>): Record<
  'offsets' | 'cut' | 'ids' | 'wordIds' | 'typeIds' | 'end',
  number
> {
  const cut = padded(4 * (rows + 1));
  const ids = cut + padded(4 * rows);
  const wordIds = ids + padded(4 * tokens);
  const typeIds = wordIds + (words ? padded(4 * tokens) : 0);
  return { offsets: 0, cut, ids, wordIds, typeIds, end: typeIds + padded(tokens) };
}

export function writeEncoded(folder: string, encoded: EncodedDataset): void {
  const shape = { rows: encoded.rows, tokens: encoded.ids.length, words: encoded.wordIds !== undefined };
  const at = layout(shape);
  const body = new Uint8Array(at.end);
  const put = (array: Int32Array | Uint8Array, offset: number): void =>
    body.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), offset);
  put(encoded.offsets, at.offsets);
  put(encoded.cut, at.cut);
  put(encoded.ids, at.ids);
  if (encoded.wordIds !== undefined) put(encoded.wordIds, at.wordIds);
  put(encoded.typeIds, at.typeIds);
  const sha256 = createHash('sha256').update(body).digest('hex');
  const header: Header = { key: encoded.key, ...shape, sha256 };
  // Blanks after the header put the arrays at a multiple of 8 bytes.
  const text = JSON.stringify(header);
  const json = Buffer.from(text.padEnd(padded(PREFIX + text.length) - PREFIX), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  writeFileDurable(encodedPath(folder, encoded.key), [MAGIC, length, json, body]);
}

/** The arrays of a key, or undefined when there is no file or it is not exactly what was written. */
export function readEncoded(
  folder: string,
  key: string,
): Omit<EncodedDataset, 'key' | 'maxLength' | 'padId'> | undefined {
  const file = encodedPath(folder, key);
  if (!existsSync(file)) return undefined;
  const bytes = readFileSync(file);
  const header = readHeader(bytes);
  if (header === undefined || header.key !== key) return undefined;
  const start = PREFIX + bytes.readUInt32LE(8);
  const at = layout(header);
  if (bytes.length !== start + at.end) return undefined;
  const body = bytes.subarray(start);
  if (createHash('sha256').update(body).digest('hex') !== header.sha256) return undefined;
  const copy = new Uint8Array(body);
  const int32 = (offset: number, count: number): Int32Array => new Int32Array(copy.buffer, offset, count);
  const { rows, tokens, words } = header;
  return {
    rows,
    offsets: int32(at.offsets, rows + 1),
    cut: int32(at.cut, rows),
    ids: int32(at.ids, tokens),
    typeIds: new Uint8Array(copy.buffer, at.typeIds, tokens),
    ...(words ? { wordIds: int32(at.wordIds, tokens) } : {}),
  };
}

function readHeader(bytes: Buffer): Header | undefined {
  if (bytes.length < PREFIX || !bytes.subarray(0, 8).equals(MAGIC)) return undefined;
  const length = bytes.readUInt32LE(8);
  if (length > LARGEST_HEADER || PREFIX + length > bytes.length) return undefined;
  try {
    const parsed = headerSchema.safeParse(JSON.parse(bytes.toString('utf8', PREFIX, PREFIX + length)));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
