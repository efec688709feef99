/**
 * Writing safetensors: the same bytes for the same tensors on every machine. Tensors stand by descending element size
 * and then by name (bytes of UTF-8), as the reference writer orders them, and the header is padded with spaces to a
 * multiple of 8; so every tensor begins at a multiple of its element size. What the reader refuses, the writer
 * refuses as a bug.
 */
import { writeFileDurable } from '../base/durable.ts';
import { BugError } from '../base/errors.ts';
import { printName, withSystemErrors } from './refusal.ts';
import { byteLength, DTYPE_BYTES, LARGEST_HEADER, MOST_TENSORS, parseHeader } from './safetensorsHeader.ts';
import type { SafetensorsDtype } from './safetensorsHeader.ts';

export interface TensorToWrite {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /**
   * Row-major bytes of the tensor; a function is called when its turn comes, so that one tensor at a time is in
   * memory.
   */
  readonly data: ArrayBufferView | (() => ArrayBufferView);
}

const LENGTH_BYTES = 8;

/**
 * Writes a file durably: the old file or the whole new one is there, never a part.
 *
 * Throws a `UserError` when the disk is full or may not be written, and a `BugError` for tensors the reader would
 * refuse.
 */
export function writeSafetensors(
  path: string,
  tensors: Iterable<TensorToWrite>,
  metadata: ReadonlyMap<string, string> = new Map(),
): void {
  withSystemErrors(path, 'writing it', () => {
    writeFileDurable(path, safetensorsParts(tensors, metadata));
  });
}

/** The bytes of a file. Tensors in memory are copied; `safetensorsParts` copies none. */
export function encodeSafetensors(
  tensors: Iterable<TensorToWrite>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array {
  return Buffer.concat([...safetensorsParts(tensors, metadata)]);
}

/** The bytes of a file in parts: the header, then a view of each tensor. */
export function* safetensorsParts(
  tensors: Iterable<TensorToWrite>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Generator<Uint8Array> {
  const ordered = [...tensors].map((tensor) => ({ tensor, utf8: Buffer.from(tensor.name, 'utf8') }));
  if (ordered.length > MOST_TENSORS) throw new BugError(`a safetensors file holds at most ${MOST_TENSORS} tensors`);
  ordered.sort((a, b) => DTYPE_BYTES[b.tensor.dtype] - DTYPE_BYTES[a.tensor.dtype] || a.utf8.compare(b.utf8));
  yield headerBytes(
    ordered.map((o) => o.tensor),
    metadata,
  );
  for (const { tensor } of ordered) yield dataBytes(tensor);
}

function headerBytes(tensors: readonly TensorToWrite[], metadata: ReadonlyMap<string, string>): Uint8Array {
  const members: string[] = [];
  if (metadata.size > 0) {
    const entries = [...metadata].sort(([a], [b]) => (a < b ? -1 : 1));
    members.push(`"__metadata__":{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',')}}`);
  }
  let begin = 0;
  for (const { name, dtype, shape } of tensors) {
    const bytes = byteLength(shape, DTYPE_BYTES[dtype]);
    if (bytes === undefined)
      throw new BugError(`tensor ${printName(name)} of shape [${shape.join(', ')}] is too large`);
    const entry = `{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${begin},${begin + bytes}]}`;
    members.push(`${JSON.stringify(name)}:${entry}`);
    begin += bytes;
  }
  const json = Buffer.from(`{${members.join(',')}}`, 'utf8');
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, ' ');
  json.copy(padded);
  if (padded.length > LARGEST_HEADER) throw new BugError(`the safetensors header would be ${padded.length} bytes long`);
  requireReadable(padded, LENGTH_BYTES + padded.length + begin);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded]);
}

/** The reader is the judge of names, shapes and duplicates: what it would refuse is never written. */
function requireReadable(header: Uint8Array, size: number): void {
  try {
    parseHeader(header, size, 'the file to be written');
  } catch (error) {
    throw new BugError('a safetensors file that cannot be read back was about to be written', { cause: error });
  }
}

function dataBytes(tensor: TensorToWrite): Uint8Array {
  const data = typeof tensor.data === 'function' ? tensor.data() : tensor.data;
  const expected = byteLength(tensor.shape, DTYPE_BYTES[tensor.dtype]);
  if (data.byteLength !== expected) {
    throw new BugError(
      `tensor ${printName(tensor.name)}: ${tensor.dtype} of shape [${tensor.shape.join(', ')}] takes ${expected} bytes, got ${data.byteLength}`,
    );
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
