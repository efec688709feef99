/**
 * The bytes of a data file as a stream of strict UTF-8: hashed, without the byte order mark, cut at whole characters.
 * Anything that is not UTF-8 is refused with its place and a guess of what it is.
 */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { byteEncoding, firstInvalidByte, incompleteTail, previewOf, wideEncoding } from './encodingGuess.ts';
import { locate } from './locate.ts';
import { fileMessages, refuseData } from './messages.ts';

const CHUNK = 2 ** 20;
const MARK = Buffer.from([0xef, 0xbb, 0xbf]);

export interface Source {
  readonly file: string;
  /** Bytes of the byte order mark that were skipped; add them to offsets within the stream. */
  readonly markBytes: () => number;
  readonly chunks: () => AsyncGenerator<Buffer, void>;
  /** After the last chunk: the hash and size of the whole file. */
  readonly finish: () => { readonly hash: string; readonly bytes: number };
  readonly close: () => Promise<void>;
}

/** Opens a data file. Throws a `UserError` when it cannot be read or is empty. */
export async function openSource(file: string): Promise<Source> {
  const handle = await openFile(file);
  const before = await handle.stat();
  if (before.size === 0) {
    await handle.close();
    return refuseData({ file }, fileMessages.empty());
  }
  const hash = createHash('sha256');
  let bytes = 0;
  let mark = 0;

  async function* chunks(): AsyncGenerator<Buffer, void> {
    let carried: Buffer = Buffer.alloc(0);
    for (;;) {
      const buffer = Buffer.allocUnsafe(CHUNK);
      const { bytesRead } = await handle.read(buffer, 0, CHUNK, bytes);
      if (bytesRead === 0) break;
      const read = buffer.subarray(0, bytesRead);
      hash.update(read);
      const start = bytes - carried.length;
      bytes += bytesRead;
      let chunk = carried.length === 0 ? read : Buffer.concat([carried, read]);
      if (start === 0) {
        const wide = wideEncoding(chunk);
        if (wide !== undefined) refuseData({ file }, fileMessages.encoding(1, 0, wide.name, wide.preview));
        if (chunk.subarray(0, 3).equals(MARK)) {
          mark = 3;
          chunk = chunk.subarray(3);
        }
      }
      const whole = chunk.length - incompleteTail(chunk);
      const good = chunk.subarray(0, whole);
      if (!isUtf8(good)) await refuseEncoding(file, good, start + (start === 0 ? mark : 0));
      carried = Buffer.from(chunk.subarray(whole));
      if (good.length > 0) yield good;
    }
    if (carried.length > 0) await refuseEncoding(file, carried, bytes - carried.length);
    const after = await handle.stat();
    if (after.size !== before.size || after.mtimeMs !== before.mtimeMs || bytes !== before.size) {
      refuseData({ file }, fileMessages.changed());
    }
  }

  return {
    file,
    markBytes: () => mark,
    chunks,
    finish: () => ({ hash: hash.digest('hex'), bytes }),
    close: () => handle.close(),
  };
}

async function openFile(file: string): Promise<FileHandle> {
  try {
    // Opening a pipe would wait for its writer, so the kind is asked first.
    if ((await stat(file)).isFile()) return await open(file, 'r');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const reason = code === 'ENOENT' ? 'no such file' : code === 'EACCES' ? 'no permission' : code;
    return refuseData({ file }, fileMessages.unreadable(reason));
  }
  return refuseData({ file }, fileMessages.notAFile());
}

/** `start` is the place of `bytes` in the file. */
async function refuseEncoding(file: string, bytes: Buffer, start: number): Promise<never> {
  const at = Math.max(0, firstInvalidByte(bytes));
  const place = await locate(file, [start + at], { skipLineEnds: false });
  const { line, byte } = place[0] ?? { line: 1, byte: start + at };
  // Encoded surrogates (ED A0..BF xx) are a well-known fault of other encoders, not another encoding.
  if (bytes[at] === 0xed && ((bytes[at + 1] ?? 0) & 0xe0) === 0xa0) {
    return refuseData({ file }, fileMessages.surrogate(line, byte));
  }
  const sample = bytes.subarray(Math.max(0, at - 32_768), at + 32_768);
  const guess = byteEncoding(sample);
  if (guess === undefined) return refuseData({ file }, fileMessages.brokenUtf8(line, byte));
  // The preview begins at the line of the fault, where the reader can compare.
  const lineStart = bytes.lastIndexOf(0x0a, at) + 1;
  const preview = previewOf(bytes.subarray(lineStart), guess.name);
  return refuseData({ file }, fileMessages.encoding(line, byte, guess.name, preview));
}
